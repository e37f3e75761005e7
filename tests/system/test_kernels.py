"""Kernels on the model and on the RTL: the same bits, and what NumPy says."""

import numpy as np
import pytest

from sim.bfm.tile_harness import TileHost
from sim.kernels import ModelMachine, RtlMachine
from sim.models.formats import to_fp32_array
from sw.kernels.nki import Kernel, KernelError
from tests.system.tile_programs import SMALL, operand


@pytest.fixture(scope="module")
def host():
    return TileHost(SMALL)


def both(host, kernel, *shapes_and_types):
    """Run a kernel on model and RTL; its results are equal, and returned."""
    results = []
    for machine in (ModelMachine(SMALL), RtlMachine(host)):
        out = [np.zeros(shape, dtype) for shape, dtype in shapes_and_types]
        kernel(Kernel(machine), *out)
        results.append(out)
    for model, rtl in zip(*results, strict=True):
        assert np.array_equal(model.view(np.uint8), rtl.view(np.uint8))
    return results[0]


@pytest.mark.parametrize("type", SMALL.types)
def test_product_of_several_tiles(host, type):
    """Accumulated in PSUM over three tiles of K, the stationary side transposed on the tile."""
    rng = np.random.default_rng(1)
    a, b = operand(rng, type, (4, 11)), operand(rng, type, (11, 16))

    def kernel(nc, out):
        total = None
        for k in range(0, 11, 4):
            stationary = nc.nc_transpose(nc.load(a[:, k:k + 4], type))
            total = nc.nc_matmul(stationary, nc.load(b[k:k + 4], type), into=total)
        nc.store(out, total)

    dtype = np.int32 if type == "int8" else np.float32
    result, = both(host, kernel, ((4, 16), dtype))
    x, y = (m.astype(float) if type == "int8" else to_fp32_array(type, m).astype(float)
            for m in (a, b))
    np.testing.assert_allclose(result, x @ y, rtol=1e-5, atol=1e-5 * np.abs(x).max() ** 2)


def test_layer_with_bias_relu_and_requantisation(host):
    rng = np.random.default_rng(2)
    weights, images = (rng.integers(-20, 20, (4, n)).astype(np.int8) for n in (3, 9))
    bias = rng.integers(-300, 300, (3, 1)).astype(np.int32)

    def kernel(nc, out):
        product = nc.nc_matmul(nc.load(weights), nc.load(images))
        nc.store(out, nc.activation("relu", product, bias=nc.load(bias), type="int8",
                                    multiplier=1, shift=3))

    result, = both(host, kernel, ((3, 9), np.int8))
    exact = np.maximum(weights.astype(int).T @ images + bias, 0) / 8
    assert np.array_equal(result, np.clip(np.rint(exact), -128, 127))


def test_vector_operations(host):
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 4, 21)).astype(np.float32)

    def kernel(nc, total, largest, scaled, copied):
        a, b = nc.load(x), nc.load(y)
        nc.store(total, nc.tensor_tensor("add", a, b))
        nc.store(largest, nc.tensor_reduce("maximum", a))
        nc.store(scaled, nc.activation("copy", a, scale=-2.0, type="bf16"))
        c = nc.memset((4, 21), 0.0, "fp32")
        nc.tensor_tensor("select", nc.tensor_scalar("greater", a, 0.0), b, into=c)
        nc.dma_copy(copied, c)

    shape = 4, 21
    total, largest, scaled, copied = both(
        host, kernel, (shape, np.float32), ((4, 1), np.float32), (shape, np.uint16),
        (shape, np.float32))
    assert np.array_equal(total, x + y) and np.array_equal(largest, x.max(1, keepdims=True))
    assert np.allclose(to_fp32_array("bf16", scaled), -2 * x, rtol=2 ** -8)
    assert np.array_equal(copied, np.where(x > 0, y, 0))


def test_leaky_relu_clip_and_stochastic_rounding(host):
    x = np.random.default_rng(4).standard_normal((4, 50)).astype(np.float32)

    def kernel(nc, leaky, clipped, rounded):
        data = nc.load(x)
        nc.store(leaky, nc.leaky_relu(data, 0.125))
        nc.store(clipped, nc.clip(data, -0.5, 0.25))
        nc.store(rounded, nc.activation("copy", data, type="bf16", stochastic=True))

    shape = 4, 50
    leaky, clipped, rounded = both(host, kernel, (shape, np.float32), (shape, np.float32),
                                   (shape, np.uint16))
    assert np.array_equal(leaky, np.where(x > 0, x, x / 8))
    assert np.array_equal(clipped, np.clip(x, -0.5, 0.25))
    below = x.view(np.uint32) >> 16
    assert set((rounded - below).ravel()) == {0, 1}


def test_functions(host):
    values = np.linspace(-9, 9, 44).astype(np.float32).reshape(4, 11)
    names = ("exp", "gelu", "tanh", "rsqrt")

    def kernel(nc, *out):
        for name, result in zip(names, out, strict=True):
            with nc.scratch():
                nc.store(result, nc.activation(name, nc.load(values)))

    both(host, kernel, *[((4, 11), np.float32)] * len(names))


@pytest.mark.parametrize("call, message", [
    (lambda nc: nc.load(np.zeros((5, 1), np.int8)), "1 to 4 partitions"),
    (lambda nc: nc.load(np.zeros((1, 1))), "Load takes a matrix of int8"),
    (lambda nc: nc.load(np.zeros((1, 5000), np.int8)), "SBUF of 4096 bytes per partition is full"),
    (lambda nc: nc.nc_matmul(nc.load(np.zeros((2, 2), np.int8)), nc.load(
        np.zeros((3, 2), np.int8))), "A product takes K x M by K x N"),
    (lambda nc: nc.activation("softplus", nc.load(np.zeros((1, 1), np.float32))),
     "Activation 'softplus' of fp32 is not one of copy, relu, exp"),
    (lambda nc: nc.nc_transpose(nc.load(np.zeros((1, 5), np.int8))), "A transposition takes"),
    (lambda nc: nc.tensor_scalar("add", nc.load(np.zeros((1, 1), np.uint16), "bf16"), 1),
     "Constants are int8, int32 or fp32"),
    (lambda nc: nc.load(np.zeros((1, 1), np.int8)).view("fp32"), "cannot be seen as fp32"),
])
def test_what_the_tile_cannot_do_is_named(call, message):
    with pytest.raises(KernelError, match=message):
        call(Kernel(ModelMachine(SMALL)))
