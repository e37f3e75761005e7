"""Host driver of the DMA engine.

The driver knows neither bus nor simulator: it reaches memory and registers through four callables,
so that one driver serves Verilated models, cocotb (through ``cocotb.bridge``) and real hosts.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rtl.nitro_dma.encoding import (
    BUCKETS,
    COMPLETION,
    DESCRIPTOR,
    DESCRIPTOR_BYTES,
    FIRST_RING_ID,
    SLOT_END,
    SLOT_M2S,
    SLOT_S2M,
    WAITS,
    Cause,
    pack,
    unpack,
)

from .dma_buffers import MAX_BUFFER, Buffer, Strided, meta, metas_of, strided, transposition
from .dma_engine import GLOBAL_REGISTERS, MANAGER_REGISTERS, DmaBus, DmaEngine, DmaManager

__all__ = ["Completion", "DmaBus", "DmaEngine", "DmaError", "DmaManager", "DmaQueue",
           "GLOBAL_REGISTERS", "MANAGER_REGISTERS", "QUEUE_REGISTERS", "Strided"]

S2M = 0x400

# Offsets in a queue's page; a test holds them against the register declaration.
QUEUE_REGISTERS = {
    "CFG": 0x20, "RING_BASE_LO": 0x28, "RING_BASE_HI": 0x2C, "RING_LENGTH": 0x30, "TAIL_INC": 0x38,
    "COMP_BASE_LO": 0x44, "COMP_BASE_HI": 0x48, "STATE": 0x800, "PUSH": 0x80C,
    "PUSH_FREE": 0x810, "SW_CTRL": 0x8B0, "IRQ_CAUSE": 0x804, "IRQ_ENABLE": 0x808,
    "MESSAGE_ADDR_LO": 0x840, "MESSAGE_ADDR_HI": 0x844, "MESSAGE_DATA": 0x848, "MESSAGE_CFG": 0x84C,
}
PUSH_PAGE = 0x40000
COUNTER_PAGE = 0xC0000
FILL = 32768                        # bytes of a row of what a buffer is filled with
ENABLE = 3 << 16
RESET = 1 << 8
ABORT = 1 << 9
STATE_STOPPED = 1 << 1
STATE_RESETTING = 1 << 2
STATE_BUSY = 1 << 3


class DmaError(Exception):
    """The engine stopped a queue pair; ``cause`` says why."""

    def __init__(self, cause: Cause):
        super().__init__(f"DMA queue stopped: {cause.name}")
        self.cause = cause


@dataclasses.dataclass(frozen=True)
class Completion:
    """A packet's end: bytes moved, ring index of its last descriptor, and cause of failure."""

    bytes: int
    index: int
    cause: Cause
    interrupt: bool


class _Ring:
    """Software's position in a ring of memory."""

    def __init__(self, base: int, depth: int):
        self.base = base
        self.depth = depth
        self.count = 0

    @property
    def address(self) -> int:
        return self.base + self.count % self.depth * DESCRIPTOR_BYTES

    @property
    def ring_id(self) -> int:
        return (self.count // self.depth + FIRST_RING_ID) % 4


class DmaQueue:
    """One queue pair.

    Parameters
    ----------
    bus : :class:`DmaBus`
        Memory and registers.
    queue : :class:`int`
        Number of the pair.
    arena : :class:`int`
        Address of :meth:`arena_bytes` bytes for the four rings, a multiple of 64.
    depth : :class:`int`
        Entries of each ring, 4 to 65536.
    tenant : :class:`int`
        Owner of the pair, as set by its manager.
    push : :class:`bool`
        Descriptors are written into the device (:meth:`push`), not into rings in memory.

    Raises
    ------
    :exc:`ValueError`
        If ``arena`` or ``depth`` is not possible.
    """

    def __init__(self, bus: DmaBus, *, queue: int = 0, arena: int, depth: int = 64,
                 tenant: int = 0, push: bool = False):
        if not 4 <= depth <= 65536:
            raise ValueError(f"Ring depth must be from 4 to 65536, not {depth!r}")
        if arena % 64:
            raise ValueError(f"Arena must be a multiple of 64, not {arena:#x}")
        self.bus = bus
        self.page = 0x1000 * (1 + queue)
        self.slots = PUSH_PAGE + 0x1000 * queue
        self.counter_page = COUNTER_PAGE + 0x1000 * queue
        self.push_mode = push
        self.free = 0                   # slots that were free at the last look
        self.depth = depth
        self.tenant = tenant
        self.arena = arena
        self.m2s, self.s2m, self.m2s_done, self.s2m_done = self._rings()

    @staticmethod
    def arena_bytes(depth: int) -> int:
        """Bytes of the four rings."""
        return 4 * (-(-depth * DESCRIPTOR_BYTES // 64) * 64)

    def _rings(self) -> list[_Ring]:
        step = self.arena_bytes(self.depth) // 4
        return [_Ring(self.arena + i * step, self.depth) for i in range(4)]

    def _write(self, name: str, value: int, half: int = 0) -> None:
        self.bus.write_register(self.page + half + QUEUE_REGISTERS[name], value)

    def state(self) -> int:
        """Return the STATE register."""
        return self.bus.read_register(self.page + QUEUE_REGISTERS["STATE"])

    def start(self, polls: int = 100_000) -> None:
        """Disable and reset the pair, empty the rings and enable both halves.

        Raises
        ------
        :exc:`TimeoutError`
            If the pair is not drained after ``polls`` looks.
        """
        self.m2s, self.s2m, self.m2s_done, self.s2m_done = self._rings()
        self.free = 0
        self.bus.write_memory(self.arena, bytes(self.arena_bytes(self.depth)))
        self._enable(0)
        self._write("SW_CTRL", RESET)
        self._until(STATE_RESETTING, polls)
        for half, ring, done in ((0, self.m2s, self.m2s_done), (S2M, self.s2m, self.s2m_done)):
            self._write("RING_BASE_LO", ring.base & 0xFFFF_FFFF, half)
            self._write("RING_BASE_HI", ring.base >> 32, half)
            self._write("RING_LENGTH", self.depth, half)
            self._write("COMP_BASE_LO", done.base & 0xFFFF_FFFF, half)
            self._write("COMP_BASE_HI", done.base >> 32, half)
        self._write("PUSH", int(self.push_mode))
        self.resume()               # last: an enabled pair locks its configuration

    def disable(self, polls: int = 100_000) -> None:
        """Start nothing more and wait until nothing is under way; :meth:`resume` goes on.

        A packet that has begun keeps its place: what has been written of it stays.

        Raises
        ------
        :exc:`TimeoutError`
            If the pair is not drained after ``polls`` looks.
        """
        self._enable(0)
        self._until(STATE_BUSY, polls)

    def abort(self, polls: int = 100_000) -> None:
        """Write no more data and wait until nothing is under way; :meth:`start` begins anew.

        The packet that is open, and no other one, gets a completion, with ABORTED.

        Raises
        ------
        :exc:`TimeoutError`
            If the pair is not drained after ``polls`` looks.
        """
        self._write("SW_CTRL", ABORT)
        self._until(STATE_BUSY, polls)

    def send_messages(self, address: int, value: int, *, count: int = 1, cycles: int = 0) -> None:
        """Let the enabled interrupts of the pair be messages: ``value`` written to ``address``.

        Only before :meth:`start`, or while the pair is disabled.

        Parameters
        ----------
        count : :class:`int`
            Interrupts after which a message is written, 1 to 127.
        cycles : :class:`int`
            Cycles after the first of them after which it is written in any case, up to 65535.

        Raises
        ------
        :exc:`ValueError`
            If a value is out of its range.
        """
        if address % 4:
            raise ValueError(f"Messages are written to multiples of 4, not to {address:#x}")
        for name, number, low, high in (("Count", count, 1, 127), ("Cycles", cycles, 0, 0xFFFF)):
            if not low <= number <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {number!r}")
        for name, number in (("ADDR_LO", address & 0xFFFF_FFFF), ("ADDR_HI", address >> 32),
                             ("DATA", value), ("CFG", 1 | count << 8 | cycles << 16)):
            self._write(f"MESSAGE_{name}", number)

    def enable_interrupts(self, *, s2m: bool = True, m2s: bool = False, error: bool = True) -> None:
        """Choose the interrupts of the pair that reach the port, or become messages."""
        self._write("IRQ_ENABLE", s2m | m2s << 1 | error << 2)

    def resume(self) -> None:
        """Enable both halves."""
        self._enable(ENABLE)

    def _enable(self, value: int) -> None:
        for half in (0, S2M):
            self._write("CFG", value, half)

    def _until(self, flag: int, polls: int) -> None:
        """Wait until a flag of STATE reads 0."""
        if not any(not self.state() & flag for _ in range(polls)):
            raise TimeoutError(f"Queue pair not drained after {polls} polls")

    def put(self, ring: _Ring, **fields: int) -> None:
        """Write the next descriptor of a ring, without announcing it."""
        fields = {"ring_id": ring.ring_id, "tenant": self.tenant} | fields
        self.bus.write_memory(ring.address, pack(DESCRIPTOR, **fields))
        ring.count += 1

    def submit(self, sources: Sequence[Buffer], destinations: Sequence[Buffer], *,
               interrupt: bool = False, barrier: bool = False, ring_doorbell: bool = True) -> None:
        """Announce one packet: its source and destination buffers.

        A buffer is ``(address, length)`` or :class:`Strided`.

        Parameters
        ----------
        interrupt : :class:`bool`
            Ask for interrupts of both halves and for an M2S completion.
        barrier : :class:`bool`
            Start after everything before is complete.
        ring_doorbell : :class:`bool`
            Announce at once; else :meth:`doorbell` does, for several packets.

        Raises
        ------
        :exc:`ValueError`
            If a length is not from 1 to 65536, or dimensions are impossible.
        """
        counts = []
        for ring, buffers, waits in ((self.s2m, strided(destinations), False),
                                     (self.m2s, strided(sources), barrier)):
            before = ring.count
            for i, buffer in enumerate(buffers):
                last = i == len(buffers) - 1
                for fields in metas_of(buffer):
                    self.put(ring, **fields)
                self.put(ring, address=buffer.address, length=buffer.length % MAX_BUFFER,
                         first=i == 0, last=last, interrupt=interrupt and last,
                         barrier=waits and i == 0)
            counts.append(ring.count - before)
        if ring_doorbell:
            self.doorbell(s2m=counts[0], m2s=counts[1])

    def transpose(self, source: tuple[int, int], sink: tuple[int, int], *, rows: int, columns: int,
                  element: int, **options: bool) -> None:
        """Announce one packet that transposes a matrix; see :func:`transposition`.

        ``options`` are those of :meth:`submit`.
        """
        most = self.bus.read_register(GLOBAL_REGISTERS["FEATURES"]) & 0xFF
        self.submit(*transposition(source, sink, rows=rows, columns=columns, element=element,
                                   most=most), **options)

    def fill(self, sinks: Sequence[Buffer], word: int, **options: bool) -> None:
        """Announce one packet that fills buffers with a word of 32 bits.

        It begins with its lowest byte at the first address and goes on from buffer to buffer.
        ``options`` are those of :meth:`submit`.
        """
        total = sum(buffer.length * math.prod(count for count, _ in buffer.dimensions)
                    for buffer in strided(sinks))
        whole, rest = divmod(total, FILL)
        sources = [Strided(0, FILL, [(whole, 0)], word=word)] if whole else []
        if rest:
            sources.append(Strided(0, rest, word=word))
        self.submit(sources, sinks, **options)

    def counters(self) -> dict[str, Any]:
        """Return the counters of the pair by name, if the engine has any.

        ``cycles`` and ``latency`` are lists: by :data:`~rtl.nitro_dma.encoding.WAITS`, and by the
        binary logarithm of the cycles.
        """
        def read(offset):
            return self.bus.read_register(self.counter_page + offset)

        names = "descriptors", "packets", "bytes", "bytes_high", "errors", "denied"
        found = {name: read(4 * i) for i, name in enumerate(names)}
        found["bytes"] |= found.pop("bytes_high") << 32
        return found | {"cycles": [read(0x20 + 4 * i) for i in range(len(WAITS))],
                        "latency": [read(0x40 + 4 * i) for i in range(BUCKETS)]}

    def push(self, source: Buffer, destination: Buffer, *, first: bool = True, last: bool = True,
             interrupt: bool = False, barrier: bool = False, polls: int = 100_000) -> None:
        """Write one source and one destination buffer: a packet, or a part of one.

        They take a slot, and another one for each dimension.

        Raises
        ------
        :exc:`ValueError`
            If the pair is not in push mode, or as in :meth:`submit`.
        :exc:`TimeoutError`
            If no slot is free after ``polls`` looks.
        """
        if not self.push_mode:
            raise ValueError("The pair is not in push mode: make it with push=True")
        pair = strided((source, destination))
        # Both halves of a slot are used: the half with fewer dimensions repeats itself once.
        for metas in itertools.zip_longest(*map(metas_of, pair), fillvalue=meta(1, 0)):
            self._push(*metas, polls=polls)
        m2s, s2m = ({"address": buffer.address, "length": buffer.length % MAX_BUFFER, "last": last,
                     "interrupt": interrupt and last} for buffer in pair)
        self._push(m2s | {"first": first, "barrier": barrier}, s2m, polls=polls)

    def _push(self, m2s: Mapping[str, int], s2m: Mapping[str, int], *, polls: int) -> None:
        """Write a slot."""
        for _ in range(polls):
            if self.free:
                break
            self.free = self.bus.read_register(self.page + QUEUE_REGISTERS["PUSH_FREE"])
        else:
            raise TimeoutError(f"No slot free after {polls} polls")
        self.free -= 1
        for half, fields in ((SLOT_M2S, m2s), (SLOT_S2M, s2m)):
            descriptor = pack(DESCRIPTOR, tenant=self.tenant, **fields)
            for offset in range(0, DESCRIPTOR_BYTES, 4):
                self.bus.write_register(self.slots + half + offset, int.from_bytes(
                    descriptor[offset:offset + 4], "little"))
        self.bus.write_register(self.slots + SLOT_END, 0)

    def doorbell(self, *, m2s: int, s2m: int) -> None:
        """Announce descriptors that :meth:`put` has written."""
        if s2m:
            self._write("TAIL_INC", s2m, S2M)
        if m2s:
            self._write("TAIL_INC", m2s)

    def poll(self) -> Completion | None:
        """Return the next S2M completion, or None if there is none yet."""
        return self._poll(self.s2m_done)

    def poll_m2s(self) -> Completion | None:
        """Return the next M2S completion, or None if there is none yet."""
        return self._poll(self.m2s_done)

    def _poll(self, ring: _Ring) -> Completion | None:
        fields = unpack(COMPLETION, self.bus.read_memory(ring.address, DESCRIPTOR_BYTES))
        if fields["ring_id"] != ring.ring_id:
            return None
        ring.count += 1
        return Completion(fields["bytes"], fields["index"], Cause(fields["cause"]),
                          bool(fields["interrupt"]))

    def wait(self, polls: int = 100_000) -> Completion:
        """Poll until a packet is complete.

        Raises
        ------
        :exc:`DmaError`
            If the packet failed.
        :exc:`TimeoutError`
            If there is no completion after ``polls`` looks.
        """
        for _ in range(polls):
            completion = self.poll()
            if completion is None:
                self.state()        # takes a little time on any bus
                continue
            if completion.cause != Cause.NONE:
                raise DmaError(completion.cause)
            return completion
        raise TimeoutError(f"No completion after {polls} polls")
