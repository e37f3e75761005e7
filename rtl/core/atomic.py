"""What an atomic memory operation stores."""

from amaranth import Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AtomicOp", "AtomicUnit", "compares_first", "is_zero"]


class AtomicOp(enum.Enum, shape=4):
    """New value out of the old one and an operand; NONE passes the operand."""

    NONE = 0
    SWAP = 1
    ADD = 8
    CLEAR = 9
    TOGGLE = 10
    SET = 11
    SIGNED_MAX = 12
    SIGNED_MIN = 13
    UNSIGNED_MAX = 14
    UNSIGNED_MIN = 15


def is_zero(value, size_log2):
    """Return whether a value of 64 bits is zero in the lowest bytes, as many as the size says."""
    return ((value[:8] == 0) & ((value[8:16] == 0) | (size_log2 == 0))
            & ((value[16:32] == 0) | ~size_log2[1]) & ((value[32:] == 0) | (size_log2 != 3)))


def compares_first(operation):
    """Return whether an operation takes one of its operands, as a comparison says."""
    return operation.as_value()[2]


class AtomicUnit(wiring.Component):
    """Computes the new value of an atomic operation, and compares.

    Sums and the like are combinational. What is compared stands for two cycles: ``differs``, and
    the result of operations that compare first, belong to the second one.

    Members
    -------
    operation : :py:`In(AtomicOp)`, size_log2 : :py:`In(2)`
        What to do, and on how many bytes.
    old, operand : :py:`In(64)`
        Value in memory, and value in the register, both zero above the size.
    b : :py:`In(64)`
        Value in another register, for a comparison.
    result : :py:`Out(64)`
        What to store; bits above the size have no meaning.
    differs : :py:`Out(1)`
        The value in memory is not that of ``b``.
    """

    def __init__(self):
        super().__init__({"operation": In(AtomicOp), "size_log2": In(2), "old": In(64),
                          "operand": In(64), "b": In(64), "result": Out(64),
                          "differs": Out(1)})

    def elaborate(self, platform):
        m = Module()

        old_sign, operand_sign = Signal(), Signal()
        with m.Switch(self.size_log2):
            for size in range(4):
                with m.Case(size):
                    bits = 8 << size
                    m.d.comb += [old_sign.eq(self.old[bits - 1]),
                                 operand_sign.eq(self.operand[bits - 1])]
        # One adder: the sum, or for the comparisons the difference, whose borrow decides. Nothing
        # stands in front of it.
        code = self.operation.as_value()
        compares, differs, old_less = Signal(), Signal(), Signal()
        total = Signal(65)
        m.d.comb += [
            compares.eq(compares_first(self.operation)),
            total.eq(self.old + (self.operand ^ compares.replicate(64)) + compares),
            self.differs.eq(differs),
        ]
        m.d.sync += [
            differs.eq(~is_zero(self.old ^ self.b, self.size_log2)),
            old_less.eq(~total[64] ^ (~code[1] & (old_sign ^ operand_sign))),
        ]
        # MIN has the odd codes: it keeps the old value when that is the lesser one.
        keeps_old, others = Signal(), Signal(64)
        m.d.comb += keeps_old.eq(compares & (old_less == code[0]))
        with m.Switch(self.operation):
            with m.Case(AtomicOp.CLEAR):
                m.d.comb += others.eq(self.old & ~self.operand)
            with m.Case(AtomicOp.TOGGLE):
                m.d.comb += others.eq(self.old ^ self.operand)
            with m.Case(AtomicOp.SET):
                m.d.comb += others.eq(self.old | self.operand)
            with m.Case(AtomicOp.NONE, AtomicOp.SWAP):
                m.d.comb += others.eq(self.operand)
        with m.If(self.operation == AtomicOp.ADD):
            m.d.comb += self.result.eq(total)
        with m.Else():
            takes = compares & ~keeps_old
            m.d.comb += self.result.eq(others | (self.old & keeps_old.replicate(64))
                                       | (self.operand & takes.replicate(64)))
        return m
