"""The helpers of the unit tests, on a register slice."""

import itertools
import re
from pathlib import Path

import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tests.helpers import PAUSES, get, get_all, pauses, put_all, simulate, wrap


class Slice(wiring.Component):
    """Half-throughput register slice."""

    def __init__(self):
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


@pytest.mark.parametrize("give, take", [*itertools.product(PAUSES, PAUSES)])
def test_payloads_arrive_once_and_in_order(give, take):
    dut, received = Slice(), []

    async def producer(ctx):
        await put_all(ctx, dut.i, range(40), pause=give)

    async def consumer(ctx):
        received.extend(await get_all(ctx, dut.o, 40, pause=take))

    simulate(dut, producer, consumer)
    assert received == list(range(40))


def test_waiting_forever_fails_and_leaves_waves():
    dut = Slice()

    async def consumer(ctx):
        await get(ctx, dut.o)

    with pytest.raises(AssertionError, match="still waits after 50 cycles") as caught:
        simulate(dut, consumer, max_cycles=50)
    path = Path(re.search(r"Waves: (\S+\.vcd)$", caught.value.__notes__[0])[1])
    assert "$enddefinitions" in path.read_text()
    assert "test_waiting_forever_fails_and_leaves_waves" in path.name


def test_background_process_does_not_keep_the_run_alive():
    dut, seen = Slice(), []

    async def monitor(ctx):
        async for *_, valid in ctx.tick().sample(dut.o.valid):
            seen.append(valid)

    async def testbench(ctx):
        await ctx.tick().repeat(5)

    simulate(dut, testbench, processes=[monitor])
    assert len(seen) >= 4


def test_unknown_pause():
    with pytest.raises(ValueError, match="one of always, random, bursty, not 'never'"):
        next(pauses("never", 1))


def test_wrap():
    assert [wrap(value, 4) for value in (7, 8, 15, 16, -8, -9)] == [7, -8, -1, 0, -8, 7]
