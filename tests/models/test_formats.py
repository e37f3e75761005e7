"""Small floating-point formats: patterns, casts and exact sums, against ml_dtypes and fractions."""

import itertools
import random
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from sim.models import formats, numerics
from sim.models.formats import FORMATS
from sim.models.matmul import tile_product

DTYPES = {"bf16": ml_dtypes.bfloat16, "fp16": np.float16, "fp8_e4m3": ml_dtypes.float8_e4m3,
          "fp8_e4m3fn": ml_dtypes.float8_e4m3fn, "fp8_e5m2": ml_dtypes.float8_e5m2}
FP8 = ("fp8_e4m3", "fp8_e4m3fn", "fp8_e5m2")
PAIRS = list(itertools.product(FP8, FP8))


def every_pattern(type):
    return np.arange(1 << FORMATS[type].bits).astype(FORMATS[type].dtype)


@pytest.mark.parametrize("type", DTYPES)
def test_every_pattern(type):
    """Values of both forms and of ml_dtypes; encoding gives the pattern back."""
    patterns = every_pattern(type)
    values = formats.to_fp32_array(type, patterns)
    oracle = patterns.view(DTYPES[type]).astype(np.float32)
    assert np.array_equal(values, oracle, equal_nan=True)
    finite = np.isfinite(values)
    assert np.array_equal(np.signbit(values[finite]), np.signbit(oracle[finite]))
    for pattern, value in zip(patterns.tolist(), values.tolist(), strict=True):
        kind, sign, significand, exponent = formats.decode(type, pattern)
        if kind == "number":
            exact = (-1) ** sign * significand * Fraction(2) ** exponent
            assert exact == Fraction(value)
            assert formats.encode(type, sign, significand, exponent) == pattern
        elif kind == "zero":
            assert value == 0 or not FORMATS[type].subnormal_inputs and abs(value) < 2.0 ** -126
        else:
            assert not np.isfinite(value) and (kind == "nan") == np.isnan(value)


@pytest.mark.parametrize("type", DTYPES)
@pytest.mark.parametrize("source", ["bf16", "fp16"])
def test_every_cast_of_16_bits(type, source):
    """All 65,536 patterns of BF16 and FP16, cast by both forms and by ml_dtypes."""
    values = formats.to_fp32_array(source, every_pattern(source))
    bits = values.view(np.uint32)
    got = formats.from_fp32_array(type, values)
    scalar = [formats.from_fp32(type, int(pattern)) for pattern in bits]
    assert got.tolist() == scalar
    normal = ~np.isnan(values) & ((np.abs(values) >= 2.0 ** -126) | (values == 0))
    assert np.array_equal(got[normal], cast(values[normal], type))
    assert set(got[np.isnan(values)].tolist()) == {FORMATS[type].nan}


def cast(values, type):
    """The cast of ml_dtypes, its NaN made canonical."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = values.astype(DTYPES[type])
    lost = np.isnan(result.astype(np.float32))
    return np.where(lost, FORMATS[type].nan, result.view(FORMATS[type].dtype))


@pytest.mark.parametrize("type", DTYPES)
def test_casts_of_fp32(type):
    """Random patterns, the neighbourhood of every boundary, and halves between numbers."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, 20_000, dtype=np.uint32)
    grid = np.unique(formats.to_fp32_array(type, every_pattern(type)))
    grid = grid[np.isfinite(grid)].astype(np.float64)
    if len(grid) > 5_000:
        start = rng.integers(0, len(grid) - 5_000)
        grid = grid[start:start + 5_000]
    halves = ((grid[1:] + grid[:-1]) / 2).astype(np.float32).view(np.uint32)
    largest = float(formats.to_fp32_array(type, np.array([FORMATS[type].largest]))[0])
    ends = np.minimum(largest * np.array([1, 1.03125, 1.0625]), float(np.finfo(np.float32).max))
    ends = ends.astype(np.float32).view(np.uint32)
    near = [halves - np.uint32(1), halves, halves + np.uint32(1), ends, ends - np.uint32(1)]
    bits = np.concatenate([bits, *near])
    values = bits.view(np.float32)
    got = formats.from_fp32_array(type, values)
    assert got.tolist() == [formats.from_fp32(type, int(pattern)) for pattern in bits]
    finite = np.isfinite(values)
    assert np.array_equal(formats.patterns(type, values)[finite], cast(values[finite], type))


@pytest.mark.parametrize("a_type, b_type", PAIRS)
def test_every_product_of_fp8(a_type, b_type):
    """All 65,536 pairs: a product fits into FP32, so float32 arithmetic is an oracle."""
    a, b = (column.ravel() for column in np.meshgrid(every_pattern(a_type), every_pattern(b_type)))
    x, y = formats.to_fp32_array(a_type, a), formats.to_fp32_array(b_type, b)
    with np.errstate(invalid="ignore"):
        oracle = x * y + np.float32(0)
    oracle = np.where(np.isnan(oracle), np.uint32(numerics.FP32_NAN), oracle.view(np.uint32))
    rows = np.array([tile_product(every_pattern(a_type)[None], every_pattern(b_type)[None, i:i + 1],
                                  a_type, b_type)[:, 0] for i in range(256)])
    assert np.array_equal(rows.ravel().view(np.uint32), oracle)
    for index in range(0, len(a), 97):
        got = numerics.dot([int(a[index])], [int(b[index])], a_type, b_type)
        assert got == oracle[index]


@pytest.mark.parametrize("a_type, b_type", PAIRS)
def test_exact_sums(a_type, b_type):
    """Both forms against fractions, with sums that cancel or whose ends are far apart."""
    rng = random.Random(f"{a_type} {b_type}")
    for _ in range(300):
        k = rng.randint(1, 16)
        a = [rng.randrange(256) & (0xFF if rng.random() < 0.5 else 0xBB) for _ in range(k)]
        b = [rng.randrange(256) & 0xBB for _ in range(k)]
        if rng.random() < 0.5:
            a += [x ^ 0x80 for x in a[:-1]]
            b += b[:-1]
        got = numerics.dot(a, b, a_type, b_type)
        array = tile_product(np.array(a, np.uint8)[:, None], np.array(b, np.uint8)[:, None],
                             a_type, b_type)
        assert array.view(np.uint32)[0, 0] == got
        values = [(float(formats.to_fp32_array(a_type, np.array(x))),
                   float(formats.to_fp32_array(b_type, np.array(y))))
                  for x, y in zip(a, b, strict=True)]
        if not np.isfinite(values).all():
            continue
        exact = sum((Fraction(x) * Fraction(y) for x, y in values), Fraction(0))
        number = np.uint32(got).view(np.float32)
        below, above = (Fraction(float(np.nextafter(number, np.float32(side))))
                        for side in (-np.inf, np.inf))
        error = abs(Fraction(float(number)) - exact)
        assert error <= abs(below - exact) and error <= abs(above - exact)
        if error in (abs(below - exact), abs(above - exact)) and error:
            assert not got & 1, "a tie goes to the even number"
        assert got or exact == 0


def test_infinities_and_nan():
    inf, minus_inf, one, zero, nan = 0x78, 0xF8, 0x38, 0x00, 0x79
    assert numerics.dot([inf, one], [one, one], "fp8_e4m3", "fp8_e4m3") == 0x7F80_0000
    assert numerics.dot([minus_inf], [one], "fp8_e4m3", "fp8_e4m3") == 0xFF80_0000
    for a, b in (([inf, minus_inf], [one, one]), ([inf], [zero]), ([nan], [one])):
        assert numerics.dot(a, b, "fp8_e4m3", "fp8_e4m3") == numerics.FP32_NAN
    assert numerics.dot([0x7E], [0x38], "fp8_e4m3fn", "fp8_e4m3fn") == 0x43E0_0000      # 448
    assert numerics.dot([0x80], [one], "fp8_e4m3", "fp8_e4m3") == 0                     # -0: +0


def test_fma_of_fp16_equals_exact_fractions():
    rng = random.Random(3)
    corners = (0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x3C00, 0x7BFF, 0xFBFF)
    cases = list(itertools.product(corners, corners, (0, 0x8000_0000, 0x3380_0000, 0xBF80_0001)))
    cases += [(rng.randrange(1 << 16), rng.randrange(1 << 16),
               rng.randrange(90, 160) << 23 | rng.randrange(1 << 23)) for _ in range(3_000)]
    for a, b, c in cases:
        kinds = [formats.decode("fp16", x) for x in (a, b)] + [formats.decode("fp32", c)]
        if any(kind in ("nan", "inf") for kind, *_ in kinds):
            continue
        x, y, z = ((-1) ** sign * significand * Fraction(2) ** exponent
                   for _, sign, significand, exponent in kinds)
        exact = x * y + z
        got = numerics.fma(a, b, c, "fp16", "fp16")
        if exact == 0:
            assert got & 0x7FFF_FFFF == 0
            continue
        low = exact.denominator.bit_length() - 1
        assert got == numerics.round_fp32(int(exact < 0), abs(exact.numerator), -low)
        array = numerics.fma_array(*(formats.to_fp32_array("fp16", np.array([v])) for v in (a, b)),
                                   np.array([c], np.uint32).view(np.float32))
        assert array.view(np.uint32)[0] == got
