# amaranth: UnusedElaboratable=no

"""Thousands of random packets through the Verilated engine, against the golden model."""

import random

import numpy as np
import pytest

from sim.dma import DmaModel
from sim.models.dma import Memory, QueueModel, Ring
from sw.drivers.dma import Completion, DmaQueue
from tests.system.dma_configs import OWN_PORT, WIDE, WIDEST

BYTES = 1 << 20
ARENA = 0x1000
SOURCE, SINK = 0x10000, 0x80000         # halves of the memory: nothing overlaps
CONFIGS = {"wide": WIDE, "own port": OWN_PORT, "512 bits": WIDEST}


@pytest.fixture(scope="module", params=["wide", "own port",
                                        pytest.param("512 bits", marks=pytest.mark.slow)])
def model(request):
    model = DmaModel(CONFIGS[request.param])
    yield model
    model.close()


def cut(rng, total, most):
    """Random lengths that add up to ``total``, at most ``most`` of them."""
    places = sorted(rng.sample(range(1, total), min(rng.randrange(most), total - 1)))
    return [b - a for a, b in zip([0, *places], [*places, total], strict=True)]


def packet(rng):
    """Random source and destination buffers of one packet; the last of either may be too long."""
    total = rng.choice((rng.randrange(1, 64), rng.randrange(1, 700), rng.randrange(1, 6000)))
    sources = [(SOURCE + rng.randrange(0, 0x60000), n) for n in cut(rng, total, 5)]
    lengths = cut(rng, total, 5)
    lengths[-1] += rng.choice((0, 0, rng.randrange(40)))
    return sources, lengths


class Sink:
    """Hands out destination addresses that do not overlap, with random gaps."""

    def __init__(self):
        self.next = SINK

    def place(self, rng, length):
        gap = rng.choice((0, 1, rng.randrange(40), -self.next % 4096 - rng.randrange(20)))
        start = self.next + max(0, gap)
        if start + length > BYTES:
            start = SINK
        self.next = start + length
        return start, length


def queue_model(queue, image):
    done = [Ring(ring.base, ring.depth) for ring in
            (queue.m2s, queue.s2m, queue.m2s_done, queue.s2m_done)]
    return QueueModel(Memory(bytearray(image)), *done)


@pytest.mark.cocotb
@pytest.mark.parametrize("stall, depth", [(0, 64), (60, 16), (160, 32)])
def test_random_packets_leave_the_memory_of_the_model(model, stall, depth):
    rng = random.Random(stall)
    model.reset()
    model.sim.set("stall", stall)
    model.memory[:] = np.frombuffer(rng.randbytes(BYTES), np.uint8)
    queue = DmaQueue(model.bus, arena=ARENA, depth=depth)
    queue.start()
    golden = queue_model(queue, model.memory.tobytes())
    sink, packets = Sink(), 0
    while packets < 400:
        batch, room = [], [depth, depth]
        while True:
            sources, lengths = packet(rng)
            room[0] -= len(sources)
            room[1] -= len(lengths)
            if min(room) < 0:
                break
            batch.append((sources, [sink.place(rng, n) for n in lengths]))
        for sources, destinations in batch:
            interrupt, eager = rng.random() < 0.2, rng.random() < 0.5
            queue.submit(sources, destinations, interrupt=interrupt, ring_doorbell=eager,
                         barrier=rng.random() < 0.1)
            if not eager:
                queue.doorbell(m2s=0, s2m=len(destinations))
                model.sim.tick(rng.randrange(20))
                queue.doorbell(m2s=len(sources), s2m=0)
        # The model starts from what software wrote: only descriptors, outside source and sink.
        golden.memory.data[:SOURCE] = model.memory[:SOURCE].tobytes()
        golden.doorbell(m2s=sum(len(s) for s, _ in batch), s2m=sum(len(d) for _, d in batch))
        golden.run()
        for sources, _ in batch:
            completion = queue.wait()
            assert completion == Completion(sum(n for _, n in sources), completion.index, 0,
                                            completion.interrupt)
        while queue.state() & 8:
            pass
        packets += len(batch)
        expected = np.frombuffer(bytes(golden.memory.data), np.uint8)
        wrong = np.flatnonzero(expected != model.memory)
        assert not wrong.size, f"{wrong.size} bytes differ, the first at {wrong[0]:#x}"
    assert model.sim.get("w_gaps") == 0, "a write burst waited for its data"
