"""Decoder of branches, exception generation and system instructions."""

from amaranth import Cat, Signal
from amaranth.lib.wiring import In

from rtl.core.decode_common import ClassDecoder, legal, read, write
from rtl.core.decode_system import SystemFound, SystemLookup
from rtl.core.syndrome import ExceptionClass, syndrome
from rtl.core.sysreg_table import El0Controls, SysReg
from rtl.core.uop import BranchOp, SystemOp, Unit

__all__ = ["BranchDecoder"]


class BranchDecoder(ClassDecoder):
    """Branches, exceptions, hints, barriers, system registers and cache maintenance.

    Parameters
    ----------
    registered : :class:`bool`
        What a word of :func:`~rtl.core.decode_system.is_looked_up` is comes one cycle behind it.

    Members
    -------
    el0 : :py:`In(1)`
        The instruction runs at EL0: what belongs to EL1 is not legal.
    controls : :py:`In(El0Controls)`
        What EL0 may do.
    sp_el0 : :py:`In(1)`
        The stack pointer in use is SP_EL0: it has no other name then.
    """

    el0: Signal
    sp_el0: Signal
    controls: El0Controls

    def __init__(self, *, registered: bool = False):
        self.registered = registered
        super().__init__(el0=In(1), controls=In(El0Controls), sp_el0=In(1))

    def decode(self, m, fields, o):
        m.submodules.lookup = lookup = SystemLookup()
        m.d.comb += [lookup.insn.eq(self.insn), lookup.el0.eq(self.el0),
                     lookup.controls.eq(self.controls), lookup.sp_el0.eq(self.sp_el0)]
        self._found = lookup.o
        if self.registered:
            self._found = Signal(SystemFound)
            m.d.sync += self._found.eq(lookup.o)
        m.d.comb += o.uop.wide.eq(1)
        with m.Switch(self.insn):
            with m.Case("-001 01-- ---- ---- ---- ---- ---- ----"):
                self._direct(m, fields, o)
            with m.Case("-011 010- ---- ---- ---- ---- ---- ----"):
                self._compare(m, fields, o)
            with m.Case("-011 011- ---- ---- ---- ---- ---- ----"):
                self._test(m, fields, o)
            with m.Case("0101 0100 ---- ---- ---- ---- ---0 ----"):
                legal(m, o)
                self._relative(m, o, BranchOp.COND)
                m.d.comb += o.uop.cond.eq(self.insn[0:4])
            with m.Case("1101 0100 ---- ---- ---- ---- ---0 00--"):
                self._exception(m, fields, o)
            with m.Case("1101 0101 0000 0011 0010 0000 0111 1111"):
                self._controlled(m, o, "NTWI")
                m.d.comb += o.wait.eq(1)
                self._system(m, o, SystemOp.WAIT)
            with m.Case("1101 0101 0000 0011 0010 ---- ---1 1111"):
                legal(m, o)
            with m.Case("1101 0101 0000 0011 0011 ---- ---1 1111"):
                self._barrier(m, o)
            with m.Case("1101 0101 0000 0--- 0100 ---- ---1 1111"):
                self._pstate(m, o)
            with m.Case("1101 0101 0000 1--- ---- ---- ---- ----",
                        "1101 0101 00-1 ---- ---- ---- ---- ----"):
                self._system_instruction(m, fields, o)
            with m.Case("1101 011- ---1 1111 0000 00-- ---0 0000"):
                self._indirect(m, fields, o)

    def _relative(self, m, o, kind):
        m.d.comb += [o.relative.eq(1), o.uop.unit.eq(Unit.BRANCH), o.uop.branch.eq(kind)]

    def _direct(self, m, fields, o):
        legal(m, o)
        self._relative(m, o, BranchOp.ALWAYS)
        with m.If(self.insn[31]):
            write(m, o.uop, 30)
            m.d.comb += o.uop.link.eq(1)

    def _compare(self, m, fields, o):
        legal(m, o)
        self._relative(m, o, BranchOp.ZERO)
        read(m, o.uop.a, fields.rt)
        m.d.comb += [o.uop.wide.eq(fields.wide), o.uop.invert.eq(self.insn[24])]

    def _test(self, m, fields, o):
        legal(m, o)
        self._relative(m, o, BranchOp.BIT)
        read(m, o.uop.a, fields.rt)
        m.d.comb += [o.uop.rotate.eq(Cat(self.insn[19:24], self.insn[31])),
                     o.uop.invert.eq(self.insn[24])]

    def _system(self, m, o, operation):
        m.d.comb += [o.uop.unit.eq(Unit.SYSTEM), o.uop.system.eq(operation)]

    def _controlled(self, m, o, control):
        """Accept the encoding, at EL0 only if EL1 lets it."""
        refused = self.el0 & ~self.controls[control]
        m.d.comb += [o.legal.eq(~refused), o.trap.eq(refused)]

    def _exception(self, m, fields, o):
        with m.Switch(Cat(self.insn[0:2], self.insn[21:24])):
            with m.Case(0b00001):
                legal(m, o)
                self._system(m, o, SystemOp.EXCEPTION)
                m.d.comb += [o.uop.b_imm.eq(1),
                             o.uop.imm.eq(syndrome(ExceptionClass.SVC, fields.imm16)),
                             o.uop.after.eq(1)]
            with m.Case(0b00100):
                legal(m, o)
                self._system(m, o, SystemOp.EXCEPTION)
                m.d.comb += [o.uop.b_imm.eq(1),
                             o.uop.imm.eq(syndrome(ExceptionClass.BRK, fields.imm16))]

    def _barrier(self, m, o):
        with m.Switch(self.insn[5:8]):
            with m.Case(2):
                legal(m, o)
                self._system(m, o, SystemOp.CLEAR_MONITOR)
            with m.Case(4, 5):
                legal(m, o)
                self._system(m, o, SystemOp.BARRIER)
            with m.Case(6):
                legal(m, o)
                self._system(m, o, SystemOp.SYNC)

    def _pstate(self, m, o):
        m.d.comb += [o.uop.b_imm.eq(1), o.uop.imm.eq(self.insn[8:12])]
        with m.Switch(Cat(self.insn[5:8], self.insn[16:19])):
            with m.Case(0b000_100):
                legal(m, o, ~self.el0)
                self._system(m, o, SystemOp.WRITE)
                m.d.comb += [o.uop.sysreg.eq(SysReg.PAN), o.uop.imm.eq(self.insn[8] << 22)]
            with m.Case(0b000_101):
                legal(m, o, ~self.el0)
                self._system(m, o, SystemOp.WRITE)
                m.d.comb += o.uop.sysreg.eq(SysReg.SPSEL)
            with m.Case(0b011_110):
                self._controlled(m, o, "UMA")
                self._system(m, o, SystemOp.DAIF_SET)
            with m.Case(0b011_111):
                self._controlled(m, o, "UMA")
                self._system(m, o, SystemOp.DAIF_CLEAR)

    def _system_instruction(self, m, fields, o):
        """System registers, cache and TLB maintenance: what the lookup has found."""
        found, moves, reading = self._found, self.insn[20], self.insn[21]
        m.d.comb += [o.legal.eq(found.legal), o.trap.eq(found.trap)]
        self._system(m, o, found.system)
        with m.If(moves & reading):
            write(m, o.uop, fields.rt)
        with m.Else():
            read(m, o.uop.a, fields.rt)
        with m.If(moves):
            m.d.comb += o.uop.sysreg.eq(found.sysreg)
        with m.Elif(found.store):
            m.d.comb += [o.uop.unit.eq(Unit.STORE), o.uop.maintenance.eq(found.maintenance),
                         o.uop.by_set.eq(found.by_set), o.uop.b_imm.eq(1)]
            with m.If(found.zeroes):
                m.d.comb += [o.uop.size_log2.eq(3), o.uop.line.eq(1), o.uop.restricted.eq(1),
                             o.uop.imm.eq(self.step << 3), o.more.eq(self.step != 7)]

    def _indirect(self, m, fields, o):
        read(m, o.uop.a, fields.rn)
        with m.Switch(self.insn[21:25]):
            with m.Case(0, 2):
                legal(m, o)
                m.d.comb += [o.uop.unit.eq(Unit.BRANCH), o.uop.branch.eq(BranchOp.REGISTER),
                             o.uop.return_.eq(self.insn[22])]
            with m.Case(1):
                legal(m, o)
                write(m, o.uop, 30)
                m.d.comb += [o.uop.unit.eq(Unit.BRANCH), o.uop.branch.eq(BranchOp.REGISTER),
                             o.uop.link.eq(1)]
            with m.Case(4):
                legal(m, o, (fields.rn == 31) & ~self.el0)
                self._system(m, o, SystemOp.RETURN)
