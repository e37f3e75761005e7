"""Exact products, and FP32 as an exact operand."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .formats import (
    EXPONENT_OFFSET,
    FP32_NAN,
    ExactLayout,
    OperandLayout,
    SumLayout,
    classify_fp32,
)

__all__ = ["FloatMultiply", "ProductToFloat", "unpack_fp32"]


class FloatMultiply(wiring.Component):
    """Exact product of two BF16 or FP16 numbers, registered.

    Timing
    ------
    ``product`` follows ``a`` and ``b`` by :attr:`LATENCY` cycle where ``valid`` is set, and holds
    otherwise.

    Parameters
    ----------
    fraction_bits : :class:`int`
        Of the operands: 7 or 10.

    Members
    -------
    valid : :py:`In(1)`
        Take the operands in this cycle.
    active : :py:`In(1)`
        Clear: make the product an absent operand.
    a, b : :py:`In(OperandLayout(fraction_bits))`
        Factors.
    product : :py:`Out(ExactLayout())`
        Their product.
    """

    valid: Signal
    active: Signal
    a: data.View
    b: data.View
    product: data.View

    LATENCY = 1

    def __init__(self, *, fraction_bits: int = 7):
        self.fraction_bits = fraction_bits
        layout = OperandLayout(fraction_bits)
        super().__init__({"valid": In(1), "active": In(1), "a": In(layout), "b": In(layout),
                          "product": Out(ExactLayout())})

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b

        vanishes = (~a.special & a.empty) | (~b.special & b.empty)
        not_a_number = (a.special & ~a.empty | b.special & ~b.empty
                        | a.empty & b.empty & (a.special ^ b.special))

        # Registers of their own, not one wide one, and no reset: what is dead until an operand is
        # valid needs none.
        width = 2 * (self.fraction_bits + 1)
        significand = Signal(width, reset_less=True)
        exponent = Signal(9, reset_less=True)
        sign, active, nan, infinite = (Signal(reset_less=True, name=name)
                                       for name in ("sign", "active", "nan", "infinite"))
        m.d.comb += [
            self.product.significand.eq(Cat(Const(0, 24 - width), significand)),
            self.product.exponent.eq(exponent),
            self.product.sign.eq(sign),
            self.product.active.eq(active),
            self.product.nan.eq(nan),
            self.product.infinite.eq(infinite),
        ]
        with m.If(self.valid):
            m.d.sync += [
                active.eq(self.active),
                sign.eq((a.sign ^ b.sign) & self.active),
                nan.eq(not_a_number & self.active),
                infinite.eq((a.special | b.special) & self.active),
                significand.eq(0),
                exponent.eq(0),
            ]
            with m.If(self.active & ~vanishes):
                m.d.sync += [
                    significand.eq(Cat(a.fraction, 1) * Cat(b.fraction, 1)),
                    exponent.eq(a.exponent + b.exponent),
                ]

        return m


class ProductToFloat(wiring.Component):
    """A product as an FP32 number: its sum with +0.

    It has at most 24 significant bits, so nothing is rounded; the ends of the exponent range are
    those of :class:`~rtl.float.fused_add.FusedAdd`. A zero, and an absent operand, become +0.

    Timing
    ------
    ``o`` follows ``x`` by :attr:`LATENCY` cycle where ``valid`` is set, and holds otherwise.

    Members
    -------
    valid : :py:`In(1)`
        Take the product in this cycle.
    x : :py:`In(ExactLayout())`
        Product of two numbers, as :class:`FloatMultiply` has it.
    o : :py:`Out(SumLayout())`
        The number.
    """

    valid: Signal
    x: data.View
    o: data.View

    LATENCY = 1

    def __init__(self):
        super().__init__({"valid": In(1), "x": In(ExactLayout()), "o": Out(SumLayout())})

    def elaborate(self, platform):
        m = Module()
        x = self.x
        high = x.significand[23]
        fraction = Mux(high, x.significand[:23], Cat(Const(0, 1), x.significand[:22]))
        number = high | x.significand[22]
        field = Signal(signed(10))
        m.d.comb += field.eq(x.exponent - (EXPONENT_OFFSET + 1) + high)

        bits = Signal(32, reset_less=True)
        nan, infinite = Signal(reset_less=True), Signal(reset_less=True)
        overflows = number & (field >= 0xFF)
        m.d.comb += [self.o.bits.eq(bits), self.o.nan.eq(nan), self.o.infinite.eq(infinite)]
        with m.If(self.valid):
            m.d.sync += [
                nan.eq(x.nan),
                infinite.eq(~x.nan & (x.infinite | overflows)),
                bits.eq(Cat(fraction, field[:8], x.sign)),
            ]
            with m.If(x.nan):
                m.d.sync += bits.eq(FP32_NAN)
            with m.Elif(x.infinite | overflows):
                m.d.sync += bits.eq(Cat(Const(0, 23), Const(0xFF, 8), x.sign))
            with m.Elif(~number | (field <= 0)):
                m.d.sync += bits.eq(Cat(Const(0, 31), x.sign & number))
        return m


def unpack_fp32(bits, active):
    """Return the values of the members of an :class:`ExactLayout` that stand for FP32 ``bits``.

    The exponent is FP32's field, as an addition that is built for it wants it.

    Returns
    -------
    :class:`dict`
        Member name to value, in the order of the layout; all 0 where ``active`` is 0.
    """
    exponent, fraction = bits[23:31], bits[:23]
    number = (exponent != 0) & active
    nan, infinite = classify_fp32(bits)
    return {
        "significand": Mux(number, Cat(fraction, 1), 0),
        "exponent":    Mux(active, Cat(exponent, Const(0, 1)), Const(0, 9)),
        "sign":        bits[31] & active,
        "active":      active,
        "nan":         nan & active,
        "infinite":    infinite & active,
    }
