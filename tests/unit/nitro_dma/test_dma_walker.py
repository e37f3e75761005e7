# amaranth: UnusedElaboratable=no

"""Rows of buffers of several dimensions, interleaved between queue pairs, against index grids."""

import random

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.walker import Walker
from tests.helpers import simulate
from tests.models.test_dma_model import rows

TOP = 1 << 40


@pytest.mark.parametrize("queues", [1, 4])
def test_dma_walker_visits_every_row_once_in_order(queues):
    dut = Walker(DmaConfig(queues=queues))
    rng = random.Random(queues)

    async def strobe(ctx, signal):
        ctx.set(signal, 1)
        await ctx.tick()
        ctx.set(signal, 0)

    async def begin(ctx, queue):
        """Give a pair a new buffer; return where its rows are."""
        shape = [(rng.randrange(1, 5), rng.randrange(-TOP // 2, TOP // 2))
                 for _ in range(rng.randrange(5))]
        address = rng.randrange(TOP)
        ctx.set(dut.queue, queue)
        for place, (count, stride) in enumerate(shape):
            for port, value in ((dut.place, place), (dut.count, count), (dut.stride, stride % TOP)):
                ctx.set(port, value)
            await strobe(ctx, dut.add)
        return address, len(shape), [int(row) % TOP for row in rows(address, shape)]

    async def testbench(ctx):
        buffers = {}
        finished = 0
        while finished < 60:
            queue = rng.randrange(queues)
            if queue not in buffers:
                buffers[queue] = [*await begin(ctx, queue), 0]
            address, dimensions, wanted, done = buffers[queue]
            for port, value in ((dut.queue, queue), (dut.begun, done > 0), (dut.address, address),
                                (dut.dimensions, dimensions)):
                ctx.set(port, value)
            assert ctx.get(dut.row) == wanted[done]
            await strobe(ctx, dut.load)
            for _ in range(rng.randrange(1, 8)):
                assert ctx.get(dut.final) == (done == len(wanted) - 1)
                if ctx.get(dut.final):
                    del buffers[queue]
                    finished += 1
                    break
                assert ctx.get(dut.after) == wanted[done + 1]
                step = rng.random() < 0.8       # else a part of the row
                ctx.set(dut.step, step)
                await strobe(ctx, dut.save)
                done += step
            else:
                if done == 0:                   # a buffer is begun with the first part of a row
                    del buffers[queue]
                else:
                    buffers[queue][3] = done

    simulate(dut, testbench)
