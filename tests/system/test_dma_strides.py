# amaranth: UnusedElaboratable=no

"""Buffers of several dimensions, on the Verilated engine."""

import random

import numpy as np
import pytest

from rtl.nitro_dma.encoding import Cause
from sw.drivers.dma import DmaError, DmaQueue, Strided
from tests.models.test_dma_model import strided
from tests.system.dma_configs import OWN_PORT, WIDE
from tests.system.dma_system import END, SINK, SOURCE, check, fixtures, golden_of, start

CONFIGS = {"wide": WIDE, "own port": OWN_PORT}

model, idle = fixtures(CONFIGS, seed=4)


@pytest.mark.cocotb
@pytest.mark.parametrize("stall", [0, 100])
def test_dma_random_strides_leave_the_memory_of_the_model(model, stall):
    """Any shapes on either side, each with up to four dimensions, some transfers too long."""
    rng = random.Random(stall)
    model.sim.set("stall", stall)
    queue = start(model)
    overflows = 0
    golden = golden_of(queue, model)
    for number in range(160):
        sink = SINK + 0x4000 * (number % 30)
        packet = []
        for base, span in ((SOURCE, 0x8000), (sink, 0x3000)):
            row = rng.randrange(1, 30) if rng.random() < 0.8 else rng.randrange(1, 400)
            address, dimensions = strided(rng, base, span, row)
            packet.append(Strided(address, row, dimensions))
        queue.submit([packet[0]], [packet[1]], interrupt=rng.random() < 0.2,
                     barrier=rng.random() < 0.1)
        golden.memory.data[:SOURCE] = model.memory[:SOURCE].tobytes()
        golden.doorbell(m2s=len(packet[0].dimensions) + 1, s2m=len(packet[1].dimensions) + 1)
        golden.run()
        model.settle(queue)
        check(model, golden)
        if golden.cause == Cause.OVERFLOW:
            overflows += 1
            queue.start()
            golden = golden_of(queue, model)
        assert queue.state() >> 8 == golden.cause == Cause.NONE
    assert 10 < overflows < 150


@pytest.mark.cocotb
def test_dma_strides_follow_each_other_in_every_cycle(model):
    """Rows of one beat cost a cycle, and those of all queues alike."""
    beat = model.config.data_width // 8
    count = 500
    for number in range(model.config.queues):
        queue = start(model, number)
        base = 0x10000 * number
        queue.submit([Strided(SOURCE + base, beat, [(10, 2 * beat), (count // 10, 30 * beat)])],
                     [Strided(SINK + base, beat, [(count, 4 * beat)])], ring_doorbell=False)
        queue.doorbell(m2s=3, s2m=1)        # the other bells follow at once
    for number in range(model.config.queues):
        DmaQueue(model.bus, queue=number, arena=0).doorbell(m2s=0, s2m=1)
    model.sim.tick(100)
    while model.read_register(0x0C):
        model.sim.tick(100)
    total = count * model.config.queues
    assert model.sim.get("w_beats") == total
    cycles = model.sim.get("w_last") - model.sim.get("w_first") + 1
    if model.config.outstanding >= 16:      # fewer bursts do not cover the memory's latency
        assert total / cycles > 0.9
    for number in range(model.config.queues):
        base = 0x10000 * number
        for i in range(count):
            source = SOURCE + base + i % 10 * 2 * beat + i // 10 * 30 * beat
            assert (model.read_memory(SINK + base + 4 * beat * i, beat)
                    == model.read_memory(source, beat)), f"queue {number}, row {i}"


@pytest.mark.cocotb
def test_dma_strides_by_push(model):
    queue = start(model, push=True)
    golden = golden_of(queue, model)
    rng = random.Random(9)
    for number in range(30):
        row = rng.randrange(1, 50)
        address, dimensions = strided(rng, SOURCE, 0x8000, row)
        total = row * int(np.prod([count for count, _ in dimensions]))
        queue.push(Strided(address, row, dimensions), (SINK + 0x2000 * number, total))
        assert queue.wait().bytes == total
        rows = np.array([address])
        for count, stride in dimensions:
            rows = (np.arange(count)[:, None] * stride + rows).reshape(-1)
        expected = b"".join(bytes(golden.memory.data[at:at + row]) for at in rows)
        assert model.read_memory(SINK + 0x2000 * number, total) == expected


@pytest.mark.cocotb
@pytest.mark.parametrize("half", ["m2s", "s2m"])
@pytest.mark.parametrize("fields, cause", [
    ({"length": 0}, Cause.META), ({"first": 1}, Cause.META), ({"last": 1}, Cause.META),
    ({"interrupt": 1}, Cause.META), ({"barrier": 1}, Cause.META), ({"reserved": 1}, Cause.RESERVED),
    ({"tenant": 3}, Cause.TENANT), ({"ring_id": 2}, Cause.RING_ID), ({}, Cause.META),
], ids=["count", "first", "last", "interrupt", "barrier", "reserved", "tenant", "ring id", "fifth"])
def test_dma_refuses_impossible_dimensions(model, half, fields, cause):
    """The cause of a META descriptor that cannot be, behind four that can, and behind none."""
    queue = start(model)
    rings = {"m2s": queue.m2s, "s2m": queue.s2m}
    good = 4 if not fields else 0
    for _ in range(good):
        queue.put(rings[half], meta=1, length=1, address=0)
    queue.put(rings[half], **{"meta": 1, "length": 2} | fields)
    for ring in rings.values():
        queue.put(ring, address=SINK, length=2, first=1, last=1)
    queue.doorbell(**{half: good + 2, "s2m" if half == "m2s" else "m2s": 1})
    with pytest.raises(DmaError) as stop:
        queue.wait()
    assert stop.value.cause == cause
    queue.start()
    queue.submit([Strided(SOURCE, 8, [(3, 16)])], [(SINK, 24)])
    assert queue.wait().bytes == 24


@pytest.mark.cocotb
def test_dma_rows_stay_in_their_windows(model):
    """Rows before one that no window allows are moved, that one and those behind it are not."""
    queue = start(model)
    queue.submit([Strided(SOURCE, 64, [(4, 0x100)])], [Strided(END - 0x300, 64, [(4, 0x100)])])
    with pytest.raises(DmaError) as stop:
        queue.wait()
    assert stop.value.cause == Cause.WRITE_WINDOW
    for i in range(3):
        assert (model.read_memory(END - 0x300 + 0x100 * i, 64)
                == model.read_memory(SOURCE + 0x100 * i, 64))
    queue.start()
    queue.submit([Strided(SOURCE, 64, [(4, 0x100)])],
                 [Strided(SINK, 64, [(4, (1 << 40) - SINK - 32)])])
    with pytest.raises(DmaError, match="ADDRESS"):
        queue.wait()


@pytest.mark.cocotb
def test_dma_strides_stop_and_go_on_at_every_cycle(model):
    """Disabled within a transfer, the pair drains, then goes on with the next row."""
    queue = start(model)
    partly = 0
    source = Strided(SOURCE, 24, [(5, 40), (4, 300), (2, -2000)])
    sink = Strided(SINK, 20, [(6, 32), (8, 256)])
    source = Strided(SOURCE + 2000, source.length, source.dimensions)
    image = b"".join(model.read_memory(SOURCE + 2000 - 2000 * k + 300 * j + 40 * i, 24)
                     for k in range(2) for j in range(4) for i in range(5))
    for delay in range(0, 150, 3):
        model.memory[SINK:SINK + 0x1000] = 0xEE
        queue.submit([source], [sink])
        model.sim.tick(delay)
        queue.disable()
        before = model.memory.copy()
        model.sim.tick(100)
        assert (model.memory == before).all(), f"disabled after {delay}: a write after the drain"
        partly += 0 < np.count_nonzero(model.memory[SINK:SINK + 0x1000] != 0xEE) < 900
        queue.resume()
        assert queue.wait().bytes == len(image)
        done = b"".join(model.read_memory(SINK + 256 * j + 32 * i, 20)
                        for j in range(8) for i in range(6))
        assert done == image
    assert partly >= 5, "hardly ever stopped within a transfer"


@pytest.mark.cocotb
def test_dma_strides_are_forgotten_by_a_reset(model):
    """A reset within a transfer, or between a dimension and its buffer, leaves no shape behind."""
    for delay in range(0, 90, 5):
        queue = start(model)
        queue.submit([Strided(SOURCE, 16, [(50, 32), (10, 1600)])],
                     [Strided(SINK, 16, [(500, 48)])])
        model.sim.tick(delay)
        queue.start()
        queue.put(queue.m2s, meta=1, length=9, address=77)
        queue.put(queue.s2m, address=SINK, length=5, last=1)
        queue.doorbell(m2s=1, s2m=1)
        model.sim.tick(40)
        queue.start()
        queue.submit([(SOURCE, 40)], [(SINK + 0x8000, 40)])
        assert queue.wait().bytes == 40
        assert model.read_memory(SINK + 0x8000, 40) == model.read_memory(SOURCE, 40)
