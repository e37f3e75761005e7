"""Decoder of data processing with registers."""

from amaranth import Mux, Signal

from rtl.core.decode_common import (
    ClassDecoder,
    field_move,
    legal,
    read,
    read_or_sp,
    read_temporary,
    shift_immediate,
    write,
    write_or_sp,
    write_temporary,
)
from rtl.core.uop import AluOp, BitOp, CarryIn, Fill, ShiftOp, Unit

__all__ = ["RegisterDecoder"]


class RegisterDecoder(ClassDecoder):
    """Data processing with registers.

    No shifter stands before the adder: a second operand with a real shift or extension is made in
    the shifter, and the operation follows a stage later (``combine``). When it sets flags, it is a
    micro-op of its own instead, so that flags are always those of the execute stage. ADD with a
    shift that the address adder can do needs neither.
    """

    def decode(self, m, fields, o):
        m.d.comb += o.uop.wide.eq(fields.wide)
        with m.Switch(self.insn):
            with m.Case("---0 1010 ---- ---- ---- ---- ---- ----"):
                self._logical(m, fields, o)
            with m.Case("---0 1011 --0- ---- ---- ---- ---- ----"):
                self._add_shifted(m, fields, o)
            with m.Case("---0 1011 001- ---- ---- ---- ---- ----"):
                self._add_extended(m, fields, o)
            with m.Case("---1 1010 000- ---- 0000 00-- ---- ----"):
                self._add_carry(m, fields, o)
            with m.Case("--11 1010 010- ---- ---- -0-- ---0 ----"):
                self._compare(m, fields, o)
            with m.Case("--01 1010 100- ---- ---- 0--- ---- ----"):
                self._select(m, fields, o)
            with m.Case("-001 1010 110- ---- ---- ---- ---- ----"):
                self._two_sources(m, fields, o)
            with m.Case("-101 1010 1100 0000 000- ---- ---- ----"):
                self._one_source(m, fields, o)
            with m.Case("-001 1011 ---- ---- ---- ---- ---- ----"):
                self._three_sources(m, fields, o)

    def _logical(self, m, fields, o):
        amount, flags = fields.imms, self.insn[29:31] == 3
        legal(m, o, fields.wide | ~amount[5])
        with m.If((self.step == 0) & (amount != 0) & flags):
            self._shift_second(m, fields, o)
        with m.Else():
            self._operands(m, fields, o, shifted=(amount != 0) & flags)
            with m.If((amount != 0) & ~flags):
                self._shift_and_combine(m, fields, o)
            write(m, o.uop, fields.rd)
            m.d.comb += o.uop.invert.eq(self.insn[21])
            with m.Switch(self.insn[29:31]):
                with m.Case(1):
                    m.d.comb += o.uop.alu.eq(AluOp.ORR)
                with m.Case(2):
                    m.d.comb += o.uop.alu.eq(AluOp.EOR)
                with m.Default():
                    m.d.comb += [o.uop.alu.eq(AluOp.AND), o.uop.flags.eq(flags)]

    def _shift_second(self, m, fields, o):
        read(m, o.uop.b, fields.rm)
        write_temporary(m, o.uop)
        shift_immediate(m, o.uop, kind=self.insn[22:24], amount=fields.imms, wide=fields.wide)
        m.d.comb += o.more.eq(1)

    def _shift_and_combine(self, m, fields, o):
        shift_immediate(m, o.uop, kind=self.insn[22:24], amount=fields.imms, wide=fields.wide)
        m.d.comb += o.uop.combine.eq(1)

    def _operands(self, m, fields, o, *, shifted):
        read(m, o.uop.a, fields.rn)
        with m.If(shifted):
            read_temporary(m, o.uop.b)
        with m.Else():
            read(m, o.uop.b, fields.rm)

    def _add(self, m, o):
        subtract, flags = self.insn[30], self.insn[29]
        m.d.comb += [
            o.uop.alu.eq(AluOp.ADD), o.uop.invert.eq(subtract), o.uop.flags.eq(flags),
            o.uop.carry.eq(Mux(subtract, CarryIn.ONE, CarryIn.ZERO)),
        ]

    def _address_add(self, m, o, *, option, scale):
        m.d.comb += [o.uop.alu.eq(AluOp.LEA), o.uop.extend.eq(option), o.uop.scale.eq(scale)]

    def _add_shifted(self, m, fields, o):
        amount, kind = fields.imms, self.insn[22:24]
        subtract, flags = self.insn[30], self.insn[29]
        legal(m, o, (kind != 3) & (fields.wide | ~amount[5]))
        write(m, o.uop, fields.rd)
        with m.If((amount != 0) & flags):
            self._operands(m, fields, o, shifted=1)
            self._add(m, o)
            with m.If(self.step == 0):
                m.d.comb += o.uop.eq(0)
                m.d.comb += o.uop.wide.eq(fields.wide)
                self._shift_second(m, fields, o)
        with m.Else():
            self._operands(m, fields, o, shifted=0)
            with m.If((amount != 0) & ~subtract & (kind == 0) & (amount <= 4)):
                self._address_add(m, o, option=0b011, scale=amount)
            with m.Else():
                self._add(m, o)
                with m.If(amount != 0):
                    self._shift_and_combine(m, fields, o)

    def _extend_second(self, m, fields, o):
        """Extend and shift ``b``: the field that stays, and its sign above it."""
        option, amount = self.insn[13:16], self.insn[10:13]
        last, top = Signal(6), Signal(7)
        m.d.comb += [last.eq(Mux(fields.wide, 63, 31)),
                     top.eq(amount + (8 << option[0:2]) - 1)]
        field_move(m, o.uop, rotate=-amount, low=amount, high=Mux(top > last, last, top),
                   fill=Mux(option[2], Fill.SIGN, Fill.ZERO))

    def _add_extended(self, m, fields, o):
        option, amount, flags = self.insn[13:16], self.insn[10:13], self.insn[29]
        legal(m, o, amount <= 4)
        whole = (option[0:2] == 3) & (amount == 0)
        addresses = ~flags & ~self.insn[30] & option[1]
        # A stack pointer cannot be written by the late adder.
        separate = ~whole & ~addresses & (flags | (fields.rd == 31))
        with m.If((self.step == 0) & separate):
            read(m, o.uop.b, fields.rm)
            write_temporary(m, o.uop)
            self._extend_second(m, fields, o)
            m.d.comb += o.more.eq(1)
        with m.Else():
            read_or_sp(m, o.uop, fields.rn)
            with m.If(separate):
                read_temporary(m, o.uop.b)
            with m.Else():
                read(m, o.uop.b, fields.rm)
            with m.If(flags):
                write(m, o.uop, fields.rd)
            with m.Else():
                write_or_sp(m, o.uop, fields.rd)
            with m.If(addresses):
                self._address_add(m, o, option=option, scale=amount)
            with m.Else():
                self._add(m, o)
                with m.If(~separate & ~whole):
                    self._extend_second(m, fields, o)
                    m.d.comb += o.uop.combine.eq(1)

    def _add_carry(self, m, fields, o):
        legal(m, o)
        self._operands(m, fields, o, shifted=0)
        write(m, o.uop, fields.rd)
        self._add(m, o)
        m.d.comb += o.uop.carry.eq(CarryIn.FLAG)

    def _compare(self, m, fields, o):
        legal(m, o)
        read(m, o.uop.a, fields.rn)
        with m.If(self.insn[11]):
            m.d.comb += [o.uop.b_imm.eq(1), o.uop.imm.eq(fields.rm)]
        with m.Else():
            read(m, o.uop.b, fields.rm)
        self._add(m, o)
        m.d.comb += [o.uop.flags.eq(1), o.uop.conditional.eq(1), o.uop.cond.eq(fields.cond),
                     o.uop.flags_else.eq(self.insn[0:4])]

    def _select(self, m, fields, o):
        legal(m, o)
        self._operands(m, fields, o, shifted=0)
        write(m, o.uop, fields.rd)
        m.d.comb += [
            o.uop.alu.eq(AluOp.SELECT), o.uop.cond.eq(fields.cond),
            o.uop.invert.eq(self.insn[30]),
            o.uop.carry.eq(Mux(self.insn[10], CarryIn.ONE, CarryIn.ZERO)),
        ]

    def _two_sources(self, m, fields, o):
        write(m, o.uop, fields.rd)
        with m.Switch(self.insn[10:16]):
            with m.Case("00001-"):
                legal(m, o)
                self._operands(m, fields, o, shifted=0)
                m.d.comb += [o.uop.unit.eq(Unit.DIVIDE), o.uop.signed.eq(self.insn[10])]
            with m.Case("0010--"):
                legal(m, o)
                read(m, o.uop.b, fields.rn)
                read(m, o.uop.c, fields.rm)
                m.d.comb += o.uop.unit.eq(Unit.SHIFT)
                for kind, op in enumerate((ShiftOp.LSL, ShiftOp.LSR, ShiftOp.ASR, ShiftOp.ROR)):
                    with m.If(self.insn[10:12] == kind):
                        m.d.comb += o.uop.shift.eq(op)
            with m.Case("010---"):
                self._crc(m, fields, o)

    def _crc(self, m, fields, o):
        """Remainder of up to a word; a doubleword takes two steps."""
        size = self.insn[10:12]
        double = size == 3
        legal(m, o, fields.wide == double)
        self._operands(m, fields, o, shifted=0)
        m.d.comb += [
            o.uop.alu.eq(AluOp.CRC), o.uop.wide.eq(0), o.uop.size_log2.eq(size),
            o.uop.castagnoli.eq(self.insn[12]), o.uop.high_half.eq(self.step[0]),
        ]
        with m.If(double & (self.step == 0)):
            write_temporary(m, o.uop)
            m.d.comb += o.more.eq(1)
        with m.If(self.step[0]):
            read_temporary(m, o.uop.a)

    def _one_source(self, m, fields, o):
        read(m, o.uop.b, fields.rn)
        write(m, o.uop, fields.rd)
        m.d.comb += o.uop.alu.eq(AluOp.BITS)
        wide = fields.wide
        with m.Switch(self.insn[10:13]):
            with m.Case(0):
                m.d.comb += o.uop.bits.eq(BitOp.RBIT)
            with m.Case(1):
                m.d.comb += o.uop.bits.eq(BitOp.REV16)
            with m.Case(2):
                m.d.comb += o.uop.bits.eq(BitOp.REV32)
            with m.Case(3):
                m.d.comb += o.uop.bits.eq(BitOp.REV64)
            with m.Case(4):
                m.d.comb += o.uop.bits.eq(BitOp.CLZ)
            with m.Case(5):
                m.d.comb += o.uop.bits.eq(BitOp.CLS)
        code = self.insn[10:13]
        legal(m, o, (code < 6) & (wide | (code != 3)))

    def _three_sources(self, m, fields, o):
        kind, negate = self.insn[21:24], self.insn[15]
        self._operands(m, fields, o, shifted=0)
        write(m, o.uop, fields.rd)
        m.d.comb += [o.uop.unit.eq(Unit.MULTIPLY), o.uop.invert.eq(negate)]
        with m.Switch(kind):
            with m.Case(0):
                legal(m, o)
                read(m, o.uop.c, fields.ra)
            with m.Case(0b001, 0b101):
                legal(m, o, fields.wide)
                read(m, o.uop.c, fields.ra)
                m.d.comb += [o.uop.long.eq(1), o.uop.signed.eq(~kind[2])]
            with m.Case(0b010, 0b110):
                legal(m, o, fields.wide & ~negate)
                m.d.comb += [o.uop.high_half.eq(1), o.uop.signed.eq(~kind[2])]
