"""Golden model of the DMA engine: rings, packets, pieces, bursts, completions.

Plain Python over a byte-addressed memory. What the model leaves in memory, the engine must leave
in memory, byte for byte, completions included; its data bursts are those of the engine, in order.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

from rtl.nitro_dma.encoding import (
    COMPLETION,
    DESCRIPTOR,
    DESCRIPTOR_BYTES,
    DIMENSIONS,
    FIRST_RING_ID,
    SLOTS,
    Cause,
    pack,
    unpack,
)

__all__ = ["Burst", "Memory", "Piece", "QueueModel", "Ring", "Window", "legalise"]

PAGE = 4096


@dataclasses.dataclass(frozen=True)
class Burst:
    """An AXI4 burst of full-width beats: aligned byte address and number of beats."""

    address: int
    beats: int


@dataclasses.dataclass(frozen=True)
class Piece:
    """Bytes that lie in one source and one destination buffer."""

    src: int
    dst: int
    length: int


@dataclasses.dataclass(frozen=True)
class Window:
    """Pages that a queue may reach: addresses of the first and of the last, and what for."""

    base: int
    limit: int
    read: bool = True
    write: bool = True

    def allows(self, page: int, *, write: bool) -> bool:
        """Return whether the page with this address may be read, or written."""
        return (self.write if write else self.read) and (
            self.base // PAGE <= page // PAGE <= self.limit // PAGE)


def legalise(address: int, length: int, *, beat_bytes: int, max_burst: int) -> list[Burst]:
    """Return the bursts that move ``length`` bytes at ``address``.

    A burst ends at each multiple of ``max_burst`` beats and at each 4 KiB boundary.
    """
    block = min(max_burst * beat_bytes, PAGE)
    bursts, end = [], address + length
    while address < end:
        stop = min(end, (address // block + 1) * block)
        first, last = address // beat_bytes, (stop - 1) // beat_bytes
        bursts.append(Burst(first * beat_bytes, last - first + 1))
        address = stop
    return bursts


@dataclasses.dataclass
class Memory:
    """A flat memory that starts at ``base``."""

    data: bytearray
    base: int = 0

    def read(self, address: int, length: int) -> bytes:
        """Return ``length`` bytes at ``address``."""
        start = address - self.base
        if not 0 <= start <= len(self.data) - length:
            raise ValueError(f"Read of {length} bytes at {address:#x} leaves the memory")
        return bytes(self.data[start:start + length])

    def write(self, address: int, payload: bytes) -> None:
        """Write ``payload`` at ``address``."""
        start = address - self.base
        if not 0 <= start <= len(self.data) - len(payload):
            raise ValueError(f"Write of {len(payload)} bytes at {address:#x} leaves the memory")
        self.data[start:start + len(payload)] = payload


@dataclasses.dataclass
class Ring:
    """A ring in memory and the position in it: submissions read, or completions written.

    In push mode ``pushed`` holds the descriptors, the oldest first. Of a submission ring's current
    buffer, ``dimensions`` are repetitions and stride of each, ``row`` the number of the current
    row, and ``done`` its bytes that have been moved.
    """

    base: int
    length: int
    index: int = 0
    ring_id: int = FIRST_RING_ID
    pending: int = 0
    pushed: list[bytes] = dataclasses.field(default_factory=list)
    dimensions: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    row: int = 0
    done: int = 0

    @property
    def begun(self) -> bool:
        """Whether bytes of the current buffer have been moved."""
        return bool(self.row or self.done)

    @property
    def final(self) -> bool:
        """Whether the current row is the last one of its buffer."""
        return self.row == math.prod(count for count, _ in self.dimensions) - 1

    def offset(self) -> int:
        """Return how far the current row lies behind the first one."""
        total, rest = 0, self.row
        for count, stride in self.dimensions:
            rest, position = divmod(rest, count)
            total += position * stride
        return total

    def use(self, length: int, *, row_ends: bool, ends: bool) -> None:
        """Move on by some bytes, to the next row, or to the next descriptor."""
        self.done = 0 if row_ends or ends else self.done + length
        self.row = 0 if ends else self.row + row_ends
        if ends:
            self.take()
            self.dimensions = []

    def take(self) -> None:
        """Leave the current descriptor."""
        self.advance()
        self.pending -= 1
        if self.pushed:
            self.pushed.pop(0)

    def advance(self) -> int:
        """Move on by one entry; return the index of the entry left behind."""
        left = self.index
        self.index += 1
        if self.index == self.length:
            self.index, self.ring_id = 0, (self.ring_id + 1) % 4
        return left

    @property
    def address(self) -> int:
        """Address of the current entry."""
        return self.base + DESCRIPTOR_BYTES * self.index


class QueueModel:
    """One queue pair.

    Parameters
    ----------
    memory : :class:`Memory`
        Everything the queue reads and writes.
    m2s, s2m, m2s_done, s2m_done : :class:`Ring`
        Submission and completion rings.
    tenant : :class:`int`
        Owner of the queue.
    addr_width : :class:`int`
        Width of the engine's addresses.
    windows : sequence of :class:`Window` or None
        Where the queue may read and write; by default everywhere.
    push : :class:`bool`
        Descriptors come by :meth:`push` and not from the rings in memory.
    fails : callable
        ``fails(kind, address, length)`` says whether the bus answers a ``read`` or ``write`` of
        data with an error.
    """

    def __init__(self, memory: Memory, m2s: Ring, s2m: Ring, m2s_done: Ring, s2m_done: Ring, *,
                 tenant: int = 0, addr_width: int = 40,
                 windows: Sequence[Window] | None = None, push: bool = False,
                 fails: Callable[[str, int, int], bool] = lambda kind, address, length: False):
        self.memory = memory
        self.m2s, self.s2m = m2s, s2m
        self.m2s_done, self.s2m_done = m2s_done, s2m_done
        self.tenant = tenant
        self.addr_width = addr_width
        self.windows = windows
        self.push_mode = push
        self.fails = fails
        self.cause = Cause.NONE
        self.pieces: list[Piece] = []
        self.completions: list[dict[str, int]] = []
        self._opened = False
        self._bytes = 0

    def doorbell(self, *, m2s: int = 0, s2m: int = 0) -> None:
        """Announce descriptors in memory; in push mode there are none."""
        if not self.push_mode:
            self.m2s.pending += m2s
            self.s2m.pending += s2m

    def push(self, m2s: bytes, s2m: bytes) -> bool:
        """Complete a slot; return False, with nothing changed, if the queue has none left."""
        if not self.push_mode or max(self.m2s.pending, self.s2m.pending) == SLOTS:
            return False
        for ring, descriptor in ((self.m2s, m2s), (self.s2m, s2m)):
            ring.pushed.append(descriptor)
            ring.pending += 1
        return True

    def run(self) -> None:
        """Execute until a buffer is missing or an error stops the queue."""
        while self.cause == Cause.NONE and self._step():
            pass

    def _step(self) -> bool:
        """Execute one piece; return whether there was one."""
        m2s_ring, s2m_ring = self.m2s, self.s2m
        if m2s_ring.pending > m2s_ring.length or s2m_ring.pending > s2m_ring.length:
            self._fail(Cause.DOORBELL)
            return False
        if not m2s_ring.pending or not s2m_ring.pending:
            return False
        if not self.push_mode and any(
                self._denied(ring.address, DESCRIPTOR_BYTES, write=False) is not None
                for ring in (m2s_ring, s2m_ring)):
            self._fail(Cause.FETCH_WINDOW)
            return False
        m2s, s2m = (unpack(DESCRIPTOR, ring.pushed[0] if self.push_mode else
                           self.memory.read(ring.address, DESCRIPTOR_BYTES))
                    for ring in (m2s_ring, s2m_ring))
        refused = next(self._refusals(m2s, s2m), Cause.NONE)
        if refused != Cause.NONE:
            self._fail(refused)
            return False

        if m2s["meta"] or s2m["meta"]:
            for ring, desc in ((m2s_ring, m2s), (s2m_ring, s2m)):
                if desc["meta"]:
                    ring.dimensions.append((desc["length"], desc["address"]))
                    ring.take()
            return True
        m2s_left = (m2s["length"] or 65536) - m2s_ring.done
        s2m_left = (s2m["length"] or 65536) - s2m_ring.done
        length = min(m2s_left, s2m_left)
        piece = Piece(self._row(m2s, m2s_ring) + m2s_ring.done,
                      self._row(s2m, s2m_ring) + s2m_ring.done, length)
        self._opened = True
        if not self._move(piece):
            return False
        m2s_row, s2m_row = length == m2s_left, length == s2m_left
        used_m2s = m2s_row and m2s_ring.final
        ends = used_m2s and bool(m2s["last"])
        used_s2m = s2m_row and s2m_ring.final or ends
        indices = m2s_ring.index, s2m_ring.index
        m2s_ring.use(length, row_ends=m2s_row, ends=used_m2s)
        s2m_ring.use(length, row_ends=s2m_row, ends=used_s2m)
        if ends:
            self._complete(indices, m2s["interrupt"], s2m["interrupt"])
        elif used_s2m and s2m["last"]:
            self._fail(Cause.OVERFLOW, indices[1], s2m["interrupt"])
        return True

    def _row(self, desc: dict[str, int], ring: Ring) -> int:
        """Return the address of the current row of a buffer."""
        return (desc["address"] + ring.offset()) % (1 << self.addr_width)

    def _denied(self, address: int, length: int, *, write: bool) -> int | None:
        """Return the first address that no window allows, or None."""
        if self.windows is None:
            return None
        for page in range(address // PAGE * PAGE, address + length, PAGE):
            if not any(window.allows(page, write=write) for window in self.windows):
                return max(page, address)
        return None

    def _refusals(self, m2s: dict[str, int], s2m: dict[str, int]) -> Iterator[Cause]:
        """Yield the reasons against executing two descriptors, the first first."""
        both = ((m2s, self.m2s), (s2m, self.s2m))
        if not self.push_mode and any(desc["ring_id"] != ring.ring_id for desc, ring in both):
            yield Cause.RING_ID
        if any(desc["meta"] and (
                desc["length"] == 0 or len(ring.dimensions) == DIMENSIONS
                or any(desc[flag] for flag in ("first", "last", "interrupt", "barrier")))
               for desc, ring in both):
            yield Cause.META
        if any(desc["reserved"] or desc["concat"] for desc, _ in both) or s2m["barrier"]:
            yield Cause.RESERVED
        if any(desc["tenant"] != self.tenant for desc, _ in both):
            yield Cause.TENANT
        if m2s["meta"] or s2m["meta"]:
            return
        top = 1 << self.addr_width
        if any(desc["address"] >= top or self._row(desc, ring) + (desc["length"] or 65536) > top
               for desc, ring in both):
            yield Cause.ADDRESS
        if not self._opened and not m2s["first"]:
            yield Cause.FIRST
        if self._opened and m2s["first"] and not self.m2s.begun:
            yield Cause.LAST

    def _move(self, piece: Piece) -> bool:
        """Copy the bytes of a piece; return whether windows and bus let it."""
        if self._denied(piece.src, piece.length, write=False) is not None:
            self._fail(Cause.READ_WINDOW)
            return False
        end = self._denied(piece.dst, piece.length, write=True)
        if end is not None:
            self.memory.write(piece.dst, self.memory.read(piece.src, end - piece.dst))
            self._fail(Cause.WRITE_WINDOW)
            return False
        if self.fails("read", piece.src, piece.length):
            self._fail(Cause.READ_RESPONSE)
            return False
        self.memory.write(piece.dst, self.memory.read(piece.src, piece.length))
        self.pieces.append(piece)
        self._bytes += piece.length
        if self.fails("write", piece.dst, piece.length):
            self._fail(Cause.WRITE_RESPONSE)
            return False
        return True

    def _complete(self, indices: tuple[int, int], m2s_request: int, s2m_interrupt: int) -> None:
        self._write(self.s2m_done, bytes=self._bytes, index=indices[1], interrupt=s2m_interrupt)
        if m2s_request:
            self._write(self.m2s_done, bytes=self._bytes, index=indices[0], interrupt=1)
        self._opened, self._bytes = False, 0

    def _fail(self, cause: Cause, index: int | None = None, interrupt: int = 0) -> None:
        """Stop with the completion of a failed packet."""
        self.cause = cause
        self._write(self.s2m_done, cause=cause, error=1, interrupt=interrupt,
                    index=self.s2m.index if index is None else index)

    def _write(self, ring: Ring, **fields: int) -> None:
        """Write a completion, if a window lets it."""
        if self._denied(ring.address, DESCRIPTOR_BYTES, write=True) is not None:
            self.cause = self.cause or Cause.COMPLETION_WINDOW
            return
        fields |= {"first": 1, "last": 1, "ring_id": ring.ring_id}
        self.memory.write(ring.address, pack(COMPLETION, **fields))
        self.completions.append(fields)
        ring.advance()

    def bursts(self, *, beat_bytes: int, max_burst: int) -> tuple[list[Burst], list[Burst]]:
        """Return the data bursts of all pieces so far: reads, and writes."""
        reads, writes = [], []
        for piece in self.pieces:
            reads += legalise(piece.src, piece.length, beat_bytes=beat_bytes, max_burst=max_burst)
            writes += legalise(piece.dst, piece.length, beat_bytes=beat_bytes,
                               max_burst=max_burst)
        return reads, writes
