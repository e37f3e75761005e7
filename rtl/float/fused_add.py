"""Addition of an exact operand to an FP32 number, rounded once."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .formats import EXPONENT_OFFSET, FP32_NAN, ExactLayout, SumLayout

__all__ = ["FusedAdd"]


class FusedAdd(wiring.Component):
    """FP32 sum of an FP32 number and an exact operand: one rounding, to nearest even.

    Subnormal inputs count as zeros of their sign. The sum is rounded to 24 bits as if exponents
    had no end; what is then below 2**-126 becomes zero of its sign. Exact cancellation gives +0.
    NaN is always 0x7fc00000. :func:`sim.models.numerics.fma` is this function.

    Five stages, named by letters: ``d`` exponent difference and swap, ``a`` align, ``s`` sum, ``n``
    normalise, ``r`` round. The data of a stage moves only where a valid operand is in it.

    Timing
    ------
    ``o`` follows ``x`` and ``c`` by :attr:`LATENCY` cycles; one addition a cycle.

    Parameters
    ----------
    enable : :class:`bool`
        Have a member ``enable``; only cycles with it set count.
    fp32 : :class:`bool`
        The exact operand is an FP32 number, of :func:`~rtl.float.multiply.unpack_fp32`: its
        exponent is the field of the format, which takes fewer cells.

    Members
    -------
    valid : :py:`In(1)`
        Operands are there.
    x : :py:`In(ExactLayout())`
        Exact operand; if it is not active, ``c`` passes.
    c : :py:`In(SumLayout())`
        FP32 number.
    o : :py:`Out(SumLayout())`
        The sum.
    o_valid : :py:`Out(1)`
        ``valid``, :attr:`LATENCY` cycles later.
    enable : :py:`In(1)`
        Move on; everything holds otherwise.
    """

    valid: Signal
    x: data.View
    c: data.View
    o: data.View
    o_valid: Signal

    LATENCY = 5

    def __init__(self, *, enable: bool = False, fp32: bool = False):
        self.offset = 0 if fp32 else EXPONENT_OFFSET
        members = {"valid": In(1), "x": In(ExactLayout()), "c": In(SumLayout()),
                   "o": Out(SumLayout()), "o_valid": Out(1)}
        super().__init__(members | ({"enable": In(1)} if enable else {}))

    def elaborate(self, platform):
        m = Module()

        stages = Signal(self.LATENCY)
        m.d.comb += self.o_valid.eq(stages[-1])
        moves, valid = self.valid, stages
        if "enable" in self.signature.members:
            moves = self.valid & self.enable
            valid = Cat(stage & self.enable for stage in stages)
            with m.If(self.enable):
                m.d.sync += stages.eq(Cat(self.valid, stages))
        else:
            m.d.sync += stages.eq(Cat(self.valid, stages))
        self._moves = moves
        special = self._special(m, valid)
        big, small, distance, exponent, sign, subtract = self._difference(m)
        aligned, held = self._align(m, valid[0], big, small, distance)
        magnitude, negative = self._sum(m, valid[1], held, aligned, self._stage(
            m, valid[0], subtract))
        exponent = self._stage(m, valid[1], self._stage(m, valid[0], exponent))
        sign = self._stage(m, valid[1], self._stage(m, valid[0], sign))
        shifted, biased = self._normalise(m, valid[2], magnitude, exponent)
        sign = self._stage(m, valid[2], sign ^ negative)
        self._round(m, valid[3], shifted, biased, sign, special)

        return m

    @staticmethod
    def _stage(m, enable, value):
        """Register ``value`` where ``enable`` is set."""
        held = Signal.like(value, reset_less=True, name="held")
        with m.If(enable):
            m.d.sync += held.eq(value)
        return held

    def _special(self, m, valid):
        """Carry past the datapath what does not come out of it: NaN, infinity, sign of a zero."""
        x, c = self.x, self.c
        sign = c.bits[31]
        d_special = Signal(4, reset_less=True)
        with m.If(self._moves):
            m.d.sync += d_special.eq(Cat(
                x.nan | c.nan | x.infinite & c.infinite & (x.sign ^ sign),
                x.infinite | c.infinite,
                Mux(x.infinite, x.sign, sign),
                sign & (x.sign | ~x.active)))
        special = d_special
        for enable in valid[:3]:
            special = self._stage(m, enable, special)
        return special

    def _difference(self, m):
        """Stage d: order the operands by exponent."""
        x, c = self.x, self.c.bits
        c_number = c[23:31] != 0
        c_significand = Mux(c_number, Cat(c[:23], 1), 0)
        c_exponent = Signal(9)
        difference = Signal(signed(10))
        m.d.comb += [
            c_exponent.eq(c[23:31] + self.offset),
            difference.eq(x.exponent - c_exponent),
        ]
        x_smaller = difference[9]
        distance = Signal(9)
        m.d.comb += distance.eq(Mux(x_smaller, -difference, difference))

        d_big, d_small = Signal(24, reset_less=True), Signal(24, reset_less=True)
        d_distance = Signal(5, reset_less=True)
        d_exponent = Signal(9, reset_less=True)
        d_sign, d_subtract = Signal(reset_less=True), Signal(reset_less=True)
        with m.If(self._moves):
            m.d.sync += [
                d_big.eq(Mux(x_smaller, c_significand, x.significand)),
                d_small.eq(Mux(x_smaller, x.significand, c_significand)),
                d_distance.eq(Mux(distance[5:].any(), 31, distance[:5])),
                d_exponent.eq(Mux(x_smaller, c_exponent, x.exponent)),
                d_sign.eq(Mux(x_smaller, c[31], x.sign)),
                d_subtract.eq((x.sign ^ c[31]) & x.active),
            ]
        return d_big, d_small, d_distance, d_exponent, d_sign, d_subtract

    def _align(self, m, enable, big, small, distance):
        """Stage a: shift the smaller operand right, keep what falls out as a sticky bit.

        Three bits behind the significand and the sticky bit are enough: more than two places of
        cancellation need a distance of at most two, which loses nothing.
        """
        value, lost = Cat(Const(0, 4), small), 0
        # Step by step, with what falls out of each: a mask of the lost bits takes more cells.
        for bit in reversed(range(5)):
            step, chosen = 1 << bit, distance[bit]
            shifted = Signal(28, name=f"right_{step}")
            m.d.comb += shifted.eq(Mux(chosen, value[step:], value))
            lost |= chosen & value[:step].any()
            value = shifted
        a_small = Signal(28, reset_less=True)
        with m.If(enable):
            m.d.sync += a_small.eq(Cat(value[0] | lost, value[1:]))
        return a_small, self._stage(m, enable, big)

    def _sum(self, m, enable, big, small, subtract):
        """Stage s: magnitude of the sum, and whether the smaller exponent won."""
        total = Signal(signed(30))
        wide = Cat(Const(0, 4), big)
        m.d.comb += total.eq(Mux(subtract, wide - small, wide + small))
        s_magnitude = Signal(29, reset_less=True)
        s_negative = Signal(reset_less=True)
        with m.If(enable):
            m.d.sync += [
                s_magnitude.eq(Mux(total[29], -total, total)),
                s_negative.eq(total[29]),
            ]
        return s_magnitude, s_negative

    def _normalise(self, m, enable, magnitude, exponent):
        """Stage n: shift the leading one to the top; the exponent becomes that of FP32."""
        value = magnitude
        zeros = []
        for step in (16, 8, 4, 2, 1):
            empty = Signal(name=f"empty_{step}")
            m.d.comb += empty.eq(value[29 - step:] == 0)
            shifted = Signal(29, name=f"shifted_{step}")
            m.d.comb += shifted.eq(Mux(empty, Cat(Const(0, step), value[:29 - step]), value))
            value = shifted
            zeros.append(empty)
        n_value = Signal(29, reset_less=True)
        n_exponent = Signal(signed(10), reset_less=True)
        with m.If(enable):
            m.d.sync += [
                n_value.eq(value),
                n_exponent.eq(exponent - (self.offset - 1) - Cat(*reversed(zeros))),
            ]
        return n_value, n_exponent

    def _round(self, m, enable, value, exponent, sign, special):
        """Stage r: round to nearest even, then deal with the ends of the exponent range."""
        up = value[4] & (value[:4].any() | value[5])
        fraction = Signal(24)
        biased = Signal(signed(11))
        m.d.comb += [
            fraction.eq(value[5:28] + up),
            biased.eq(exponent + fraction[23]),
        ]
        nan, infinite, infinite_sign, zero_sign = special
        total = Signal(32, reset_less=True)
        is_nan, is_infinite = Signal(reset_less=True), Signal(reset_less=True)
        m.d.comb += [self.o.bits.eq(total), self.o.nan.eq(is_nan),
                     self.o.infinite.eq(is_infinite)]
        overflows = value[28] & (biased >= 0xFF)
        with m.If(enable):
            m.d.sync += [
                total.eq(Cat(fraction[:23], biased[:8], sign)),
                is_nan.eq(nan),
                is_infinite.eq(~nan & (infinite | overflows)),
            ]
            with m.If(nan):
                m.d.sync += total.eq(FP32_NAN)
            with m.Elif(infinite):
                m.d.sync += total.eq(Cat(Const(0, 23), Const(0xFF, 8), infinite_sign))
            with m.Elif(~value[28]):
                m.d.sync += total.eq(Cat(Const(0, 31), zero_sign))
            with m.Elif(overflows):
                m.d.sync += total.eq(Cat(Const(0, 23), Const(0xFF, 8), sign))
            with m.Elif(biased <= 0):
                m.d.sync += total.eq(Cat(Const(0, 31), sign))
