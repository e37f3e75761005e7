"""Pipelined 64 x 64 multiply-add."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """``addend +- a * b``, or the upper half of ``a * b``; one operation a cycle.

    Four 32 x 32 products are registered first, then their sums, so that neither the products nor
    the 128-bit addition share a cycle with anything else. The product is subtracted through
    ``x - p = ~(~x + p)``.

    Timing
    ------
    The operands belong to the cycle before ``enable`` moves them into stage 1, and stage 1 into
    stage 2; ``result`` is combinational from stage 2: two cycles after the operands.

    Members
    -------
    enable_1, enable_2 : :py:`In(1)`
        The operands go into stage 1, stage 1 into stage 2.
    a, b, addend : :py:`In(64)`
        Operands.
    wide, long, signed, high_half, subtract : :py:`In(1)`
        64-bit result; 32-bit operands of a 64-bit product; their signedness; upper half wanted;
        subtract the product.
    result : :py:`Out(64)`
        The result.
    """

    LATENCY = 2

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
            "high_half": In(1),
            "subtract":  In(1),
            "result":    Out(64),
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
        wide_1, upper_1, subtract_1 = Signal(), Signal(), Signal()
        with m.If(self.enable_1):
            m.d.sync += [
                low_low.eq(a_low * b_low),
                low_high.eq(a_low * b_high),
                high_low.eq(a_high * b_low),
                high_high.eq(a_high * b_high),
                addend.eq(self.addend ^ self.subtract.replicate(64)),
                wide_1.eq(self.wide), upper_1.eq(self.high_half), subtract_1.eq(self.subtract),
            ]

        outer = Signal(128)
        middle = Signal(signed(67))
        wide_2, upper_2, subtract_2 = Signal(), Signal(), Signal()
        with m.If(self.enable_2):
            m.d.sync += [
                outer.eq(Cat((low_low + addend)[:64], high_high[:64])),
                middle.eq(low_high + high_low),
                wide_2.eq(wide_1), upper_2.eq(upper_1), subtract_2.eq(subtract_1),
            ]

        product = Signal(128)
        m.d.comb += product.eq(outer + Cat(Const(0, 32), middle).as_signed())
        half = Mux(upper_2, product[64:], product[:64] ^ subtract_2.replicate(64))
        m.d.comb += self.result.eq(Cat(half[:32], half[32:] & wide_2.replicate(32)))
        return m
