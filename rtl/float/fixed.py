"""Exact sums of FP8 products in fixed point, and their rounding to FP32."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .formats import FP32_NAN, Fp8Geometry, Fp8Layout, SumLayout

__all__ = ["FixedLayout", "FixedToFloat", "Fp8MultiplyAdd"]

FRACTION_BITS = 23
FP32_BIAS = 127


class FixedLayout(data.StructLayout):
    """A sum of FP8 products.

    Members
    -------
    total : :py:`signed(sum_bits)`
        In units of ``2**(2 * base)``, see :class:`Fp8Geometry`.
    nan : :py:`1`
        A term was not a number.
    plus, minus : :py:`1`
        A term was infinite; both: the sum is not a number. Absent without infinities.
    """

    def __init__(self, geometry: Fp8Geometry):
        infinities = {"plus": 1, "minus": 1} if geometry.infinity else {}
        super().__init__({"total": signed(geometry.sum_bits), "nan": 1, **infinities})


class Fp8MultiplyAdd(wiring.Component):
    """Adds the exact product of two FP8 numbers to a sum in fixed point; nothing is ever rounded.

    Timing
    ------
    ``o`` follows ``a`` and ``b`` by :attr:`PRODUCT_LATENCY` + 1 cycles where ``valid`` is set, and
    holds otherwise; ``c`` is sampled :attr:`PRODUCT_LATENCY` cycles behind ``valid``.

    Parameters
    ----------
    geometry : :class:`Fp8Geometry`
        Formats of the operands, and terms of a sum.

    Members
    -------
    valid : :py:`In(1)`
        Take the operands in this cycle.
    active : :py:`In(1)`
        Clear: add nothing.
    a, b : :py:`In(Fp8Layout(geometry))`
        Factors.
    c, o : :py:`In(FixedLayout(geometry))`, :py:`Out(FixedLayout(geometry))`
        Sum before and after.
    """

    valid: Signal
    active: Signal
    a: data.View
    b: data.View
    c: data.View
    o: data.View

    PRODUCT_LATENCY = 2

    def __init__(self, geometry: Fp8Geometry):
        self.geometry = geometry
        super().__init__({
            "valid": In(1), "active": In(1), "a": In(Fp8Layout(geometry)),
            "b": In(Fp8Layout(geometry)), "c": In(FixedLayout(geometry)),
            "o": Out(FixedLayout(geometry))})

    def elaborate(self, platform):
        m = Module()
        a, b, geometry = self.a, self.b, self.geometry
        valid = Signal(self.PRODUCT_LATENCY)
        m.d.sync += valid.eq(Cat(self.valid, valid))

        # No registers in the multiplier: 4 x 4 bits are smaller in logic than the way to a DSP.
        product = Signal(2 * geometry.significand_bits, reset_less=True)
        distance = Signal(geometry.exponent_bits + 1, reset_less=True)
        p_sign, p_nan, p_plus, p_minus = (Signal(reset_less=True, name=f"p_{name}")
                                          for name in ("sign", "nan", "plus", "minus"))
        sign = a.sign ^ b.sign
        not_a_number = (a.nan | b.nan | a.infinite & (b.significand == 0)
                        | b.infinite & (a.significand == 0))
        infinite = a.infinite | b.infinite
        with m.If(self.valid):
            m.d.sync += [
                product.eq(Mux(self.active & ~infinite & ~a.nan & ~b.nan,
                               _multiply(a.significand, b.significand), 0)),
                distance.eq(a.exponent + b.exponent),
                p_sign.eq(sign),
                p_nan.eq(self.active & not_a_number),
                p_plus.eq(self.active & infinite & ~sign),
                p_minus.eq(self.active & infinite & sign),
            ]

        # The one's complement here and a carry below: the addition stays one carry chain.
        shifted = Signal(geometry.product_bits, reset_less=True)
        s_sign, s_nan, s_plus, s_minus = (Signal(reset_less=True, name=f"s_{name}")
                                          for name in ("sign", "nan", "plus", "minus"))
        with m.If(valid[0]):
            m.d.sync += [
                shifted.eq((product << distance)[:geometry.product_bits]
                           ^ p_sign.replicate(geometry.product_bits)),
                s_sign.eq(p_sign), s_nan.eq(p_nan), s_plus.eq(p_plus), s_minus.eq(p_minus),
            ]

        total = Signal(geometry.sum_bits, reset_less=True)
        nan, plus, minus = (Signal(reset_less=True, name=name)
                            for name in ("nan", "plus", "minus"))
        with m.If(valid[1]):
            m.d.sync += [
                total.eq((Cat(1, self.c.total).as_signed()
                          + Cat(s_sign, shifted).as_signed())[1:]),
                nan.eq(self.c.nan | s_nan),
            ]
            if geometry.infinity:
                m.d.sync += [plus.eq(self.c.plus | s_plus), minus.eq(self.c.minus | s_minus)]
        m.d.comb += [self.o.total.eq(total), self.o.nan.eq(nan)]
        if geometry.infinity:
            m.d.comb += [self.o.plus.eq(plus), self.o.minus.eq(minus)]
        return m


def _multiply(a, b):
    """Return the product as a sum of shifted operands, which synthesis keeps in logic."""
    low, high = (Mux(b[2 * i], a, 0) + Mux(b[2 * i + 1], a << 1, 0) if 2 * i + 1 < len(b)
                 else Mux(b[2 * i], a, 0) for i in range(2))
    return low + (high << 2)


class FixedToFloat(wiring.Component):
    """FP32 number nearest to a sum in fixed point, ties to even.

    The sum is always in the range of FP32. Zero is +0. A sum of opposite infinities is NaN.

    Timing
    ------
    ``o`` follows ``i`` by :attr:`LATENCY` cycles; one a cycle. What leaves without an operand
    having entered is undefined.

    Parameters
    ----------
    geometry : :class:`Fp8Geometry`
        Unit and width.

    Members
    -------
    i : :py:`In(FixedLayout(geometry))`
        Sum.
    o : :py:`Out(SumLayout())`
        FP32.
    """

    i: data.View
    o: data.View

    LATENCY = 4

    def __init__(self, geometry: Fp8Geometry):
        self.geometry = geometry
        super().__init__({"i": In(FixedLayout(geometry)), "o": Out(SumLayout())})

    def elaborate(self, platform):
        m = Module()
        width = self.geometry.sum_bits
        if self.geometry.infinity:
            nan, plus, minus = self.i.nan | self.i.plus & self.i.minus, self.i.plus, self.i.minus
        else:
            nan, plus, minus = self.i.nan, Const(0, 1), Const(0, 1)
        magnitude, flags = Signal(width, reset_less=True), Signal(4, reset_less=True)
        negative = self.i.total < 0
        m.d.sync += [
            magnitude.eq(Mux(negative, -self.i.total, self.i.total)),
            flags.eq(Cat(nan, plus | minus, minus, negative)),
        ]

        steps = [1 << i for i in reversed(range(ceil_log2(width)))]
        half = len(steps) // 2
        value, zeros, flags = self._shift(m, "coarse", magnitude, steps[:half], [], flags)
        value, zeros, flags = self._shift(m, "fine", value, steps[half:], zeros, flags)
        self._round(m, value, Cat(*reversed(zeros)), flags)
        return m

    @staticmethod
    def _shift(m, name, value, steps, zeros, flags):
        """Shift leading zeros out, in a cycle; returns value, steps taken and flags behind it."""
        width = len(value)
        taken = []
        for step in steps:
            empty = value[width - step:] == 0
            value = Mux(empty, Cat(Const(0, step), value[:width - step]), value)
            taken.append(empty)
        held = Signal(width, reset_less=True, name=f"{name}_value")
        held_zeros = [Signal(reset_less=True, name=f"{name}_zeros_{i}")
                      for i in range(len(zeros) + len(taken))]
        held_flags = Signal.like(flags, reset_less=True, name=f"{name}_flags")
        m.d.sync += [held.eq(value), held_flags.eq(flags)]
        m.d.sync += [to.eq(bit) for to, bit in zip(held_zeros, (*zeros, *taken), strict=True)]
        return held, held_zeros, held_flags

    def _round(self, m, value, zeros, flags):
        """Round a value whose leading one is at the top, and put the pattern together."""
        width = len(value)
        rest = width - 1 - FRACTION_BITS
        nan, infinite, infinite_sign, negative = flags
        up = value[rest - 1] & (value[:rest - 1].any() | value[rest])
        # A fraction of all ones that is rounded up carries into the exponent.
        top = FP32_BIAS + 2 * self.geometry.base + width - 1
        number = Cat(value[rest:width - 1], (top - zeros)[:8]) + up
        bits = Signal(32, reset_less=True)
        is_nan, is_infinite = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [
            bits.eq(Mux(value[-1], Cat(number[:31], negative), 0)),
            is_nan.eq(nan),
            is_infinite.eq(infinite & ~nan),
        ]
        with m.If(nan):
            m.d.sync += bits.eq(FP32_NAN)
        with m.Elif(infinite):
            m.d.sync += bits.eq(Cat(Const(0, 23), Const(0xFF, 8), infinite_sign))
        m.d.comb += [self.o.bits.eq(bits), self.o.nan.eq(is_nan), self.o.infinite.eq(is_infinite)]
