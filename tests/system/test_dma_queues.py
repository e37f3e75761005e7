# amaranth: UnusedElaboratable=no

"""Queue pairs side by side: fairness, waiting, interrupts, tenants, counters, registers."""

import pytest

from rtl.nitro_dma.registers import GLOBAL, IDENTITY, MESSAGES, QUEUE
from sw.drivers import dma as driver
from sw.drivers import dma_engine as engine
from sw.drivers.dma import DmaQueue
from tests.system.dma_configs import WIDE
from tests.system.dma_system import SINK, SOURCE, fixtures, start

model, idle = fixtures({"wide": WIDE}, seed=2)


def counter(model, name):
    return model.read_register(GLOBAL.register(name).offset)


@pytest.mark.cocotb
def test_dma_queues_take_turns(model):
    """Of four queues with equal work none gets ahead of its head start, which is in the pipes."""
    queues = [start(model, i) for i in range(4)]
    for i, queue in enumerate(queues):
        for j in range(60):
            n = 0x8000 * i + 512 * j
            queue.submit([(SOURCE + n, 512)], [(SINK + n, 512)], ring_doorbell=False)
    for queue in queues:
        queue.doorbell(m2s=60, s2m=60)
    done = [0] * 4
    while sum(done) < 240:
        model.sim.tick(20)
        for i, queue in enumerate(queues):
            done[i] += queue.poll() is not None
        busy = [n for n in done if n < 60]
        assert not busy or max(done) - min(busy) <= WIDE.outstanding
    for i in range(4):
        n, length = 0x8000 * i, 60 * 512
        assert model.read_memory(SOURCE + n, length) == model.read_memory(SINK + n, length)


@pytest.mark.cocotb
def test_dma_waiting_queue_blocks_no_other(model):
    """A packet that lacks a destination buffer in its middle stands still; others pass."""
    waits, works = start(model, 0), start(model, 1)
    waits.put(waits.s2m, address=SINK, length=100)
    waits.put(waits.m2s, address=SOURCE, length=300, first=1, last=1)
    waits.doorbell(m2s=1, s2m=1)
    model.sim.tick(200)
    for i in range(20):
        works.submit([(SOURCE + 999 * i, 999)], [(SINK + 0x1000 + 999 * i, 999)])
        assert works.wait().bytes == 999
    assert waits.poll() is None
    waits.put(waits.s2m, address=SINK + 100, length=200)
    waits.doorbell(m2s=0, s2m=1)
    assert waits.wait().bytes == 300
    assert model.read_memory(SINK, 300) == model.read_memory(SOURCE, 300)


@pytest.mark.cocotb
def test_dma_waiting_queues_leave_the_pool_to_others(model):
    """The port never idles for a queue beside three whose descriptors cannot be executed."""
    def cycles():
        queue = start(model, 3)
        for i in range(60):
            queue.submit([(SOURCE + 64 * i, 64)], [(SINK + 64 * i, 64)], ring_doorbell=False)
        queue.doorbell(m2s=60, s2m=60)
        model.settle(queue)
        assert [queue.wait(1).bytes for _ in range(60)] == [64] * 60
        return model.sim.get("r_last") - model.sim.get("r_first")

    for half in ("m2s", "s2m"):
        model.reset()
        for number in range(3):
            waits = start(model, number)
            for _ in range(60):
                waits.put(getattr(waits, half), address=SOURCE, length=64, first=1, last=1)
            waits.doorbell(**{"m2s": 0, "s2m": 0, half: 60})
        model.sim.tick(200)
        assert cycles() <= 60 * (4 + 2)     # beats of data and of descriptors on R


@pytest.mark.cocotb
def test_dma_completions_share_bursts(model):
    """Four 16-byte completions a burst while packets follow each other; the last come at once."""
    queue = start(model, 0)
    for i in range(40):
        queue.submit([(SOURCE + 64 * i, 64)], [(SINK + 64 * i, 64)], ring_doorbell=False)
    queue.doorbell(m2s=40, s2m=40)
    model.settle(queue)
    assert [queue.wait(1).bytes for _ in range(40)] == [64] * 40
    assert 10 <= model.sim.get("lines") <= 14      # the first, and a line that COMP_FLUSH cuts
    model.write_register(GLOBAL.register("COMP_FLUSH").offset, 0)
    for i in range(40):
        queue.submit([(SOURCE + 64 * i, 64)], [(SINK + 64 * i, 64)], ring_doorbell=False)
    before = model.sim.get("lines")
    queue.doorbell(m2s=40, s2m=40)
    model.settle(queue)
    assert model.sim.get("lines") - before > 30


@pytest.mark.cocotb
@pytest.mark.parametrize("length", [65536, 65535, 1])
def test_dma_longest_and_shortest_buffer(model, length):
    queue = start(model, 3, depth=4)
    queue.submit([(SOURCE + 7, length)], [(SINK + 13, length)])
    assert queue.wait().bytes == length
    assert model.read_memory(SINK + 13, length) == model.read_memory(SOURCE + 7, length)
    assert model.read_memory(SINK, 13) + model.read_memory(SINK + 13 + length, 16) == b"\xee" * 29


@pytest.mark.cocotb
def test_dma_interrupts_follow_the_completion(model):
    queue = start(model, 2)
    page = 0x3000
    cause = page + QUEUE.register("IRQ_CAUSE").offset
    model.write_register(page + QUEUE.register("IRQ_ENABLE").offset, 7)
    queue.submit([(SOURCE, 64)], [(SINK, 64)])
    assert queue.wait() and not model.sim.get("irq")
    queue.submit([(SOURCE, 64)], [(SINK, 64)], interrupt=True)
    model.sim.run(1000, until="irq")
    assert queue.poll() is not None, "the interrupt came before its completion"
    assert model.settle(queue) == 1
    assert queue.poll_m2s() is not None and model.read_register(cause) == 3
    model.write_register(cause, 3)
    assert not model.sim.get("irq")
    queue._write("TAIL_INC", 1)         # nothing but zeros in the ring: a wrong ring id
    queue._write("TAIL_INC", 1, driver.S2M)
    model.sim.run(1000, until="irq")
    assert model.read_register(cause) == 4 and queue.state() & 2


@pytest.mark.cocotb
def test_dma_tenant_of_the_queue_is_asked_of_descriptors(model):
    model.write_register(0x81000, 0x1234)
    queue = start(model, 1, tenant=0x1234)
    queue.submit([(SOURCE, 100)], [(SINK, 100)])
    assert queue.wait().bytes == 100


@pytest.mark.cocotb
def test_dma_barrier_reads_what_the_packet_before_wrote(model):
    queue = start(model, 0)
    for i in range(8):
        queue.submit([(SOURCE if i == 0 else SINK + 0x400 * (i - 1), 0x400)],
                     [(SINK + 0x400 * i, 0x400)], barrier=True, ring_doorbell=False)
    queue.doorbell(m2s=8, s2m=8)
    for _ in range(8):
        assert queue.wait().bytes == 0x400
    assert model.read_memory(SINK + 0x1C00, 0x400) == model.read_memory(SOURCE, 0x400)


@pytest.mark.cocotb
def test_dma_counters_add_up(model):
    queue = start(model, 0)
    queue.submit([(SOURCE, 1000), (SOURCE + 5000, 24)], [(SINK, 512), (SINK + 600, 512)])
    queue.submit([(SOURCE, 77)], [(SINK + 2000, 77)])
    assert queue.wait().bytes == 1024 and queue.wait().bytes == 77
    queue._write("TAIL_INC", 1)
    queue._write("TAIL_INC", 1, driver.S2M)
    model.settle(queue)
    assert counter(model, "IDENTITY") == IDENTITY
    assert counter(model, "BYTES_READ_LO") == counter(model, "BYTES_WRITTEN_LO") == 1101
    assert counter(model, "DESCRIPTORS") == 6
    assert counter(model, "PACKETS") == 2 and counter(model, "ERRORS") == 1
    busy = counter(model, "BUSY_CYCLES")
    assert busy > 64 and counter(model, "BUSY_CYCLES") == busy


def test_dma_driver_offsets_are_the_declared_ones():
    for name, offset in driver.GLOBAL_REGISTERS.items():
        assert GLOBAL.register(name).offset == offset
    for name, offset in driver.QUEUE_REGISTERS.items():
        registers = MESSAGES if name.startswith("MESSAGE") else QUEUE
        declared = registers.register(name if offset >= 0x800 else f"M2S_{name}")
        assert declared.offset == offset
        if offset < 0x800:
            assert QUEUE.register(f"S2M_{name}").offset == offset + driver.S2M
    cfg = QUEUE.register("M2S_CFG")
    assert cfg.field("en_prefetch").mask | cfg.field("en_scheduling").mask == driver.ENABLE
    assert QUEUE.register("SW_CTRL").field("reset").mask == driver.RESET
    assert QUEUE.register("SW_CTRL").field("abort").mask == driver.ABORT
    control = GLOBAL.register("CONTROL")
    assert [control.field(name).mask for name in ("disable", "abort", "reset")] == [
        engine.ENGINE_DISABLE, engine.ENGINE_ABORT, engine.ENGINE_RESET]
    state = QUEUE.register("STATE")
    assert state.field("stopped").mask == driver.STATE_STOPPED
    assert state.field("resetting").mask == driver.STATE_RESETTING
    assert state.field("busy").mask == driver.STATE_BUSY


def test_dma_driver_refuses_what_cannot_be():
    bus = driver.DmaBus(None, None, None, None)
    with pytest.raises(ValueError, match="Ring depth must be from 4 to 65536, not 3"):
        DmaQueue(bus, arena=0, depth=3)
    with pytest.raises(ValueError, match="Arena must be a multiple of 64, not 0x20"):
        DmaQueue(bus, arena=32)
    with pytest.raises(ValueError, match="Buffer length must be from 1 to 65536, not 0"):
        DmaQueue(bus, arena=0).submit([(0, 0)], [(0, 1)])
