# amaranth: UnusedElaboratable=no

"""Push mode: descriptors written into the device, on the Verilated engine."""

import functools
import itertools
import random

import numpy as np
import pytest

from rtl.nitro_dma.encoding import DESCRIPTOR, SLOT_END, SLOT_M2S, SLOT_S2M, SLOTS, Cause, pack
from rtl.nitro_dma.registers import QUEUE
from sw.drivers.dma import PUSH_PAGE, DmaError
from tests.system.dma_configs import WIDE
from tests.system.dma_system import SINK, SOURCE, fixtures, golden_of
from tests.system.dma_system import start as start_ring

LAUNCH = 2
SLVERR = 2

model, idle = fixtures({"wide": WIDE}, seed=3)


start = functools.partial(start_ring, push=True)


def words_of(queue, source, destination):
    """Return the register writes of a slot, without the last."""
    slot = pack(DESCRIPTOR, address=source[0], length=source[1], first=1, last=1)
    slot += pack(DESCRIPTOR, address=destination[0], length=destination[1], last=1)
    assert (SLOT_M2S, SLOT_S2M) == (0, 16)
    return [(queue.slots + i, int.from_bytes(slot[i:i + 4], "little")) for i in range(0, 32, 4)]


def copied(model, source, destination):
    return (model.read_memory(destination[0], destination[1])
            == model.read_memory(source[0], source[1]))


def back_to_back(model, writes):
    """Write registers as fast as the bus takes them: one every 2 cycles."""
    sim = model.sim
    for name in ("awvalid", "wvalid", "bready"):
        sim.set(f"s_axil__{name}", 1)
    sim.set("s_axil__wstrb", 15)
    for number, (address, value) in enumerate(writes):
        sim.set("s_axil__awaddr", address)
        sim.set("s_axil__wdata", value)
        taken = next(i for i in range(1, 20) if sim.tick() or sim.get("s_axil__bvalid"))
        assert number == 0 or taken == 2
    for name in ("awvalid", "wvalid"):
        sim.set(f"s_axil__{name}", 0)
    sim.tick()


@pytest.mark.cocotb
@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_dma_push_launches_in_two_cycles(model, order):
    """From the last word of the slot to the address of the data, from the fastest writer on."""
    queue = start(model)
    for delay in range(8):
        source, destination = (SOURCE + 256 * delay, 64), (SINK + 300 * delay, 64)
        words = words_of(queue, source, destination)[::-1 if order == "backwards" else 1]
        end = queue.slots + SLOT_END, 0
        back_to_back(model, words if delay else [*words, end])
        if delay:
            model.sim.tick(delay)
            back_to_back(model, [end])
        bell = model.sim.get("bell")
        assert queue.wait().bytes == 64 and copied(model, source, destination)
        assert model.sim.get("request") - bell == LAUNCH


@pytest.mark.cocotb
@pytest.mark.parametrize("stall, depth", [(0, 64), (90, 5)])
def test_dma_random_pushes_leave_the_memory_of_the_model(model, stall, depth):
    """Packets of one to four slots, beside a queue that has rings."""
    rng = random.Random(stall)
    queue, ringed = start(model, depth=depth), start(model, 1, push=False)
    model.sim.set("stall", stall)
    golden = golden_of(queue, model)
    sink, aside = SINK, 0xF0000
    for _ in range(150):
        parts = rng.randrange(1, SLOTS + 1)
        interrupt, barrier = rng.random() < 0.3, rng.random() < 0.2
        if rng.random() < 0.3:
            ringed.submit([(SOURCE, 700)], [(aside, 700)])
        total = 0
        for part in range(parts):
            last = part == parts - 1
            length = rng.choice((rng.randrange(1, 40), rng.randrange(1, 600)))
            source = SOURCE + rng.randrange(0x10000), length
            room = length + (rng.randrange(200) if last else 0)
            flags = {"first": part == 0, "last": last}
            queue.push(source, (sink, room), **flags, interrupt=interrupt,
                       barrier=barrier and part == 0)
            asks = interrupt and last
            assert golden.push(
                pack(DESCRIPTOR, address=source[0], length=length, **flags, interrupt=asks),
                pack(DESCRIPTOR, address=sink, length=room, last=last, interrupt=asks))
            golden.run()
            sink += room + rng.randrange(3)
            total += length
        if rng.random() < 0.5:
            assert queue.wait().bytes == total
        else:
            queue.s2m_done.count += 1
        if sink > aside - 0x2000:
            sink = SINK
            model.settle(queue)
    model.settle(queue)
    model.settle(ringed)
    expected = np.frombuffer(bytes(golden.memory.data), np.uint8)
    mine = np.ones(len(expected), bool)
    mine[ringed.arena:ringed.arena + 0x2000] = mine[aside:aside + 700] = False
    wrong = np.flatnonzero((expected != model.memory) & mine)
    assert not wrong.size, f"{wrong.size} bytes differ, the first at {wrong[0]:#x}"
    assert queue.state() >> 8 == 0 and ringed.state() >> 8 == 0
    assert model.read_memory(aside, 700) == model.read_memory(SOURCE, 700)


@pytest.mark.cocotb
def test_dma_push_takes_what_stands_in_the_slot_at_its_end(model):
    """Two words are changed before the end, one behind the other, while a descriptor is loaded."""
    queue = start(model)
    wrong = words_of(queue, (SOURCE, 200), (SINK, 200))
    for word, other in itertools.permutations((0, 2, 4, 6), 2):
        for delay in range(6):
            source, destination = (SOURCE + 0x1000 + 64 * delay, 50 + delay), (SINK + 0x800, 90)
            right = words_of(queue, source, destination)
            model.memory[SINK:SINK + 0x1000] = 0xEE
            back_to_back(model, [(wrong if i in (word, other) else right)[i] for i in range(8)])
            model.sim.tick(1 + delay)
            back_to_back(model, [right[word], right[other], (queue.slots + SLOT_END, 0)])
            assert queue.wait().bytes == source[1]
            assert copied(model, source, (destination[0], source[1]))
            assert (model.memory[SINK:SINK + 0x800] == 0xEE).all()


@pytest.mark.cocotb
def test_dma_push_has_no_slot_and_refuses(model):
    """Four slots a pair; without a free one, incomplete, or in ring mode: SLVERR."""
    queue = start(model)
    model.sim.set("latency", 400)
    pushed = 0
    for _ in range(20):
        if model.read_register(queue.page + QUEUE.register("PUSH_FREE").offset) == 0:
            break
        queue.push((SOURCE, 60000), (SINK, 60000), barrier=True)
        pushed += 1
    assert SLOTS <= pushed <= SLOTS + 1
    assert model.try_write_register(queue.slots, 1) == SLVERR
    model.sim.set("latency", 2)
    assert [queue.wait().bytes for _ in range(pushed)] == [60000] * pushed
    assert model.try_write_register(queue.slots + SLOT_END, 0) == SLVERR
    for address in (queue.slots + 0x1000, PUSH_PAGE + 0x1000 * WIDE.queues):
        assert model.try_write_register(address, 1) == SLVERR
    with pytest.raises(ValueError, match="refused"):
        model.read_register(queue.slots)
    assert model.try_write_register(queue.page + QUEUE.register("PUSH").offset, 0) == SLVERR
    queue._write("TAIL_INC", 1)             # rings are not looked at
    model.sim.tick(200)
    assert queue.state() == 1
    ringed = start(model, push=False)
    assert model.try_write_register(queue.slots, 1) == SLVERR
    with pytest.raises(ValueError, match="The pair is not in push mode"):
        ringed.push((SOURCE, 1), (SINK, 1))


@pytest.mark.cocotb
@pytest.mark.parametrize("cause, source, destination, flags", [
    (Cause.FIRST, SOURCE, SINK, {"first": False}),
    (Cause.ADDRESS, SOURCE, (1 << 40) - 10, {}),
    (Cause.READ_WINDOW, 1 << 30, SINK, {}),
    (Cause.WRITE_WINDOW, SOURCE, 1 << 30, {}),
])
def test_dma_push_of_a_bad_descriptor(model, cause, source, destination, flags):
    queue = start(model)
    queue.push((SOURCE, 64), (SINK + 0x100, 64))
    assert queue.wait().bytes == 64
    queue.push((source, 64), (destination, 64), **flags)
    with pytest.raises(DmaError) as stop:
        queue.wait()
    assert stop.value.cause == cause and model.settle(queue) >> 8 == cause
    queue.start()
    queue.push((SOURCE, 64), (SINK + 0x200, 64))
    assert queue.wait().bytes == 64 and copied(model, (SOURCE, 64), (SINK + 0x200, 64))


@pytest.mark.cocotb
def test_dma_push_names_a_foreign_tenant(model):
    queue = start(model, tenant=7)
    queue.push((SOURCE, 64), (SINK, 64))
    with pytest.raises(DmaError, match="TENANT"):
        queue.wait()


@pytest.mark.cocotb
def test_dma_push_waits_while_disabled(model):
    """Nothing starts while the pair is disabled, whenever that is; what was pushed starts then."""
    queue = start(model)
    for delay in range(12):
        model.memory[SINK:SINK + 0x100] = 0xEE
        back_to_back(model, words_of(queue, (SOURCE, 77), (SINK, 77)))
        model.sim.tick(1 + delay)
        assert not queue.state() & 8, "a slot that is not complete makes the pair busy"
        queue.disable()
        back_to_back(model, [(queue.slots + SLOT_END, 0)])
        model.sim.tick(100)
        assert (model.memory[SINK:SINK + 0x100] == 0xEE).all() and not queue.state() & 8
        queue.resume()
        assert queue.wait().bytes == 77 and copied(model, (SOURCE, 77), (SINK, 77))


@pytest.mark.cocotb
def test_dma_push_is_forgotten_by_a_reset(model):
    """A reset at every cycle of a push: nothing of it is done, written or left behind."""
    partly = 0
    for delay in range(60):
        queue = start(model)
        model.memory[SINK:SINK + 0x4000] = 0xEE
        for i in range(2):
            queue.push((SOURCE, 3000), (SINK + 0x1000 * i, 3000), barrier=True)
        back_to_back(model, words_of(queue, (SOURCE, 99), (SINK + 0x3000, 99)))
        model.sim.tick(1 + delay)
        queue._write("SW_CTRL", 1 << 8)
        assert any(not queue.state() & 4 for _ in range(10_000)), "the reset does not end"
        before = model.memory.copy()
        partly += not copied(model, (SOURCE, 3000), (SINK + 0x1000, 3000))
        assert model.try_write_register(queue.slots + SLOT_END, 0) == SLVERR
        model.sim.tick(200)
        assert (model.memory == before).all(), f"reset after {delay}: a write after the drain"
        assert (model.memory[SINK + 0x3000:SINK + 0x4000] == 0xEE).all()
    assert partly > 10, "hardly ever reset in the middle"


@pytest.mark.cocotb
def test_dma_push_leaves_the_rings_to_others(model):
    """Half-written slots of every other pair cost a pair with rings nothing."""
    def cycles():
        ringed = start(model, 3, push=False)
        for i in range(40):
            ringed.submit([(SOURCE + 64 * i, 64)], [(SINK + 64 * i, 64)], ring_doorbell=False)
        ringed.doorbell(m2s=40, s2m=40)
        bell = model.sim.get("bell")
        assert [ringed.wait().bytes for _ in range(40)] == [64] * 40
        return model.sim.get("w_last") - bell

    alone = cycles()
    for number in range(3):
        queue = start(model, number)
        back_to_back(model, words_of(queue, (SOURCE, 64), (SINK, 64)))
    assert cycles() <= alone + 3
