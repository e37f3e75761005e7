"""Semaphores: additions, waits, and what may happen in one cycle."""

import random

from rtl.matmul.semaphores import Semaphores
from tests.helpers import simulate

COUNT = 4


def test_two_changes_in_one_cycle():
    dut = Semaphores(COUNT)

    async def drive(ctx):
        ctx.set(dut.host_write, 1)
        ctx.set(dut.host_index, 2)
        ctx.set(dut.host_amount, 0x10000 - 3)
        ctx.set(dut.finish_valid, 1)
        ctx.set(dut.finish_index, 2)
        ctx.set(dut.finish_amount, 5)
        await ctx.tick()
        assert [ctx.get(value) for value in dut.values] == [0, 0, 2, 0]

    simulate(dut, drive)


def test_wait_is_granted_when_the_value_is_reached_and_consumes():
    dut = Semaphores(COUNT)

    async def drive(ctx):
        port = dut.wait[0]
        ctx.set(port.payload, {"index": 1, "value": 3, "consume": 1})
        ctx.set(port.valid, 1)
        for value in (1, 1):
            ctx.set(dut.finish_valid, 1)
            ctx.set(dut.finish_index, 1)
            ctx.set(dut.finish_amount, value)
            await ctx.tick()
            assert not ctx.get(port.ready)
        await ctx.tick()
        assert ctx.get(port.ready)
        ctx.set(dut.finish_amount, 4)
        await ctx.tick()
        ctx.set(port.valid, 0)
        ctx.set(dut.finish_valid, 0)
        assert ctx.get(dut.values[1]) == 3 - 3 + 4

    simulate(dut, drive)


def test_random_traffic_loses_nothing():
    """Every addition arrives; no wait passes below its value; nobody starves."""
    dut = Semaphores(COUNT)
    rng = random.Random(1)
    model = [0] * COUNT
    granted = [0, 0]

    async def drive(ctx):
        for port in dut.wait:
            ctx.set(port.payload, {"index": rng.randrange(COUNT), "value": 2, "consume": 1})
        for _ in range(3_000):
            host, finish = rng.random() < 0.1, rng.random() < 0.3
            ctx.set(dut.host_write, host)
            ctx.set(dut.host_index, host_index := rng.randrange(COUNT))
            ctx.set(dut.host_amount, host_amount := rng.randrange(3))
            ctx.set(dut.finish_valid, finish)
            ctx.set(dut.finish_index, finish_index := rng.randrange(COUNT))
            ctx.set(dut.finish_amount, finish_amount := rng.randrange(3))
            for port in dut.signal:
                if not ctx.get(port.valid) and rng.random() < 0.2:
                    ctx.set(port.payload, {"index": rng.randrange(COUNT),
                                           "amount": rng.randrange(3), "interrupt": 0})
                    ctx.set(port.valid, 1)
            for port in dut.wait:
                ctx.set(port.valid, 1)
            await ctx.delay(1e-10)
            taken = [(port, ctx.get(port.ready) and ctx.get(port.valid))
                     for port in (*dut.signal, *dut.wait)]
            if host:
                model[host_index] += host_amount
            if finish:
                model[finish_index] += finish_amount
            for engine, (port, ready) in enumerate(taken):
                if not ready:
                    continue
                payload = ctx.get(port.payload)
                if engine < 2:
                    model[payload.index] += payload.amount
                else:
                    assert ctx.get(dut.values[payload.index]) >= payload.value
                    model[payload.index] -= payload.value
                    granted[engine - 2] += 1
            await ctx.tick()
            for engine, (port, ready) in enumerate(taken):
                if ready and engine < 2:
                    ctx.set(port.valid, 0)
                elif ready:
                    ctx.set(port.payload, {"index": rng.randrange(COUNT),
                                           "value": rng.randrange(4), "consume": 1})
            assert [ctx.get(value) for value in dut.values] == model
        assert min(granted) > 100

    simulate(dut, drive)
