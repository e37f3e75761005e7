# amaranth: UnusedElaboratable=no

"""Unit tests of the bridge to AXI4-Lite and of its decoder, with register banks behind them."""

import random
import types

import pytest
from amaranth.lib import wiring

from rtl.bus import AXI4LiteDecoder, AXI4Signature, AXI4ToLite, Burst, Resp, connect_axi4lite
from rtl.csr import Field, Register, RegisterBank, RegisterMap
from tests.helpers import simulate
from tests.unit.bus.axi_driver import (
    BEAT_BYTES,
    Read,
    Write,
    beat_addresses,
    drive,
    random_read,
    random_write,
    watched,
)

BUS = AXI4Signature(addr_width=20, data_width=128, id_width=3)
BASES = {"a": 0x1000, "b": 0x2000}
WORDS = 12                  # registers in each bank, of 16 in its 64 bytes


def bank():
    return RegisterBank(RegisterMap("bank", "Plain storage", [
        Register(f"R{index}", 4 * index, "Storage", [Field("value", 32, "rw", "Storage")])
        for index in range(WORDS)]))


class Bench:
    """Bridge, decoder and two banks; `log` holds the word accesses in order."""

    def __init__(self):
        self.bridge = AXI4ToLite(BUS)
        self.module = m = watched(self.bridge, bridge=self.bridge.s_axi)
        m.submodules.decoder = decoder = AXI4LiteDecoder(addr_width=20, subordinates={
            name: [types.SimpleNamespace(base=base, size=64)] for name, base in BASES.items()})
        wiring.connect(m, self.bridge.m_axil, decoder.s_axil)
        for name in BASES:
            m.submodules[name] = part = bank()
            connect_axi4lite(m, getattr(decoder, f"m_axil_{name}"), part.s_axil)
        self.writes, self.reads = [], []
        self.values = {}

    async def watch(self, ctx):
        lite = self.bridge.m_axil
        async for _, _, write, addr, strb, read, araddr in ctx.tick().sample(
                lite.wvalid & lite.wready, lite.awaddr, lite.wstrb, lite.arvalid & lite.arready,
                lite.araddr):
            if write:
                self.writes.append((addr, strb))
            if read:
                self.reads.append(araddr)

    def word(self, addr):
        """Return the response and value of a register."""
        for base in BASES.values():
            if base <= addr < base + 64:
                mapped = addr < base + 4 * WORDS
                return (Resp.OKAY, self.values.get(addr, 0)) if mapped else (Resp.SLVERR, 0)
        return Resp.DECERR, 0

    def write(self, item):
        """Apply a write; return its response and word accesses."""
        codes, words = [Resp.OKAY], []
        for addr, (word, strb) in zip(beat_addresses(item, len(item.beats)), item.beats,
                                      strict=True):
            row = addr // BEAT_BYTES * BEAT_BYTES
            for lane in range(4):
                lanes = strb >> 4 * lane & 15
                if not lanes:
                    continue
                target = row + 4 * lane
                words.append((target, lanes))
                resp, value = self.word(target)
                codes.append(resp)
                if resp is Resp.OKAY:
                    mask = sum(0xff << 8 * n for n in range(4) if lanes >> n & 1)
                    self.values[target] = value & ~mask | word >> 32 * lane & mask
        return max(codes, key=lambda code: code.value), words

    def read(self, item):
        """Return the beats of a read and its word accesses."""
        beats, words = [], []
        for addr in beat_addresses(item, item.count):
            end = (addr >> item.size) + 1 << item.size
            touched = range(addr // 4 * 4, end, 4)
            results = [self.word(word) for word in touched]
            words += touched
            beats.append((max((resp for resp, _ in results), key=lambda code: code.value),
                          sum(value << 8 * (word % 16)
                              for word, (_, value) in zip(touched, results, strict=True))))
        return beats, words


@pytest.mark.parametrize("pause", ["always", "random"])
def test_random_accesses_match_the_model(pause):
    bench = Bench()

    async def testbench(ctx):
        rng = random.Random(11)
        expected_writes, expected_reads = [], []
        for batch in range(12):
            base = rng.choice((0x1000, 0x1000, 0x2000, 0x3000))
            writes = [random_write(rng, base, 64, tag=rng.randrange(8), wrap=True)
                      for _ in range(3)]
            outcomes = [bench.write(item) for item in writes]
            expected_writes += [word for _, words in outcomes for word in words]
            results = await drive(ctx, bench.bridge.s_axi, writes, pause=pause, seed=batch)
            assert results.writes == [resp for resp, _ in outcomes]
            reads = [random_read(rng, base, 64, tag=rng.randrange(8), wrap=True)
                     for _ in range(3)]
            outcomes = [bench.read(item) for item in reads]
            expected_reads += [word for _, words in outcomes for word in words]
            results = await drive(ctx, bench.bridge.s_axi, reads, pause=pause, seed=batch)
            assert results.reads == [beats for beats, _ in outcomes]
        assert bench.writes == expected_writes
        assert bench.reads == expected_reads

    simulate(bench.module, testbench, processes=[bench.watch])


def test_wide_store_is_split_low_word_first_and_narrow_load_touches_one_register():
    bench = Bench()

    async def testbench(ctx):
        store = Write(0x1008, [(0x1111_2222_3333_4444 << 64, 0xff00)], size=3)
        results = await drive(ctx, bench.bridge.s_axi, [store])
        assert results.writes == [Resp.OKAY]
        assert bench.writes == [(0x1008, 15), (0x100c, 15)]
        results = await drive(ctx, bench.bridge.s_axi, [Read(0x100c, size=2), Read(0x1008, size=3)])
        assert bench.reads == [0x100c, 0x1008, 0x100c]
        assert results.reads == [[(Resp.OKAY, 0x1111_2222 << 96)],
                                 [(Resp.OKAY, 0x1111_2222_3333_4444 << 64)]]

    simulate(bench.module, testbench, processes=[bench.watch])


def test_write_without_strobes_accesses_nothing():
    bench = Bench()

    async def testbench(ctx):
        items = [Write(0x3000, [(1, 0)] * 2, burst=Burst.INCR)]
        assert (await drive(ctx, bench.bridge.s_axi, items)).writes == [Resp.OKAY]
        assert bench.writes == []

    simulate(bench.module, testbench, processes=[bench.watch])


@pytest.mark.parametrize("size, latency", [(2, 3), (3, 5), (4, 9)])
def test_read_latency(size, latency):
    bench = Bench()
    port = bench.bridge.s_axi

    async def testbench(ctx):
        for name, value in (("araddr", 0x1000), ("arsize", size), ("arvalid", 1)):
            ctx.set(getattr(port, name), value)
        cycles = 0
        while not ctx.get(port.rvalid):
            assert cycles < 20
            await ctx.tick()
            ctx.set(port.arvalid, 0)
            cycles += 1
        assert cycles == latency

    simulate(bench.module, testbench)
