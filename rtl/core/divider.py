"""Early-out divider."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.alu import leading_zeros

__all__ = ["Divider"]


class Divider(wiring.Component):
    """64-bit and 32-bit division, rounding toward zero, two quotient bits a cycle.

    Only the bits that the quotient can have are computed: the divisor is first moved under the
    leading one of the dividend. Division by zero gives zero; the most negative number divided by
    -1 gives itself.

    Timing
    ------
    ``start`` with the operands in one cycle; ``done`` 2 to 35 cycles later, for one cycle, and
    ``result`` holds until the next ``start``. ``start`` is ignored while busy.

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

        def magnitude(value, name):
            sign = Signal(name=f"{name}_sign")
            whole = Signal(64, name=f"{name}_magnitude")
            m.d.comb += [
                sign.eq(self.signed & Mux(self.wide, value[63], value[31])),
                whole.eq((Cat(value[:32], Mux(self.wide, value[32:], sign.replicate(32)))
                          ^ sign.replicate(64)) + sign),
            ]
            return sign, whole

        a_sign, a_magnitude = magnitude(self.a, "a")
        b_sign, b_magnitude = magnitude(self.b, "b")

        remainder, divisor, quotient = Signal(64), Signal(64), Signal(64)
        double = Signal(65)
        negate, wide = Signal(), Signal()
        steps = Signal(6)
        a_zeros = leading_zeros(m, remainder, "a_zeros")
        b_zeros = leading_zeros(m, divisor, "b_zeros")
        # Two steps in a row: against twice the divisor, and against the divisor.
        first, second = Signal(66), Signal(65)
        between = Signal(64)
        m.d.comb += [
            first.eq(remainder - double),
            between.eq(Mux(first[65], remainder, first)),
            second.eq(between - divisor),
        ]

        with m.FSM(name="divide"):
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        remainder.eq(a_magnitude), divisor.eq(b_magnitude), quotient.eq(0),
                        negate.eq(a_sign ^ b_sign), wide.eq(self.wide),
                    ]
                    m.next = "ALIGN"
            with m.State("ALIGN"):
                shift = Signal(7)
                m.d.comb += shift.eq(b_zeros - a_zeros)
                # The divisor is moved by an even number of places: one step more does no harm.
                m.d.sync += [divisor.eq(divisor << Cat(Const(0, 1), shift[1:6])),
                             double.eq(divisor << Cat(Const(1, 1), shift[1:6])),
                             steps.eq(shift[1:])]
                m.next = "SUBTRACT"
                with m.If(b_zeros[6] | (b_zeros < a_zeros)):
                    m.next = "DONE"
            with m.State("SUBTRACT"):
                m.d.sync += [
                    quotient.eq(Cat(~second[64], ~first[65], quotient[:62])),
                    divisor.eq(divisor >> 2), double.eq(double >> 2), steps.eq(steps - 1),
                    remainder.eq(Mux(second[64], between, second)),
                ]
                with m.If(steps == 0):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"

        signed_quotient = Signal(64)
        m.d.comb += [
            signed_quotient.eq((quotient ^ negate.replicate(64)) + negate),
            self.result.eq(Cat(signed_quotient[:32], Mux(wide, signed_quotient[32:], 0))),
        ]
        return m
