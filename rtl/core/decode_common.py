"""Fields of an instruction word, and the phrases in which decoders fill in a micro-op."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.uop import (
    TEMPORARY,
    AluOp,
    CarryIn,
    DecodedLayout,
    Fill,
    ShiftOp,
    Unit,
)

__all__ = ["ClassDecoder", "Fields", "add_immediate", "field_move", "legal", "read",
           "read_or_sp", "read_temporary", "shift_immediate", "write", "write_base", "write_or_sp",
           "write_temporary"]


class Fields:
    """Named parts of an instruction word; the register fields stand where they do in all forms."""

    def __init__(self, insn):
        self.insn = insn
        self.wide = insn[31]
        self.rd = self.rt = insn[0:5]
        self.rn = insn[5:10]
        self.rt2 = self.ra = insn[10:15]
        self.rm = self.rs = insn[16:21]
        self.cond = insn[12:16]
        self.imms = insn[10:16]
        self.immr = insn[16:22]
        self.imm9 = insn[12:21].as_signed()
        self.imm12 = insn[10:22]
        self.imm16 = insn[5:21]


class ClassDecoder(wiring.Component):
    """Decoder of one class of instructions, combinational.

    Members
    -------
    insn : :py:`In(32)`
        The instruction; only words of the class are meant.
    step : :py:`In(3)`
        Which micro-op of the instruction is asked for.
    o : :py:`Out(DecodedLayout())`
        The micro-op. ``legal`` and ``more`` belong to it.
    """

    insn: Signal
    step: Signal

    def __init__(self, **members):
        super().__init__({"insn": In(32), "step": In(3), "o": Out(DecodedLayout())} | members)

    def elaborate(self, platform):
        m = Module()
        self.decode(m, Fields(self.insn), self.o)
        return m


def legal(m, o, condition=1):
    """Accept the encoding."""
    m.d.comb += o.legal.eq(condition)


def read(m, operand, index):
    """Read a register in which 31 names zero."""
    m.d.comb += [operand.index.eq(index), operand.used.eq(index != 31)]


def read_or_sp(m, uop, index):
    """Read a register in which 31 names the stack pointer."""
    m.d.comb += [uop.a.index.eq(index), uop.a.used.eq(1), uop.a_sp.eq(index == 31)]


def read_temporary(m, operand):
    """Read what an earlier micro-op of the instruction left."""
    m.d.comb += [operand.index.eq(TEMPORARY), operand.used.eq(1)]


def write(m, uop, index):
    """Write a register in which 31 names zero."""
    m.d.comb += [uop.dest.index.eq(index), uop.dest.used.eq(index != 31)]


def write_or_sp(m, uop, index):
    """Write a register in which 31 names the stack pointer."""
    m.d.comb += [uop.dest.index.eq(index), uop.dest.used.eq(1), uop.dest_sp.eq(index == 31)]


def write_base(m, uop, index):
    """Write a load's base beside the loaded register; 31 names the stack pointer."""
    m.d.comb += uop.base_sp.eq(index == 31)
    with m.If(index != 31):
        m.d.comb += [uop.second.index.eq(index), uop.second.used.eq(1)]


def write_temporary(m, uop):
    """Leave the result for a later micro-op of the instruction."""
    m.d.comb += [uop.dest.index.eq(TEMPORARY), uop.dest.used.eq(1)]


def add_immediate(m, uop, value):
    """Add a signed immediate to ``a``, which the caller has chosen."""
    m.d.comb += [uop.unit.eq(Unit.ALU), uop.alu.eq(AluOp.ADD), uop.b_imm.eq(1),
                 uop.imm.eq(value), uop.carry.eq(CarryIn.ZERO)]


def field_move(m, uop, *, rotate, low, high, fill):
    """Rotate ``b`` to the right and keep bits ``high:low`` of it."""
    m.d.comb += [uop.unit.eq(Unit.SHIFT), uop.shift.eq(ShiftOp.FIELD), uop.rotate.eq(rotate),
                 uop.low.eq(low), uop.high.eq(high), uop.fill.eq(fill)]


def shift_immediate(m, uop, *, kind, amount, wide):
    """Shift ``b`` by a constant: ``kind`` is 0 LSL, 1 LSR, 2 ASR, 3 ROR."""
    top = Mux(wide, 63, 31)
    m.d.comb += [uop.unit.eq(Unit.SHIFT), uop.shift.eq(ShiftOp.FIELD),
                 uop.rotate.eq(amount), uop.high.eq(~amount & top)]
    with m.Switch(kind):
        with m.Case(0):
            m.d.comb += [uop.rotate.eq(-amount), uop.low.eq(amount), uop.high.eq(top)]
        with m.Case(2):
            m.d.comb += uop.fill.eq(Fill.SIGN)
        with m.Case(3):
            m.d.comb += uop.high.eq(top)
