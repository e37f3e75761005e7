# amaranth: UnusedElaboratable=no

"""Tenants that cannot touch each other: windows, owners, locked configuration."""

import random

import pytest

from rtl.nitro_dma.encoding import Cause
from rtl.nitro_dma.registers import MANAGER, QUEUE
from sim.dma import DmaModel
from sim.models.dma import Window
from sw.drivers.dma import DmaError, DmaManager, DmaQueue
from tests.system.dma_configs import WIDE

PAGE = 4096
ARENA, SOURCE, SINK = 0x10000, 0x20000, 0x30000     # of queue 0; the next queue's are 0x40000 on
STEP = 0x40000
DEPTH = 16


@pytest.fixture(scope="module")
def model():
    model = DmaModel(WIDE)
    yield model
    model.close()


class Tenant:
    """A queue pair, its owner and its windows."""

    def __init__(self, model, number, windows, arena=None):
        self.model, self.number, self.windows = model, number, windows
        self.id = 0x100 + number
        self.manager = DmaManager(model.bus, number)
        self.manager.own(self.id)
        for i in range(4):
            self.manager.close_window(i)
        for i, window in enumerate(windows):
            self.manager.open_window(i, window.base, window.limit + 1 - window.base,
                                     read=window.read, write=window.write)
        self.queue = DmaQueue(model.bus, queue=number, depth=DEPTH, tenant=self.id,
                              arena=ARENA + STEP * number if arena is None else arena)


def whole(number, **access):
    """The window of the part of memory that belongs to a queue."""
    return Window(STEP * number, STEP * (number + 1) - 1, **access)


def check_requests(model, tenants):
    """Every burst since the reset lies in a window of the queue whose owner it names."""
    owners = {tenant.id: tenant for tenant in tenants}
    count = 0
    for request in model.requests():
        windows = owners[request.tenant].windows
        first = request.address // PAGE * PAGE
        assert request.address + request.length <= first + PAGE, f"{request} crosses a page"
        assert any(window.allows(first, write=request.write) for window in windows), \
            f"{request} of queue {owners[request.tenant].number} is outside of its windows"
        count += 1
    return count


# What is opened beside the rings, and what of these the pair may not do: cause of the failure.
DENIED = {
    "read":             ((SOURCE, {"read": False}), Cause.READ_WINDOW),
    "write":            ((SINK, {"write": False}), Cause.WRITE_WINDOW),
    "descriptors":      ((ARENA, {"read": False}), Cause.FETCH_WINDOW),
    "completions":      ((ARENA, {"write": False}), Cause.COMPLETION_WINDOW),
}


@pytest.mark.cocotb
@pytest.mark.parametrize("case", DENIED)
def test_dma_window_denies(model, case):
    """The pair stops with the cause, nothing of it is on the bus; opened, it runs."""
    (region, access), cause = DENIED[case]
    model.reset()
    model.memory[:] = 0xEE
    model.write_memory(SOURCE, random.Random(1).randbytes(0x4000))
    windows = [Window(base, base + 0xFFFF, **(access if base == region else {}))
               for base in (ARENA, SOURCE, SINK)]
    tenant = Tenant(model, 0, windows)
    queue = tenant.queue
    queue.start()
    for i in range(3):
        queue.submit([(SOURCE + 3000 * i, 3000)], [(SINK + 3000 * i + 5, 3000)],
                     ring_doorbell=False)
    queue.doorbell(m2s=3, s2m=3)
    state = model.settle(queue)
    assert state & 2 and state >> 8 & 0xFF == cause
    if case != "completions":
        with pytest.raises(DmaError, match=cause.name):
            queue.wait(1)
    if case in ("read", "write", "descriptors"):
        assert model.read_memory(SINK, 9005) == b"\xee" * 9005
    check_requests(model, [tenant])

    queue.disable()
    tenant = Tenant(model, 0, [Window(base, base + 0xFFFF) for base in (ARENA, SOURCE, SINK)])
    tenant.queue.start()
    tenant.queue.submit([(SOURCE, 3000)], [(SINK, 3000)])
    assert tenant.queue.wait().bytes == 3000
    assert model.read_memory(SINK, 3000) == model.read_memory(SOURCE, 3000)


@pytest.mark.cocotb
@pytest.mark.parametrize("half, offset", [("source", 0), ("source", 7), ("sink", 0), ("sink", 9)])
def test_dma_buffer_that_leaves_its_window(model, half, offset):
    """A buffer begins in a window and ends 100 bytes behind it: at every distance of its start."""
    other = whole(1)
    for before in (1, 15, 16, 17, 200, 256, 1000):
        model.reset()
        model.memory[:] = 0xEE
        end = SOURCE + PAGE if half == "source" else SINK + PAGE
        windows = [Window(ARENA, ARENA + PAGE - 1), Window(SOURCE, SOURCE + PAGE - 1),
                   Window(SINK, SINK + PAGE - 1)]
        tenant, beside = Tenant(model, 0, windows), Tenant(model, 1, [other])
        for one in (tenant, beside):
            one.queue.start()
        src = (end - before, before + 100) if half == "source" else (SOURCE + offset, before + 100)
        dst = (end - before, before + 100) if half == "sink" else (SINK + offset, before + 100)
        model.write_memory(SOURCE, random.Random(before).randbytes(0x2000))
        guard = model.read_memory(SINK + PAGE, PAGE)
        beside.queue.submit([(STEP + SOURCE, 5000)], [(STEP + SINK, 5000)])
        tenant.queue.submit([src], [dst])
        cause = Cause.READ_WINDOW if half == "source" else Cause.WRITE_WINDOW
        with pytest.raises(DmaError, match=cause.name):
            tenant.queue.wait()
        assert beside.queue.wait().bytes == 5000
        model.settle(tenant.queue)
        assert model.read_memory(SINK + PAGE, PAGE) == guard
        check_requests(model, [tenant, beside])


def attack(model, rng, number):
    """Set a queue up with random windows, rings and descriptors."""
    windows = []
    for _ in range(rng.randrange(1, 5)):
        base = rng.randrange(STEP * number, STEP * (number + 1), PAGE)
        windows.append(Window(base, base + PAGE * rng.randrange(1, 12) - 1,
                              rng.random() < 0.8, rng.random() < 0.8))
    arena = rng.choice(windows).base if rng.random() < 0.8 else rng.randrange(0, 1 << 20, 64)
    tenant = Tenant(model, number, windows, arena=arena)
    queue = tenant.queue
    for half, ring, done in ((0, queue.m2s, queue.m2s_done), (0x400, queue.s2m, queue.s2m_done)):
        for name, value in (("RING_BASE_LO", ring.base), ("RING_LENGTH", rng.choice((4, 16, 300))),
                            ("COMP_BASE_LO", done.base if rng.random() < 0.7
                             else rng.randrange(0, 1 << 20, 64))):
            queue._write(name, value, half)
    for _ in range(DEPTH):
        for ring in (queue.m2s, queue.s2m):
            address = (rng.choice(windows).base + rng.randrange(2 * PAGE) if rng.random() < 0.8
                       else rng.randrange(1 << 20))
            # Written by the tenant itself, hence only where it may write.
            if any(window.write and window.allows(ring.address, write=True) for window in windows):
                queue.put(ring, address=address, length=rng.choice((1, 64, 700, 5000)),
                          first=rng.random() < 0.9, last=rng.random() < 0.9,
                          tenant=tenant.id if rng.random() < 0.97 else 0x100,
                          interrupt=rng.random() < 0.3)
    queue.resume()
    queue.doorbell(m2s=rng.randrange(1, DEPTH + 1), s2m=rng.randrange(1, DEPTH + 1))
    return tenant


@pytest.mark.cocotb
@pytest.mark.parametrize("seed", range(8))
def test_dma_hostile_tenants_reach_nothing_of_others(model, seed):
    """Three queues with random rings, windows and descriptors beside one that does its work."""
    rng = random.Random(seed)
    model.reset()
    model.sim.set("stall", rng.choice((0, 40)))
    image = rng.randbytes(STEP)
    model.write_memory(0, image)
    honest = Tenant(model, 0, [whole(0)])
    honest.queue.start()
    tenants = [honest]
    for number in (1, 2, 3):
        model.memory[STEP * number:STEP * (number + 1)] = number
        tenants.append(attack(model, rng, number))
    for i in range(40):
        n = rng.randrange(1, 1500)
        honest.queue.submit([(SOURCE + i, n)], [(SINK + 1500 * i % 0x8000, n)])
        assert honest.queue.wait().bytes == n
        start = SINK + 1500 * i % 0x8000
        assert model.read_memory(start, n) == model.read_memory(SOURCE + i, n)
    # Nothing of another's part has changed, and each hostile queue comes back from a reset.
    assert model.read_memory(SOURCE, 0x8000) == image[SOURCE:SOURCE + 0x8000]
    check_requests(model, tenants)
    for tenant in tenants[1:]:
        tenant.queue._write("SW_CTRL", 1 << 8)
        assert any(not tenant.queue.state() & 4 for _ in range(10_000)), "the reset does not end"
    model.sim.set("stall", 0)
    for number in (1, 2, 3):
        tenants[number].queue.disable()
        again = Tenant(model, number, [whole(number)])
        again.queue.start()
        base = STEP * number
        again.queue.submit([(base + SOURCE, 999)], [(base + SINK, 999)])
        assert again.queue.wait().bytes == 999


@pytest.mark.cocotb
def test_dma_configuration_is_locked_while_a_queue_runs(model):
    """Rings, completions, windows and owner keep their values until the pair is disabled."""
    model.reset()
    queue = Tenant(model, 0, [whole(0)]).queue
    queue.start()
    names = [f"{half}_{name}" for half in ("M2S", "S2M")
             for name in ("RING_BASE_LO", "RING_BASE_HI", "RING_LENGTH", "COMP_BASE_LO",
                          "COMP_BASE_HI", "COMP_CFG")]
    places = [queue.page + QUEUE.register(name).offset for name in names]
    places += [0x80000 + register.offset for register in MANAGER.registers]

    def refused():
        before = [model.read_register(place) for place in places]
        responses = [model.try_write_register(place, 0x55AA_5540) for place in places]
        after = [model.read_register(place) for place in places]
        return responses, before == after

    assert refused() == ([2] * len(places), True)
    for half in (0, 0x400):     # one half that is enabled is enough
        queue._write("CFG", 0, half)
        if half == 0:
            assert refused() == ([2] * len(places), True)
    assert refused() == ([0] * len(places), False)
