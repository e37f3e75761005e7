"""Pipelined 64 x 64 multiply-add."""

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """``addend +- a * b``, and the upper half of ``a * b``; one operation a cycle.

    Four 32 x 32 products are registered first. Their sum in the lower half is complete in the next
    cycle; the carry into the upper half takes another one. The product is subtracted through
    ``x - p = ~(~x + p)``.

    Timing
    ------
    The operands belong to the cycle before ``enable_1`` moves them into stage 1, and ``enable_2``
    stage 1 into stage 2. ``low`` is combinational from stage 1, one cycle after the operands,
    ``high`` from stage 2, two cycles after them.

    Members
    -------
    enable_1, enable_2 : :py:`In(1)`
        The operands go into stage 1, stage 1 into stage 2.
    a, b, addend : :py:`In(64)`
        Operands.
    wide, long, signed, subtract : :py:`In(1)`
        64-bit result; 32-bit operands of a 64-bit product; their signedness; subtract the product.
    low, high : :py:`Out(64)`
        The result, and the upper half of the product, which needs an addend of zero.
    """

    LATENCY_LOW = 1
    LATENCY_HIGH = 2

    def __init__(self):
        super().__init__({
            "enable_1":  In(1),
            "enable_2":  In(1),
            "a":         In(64),
            "b":         In(64),
            "addend":    In(64),
            "wide":      In(1),
            "long":      In(1),
            "signed":    In(1),
            "subtract":  In(1),
            "low":       Out(64),
            "high":      Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        def halves(value, name):
            low = Signal(32, name=f"{name}_low")
            high = Signal(signed(33), name=f"{name}_high")
            m.d.comb += low.eq(value[:32])
            with m.If(self.long):
                m.d.comb += high.eq((value[31] & self.signed).replicate(33).as_signed())
            with m.Else():
                m.d.comb += high.eq(Cat(value[32:], value[63] & self.signed).as_signed())
            return low, high

        a_low, a_high = halves(self.a, "a")
        b_low, b_high = halves(self.b, "b")

        low_low = Signal(64)
        low_high, high_low = Signal(signed(66)), Signal(signed(66))
        high_high = Signal(signed(66))
        addend = Signal(64)
        wide, subtract = Signal(), Signal()
        with m.If(self.enable_1):
            m.d.sync += [
                low_low.eq(a_low * b_low),
                low_high.eq(a_low * b_high),
                high_low.eq(a_high * b_low),
                high_high.eq(a_high * b_high),
                addend.eq(self.addend ^ self.subtract.replicate(64)),
                wide.eq(self.wide), subtract.eq(self.subtract),
            ]

        lowest, middle, upper = Signal(64), Signal(signed(67)), Signal(32)
        m.d.comb += [
            lowest.eq(low_low + addend), middle.eq(low_high + high_low),
            upper.eq(lowest[32:] + middle[:32]),
            self.low.eq(Cat(lowest[:32] ^ subtract.replicate(32),
                            (upper ^ subtract.replicate(32)) & wide.replicate(32))),
        ]

        outer, between = Signal(96), Signal(signed(67))
        with m.If(self.enable_2):
            m.d.sync += [outer.eq(Cat(lowest[32:], high_high[:64])), between.eq(middle)]
        m.d.comb += self.high.eq((outer + between)[32:])
        return m
