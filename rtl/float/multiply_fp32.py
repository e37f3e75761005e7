"""Product of two FP32 numbers, rounded once."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .formats import FP32_NAN, classify_fp32

__all__ = ["Fp32Multiply"]

BIAS = 127


class Fp32Multiply(wiring.Component):
    """FP32 product: one rounding, to nearest even.

    Subnormal inputs count as zeros of their sign, a result below 2**-126 is zero of its sign.
    NaN is always 0x7fc00000. :func:`sim.models.numerics.multiply` is this function.

    Timing
    ------
    ``o`` follows ``a`` and ``b`` by :attr:`LATENCY` enabled cycles.

    Members
    -------
    enable : :py:`In(LATENCY)`
        Bit i: stage i takes what is before it in this cycle.
    a, b : :py:`In(32)`
        Factors.
    o : :py:`Out(32)`
        Product.
    """

    enable: Signal
    a: Signal
    b: Signal
    o: Signal

    LATENCY = 2

    def __init__(self):
        super().__init__({"enable": In(self.LATENCY), "a": In(32), "b": In(32), "o": Out(32)})

    def elaborate(self, platform):
        m = Module()
        numbers = [value[23:31] != 0 for value in (self.a, self.b)]
        classes = [classify_fp32(value) for value in (self.a, self.b)]
        (a_nan, a_infinite), (b_nan, b_infinite) = classes

        product = Signal(48, reset_less=True)
        exponent = Signal(signed(10), reset_less=True)
        sign, nan, infinite, zero = (Signal(reset_less=True, name=name)
                                     for name in ("sign", "nan", "infinite", "zero"))
        with m.If(self.enable[0]):
            m.d.sync += [
                product.eq(Cat(self.a[:23], 1) * Cat(self.b[:23], 1)),
                exponent.eq(self.a[23:31] + self.b[23:31] - BIAS),
                sign.eq(self.a[31] ^ self.b[31]),
                nan.eq(a_nan | b_nan | a_infinite & ~numbers[1] | b_infinite & ~numbers[0]),
                infinite.eq(a_infinite | b_infinite),
                zero.eq(~numbers[0] | ~numbers[1]),
            ]

        value = Signal(48)
        rounded = Signal(24)
        field = Signal(signed(11))
        m.d.comb += [
            value.eq(Mux(product[47], product, product << 1)),
            rounded.eq(value[24:47] + (value[23] & (value[:23].any() | value[24]))),
            field.eq(exponent + product[47] + rounded[23]),
        ]
        result = Signal(32, reset_less=True)
        m.d.comb += self.o.eq(result)
        with m.If(self.enable[1]):
            m.d.sync += result.eq(Cat(rounded[:23], field[:8], sign))
            with m.If(nan):
                m.d.sync += result.eq(FP32_NAN)
            with m.Elif(infinite | ~zero & (field >= 0xFF)):
                m.d.sync += result.eq(Cat(Const(0, 23), Const(0xFF, 8), sign))
            with m.Elif(zero | (field <= 0)):
                m.d.sync += result.eq(Cat(Const(0, 31), sign))
        return m
