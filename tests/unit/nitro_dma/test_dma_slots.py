# amaranth: UnusedElaboratable=no

"""Slots of push mode over the bus, against lists."""

import random
from collections.abc import Iterable

import pytest

from rtl.bus import Resp
from rtl.config import DmaConfig
from rtl.nitro_dma.encoding import SLOT_BYTES, SLOT_END, SLOT_S2M, SLOTS
from rtl.nitro_dma.push import PushPages
from tests.helpers import simulate
from tests.unit.nitro_dma.test_dma_manager import read, write

WORDS = (SLOT_S2M + 16) // 4


def shown(ctx, dut, half):
    return ctx.get(getattr(dut, half).descriptor.as_value())


async def complete(ctx, dut, queue, slot, words, order: Iterable[int] = range(WORDS)):
    """Write a slot; return the response to its last word."""
    base = 0x1000 * queue + SLOT_BYTES * slot
    for word in order:
        assert await write(ctx, dut.s_axil, base + 4 * word, words[word]) == Resp.OKAY
    return await write(ctx, dut.s_axil, base + SLOT_END, 0)


@pytest.mark.parametrize("queues", [1, 4])
def test_dma_push_slots_are_lists(queues):
    """Descriptors come out as written, each half at its own pace; what has no room is refused."""
    dut = PushPages(DmaConfig(queues=queues))
    rng = random.Random(queues)

    async def testbench(ctx):
        lists = [([], []) for _ in range(queues)]
        refused = 0
        for queue in dut.queue:
            ctx.set(queue.enable, 1)
        for _ in range(120):
            number = rng.randrange(queues)
            halves, ports = lists[number], dut.queue[number]
            ctx.set(dut.show, number)
            if rng.random() < 0.5:
                words = [rng.getrandbits(32) for _ in range(WORDS)]
                free = SLOTS - max(map(len, halves))
                assert ctx.get(ports.free) == free
                if free:
                    order = rng.sample(range(WORDS), WORDS)
                    slot = rng.randrange(0x1000 // SLOT_BYTES)
                    assert await complete(ctx, dut, number, slot, words, order) == Resp.OKAY
                    for half, content in zip(halves, (words[:4], words[4:]), strict=True):
                        half.append(sum(word << 32 * i for i, word in enumerate(content)))
                else:
                    refused += 1
                    assert await write(ctx, dut.s_axil, 0x1000 * number, 1) == Resp.SLVERR
            else:
                for half, name in zip(halves, ("m2s", "s2m"), strict=True):
                    assert ctx.get(getattr(ports, f"{name}_available")) == bool(half)
                    if half and rng.random() < 0.6:
                        assert shown(ctx, dut, name) == half.pop(0)
                        ctx.set(getattr(ports, f"{name}_take"), 1)
                await ctx.tick()
                ctx.set(ports.m2s_take, 0)
                ctx.set(ports.s2m_take, 0)
        assert refused

    simulate(dut, testbench)


def test_dma_push_refuses():
    """Off, incomplete, cleared, or by parts of words: SLVERR, and nothing is taken."""
    dut = PushPages(DmaConfig(queues=2))
    queue, bus = dut.queue[1], dut.s_axil

    async def testbench(ctx):
        ctx.set(dut.show, 1)
        assert await write(ctx, bus, 0x1000, 1) == Resp.SLVERR
        ctx.set(queue.enable, 1)
        assert await write(ctx, bus, 0x1000, 1, strobes=7) == Resp.SLVERR
        assert await write(ctx, bus, 0x1002, 1) == Resp.SLVERR
        assert (await read(ctx, bus, 0x1000))[0] == Resp.SLVERR
        for missing in range(WORDS):
            words = [100 * missing + i for i in range(WORDS)]
            for word in range(WORDS):
                if word != missing:
                    await write(ctx, bus, 0x1000 + 4 * word, words[word])
            assert not ctx.get(queue.soon)
            assert await write(ctx, bus, 0x1000 + SLOT_END, 0) == Resp.SLVERR
            assert not ctx.get(queue.m2s_available) and ctx.get(queue.free) == SLOTS
            ctx.set(queue.clear, 1)
            await ctx.tick()
            ctx.set(queue.clear, 0)
        words = [7 * i for i in range(WORDS)]
        assert await complete(ctx, dut, 1, 0, words) == Resp.OKAY
        assert shown(ctx, dut, "s2m") == sum(word << 32 * i for i, word in enumerate(words[4:]))
        assert await write(ctx, bus, 0x1000 + SLOT_END, 0) == Resp.SLVERR     # nothing written yet
        ctx.set(queue.clear, 1)
        await ctx.tick()
        ctx.set(queue.clear, 0)
        await ctx.tick()
        assert not ctx.get(queue.m2s_available) and not ctx.get(queue.s2m_available)
        assert not ctx.get(dut.queue[0].m2s_available)

    simulate(dut, testbench)


def test_dma_push_tells_ahead():
    """`soon` from the cycle of the last missing word on, `available` from that of the end on."""
    dut = PushPages(DmaConfig(queues=2))
    queue, bus = dut.queue[0], dut.s_axil
    trace = []

    async def monitor(ctx):
        while True:
            taken, address, soon, touched, available = (
                *(ctx.get(wire) for wire in (bus.awvalid & bus.wvalid & bus.awready, bus.awaddr,
                                             queue.soon, queue.touched, queue.m2s_available)),)
            trace.append((address // 4 if taken else None, soon, touched, available))
            await ctx.tick()

    async def testbench(ctx):
        ctx.set(queue.enable, 1)
        words = [0] * WORDS
        assert await complete(ctx, dut, 0, 0, words, [*range(WORDS), 3]) == Resp.OKAY
        await ctx.tick()

    simulate(dut, testbench, processes=[monitor])
    words = [word for word, *_ in trace]
    ready, again, end = words.index(WORDS - 1), words.index(3, 5 * 2), words.index(SLOT_END // 4)
    assert ready < again < end
    for cycle, (_, soon, touched, available) in enumerate(trace[:end + 2]):
        assert soon == (ready <= cycle <= end)
        assert touched == (words[cycle] is not None and cycle != end)
        assert available == (cycle >= end)
