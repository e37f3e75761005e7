"""Golden model of the vector instructions: results bit for bit, without time."""

import numpy as np

from . import formats, numerics

__all__ = ["element_offsets", "is_zero", "tensor_tensor"]

COMPARISONS = {"greater": np.greater, "greater_equal": np.greater_equal, "equal": np.equal}


def element_offsets(count: int, pattern: tuple[tuple[int, int], ...] | None) -> np.ndarray:
    """Return the offsets of ``count`` elements from the first one, in elements.

    Parameters
    ----------
    pattern : tuple or None
        (count, stride) of each dimension, the innermost first; a count of 0 is 1. Behind the last
        element comes the first again. None: the elements are neighbours.
    """
    index = np.arange(count)
    if pattern is None:
        return index
    offsets = np.zeros(count, np.int64)
    for size, stride in pattern:
        offsets += index % max(size, 1) * stride
        index = index // max(size, 1)
    return offsets


def tensor_tensor(operation: str, a: np.ndarray, b: np.ndarray, output: str) -> np.ndarray:
    """Return what ``tensor_tensor`` writes for operands ``a`` and ``b``.

    ``select`` returns ``b``; where ``a`` is zero the caller keeps what stands in memory.

    Parameters
    ----------
    operation : :class:`str`
        A key of :data:`rtl.matmul.encoding.OPERATIONS`.
    a, b : :class:`numpy.ndarray`
        int32 or int8, float32, or uint16 patterns of BF16.
    output : :class:`str`
        ``word``, ``int8`` or ``bf16``: what operands and result are.
    """
    if operation in ("copy", "select"):
        return a if operation == "copy" else b
    if a.dtype in (np.int8, np.int32):
        result = _integers(operation, a.astype(np.int32), b.astype(np.int32))
        return np.clip(result, -128, 127).astype(np.int8) if output == "int8" else result
    if output == "bf16":
        a, b = (formats.to_fp32_array("bf16", value) for value in (a, b))
    result = _floats(operation, a, b)
    return formats.from_fp32_array("bf16", result) if output == "bf16" else result


def _integers(operation: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return int32 results, modulo 2**32."""
    with np.errstate(over="ignore"):
        if operation in COMPARISONS:
            return COMPARISONS[operation](a, b).astype(np.int32)
        return {"add": np.add, "subtract": np.subtract, "multiply": np.multiply,
                "maximum": np.maximum, "minimum": np.minimum}[operation](a, b)


def _floats(operation: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return float32 results."""
    if operation == "add":
        return numerics.add_array(a, b)
    if operation == "subtract":
        return numerics.add_array(a, (b.view(np.uint32) ^ np.uint32(numerics.SIGN)
                                      ).view(np.float32))
    if operation == "multiply":
        return numerics.multiply_array(a, b)
    with np.errstate(invalid="ignore"):     # signalling NaNs
        a, b = (np.where(np.abs(value) < np.float32(2.0 ** -126),
                         np.copysign(np.float32(0), value), value) for value in (a, b))
        if operation in COMPARISONS:
            return COMPARISONS[operation](a, b).astype(np.float32)
        first = (a > b) == (operation == "maximum")
        nan = np.uint32(numerics.FP32_NAN).view(np.float32)
        return np.where(np.isnan(a) | np.isnan(b), nan, np.where(first, a, b))


def is_zero(values: np.ndarray) -> np.ndarray:
    """Return where elements count as zero for ``select``: floating-point subnormals do."""
    if values.dtype == np.uint16:
        return values & 0x7F80 == 0
    if values.dtype == np.float32:
        return values.view(np.uint32) & 0x7F80_0000 == 0
    return values == 0
