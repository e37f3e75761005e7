"""What the system tests of the DMA engine have in common: an engine, its memory, its queues."""

import random
from collections.abc import Mapping

import numpy as np
import pytest

from rtl.config import DmaConfig
from sim.dma import DmaModel
from sim.models.dma import Memory, QueueModel, Ring
from sw.drivers.dma import DmaQueue

__all__ = ["ARENA", "END", "SINK", "SOURCE", "Twin", "check", "fixtures", "golden_of", "start"]

ARENA, SOURCE, SINK, END = 0x1000, 0x10000, 0x80000, 0x100000


def fixtures(configs: Mapping[str, DmaConfig], *, seed: int):
    """Return the fixtures ``model`` and ``idle``: an engine for a module, and its fresh start.

    Each test begins with the engine reset, random bytes at ``SOURCE`` and 0xEE everywhere else.
    """
    @pytest.fixture(scope="module", params=configs)
    def model(request):
        model = DmaModel(configs[request.param])
        yield model
        model.close()

    @pytest.fixture(autouse=True)
    def idle(model):
        model.reset()
        model.sim.set("stall", 0)
        model.memory[:] = 0xEE
        model.write_memory(SOURCE, random.Random(seed).randbytes(0x40000))

    return model, idle


def start(model: DmaModel, number: int = 0, *, depth: int = 64, **options) -> DmaQueue:
    """Return a queue pair that runs."""
    queue = DmaQueue(model.bus, queue=number, arena=ARENA + 0x2000 * number, depth=depth, **options)
    queue.start()
    return queue


def golden_of(queue: DmaQueue, model: DmaModel, **options) -> QueueModel:
    """Return the golden model of a queue pair that has just been started."""
    return QueueModel(Memory(bytearray(model.memory.tobytes())), *(
        Ring(ring.base, ring.depth) for ring in
        (queue.m2s, queue.s2m, queue.m2s_done, queue.s2m_done)), push=queue.push_mode,
        transpose=model.config.transpose, fill=model.config.fill, **options)


def check(model: DmaModel, golden: QueueModel) -> None:
    """Hold the memory of the engine against that of the golden model."""
    expected = np.frombuffer(bytes(golden.memory.data), np.uint8)
    wrong = np.flatnonzero(expected != model.memory)
    assert not wrong.size, f"{wrong.size} bytes differ, the first at {wrong[0]:#x}"


class Twin:
    """The golden model beside a queue pair whose descriptors come from rings."""

    def __init__(self, queue: DmaQueue, model: DmaModel, **options):
        self.queue, self.model = queue, model
        self.golden = golden_of(queue, model, **options)
        self.announced = 0, 0

    def follow(self) -> None:
        """Let the model execute what stands in the rings; both must leave the same memory."""
        before, self.announced = self.announced, (self.queue.m2s.count, self.queue.s2m.count)
        self.golden.memory.data[:SOURCE] = self.model.memory[:SOURCE].tobytes()
        self.golden.doorbell(m2s=self.announced[0] - before[0], s2m=self.announced[1] - before[1])
        self.golden.run()
        self.model.settle(self.queue)
        check(self.model, self.golden)
