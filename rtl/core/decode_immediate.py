"""Decoder of data processing with an immediate."""

from amaranth import Cat, Const, Mux, Signal

from rtl.core.decode_common import (
    ClassDecoder,
    field_move,
    legal,
    read,
    read_or_sp,
    read_temporary,
    write,
    write_or_sp,
    write_temporary,
)
from rtl.core.uop import AluOp, CarryIn, Fill

__all__ = ["ImmediateDecoder", "bitmask_immediate"]


def bitmask_immediate(m, fields):
    """Return the value and the validity of a logical immediate.

    The value repeats an element of 2, 4, ... 64 bits; the element is a run of ``imms + 1`` ones,
    rotated right by ``immr``. The position of the leading zero of ``N:~imms`` gives the size.

    The run goes from bit ``first`` to bit ``last`` of the element, perhaps around its end: these
    are the bits up to ``last`` without those below ``first``, or the complement of that.
    """
    n, immr, imms = fields.insn[22], fields.immr, fields.imms
    inside = Signal(6)
    with m.If(n):
        m.d.comb += inside.eq(63)
    for bit in range(5, 0, -1):
        with m.Elif(~imms[bit]):
            m.d.comb += inside.eq((1 << bit) - 1)
    first, last, around = Signal(6), Signal(6), Signal()
    m.d.comb += [first.eq(-immr & inside), last.eq((imms - immr) & inside),
                 around.eq(last < first)]
    up_to = _marks(m, last, inside, 1, "up_to")
    below = _marks(m, first, inside, 0, "below")
    value, valid = Signal(64), Signal()
    m.d.comb += [
        value.eq(up_to ^ below ^ around.replicate(64)),
        valid.eq((inside != 0) & ((imms & inside) != inside) & (fields.wide | ~n)),
    ]
    return value, valid


def _marks(m, limit, inside, equal, name):
    """Mark each bit whose number, modulo the size of the element, is below ``limit``.

    With ``equal`` its own number is marked, too. ``limit`` has no bit outside ``inside``. Built
    from the lowest bit of the number upwards: as comparisons they would be carry chains.
    """
    marks = Const(equal, 1)
    for bit in range(6):
        wider = Signal(2 << bit, name=f"{name}_{bit}")
        size = 1 << bit
        m.d.comb += wider.eq(Cat(marks | limit[bit].replicate(size),
                                 marks & (limit[bit] | ~inside[bit]).replicate(size)))
        marks = wider
    return marks


class ImmediateDecoder(ClassDecoder):
    """Data processing with an immediate: ADR, ADD, AND, MOVZ, UBFM, EXTR and their families."""

    def decode(self, m, fields, o):
        with m.Switch(self.insn):
            with m.Case("---1 0000 ---- ---- ---- ---- ---- ----"):
                self._address(m, fields, o)
            with m.Case("---1 0001 0--- ---- ---- ---- ---- ----"):
                self._add(m, fields, o)
            with m.Case("---1 0010 0--- ---- ---- ---- ---- ----"):
                self._logical(m, fields, o)
            with m.Case("---1 0010 1--- ---- ---- ---- ---- ----"):
                self._move(m, fields, o)
            with m.Case("---1 0011 0--- ---- ---- ---- ---- ----"):
                self._bitfield(m, fields, o)
            with m.Case("---1 0011 1--- ---- ---- ---- ---- ----"):
                self._extract(m, fields, o)

    def _address(self, m, fields, o):
        legal(m, o)
        write(m, o.uop, fields.rd)
        m.d.comb += [
            o.uop.alu.eq(AluOp.ORR), o.uop.wide.eq(1), o.uop.b_imm.eq(1),
            o.relative.eq(1), o.page.eq(self.insn[31]),
        ]

    def _add(self, m, fields, o):
        subtract, flags = self.insn[30], self.insn[29]
        legal(m, o)
        read_or_sp(m, o.uop, fields.rn)
        m.d.comb += [
            o.uop.alu.eq(AluOp.ADD), o.uop.wide.eq(fields.wide), o.uop.b_imm.eq(1),
            o.uop.imm.eq(Mux(self.insn[22], fields.imm12 << 12, fields.imm12)),
            o.uop.invert.eq(subtract), o.uop.carry.eq(Mux(subtract, CarryIn.ONE, CarryIn.ZERO)),
            o.uop.flags.eq(flags),
        ]
        with m.If(flags):
            write(m, o.uop, fields.rd)
        with m.Else():
            write_or_sp(m, o.uop, fields.rd)

    def _logical(self, m, fields, o):
        value, valid = bitmask_immediate(m, fields)
        legal(m, o, valid)
        read(m, o.uop.a, fields.rn)
        m.d.comb += [o.uop.wide.eq(fields.wide), o.uop.b_imm.eq(1), o.uop.imm.eq(value)]
        write_or_sp(m, o.uop, fields.rd)
        with m.Switch(self.insn[29:31]):
            with m.Case(0):
                m.d.comb += o.uop.alu.eq(AluOp.AND)
            with m.Case(1):
                m.d.comb += o.uop.alu.eq(AluOp.ORR)
            with m.Case(2):
                m.d.comb += o.uop.alu.eq(AluOp.EOR)
            with m.Case(3):
                m.d.comb += [o.uop.alu.eq(AluOp.AND), o.uop.flags.eq(1), o.uop.dest_sp.eq(0)]
                write(m, o.uop, fields.rd)

    def _move(self, m, fields, o):
        half = self.insn[21:23]
        value = fields.imm16 << (half << 4)
        legal(m, o, fields.wide | ~half[1])
        write(m, o.uop, fields.rd)
        m.d.comb += [o.uop.wide.eq(fields.wide), o.uop.b_imm.eq(1), o.uop.imm.eq(value)]
        with m.Switch(self.insn[29:31]):
            with m.Case(0):
                m.d.comb += [o.uop.alu.eq(AluOp.ORR), o.uop.invert.eq(1)]
            with m.Case(1):
                m.d.comb += o.legal.eq(0)
            with m.Case(2):
                m.d.comb += o.uop.alu.eq(AluOp.ORR)
            with m.Case(3):
                read(m, o.uop.c, fields.rd)
                field_move(m, o.uop, rotate=0, low=half << 4, high=(half << 4) + 15,
                           fill=Fill.KEEP)

    def _bitfield(self, m, fields, o):
        wide, immr, imms, kind = fields.wide, fields.immr, fields.imms, self.insn[29:31]
        in_range = wide | ~(immr[5] | imms[5])
        legal(m, o, (kind != 3) & (self.insn[22] == wide) & in_range)
        read(m, o.uop.b, fields.rn)
        with m.If(kind == 1):
            read(m, o.uop.c, fields.rd)
        write(m, o.uop, fields.rd)
        # Insertion, imms below immr: the difference wraps to the field's top bit.
        difference = Signal(7)
        m.d.comb += difference.eq(imms - immr)
        top = Mux(wide, 63, 31)
        fill = Mux(kind == 0, Fill.SIGN, Mux(kind == 1, Fill.KEEP, Fill.ZERO))
        field_move(m, o.uop, rotate=immr, low=Mux(difference[6], -immr & top, 0),
                   high=difference[:6] & top, fill=fill)
        m.d.comb += o.uop.wide.eq(wide)

    def _extract(self, m, fields, o):
        wide, amount = fields.wide, fields.imms
        top = Mux(wide, 63, 31)
        legal(m, o, ~self.insn[21] & (self.insn[29:31] == 0) & (self.insn[22] == wide)
              & (wide | ~amount[5]))
        m.d.comb += o.uop.wide.eq(wide)
        whole = (fields.rn == fields.rm) | (amount == 0)
        with m.If(whole):
            read(m, o.uop.b, fields.rm)
            write(m, o.uop, fields.rd)
            field_move(m, o.uop, rotate=amount, low=0, high=top, fill=Fill.ZERO)
        with m.Elif(self.step == 0):
            read(m, o.uop.b, fields.rn)
            write_temporary(m, o.uop)
            field_move(m, o.uop, rotate=amount, low=0, high=top, fill=Fill.ZERO)
            m.d.comb += o.more.eq(1)
        with m.Else():
            read(m, o.uop.b, fields.rm)
            read_temporary(m, o.uop.c)
            write(m, o.uop, fields.rd)
            field_move(m, o.uop, rotate=amount, low=0, high=~amount & top, fill=Fill.KEEP)
