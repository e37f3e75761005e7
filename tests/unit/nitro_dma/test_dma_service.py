# amaranth: UnusedElaboratable=no

"""Shares and rates in every cycle, against accounts in Python."""

import random

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.service import RATE_CYCLES, ServiceShares, quantum
from tests.helpers import simulate


@pytest.mark.parametrize("queues, entitled", [
    (4, [(1, 0, 0), (2, 100, 5000), (16, 7, 1), (15, 16384, 65535)]),
    (1, [(3, 300, 900)]),
])
def test_dma_service_keeps_accounts(queues, entitled):
    """Pieces of up to 64 KiB, only of pairs that have credit and tokens, as the planner does."""
    config = DmaConfig(queues=queues)
    dut = ServiceShares(config)
    rng = random.Random(queues)

    async def testbench(ctx):
        credit, tokens = [0] * queues, [0] * queues
        for queue, (weight, rate, burst) in zip(dut.queue, entitled, strict=True):
            ctx.set(queue.weight_m1, weight - 1)
            ctx.set(queue.rate, rate)
            ctx.set(queue.burst, burst)
        seen = set()
        for cycle in range(12_000):
            free = [rate == 0 or tokens[i] > 0 for i, (_, rate, _) in enumerate(entitled)]
            assert ctx.get(dut.credit) == sum((credit[i] > 0) << i for i in range(queues))
            assert ctx.get(dut.tokens) == sum(free[i] << i for i in range(queues))
            start = [i for i in range(queues) if credit[i] > 0 and free[i] and rng.random() < 0.2]
            start = [rng.choice(start)] if start else []
            begins = not start and rng.random() < 0.05
            length = rng.choice((1, 65536, rng.randrange(1, 65537), rng.randrange(1, 2000)))
            ctx.set(dut.round, begins)
            ctx.set(dut.spend, bool(start))
            ctx.set(dut.spender, start[0] if start else 0)
            ctx.set(dut.length_m1, length - 1)
            for i, (weight, rate, burst) in enumerate(entitled):
                share = weight * quantum(config)
                if begins:
                    credit[i] += share
                credit[i] = min(credit[i], share)
                if cycle % RATE_CYCLES == 0 and cycle:
                    tokens[i] += rate
                tokens[i] = min(tokens[i], burst)
                if start and i == start[0]:
                    credit[i] -= length
                    tokens[i] -= length
                seen.add((i, credit[i] > 0, tokens[i] > 0))
            await ctx.tick()
        assert {(i, some) for i, some, _ in seen} == {(i, some) for i in range(queues)
                                                      for some in (False, True)}

    simulate(dut, testbench)
