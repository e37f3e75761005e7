"""The model of the divider against exact integers."""

import itertools
import random

import pytest

from sim.models.divider import divide


def exact(a, b, *, bits, signed):
    mask = (1 << bits) - 1
    a, b = a & mask, b & mask
    if signed:
        a, b = ((value ^ 1 << bits - 1) - (1 << bits - 1) for value in (a, b))
    if b == 0:
        return 0
    quotient = abs(a) // abs(b)
    return (-quotient if (a < 0) != (b < 0) else quotient) & mask


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("width", "bits", "part"), [(8, 8, 4), (8, 8, 2), (8, 4, 4), (6, 6, 4)])
def test_all_operands_of_small_widths(width, bits, part, signed):
    for a, b in itertools.product(range(1 << bits), repeat=2):
        quotient, cycles = divide(a, b, bits=bits, signed=signed, width=width, part=part)
        assert quotient == exact(a, b, bits=bits, signed=signed)
        assert cycles >= 2


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [32, 64])
def test_random_operands(bits, signed):
    rng = random.Random(bits + signed)
    for _ in range(20_000):
        a, b = (rng.getrandbits(64) >> rng.randrange(64) for _ in "ab")
        if rng.randrange(2):
            a, b = ~a, ~b >> rng.randrange(64)
        quotient, cycles = divide(a, b, bits=bits, signed=signed)
        assert quotient == exact(a, b, bits=bits, signed=signed)
        assert 2 <= cycles <= 43


def test_cycles_follow_the_bits_of_the_quotient():
    rng = random.Random(1)
    for _ in range(20_000):
        b = rng.getrandbits(64) >> rng.randrange(64) | 1
        a = min(b * (1 << rng.randrange(64)) + rng.randrange(b), (1 << 64) - 1)
        n = (a // b).bit_length()
        _, cycles = divide(a, b)
        assert cycles <= 9 + n // 8 + (n + 1) // 2
