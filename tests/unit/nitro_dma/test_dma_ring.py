# amaranth: UnusedElaboratable=no

"""Indices of a ring against counters that never wrap."""

import random

import pytest

from rtl.nitro_dma.ring import Ring, fetch_burst
from tests.helpers import simulate


@pytest.mark.parametrize("length", [4, 7, 16])
def test_dma_ring_follows_unbounded_counters(length):
    dut = Ring(prefetch=8)
    rng = random.Random(length)

    async def testbench(ctx):
        ctx.set(dut.length, length)
        ctx.set(dut.enable, 1)
        announced = fetched = arrived = taken = 0
        for _ in range(1500):
            assert ctx.get(dut.pending) == announced - fetched
            assert (ctx.get(dut.head), ctx.get(dut.head_id)) == (
                fetched % length, (fetched // length + 1) % 4)
            assert (ctx.get(dut.tail), ctx.get(dut.tail_id)) == (
                announced % length, (announced // length + 1) % 4)
            assert ctx.get(dut.current) == taken % length
            assert ctx.get(dut.level) == arrived - taken
            assert ctx.get(dut.available) == (arrived > taken)
            assert ctx.get(dut.idle) == (arrived == fetched)
            assert ctx.get(dut.arrive_slot) == arrived % 8
            assert ctx.get(dut.take_slot) == taken % 8
            wanted = min(announced - fetched, fetch_burst(8))
            assert ctx.get(dut.wants) == (0 < wanted <= 8 - (fetched - taken))

            bell = rng.randrange(0, length - (announced - taken) + 1) * rng.randrange(2)
            fetch = 0
            if ctx.get(dut.wants) and rng.random() < 0.5:
                fetch = rng.randrange(1, min(wanted, length - fetched % length) + 1)
            arrive, take = arrived < fetched and rng.random() < 0.6, arrived > taken and \
                rng.random() < 0.5
            for port, value in ((dut.doorbell, bell > 0), (dut.doorbell_count, bell),
                                (dut.fetch, fetch > 0), (dut.fetch_count, fetch),
                                (dut.arrive, arrive), (dut.take, take)):
                ctx.set(port, value)
            announced, fetched = announced + bell, fetched + fetch
            arrived, taken = arrived + arrive, taken + take
            await ctx.tick()
        assert taken > 10 * length

    simulate(dut, testbench)


@pytest.mark.parametrize("bells", [(5,), (4, 1), (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF)])
def test_dma_ring_shows_an_overrun_and_forgets_it_when_cleared(bells):
    dut = Ring(prefetch=8)

    async def testbench(ctx):
        ctx.set(dut.length, 4)
        ctx.set(dut.enable, 1)
        for bell in bells:
            ctx.set(dut.doorbell, 1)
            ctx.set(dut.doorbell_count, bell)
            await ctx.tick()
        ctx.set(dut.doorbell, 0)
        assert ctx.get(dut.overrun) and not ctx.get(dut.wants)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        assert not ctx.get(dut.overrun) and ctx.get(dut.pending) == 0
        assert ctx.get(dut.head) == ctx.get(dut.tail) == 0
        assert ctx.get(dut.head_id) == ctx.get(dut.tail_id) == 1

    simulate(dut, testbench)
