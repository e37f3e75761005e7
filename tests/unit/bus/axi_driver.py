"""Drives an AXI4 manager port in pysim: many transactions at once, with random pauses."""

import dataclasses
import random
from collections import defaultdict, deque

from amaranth import Module

from rtl.bus import Burst, Resp
from rtl.bus.monitor import AXI4Monitor

FULL = 4                # `size` of a beat of 128 bits
BEAT_BYTES = 16
CHANCE = {"always": 1.0, "random": 0.5, "bursty": 0.15}


@dataclasses.dataclass
class Write:
    """A write burst; ``beats`` holds data and strobes."""

    addr: int
    beats: list
    id: int = 0
    size: int = FULL
    burst: Burst = Burst.INCR


@dataclasses.dataclass
class Read:
    """A read burst of ``count`` beats."""

    addr: int
    count: int = 1
    id: int = 0
    size: int = FULL
    burst: Burst = Burst.INCR


@dataclasses.dataclass
class Results:
    """Responses in the order of the transactions: codes of writes; codes and data of reads."""

    writes: list
    reads: list


def watched(dut, **buses):
    """Return a module of ``dut`` in which each bus, by its name, has a monitor."""
    m = Module()
    m.submodules.dut = dut
    for name, bus in buses.items():
        signature = bus.signature
        plain = signature if hasattr(signature, "data_width") else signature.flip()
        m.submodules[f"monitor_{name}"] = monitor = AXI4Monitor(plain)
        m.d.comb += monitor.watch(bus)
    return m


def _offer(ctx, bus, channel, fields):
    for name, value in fields.items():
        ctx.set(getattr(bus, f"{channel}{name}"), value)
    ctx.set(getattr(bus, f"{channel}valid"), 1)


def _address(transaction, count):
    return {"addr": transaction.addr, "len": count - 1, "id": transaction.id,
            "size": transaction.size, "burst": transaction.burst}


class _Inbox:
    """Matches responses to transactions, the oldest of an ID first."""

    def __init__(self, transactions):
        self.waiting = defaultdict(deque)
        for index, transaction in enumerate(transactions):
            self.waiting[transaction.id].append(index)
        self.results = [None] * len(transactions)
        self.beats = defaultdict(list)

    @property
    def done(self):
        return not any(self.waiting.values())

    def beat(self, tag, beat, last):
        assert self.waiting[tag], f"a response came for ID {tag}, which awaits none"
        self.beats[tag].append(beat)
        if last:
            self.results[self.waiting[tag].popleft()] = self.beats.pop(tag)


async def drive(ctx, bus, transactions, *, pause="always", seed=0, limit=5000):
    """Issue all ``transactions`` as fast as ``pause`` allows and return their responses."""
    rng = random.Random(seed)
    writes = [item for item in transactions if isinstance(item, Write)]
    reads = [item for item in transactions if isinstance(item, Read)]
    queues = {
        "aw": deque(_address(item, len(item.beats)) for item in writes),
        "w": deque({"data": word, "strb": strb, "last": index == len(item.beats) - 1}
                   for item in writes for index, (word, strb) in enumerate(item.beats)),
        "ar": deque(_address(item, item.count) for item in reads),
    }
    inbox_b, inbox_r = _Inbox(writes), _Inbox(reads)
    channels = (["aw", "w"] if writes else []) + (["ar"] if reads else [])
    offered = dict.fromkeys(channels, False)
    for _ in range(limit):
        if inbox_b.done and inbox_r.done:
            break
        for channel in channels:
            if not offered[channel] and queues[channel] and rng.random() < CHANCE[pause]:
                _offer(ctx, bus, channel, queues[channel].popleft())
                offered[channel] = True
        watch = [getattr(bus, f"{channel}ready") for channel in channels]
        if writes:
            accept_b = rng.random() < CHANCE[pause]
            ctx.set(bus.bready, accept_b)
            watch += [bus.bvalid, bus.bid, bus.bresp]
        if reads:
            accept_r = rng.random() < CHANCE[pause]
            ctx.set(bus.rready, accept_r)
            watch += [bus.rvalid, bus.rid, bus.rresp, bus.rdata, bus.rlast]
        _, _, *values = await ctx.tick().sample(*watch)
        for channel in channels:
            if values.pop(0) and offered[channel]:
                offered[channel] = False
                ctx.set(getattr(bus, f"{channel}valid"), 0)
        if writes:
            valid, tag, resp, *values = values
            if valid and accept_b:
                inbox_b.beat(tag, Resp(resp), True)
        if reads:
            valid, tag, resp, word, last = values
            if valid and accept_r:
                inbox_r.beat(tag, (Resp(resp), word), last)
    else:
        raise AssertionError(f"Responses are missing after {limit} cycles")
    for name in ("bready",) * bool(writes) + ("rready",) * bool(reads):
        ctx.set(getattr(bus, name), 0)
    return Results([beats[0] for beats in inbox_b.results], inbox_r.results)


def beat_addresses(item, count):
    """Return the address of each beat of a burst, from the formulas of AMBA AXI4, A3.4.1."""
    size = 1 << item.size
    aligned = item.addr // size * size
    if item.burst is Burst.FIXED:
        return [item.addr] * count
    addresses = [item.addr] + [aligned + n * size for n in range(1, count)]
    if item.burst is Burst.WRAP:
        boundary = item.addr // (size * count) * (size * count)
        addresses = [boundary + (addr - boundary) % (size * count) for addr in addresses]
    return addresses


class Reference:
    """Bytes that a memory should hold."""

    def __init__(self, size):
        self.bytes = bytearray(size)

    def write(self, item):
        for addr, (word, strb) in zip(beat_addresses(item, len(item.beats)), item.beats,
                                      strict=True):
            row = addr // BEAT_BYTES * BEAT_BYTES % len(self.bytes)
            for lane in range(BEAT_BYTES):
                if strb >> lane & 1:
                    self.bytes[row + lane] = word >> 8 * lane & 0xff

    def read(self, item):
        rows = [addr // BEAT_BYTES * BEAT_BYTES % len(self.bytes)
                for addr in beat_addresses(item, item.count)]
        return [int.from_bytes(self.bytes[row:row + BEAT_BYTES], "little") for row in rows]


def random_burst(rng, base, size_bytes, *, wrap=False):
    """Return address, beats, size and type of a legal burst in a range aligned to 4 KiB."""
    size = rng.choice((FULL, FULL, FULL, rng.randrange(5)))
    kind = rng.choice((Burst.INCR, Burst.INCR, Burst.WRAP, Burst.FIXED)) if wrap else Burst.INCR
    count = rng.choice((2, 4, 8, 16)) if kind is Burst.WRAP else rng.choice((1, 1, 2, 3, 8, 16))
    unit = 1 << size
    addr = base + rng.randrange(size_bytes // unit) * unit
    if kind is Burst.INCR:
        room = 4096 - addr % 4096
        room = min(room, base + size_bytes - addr)
        count = min(count, room // unit)
        addr += rng.randrange(unit) if rng.random() < 0.2 else 0
    return addr, count, size, kind


def random_write(rng, base, size_bytes, *, tag=0, wrap=False):
    """Return a legal random write."""
    addr, count, size, kind = random_burst(rng, base, size_bytes, wrap=wrap)
    item = Write(addr, [], tag, size, kind)
    for beat_addr in beat_addresses(item, count):
        low = beat_addr % BEAT_BYTES
        high = (beat_addr // (1 << size) + 1) * (1 << size) - beat_addr // BEAT_BYTES * BEAT_BYTES
        lanes = (1 << high) - (1 << low)
        strb = lanes & (rng.randrange(1 << 16) if rng.random() < 0.3 else 0xffff)
        item.beats.append((rng.randrange(1 << 128), strb))
    return item


def random_read(rng, base, size_bytes, *, tag=0, wrap=False):
    """Return a legal random read."""
    addr, count, size, kind = random_burst(rng, base, size_bytes, wrap=wrap)
    return Read(addr, count, tag, size, kind)
