"""Compiler of matrix products: any sizes into instructions and data placement for the tile."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from rtl.config import TileConfig
from rtl.matmul.encoding import Instruction

__all__ = ["Await", "MatmulProgram", "Push", "Read", "Write", "ideal_cycles", "matmul_program"]

ELEMENT_BYTES = {"int8": 1, "bf16": 2}
RESULT_BYTES = 4

# Semaphores: an output tile is complete in PSUM; its bank may be used again; the host may go on.
TILE_DONE, BANK_FREE, HOST = range(3)


@dataclasses.dataclass(frozen=True)
class Write:
    """Put ``payload`` into SBUF ``partition`` from ``address`` on."""

    partition: int
    address: int
    payload: bytes


@dataclasses.dataclass(frozen=True)
class Push:
    """Push ``instruction`` to the queue of ``engine``."""

    engine: str
    instruction: Instruction


@dataclasses.dataclass(frozen=True)
class Await:
    """Wait until semaphore ``index`` is at least 1, then subtract 1."""

    index: int


@dataclasses.dataclass(frozen=True)
class Read:
    """Fetch ``count`` bytes of SBUF ``partition`` from ``address`` on; ``tag`` goes with them."""

    partition: int
    address: int
    count: int
    tag: tuple[int, ...]


def _ceil(value: int, unit: int) -> int:
    return -(-value // unit)


def _slot(count: int, size: int) -> int:
    """Bytes of ``count`` elements, rounded up to words."""
    return _ceil(count * size, 8) * 8


def ideal_cycles(m: int, k: int, n: int, size: int) -> int:
    """Return the columns that the array must take: the better side stationary."""
    return min(_ceil(k, size) * _ceil(m, size) * n, _ceil(k, size) * _ceil(n, size) * m)


@dataclasses.dataclass(frozen=True)
class _Chunk:
    """Part of the product whose operands and results are in SBUF together; in tiles."""

    m: range
    n: range
    k: range


class MatmulProgram:
    """A product C = A x B as steps for a host: writes, instructions, waits and reads.

    The stationary operand is A, or B if that takes fewer columns (then the tile computes the
    transposed product). Both sides are cut into tiles of the array; what fits into SBUF together
    is one chunk. Only a product whose K alone does not fit is cut along K too, and then its sums
    stay in PSUM between the chunks: the order of additions is that of
    :func:`sim.models.matmul.matmul` in every case.

    Parameters
    ----------
    m, k, n : :class:`int`
        A is (m, k), B is (k, n).
    type : :class:`str`
        ``int8`` or ``bf16``.
    config : :class:`TileConfig`
        The tile.

    Raises
    ------
    :exc:`ValueError`
        If a size is not positive, the tile lacks the type, or its SBUF cannot hold one tile of
        each operand and of the result.
    """

    def __init__(self, m: int, k: int, n: int, type: str, config: TileConfig):
        if min(m, k, n) < 1:
            raise ValueError(f"Sizes of a product must be at least 1, not {(m, k, n)!r}")
        if type not in config.types:
            raise ValueError(f"Type must be one the tile is built for, {', '.join(config.types)}, "
                             f"not {type!r}")
        if config.semaphores < 3:
            raise ValueError(f"A product needs 3 semaphores, the tile has {config.semaphores!r}")
        self.m, self.k, self.n = m, k, n
        self.type = type
        self.config = config
        size = config.size
        # A load takes a few cycles even when columns are short.
        self.transposed = (_ceil(n, size) * max(m, 4 * _ceil(m, 4 * size))
                           < _ceil(m, size) * max(n, 4 * _ceil(n, 4 * size)))
        self._rows, self._columns = (n, m) if self.transposed else (m, n)

        element = ELEMENT_BYTES[type]
        self._wide = 4 * size
        self._stationary_slot = _slot(min(self._rows, size), element)
        self._moving_slot = _slot(min(self._columns, self._wide), element)
        self._result_slot = _slot(min(self._columns, self._wide), RESULT_BYTES)
        self._tiles = (_ceil(self._rows, size), _ceil(self._columns, self._wide), _ceil(k, size))
        self.chunks = list(self._cut())

    def _bytes(self, m: int, n: int, k: int) -> int:
        return (k * (m * self._stationary_slot + n * self._moving_slot)
                + m * n * self._result_slot)

    def _cut(self) -> Iterator[_Chunk]:
        """Choose the largest chunk that fits, grown on its shorter side, and cut into it."""
        room = self.config.sbuf_bytes
        m_tiles, n_tiles, k_tiles = self._tiles
        k = k_tiles
        while k > 1 and self._bytes(1, 1, k) > room:
            k = _ceil(k, 2)
        if self._bytes(1, 1, k) > room:
            raise ValueError(f"SBUF of {room} bytes cannot hold one tile of each operand")
        m = n = 1
        grown = k == k_tiles
        while grown:
            grown = False
            for next_m, next_n in sorted([(m + 1, n), (m, n + 1)], key=lambda mn: max(
                    mn[0] * self._stationary_slot, mn[1] * self._moving_slot)):
                if (next_m <= m_tiles and next_n <= n_tiles
                        and self._bytes(next_m, next_n, k) <= room):
                    m, n, grown = next_m, next_n, True
                    break
        for n_start in range(0, n_tiles, n):
            for m_start in range(0, m_tiles, m):
                for k_start in range(0, k_tiles, k):
                    yield _Chunk(range(m_start, min(m_start + m, m_tiles)),
                                 range(n_start, min(n_start + n, n_tiles)),
                                 range(k_start, min(k_start + k, k_tiles)))

    def steps(self, a: np.ndarray, b: np.ndarray) -> Iterator[Write | Push | Await | Read]:
        """Yield the steps for operands ``a`` and ``b``: int8, or uint16 patterns of BF16."""
        stationary, moving = (b, a.T) if self.transposed else (a.T, b)
        banks = 0
        for index, chunk in enumerate(self.chunks):
            yield from self._place(chunk, stationary, moving)
            last_k = chunk.k.stop == self._tiles[2]
            for n in chunk.n:
                for m in chunk.m:
                    final = last_k and (m, n) == (chunk.m[-1], chunk.n[-1])
                    yield from self._tile(chunk, m, n, banks, final)
                    banks += last_k
            yield Await(HOST)
            if last_k:
                yield from self._collect(index, chunk)

    def _place(self, chunk: _Chunk, stationary, moving) -> Iterator[Write]:
        """Write the operands of a chunk: for each partition the weights, then the columns."""
        size, wide = self.config.size, self._wide
        for row in range(size):
            parts = []
            for matrix, tiles, width, slot in (
                    (stationary, chunk.m, size, self._stationary_slot),
                    (moving, chunk.n, wide, self._moving_slot)):
                lines = matrix[row + size * chunk.k.start:size * chunk.k.stop:size,
                               tiles.start * width:tiles.stop * width]
                items = slot // matrix.itemsize
                packed = np.zeros((len(chunk.k), len(tiles), items), matrix.dtype)
                for tile in range(len(tiles)):
                    line = lines[:, tile * width:(tile + 1) * width]
                    packed[:len(line), tile, :line.shape[1]] = line
                parts.append(packed.tobytes())
            yield Write(row, 0, b"".join(parts))

    def _addresses(self, chunk: _Chunk) -> tuple[int, int]:
        """Return where the columns and the results of a chunk begin."""
        moving = len(chunk.k) * len(chunk.m) * self._stationary_slot
        return moving, moving + len(chunk.k) * len(chunk.n) * self._moving_slot

    def _result_address(self, chunk: _Chunk, m: int, n: int) -> int:
        index = (n - chunk.n.start) * len(chunk.m) + m - chunk.m.start
        return self._addresses(chunk)[1] + index * self._result_slot

    def _tile(self, chunk: _Chunk, m: int, n: int, number: int, final: bool) -> Iterator[Push]:
        """Push the instructions of one output tile."""
        size, banks = self.config.size, self.config.psum_banks
        rows = min(size, self._rows - m * size)
        columns = min(self._wide, self._columns - n * self._wide)
        moving_base, _ = self._addresses(chunk)
        whole = chunk.k.stop == self._tiles[2]
        for k in chunk.k:
            depth = min(size, self.k - k * size)
            place = k - chunk.k.start
            fields: dict[str, int | str] = {}
            if k == 0 and number >= banks:
                fields = {"wait": 1, "consume": 1, "wait_index": BANK_FREE, "wait_value": 1}
            yield Push("tensor", Instruction(
                "load_stationary", type=self.type, k=depth, m=rows,
                address=(place * len(chunk.m) + m - chunk.m.start) * self._stationary_slot,
                **fields))
            fields = {}
            if k == chunk.k[-1]:
                fields = {"add_index": TILE_DONE if whole else HOST, "add_value": 1}
            yield Push("tensor", Instruction(
                "multiply_moving", type=self.type, k=depth, m=rows, n=columns,
                address=moving_base + (place * len(chunk.n) + n - chunk.n.start)
                * self._moving_slot,
                bank=number % banks, accumulate=int(k > 0), **fields))
        if whole:
            yield Push("activation", Instruction(
                "activate", type=self.type, output="word", m=rows, n=columns,
                bank=number % banks, destination=self._result_address(chunk, m, n),
                release=1, wait=1, consume=1, wait_index=TILE_DONE, wait_value=1,
                add_index=BANK_FREE, add_value=1))
            if final:
                yield Push("activation", Instruction("nop", add_index=HOST, add_value=1))

    def _collect(self, index: int, chunk: _Chunk) -> Iterator[Read]:
        size = self.config.size
        count = len(chunk.m) * len(chunk.n) * self._result_slot
        for row in range(min(size, self._rows - chunk.m.start * size)):
            yield Read(row, self._addresses(chunk)[1], count, (index, row))

    def result(self, pieces: dict[tuple[int, ...], bytes]) -> np.ndarray:
        """Return C out of the bytes of all reads, by their tags."""
        size, wide = self.config.size, self._wide
        dtype = np.int32 if self.type == "int8" else np.float32
        result = np.zeros((self._rows, self._columns), dtype)
        for (index, row), raw in pieces.items():
            chunk = self.chunks[index]
            words = np.frombuffer(raw, dtype).reshape(len(chunk.n), len(chunk.m), -1)
            for n in chunk.n:
                for m in chunk.m:
                    if m * size + row < self._rows:
                        columns = result[m * size + row, n * wide:(n + 1) * wide]
                        columns[:] = words[n - chunk.n.start, m - chunk.m.start, :len(columns)]
        return result.T if self.transposed else result


def matmul_program(m: int, k: int, n: int, type: str, config: TileConfig) -> MatmulProgram:
    """Return the program of an (m, k) by (k, n) product; see :class:`MatmulProgram`."""
    return MatmulProgram(m, k, n, type, config)
