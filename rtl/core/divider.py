"""Normalising divider."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Divider"]


class Divider(wiring.Component):
    """64-bit and 32-bit division, rounding toward zero, in cycles proportional to the quotient.

    The divisor is shifted up, eight or two places a cycle, until twice as much is more than the
    dividend. Then it comes down again, two places and two quotient bits a cycle. Division by zero
    gives zero; the most negative number divided by -1 gives itself.

    Timing
    ------
    ``start`` with the operands in one cycle; ``done`` at least two cycles later, for one cycle, to
    which ``result`` belongs. A quotient of 0 or 1 takes 2 cycles, and one of n bits about 2 + 5/8 n
    (``sim.models.divider`` says it to the cycle), 43 at most. From ``start`` to ``done`` there must
    be no other ``start``, unless ``drop`` has come.

    Members
    -------
    start : :py:`In(1)`
        Strobe.
    drop : :py:`In(1)`
        What is under way, or starts in this cycle, has no end.
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
            "drop":   In(1),
            "a":      In(64),
            "b":      In(64),
            "wide":   In(1),
            "signed": In(1),
            "done":   Out(1),
            "result": Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        negative_a, negative_b, word = Signal(), Signal(), Signal()
        m.d.comb += [
            word.eq(~self.wide),
            negative_a.eq(self.signed & Mux(word, self.a[31], self.a[63])),
            negative_b.eq(self.signed & Mux(word, self.b[31], self.b[63])),
        ]
        remainder, addend, quotient = Signal(64), Signal(64), Signal(64)
        carry, negate, wide = Signal(), Signal(), Signal()
        magnitude, complements = Signal(64), Signal()
        m.d.comb += [
            # One adder makes the dividend positive at first, and gives the quotient its sign.
            complements.eq(Mux(self.done, negate, negative_a)),
            magnitude.eq((Mux(self.done, quotient, self.a) ^ complements.replicate(64))
                         + complements),
            self.result.eq(Cat(magnitude[:32], magnitude[32:] & wide.replicate(32))),
        ]

        # What is added, with `carry`, to subtract the divisor's magnitude: a negative divisor as
        # it stands. There are ones above it.
        difference_1, difference_2 = Signal(66), Signal(65)
        between = Signal(64)
        m.d.comb += [
            difference_1.eq(remainder + Cat(carry, addend, 1) + carry),
            between.eq(Mux(difference_1[65], remainder, difference_1)),
            difference_2.eq(between + Cat(addend, 1) + carry),
        ]
        busy, rising, rises, ends, steps = Signal(), Signal(), Signal(), Signal(), Signal(6)
        far, zero = self._compare(m, remainder, addend)
        m.d.comb += [
            # A divisor that reaches into the upper two bits is high enough.
            rises.eq(rising & ~difference_1[65] & addend[62:].all()),
            ends.eq(busy & Mux(rises, zero & carry, steps == 0)),
        ]
        m.d.sync += [self.done.eq(ends & ~self.drop),
                     busy.eq((self.start | (busy & ~ends)) & ~self.drop)]
        with m.If(self.start):
            m.d.sync += [
                remainder.eq(magnitude), addend.eq(self.b ^ (~negative_b).replicate(64)),
                carry.eq(~negative_b), negate.eq(negative_a ^ negative_b), wide.eq(self.wide),
                quotient.eq(0), steps.eq(0), rising.eq(1),
            ]
            with m.If(word):
                m.d.sync += [remainder[32:].eq(0), addend[32:].eq(-1)]
        with m.Elif(rises):
            m.d.sync += [
                addend.eq(Mux(far, Cat(carry.replicate(8), addend),
                              Cat(carry.replicate(2), addend))),
                steps.eq(steps + Mux(far, 4, 1)),
            ]
        with m.Else():
            m.d.sync += [
                quotient.eq(Cat(~difference_2[64], ~difference_1[65], quotient)),
                remainder.eq(Mux(difference_2[64], between, difference_2)),
                addend.eq(Cat(addend[2:], Const(3, 2))),
                steps.eq(steps - 1), rising.eq(0),
            ]
        return m

    def _compare(self, m, remainder, addend):
        """Return whether the dividend has more bytes than the divisor, and whether that is zero.

        A negative divisor that stands for a power of 256 passes for one byte less, which does no
        harm: what rises too far only takes longer to come down.
        """
        far, zero = Signal(), Signal()
        longer, empty = Const(0), []
        for index in range(8):
            empty.append(addend.word_select(index, 8).all())
            if index:
                longer = empty[-1] & (remainder.word_select(index, 8).any() | longer)
        m.d.comb += [far.eq(longer), zero.eq(Cat(empty).all())]
        return far, zero
