"""Early-out divider."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Divider"]


class Divider(wiring.Component):
    """64-bit and 32-bit division, rounding toward zero, two quotient bits a cycle.

    Leading zeros of the dividend are skipped, up to sixteen a cycle. Division by zero gives zero;
    the most negative number divided by -1 gives itself.

    Timing
    ------
    ``start`` with the operands in one cycle; ``done`` 1 to 34 cycles later, for one cycle, to
    which ``result`` belongs. ``start`` is ignored while busy.

    Members
    -------
    start : :py:`In(1)`
        Strobe.
    a, b : :py:`In(64)`
        Dividend and divisor.
    wide, signed : :py:`In(1)`
        64 bits instead of 32; signed instead of unsigned.
    done : :py:`Out(1)`
        ``result`` is valid.
    result : :py:`Out(64)`
        Quotient, zero in the upper half for a 32-bit operation.
    """

    def __init__(self):
        super().__init__({
            "start":  In(1),
            "a":      In(64),
            "b":      In(64),
            "wide":   In(1),
            "signed": In(1),
            "done":   Out(1),
            "result": Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        negative_a, negative_b, zero_b = Signal(), Signal(), Signal()
        word = ~self.wide
        m.d.comb += [
            negative_a.eq(self.signed & Mux(word, self.a[31], self.a[63])),
            negative_b.eq(self.signed & Mux(word, self.b[31], self.b[63])),
            zero_b.eq((self.b[:32] == 0) & (word | (self.b[32:] == 0))),
        ]
        remainder, addend, quotient = Signal(64), Signal(64), Signal(64)
        carry, negate, wide, leading = Signal(), Signal(), Signal(), Signal()
        magnitude, divisor = Signal(64), Signal(64)
        complements = Signal()
        m.d.comb += [
            # One adder makes the dividend positive at first, and gives the quotient its sign.
            complements.eq(Mux(self.done, negate, negative_a)),
            magnitude.eq((Mux(self.done, quotient, self.a) ^ complements.replicate(64))
                         + complements),
            # What is added to subtract the divisor's magnitude: a negative one as it stands.
            divisor.eq(Cat(self.b[:32], Mux(word, negative_b.replicate(32), self.b[32:]))
                       ^ (~negative_b).replicate(64)),
        ]

        steps = Signal(6)
        difference_1, difference_2 = Signal(66), Signal(66)
        between = Signal(64)
        ahead_1, ahead_2 = Cat(quotient[63], remainder), Cat(quotient[62], between)
        m.d.comb += [
            difference_1.eq(ahead_1 + Cat(addend, Const(3, 2)) + carry),
            between.eq(Mux(difference_1[65], ahead_1, difference_1)),
            difference_2.eq(ahead_2 + Cat(addend, Const(3, 2)) + carry),
        ]

        with m.FSM(name="divide"):
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        remainder.eq(0), addend.eq(divisor), carry.eq(~negative_b),
                        negate.eq(negative_a ^ negative_b), wide.eq(self.wide), leading.eq(1),
                        steps.eq(Mux(word, 16, 32)),
                        quotient.eq(Mux(word, Cat(Const(0, 32), magnitude[:32]), magnitude)),
                    ]
                    m.next = "DIVIDE"
                    with m.If(zero_b):
                        m.d.sync += quotient.eq(0)
                        m.next = "DONE"
            with m.State("DIVIDE"):
                # Leading zeros of the dividend are skipped: they change nothing.
                with m.If(leading & (quotient[48:] == 0) & (steps[3:] != 0)):
                    m.d.sync += [quotient.eq(quotient << 16), steps.eq(steps - 8)]
                    with m.If(steps == 8):
                        m.next = "DONE"
                with m.Elif(leading & (quotient[60:] == 0) & (steps[1:] != 1)):
                    m.d.sync += [quotient.eq(quotient << 4), steps.eq(steps - 2)]
                with m.Else():
                    m.d.sync += [
                        quotient.eq(Cat(~difference_2[65], ~difference_1[65], quotient)),
                        remainder.eq(Mux(difference_2[65], ahead_2, difference_2)),
                        steps.eq(steps - 1), leading.eq(0),
                    ]
                    with m.If(steps == 1):
                        m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"

        m.d.comb += self.result.eq(Cat(magnitude[:32], magnitude[32:] & wide.replicate(32)))
        return m
