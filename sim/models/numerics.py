"""Arithmetic of the tile's number formats, bit for bit: the executable part of docs/numerics.md.

Every function exists twice. The scalar form works on bit patterns with Python integers and is the
definition: decode, compute exactly, round once. The array form does the same for whole numpy
arrays, in float64 with the rounding error made visible; tests compare the two, and both with exact
fractions.
"""

import numpy as np

__all__ = ["FP32_NAN", "add", "add_array", "bf16_bits", "decode_bf16", "decode_fp32",
           "fp32_to_bf16", "fp32_to_bf16_array", "fma", "fma_array", "relu", "requantise",
           "requantise_array", "round_fp32", "wrap32"]

FP32_NAN = 0x7FC0_0000
FP32_INFINITY = 0x7F80_0000
SIGN = 0x8000_0000
BF16_NAN = 0x7FC0


def decode_fp32(bits: int) -> tuple[str, int, int, int]:
    """Return ``(kind, sign, significand, exponent)`` of an FP32 pattern.

    ``kind`` is ``nan``, ``inf``, ``zero`` or ``number``; a number is
    ``(-1)**sign * significand * 2**exponent``. Subnormals decode as zeros of their sign.
    """
    sign, biased, fraction = bits >> 31, bits >> 23 & 0xFF, bits & 0x7F_FFFF
    if biased == 0xFF:
        return ("nan" if fraction else "inf"), sign, 0, 0
    if biased == 0:
        return "zero", sign, 0, 0
    return "number", sign, fraction | 0x80_0000, biased - 150


def decode_bf16(bits: int) -> tuple[str, int, int, int]:
    """Like :func:`decode_fp32`, for BF16, which is the upper half of FP32."""
    return decode_fp32(bits << 16)


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


def _sum(x: tuple[str, int, int, int], y: tuple[str, int, int, int]) -> int:
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
    return _sum(decode_fp32(x), decode_fp32(y))


def fma(a: int, b: int, c: int) -> int:
    """Return the FP32 pattern of ``a * b + c``: BF16 patterns ``a``, ``b``, FP32 pattern ``c``.

    The product is exact and has no range; one rounding ends the addition.
    """
    x, y, sign = decode_bf16(a), decode_bf16(b), a >> 15 ^ b >> 15
    kinds = {x[0], y[0]}
    if "nan" in kinds or kinds == {"inf", "zero"}:
        product = ("nan", 0, 0, 0)
    elif "inf" in kinds:
        product = ("inf", sign, 0, 0)
    elif "zero" in kinds:
        product = ("zero", sign, 0, 0)
    else:
        product = ("number", sign, x[2] * y[2], x[3] + y[3])
    return _sum(product, decode_fp32(c))


def fp32_to_bf16(bits: int) -> int:
    """Return the BF16 pattern nearest to an FP32 pattern, ties to even; subnormals give zero."""
    kind, sign, _, _ = decode_fp32(bits)
    if kind == "nan":
        return BF16_NAN
    if kind == "zero":
        return sign << 15
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def relu(bits: int) -> int:
    """Return FP32 ``max(x, 0)``: NaN stays the canonical NaN, -0 becomes +0."""
    kind, sign, _, _ = decode_fp32(bits)
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


def requantise_array(values: np.ndarray, multiplier: int, shift: int) -> np.ndarray:
    """Array form of :func:`requantise`: INT32 values to INT8."""
    product = values.astype(np.int64) * multiplier
    quotient = product >> shift
    rest = product - (quotient << shift)
    half = (1 << shift) >> 1
    up = (rest > half) | ((rest == half) & (quotient & 1 == 1))
    return np.clip(quotient + (up if shift else 0), -128, 127).astype(np.int8)


def _sum_array(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rounded float32 sum of two float64 arrays of at most 24 significant bits each."""
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
    """Array form of :func:`fma`; ``a`` and ``b`` are float32 arrays that hold BF16 values."""
    with np.errstate(all="ignore"):
        product = _flushed(a) * _flushed(b)
    return _sum_array(product, _flushed(c))


def bf16_bits(values: np.ndarray) -> np.ndarray:
    """Return the uint16 patterns of float32 values rounded to BF16, ties to even.

    Unlike :func:`fp32_to_bf16_array` this is a conversion of user data: subnormals are kept (the
    tile flushes them when it reads them).
    """
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(values), BF16_NAN, rounded).astype(np.uint16)


def fp32_to_bf16_array(values: np.ndarray) -> np.ndarray:
    """Array form of :func:`fp32_to_bf16`: float32 values to uint16 patterns."""
    with np.errstate(invalid="ignore"):
        return bf16_bits(_flushed(values).astype(np.float32))
