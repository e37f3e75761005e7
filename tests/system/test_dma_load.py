# amaranth: UnusedElaboratable=no

"""A million descriptors of sixteen queue pairs and two tenants: none lost, none done twice."""

import random

import numpy as np
import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.encoding import COMPLETION, DESCRIPTOR, DESCRIPTOR_BYTES
from rtl.nitro_dma.registers import QUEUE
from sim.dma import DmaModel
from sw.drivers.dma import DmaManager, DmaQueue

QUEUES, TENANTS = 16, 2
CONFIG = DmaConfig(queues=QUEUES, data_width=64, outstanding=32, packets=64, prefetch=128,
                   descriptor_port=True)
BYTES = 1 << 22
DEPTH, BATCH = 1024, 256
LONGEST = 64
COMP_HEAD = QUEUE.register("S2M_COMP_HEAD").offset
PACKETS = 500_000 // QUEUES // BATCH * BATCH + BATCH      # of a pair; each has two descriptors
# Of each pair in its tenant's half of memory: rings, source and sink.
AREA = 1 << 16
STEP = 3 * AREA


def field(table, name):
    """Return the 32-bit word of a field, its position there and its mask."""
    lsb, width, _ = table[name]
    return lsb // 32, lsb % 32, (1 << width) - 1


class Load:
    """A pair that is kept busy, and what is expected of its packets."""

    def __init__(self, model, number):
        self.model, self.number = model, number
        tenant = number % TENANTS
        half = BYTES // TENANTS
        self.arena = tenant * half + number // TENANTS * STEP
        self.source, self.sink = self.arena + AREA, self.arena + 2 * AREA
        manager = DmaManager(model.bus, number)
        manager.own(tenant + 1)
        manager.open_window(0, tenant * half, half)
        self.queue = DmaQueue(model.bus, queue=number, arena=self.arena, depth=DEPTH,
                              tenant=tenant + 1)
        self.queue.start()
        self.rng = np.random.default_rng(number)
        self.lengths = self.rng.integers(1, LONGEST + 1, PACKETS)
        self.sources = self.rng.integers(0, AREA - LONGEST, PACKETS)
        self.announced = self.done = 0

    def words(self, base, first, count):
        """Return entries of a ring, as words of memory to read or write."""
        start = base + first % DEPTH * DESCRIPTOR_BYTES
        return self.model.memory[start:start + count * DESCRIPTOR_BYTES].view("<u4").reshape(-1, 4)

    def announce(self):
        """Write a batch of packets, if the rings have room, and ring the doorbells."""
        if self.announced == PACKETS or self.announced - self.done > DEPTH - BATCH:
            return
        packets = slice(self.announced, self.announced + BATCH)
        places = self.sink + np.arange(packets.start, packets.stop) % DEPTH * LONGEST
        ring_id = self.announced // DEPTH + 1 & 3
        for ring, addresses, flags in ((self.queue.m2s, self.source + self.sources[packets],
                                        ("first", "last")), (self.queue.s2m, places, ("last",))):
            entries = self.words(ring.base, self.announced, BATCH)
            entries[:] = 0
            for name, value in (("length", self.lengths[packets]), ("ring_id", ring_id),
                                ("address", addresses), ("tenant", self.queue.tenant),
                                *((flag, 1) for flag in flags)):
                word, shift, mask = field(DESCRIPTOR, name)
                entries[:, word] |= (np.asarray(value) & mask).astype(np.uint32) << np.uint32(shift)
        self.queue.doorbell(m2s=BATCH, s2m=BATCH)
        self.announced += BATCH

    def collect(self):
        """Check the completions that have come, in order, and the bytes of their packets."""
        first = self.done
        count = min(self.announced - first, DEPTH - first % DEPTH)
        head = self.model.read_register(self.queue.page + COMP_HEAD) & 0xFFFFFF
        entries = self.words(self.queue.s2m_done.base, first, count)

        def values(name):
            word, shift, mask = field(COMPLETION, name)
            return entries[:, word] >> np.uint32(shift) & mask

        fresh = values("ring_id") == (first // DEPTH + 1 & 3)
        come = count if fresh.all() else int(fresh.argmin())
        assert not fresh[come:].any(), f"queue {self.number}: a completion was left out"
        assert min((head - first) % DEPTH, count) <= come, (
            f"queue {self.number}: COMP_HEAD is ahead of the memory")
        packets = slice(first, first + come)
        assert not values("cause")[:come].any()
        assert (values("index")[:come] == np.arange(packets.start, packets.stop) % DEPTH).all(), \
            f"queue {self.number}: a completion is missing or was written twice"
        lengths = self.lengths[packets]
        assert (values("bytes")[:come] == lengths).all()
        lanes = np.arange(LONGEST)
        memory = self.model.memory
        moved = memory[self.sink + (np.arange(packets.start, packets.stop) % DEPTH)[:, None]
                       * LONGEST + lanes]
        wanted = memory[self.source + self.sources[packets][:, None] + lanes]
        assert ((moved == wanted) | (lanes >= lengths[:, None])).all(), \
            f"queue {self.number}: wrong bytes"
        self.done += come


@pytest.mark.cocotb
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_dma_million_descriptors():
    """Every packet has one completion, in order, and its bytes; all pairs get the same share."""
    assert 2 * QUEUES * PACKETS >= 1_000_000
    model = DmaModel(CONFIG, bytes=BYTES)
    model.memory[:] = np.frombuffer(random.Random(1).randbytes(BYTES), np.uint8)
    model.sim.set("stall", 10)
    loads = [Load(model, number) for number in range(QUEUES)]
    shares = None
    quiet = 0
    while any(load.done < PACKETS for load in loads):
        before = sum(load.done for load in loads)
        for load in loads:
            load.announce()
        model.sim.tick(2000)
        for load in loads:
            load.collect()
        if shares is None and any(load.announced == PACKETS for load in loads):
            shares = np.array([load.lengths[:load.done].sum() for load in loads], float)
        quiet = quiet + 1 if sum(load.done for load in loads) == before else 0
        assert quiet < 10, "nothing happens any more"
    for load in loads:
        assert model.settle(load.queue) >> 8 == 0 and load.queue.state() & 1
        assert not np.array_equal(load.lengths[:8], loads[load.number - 1].lengths[:8])
    assert shares is not None
    jain = shares.sum() ** 2 / (QUEUES * (shares ** 2).sum())
    print(f"{2 * QUEUES * PACKETS} descriptors, fairness {jain:.6f} (Jain, bytes of the pairs)")
    assert jain > 0.999
    model.close()
