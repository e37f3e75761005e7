"""Functions of the kernels on the model: the errors that docs/kernels.md states."""

import math

import numpy as np
import pytest

from rtl.config import preset
from sim.kernels import ModelMachine
from sw.kernels.functions import FUNCTIONS
from sw.kernels.nki import Kernel

LINEAR = np.linspace(-60, 60, 4001)
WIDE = np.exp2(np.linspace(-100, 100, 4001))
CASES = {
    "exp": (np.linspace(-86, 88.7, 4001), np.exp, 1e-7, np.abs),
    "reciprocal": (np.concatenate([WIDE, -WIDE]), lambda x: 1 / x, 1e-7, np.abs),
    "rsqrt": (WIDE, lambda x: 1 / np.sqrt(x), 2e-7, np.abs),
    "sigmoid": (LINEAR, lambda x: 1 / (1 + np.exp(-x)), 2e-7, np.ones_like),
    "tanh": (LINEAR, np.tanh, 3e-7, np.ones_like),
    "silu": (LINEAR, lambda x: x / (1 + np.exp(-x)), 2e-7, lambda y: np.maximum(1, np.abs(y))),
    "gelu": (LINEAR, lambda x: x / 2 * np.vectorize(math.erfc)(-x / math.sqrt(2)), 4e-7,
             lambda y: np.maximum(1, np.abs(y))),
    "gelu_tanh": (LINEAR, lambda x: x / 2 * (1 + np.tanh(
        math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))), 4e-7,
        lambda y: np.maximum(1, np.abs(y))),
}


def apply(name, values):
    nc = Kernel(ModelMachine(preset("sim").tile))
    result = np.zeros_like(values)
    for start in range(0, values.shape[1], 256):
        columns = slice(start, start + 256)
        with nc.scratch():
            nc.store(result[:, columns], nc.activation(name, nc.load(values[:, columns])))
    return result


def test_every_function_is_measured():
    assert CASES.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_largest_error(name):
    points, exact, limit, unit = CASES[name]
    values = np.resize(points, (8, -(-len(points) // 8))).astype(np.float32)
    want = exact(values.astype(float))
    error = np.abs(apply(name, values) - want) / unit(want)
    assert 0 < error.max() <= limit


def test_ends_of_the_range():
    values = np.array([[0, np.inf, -np.inf, np.nan]], np.float32)
    assert np.array_equal(apply("exp", values), [[1, np.inf, 0, np.nan]], equal_nan=True)
    assert np.array_equal(apply("tanh", values), [[0, 1, -1, np.nan]], equal_nan=True)
    sigmoid = apply("sigmoid", values)
    assert np.array_equal(sigmoid[:, :2], [[0.5, 1]]) and 0 <= sigmoid[0, 2] < 1e-37
    assert apply("reciprocal", values)[0, 0] == np.inf
