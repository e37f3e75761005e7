"""Decoder of atomic memory operations, compare-and-swap, and exclusive pairs."""

from amaranth import Cat, Const, Mux

from rtl.core.atomic import AtomicOp
from rtl.core.decode_common import (
    ClassDecoder,
    legal,
    read,
    read_or_sp,
    read_temporary,
    write,
    write_temporary,
)
from rtl.core.uop import AluOp, Unit

__all__ = ["AtomicDecoder"]


class AtomicDecoder(ClassDecoder):
    """Atomic operations as loads and stores of one instruction.

    Nothing comes between the micro-ops of an instruction, so they are atomic against the core.
    The load holds its register write, and the store takes what was loaded from the write stage.
    Of two words, the one loaded waits in the temporary while it is compared; registers change
    last, and the first word is read again: it is either in memory still, or equal to the register.
    """

    def decode(self, m, fields, o):
        with m.Switch(self.insn):
            with m.Case("--11 1000 --1- ---- 0--- 00-- ---- ----"):
                self._operation(m, fields, o, AtomicOp(8).value | self.insn[12:15])
            with m.Case("--11 1000 --1- ---- 1000 00-- ---- ----"):
                self._operation(m, fields, o, AtomicOp.SWAP.value)
            with m.Case("--00 1000 1-1- ---- -111 11-- ---- ----"):
                self._compare_swap(m, fields, o)
            with m.Case("0-00 1000 0-1- ---0 -111 11-- ---- ---0"):
                self._compare_swap_pair(m, fields, o)
            with m.Case("1-00 1000 0-1- ---- ---- ---- ---- ----"):
                self._exclusive_pair(m, fields, o)

    def _access(self, m, fields, o, *, unit, size, offset=0, acquire=0, release=0):
        """Access at the base, which must be aligned Normal memory."""
        read_or_sp(m, o.uop, fields.rn)
        m.d.comb += [o.uop.unit.eq(unit), o.uop.size_log2.eq(size), o.uop.wide.eq(1),
                     o.uop.b_imm.eq(1), o.uop.imm.eq(offset), o.uop.restricted.eq(1),
                     o.uop.acquire.eq(acquire), o.uop.release.eq(release)]

    def _match(self, m, o, index, size, *, also=0):
        """Compare the temporary with a register."""
        read_temporary(m, o.uop.a)
        read(m, o.uop.b, index)
        m.d.comb += [o.uop.alu.eq(AluOp.EOR), o.uop.wide.eq(1), o.uop.size_log2.eq(size),
                     o.uop.match.eq(1), o.uop.match_also.eq(also)]

    def _operation(self, m, fields, o, operation):
        size = self.insn[30:32]
        legal(m, o)
        with m.If(~self.step[0]):
            self._access(m, fields, o, unit=Unit.LOAD, size=size, acquire=self.insn[23],
                         release=self.insn[22])
            write(m, o.uop, fields.rt)
            m.d.comb += [o.uop.hold.eq(1), o.more.eq(1)]
        with m.Else():
            self._access(m, fields, o, unit=Unit.STORE, size=size)
            read(m, o.uop.c, fields.rs)
            m.d.comb += o.uop.atomic.eq(operation)

    def _compare_swap(self, m, fields, o):
        size = self.insn[30:32]
        legal(m, o)
        with m.If(~self.step[0]):
            self._access(m, fields, o, unit=Unit.LOAD, size=size, acquire=self.insn[22],
                         release=self.insn[15])
            write(m, o.uop, fields.rs)
            m.d.comb += [o.uop.hold.eq(1), o.more.eq(1)]
        with m.Else():
            self._access(m, fields, o, unit=Unit.STORE, size=size)
            read(m, o.uop.b, fields.rs)
            read(m, o.uop.c, fields.rt)
            m.d.comb += [o.uop.b_imm.eq(0), o.uop.post.eq(1), o.uop.match.eq(1)]

    def _compare_swap_pair(self, m, fields, o):
        size = Cat(self.insn[30], Const(1, 1))
        bytes_ = Mux(self.insn[30], 8, 4)
        legal(m, o)
        m.d.comb += o.more.eq(1)
        second = self.step[1] ^ self.step[2]
        compared = Cat(self.step[1], fields.rs[1:])
        with m.Switch(self.step):
            with m.Case(0, 2):
                self._access(m, fields, o, unit=Unit.LOAD, size=size,
                             offset=Mux(second, bytes_, 0), acquire=self.insn[22],
                             release=self.insn[15])
                write_temporary(m, o.uop)
                m.d.comb += o.uop.pair.eq(~second)
            with m.Case(1, 3):
                self._match(m, o, compared, size, also=self.step[1])
            with m.Case(4, 5):
                self._access(m, fields, o, unit=Unit.STORE, size=size,
                             offset=Mux(self.step[0], bytes_, 0))
                read(m, o.uop.c, Cat(self.step[0], fields.rt[1:]))
                m.d.comb += o.uop.if_match.eq(1)
            with m.Case(6):
                self._access(m, fields, o, unit=Unit.LOAD, size=size)
                read(m, o.uop.c, fields.rs)
                write(m, o.uop, fields.rs)
                m.d.comb += o.uop.unless_match.eq(1)
            with m.Default():
                read_temporary(m, o.uop.a)
                write(m, o.uop, Cat(Const(1, 1), fields.rs[1:]))
                m.d.comb += [o.uop.alu.eq(AluOp.ORR), o.uop.wide.eq(1), o.more.eq(0)]

    def _exclusive_pair(self, m, fields, o):
        load, ordered = self.insn[22], self.insn[15]
        size = Cat(self.insn[30], Const(1, 1))
        bytes_ = Mux(self.insn[30], 8, 4)
        second = self.step[0]
        legal(m, o)
        m.d.comb += o.more.eq(~second)
        with m.If(load):
            self._access(m, fields, o, unit=Unit.LOAD, size=size, offset=Mux(second, bytes_, 0),
                         acquire=ordered)
            write(m, o.uop, Mux(second, fields.rt2, fields.rt))
            m.d.comb += [o.uop.exclusive.eq(1), o.uop.pair.eq(~second), o.uop.hold.eq(~second)]
        with m.Else():
            self._access(m, fields, o, unit=Unit.STORE, size=size, offset=Mux(second, bytes_, 0),
                         release=ordered & ~second)
            read(m, o.uop.c, Mux(second, fields.rt2, fields.rt))
            with m.If(second):
                m.d.comb += o.uop.if_match.eq(1)
            with m.Else():
                write(m, o.uop, fields.rs)
                m.d.comb += [o.uop.exclusive.eq(1), o.uop.pair.eq(1), o.uop.hold.eq(1)]
