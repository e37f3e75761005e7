# amaranth: UnusedElaboratable=no

"""Counters of the queue pairs, on the Verilated engine."""

import pytest

from rtl.nitro_dma.encoding import BUCKETS, WAITS
from rtl.nitro_dma.registers import COUNTERS
from sw.drivers.dma import COUNTER_PAGE, DmaManager
from tests.system.dma_configs import WIDE
from tests.system.dma_system import SINK, SOURCE, fixtures, start

model, idle = fixtures({"wide": WIDE}, seed=8)


def cycles_of(queue):
    return dict(zip((name for name, _ in WAITS), queue.counters()["cycles"], strict=True))


def read_all(model, number=0):
    return {register.name: model.read_register(COUNTER_PAGE + 0x1000 * number + register.offset)
            for register in COUNTERS.registers}


@pytest.mark.cocotb
def test_dma_counters_of_queues_count_what_they_did(model):
    """Packets, bytes and descriptors of each pair by itself; latencies in their buckets."""
    queues = [start(model, number) for number in range(4)]
    for number, queue in enumerate(queues):
        for _ in range(number + 1):
            queue.submit([(SOURCE, 40), (SOURCE, 60 + number)], [(SINK + 0x1000 * number, 300)])
            queue.wait()
    for number, queue in enumerate(queues):
        model.settle(queue)
        found = queue.counters()
        packets = number + 1
        assert (found["descriptors"], found["packets"], found["bytes"], found["errors"],
                found["denied"]) == (3 * packets, packets, (100 + number) * packets, 0, 0)
        assert sum(found["latency"]) == packets
        assert all(4 <= i <= 6 for i, count in enumerate(found["latency"]) if count)


@pytest.mark.cocotb
def test_dma_latencies_follow_the_memory(model):
    """A memory that takes 500 cycles longer puts a packet 5 buckets higher."""
    queue = start(model)
    for latency in (0, 500):
        model.sim.set("latency", 2 + latency)
        before = queue.counters()["latency"]
        queue.submit([(SOURCE, 64)], [(SINK, 64)])
        queue.wait()
        after = queue.counters()["latency"]
        bucket = next(i for i in range(BUCKETS) if after[i] != before[i])
        assert bucket == {0: 4, 500: 9}[latency]
    model.sim.set("latency", 2)


@pytest.mark.cocotb
def test_dma_errors_and_denials_are_counted_apart(model):
    queue = start(model, 2)
    for _ in range(3):
        queue.put(queue.m2s, address=SOURCE, length=4, last=1)
        queue.put(queue.s2m, address=SINK, length=4)
        queue.doorbell(m2s=1, s2m=1)
        model.settle(queue)
        queue.start()
    for tenant in (0, 0, 9):
        queue.put(queue.m2s, address=SOURCE, length=4, first=1, last=1, tenant=tenant)
        queue.put(queue.s2m, address=0 if tenant else 1 << 30, length=4)
        queue.doorbell(m2s=1, s2m=1)
        model.settle(queue)
        queue.start()
    found = queue.counters()
    assert (found["errors"], found["denied"], found["packets"]) == (3, 3, 0)
    assert start(model, 1).counters()["errors"] == 0


@pytest.mark.cocotb
def test_dma_cycles_of_a_pair_add_up(model):
    """Every cycle has one cause, and the cause is the right one."""
    queue = start(model, 1)
    rounds = model.config.queues
    first, now = cycles_of(queue), model.sim.cycles
    model.sim.tick(4000)
    second, later = cycles_of(queue), model.sim.cycles
    # Registers are read one after the other; of an idle pair only one of them moves meanwhile.
    grown = {name: second[name] - first[name] for name in first}
    assert {name for name, value in grown.items() if value} == {"EMPTY"}
    assert abs(grown["EMPTY"] - (later - now)) <= 100
    assert grown["EMPTY"] % rounds == 0

    DmaManager(model.bus, 0).close_window(3)
    queue.disable()
    DmaManager(model.bus, 1).serve(rate=16, burst=16)
    queue.start()
    before = cycles_of(queue)
    for i in range(20):
        queue.submit([(SOURCE, 64)], [(SINK + 64 * i, 64)], ring_doorbell=False)
    queue.doorbell(m2s=20, s2m=20)
    for _ in range(20):
        queue.wait()
    after = cycles_of(queue)
    rated = after["RATE"] - before["RATE"]
    assert rated > 0.8 * (sum(after.values()) - sum(before.values()))
    queue.disable()
    DmaManager(model.bus, 1).serve()
    before = cycles_of(queue)
    model.sim.tick(1000)
    assert cycles_of(queue)["DISABLED"] - before["DISABLED"] >= 1000


@pytest.mark.cocotb
def test_dma_waits_name_their_cause(model):
    """A pair that waits for another's turn, for its descriptors, and for the data path."""
    model.sim.set("latency", 60)
    queues = [start(model, number) for number in range(4)]
    before = [cycles_of(queue) for queue in queues]
    for queue in queues:
        for i in range(30):
            queue.submit([(SOURCE, 1024)], [(SINK + 1024 * i, 1024)], ring_doorbell=False)
    for queue in queues:
        queue.doorbell(m2s=30, s2m=30)
    for queue in queues:
        for _ in range(30):
            queue.wait()
    total = {name: sum(cycles_of(queue)[name] - old[name]
                       for queue, old in zip(queues, before, strict=True)) for name, _ in WAITS}
    model.sim.set("latency", 2)
    assert min(total[name] for name in ("TURN", "FETCH", "DATA")) > 0
    assert total["TURN"] > total["FETCH"] and total["RATE"] == 0


@pytest.mark.cocotb
def test_dma_counter_pages_are_read_only_and_cleared_by_a_reset(model):
    queue = start(model)
    queue.submit([(SOURCE, 64)], [(SINK, 64)])
    queue.wait()
    assert read_all(model)["PACKETS"] == 1
    assert model.try_write_register(COUNTER_PAGE, 0) == 2
    for offset in (0x18, 0x1C, 0x80, 0xFFC):
        with pytest.raises(ValueError, match="was refused"):
            model.read_register(COUNTER_PAGE + offset)
    model.reset()
    found = read_all(model)
    assert not any(value for name, value in found.items() if not name.startswith("CYCLES"))
