# amaranth: UnusedElaboratable=no

"""Lines of completions against a list for each ring."""

import random

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.coalescer import LINE, Coalescer
from tests.helpers import simulate

CONFIG = DmaConfig(queues=2)
RINGS = 2 * CONFIG.queues


class Bench:
    """Feeds packets, takes lines with random stalls, and keeps what each ring was given."""

    def __init__(self, dut, lengths, enabled=(1 << RINGS) - 1):
        self.dut = dut
        self.lengths = lengths
        self.enabled = enabled
        self.given = [[] for _ in range(RINGS)]
        self.lines = []         # (ring, first, entries, interrupt)
        self.unwritten = [0] * RINGS

    async def feed(self, ctx, packets):
        dut = self.dut
        ctx.set(dut.enable, self.enabled)
        for i, length in enumerate(self.lengths):
            ctx.set(dut.length[i], length)
        for queue, cause, count, request, interrupt in packets:
            payload = dut.i.payload
            for name, value in (("queue", queue), ("cause", cause), ("bytes", count),
                                ("m2s_index", count % 97), ("s2m_index", count % 89),
                                ("m2s_request", request), ("s2m_interrupt", interrupt)):
                ctx.set(payload[name], value)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            said = 0 if cause else count
            if self.enabled >> 2 * queue + 1 & 1:
                self.given[2 * queue + 1].append((cause, said, count % 89, interrupt))
            if request and self.enabled >> 2 * queue & 1:
                self.given[2 * queue].append((cause, said, count % 97, 1))

    async def watch(self, ctx, rng, ready):
        """Read each line place by place, the way the writer does."""
        dut = self.dut
        while True:
            ctx.set(dut.o.ready, 0)
            if ctx.get(dut.o.valid) and rng.random() < ready:
                line = dut.o.payload
                ring, first = ctx.get(line.ring), ctx.get(line.first)
                entries = []
                for i in range(ctx.get(line.count_m1) + 1):
                    ctx.set(dut.slot, (ctx.get(line.slot) + i) % (2 * LINE))
                    entry = ctx.get(dut.entry)
                    entries.append((entry.cause, entry.bytes, entry.index, entry.interrupt,
                                    entry.ring_id))
                    if i < ctx.get(line.count_m1):
                        await ctx.tick()
                self.lines.append((ring, first, entries, ctx.get(line.interrupt)))
                ctx.set(dut.o.ready, 1)
            await ctx.tick()

    async def count(self, ctx):
        """Count interrupts of completions that are not written."""
        while True:
            strobes = ctx.get(self.dut.unwritten)
            for i in range(RINGS):
                self.unwritten[i] += strobes >> i & 1
            await ctx.tick()

    def check(self):
        """Every completion of every ring is in one line, at its index, with its ring id."""
        found = [[] for _ in range(RINGS)]
        for ring, first, entries, interrupt in self.lines:
            assert first == len(found[ring]) % self.lengths[ring]
            assert first % LINE + len(entries) <= LINE
            assert interrupt == any(entry[3] for entry in entries)
            for entry in entries:
                number = len(found[ring])
                assert entry[4] == (number // self.lengths[ring] + 1) % 4
                found[ring].append(entry[:4])
        assert found == self.given


@pytest.mark.parametrize("ready", [1, 0.15])
def test_dma_coalescer_loses_nothing(ready):
    """Rings of odd lengths, errors, interrupts, M2S completions, a ring that is not enabled."""
    rng = random.Random(int(ready * 100))
    dut = Coalescer(CONFIG)
    bench = Bench(dut, [5, 6, 9, 64], enabled=0b1011)
    packets = [(rng.randrange(2), rng.choice((0, 0, 0, 8)), rng.randrange(1, 5000),
                int(rng.random() < 0.3), int(rng.random() < 0.2)) for _ in range(300)]

    async def feeder(ctx):
        for packet in packets:
            if rng.random() < 0.3:
                ctx.set(dut.tick, rng.randrange(2))
                await ctx.tick().repeat(rng.randrange(1, 12))
                ctx.set(dut.tick, 0)
            await bench.feed(ctx, [packet])
        ctx.set(dut.flush, (1 << RINGS) - 1)
        await ctx.tick().repeat(400)

    async def watcher(ctx):
        await bench.watch(ctx, rng, ready)

    simulate(dut, feeder, processes=[watcher, bench.count])
    bench.check()
    assert bench.unwritten[2] == sum(p[3] for p in packets if p[0] == 1)
    assert {len(line[2]) for line in bench.lines} == {1, 2, 3, 4}


@pytest.mark.parametrize("why, packets, lines", [
    ("full", [(0, 0, 10, 0, 0)] * 9, [4, 4]),
    ("interrupt", [(0, 0, 10, 0, 0), (0, 0, 10, 0, 1)], [2]),
    ("error", [(0, 0, 10, 0, 0), (0, 11, 10, 0, 0)], [2]),
    ("tick", [(0, 0, 10, 0, 0)] * 3, [3]),
    ("quiet", [(0, 0, 10, 0, 0)] * 3, [3]),
    ("flush", [(0, 0, 10, 0, 0)] * 3, [3]),
    ("nothing", [(0, 0, 10, 0, 0)] * 3, []),
])
def test_dma_coalescer_waits_for_a_reason(why, packets, lines):
    dut = Coalescer(CONFIG)
    bench = Bench(dut, [16] * RINGS)

    async def feeder(ctx):
        await bench.feed(ctx, packets)
        for name, value in (("tick", 1), ("quiet", 1), ("flush", 2)):
            ctx.set(getattr(dut, name), value * (why == name))
        await ctx.tick()
        ctx.set(dut.tick, 0)
        await ctx.tick().repeat(20)

    async def watcher(ctx):
        await bench.watch(ctx, random.Random(0), 1)

    simulate(dut, feeder, processes=[watcher])
    assert [len(line[2]) for line in bench.lines] == lines
