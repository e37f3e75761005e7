# amaranth: UnusedElaboratable=no

"""Abort, and the engine as a whole: disabled, aborted, reset, at every cycle."""

import pytest

from rtl.nitro_dma.encoding import Cause
from sw.drivers.dma import DmaEngine
from tests.system.dma_configs import WIDE
from tests.system.dma_system import ARENA, END, SINK, SOURCE, fixtures, start

model, idle = fixtures({"wide": WIDE}, seed=9)

BYTES = 700
STOPPED, RESETTING, BUSY = 2, 4, 8


def submit(queue, place, count=2):
    """Submit packets of two sources and one sink each, at odd addresses."""
    for i in range(count):
        at = 0x1000 * place + 0x800 * i + 3
        queue.submit([(SOURCE + at, 300), (SOURCE + at + 300, BYTES - 300)], [(SINK + at, BYTES)],
                     ring_doorbell=False)
    queue.doorbell(m2s=2 * count, s2m=count)


def sink(model, place, i):
    return model.read_memory(SINK + 0x1000 * place + 0x800 * i + 3, BYTES)


def copied(model, place, i):
    return sink(model, place, i) == model.read_memory(
        SOURCE + 0x1000 * place + 0x800 * i + 3, BYTES)


def quiet(model, what, sinks=slice(SINK, END), rings=slice(ARENA, SOURCE)):
    """Nothing is written any more."""
    before = model.memory.copy()
    model.sim.tick(200)
    for part in (sinks, rings):
        assert (model.memory[part] == before[part]).all(), f"{what}: a write after the drain"


def drain(queue):
    completions = []
    while (completion := queue.poll()) is not None:
        completions.append(completion)
    return completions


@pytest.mark.cocotb
def test_dma_abort_at_every_cycle_of_a_transfer(model):
    """Whole packets, then one that failed with ABORTED or none, then nothing; the pair can be
    started again, and another one does not notice."""
    partly = 0
    for delay in range(160):
        model.memory[SINK:END] = 0xEE
        queue, other = start(model), start(model, 1)
        submit(queue, 0)
        submit(other, 4)
        model.sim.tick(delay)
        queue.abort()
        quiet(model, f"abort after {delay}", slice(SINK, SINK + 0x4000),
              slice(ARENA, ARENA + 0x2000))
        found = drain(queue)
        whole = [completion for completion in found if completion.cause == Cause.NONE]
        assert all(completion.cause == Cause.ABORTED for completion in found[len(whole):])
        assert len(found) - len(whole) <= 1
        assert queue.state() & STOPPED and queue.state() >> 8 == Cause.ABORTED
        for i in range(2):
            assert copied(model, 0, i) or i >= len(whole)
            for good, byte in zip(model.read_memory(SOURCE + 0x800 * i + 3, BYTES),
                                  sink(model, 0, i), strict=True):
                assert byte in (good, 0xEE)
        partly += 0 < sum(byte != 0xEE for byte in sink(model, 0, 0)) < BYTES // 2
        assert [other.wait().bytes for _ in range(2)] == [BYTES] * 2
        assert copied(model, 4, 0) and copied(model, 4, 1)
        queue.start()
        submit(queue, 0, 1)
        assert queue.wait().bytes == BYTES and copied(model, 0, 0)
    assert partly > 5, "hardly ever aborted within a packet"


@pytest.mark.cocotb
def test_dma_engine_disabled_at_every_cycle_goes_on(model):
    """All pairs drain, nothing is written, and all go on where they stopped."""
    engine, busy = DmaEngine(model.bus), 0
    for delay in range(0, 200, 3):
        model.memory[SINK:END] = 0xEE
        queues = [start(model, number) for number in range(4)]
        for number, queue in enumerate(queues):
            submit(queue, number)
        model.sim.tick(delay)
        engine.disable()
        quiet(model, f"disabled after {delay}")
        busy += not all(copied(model, number, 1) for number in range(4))
        assert not any(queue.state() & (1 | BUSY) for queue in queues)
        engine.resume()
        for number, queue in enumerate(queues):
            assert [queue.wait().bytes for _ in range(2)] == [BYTES] * 2
            assert copied(model, number, 0) and copied(model, number, 1)
    assert busy > 10, "hardly ever disabled in the middle"


@pytest.mark.cocotb
@pytest.mark.parametrize("what", ["abort", "reset"])
def test_dma_engine_aborted_and_reset_at_every_cycle(model, what):
    """Nothing is written after the drain; pairs that were enabled begin anew."""
    engine = DmaEngine(model.bus)
    for delay in range(0, 160, 5):
        model.memory[SINK:END] = 0xEE
        queues = [start(model, number) for number in range(3)]
        for number, queue in enumerate(queues):
            submit(queue, number)
        model.sim.tick(delay)
        getattr(engine, what)()
        quiet(model, f"{what} after {delay}")
        for queue in queues:
            state = queue.state()
            assert state >> 8 == (Cause.ABORTED if what == "abort" else Cause.NONE)
            assert not state & RESETTING
        engine.resume()
        for number in range(3):
            queue = start(model, number)
            submit(queue, number)
            assert [queue.wait().bytes for _ in range(2)] == [BYTES] * 2
            assert copied(model, number, 0) and copied(model, number, 1)
    # A pair that is not enabled is not aborted.
    queue = start(model, 3)
    queue.disable()
    engine.abort()
    assert queue.state() >> 8 == Cause.NONE
