# amaranth: UnusedElaboratable=no

"""Destinations filled with a word, on the Verilated engine."""

import random

import numpy as np
import pytest

from rtl.nitro_dma.encoding import Cause, Operation
from sw.drivers.dma import DmaError
from sw.drivers.dma_buffers import Strided, strided
from tests.system.dma_configs import OWN_PORT, WIDE
from tests.system.dma_system import SINK, SOURCE, Twin, fixtures, start

model, idle = fixtures({"wide": WIDE, "own port": OWN_PORT}, seed=7)


def image(word, length, start=0):
    """What ``length`` bytes of a word are."""
    return np.resize(np.roll(np.frombuffer(word.to_bytes(4, "little"), np.uint8), -start),
                     length).tobytes()


@pytest.mark.cocotb
@pytest.mark.parametrize("stall", [0, 100])
def test_dma_fills_between_copies(model, stall):
    """Fills and copies of any alignment in a row: neither takes a byte of the other."""
    rng = random.Random(stall)
    model.sim.set("stall", stall)
    queue = start(model)
    twin = Twin(queue, model)
    for _ in range(25):
        expected = []
        for place in range(6):
            length = rng.randrange(1, rng.choice((9, 40, 900)))
            sink = SINK + 0x400 * place + rng.randrange(64)
            if rng.random() < 0.5:
                word = rng.randrange(1 << 32)
                queue.fill([(sink, length)], word, ring_doorbell=False)
                expected.append((sink, image(word, length)))
            else:
                source = SOURCE + rng.randrange(0x1000)
                queue.submit([(source, length)], [(sink, length)], ring_doorbell=False)
                expected.append((sink, model.read_memory(source, length)))
        queue.doorbell(m2s=queue.m2s.count - twin.announced[0],
                       s2m=queue.s2m.count - twin.announced[1])
        for sink, data in expected:
            assert queue.wait().bytes == len(data)
            assert model.read_memory(sink, len(data)) == data
        twin.follow()


@pytest.mark.cocotb
def test_dma_fills_at_full_rate_and_reads_nothing(model):
    """One beat a cycle; from buffer to buffer the word goes on where it stopped."""
    queue = start(model)
    model.sim.reset()
    model.reset()
    queue = start(model)
    queue.fill([(SINK + 3, 9), (SINK + 0x101, 7), (SINK + 0x1000, 0x8000)], 0x04030201)
    assert queue.wait().bytes == 0x8010
    assert model.read_memory(SINK + 3, 9) == image(0x04030201, 9)
    assert model.read_memory(SINK + 0x101, 7) == image(0x04030201, 7, 9)
    assert model.read_memory(SINK + 0x1000, 0x8000) == image(0x04030201, 0x8000)
    assert model.sim.get("r_beats") == 0
    beats = model.sim.get("w_beats")
    if model.config.outstanding >= 16:
        assert beats / (model.sim.get("w_last") - model.sim.get("w_first") + 1) > 0.98


@pytest.mark.cocotb
def test_dma_fills_rows_and_by_push(model):
    queue = start(model, push=True)
    queue.push(Strided(2, 10, [(3, 0)], word=0x44332211), Strided(SINK, 6, [(5, 64)]))
    assert queue.wait().bytes == 30
    data = b"".join(model.read_memory(SINK + 64 * i, 6) for i in range(5))
    assert data == image(0x44332211, 10, 2) * 3
    queue.push((SOURCE, 50), (SINK, 50))
    queue.wait()
    assert model.read_memory(SINK, 50) == model.read_memory(SOURCE, 50)


@pytest.mark.cocotb
@pytest.mark.parametrize("half, before", [("s2m", None), ("m2s", Operation.FILL),
                                          ("m2s", Operation.TRANSPOSE)])
def test_dma_refuses_impossible_fills(model, half, before):
    queue = start(model)
    twin = Twin(queue, model)
    ring = getattr(queue, half)
    for operation in (before, Operation.FILL):
        if operation is not None:
            queue.put(ring, meta=1, length=1, operation=operation)
    queue.put(queue.m2s, address=0, length=4, first=1, last=1)
    queue.put(queue.s2m, address=SINK, length=4, last=1)
    queue.doorbell(m2s=queue.m2s.count, s2m=queue.s2m.count)
    twin.follow()
    assert queue.state() >> 8 & 0xFF == twin.golden.cause == Cause.META
    queue.start()
    queue.fill([(SINK, 5)], 7)
    assert queue.wait().bytes == 5


@pytest.mark.cocotb
def test_dma_fill_stays_in_its_windows(model):
    queue = start(model)
    with pytest.raises(DmaError, match="WRITE_WINDOW"):
        queue.fill([(0x100000 - 100, 200)], 0x77777777)
        queue.wait()
    assert model.read_memory(0x100000 - 101, 101) == b"\xee" + b"\x77" * 100


def test_dma_driver_refuses_impossible_words():
    with pytest.raises(ValueError, match="A word has 32 bits, not 4294967296"):
        strided([Strided(0, 4, word=1 << 32)])
