"""Rounding of FP32 to smaller formats."""

import dataclasses

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .formats import SumLayout

__all__ = ["FORMATS", "Narrow", "SmallFormat"]

KEPT_LSB = 13
"""Bit of a shifted significand that becomes the last bit of the result."""
FARTHEST = 15
"""Shifts beyond this leave nothing but a sticky bit."""


@dataclasses.dataclass(frozen=True)
class SmallFormat:
    """Widths of the fields, bias, and whether the highest exponent is infinity."""

    exponent_bits: int
    fraction_bits: int
    bias: int
    infinity: bool = True

    @property
    def bits(self) -> int:
        """Bits of a pattern."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def overflow(self) -> int:
        """Pattern behind the largest number."""
        ones = (1 << self.bits - 1) - 1
        return ones - (1 << self.fraction_bits) + 1 if self.infinity else ones

    @property
    def nan(self) -> int:
        """Canonical NaN."""
        return self.overflow | (1 << self.fraction_bits - 1 if self.infinity else 0)


FORMATS = {
    "bf16":       SmallFormat(8, 7, 127),
    "fp16":       SmallFormat(5, 10, 15),
    "fp8_e4m3":   SmallFormat(4, 3, 7),
    "fp8_e4m3fn": SmallFormat(4, 3, 7, infinity=False),
    "fp8_e5m2":   SmallFormat(5, 2, 15),
}


class Narrow(wiring.Component):
    """Pattern of a smaller format nearest to an FP32 number, ties to even.

    Small numbers become subnormals; what is beyond the largest number becomes infinity, or NaN in
    a format without one. NaN is canonical. :func:`sim.models.formats.from_fp32` is this function
    for numbers that are not subnormal.

    Timing
    ------
    ``o`` follows ``i`` by :attr:`LATENCY` steps; a step is a cycle with ``step`` set.

    Parameters
    ----------
    types : tuple of :class:`str`
        Keys of :data:`FORMATS`.

    Members
    -------
    step : :py:`In(1)`
        Move on; everything holds otherwise.
    format : :py:`In(range(max(2, len(types))))`
        Place in ``types`` of the format to round to; stable while numbers are under way.
    i : :py:`In(SumLayout())`
        FP32 number, not subnormal.
    o : :py:`Out(16)`
        Pattern, in the low bits.
    """

    step: Signal
    format: Signal
    i: data.View
    o: Signal

    LATENCY = 2

    def __init__(self, types: tuple[str, ...]):
        self.types = types
        self.forms = [FORMATS[name] for name in types]
        super().__init__({"step": In(1), "format": In(range(max(2, len(types)))),
                          "i": In(SumLayout()), "o": Out(16)})

    def _choose(self, values):
        """Return the value for the format at hand."""
        result = Value.cast(values[0])
        for index, value in enumerate(values[1:], start=1):
            result = Mux(self.format == index, value, result)
        return result

    def elaborate(self, platform):
        m = Module()
        bits = self.i.bits
        exponent = bits[23:31]
        significand = Cat(bits[:23], exponent != 0)
        lowest = self._choose([Const(128 - form.bias, 8) for form in self.forms])
        small = exponent < lowest
        missing = Signal(8)
        distance = Signal(4)
        m.d.comb += [
            missing.eq(lowest - exponent),
            distance.eq(Mux(small, Mux(missing > FARTHEST, FARTHEST, missing[:4]), 0)),
        ]
        # First to where all formats have their last bit, then what a subnormal is short of.
        aligned = Signal(24)
        lost = []
        for form in self.forms:
            lost.append(significand[:23 - form.fraction_bits - KEPT_LSB].any())
        m.d.comb += aligned.eq(self._choose([significand >> 23 - form.fraction_bits - KEPT_LSB
                                             for form in self.forms]))
        below = (Const((1 << FARTHEST) - 1, FARTHEST) << distance >> FARTHEST)[:FARTHEST]
        shifted = Signal(24)
        m.d.comb += shifted.eq(aligned >> distance)

        kept = Signal(11, reset_less=True)
        half, sticky, sign, nan, infinite = (
            Signal(reset_less=True, name=name)
            for name in ("half", "sticky", "sign", "nan", "infinite"))
        field = Signal(8, reset_less=True)
        with m.If(self.step):
            m.d.sync += [
                kept.eq(shifted[KEPT_LSB:]),
                half.eq(shifted[KEPT_LSB - 1]),
                sticky.eq(shifted[:KEPT_LSB - 1].any() | (aligned & below).any()
                          | self._choose(lost)),
                field.eq(Mux(small, 0, exponent - lowest)),
                sign.eq(bits[31]), nan.eq(self.i.nan), infinite.eq(self.i.infinite),
            ]
        self._round(m, kept + (half & (sticky | kept[0])), field, sign, nan, infinite)
        return m

    def _round(self, m, kept, field, sign, nan, infinite):
        """Put the pattern together; a significand that was rounded up carries into the exponent.

        ``field`` is the exponent field, less one where the significand has its leading one.
        """
        pattern = Signal(19)
        m.d.comb += pattern.eq(kept + self._choose([field << form.fraction_bits
                                                    for form in self.forms]))
        beyond = infinite | (pattern >= self._choose([Const(form.overflow, 16)
                                                      for form in self.forms]))
        no_infinity = self._choose([Const(not form.infinity, 1) for form in self.forms])
        o = Signal(16, reset_less=True)
        m.d.comb += self.o.eq(o)
        with m.If(self.step):
            m.d.sync += o.eq(self._choose([
                Mux(beyond, form.overflow, pattern[:form.bits - 1])[:form.bits - 1]
                | (sign << form.bits - 1) for form in self.forms]))
            with m.If(nan | beyond & no_infinity):
                m.d.sync += o.eq(self._choose([Const(form.nan, 16) for form in self.forms]))
