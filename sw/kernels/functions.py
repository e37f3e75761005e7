"""Functions of FP32 tensors, out of additions, multiplications and integer operations on bits.

Every step is an instruction of the vector unit, so model and RTL agree in every bit.
``docs/kernels.md`` states the largest errors, and a test measures them.
"""

import numpy as np

from .nki import Kernel, Tensor

__all__ = ["FUNCTIONS"]

MAGIC = 1.5 * 2 ** 23
"""Added to a number below 2**22 it leaves the nearest integer in the low bits."""
MAGIC_BITS = int(np.float32(MAGIC).view(np.int32))
EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
       5.0000001201e-1)
"""exp(f) = 1 + f + f**2 * p(f) for abs(f) <= ln(2) / 2, highest power first."""
ERFC = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""erfc(z) = t * p(t) * exp(-z**2) with t = 1 / (1 + 0.3275911 z): Abramowitz, Stegun 7.1.26."""


def _horner(nc: Kernel, x: Tensor, coefficients) -> Tensor:
    """Return the polynomial of x, the highest power first."""
    total = nc.tensor_scalar("multiply", x, coefficients[0])
    for coefficient in coefficients[1:-1]:
        nc.tensor_scalar("add", total, coefficient, into=total)
        nc.tensor_tensor("multiply", total, x, into=total)
    return nc.tensor_scalar("add", total, coefficients[-1], into=total)


def exp(nc: Kernel, x: Tensor) -> Tensor:
    """Return e**x; results below 2**-125 may be zero."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        x = nc.tensor_scalar("minimum", nc.tensor_scalar("maximum", x, -87.3), 89.0)
        shifted = nc.tensor_scalar("add", nc.tensor_scalar("multiply", x, np.log2(np.e)), MAGIC)
        whole = nc.tensor_scalar("subtract", shifted, MAGIC)
        # ln(2) in two parts: the product with the first one is exact.
        rest = nc.tensor_tensor("subtract", x, nc.tensor_scalar("multiply", whole, 0.693359375))
        rest = nc.tensor_tensor("add", rest, nc.tensor_scalar("multiply", whole, 2.12194440e-4))
        total = _horner(nc, rest, EXP)
        for _ in range(2):
            nc.tensor_tensor("multiply", total, rest, into=total)
        nc.tensor_tensor("add", total, rest, into=total)
        nc.tensor_scalar("add", total, 1.0, into=total)
        # 2**(k - 1), then twice that: 2**128 alone would be infinite.
        power = nc.tensor_scalar("subtract", shifted.view("int32"), MAGIC_BITS - 126)
        power = nc.tensor_scalar("multiply", power, 1 << 23).view("fp32")
        nc.tensor_tensor("multiply", total, power, into=total)
        nc.tensor_tensor("add", total, total, into=result)
    return result


def reciprocal(nc: Kernel, x: Tensor) -> Tensor:
    """Return 1/x; of a zero +infinity, of numbers from 2**125 on 2**-125."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        zero = nc.tensor_scalar("equal", x, 0.0)
        x = nc.tensor_scalar("minimum", nc.tensor_scalar("maximum", x, -2.0 ** 125), 2.0 ** 125)
        y = nc.tensor_scalar("subtract", x.view("int32"), 0x7EF311C7, reverse=True).view("fp32")
        for _ in range(3):
            error = nc.tensor_tensor("multiply", x, y)
            nc.tensor_scalar("subtract", error, 1.0, reverse=True, into=error)
            nc.tensor_tensor("multiply", error, y, into=error)
            y = nc.tensor_tensor("add", y, error)
        nc.dma_copy(result, y)
        nc.tensor_tensor("select", zero, nc.memset((x.partitions, 1), np.inf, "fp32"),
                         into=result)
    return result


def _negative(nc: Kernel, x: Tensor) -> Tensor:
    return nc.tensor_scalar("multiply", x, -1.0)


def sigmoid(nc: Kernel, x: Tensor) -> Tensor:
    """Return 1 / (1 + e**-x)."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        nc.dma_copy(result, reciprocal(nc, nc.tensor_scalar("add", exp(nc, _negative(nc, x)),
                                                            1.0)))
    return result


def tanh(nc: Kernel, x: Tensor) -> Tensor:
    """Return 2 sigmoid(2 x) - 1."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        half = sigmoid(nc, nc.tensor_tensor("add", x, x))
        nc.tensor_scalar("subtract", nc.tensor_tensor("add", half, half), 1.0, into=result)
    return result


def silu(nc: Kernel, x: Tensor) -> Tensor:
    """Return x sigmoid(x)."""
    return nc.tensor_tensor("multiply", x, sigmoid(nc, x))


def gelu_tanh(nc: Kernel, x: Tensor) -> Tensor:
    """Return x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x**3): GELU's approximation."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        u = nc.tensor_scalar("multiply", nc.tensor_tensor("multiply", x, x), 0.044715)
        u = nc.tensor_tensor("multiply", nc.tensor_scalar("add", u, 1.0), x)
        u = nc.tensor_scalar("multiply", u, 2 * np.sqrt(2 / np.pi))
        nc.tensor_tensor("multiply", x, sigmoid(nc, u), into=result)
    return result


def gelu(nc: Kernel, x: Tensor) -> Tensor:
    """Return x times the normal distribution of x."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        z = nc.tensor_scalar("multiply", nc.tensor_tensor("maximum", x, _negative(nc, x)),
                             np.sqrt(0.5))
        t = nc.tensor_scalar("add", nc.tensor_scalar("multiply", z, 0.3275911), 1.0)
        t = reciprocal(nc, t)
        tail = nc.tensor_tensor("multiply", _horner(nc, t, ERFC), t)
        square = _negative(nc, nc.tensor_tensor("multiply", z, z))
        tail = nc.tensor_tensor("multiply", tail, exp(nc, square))
        tail = nc.tensor_scalar("multiply", tail, 0.5)
        positive = nc.tensor_scalar("greater", x, 0.0)
        nc.tensor_tensor("select", positive, nc.tensor_scalar("subtract", tail, 1.0,
                                                              reverse=True), into=tail)
        nc.tensor_tensor("multiply", x, tail, into=result)
    return result


def rsqrt(nc: Kernel, x: Tensor) -> Tensor:
    """Return 1 / sqrt(x) of positive numbers."""
    result = nc.allocate(*x.shape, "fp32")
    with nc.scratch():
        # The upper half of each word as an integer: what 16 bits further right leaves.
        high = nc.memset(x.shape, 0, "int32")
        nc.copy_halves(high, x)
        number = nc.tensor_scalar("subtract", nc.tensor_scalar("add", high, MAGIC_BITS
                                                               ).view("fp32"), MAGIC)
        guess = nc.tensor_scalar("multiply", number, -0.5)
        guess = nc.tensor_scalar("add", nc.tensor_scalar("add", guess, 0x5F37), MAGIC)
        guess = nc.tensor_scalar("subtract", guess.view("int32"), MAGIC_BITS)
        y = nc.tensor_scalar("multiply", guess, 1 << 16).view("fp32")
        half = nc.tensor_scalar("multiply", x, 0.5)
        for _ in range(3):
            error = nc.tensor_tensor("multiply", nc.tensor_tensor("multiply", half, y), y)
            nc.tensor_scalar("subtract", error, 1.5, reverse=True, into=error)
            y = nc.tensor_tensor("multiply", y, error)
        nc.dma_copy(result, y)
    return result


FUNCTIONS = {"exp": exp, "reciprocal": reciprocal, "rsqrt": rsqrt, "sigmoid": sigmoid,
             "tanh": tanh, "silu": silu, "gelu": gelu, "gelu_tanh": gelu_tanh}
"""What :meth:`Kernel.activation` offers beside ``copy`` and ``relu``."""
