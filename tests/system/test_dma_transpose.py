# amaranth: UnusedElaboratable=no

"""Transposed matrices, on the Verilated engine."""

import random

import numpy as np
import pytest

from rtl.nitro_dma.encoding import Cause, Operation
from sim.models.dma import Window
from sw.drivers.dma import DmaError, DmaManager
from sw.drivers.dma_buffers import Strided, strided, transposition
from tests.system.dma_configs import OWN_PORT, WIDE
from tests.system.dma_system import END, SINK, SOURCE, Twin, fixtures, start

CONFIGS = {"wide": WIDE, "own port": OWN_PORT}
TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}

model, idle = fixtures(CONFIGS, seed=6)


def matrix(model, address, pitch, rows, columns, element):
    """Return a copy of a matrix in memory."""
    lines = [model.memory[address + pitch * i:address + pitch * i + columns * element]
             for i in range(rows)]
    return np.array(lines).copy().view(TYPES[element])


@pytest.mark.cocotb
@pytest.mark.parametrize("stall", [0, 100])
def test_dma_random_matrices_are_transposed(model, stall):
    """Any size, alignment, pitch and element, between copies, as NumPy transposes."""
    rng = random.Random(stall)
    model.sim.set("stall", stall)
    queue = start(model)
    twin = Twin(queue, model)
    for number in range(60):
        element = rng.choice((1, 2, 4))
        rows, columns = (rng.randrange(1, rng.choice((5, 40, 90))) for _ in range(2))
        source = SOURCE + rng.randrange(64), columns * element + rng.randrange(20)
        sink = (SINK + 0xA000 * (number % 12) + rng.randrange(64),
                rows * element + rng.randrange(20))
        expected = matrix(model, *source, rows, columns, element).T
        queue.transpose(source, sink, rows=rows, columns=columns, element=element,
                        interrupt=rng.random() < 0.2)
        if rng.random() < 0.5:
            queue.submit([(SOURCE + rng.randrange(99), 100)], [(END - 0x400, 100)])
            assert queue.wait().bytes == rows * columns * element
            expected_bytes = 100
        else:
            expected_bytes = rows * columns * element
        assert queue.wait().bytes == expected_bytes
        twin.follow()
        assert (matrix(model, *sink, columns, rows, element) == expected).all()


def blocks(model, *, rows=3, columns=5, element=1, sink=SINK, across=2):
    """Return a source and a sink of some odd blocks, and what the sink must hold."""
    most = model.config.transpose // element
    rows, columns = min(rows, most), min(columns, most)
    pitch = columns * element + 3
    source = Strided(SOURCE + 5, columns * element, [(across, 64 * pitch)], (rows, pitch, element))
    target = Strided(sink + 1, rows * element, [(across, 0x400)], (columns, rows * element + 2,
                                                                    element))
    images = [matrix(model, SOURCE + 5 + 64 * pitch * i, pitch, rows, columns, element).T
              for i in range(across)]
    return source, target, images


def check_blocks(model, target, images):
    for i, image in enumerate(images):
        columns, pitch, element = target.block
        found = matrix(model, target.address + 0x400 * i, pitch, columns,
                       target.length // element, element)
        assert (found == image).all(), f"block {i}"


@pytest.mark.cocotb
def test_dma_transposes_what_is_pushed(model):
    queue = start(model, push=True)
    for element in TYPES:
        source, target, images = blocks(model, element=element)
        queue.push(source, target)
        assert queue.wait().bytes == sum(image.nbytes for image in images)
        check_blocks(model, target, images)


@pytest.mark.cocotb
@pytest.mark.parametrize("half", ["m2s", "s2m"])
@pytest.mark.parametrize("fields, cause", [
    ({"operation": 3}, Cause.META), ({"operation": 15}, Cause.META),
    ({"element": 3}, Cause.META), ("twice", Cause.META), ("alone", Cause.TRANSPOSE),
    ({"element": 1}, Cause.TRANSPOSE), ({"length": 3}, Cause.TRANSPOSE),
    ("large", Cause.TRANSPOSE),
], ids=["unknown", "last", "element", "twice", "alone", "elements", "rows", "large"])
def test_dma_refuses_impossible_blocks(model, half, fields, cause):
    """The same cause as the model, and the pair goes on after a reset."""
    queue = start(model)
    twin = Twin(queue, model)
    size = model.config.transpose + 1 if fields == "large" else 4
    for name, ring in (("m2s", queue.m2s), ("s2m", queue.s2m)):
        swap = {"meta": 1, "operation": Operation.TRANSPOSE, "length": size, "address": 100}
        if fields == "alone":
            if name == half:
                queue.put(ring, **swap)
        else:
            change = fields if isinstance(fields, dict) and name == half else {}
            queue.put(ring, **swap | change)
            if fields == "twice" and name == half:
                queue.put(ring, **swap)
        queue.put(ring, address=SOURCE if name == "m2s" else SINK, length=size, first=1, last=1)
    queue.doorbell(m2s=queue.m2s.count, s2m=queue.s2m.count)
    twin.follow()
    assert twin.golden.cause == queue.state() >> 8 & 0xFF == cause
    queue.start()
    source, target, images = blocks(model)
    queue.submit([source], [target])
    queue.wait()
    check_blocks(model, target, images)


@pytest.mark.cocotb
@pytest.mark.parametrize("read", [True, False])
def test_dma_blocks_stay_in_their_windows(model, read):
    """A block that may not be read is not written; of one that may not be written only rows
    before the first such burst are."""
    # Source and sink end shortly before, or shortly behind, the windows that they lie in.
    end = SOURCE + 0x2000 if read else END // 2
    manager = DmaManager(model.bus)
    manager.open_window(0, 0, end)
    manager.open_window(1, SINK, 0x8000)
    queue = start(model)
    twin = Twin(queue, model, windows=[Window(0, end - 1), Window(SINK, SINK + 0x7FFF)])
    rows = min(7, model.config.transpose // 2)
    source = Strided(SOURCE + (0x2000 - 900 if read else 0), 6, [(4, 300)], (rows, 40, 2))
    sink = Strided(SINK + (0 if read else 0x8000 - 640), 2 * rows, [(4, 202)], (3, 33, 2))
    queue.submit([source], [sink])
    twin.follow()
    assert twin.golden.cause == (Cause.READ_WINDOW if read else Cause.WRITE_WINDOW)
    assert queue.state() >> 8 & 0xFF == twin.golden.cause


@pytest.mark.cocotb
def test_dma_block_with_an_error_is_not_written(model):
    """An error response to any beat of a block: nothing of that block or behind it is written."""
    source, target, images = blocks(model, across=3)
    for beat in range(40):
        model.memory[SINK:END] = 0xEE
        model.sim.reset()
        model.reset()
        queue = start(model)
        model.inject(read=beat)
        queue.submit([source], [target])
        try:
            queue.wait()
        except DmaError as stop:
            assert stop.cause == Cause.READ_RESPONSE
        else:
            assert beat > 8
            break
        found = [i for i in range(3) if (model.memory[SINK + 0x400 * i:SINK + 0x400 * i + 0x400]
                                         != 0xEE).any()]
        check_blocks(model, target, [images[i] for i in found])
        assert found == list(range(len(found))) and len(found) < 3
    else:
        pytest.fail("no beat without an error")


@pytest.mark.cocotb
def test_dma_transposition_stops_and_goes_on_at_every_cycle(model):
    """Disabled within a transfer the pair drains, between two blocks, then goes on; a reset
    forgets the blocks."""
    queue = start(model)
    partly = 0
    source, target, images = blocks(model, rows=8, columns=6, across=8)
    for delay in range(0, 200, 7):
        model.memory[SINK:END] = 0xEE
        queue.submit([source], [target])
        model.sim.tick(delay)
        queue.disable()
        before = model.memory.copy()
        model.sim.tick(100)
        assert (model.memory == before).all(), f"disabled after {delay}: a write after the drain"
        partly += (before[target.address] != 0xEE) & (before[target.address + 0x400 * 7] == 0xEE)
        if delay % 2:
            queue.resume()
            queue.wait()
            check_blocks(model, target, images)
        else:
            queue.put(queue.m2s, meta=1, operation=Operation.TRANSPOSE, length=2, address=9)
            queue.doorbell(m2s=1, s2m=0)
            queue.resume()
            queue.start()
            queue.submit([(SOURCE, 40)], [(SINK + 0x8000, 40)])
            assert queue.wait().bytes == 40
            assert model.read_memory(SINK + 0x8000, 40) == model.read_memory(SOURCE, 40)
    assert partly >= 2, "hardly ever stopped within a transfer"


@pytest.mark.cocotb
def test_dma_blocks_of_queues_do_not_mix(model):
    """All queues transpose and copy at once."""
    queues = [start(model, number) for number in range(model.config.queues)]
    work = []
    for number, queue in enumerate(queues):
        source, target, images = blocks(model, rows=8, columns=7, element=1 << number % 3,
                                        sink=SINK + 0x8000 * number, across=8)
        for _ in range(3):
            queue.submit([source], [target], ring_doorbell=False)
            queue.submit([(SOURCE + 3, 90)], [(SINK + 0x8000 * number + 0x4000, 90)],
                         ring_doorbell=False)
        work.append((target, images))
    for queue in queues:
        queue.doorbell(m2s=queue.m2s.count, s2m=queue.s2m.count)
    for queue, (target, images) in zip(queues, work, strict=True):
        for _ in range(3):
            assert queue.wait().bytes == sum(image.nbytes for image in images)
            assert queue.wait().bytes == 90
        check_blocks(model, target, images)


def test_dma_driver_refuses_impossible_matrices():
    with pytest.raises(ValueError, match="Elements have 1, 2 or 4 bytes, not 8"):
        transposition((0, 8), (64, 8), rows=2, columns=2, element=8, most=32)
    with pytest.raises(ValueError, match="The engine transposes nothing"):
        transposition((0, 8), (64, 8), rows=2, columns=2, element=4, most=0)
    with pytest.raises(ValueError, match="Elements have 1, 2 or 4 bytes, not 3"):
        strided([Strided(0, 6, (), (2, 6, 3))])
