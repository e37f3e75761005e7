"""Adder, logic unit and one-operand operations."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.uop import AluOp, BitOp

__all__ = ["Alu", "BitUnit", "leading_zeros"]


def leading_zeros(m, value, name):
    """Return the number of zeros above the highest one of a 64-bit value (64 for zero)."""
    counts = [Cat(~bit) for bit in reversed(value)]
    level = 0
    while len(counts) > 1:
        merged = []
        for index in range(0, len(counts), 2):
            high, low = counts[index], counts[index + 1]
            count = Signal(level + 2, name=f"{name}_{level}_{index}")
            full = high[level]
            m.d.comb += count.eq(Mux(full, Cat(low[:level], ~low[level], low[level]), high))
            merged.append(count)
        counts = merged
        level += 1
    return counts[0]


class BitUnit(wiring.Component):
    """Reversals and counts of leading bits, combinational.

    Members
    -------
    operation : :py:`In(BitOp)`, wide : :py:`In(1)`, value : :py:`In(64)`
        The operation, whether it is on 64 bits, and its operand.
    result : :py:`Out(64)`
        The upper half is not defined for a 32-bit operation.
    """

    wide: Signal
    value: Signal
    result: Signal

    def __init__(self):
        super().__init__({"operation": In(BitOp), "wide": In(1), "value": In(64),
                          "result": Out(64)})

    def elaborate(self, platform):
        m = Module()

        value = self.value
        octets = [value[8 * index:8 * index + 8] for index in range(8)]
        # A 32-bit operand is counted from the top of the word.
        aligned = Signal(64)
        m.d.comb += aligned.eq(Mux(self.wide, value, Cat(Const(0xFFFF_FFFF, 32), value[:32])))
        # Leading copies of the sign: zeros of the value against its own upper neighbour.
        changes = Signal(64)
        m.d.comb += changes.eq(Cat(Const(1, 1), aligned[:63] ^ aligned[1:]))
        signs = Signal()
        m.d.comb += signs.eq(self.operation == BitOp.CLS)
        sign_marks = Signal(64)
        m.d.comb += sign_marks.eq(Mux(self.wide, changes,
                                      Cat(Const(0, 32), Const(1, 1), changes[33:])))
        plain_marks = Signal(64)
        m.d.comb += plain_marks.eq(aligned)
        count = leading_zeros(m, Mux(signs, sign_marks, plain_marks), "zeros")
        with m.Switch(self.operation):
            with m.Case(BitOp.RBIT):
                m.d.comb += self.result.eq(Mux(self.wide, Cat(*reversed(value)),
                                               Cat(*reversed(value[:32]))))
            with m.Case(BitOp.REV16):
                m.d.comb += self.result.eq(Cat(*(octets[index ^ 1] for index in range(8))))
            with m.Case(BitOp.REV32):
                m.d.comb += self.result.eq(Cat(*(octets[index ^ 3] for index in range(8))))
            with m.Case(BitOp.REV64):
                m.d.comb += self.result.eq(Cat(*reversed(octets)))
            with m.Default():
                m.d.comb += self.result.eq(count)
        return m


class Alu(wiring.Component):
    """Adder and logic unit, combinational.

    Members
    -------
    operation : :py:`In(AluOp)`, wide, invert, carry : :py:`In`
        What to do; ``carry`` is the carry into the adder, ``invert`` applies to ``b``.
    select : :py:`In(1)`
        Condition of :attr:`AluOp.SELECT`; comes late.
    enable : :py:`In(1)`
        Else the result is zero.
    a, b : :py:`In(64)`
        Operands.
    result : :py:`Out(64)`
        Zero in the upper half for a 32-bit operation. LEA, BITS and CRC are not made here: 0.
    negative, zero, carry_out, overflow : :py:`Out(1)`
        Flags. ``carry_out`` and ``overflow`` are zero for logic operations.
    """

    wide: Signal
    invert: Signal
    carry: Signal
    select: Signal
    enable: Signal
    a: Signal
    b: Signal
    result: Signal
    negative: Signal
    zero: Signal
    carry_out: Signal
    overflow: Signal

    def __init__(self):
        super().__init__({
            "operation": In(AluOp),
            "wide":      In(1),
            "invert":    In(1),
            "carry":     In(1),
            "select":    In(1),
            "enable":    In(1),
            "a":         In(64),
            "b":         In(64),
            "result":    Out(64),
            "negative":  Out(1),
            "zero":      Out(1),
            "carry_out": Out(1),
            "overflow":  Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        b = Signal(64)
        m.d.comb += b.eq(self.b ^ self.invert.replicate(64))
        selecting = Signal()
        m.d.comb += selecting.eq(self.operation == AluOp.SELECT)
        addend = Signal(64)
        m.d.comb += addend.eq(self.a & (~selecting).replicate(64))
        total = Signal(65)
        m.d.comb += total.eq(addend + b + self.carry)

        # Masks are found before the sum and the condition, and only the result passes all of them:
        # no selection sets flags.
        adds, low = self.operation == AluOp.ADD, Signal(64)
        with m.Switch(self.operation):
            with m.Case(AluOp.AND):
                m.d.comb += low.eq(self.a & b)
            with m.Case(AluOp.ORR):
                m.d.comb += low.eq(self.a | b)
            with m.Case(AluOp.EOR):
                m.d.comb += low.eq(self.a ^ b)
        full, word = Signal(64), Cat(Const(-1, 32), self.wide.replicate(32))
        m.d.comb += full.eq((total[:64] & adds.replicate(64)) | low)
        takes_a = selecting & self.select
        takes_sum = adds | (selecting & ~self.select)
        mask = word & self.enable.replicate(64)
        m.d.comb += self.result.eq((total[:64] & mask & takes_sum.replicate(64)) | (low & mask)
                                   | (self.a & mask & takes_a.replicate(64)))

        adding = Signal()
        m.d.comb += adding.eq(self.operation == AluOp.ADD)
        carry_32 = total[32] ^ self.a[32] ^ b[32]
        top_a, top_b, top = (Mux(self.wide, value[63], value[31]) for value in (self.a, b, total))
        m.d.comb += [
            self.negative.eq(Mux(self.wide, full[63], full[31])),
            self.zero.eq((full[:32] == 0) & (~self.wide | (full[32:] == 0))),
            self.carry_out.eq(adding & Mux(self.wide, total[64], carry_32)),
            self.overflow.eq(adding & (top_a == top_b) & (top != top_a)),
        ]
        return m
