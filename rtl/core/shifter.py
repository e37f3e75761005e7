"""The one rotator of the core, and the mask that turns rotation into shifts and bit fields."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.uop import Fill, ShiftOp

__all__ = ["Shifter"]


class Shifter(wiring.Component):
    """Shifts and bit-field moves, combinational: rotate right, then merge under a mask.

    Members
    -------
    operation : :py:`In(ShiftOp)`, fill : :py:`In(Fill)`, wide : :py:`In(1)`
        What to do; ``fill`` belongs to :attr:`ShiftOp.FIELD`.
    rotate, low, high : :py:`In(6)`
        Of :attr:`ShiftOp.FIELD`: rotation, and the bits of the rotated source that are kept.
    source, other : :py:`In(64)`
        ``b`` and ``c``: what is shifted; the amount, or the bits around the field.
    enable : :py:`In(1)`
        Else the result is zero.
    result : :py:`Out(64)`
        Zero in the upper half for a 32-bit operation.
    """

    enable: Signal
    wide: Signal
    rotate: Signal
    low: Signal
    high: Signal
    source: Signal
    other: Signal
    result: Signal

    def __init__(self):
        super().__init__({
            "enable":    In(1),
            "operation": In(ShiftOp),
            "fill":      In(Fill),
            "wide":      In(1),
            "rotate":    In(6),
            "low":       In(6),
            "high":      In(6),
            "source":    In(64),
            "other":     In(64),
            "result":    Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        top = Signal(6)
        amount = Signal(6)
        m.d.comb += [top.eq(Mux(self.wide, 63, 31)), amount.eq(self.other[:6] & top)]
        rotate, low, high = Signal(6), Signal(6), Signal(6)
        signed = Signal()
        with m.Switch(self.operation):
            with m.Case(ShiftOp.LSL):
                m.d.comb += [rotate.eq(-amount), low.eq(amount), high.eq(top)]
            with m.Case(ShiftOp.LSR, ShiftOp.ASR):
                # ~x & top is top - x without a carry chain.
                m.d.comb += [rotate.eq(amount), high.eq(~amount & top),
                             signed.eq(self.operation == ShiftOp.ASR)]
            with m.Case(ShiftOp.ROR):
                m.d.comb += [rotate.eq(amount), high.eq(top)]
            with m.Default():
                m.d.comb += [rotate.eq(self.rotate), low.eq(self.low), high.eq(self.high),
                             signed.eq(self.fill == Fill.SIGN)]

        # A 32-bit source stands in both halves, so that one 64-bit rotation serves both widths.
        rotated = Signal(64)
        m.d.comb += rotated.eq(Mux(self.wide, self.source, self.source[:32].replicate(2)))
        for stage in range(6):
            step = Signal(64, name=f"rotated_{1 << stage}")
            m.d.comb += step.eq(Mux(rotate[stage], rotated.rotate_right(1 << stage), rotated))
            rotated = step

        sign_index = Signal(6)
        m.d.comb += sign_index.eq((high + rotate) & top)
        sign, keep = Signal(), Signal()
        m.d.comb += [
            sign.eq(self.source.bit_select(sign_index, 1) & signed),
            keep.eq((self.operation == ShiftOp.FIELD) & (self.fill == Fill.KEEP)),
        ]

        # Shifted constants map to two levels of logic, comparisons of each bit to carry chains.
        reaches, above, upper = Signal(64), Signal(64), Signal(64)
        around, inside = Signal(64), Signal(64)
        m.d.comb += [
            reaches.eq(~(Const(-2, 64) << high)[:64]),
            above.eq((Const(-1, 64) << low)[:64]),
            upper.eq(Cat(Const(-1, 32), self.wide.replicate(32)) & self.enable.replicate(64)),
            inside.eq(reaches & above),
            around.eq(((self.other & keep.replicate(64)) | (~reaches & sign.replicate(64)))
                      & upper & ~inside),
            self.result.eq((rotated & inside & self.enable.replicate(64)) | around),
        ]
        return m
