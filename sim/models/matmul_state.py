"""Golden model of the tile's instructions: SBUF and PSUM before and after, without time."""

import numpy as np

from . import matmul, numerics, vector
from .formats import FORMATS
from .random_bits import RandomBits

__all__ = ["OutsideError", "TileState", "UnwrittenError"]

ADDRESS_MODULUS = 1 << 24
SLOTS = {"source": 0, "other": 1, "destination": 2}
ELEMENTS = {"byte": np.dtype(np.uint8), "half": np.dtype(np.uint16), "word": np.dtype(np.uint32)}
"""Elements of which only the size counts."""

POISON = {"int8": 0x8000_0000}
"""What stands in a poisoned word of a type, where it is not NaN."""


class UnwrittenError(Exception):
    """A multiply adds to PSUM column ``column``, which was not written since its release."""

    def __init__(self, column: int):
        self.column = column
        super().__init__(f"PSUM column {column} was not written")


class OutsideError(Exception):
    """An access pattern leaves the SBUF at ``address``."""

    def __init__(self, address: int):
        self.address = address
        super().__init__(f"Address {address:#x} is not in the SBUF")


def _element(type: str) -> np.dtype:
    """Return what an operand of a format is in an array."""
    return np.dtype(np.int8) if type == "int8" else FORMATS[type].dtype


def _accumulator(type: str) -> np.dtype:
    return np.dtype(np.int32 if type == "int8" else np.float32)


class TileState:
    """Memories of a tile, and what each instruction does to them.

    Parameters
    ----------
    size, sbuf_bytes, psum_banks, chain : :class:`int`
        As in the tile's configuration.

    Attributes
    ----------
    sbuf : :class:`numpy.ndarray`
        (size, sbuf_bytes) bytes.
    psum : :class:`numpy.ndarray`
        (size, psum_banks, 4 * size) words as uint32.
    random : :class:`RandomBits`
        Generators of stochastic rounding.
    written : :class:`numpy.ndarray`
        (psum_banks, 4 * size): partitions, from 0 on, that were written since the bank's release.
    """

    def __init__(self, *, size: int, sbuf_bytes: int, psum_banks: int, chain: int):
        self.size = size
        self.chain = chain
        self.sbuf = np.zeros((size, sbuf_bytes), np.uint8)
        self.psum = np.zeros((size, psum_banks, 4 * size), np.uint32)
        self.written = np.zeros((psum_banks, 4 * size), int)
        self.random = RandomBits(size)
        self._stationary, self._type = np.zeros((size, size), np.int8), "int8"
        self._patterns: dict[int, tuple[tuple[int, int], ...]] = dict.fromkeys(range(3), ())

    def _operand(self, address: int, rows: int, count: int, dtype: np.dtype) -> np.ndarray:
        raw = self.sbuf[:rows, address:address + count * dtype.itemsize]
        return np.ascontiguousarray(raw).view(dtype)

    def load_stationary(self, *, type: str, address: int, k: int, m: int) -> None:
        """Make (k, m) elements at ``address`` the weights."""
        self._stationary, self._type = self._operand(address, k, m, _element(type)), type

    def multiply_moving(self, *, type: str, address: int, k: int, m: int, n: int, bank: int,
                        offset: int = 0, accumulate: int = 0) -> None:
        """Multiply the weights with (k, n) elements at ``address`` into PSUM.

        Raises
        ------
        :exc:`UnwrittenError`
            If a column adds to a word that was not written: it is poisoned, and the multiply ends.
        """
        moving = self._operand(address, k, n, _element(type))
        product = matmul.tile_product(self._stationary[:k, :m], moving, self._type, type,
                                      size=self.size, chain=self.chain)
        written = self.written[bank, offset:offset + n]
        missing = np.flatnonzero(written < m) if accumulate else []
        count = missing[0] if len(missing) else n
        place, product = self.psum[:m, bank, offset:offset + count], product[:, :count]
        if accumulate:
            old = np.ascontiguousarray(place).view(_accumulator(type))
            product = product + old if type == "int8" else numerics.add_array(product, old)
        place[:] = product.view(np.uint32)
        np.maximum(written[:count + 1], m, out=written[:count + 1])
        if count < n:
            self.psum[:m, bank, offset + count] = POISON.get(type, numerics.FP32_NAN)
            raise UnwrittenError(4 * self.size * bank + offset + int(count))

    def activate(self, *, type: str, output: str, m: int, n: int, destination: int, bank: int = 0,
                 offset: int = 0, from_sbuf: int = 0, address: int = 0, bias: int = 0,
                 bias_address: int = 0, relu: int = 0, multiplier: int = 0,
                 shift: int = 0, release: int = 0, stochastic: int = 0) -> None:
        """Convert (m, n) words from PSUM or SBUF into SBUF; ``release`` forgets the PSUM bank."""
        dtype = _accumulator(type)
        if from_sbuf:
            source = self._operand(address, m, n, dtype)
        else:
            source = np.ascontiguousarray(self.psum[:m, bank, offset:offset + n]).view(dtype)
        biases = self._operand(bias_address, m, 1, dtype)[:, 0] if bias else None
        result = matmul.activate(source, type=type, output=output, bias=biases, relu=bool(relu),
                                 multiplier=multiplier, shift=shift,
                                 random=self.random.draw(m, n) if stochastic else None)
        raw = np.ascontiguousarray(result).view(np.uint8).reshape(m, -1)
        self.sbuf[:m, destination:destination + raw.shape[1]] = raw
        if release and not from_sbuf:
            self.written[bank] = 0

    def pattern(self, *, slot: str, **fields: int) -> None:
        """Set the access pattern of an operand: ``count0`` to ``count3``, ``stride0`` ..."""
        self._patterns[SLOTS[slot]] = tuple(
            (fields.get(f"count{i}", 0), fields.get(f"stride{i}", 0)) for i in range(4))

    def _places(self, slot: int, patterns: int, address: int, count: int, size: int) -> np.ndarray:
        """Return the (count, size) byte addresses of the elements of an operand.

        Raises
        ------
        :exc:`OutsideError`
            If one of them is not in the SBUF.
        """
        pattern = self._patterns[slot] if patterns >> slot & 1 else None
        first = (address + size * vector.element_offsets(count, pattern)) % ADDRESS_MODULUS
        outside = np.flatnonzero(first >= self.sbuf.shape[1])
        if len(outside):
            raise OutsideError(int(first[outside[0]]))
        return first[:, None] + np.arange(size)

    def _elements(self, places: np.ndarray, rows: int, dtype: np.dtype) -> np.ndarray:
        return np.ascontiguousarray(self.sbuf[:rows, places]).view(dtype)[:, :, 0]

    def _put(self, places: np.ndarray, values: np.ndarray, *, keep: np.ndarray | None = None
             ) -> None:
        """Write elements in their order, but those to keep."""
        raw = np.ascontiguousarray(values)[:, :, None].view(np.uint8)
        rows = np.arange(len(values))
        for index, place in enumerate(places):
            written = rows if keep is None else rows[~keep[:, index]]
            self.sbuf[written[:, None], place] = raw[written, index]

    def tensor_tensor(self, *, type: str, output: str, operation: str, m: int, n: int,
                      destination: int, address: int = 0, bias_address: int = 0,
                      patterns: int = 0) -> None:
        """Combine two tensors in SBUF; both are read before the result is written."""
        dtype = _accumulator(type) if output == "word" else _element(output)
        size = dtype.itemsize
        a = self._elements(self._places(0, patterns, address, n, size), m, dtype)
        if operation == "copy":
            b = a
        else:
            b = self._elements(self._places(1, patterns, bias_address, n, size), m, dtype)
        keep = vector.is_zero(a) if operation == "select" else None
        self._put(self._places(2, patterns, destination, n, size),
                  vector.tensor_tensor(operation, a, b, output), keep=keep)

    def memset(self, *, element: str, m: int, n: int, destination: int, value: int = 0,
               patterns: int = 0) -> None:
        """Write ``value`` to (m, n) elements."""
        dtype = ELEMENTS[element]
        self._put(self._places(2, patterns, destination, n, dtype.itemsize),
                  np.full((m, n), value & (1 << 8 * dtype.itemsize) - 1, dtype))

    def transpose(self, *, element: str, k: int, m: int, address: int, destination: int,
                  patterns: int = 0) -> None:
        """Write the (k, m) elements at ``address`` as (m, k)."""
        dtype = ELEMENTS[element]
        source = self._elements(self._places(0, patterns, address, m, dtype.itemsize), k, dtype)
        self._put(self._places(2, patterns, destination, k, dtype.itemsize), source.T)
