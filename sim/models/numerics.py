"""Arithmetic of the tile's number formats, bit for bit: the executable part of docs/numerics.md.

Every function exists twice. The scalar form works on bit patterns with Python integers and is the
definition: decode, compute exactly, round once. The array form does the same for whole numpy
arrays, in float64 with the rounding error made visible; tests compare the two, and both with exact
fractions.
"""

from collections.abc import Sequence

import numpy as np

from .formats import Number, decode

__all__ = ["FP32_NAN", "add", "add_array", "dot", "dot_array", "fma", "fma_array", "multiply",
           "multiply_array", "relu", "requantise", "requantise_array", "round_fp32", "wrap32"]

FP32_NAN = 0x7FC0_0000
FP32_INFINITY = 0x7F80_0000
SIGN = 0x8000_0000


def round_fp32(sign: int, significand: int, exponent: int) -> int:
    """Return the FP32 pattern nearest to ``(-1)**sign * significand * 2**exponent``.

    The value is rounded to 24 significant bits, ties to even, as if exponents had no end. Then
    2**128 and more becomes infinity, and what is below 2**-126 becomes zero of the same sign.
    """
    if significand == 0:
        return sign << 31
    excess = significand.bit_length() - 24
    if excess > 0:
        kept, rest, half = significand >> excess, significand & (1 << excess) - 1, 1 << excess - 1
        kept += rest > half or (rest == half and kept & 1)
    else:
        kept = significand << -excess
    exponent += excess
    if kept == 1 << 24:
        kept, exponent = 1 << 23, exponent + 1
    biased = exponent + 150
    if biased >= 0xFF:
        return sign << 31 | FP32_INFINITY
    if biased <= 0:
        return sign << 31
    return sign << 31 | biased << 23 | kept & 0x7F_FFFF


def _sum(x: Number, y: Number) -> int:
    """Return the rounded sum of two decoded values."""
    if "nan" in (x[0], y[0]) or (x[0] == y[0] == "inf" and x[1] != y[1]):
        return FP32_NAN
    if "inf" in (x[0], y[0]):
        return (x[1] if x[0] == "inf" else y[1]) << 31 | FP32_INFINITY
    low = min(x[3], y[3])
    total = sum((-1) ** sign * (significand << exponent - low)
                for _, sign, significand, exponent in (x, y))
    if total == 0:
        return (x[1] & y[1]) << 31
    return round_fp32(int(total < 0), abs(total), low)


def add(x: int, y: int) -> int:
    """Return the FP32 pattern of ``x + y``, for FP32 patterns."""
    return _sum(decode("fp32", x), decode("fp32", y))


def fma(a: int, b: int, c: int, a_type: str = "bf16", b_type: str = "bf16") -> int:
    """Return the FP32 pattern of ``a * b + c``: ``c`` is FP32, ``a`` and ``b`` BF16 or FP16.

    The product is exact and has no range; one rounding ends the addition.
    """
    x, y = decode(a_type, a), decode(b_type, b)
    return _sum(_product(x, y), decode("fp32", c))


def _product(x: Number, y: Number) -> Number:
    """Return the exact product of two decoded values."""
    sign = x[1] ^ y[1]
    kinds = {x[0], y[0]}
    if "nan" in kinds or kinds == {"inf", "zero"}:
        return "nan", 0, 0, 0
    if "inf" in kinds:
        return "inf", sign, 0, 0
    if "zero" in kinds:
        return "zero", sign, 0, 0
    return "number", sign, x[2] * y[2], x[3] + y[3]


def multiply(x: int, y: int) -> int:
    """Return the FP32 pattern of ``x * y``, for FP32 patterns."""
    kind, sign, significand, exponent = _product(decode("fp32", x), decode("fp32", y))
    if kind == "number":
        return round_fp32(sign, significand, exponent)
    return {"nan": FP32_NAN, "inf": sign << 31 | FP32_INFINITY, "zero": sign << 31}[kind]


def dot(a: Sequence[int], b: Sequence[int], a_type: str, b_type: str) -> int:
    """Return the FP32 pattern of ``sum(a * b)``: products and sum exact, one rounding at the end.

    ``a`` and ``b`` are patterns of FP8 formats. A sum of zero is +0.
    """
    products = [_product(decode(a_type, x), decode(b_type, y)) for x, y in zip(a, b, strict=True)]
    infinities = {sign for kind, sign, _, _ in products if kind == "inf"}
    if len(infinities) == 2 or any(kind == "nan" for kind, *_ in products):
        return FP32_NAN
    if infinities:
        return infinities.pop() << 31 | FP32_INFINITY
    low = min((exponent for kind, *_, exponent in products if kind == "number"), default=0)
    total = sum((-1) ** sign * (significand << exponent - low)
                for kind, sign, significand, exponent in products if kind == "number")
    return round_fp32(int(total < 0), abs(total), low)


def relu(bits: int) -> int:
    """Return FP32 ``max(x, 0)``: NaN stays the canonical NaN, -0 becomes +0."""
    kind, sign, _, _ = decode("fp32", bits)
    if kind == "nan":
        return FP32_NAN
    return 0 if sign or kind == "zero" else bits


def wrap32(value: int) -> int:
    """Return ``value`` modulo 2**32 as a signed number."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def requantise(value: int, multiplier: int, shift: int) -> int:
    """Return INT8 ``saturate(round_half_even(value * multiplier / 2**shift))``."""
    product = value * multiplier
    quotient, rest = product >> shift, product & (1 << shift) - 1
    if shift and (rest > 1 << shift - 1 or (rest == 1 << shift - 1 and quotient & 1)):
        quotient += 1
    return max(-128, min(127, quotient))


def requantise_array(values: np.ndarray, multiplier: int, shift: int,
                     random: np.ndarray | None = None) -> np.ndarray:
    """Array form of :func:`requantise`: INT32 values to INT8.

    With ``random``, numbers of 16 bits, a quotient is rounded up where the first 16 bits of its
    fraction and the number together reach 1.
    """
    product = values.astype(np.int64) * multiplier
    quotient = product >> shift
    if random is not None:
        fraction = (product << 16 >> shift) & 0xFFFF
        return np.clip(quotient + (fraction + random > 0xFFFF), -128, 127).astype(np.int8)
    rest = product - (quotient << shift)
    half = (1 << shift) >> 1
    up = (rest > half) | ((rest == half) & (quotient & 1 == 1))
    return np.clip(quotient + (up if shift else 0), -128, 127).astype(np.int8)


def _sum_array(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the float32 sum of two float64 arrays, rounded once."""
    with np.errstate(all="ignore"):
        total = x + y
        # Knuth's two-sum: the exact error of `total`. Rounding to odd instead of to nearest keeps
        # what a second rounding, to 24 bits, must know.
        back = total - x
        error = (x - (total - back)) + (y - back)
        bits = total.view(np.int64)
        inexact = np.isfinite(total) & (error != 0) & (bits & 1 == 0)
        outward = (error > 0) == (total > 0)
        total = np.where(inexact, bits + np.where(outward, 1, -1), bits).view(np.float64)
        result = total.astype(np.float32)
        # Rounded to 24 bits without an end to exponents, these are below 2**-126.
        tiny = np.abs(total) < 2.0 ** -126 - 2.0 ** -151
    result = np.where(tiny, np.copysign(np.float32(0), total).astype(np.float32), result)
    result.view(np.uint32)[np.isnan(result)] = FP32_NAN
    return result


def _flushed(values: np.ndarray) -> np.ndarray:
    """Return float32 values as float64, subnormals as zeros of their sign."""
    with np.errstate(invalid="ignore"):     # signalling NaNs
        wide = values.astype(np.float64)
    return np.where(np.abs(wide) < 2.0 ** -126, np.copysign(0.0, wide), wide)


def add_array(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Array form of :func:`add`, on float32 arrays."""
    return _sum_array(_flushed(x), _flushed(y))


def fma_array(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Array form of :func:`fma`; ``a`` and ``b`` are float32 arrays of BF16 or FP16 values."""
    with np.errstate(all="ignore"):
        product = _flushed(a) * _flushed(b)
    return _sum_array(product, _flushed(c))


def multiply_array(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Array form of :func:`multiply`, on float32 arrays."""
    with np.errstate(all="ignore"):
        product = _flushed(x) * _flushed(y)     # exact: 48 bits
    return _sum_array(product, np.copysign(0.0, product))


def dot_array(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Array form of :func:`dot`: ``a.T @ b`` of float32 arrays (K, M) and (K, N) of FP8 values."""
    # In units of 2**-32, the smallest product of two E5M2 numbers, a sum has up to 70 bits: two
    # integers of 64 bits, split at 2**32.
    high = np.zeros((a.shape[1], b.shape[1]), np.int64)
    low, special = high.copy(), np.zeros(high.shape)
    with np.errstate(invalid="ignore"):
        for x, y in zip(a.astype(np.float64), b.astype(np.float64), strict=True):
            product = x[:, None] * y[None, :]
            finite = np.isfinite(product)
            special += np.where(finite, 0.0, product)
            product = np.where(finite, product, 0.0)
            whole = np.floor(product)
            high += whole.astype(np.int64)
            low += ((product - whole) * 2.0 ** 32).astype(np.int64)
    high, low = high + (low >> 32), low & 0xFFFF_FFFF
    result = _sum_array(high.astype(np.float64), low * 2.0 ** -32)
    return np.where(special == 0, result, _sum_array(special, np.zeros(high.shape)))
