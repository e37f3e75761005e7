# amaranth: UnusedElaboratable=no

"""Unit tests of :class:`AXI4Sram` and :class:`AXI4Rom` against a bytearray."""

import random

import pytest

from rtl.bus import AXI4Signature, Resp
from rtl.bus.memory import AXI4Rom, AXI4Sram
from tests.helpers import simulate
from tests.unit.bus.axi_driver import (
    Read,
    Reference,
    Write,
    drive,
    random_read,
    random_write,
    watched,
)

BUS = AXI4Signature(addr_width=20, data_width=128, id_width=3)


@pytest.mark.parametrize("pause", ["always", "random", "bursty"])
def test_sram_holds_what_was_written(pause):
    dut = AXI4Sram(BUS, size_bytes=4096)

    async def testbench(ctx):
        rng = random.Random(5)
        reference = Reference(4096)
        for batch in range(8):
            # Writes and reads run together, in separate halves, which swap roles.
            low, high = (0, 2048) if batch % 2 else (2048, 0)
            writes = [random_write(rng, low, 2048, tag=rng.randrange(8)) for _ in range(8)]
            reads = [random_read(rng, high, 2048, tag=rng.randrange(8)) for _ in range(8)]
            expected = [reference.read(item) for item in reads]
            results = await drive(ctx, dut.s_axi, writes + reads, pause=pause, seed=batch)
            assert results.writes == [Resp.OKAY] * len(writes)
            assert results.reads == [[(Resp.OKAY, word) for word in words] for words in expected]
            for item in writes:
                reference.write(item)

    simulate(watched(dut, sram=dut.s_axi), testbench)


def test_sram_follows_wrapping_and_fixed_bursts():
    dut = AXI4Sram(BUS, size_bytes=4096)

    async def testbench(ctx):
        rng = random.Random(6)
        reference = Reference(4096)
        for batch in range(6):
            writes = [random_write(rng, 0, 4096, wrap=True) for _ in range(6)]
            assert (await drive(ctx, dut.s_axi, writes, seed=batch)).writes == [Resp.OKAY] * 6
            for item in writes:
                reference.write(item)
            reads = [random_read(rng, 0, 4096, wrap=True) for _ in range(6)]
            results = await drive(ctx, dut.s_axi, reads, seed=batch)
            assert [[word for _, word in beats] for beats in results.reads] == [
                reference.read(item) for item in reads]

    simulate(watched(dut, sram=dut.s_axi), testbench)


def test_sram_streams_one_beat_a_cycle():
    dut = AXI4Sram(BUS, size_bytes=4096)

    async def testbench(ctx):
        ctx.set(dut.s_axi.arvalid, 1)
        ctx.set(dut.s_axi.arlen, 15)
        ctx.set(dut.s_axi.arsize, 4)
        ctx.set(dut.s_axi.rready, 1)
        valid = []
        for _ in range(48):
            valid.append(ctx.get(dut.s_axi.rvalid))
            await ctx.tick()
        assert valid == [0] + [1] * 47

    simulate(dut, testbench)


@pytest.mark.parametrize("size_bytes", [16, 48, 0])
def test_sram_refuses_other_sizes(size_bytes):
    with pytest.raises(ValueError, match="SRAM size must be a power of two"):
        AXI4Sram(BUS, size_bytes=size_bytes)


@pytest.mark.parametrize("pause", ["always", "random"])
def test_rom_reads_its_words_and_refuses_writes(pause):
    words = [0x1000 + index for index in range(21)]
    dut = AXI4Rom(BUS, words=words)
    assert dut.size_bytes == 128

    async def testbench(ctx):
        items = [Read(0, 8, 1), Read(0x50, 1, 2), Write(0, [(5, 0xffff)] * 3, 3), Read(0x14, 1, 1)]
        results = await drive(ctx, dut.s_axi, items, pause=pause)
        assert results.writes == [Resp.SLVERR]
        padded = words + [0] * 11
        rows = [sum(padded[4 * row + lane] << 32 * lane for lane in range(4)) for row in range(8)]
        assert results.reads == [[(Resp.OKAY, row) for row in rows], [(Resp.OKAY, rows[5])],
                                 [(Resp.OKAY, rows[1])]]

    simulate(watched(dut, rom=dut.s_axi), testbench)
