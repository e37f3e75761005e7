"""Model of the vector instructions against a second formulation."""

import itertools
import random
from fractions import Fraction

import numpy as np

from rtl.matmul.encoding import OPERATIONS
from sim.models import formats, numerics
from sim.models.vector import element_offsets, is_zero, tensor_tensor
from tests.models.test_numerics import CORNERS_32, nearest, value


def test_multiply_equals_exact_fractions():
    rng = random.Random(1)
    pairs = list(itertools.product(CORNERS_32, CORNERS_32))
    for _ in range(1_000):
        exponent = rng.randrange(1, 0xFF)
        other = min(max(rng.choice((126, 127, 255, 382)) - exponent, 0), 0xFF)
        pairs.append((exponent << 23 | rng.randrange(1 << 23), other << 23 | rng.randrange(1 << 23)
                      | rng.randrange(2) << 31))
    scalar = [numerics.multiply(x, y) for x, y in pairs]
    x, y = (np.array(column, np.uint32).view(np.float32) for column in zip(*pairs, strict=True))
    assert numerics.multiply_array(x, y).view(np.uint32).tolist() == scalar
    for (a, b), got in zip(pairs, scalar, strict=True):
        factors = value(a), value(b)
        sign = (a ^ b) & 0x8000_0000
        if "nan" in factors or "inf" in (*factors, *(str(f).strip("-") for f in factors)) and (
                Fraction(0) in factors):
            assert got == numerics.FP32_NAN
        elif any(isinstance(factor, str) for factor in factors):
            assert got == sign | 0x7F80_0000
        elif 0 in factors:
            assert got == sign
        else:
            assert got == nearest(factors[0] * factors[1])


def test_offsets_equal_nested_loops():
    pattern = ((3, 2), (2, -7), (0, 5), (4, 0))
    loops = [2 * i - 7 * j for _ in range(4) for j in range(2) for i in range(3)]
    assert element_offsets(24, pattern).tolist() == loops
    assert element_offsets(50, pattern).tolist() == (loops * 3)[:50]
    assert element_offsets(5, None).tolist() == [0, 1, 2, 3, 4]


def test_integers_equal_python():
    rng = random.Random(2)
    corners = (0, 1, -1, 2**31 - 1, -2**31, 46341)
    pairs = [*itertools.product(corners, corners),
             *((rng.randrange(-2**31, 2**31), rng.randrange(-2**31, 2**31)) for _ in range(200))]
    a, b = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    python = {
        "copy": lambda x, y: x, "select": lambda x, y: y, "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
        "maximum": max, "minimum": min, "greater": lambda x, y: x > y,
        "greater_equal": lambda x, y: x >= y, "equal": lambda x, y: x == y}
    assert python.keys() == OPERATIONS.keys()
    for name, function in python.items():
        got = tensor_tensor(name, a, b, "word").tolist()
        assert got == [numerics.wrap32(int(function(x, y))) for x, y in pairs], name
    small = np.arange(-128, 128).astype(np.int8)
    x, y = (grid.ravel() for grid in np.meshgrid(small, small))
    for name, function in python.items():
        got = tensor_tensor(name, x, y, "int8")
        assert got.tolist() == [max(-128, min(127, int(function(int(p), int(q)))))
                                for p, q in zip(x, y, strict=True)], name


def test_comparisons_of_numbers_and_nan():
    values = np.array([-np.inf, -2.5, -0.0, 0.0, 1e-40, 1.0, np.inf, np.nan], np.float32)
    a, b = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(invalid="ignore"):
        x, y = (np.where(np.abs(value) < 1e-38, np.float32(0), value) for value in (a, b))
    for name, function in (("greater", np.greater), ("greater_equal", np.greater_equal),
                           ("equal", np.equal)):
        assert np.array_equal(tensor_tensor(name, a, b, "word"), function(x, y))
    for name, function in (("maximum", np.maximum), ("minimum", np.minimum)):
        got = tensor_tensor(name, a, b, "word")
        assert np.array_equal(got, function(x, y), equal_nan=True)
        assert set(got.view(np.uint32)[np.isnan(got)]) == {numerics.FP32_NAN}
    assert is_zero(values).tolist() == [False, False, True, True, True, False, False, False]


def test_bf16_is_computed_in_fp32_and_rounded():
    rng = np.random.default_rng(3)
    a, b = formats.patterns("bf16", rng.standard_normal((2, 500)).astype(np.float32))
    x, y = (formats.to_fp32_array("bf16", value) for value in (a, b))
    for name, exact in (("add", x.astype(float) + y), ("multiply", x.astype(float) * y)):
        assert np.array_equal(tensor_tensor(name, a, b, "bf16"),
                              formats.patterns("bf16", exact.astype(np.float32)))
