"""Exact product of two BF16 numbers, and FP32 as an exact operand."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .formats import EXPONENT_OFFSET, ExactLayout

__all__ = ["Bf16Multiply", "unpack_fp32"]


class Bf16Multiply(wiring.Component):
    """Exact product of two BF16 numbers, registered; subnormal operands count as zero.

    Timing
    ------
    ``product`` follows ``a`` and ``b`` by :attr:`LATENCY` cycle where ``valid`` is set, and holds
    otherwise.

    Members
    -------
    valid : :py:`In(1)`
        Take the operands in this cycle.
    active : :py:`In(1)`
        Clear: make the product an absent operand.
    a, b : :py:`In(16)`
        BF16 patterns.
    product : :py:`Out(ExactLayout())`
        Their product.
    """

    valid: Signal
    active: Signal
    a: Signal
    b: Signal
    product: data.View

    LATENCY = 1

    def __init__(self):
        super().__init__({"valid": In(1), "active": In(1), "a": In(16), "b": In(16),
                          "product": Out(ExactLayout())})

    def elaborate(self, platform):
        m = Module()

        zero, infinite, nan = [], [], []
        for bits in (self.a, self.b):
            fraction, exponent = bits[:7].any(), bits[7:15]
            zero.append(exponent == 0)
            infinite.append((exponent == 0xFF) & ~fraction)
            nan.append((exponent == 0xFF) & fraction)

        # No reset: what is dead until an operand is valid needs none.
        product = Signal(ExactLayout(), reset_less=True)
        m.d.comb += self.product.eq(product)
        vanishes = Signal()
        m.d.comb += vanishes.eq(zero[0] | zero[1])
        with m.If(self.valid):
            m.d.sync += [
                product.active.eq(self.active),
                product.sign.eq((self.a[15] ^ self.b[15]) & self.active),
                product.nan.eq(self.active & (
                    nan[0] | nan[1] | infinite[0] & zero[1] | zero[0] & infinite[1])),
                product.infinite.eq(self.active & (infinite[0] | infinite[1])),
                product.significand.eq(0),
                product.exponent.eq(0),
            ]
            with m.If(self.active & ~vanishes):
                significand = Cat(self.a[:7], 1) * Cat(self.b[:7], 1)
                m.d.sync += [
                    product.significand.eq(Cat(Const(0, 8), significand)),
                    product.exponent.eq(self.a[7:15] + self.b[7:15]),
                ]

        return m


def unpack_fp32(bits, active):
    """Return the assignments' values that make ``bits``, FP32, an :class:`ExactLayout` operand.

    Returns
    -------
    :class:`dict`
        Member name to value; all 0 where ``active`` is 0.
    """
    exponent, fraction = bits[23:31], bits[:23]
    number = (exponent != 0) & active
    special = (exponent == 0xFF) & active
    return {
        "significand": Mux(number, Cat(fraction, 1), 0),
        "exponent":    Mux(number, exponent + EXPONENT_OFFSET, 0),
        "sign":        bits[31] & active,
        "active":      active,
        "nan":         special & fraction.any(),
        "infinite":    special & ~fraction.any(),
    }
