# amaranth: UnusedElaboratable=no

"""Unit tests of the arbiters, the fork and the join."""

import random

import pytest
from amaranth import Module, Signal

from rtl.lib import RoundRobin, StreamArbiter, StreamContract, StreamFork, StreamJoin
from tests.helpers import PAUSES, get_all, put_all, simulate


def expected_grant(requests, last, count):
    """Index to serve: the first requester behind ``last``."""
    order = [(last + 1 + step) % count for step in range(count)]
    return next((index for index in order if requests >> index & 1), None)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_round_robin_serves_in_turn(count):
    dut = RoundRobin(count)
    rng = random.Random(count)

    async def testbench(ctx):
        requests, last, held = 0, count - 1, None
        for _ in range(400):
            # A requester may join at any time and leaves only when it was served.
            requests |= rng.randrange(1 << count) & rng.randrange(1 << count)
            advance = rng.randrange(2)
            ctx.set(dut.requests, requests)
            ctx.set(dut.advance, advance)
            chosen = expected_grant(requests, last, count) if held is None else held
            assert ctx.get(dut.grant) == (0 if chosen is None else 1 << chosen)
            held = chosen
            if advance and chosen is not None:
                requests &= ~(1 << chosen)
                last, held = chosen, None
            await ctx.tick()

    simulate(dut, testbench)


def test_round_robin_refuses_no_requesters():
    with pytest.raises(ValueError, match="positive integer, not 0"):
        RoundRobin(0)


@pytest.mark.parametrize("drain", PAUSES)
@pytest.mark.parametrize("fill", PAUSES)
def test_merge_keeps_every_beat_and_the_order_of_each_input(fill, drain):
    dut = StreamArbiter(10, 3)
    m = Module()
    m.submodules.dut = dut
    m.submodules.contract = contract = StreamContract(10)
    m.d.comb += contract.watch(dut.o)
    beats = [[source << 8 | index for index in range(60)] for source in range(3)]

    def source(index):
        async def run(ctx):
            await put_all(ctx, dut.i[index], beats[index], pause=fill, seed=index)
        return run

    async def sink(ctx):
        merged = await get_all(ctx, dut.o, 180, pause=drain, seed=9)
        for index in range(3):
            assert [beat for beat in merged if beat >> 8 == index] == beats[index]
        if fill == "always":
            turns = [beat >> 8 for beat in merged]
            assert turns == [0, 1, 2] * 60, "a requester waited for more than the others' turns"

    simulate(m, source(0), source(1), source(2), sink)


@pytest.mark.parametrize("drains", [("always", "bursty"), ("random", "always"),
                                    ("bursty", "random")])
def test_fork_gives_each_consumer_every_beat(drains):
    dut = StreamFork(8, 2)
    beats = list(range(100))

    async def source(ctx):
        await put_all(ctx, dut.i, beats, pause="random")

    def sink(index):
        async def run(ctx):
            got = await get_all(ctx, dut.o[index], 100, pause=drains[index], seed=index)
            assert got == beats
        return run

    simulate(dut, source, sink(0), sink(1))


@pytest.mark.parametrize("drain", PAUSES)
def test_join_pairs_beats(drain):
    dut = StreamJoin({"a": 8, "b": 4})
    m = Module()
    m.submodules.dut = dut
    m.d.sync += Signal().eq(dut.o.ready)        # the join alone has no clock to count cycles by

    def source(port, beats, pause):
        async def run(ctx):
            await put_all(ctx, port, beats, pause=pause)
        return run

    async def sink(ctx):
        pairs = await get_all(ctx, dut.o, 50, pause=drain)
        assert [(pair.a, pair.b) for pair in pairs] == [(n, n % 16) for n in range(50)]

    simulate(m, source(dut.i_a, range(50), "random"),
             source(dut.i_b, [n % 16 for n in range(50)], "bursty"), sink)
