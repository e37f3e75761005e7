"""The number formats of the tile against exact fractions and against ml_dtypes."""

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest

from sim.models import numerics
from sim.models.matmul import tile_product

CORNERS_16 = [sign | pattern for sign in (0, 0x8000) for pattern in (
    0x0000, 0x0001, 0x007F, 0x0080, 0x0081, 0x00FF, 0x1F80, 0x2000, 0x3F7F, 0x3F80, 0x3F81, 0x4000,
    0x4B80, 0x5F80, 0x7F00, 0x7F7F, 0x7F80, 0x7F81, 0x7FC0)]
CORNERS_32 = [sign | pattern for sign in (0, 0x8000_0000) for pattern in (
    0x0000_0000, 0x0000_0001, 0x007F_FFFF, 0x0080_0000, 0x0080_0001, 0x00FF_FFFF, 0x0C00_0000,
    0x337F_FFFF, 0x3380_0000, 0x3380_0001, 0x3F7F_FFFF, 0x3F80_0000, 0x3F80_0001, 0x4B7F_FFFF,
    0x7F00_0000, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000, 0x7F80_0001)]


def value(bits: int) -> Fraction | str:
    """An FP32 pattern as a fraction; a name for what is none. Subnormals are zero."""
    if bits & 0x7FFF_FFFF > 0x7F80_0000:
        return "nan"
    if bits & 0x7FFF_FFFF == 0x7F80_0000:
        return "-inf" if bits >> 31 else "inf"
    if bits & 0x7F80_0000 == 0:
        return Fraction(0)
    number = float(np.uint32(bits).view(np.float32))
    return Fraction(number)


def nearest(exact: Fraction) -> int:
    """The FP32 pattern of a fraction that is not 0, by search among neighbours."""
    sign = 0x8000_0000 if exact < 0 else 0
    exact = abs(exact)
    exponent = 0
    while exact >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while exact < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    below = exact // unit
    rest = exact - below * unit
    if rest * 2 > unit or (rest * 2 == unit and below % 2):
        below += 1
    rounded = below * unit
    if rounded >= Fraction(2) ** 128:
        return sign | 0x7F80_0000
    if rounded < Fraction(1, 2 ** 126):
        return sign
    return sign | int(np.float32(float(rounded)).view(np.uint32))


def expected_sum(x: Fraction | str, y: Fraction | str, both_negative: bool) -> int:
    special = {x, y} & {"nan", "inf", "-inf"}
    if "nan" in special or special == {"inf", "-inf"}:
        return numerics.FP32_NAN
    if special:
        return 0x7F80_0000 if special == {"inf"} else 0xFF80_0000
    if x + y == 0:
        return 0x8000_0000 if both_negative else 0
    return nearest(x + y)


def expected_fma(a: int, b: int, c: int) -> int:
    x, y, z = value(a << 16), value(b << 16), value(c)
    negative = (a ^ b) >> 15 & 1
    if "nan" in (x, y):
        product = "nan"
    elif isinstance(x, str) or isinstance(y, str):
        product = "nan" if 0 in (x, y) else ("-inf" if negative else "inf")
    else:
        product = x * y
    return expected_sum(product, z, bool(negative and c >> 31))


def cancelling_triples(count: int, seed: int):
    """Random operands whose product and addend are close: the hard cases of rounding."""
    rng = random.Random(seed)
    for _ in range(count):
        a, b = (rng.randrange(1, 0xFF) << 7 | rng.randrange(0x80) | rng.randrange(2) << 15
                for _ in range(2))
        centre = (a >> 7 & 0xFF) + (b >> 7 & 0xFF) - 127
        exponent = min(max(centre + rng.randrange(-28, 29), 0), 255)
        fraction = rng.choice((rng.randrange(1 << 23), rng.randrange(1 << 8) << 15, 0, 0x7F_FFFF))
        yield a, b, rng.randrange(2) << 31 | exponent << 23 | fraction


def test_hand_computed_values():
    assert numerics.fma(0x3F80, 0x3F80, 0x3F80_0000) == 0x4000_0000          # 1 * 1 + 1 = 2
    assert numerics.fma(0x3F80, 0x3F80, 0x4B80_0000) == 0x4B80_0000          # 2**24 + 1, tie: even
    assert numerics.fma(0x4040, 0x3F80, 0x4B80_0000) == 0x4B80_0002          # 2**24 + 3, tie: even
    assert numerics.fma(0x7F00, 0x4000, 0xFF00_0000) == 0x7F00_0000          # 2**128 - 2**127
    assert numerics.fma(0x0080, 0x3F00, 0) == 0                              # 2**-127 flushed
    assert numerics.fma(0x8080, 0x3F00, 0x8000_0000) == 0x8000_0000          # keeps its sign
    assert numerics.fma(0x7F80, 0x0000, 0) == numerics.FP32_NAN              # inf * 0
    assert numerics.add(0x7F80_0000, 0xFF80_0000) == numerics.FP32_NAN       # inf - inf
    assert numerics.add(0x3F80_0000, 0xBF80_0000) == 0                       # 1 - 1 = +0
    assert numerics.requantise(5, 1, 1) == 2 and numerics.requantise(7, 1, 1) == 4
    assert numerics.requantise(-5, 1, 1) == -2 and numerics.requantise(1 << 20, 1, 0) == 127


def test_fma_equals_exact_fractions():
    corners = itertools.product(CORNERS_16[::2], CORNERS_16, CORNERS_32)
    for a, b, c in itertools.chain(corners, cancelling_triples(10_000, 1)):
        assert numerics.fma(a, b, c) == expected_fma(a, b, c), f"{a:#06x} * {b:#06x} + {c:#010x}"


def test_add_equals_exact_fractions():
    rng = random.Random(2)
    pairs = [(rng.randrange(1 << 32), rng.randrange(1 << 32)) for _ in range(5_000)]
    pairs += [(x, (x ^ 0x8000_0000) + rng.randrange(-300, 300) & 0xFFFF_FFFF) for x, _ in pairs]
    for x, y in itertools.chain(itertools.product(CORNERS_32, repeat=2), pairs):
        assert numerics.add(x, y) == expected_sum(value(x), value(y), bool(x & y & 1 << 31)), (x, y)


def test_array_forms_equal_the_scalar_definition():
    triples = list(itertools.product(CORNERS_16, CORNERS_16, CORNERS_32[::2]))
    triples += list(cancelling_triples(30_000, 3))
    a, b, c = (np.array(column, np.uint32) for column in zip(*triples, strict=True))
    got = numerics.fma_array((a << 16).view(np.float32), (b << 16).view(np.float32),
                             c.view(np.float32)).view(np.uint32)
    want = np.array([numerics.fma(*triple) for triple in triples], np.uint32)
    assert np.array_equal(got, want)

    x, y = c, np.roll(c, 1)
    got = numerics.add_array(x.view(np.float32), y.view(np.float32)).view(np.uint32)
    want = [numerics.add(int(p), int(q)) for p, q in zip(x, y, strict=True)]
    assert np.array_equal(got, np.array(want, np.uint32))


@pytest.mark.parametrize("multiplier, shift", [(1, 0), (65535, 16), (40503, 23), (3, 1), (1, 47)])
def test_requantisation(multiplier, shift):
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.integers(-2 ** 31, 2 ** 31, 2_000), rng.integers(-999, 999, 2_000),
                             [-2 ** 31, 2 ** 31 - 1, 0, -1, 1]]).astype(np.int32)
    got = numerics.requantise_array(values, multiplier, shift)
    for number, result in zip(values.tolist(), got.tolist(), strict=True):
        # Python's round() of a fraction rounds halves to even.
        exact = round(Fraction(number * multiplier, 1 << shift))
        assert result == max(-128, min(127, exact)) == numerics.requantise(number, multiplier,
                                                                            shift)


def test_relu_and_wrap():
    assert numerics.relu(0x8000_0000) == 0 and numerics.relu(0xBF80_0000) == 0
    assert numerics.relu(0x3F80_0000) == 0x3F80_0000 and numerics.relu(0xFF80_0000) == 0
    assert numerics.relu(0xFFC0_0001) == numerics.FP32_NAN
    assert numerics.wrap32(1 << 31) == -(1 << 31) and numerics.wrap32(-(1 << 31) - 1) == 2 ** 31 - 1


@pytest.mark.parametrize("size, chain", [(4, 2), (4, 4), (8, 2), (8, 4), (16, 2), (16, 8)])
def test_order_of_additions(size, chain):
    """Against a recursion on single numbers, for every number of rows."""
    rng = random.Random(size * chain)

    def total(products, rows):
        if rows == chain:
            partial = 0
            for a, b in products[:rows]:
                partial = numerics.fma(a, b, partial)
            return partial
        return numerics.add(total(products[:rows // 2], rows // 2),
                            total(products[rows // 2:], rows // 2))

    different = 0
    for k in range(1, size + 1):
        for _ in range(20):
            a, b = ([rng.randrange(0x70, 0x90) << 7 | rng.randrange(1 << 7) | rng.randrange(2) << 15
                     for _ in range(k)] for _ in range(2))
            got = tile_product(*(np.array(values, np.uint16)[:, None] for values in (a, b)), "bf16",
                               size=size, chain=chain).view(np.uint32)[0, 0]
            products = [*zip(a, b, strict=True), *[(0, 0)] * (size - k)]
            assert got == total(products, size)
            different += got != tile_product(
                *(np.array(values, np.uint16)[:, None] for values in (a, b)), "bf16", size=size,
                chain=size).view(np.uint32)[0, 0]
    assert (different > 0) == (chain < size), "the order matters"
