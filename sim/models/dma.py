"""Golden model of the DMA engine: rings, packets, pieces, bursts, completions.

Plain Python over a byte-addressed memory. What the model leaves in memory, the engine must leave
in memory, byte for byte, completions included; its data bursts are those of the engine, in order.
"""

from collections.abc import Callable, Iterator, Sequence

from rtl.nitro_dma.encoding import (
    COMPLETION,
    DESCRIPTOR,
    DESCRIPTOR_BYTES,
    DIMENSIONS,
    SLOTS,
    Cause,
    Operation,
    pack,
    unpack,
)

from .dma_parts import PAGE, Burst, Memory, Piece, Ring, Window, legalise

__all__ = ["Burst", "Memory", "Piece", "QueueModel", "Ring", "Window", "legalise"]


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
    transpose, fill
        As in :class:`~rtl.config.DmaConfig`.
    fails : callable
        ``fails(kind, address, length)`` says whether the bus answers a ``read`` or ``write`` of
        data with an error.
    """

    def __init__(self, memory: Memory, m2s: Ring, s2m: Ring, m2s_done: Ring, s2m_done: Ring, *,
                 tenant: int = 0, addr_width: int = 40,
                 windows: Sequence[Window] | None = None, push: bool = False,
                 transpose: int = 0, fill: bool = False,
                 fails: Callable[[str, int, int], bool] = lambda kind, address, length: False):
        self.memory = memory
        self.m2s, self.s2m = m2s, s2m
        self.m2s_done, self.s2m_done = m2s_done, s2m_done
        self.tenant = tenant
        self.addr_width = addr_width
        self.windows = windows
        self.push_mode = push
        self.transpose, self.fill = transpose, fill
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
                    ring.describe(desc)
            return True
        piece, m2s_row, s2m_row = self._piece(m2s, s2m)
        self._opened = True
        if not self._move(piece):
            return False
        length = piece.length
        used_m2s = m2s_row and m2s_ring.final
        ends = used_m2s and bool(m2s["last"])
        used_s2m = s2m_row and s2m_ring.final or ends
        indices = m2s_ring.index, s2m_ring.index
        m2s_ring.use(length, row_ends=m2s_row, ends=used_m2s)
        s2m_ring.use(length, row_ends=s2m_row, ends=used_s2m)
        if ends:
            self._complete(indices, m2s["interrupt"], s2m["interrupt"])
        elif used_s2m and s2m["last"]:
            self._fail(Cause.OVERFLOW, indices[1])
        return True

    def _piece(self, m2s: dict[str, int], s2m: dict[str, int]) -> tuple[Piece, bool, bool]:
        """Return what is moved next, and whether that ends a row of either buffer."""
        starts = self._row(m2s, self.m2s), self._row(s2m, self.s2m)
        if self.m2s.block and self.s2m.block:
            rows = [tuple((start + i * pitch) % (1 << self.addr_width) for i in range(count))
                    for start, (count, pitch, _) in zip(starts, (self.m2s.block, self.s2m.block),
                                                        strict=True)]
            return Piece(rows[0], m2s["length"], rows[1], s2m["length"],
                         self.m2s.block[2]), True, True
        m2s_left = (m2s["length"] or 65536) - self.m2s.done
        s2m_left = (s2m["length"] or 65536) - self.s2m.done
        length = min(m2s_left, s2m_left)
        return (Piece((starts[0] + self.m2s.done,), length, (starts[1] + self.s2m.done,), length,
                      word=self.m2s.word),
                length == m2s_left, length == s2m_left)

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
                desc["length"] == 0 or self._unknown(desc, ring)
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
        if self._misfit(m2s, s2m):
            yield Cause.TRANSPOSE
        if not self._opened and not m2s["first"]:
            yield Cause.FIRST
        if self._opened and m2s["first"] and not self.m2s.begun:
            yield Cause.LAST

    def _unknown(self, meta: dict[str, int], ring: Ring) -> bool:
        """Return whether a META descriptor says what cannot be said, or not once more."""
        other = ring.block is not None or ring.word is not None
        if meta["operation"] == Operation.TRANSPOSE:
            return not self.transpose or meta["element"] == 3 or other
        if meta["operation"] == Operation.FILL:
            return not self.fill or ring is self.s2m or other
        return meta["operation"] != Operation.DIMENSION or len(ring.dimensions) == DIMENSIONS

    def _misfit(self, m2s: dict[str, int], s2m: dict[str, int]) -> bool:
        """Return whether a block to be transposed is not that of the other side."""
        if not self.m2s.block and not self.s2m.block:
            return False
        if not self.m2s.block or not self.s2m.block:
            return True
        (rows, _, element), (columns, _, other) = self.m2s.block, self.s2m.block
        return (element != other or m2s["length"] != columns * element
                or s2m["length"] != rows * element
                or max(m2s["length"], s2m["length"]) > self.transpose)

    def _move(self, piece: Piece) -> bool:
        """Copy the bytes of a piece; return whether windows and bus let it."""
        reads, writes = piece.reads, piece.writes
        if any(self._denied(*row, write=False) is not None for row in reads):
            self._fail(Cause.READ_WINDOW)
            return False
        if any(self.fails("read", *row) for row in reads):
            self._fail(Cause.READ_RESPONSE)
            return False
        if piece.word is None:
            data = piece.turn(b"".join(self.memory.read(*row) for row in reads))
        else:
            data = bytes(piece.word >> 8 * (place % 4) & 0xFF for place in
                         range(piece.sources[0], piece.sources[0] + piece.length))
        for i, (address, length) in enumerate(writes):
            row = data[i * length:(i + 1) * length]
            end = self._denied(address, length, write=True)
            if end is not None:
                self.memory.write(address, row[:end - address])
                self._fail(Cause.WRITE_WINDOW)
                return False
            self.memory.write(address, row)
        self.pieces.append(piece)
        self._bytes += piece.length
        if any(self.fails("write", *row) for row in writes):
            self._fail(Cause.WRITE_RESPONSE)
            return False
        return True

    def _complete(self, indices: tuple[int, int], m2s_request: int, s2m_interrupt: int) -> None:
        self._write(self.s2m_done, bytes=self._bytes, index=indices[1], interrupt=s2m_interrupt)
        if m2s_request:
            self._write(self.m2s_done, bytes=self._bytes, index=indices[0], interrupt=1)
        self._opened, self._bytes = False, 0

    def _fail(self, cause: Cause, index: int | None = None) -> None:
        """Stop with the completion of a failed packet."""
        self.cause = cause
        self._write(self.s2m_done, cause=cause, error=1,
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
            for bursts, rows in ((reads, piece.reads), (writes, piece.writes)):
                for row in rows:
                    bursts += legalise(*row, beat_bytes=beat_bytes, max_burst=max_burst)
        return reads, writes
