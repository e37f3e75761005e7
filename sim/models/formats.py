"""Floating-point formats of the tile: what a pattern means, and rounding to a format.

Like :mod:`sim.models.numerics`, everything exists twice: a scalar form with Python integers, which
is the definition, and an array form for numpy; tests compare the two, and both with ``ml_dtypes``.
"""

import dataclasses
import functools

import numpy as np

__all__ = ["FORMATS", "FloatFormat", "Number", "decode", "encode", "from_fp32",
           "from_fp32_array", "patterns", "to_fp32_array"]

Number = tuple[str, int, int, int]
"""``(kind, sign, significand, exponent)``: ``kind`` is ``nan``, ``inf``, ``zero`` or ``number``; a
number is ``(-1)**sign * significand * 2**exponent``."""


@dataclasses.dataclass(frozen=True)
class FloatFormat:
    """A binary format: sign, exponent field, fraction.

    Parameters
    ----------
    exponent_bits, fraction_bits : :class:`int`
        Widths of the fields.
    bias : :class:`int`
        A number with exponent field e > 0 is ``1.fraction * 2**(e - bias)``.
    infinity : :class:`bool`
        The highest exponent is infinity (fraction 0) and NaN, as in IEEE 754. Without it only the
        pattern of all ones is NaN, and the rest are numbers.
    subnormal_inputs : :class:`bool`
        Subnormals count as what they are when the tile reads them, not as zeros of their sign.
    """

    exponent_bits: int
    fraction_bits: int
    bias: int
    infinity: bool = True
    subnormal_inputs: bool = True

    @property
    def bits(self) -> int:
        """Bits of a pattern."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def largest(self) -> int:
        """Pattern of the largest finite number."""
        ones = (1 << self.bits - 1) - 1
        return ones - (1 << self.fraction_bits) if self.infinity else ones - 1

    @property
    def overflow(self) -> int:
        """Positive pattern of what is beyond the largest number: infinity, or NaN without one."""
        return self.largest + 1

    @property
    def nan(self) -> int:
        """Canonical NaN."""
        return self.overflow | (1 << self.fraction_bits - 1 if self.infinity else 0)

    @property
    def dtype(self) -> np.dtype:
        """Type of a pattern in an array."""
        return np.dtype({8: np.uint8, 16: np.uint16, 32: np.uint32}[self.bits])


FORMATS = {
    "fp32":       FloatFormat(8, 23, 127, subnormal_inputs=False),
    "bf16":       FloatFormat(8, 7, 127, subnormal_inputs=False),
    "fp16":       FloatFormat(5, 10, 15),
    "fp8_e4m3":   FloatFormat(4, 3, 7),
    "fp8_e4m3fn": FloatFormat(4, 3, 7, infinity=False),
    "fp8_e5m2":   FloatFormat(5, 2, 15),
}
"""By name; ``fp8_e4m3`` ends at 240, ``fp8_e4m3fn`` at 448."""


def decode(type: str, bits: int) -> Number:
    """Return what the tile takes a pattern for."""
    form = FORMATS[type]
    sign, magnitude = bits >> form.bits - 1, bits & (1 << form.bits - 1) - 1
    if magnitude > form.largest:
        return ("inf" if form.infinity and magnitude == form.overflow else "nan"), sign, 0, 0
    field = magnitude >> form.fraction_bits
    fraction = magnitude & (1 << form.fraction_bits) - 1
    lowest = 1 - form.bias - form.fraction_bits
    if field:
        return "number", sign, fraction | 1 << form.fraction_bits, field - 1 + lowest
    if fraction == 0 or not form.subnormal_inputs:
        return "zero", sign, 0, 0
    return "number", sign, fraction, lowest


def encode(type: str, sign: int, significand: int, exponent: int) -> int:
    """Return the pattern nearest to ``(-1)**sign * significand * 2**exponent``, ties to even.

    Small numbers become subnormals, whether or not the tile would read them as such.
    """
    form = FORMATS[type]
    negative = sign << form.bits - 1
    if significand == 0:
        return negative
    p, lowest = form.fraction_bits, 1 - form.bias
    top = max(exponent + significand.bit_length() - 1, lowest)
    shift = top - p - exponent
    if shift > 0:
        kept, rest, half = significand >> shift, significand & (1 << shift) - 1, 1 << shift - 1
        kept += rest > half or (rest == half and kept & 1)
    else:
        kept = significand << -shift
    # A significand that was rounded up to the next power of two carries into the exponent.
    magnitude = (top - lowest + 1 << p) + kept - (1 << p)
    return form.nan if magnitude > form.largest and not form.infinity else (
        negative | min(magnitude, form.overflow))


def from_fp32(type: str, bits: int) -> int:
    """Return the pattern nearest to an FP32 pattern; FP32 subnormals give zero."""
    kind, sign, significand, exponent = decode("fp32", bits)
    form = FORMATS[type]
    if kind == "nan" or kind == "inf" and not form.infinity:
        return form.nan
    if kind == "inf":
        return sign << form.bits - 1 | form.overflow
    return encode(type, sign, significand, exponent)


@functools.cache
def _table(type: str) -> np.ndarray:
    """Return the float32 values of all patterns of a format, subnormals as what they are."""
    form = dataclasses.replace(FORMATS[type], subnormal_inputs=True)
    pattern = np.arange(1 << form.bits, dtype=np.int64)
    magnitude = pattern & (1 << form.bits - 1) - 1
    field, fraction = magnitude >> form.fraction_bits, magnitude & (1 << form.fraction_bits) - 1
    value = np.ldexp((fraction + np.where(field > 0, 1 << form.fraction_bits, 0)).astype(float),
                     np.maximum(field, 1) - form.bias - form.fraction_bits)
    beyond = np.inf if form.infinity else np.nan
    value = np.where(magnitude == form.overflow, beyond, value)
    value = np.where(magnitude > form.overflow, np.nan, value)
    return np.where(pattern >> form.bits - 1 == 1, -value, value).astype(np.float32)


def to_fp32_array(type: str, patterns: np.ndarray) -> np.ndarray:
    """Return patterns as float32; exact, and subnormals are kept whatever the tile does."""
    return _table(type)[patterns]


def patterns(type: str, values: np.ndarray) -> np.ndarray:
    """Return the patterns nearest to float32 values, ties to even: conversion of user data.

    Unlike in :func:`from_fp32_array`, FP32 subnormals are numbers here.
    """
    form = FORMATS[type]
    with np.errstate(invalid="ignore"):     # signalling NaNs
        wide = np.asarray(values, np.float32).astype(np.float64)
    p, lowest = form.fraction_bits, 1 - form.bias
    magnitude = np.abs(np.where(np.isfinite(wide), wide, 0.0))
    top = np.maximum(np.frexp(magnitude)[1] - 1, lowest)
    kept = np.rint(np.ldexp(magnitude, p - top)).astype(np.int64)     # halves to even
    pattern = (top - lowest + 1 << p) + kept - (1 << p)
    pattern = np.where(magnitude == 0, 0, pattern)
    pattern = np.where(np.isinf(wide) | (pattern > form.largest), form.overflow, pattern)
    pattern |= np.signbit(wide).astype(np.int64) << form.bits - 1
    lost = np.isnan(wide)
    if not form.infinity:
        lost |= pattern & form.overflow == form.overflow
    return np.where(lost, form.nan, pattern).astype(form.dtype)


def from_fp32_array(type: str, values: np.ndarray) -> np.ndarray:
    """Array form of :func:`from_fp32`: float32 values to patterns."""
    values = np.asarray(values, np.float32)
    with np.errstate(invalid="ignore"):     # signalling NaNs
        tiny = np.abs(values) < np.float32(2.0 ** -126)
    return patterns(type, np.where(tiny, np.copysign(np.float32(0), values), values))
