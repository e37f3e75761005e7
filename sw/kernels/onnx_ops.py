"""Operators of ONNX as kernels: arrays of any rank and size, cut into tiles.

Products of float32 are computed in BF16: each operand is the sum of two BF16 numbers, and three of
the four products of these are added in FP32 (:func:`fp32_bound` says how far off that can be).
Unsigned bytes are moved into the range of INT8, and what that changes is added in INT32.
"""

from collections.abc import Callable

import numpy as np

from .functions import MAGIC, MAGIC_BITS
from .nki import Kernel, KernelError, Tensor

__all__ = ["OPERATORS", "fp32_bound"]

EXACT_INTEGERS = 1 << 22
"""INT32 numbers up to this become FP32 by adding their bits to those of 1.5 * 2**23."""


def _bf16(values: np.ndarray) -> np.ndarray:
    """Return the BF16 patterns nearest to finite float32 numbers."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return (bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint16)


def _split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 numbers as two BF16 patterns whose sum is nearly all of them."""
    high = _bf16(values)
    value = (high.astype(np.uint32) << 16).view(np.float32)
    return high, _bf16((values - value).astype(np.float32))


def fp32_bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how far the product of two float32 matrices may be from the exact one.

    A number differs from its two parts by at most 2**-18 of itself, the product of the lower parts
    is at most 2**-18 of the whole; so are two times the first and the last together 3 * 2**-18 and
    a little. Each of 3 K + 8 additions at most rounds by 2**-24 of the sum of the magnitudes.
    """
    k = a.shape[-1]
    magnitude = np.abs(a).astype(float) @ np.abs(b).astype(float)
    return magnitude * (3.03 * 2.0 ** -18 + (3 * k + 8) * 2.0 ** -24)


def _cut(total: int, most: int):
    return [(start, min(start + most, total)) for start in range(0, total, most)]


def _product(nc: Kernel, pairs: list[tuple[np.ndarray, np.ndarray]], type: str,
             finish: Callable[[Kernel, Tensor, slice, slice], Tensor]) -> np.ndarray:
    """Return the sum of the products of pairs of matrices, each tile of it as ``finish`` has it.

    Left matrices are loaded as they are and transposed on the tile.
    """
    (m, k), n = pairs[0][0].shape, pairs[0][1].shape[1]
    size = nc.config.size
    result = np.zeros((m, n), np.int32 if type == "int8" else np.float32)
    for rows in _cut(m, size):
        for columns in _cut(n, 4 * size):
            with nc.scratch():
                total = None
                for left, right in pairs:
                    for depth in _cut(k, size):
                        stationary = nc.nc_transpose(nc.load(
                            left[slice(*rows), slice(*depth)], type))
                        moving = nc.load(right[slice(*depth), slice(*columns)], type)
                        total = nc.nc_matmul(stationary, moving, into=total)
                assert total is not None
                place = slice(*rows), slice(*columns)
                nc.store(result[place], finish(nc, total, *place))
    return result


def _plain(nc: Kernel, total: Tensor, *_) -> Tensor:
    return nc.activation("copy", total)


def _batched(a: np.ndarray, b: np.ndarray, product: Callable) -> np.ndarray:
    """Apply a product of matrices to arrays as numpy.matmul does."""
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    lefts = np.broadcast_to(left, batch + left.shape[-2:]).reshape(-1, *left.shape[-2:])
    rights = np.broadcast_to(right, batch + right.shape[-2:]).reshape(-1, *right.shape[-2:])
    parts = [product(x, y) for x, y in zip(lefts, rights, strict=True)]
    result = np.stack(parts).reshape(*batch, left.shape[-2], right.shape[-1])
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def _float_pairs(a: np.ndarray, b: np.ndarray):
    """Return the three products that stand for one of float32, the smallest first."""
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return [(a_low, b_high), (a_high, b_low), (a_high, b_high)]


def matmul(nc: Kernel, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """MatMul of float32."""
    return _batched(a, b, lambda x, y: _product(nc, _float_pairs(x, y), "bf16", _plain))


def gemm(nc: Kernel, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None, *,
         alpha: float = 1.0, beta: float = 1.0, transA: int = 0,      # noqa: N803 -- ONNX's names
         transB: int = 0) -> np.ndarray:                              # noqa: N803
    """Gemm of float32: ``alpha * A @ B + beta * C``."""
    a, b = (x.T if transposed else x for x, transposed in ((a, transA), (b, transB)))
    shape = a.shape[0], b.shape[1]
    addend = None if c is None else np.broadcast_to(c, shape)

    def finish(nc: Kernel, total: Tensor, rows: slice, columns: slice) -> Tensor:
        value = nc.activation("copy", total)
        if alpha != 1:
            value = nc.tensor_scalar("multiply", value, alpha)
        if addend is not None:
            other = nc.load(np.ascontiguousarray(addend[rows, columns]))
            if beta != 1:
                other = nc.tensor_scalar("multiply", other, beta)
            value = nc.tensor_tensor("add", value, other)
        return value

    return _product(nc, _float_pairs(a, b), "bf16", finish)


def _signed(values: np.ndarray, zero: np.ndarray | None) -> tuple[np.ndarray, int]:
    """Return bytes as int8, and what to add to them for the difference to their zero point."""
    point = 0 if zero is None else int(np.ravel(zero)[0])
    if zero is not None and np.size(zero) != 1:
        raise KernelError("Zero points for each row or column are not implemented")
    if values.dtype == np.uint8:
        return (values ^ 0x80).view(np.int8), 128 - point
    return values, -point


def _integers(nc: Kernel, a, a_zero, b, b_zero, finish) -> np.ndarray:
    """Return the product of two matrices of bytes minus their zero points."""
    (left, a_add), (right, b_add) = _signed(a, a_zero), _signed(b, b_zero)
    # (a + p)(b + q) = a b + q sum(a) + p sum(b) + K p q: the sums are those of the operands.
    rows = b_add * left.sum(1, dtype=np.int32) + a.shape[1] * a_add * b_add
    columns = a_add * right.sum(0, dtype=np.int32)
    offset = (rows[:, None] + columns[None, :]).astype(np.int32)

    def shifted(nc: Kernel, total: Tensor, *place) -> Tensor:
        value = nc.activation("copy", total)
        return finish(nc, nc.tensor_tensor("add", value, nc.load(
            np.ascontiguousarray(offset[place]))))

    return _product(nc, [(left, right)], "int8", shifted)


def matmul_integer(nc: Kernel, a: np.ndarray, b: np.ndarray,
                   a_zero_point: np.ndarray | None = None,
                   b_zero_point: np.ndarray | None = None) -> np.ndarray:
    """MatMulInteger: bytes with or without sign, INT32 result."""
    return _batched(a, b, lambda x, y: _integers(nc, x, a_zero_point, y, b_zero_point,
                                                 lambda nc, value: value))


def qlinear_matmul(nc: Kernel, a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale,
                   y_zero_point) -> np.ndarray:
    """QLinearMatMul: quantised bytes in, quantised bytes out, one scale for each tensor."""
    if max(np.size(scale) for scale in (a_scale, b_scale, y_scale)) > 1:
        raise KernelError("Scales for each row or column are not implemented")
    if a.shape[-1] * 255 * 255 >= EXACT_INTEGERS:
        raise KernelError(f"K must be below {EXACT_INTEGERS // 255 ** 2 + 1}, "
                          f"not {a.shape[-1]}: larger sums do not become FP32 exactly")
    scale = float(np.ravel(a_scale)[0]) * float(np.ravel(b_scale)[0]) / float(np.ravel(y_scale)[0])
    limits = np.iinfo(y_zero_point.dtype)

    def finish(nc: Kernel, value: Tensor) -> Tensor:
        number = nc.tensor_scalar("add", value, MAGIC_BITS).view("fp32")
        number = nc.tensor_scalar("subtract", number, MAGIC)
        number = nc.tensor_scalar("multiply", number, scale)
        for op, limit in (("minimum", 512.0), ("maximum", -512.0), ("add", MAGIC)):
            number = nc.tensor_scalar(op, number, limit)
        whole = nc.tensor_scalar("subtract", number.view("int32"),
                                 MAGIC_BITS - int(np.ravel(y_zero_point)[0]))
        whole = nc.tensor_scalar("maximum", whole, int(limits.min))
        return nc.tensor_scalar("minimum", whole, int(limits.max))

    return _batched(a, b, lambda x, y: _integers(nc, x, a_zero_point, y, b_zero_point, finish)
                    ).astype(y_zero_point.dtype)


def _rows(nc: Kernel, x: np.ndarray, function: Callable[[Kernel, Tensor], Tensor]) -> np.ndarray:
    """Apply a function of tiles to a matrix, as many rows at a time as there are partitions."""
    result = np.zeros_like(x)
    for rows in _cut(len(x), nc.config.size):
        with nc.scratch():
            nc.store(result[slice(*rows)], function(nc, nc.load(x[slice(*rows)])))
    return result


def softmax(nc: Kernel, x: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """Softmax of float32 along an axis."""

    def function(nc: Kernel, data: Tensor) -> Tensor:
        largest = nc.tensor_reduce("maximum", data)
        power = nc.activation("exp", nc.tensor_tensor("subtract", data, largest))
        share = nc.activation("reciprocal", nc.tensor_reduce("add", power))
        return nc.tensor_tensor("multiply", power, share)

    moved = np.moveaxis(x, axis, -1)
    flat = np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])
    return np.moveaxis(_rows(nc, flat, function).reshape(moved.shape), -1, axis)


MOST_COLUMNS, BYTES_A_COLUMN = 64, 256
"""Columns at a time, and what a function needs of each partition for one."""


def _elementwise(nc: Kernel, x: np.ndarray, function: str) -> np.ndarray:
    """Apply a function of single numbers."""
    columns = min(MOST_COLUMNS, nc.config.sbuf_bytes // BYTES_A_COLUMN)
    flat = np.zeros(-(-x.size // columns) * columns, np.float32)
    flat[:x.size] = x.ravel()
    result = _rows(nc, flat.reshape(-1, columns),
                   lambda nc, data: nc.activation(function, data))
    return result.ravel()[:x.size].reshape(x.shape)


def relu(nc: Kernel, x: np.ndarray) -> np.ndarray:
    """Relu of float32."""
    return _elementwise(nc, x, "relu")


def gelu(nc: Kernel, x: np.ndarray, *, approximate: str = "none") -> np.ndarray:
    """Gelu of float32; ``approximate`` is ``none`` or ``tanh``."""
    return _elementwise(nc, x, "gelu_tanh" if approximate == "tanh" else "gelu")


OPERATORS: dict[str, Callable[..., np.ndarray]] = {
    "MatMul": matmul, "Gemm": gemm, "MatMulInteger": matmul_integer,
    "QLinearMatMul": qlinear_matmul, "Softmax": softmax, "Relu": relu, "Gelu": gelu}
"""Kernels by the name of the operator; inputs in its order, attributes by name."""
