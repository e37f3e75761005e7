# amaranth: UnusedElaboratable=no

"""Indices of a ring against counters that never wrap, and its share of the pool."""

import random

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.ring import FEW, GUARANTEED, Ring, fetch_burst, shared_places
from tests.helpers import simulate

CONFIG = DmaConfig(queues=1, prefetch=16)


def extra(reserved):
    return max(0, reserved - GUARANTEED)


@pytest.mark.parametrize("length", [4, 7, 16])
def test_dma_ring_follows_unbounded_counters(length):
    dut = Ring(CONFIG)
    rng = random.Random(length)
    burst = fetch_burst(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.length, length)
        ctx.set(dut.enable, 1)
        announced = fetched = arrived = taken = others = 0
        seen = set()
        for _ in range(2500):
            reserved = fetched - taken
            shared = shared_places(CONFIG) - extra(reserved) - others
            ctx.set(dut.shared, shared)
            assert ctx.get(dut.pending) == announced - fetched
            assert (ctx.get(dut.head), ctx.get(dut.head_id)) == (
                fetched % length, (fetched // length + 1) % 4)
            assert (ctx.get(dut.tail), ctx.get(dut.tail_id)) == (
                announced % length, (announced // length + 1) % 4)
            assert ctx.get(dut.current) == taken % length
            assert ctx.get(dut.level) == arrived - taken
            assert ctx.get(dut.idle) == (arrived == fetched)
            pending = announced - fetched
            room = max(0, shared - extra(reserved)) + max(0, GUARANTEED - reserved)
            assert ctx.get(dut.most) == (most := min(room, burst))
            enough = most > 0 if reserved < FEW else most >= min(pending, burst)
            assert ctx.get(dut.wants) == (pending > 0 and enough)
            seen.add((most, reserved < FEW))

            bell = rng.randrange(0, length - (announced - taken) + 1) * rng.randrange(2)
            fetch = 0
            if ctx.get(dut.wants) and rng.random() < 0.5:
                fetch = rng.randrange(1, min(most, pending, length - fetched % length) + 1)
            arrive, take = arrived < fetched and rng.random() < 0.6, arrived > taken and \
                rng.random() < 0.5
            for port, value in ((dut.doorbell, bell > 0), (dut.doorbell_count, bell),
                                (dut.fetch, fetch > 0), (dut.fetch_count, fetch),
                                (dut.arrive, arrive), (dut.take, take)):
                ctx.set(port, value)
            assert ctx.get(dut.available) == (arrived > taken or arrive)
            grows = ctx.get(dut.grows) if fetch else 0
            announced, fetched = announced + bell, fetched + fetch
            arrived, taken = arrived + arrive, taken + take
            assert grows - ctx.get(dut.shrinks) == extra(fetched - taken) - extra(reserved)
            free = shared_places(CONFIG) - extra(fetched - taken)
            assert free >= 0, "more descriptors than places"
            if rng.random() < 0.1:
                others = rng.randrange(free + 1)
            others = min(others, free)
            await ctx.tick()
        assert taken > 10 * length
        assert {most for most, _ in seen} == set(range(burst + 1)) and (0, True) in seen

    simulate(dut, testbench)


@pytest.mark.parametrize("bells", [(5,), (4, 1), (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF)])
def test_dma_ring_shows_an_overrun_and_forgets_it_when_cleared(bells):
    dut = Ring(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.length, 4)
        ctx.set(dut.enable, 1)
        ctx.set(dut.shared, shared_places(CONFIG))
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
