"""The generator of stochastic rounding, and what rounding by it means."""

import numpy as np

from sim.models.formats import patterns, to_fp32_array
from sim.models.matmul import activate
from sim.models.random_bits import RandomBits


def test_first_numbers_by_hand():
    """xorshift32 from 1: 270369, 67634689, 2647435461."""
    bits = RandomBits(1)
    bits.seed(0x9E37_79B9)
    assert bits.states == [1]
    assert bits.draw(1, 3).tolist() == [[270369 >> 16, 67634689 >> 16, 2647435461 >> 16]]


def test_partitions_and_seeds_differ():
    bits = RandomBits(4)
    first = bits.draw(4, 50)
    assert len({tuple(row) for row in first}) == 4
    bits.seed(0)
    assert np.array_equal(bits.draw(2, 50), first[:2])
    bits.seed(1)
    assert not np.array_equal(bits.draw(4, 50), first)


def test_mean_of_rounded_numbers_is_the_number():
    """Each of many is rounded by itself; the mean is within four standard deviations."""
    count, bits = 20_000, RandomBits(1)
    for numerator in (1, 5, 8, 13, -3):
        values = np.full((1, count), numerator, np.int32)
        got = activate(values, type="int8", output="int8", multiplier=1, shift=4,
                       random=bits.draw(1, count))
        fraction = numerator / 16 % 1
        deviation = np.sqrt(fraction * (1 - fraction) / count)
        assert abs(got.mean() - numerator / 16) < 4 * deviation
        assert set(got.ravel()) == {numerator // 16, numerator // 16 + 1}
    value = np.full((1, count), 1 + 3 / 1024, np.float32)
    got = to_fp32_array("bf16", activate(value, type="bf16", output="bf16",
                                         random=bits.draw(1, count))).astype(float)
    assert abs(got.mean() - (1 + 3 / 1024)) < 4 / 128 * np.sqrt(0.24 / count)
    assert set(got.ravel()) == {1, 1 + 1 / 128}


def test_small_steps_are_not_lost():
    """1024 and 2048 times a half in BF16: to nearest it stays, at random it arrives nearby."""
    bits = RandomBits(1)
    nearest = random = np.full((1, 1), 1024, np.float32)
    for _ in range(2048):
        nearest = to_fp32_array("bf16", patterns("bf16", nearest + np.float32(0.5)))
        random = to_fp32_array("bf16", activate(random + np.float32(0.5), type="bf16",
                                                output="bf16", random=bits.draw(1, 1)))
    assert nearest[0, 0] == 1024 and 1850 < random[0, 0] < 2250
