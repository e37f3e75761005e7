"""Parts of the golden model of the DMA engine: memory, windows, rings, pieces, bursts."""

import dataclasses
import math

from rtl.nitro_dma.encoding import DESCRIPTOR_BYTES, FIRST_RING_ID, Operation

__all__ = ["Burst", "Memory", "PAGE", "Piece", "Ring", "Window", "legalise"]

PAGE = 4096


@dataclasses.dataclass(frozen=True)
class Burst:
    """An AXI4 burst of full-width beats: aligned byte address and number of beats."""

    address: int
    beats: int


@dataclasses.dataclass(frozen=True)
class Piece:
    """Rows that are moved as one: addresses and length of those read and of those written.

    There is one of each, unless the piece is a block that is transposed. Then ``element`` is the
    bytes of an element; otherwise it is 0. With ``word`` nothing is read: the bytes of the word
    stand at all addresses, in turn.
    """

    sources: tuple[int, ...]
    source_length: int
    sinks: tuple[int, ...]
    sink_length: int
    element: int = 0
    word: int | None = None

    @property
    def reads(self) -> list[tuple[int, int]]:
        """Addresses and lengths of what is read."""
        return [] if self.word is not None else [
            (address, self.source_length) for address in self.sources]

    @property
    def writes(self) -> list[tuple[int, int]]:
        """Addresses and lengths of what is written."""
        return [(address, self.sink_length) for address in self.sinks]

    @property
    def length(self) -> int:
        """Bytes moved."""
        return len(self.sources) * self.source_length

    def turn(self, data: bytes) -> bytes:
        """Return what is written, one row after the other, of what has been read."""
        if not self.element:
            return data
        step, size = self.source_length, self.element
        return b"".join(data[row * step + column:row * step + column + size]
                        for column in range(0, step, size) for row in range(len(self.sources)))


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
    buffer, ``dimensions`` are repetitions and stride of each, ``block`` the rows, pitch and bytes
    of an element if blocks are transposed, ``word`` what is there instead of a source, ``row`` the
    number of the current row or block, and ``done`` its bytes that have been moved.
    """

    base: int
    length: int
    index: int = 0
    ring_id: int = FIRST_RING_ID
    pending: int = 0
    pushed: list[bytes] = dataclasses.field(default_factory=list)
    dimensions: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    block: tuple[int, int, int] | None = None
    word: int | None = None
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
            self.dimensions, self.block, self.word = [], None, None

    def describe(self, meta: dict[str, int]) -> None:
        """Take what a META descriptor says of the buffer behind it."""
        if meta["operation"] == Operation.TRANSPOSE:
            self.block = meta["length"], meta["address"], 1 << meta["element"]
        elif meta["operation"] == Operation.FILL:
            self.word = meta["address"] % (1 << 32)
        else:
            self.dimensions.append((meta["length"], meta["address"]))
        self.take()

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
