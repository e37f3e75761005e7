# amaranth: UnusedElaboratable=no

"""Bursts and lanes of pieces, exhaustively around 4 KiB and over all alignments."""

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.legaliser import Aligner, BurstSplitter
from sim.models.dma import Burst, legalise
from tests.helpers import PAUSES, get_all, put_all, simulate

NARROW = DmaConfig(data_width=64, max_burst=4)


def span(address, length, beat_bytes):
    first, last = address // beat_bytes, (address + length - 1) // beat_bytes
    return {"beat": first, "beats_m1": last - first, "tag": address % 256}


@pytest.mark.parametrize("config", [NARROW, DmaConfig(),
                                    DmaConfig(data_width=512, descriptor_port=True, max_burst=256,
                                              buffer_bytes=32768)])
def test_dma_bursts_around_a_page(config):
    """All addresses within two beats of a page boundary, lengths around beat, burst and page."""
    beat_bytes = config.data_width // 8
    step = max(1, beat_bytes // 16)
    cases = [(page - offset, length) for page in (4096, 1 << 39)
             for offset in range(-2 * beat_bytes, 2 * beat_bytes + 1, step)
             for length in (1, beat_bytes - 1, beat_bytes, beat_bytes + 1, 3 * beat_bytes,
                            4096)]
    if config.max_burst >= 16:
        cases.append((4095, 65536))
    check_bursts(config, cases, "always")


@pytest.mark.parametrize("pause", PAUSES)
def test_dma_bursts_under_back_pressure(pause):
    check_bursts(NARROW, [(4096 * i - 37 * i, 1 + 83 * i) for i in range(1, 40)], pause)


def check_bursts(config, cases, pause):
    dut = BurstSplitter(config, 8)
    beat_bytes = config.data_width // 8
    expected = []
    for address, length in cases:
        bursts = legalise(address, length, beat_bytes=beat_bytes, max_burst=config.max_burst)
        expected += [(burst, i == 0, i == len(bursts) - 1, address % 256)
                     for i, burst in enumerate(bursts)]

    async def source(ctx):
        await put_all(ctx, dut.i, [span(*case, beat_bytes) for case in cases], pause=pause)

    async def sink(ctx):
        found = await get_all(ctx, dut.o, len(expected), pause=pause)
        for burst, wanted in zip(found, expected, strict=True):
            assert (Burst(burst.beat * beat_bytes, burst.len + 1), burst.first, burst.last,
                    burst.tag) == wanted

    simulate(dut, source, sink)


def test_dma_lanes_of_every_alignment():
    """The five rules of AlignedLayout, by moving named bytes, for 8 lanes and lengths to 40."""
    dut = Aligner(NARROW)
    seen = set()

    async def testbench(ctx):
        for src in range(8):
            for dst in range(8):
                for length in range(1, 41):
                    piece = {"src": 0x1000 + src, "dst": 0x2000 + dst, "length_m1": length - 1,
                             "queue": 0, "moves": 1, "last": 0}
                    ctx.set(dut.i, piece)
                    check_lanes(ctx.get(dut.o), src, dst, length)
                    seen.add((ctx.get(dut.o.skew), ctx.get(dut.o.flush)))
        ctx.set(dut.i.moves, 0)
        assert ctx.get(dut.o.dst_beats_m1) == 0

    simulate(dut, testbench)
    assert len(seen) == 4


def check_lanes(o, src, dst, length):
    """Move bytes numbered from 0 as the layout says, and look where they arrive."""
    source = [[None] * 8 for _ in range(o.src_beats_m1 + 1)]
    for byte in range(length):
        source[(src + byte) // 8][(src + byte) % 8] = byte
    rotated = [[beat[(lane - o.shift) % 8] for lane in range(8)] for beat in source]
    if o.skew:
        previous, rotated = rotated[0], rotated[1:]
    else:
        previous = [None] * 8
    moved = []
    for t in range(o.dst_beats_m1 + 1):
        flushes = o.flush and t == o.dst_beats_m1
        newest = [None] * 8 if flushes else rotated.pop(0)
        beat = [previous[lane] if lane < o.shift else newest[lane] for lane in range(8)]
        low = o.first_lane if t == 0 else 0
        high = o.last_lane if t == o.dst_beats_m1 else 7
        moved += [(8 * t + lane, beat[lane]) for lane in range(low, high + 1)]
        previous = newest
    assert not rotated
    assert moved == [(dst + byte, byte) for byte in range(length)]
