"""Golden model of the tile's instructions: SBUF and PSUM before and after, without time."""

import numpy as np

from . import matmul, numerics
from .formats import FORMATS

__all__ = ["TileState"]


def _element(type: str) -> np.dtype:
    """Return what an operand of a format is in an array."""
    return np.dtype(np.int8) if type == "int8" else FORMATS[type].dtype


def _accumulator(type: str) -> np.dtype:
    return np.dtype(np.int32 if type == "int8" else np.float32)


class TileState:
    """Memories of a tile, and what each instruction does to them.

    Parameters
    ----------
    size, sbuf_bytes, psum_banks : :class:`int`
        As in the tile's configuration.

    Attributes
    ----------
    sbuf : :class:`numpy.ndarray`
        (size, sbuf_bytes) bytes.
    psum : :class:`numpy.ndarray`
        (size, psum_banks, 4 * size) words as uint32.
    """

    def __init__(self, *, size: int, sbuf_bytes: int, psum_banks: int):
        self.size = size
        self.sbuf = np.zeros((size, sbuf_bytes), np.uint8)
        self.psum = np.zeros((size, psum_banks, 4 * size), np.uint32)
        self._stationary, self._type = np.zeros((size, size), np.int8), "int8"

    def _operand(self, address: int, rows: int, count: int, dtype: np.dtype) -> np.ndarray:
        raw = self.sbuf[:rows, address:address + count * dtype.itemsize]
        return np.ascontiguousarray(raw).view(dtype)

    def load_stationary(self, *, type: str, address: int, k: int, m: int) -> None:
        """Make (k, m) elements at ``address`` the weights."""
        self._stationary, self._type = self._operand(address, k, m, _element(type)), type

    def multiply_moving(self, *, type: str, address: int, k: int, m: int, n: int, bank: int,
                        offset: int = 0, accumulate: int = 0) -> None:
        """Multiply the weights with (k, n) elements at ``address`` into PSUM."""
        moving = self._operand(address, k, n, _element(type))
        product = matmul.tile_product(self._stationary[:k, :m], moving, self._type, type)
        place = self.psum[:m, bank, offset:offset + n]
        if accumulate:
            old = np.ascontiguousarray(place).view(_accumulator(type))
            product = product + old if type == "int8" else numerics.add_array(product, old)
        place[:] = product.view(np.uint32)

    def activate(self, *, type: str, output: str, m: int, n: int, destination: int, bank: int = 0,
                 offset: int = 0, from_sbuf: int = 0, address: int = 0, bias: int = 0,
                 bias_address: int = 0, relu: int = 0, multiplier: int = 0,
                 shift: int = 0) -> None:
        """Convert (m, n) words from PSUM or SBUF into SBUF."""
        dtype = _accumulator(type)
        if from_sbuf:
            source = self._operand(address, m, n, dtype)
        else:
            source = np.ascontiguousarray(self.psum[:m, bank, offset:offset + n]).view(dtype)
        biases = self._operand(bias_address, m, 1, dtype)[:, 0] if bias else None
        result = matmul.activate(source, type=type, output=output, bias=biases, relu=bool(relu),
                                 multiplier=multiplier, shift=shift)
        raw = np.ascontiguousarray(result).view(np.uint8).reshape(m, -1)
        self.sbuf[:m, destination:destination + raw.shape[1]] = raw
