# amaranth: UnusedElaboratable=no

"""Every alignment of source and destination, and every length up to 80 bytes, at 64 bits."""

import numpy as np
import pytest

from sim.dma import DmaModel
from sw.drivers.dma import DmaQueue
from tests.system.dma_configs import OWN_PORT

ARENA, SOURCE, SINK = 0x1000, 0x40000, 0x80000
SLOT = 96       # room for 7 + 80 bytes and a guard
DEPTH = 640


@pytest.fixture(scope="module")
def model():
    model = DmaModel(OWN_PORT)
    yield model
    model.close()


@pytest.mark.cocotb
@pytest.mark.parametrize("src", range(8))
def test_dma_every_alignment_and_length(model, src):
    model.reset()
    model.sim.set("stall", 0)
    queue = DmaQueue(model.bus, arena=ARENA, depth=DEPTH)
    queue.start()
    cases = [(dst, length) for dst in range(8) for length in range(1, 81)]
    image = np.arange(len(model.memory), dtype=np.uint32) * 167 >> 3
    model.memory[SOURCE:] = image[SOURCE:]
    expected = model.memory[SINK:].copy()
    for i, (dst, length) in enumerate(cases):
        start = SOURCE + SLOT * i + src
        expected[SLOT * i + dst:SLOT * i + dst + length] = model.memory[start:start + length]
        queue.submit([(start, length)], [(SINK + SLOT * i + dst, length)], ring_doorbell=False)
    queue.doorbell(m2s=len(cases), s2m=len(cases))
    model.settle(queue)
    for _, length in cases:
        assert queue.wait(1).bytes == length
    assert (model.memory[SINK:] == expected).all()
