# amaranth: UnusedElaboratable=no

"""Share of cycles that carry data, rings and completions on the same port; run with -s to see."""

import pytest

from sim.dma import DmaModel
from sw.drivers.dma import DmaQueue
from tests.system.dma_configs import WIDE

ARENA, SOURCE, SINK = 0x1000, 0x40000, 0xA0000
DEPTH = 1024

# size: least utilisation at an ideal memory and at one that takes 38 cycles longer.
EXPECTED = {64: (0.6, 0.3), 256: (0.85, 0.85), 1024: (0.95, 0.95), 4096: (0.98, 0.98)}


@pytest.fixture(scope="module", params=[0, pytest.param(38, marks=pytest.mark.slow)])
def model(request):
    model = DmaModel(WIDE, latency=request.param)
    yield model, request.param
    model.close()


def measure(model, size, skew=(0, 0)):
    """Copy 1000 buffers of ``size`` bytes; return beats, cycles of R and of W, and all cycles."""
    model.reset()
    queue = DmaQueue(model.bus, arena=ARENA, depth=DEPTH)
    queue.start()
    span = 0x60000 // size - 1
    for i in range(1000):
        queue.submit([(SOURCE + skew[0] + i % span * size, size)],
                     [(SINK + skew[1] + i % span * size, size)], ring_doorbell=False)
    queue.doorbell(m2s=1000, s2m=1000)
    model.sim.tick(100)
    while queue.state() & 8:
        model.sim.tick(100)
    for _ in range(1000):
        assert queue.wait(1).bytes == size
    get = model.sim.get
    return (get("r_beats"), get("r_last") - get("r_first") + 1, get("w_beats"),
            get("w_last") - get("w_first") + 1)


@pytest.mark.cocotb
def test_dma_throughput(model):
    model, latency = model
    for size, floors in EXPECTED.items():
        floor = floors[latency > 0]
        for skew in ((0, 0), (3, 9), (9, 3)):
            r_beats, r_cycles, w_beats, w_cycles = measure(model, size, skew)
            use = max(r_beats / r_cycles, w_beats / w_cycles)
            print(f"latency {latency:3}  size {size:5}  source +{skew[0]} sink +{skew[1]}  "
                  f"R {r_beats / r_cycles:.4f}  W {w_beats / w_cycles:.4f}  "
                  f"cycles per transfer {r_cycles / 1000:.2f}")
            assert use >= floor, f"{size} bytes at latency {latency}: {use:.3f} < {floor}"
