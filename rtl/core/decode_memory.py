"""Decoder of loads and stores."""

from amaranth import Mux, Signal
from amaranth.lib.wiring import In

from rtl.core.decode_common import (
    ClassDecoder,
    add_immediate,
    legal,
    read,
    read_or_sp,
    write,
    write_base,
    write_or_sp,
)
from rtl.core.uop import Unit

__all__ = ["MemoryDecoder"]


class MemoryDecoder(ClassDecoder):
    """Loads and stores of general registers.

    Base write-back travels in the access itself, whose address sum is the new base, except where a
    load would write two general registers of one parity, or three: then it is a micro-op behind
    the load.
    """

    el0: Signal

    def __init__(self):
        super().__init__(el0=In(1))

    def decode(self, m, fields, o):
        with m.Switch(self.insn):
            with m.Case("--00 1000 ---- ---- ---- ---- ---- ----"):
                self._exclusive(m, fields, o)
            with m.Case("--01 1000 ---- ---- ---- ---- ---- ----"):
                self._literal(m, fields, o)
            with m.Case("--10 100- ---- ---- ---- ---- ---- ----"):
                self._pair(m, fields, o)
            with m.Case("--11 1000 --0- ---- ---- ---- ---- ----"):
                self._indexed(m, fields, o)
            with m.Case("--11 1000 --1- ---- ---- 10-- ---- ----"):
                self._register_offset(m, fields, o)
            with m.Case("--11 1000 1011 1111 1100 00-- ---- ----"):
                legal(m, o)
                self._plain(m, fields, o, load=1)
                m.d.comb += [o.uop.acquire.eq(1), o.uop.aligned.eq(1)]
            with m.Case("--11 1001 ---- ---- ---- ---- ---- ----"):
                self._unsigned_offset(m, fields, o)

    def _single(self, m, fields, o, *, prefetch_allowed):
        """Size, direction, data register from bits 31:30 and 23:22."""
        size, opc = self.insn[30:32], self.insn[22:24]
        prefetch = (size == 3) & (opc == 2)
        legal(m, o, Mux(prefetch, prefetch_allowed, (opc != 3) | ~size[1]))
        read_or_sp(m, o.uop, fields.rn)
        m.d.comb += [o.uop.size_log2.eq(size), o.uop.signed.eq(opc[1]), o.uop.wide.eq(~opc[0])]
        with m.If(opc == 0):
            m.d.comb += [o.uop.unit.eq(Unit.STORE), o.uop.wide.eq(1)]
            read(m, o.uop.c, fields.rt)
        with m.Elif(~prefetch):
            m.d.comb += o.uop.unit.eq(Unit.LOAD)
            write(m, o.uop, fields.rt)

    def _plain(self, m, fields, o, *, load):
        """Access at the base address."""
        read_or_sp(m, o.uop, fields.rn)
        m.d.comb += [o.uop.size_log2.eq(self.insn[30:32]), o.uop.b_imm.eq(1), o.uop.wide.eq(1)]
        with m.If(load):
            m.d.comb += o.uop.unit.eq(Unit.LOAD)
            write(m, o.uop, fields.rt)
        with m.Else():
            m.d.comb += o.uop.unit.eq(Unit.STORE)
            read(m, o.uop.c, fields.rt)

    def _base_update(self, m, fields, o, offset):
        add_immediate(m, o.uop, offset)
        read_or_sp(m, o.uop, fields.rn)
        write_or_sp(m, o.uop, fields.rn)
        m.d.comb += o.uop.wide.eq(1)

    def _exclusive(self, m, fields, o):
        load, ordered = self.insn[22], self.insn[15]
        with m.Switch(self.insn[21:24]):
            with m.Case("0-0"):
                legal(m, o)
                self._plain(m, fields, o, load=load)
                m.d.comb += [o.uop.exclusive.eq(1), o.uop.acquire.eq(load & ordered),
                             o.uop.release.eq(~load & ordered)]
                with m.If(~load):
                    write(m, o.uop, fields.rs)
            with m.Case("1-0"):
                legal(m, o)
                self._plain(m, fields, o, load=load)
                m.d.comb += [o.uop.acquire.eq(load), o.uop.release.eq(~load),
                             o.uop.aligned.eq(1)]

    def _literal(self, m, fields, o):
        opc = self.insn[30:32]
        legal(m, o)
        m.d.comb += [o.relative.eq(1), o.uop.b_imm.eq(1),
                     o.uop.wide.eq(1)]
        with m.If(opc != 3):
            m.d.comb += [o.uop.unit.eq(Unit.LOAD), o.uop.size_log2.eq(Mux(opc[0], 3, 2)),
                         o.uop.signed.eq(opc[1])]
            write(m, o.uop, fields.rt)

    def _pair(self, m, fields, o):
        opc, mode, load = self.insn[30:32], self.insn[23:25], self.insn[22]
        update, post = mode[0], mode == 1
        offset = self.insn[15:22].as_signed() << Mux(opc[1], 3, 2)
        sign_load = opc[0]
        legal(m, o, (opc != 3) & (~sign_load | (load & (mode != 0))))
        read_or_sp(m, o.uop, fields.rn)
        m.d.comb += [o.uop.size_log2.eq(Mux(opc[1], 3, 2)), o.uop.b_imm.eq(1),
                     o.uop.wide.eq(1), o.uop.signed.eq(sign_load)]
        on_stack = fields.rn == 31
        with m.If(load & (self.step != 0)):
            self._base_update(m, fields, o, offset)
            m.d.comb += o.uop.signed.eq(0)
        with m.Elif(load):
            m.d.comb += [
                o.uop.unit.eq(Unit.LOAD), o.uop.two.eq(1), o.more.eq(update & ~on_stack),
                o.uop.imm.eq(Mux(post & ~on_stack, 0, offset)),
                o.uop.post.eq(post & on_stack), o.uop.base_sp.eq(update & on_stack),
                o.uop.apart.eq(fields.rt[0] == fields.rt2[0]),
            ]
            write(m, o.uop, fields.rt)
            read(m, o.uop.second, fields.rt2)
        with m.Else():
            m.d.comb += [o.uop.unit.eq(Unit.STORE), o.uop.two.eq(1), o.uop.imm.eq(offset),
                         o.uop.b_imm.eq(0)]
            read(m, o.uop.c, fields.rt)
            read(m, o.uop.b, fields.rt2)
            with m.If(update):
                m.d.comb += o.uop.post.eq(post)
                write_or_sp(m, o.uop, fields.rn)

    def _indexed(self, m, fields, o):
        """Unscaled, unprivileged, post-index and pre-index."""
        mode = self.insn[10:12]
        update, post = mode[0], mode == 1
        self._single(m, fields, o, prefetch_allowed=mode == 0)
        m.d.comb += [o.uop.b_imm.eq(1), o.uop.imm.eq(fields.imm9)]
        load = self.insn[22:24] != 0
        together = (fields.rn == 31) | (fields.rn[0] != fields.rt[0])
        with m.If(update & load & together):
            m.d.comb += o.uop.post.eq(post)
            write_base(m, o.uop, fields.rn)
        with m.Elif(update & load & (self.step == 0)):
            m.d.comb += [o.more.eq(1), o.uop.imm.eq(Mux(post, 0, fields.imm9))]
        with m.Elif(update & load):
            self._base_update(m, fields, o, fields.imm9)
        with m.Elif(update):
            m.d.comb += o.uop.post.eq(post)
            write_or_sp(m, o.uop, fields.rn)

    def _register_offset(self, m, fields, o):
        option = self.insn[13:16]
        self._single(m, fields, o, prefetch_allowed=1)
        with m.If(~option[1]):
            m.d.comb += o.legal.eq(0)
        read(m, o.uop.b, fields.rm)
        m.d.comb += [o.uop.extend.eq(option),
                     o.uop.scale.eq(Mux(self.insn[12], self.insn[30:32], 0))]

    def _unsigned_offset(self, m, fields, o):
        self._single(m, fields, o, prefetch_allowed=1)
        m.d.comb += [o.uop.b_imm.eq(1), o.uop.imm.eq(fields.imm12 << self.insn[30:32])]
