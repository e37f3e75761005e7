# amaranth: UnusedElaboratable=no

"""Unit tests of :class:`StreamBuffer` and :class:`StreamFifo`: order, stalls, throughput."""

import random

import pytest
from amaranth import Module
from amaranth.lib import data

from rtl.lib import StreamBuffer, StreamContract, StreamFifo
from tests.helpers import PAUSES, get_all, put_all, simulate

PARTS = {
    "buffer": lambda: StreamBuffer(12),
    "fifo1": lambda: StreamFifo(12, 1),
    "fifo3": lambda: StreamFifo(12, 3),
    "fifo8": lambda: StreamFifo(12, 8),
    "fifo33": lambda: StreamFifo(12, 33),
}


def watched(part):
    """Return a module of ``part`` and the contract of its output."""
    m = Module()
    m.submodules.part = part
    m.submodules.contract = contract = StreamContract(part.shape)
    m.d.comb += contract.watch(part.o)
    return m


@pytest.mark.parametrize("drain", PAUSES)
@pytest.mark.parametrize("fill", PAUSES)
@pytest.mark.parametrize("name", PARTS)
def test_keeps_every_beat_in_order(name, fill, drain):
    part = PARTS[name]()
    rng = random.Random(1)
    beats = [rng.randrange(1 << 12) for _ in range(200)]

    async def source(ctx):
        await put_all(ctx, part.i, beats, pause=fill, seed=3)

    async def sink(ctx):
        assert await get_all(ctx, part.o, len(beats), pause=drain, seed=4) == beats
        await ctx.tick().repeat(4)
        assert not ctx.get(part.o.valid), "more beats came out than went in"

    simulate(watched(part), source, sink)


@pytest.mark.parametrize("name, latency", [("buffer", 1), ("fifo3", 1), ("fifo33", 2)])
def test_passes_a_beat_each_cycle_after_its_latency(name, latency):
    part = PARTS[name]()

    async def source(ctx):
        await put_all(ctx, part.i, range(50))

    async def sink(ctx):
        ctx.set(part.o.ready, 1)
        for cycle in range(50 + latency):
            valid, payload = ctx.get(part.o.valid), ctx.get(part.o.payload)
            assert valid == (cycle >= latency)
            if valid:
                assert payload == cycle - latency
            await ctx.tick()

    simulate(part, source, sink)


@pytest.mark.parametrize("name, capacity", [("buffer", 2), ("fifo1", 1), ("fifo8", 8),
                                            ("fifo33", 33)])
def test_holds_its_capacity_while_the_output_stalls(name, capacity):
    part = PARTS[name]()

    async def testbench(ctx):
        ctx.set(part.i.valid, 1)
        taken = 0
        for _ in range(capacity + 6):
            taken += ctx.get(part.i.ready)
            await ctx.tick()
        assert taken == capacity
        if name != "buffer":
            assert ctx.get(part.level) == capacity

    simulate(part, testbench)


@pytest.mark.parametrize("part", [StreamBuffer, lambda shape: StreamFifo(shape, 2),
                                  lambda shape: StreamFifo(shape, 40)])
def test_carries_structures(part):
    part = part(data.StructLayout({"addr": 9, "last": 1}))

    async def source(ctx):
        await put_all(ctx, part.i, [{"addr": 0x155, "last": 1}])

    async def sink(ctx):
        beat, = await get_all(ctx, part.o, 1)
        assert (beat.addr, beat.last) == (0x155, 1)

    simulate(part, source, sink)


@pytest.mark.parametrize("depth", [0, -1, "4"])
def test_fifo_refuses_other_depths(depth):
    with pytest.raises(ValueError, match="FIFO depth must be a positive integer"):
        StreamFifo(8, depth)


@pytest.mark.parametrize("second, message", [((0, 7), "valid fell"), ((1, 8), "payload changed")])
def test_contract_notices_a_broken_promise(second, message):
    dut = StreamContract(8)

    async def testbench(ctx):
        for valid, payload in ((1, 7), second):
            ctx.set(dut.valid, valid)
            ctx.set(dut.payload, payload)
            await ctx.tick()

    with pytest.raises(AssertionError, match=message):
        simulate(dut, testbench)
