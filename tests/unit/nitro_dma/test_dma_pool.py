# amaranth: UnusedElaboratable=no

"""The pool of descriptors against a queue for each ring."""

import random
from collections import deque

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.pool import DescriptorPool
from tests.helpers import simulate


@pytest.mark.parametrize("queues", [1, 4])
def test_dma_pool_keeps_each_rings_order(queues):
    config = DmaConfig(queues=queues, prefetch=16)
    dut = DescriptorPool(config)
    rng = random.Random(queues)
    rings = [deque() for _ in range(queues)]
    room = config.prefetch - queues
    fullest, both = 0, 0

    async def testbench(ctx):
        nonlocal fullest, both
        number = 0
        for cycle in range(3000):
            fill = (0.9, 0.4)[cycle // 100 % 2]
            ready = [i for i, ring in enumerate(rings) if ring]
            take = bool(ready) and rng.random() < 0.6
            store = sum(map(len, rings)) < room and rng.random() < fill
            who = rng.choice(ready) if take else 0
            whose = rng.randrange(queues)
            ctx.set(dut.take, take)
            ctx.set(dut.take_queue, who)
            ctx.set(dut.store, store)
            ctx.set(dut.store_queue, whose)
            ctx.set(dut.stored.descriptor.address, number)
            for queue in ready:
                ctx.set(dut.show, queue)
                assert ctx.get(dut.shown.descriptor.address) == rings[queue][0]
            await ctx.tick()
            if take:
                rings[who].popleft()
            if store:
                rings[whose].append(number)
                number += 1
            both += take and store and who == whose and len(rings[who]) == 1
            fullest = max(fullest, sum(map(len, rings)))

    simulate(dut, testbench)
    assert fullest == room, "never full"
    assert both > 5, "never a store and a departure of one ring that holds a single descriptor"
