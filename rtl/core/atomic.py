"""What an atomic memory operation stores."""

from amaranth import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AtomicOp", "AtomicUnit", "is_zero"]


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


class AtomicUnit(wiring.Component):
    """Computes the new value of an atomic operation, and compares, combinationally.

    Members
    -------
    operation : :py:`In(AtomicOp)`, size_log2 : :py:`In(2)`
        What to do, and on how many bytes.
    old, operand : :py:`In(64)`
        Value in memory, zero above the size; value in the register.
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

        mask = Signal(64)
        old_sign, operand_sign = Signal(), Signal()
        with m.Switch(self.size_log2):
            for size in range(4):
                with m.Case(size):
                    bits = 8 << size
                    m.d.comb += [mask.eq((1 << bits) - 1), old_sign.eq(self.old[bits - 1]),
                                 operand_sign.eq(self.operand[bits - 1])]
        # One adder: the sum, or for the comparisons the difference, whose borrow decides.
        code = self.operation.as_value()
        compares = Signal()
        total = Signal(65)
        m.d.comb += [
            compares.eq(code[2]),
            total.eq(self.old + ((self.operand & mask) ^ compares.replicate(64)) + compares),
        ]
        m.d.comb += self.differs.eq(~is_zero(self.old ^ self.b, self.size_log2))
        old_less = ~total[64] ^ (~code[1] & (old_sign ^ operand_sign))

        with m.Switch(self.operation):
            with m.Case(AtomicOp.ADD):
                m.d.comb += self.result.eq(total)
            with m.Case(AtomicOp.CLEAR):
                m.d.comb += self.result.eq(self.old & ~self.operand)
            with m.Case(AtomicOp.TOGGLE):
                m.d.comb += self.result.eq(self.old ^ self.operand)
            with m.Case(AtomicOp.SET):
                m.d.comb += self.result.eq(self.old | self.operand)
            with m.Case(AtomicOp.NONE, AtomicOp.SWAP):
                m.d.comb += self.result.eq(self.operand)
            with m.Default():
                # MIN has the odd codes: it keeps the old value when that is the lesser one.
                m.d.comb += self.result.eq(Mux(old_less == code[0], self.old, self.operand))
        return m
