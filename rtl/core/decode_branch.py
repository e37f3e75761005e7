"""Decoder of branches, exception generation and system instructions."""

from amaranth import Cat, Const, Mux, Signal
from amaranth.lib.wiring import In

from rtl.core.dcache import Maintenance
from rtl.core.decode_common import ClassDecoder, legal, read, write
from rtl.core.syndrome import ExceptionClass, syndrome
from rtl.core.sysreg_table import SYSTEM_REGISTERS, El0Controls, SysReg
from rtl.core.uop import BranchOp, SystemOp, Unit

__all__ = ["BranchDecoder"]

# Data cache maintenance by op1, CRn, CRm, op2: what, by set and way, at EL0, too.
DATA_CACHE = {
    (0, 7, 6, 1): (Maintenance.INVALIDATE, 0, False),
    (0, 7, 6, 2): (Maintenance.INVALIDATE, 1, False),
    (0, 7, 10, 2): (Maintenance.CLEAN, 1, False),
    (0, 7, 14, 2): (Maintenance.CLEAN_INVALIDATE, 1, False),
    (3, 7, 10, 1): (Maintenance.CLEAN, 0, True),
    (3, 7, 11, 1): (Maintenance.CLEAN, 0, True),
    (3, 7, 12, 1): (Maintenance.CLEAN, 0, True),
    (3, 7, 14, 1): (Maintenance.CLEAN_INVALIDATE, 0, True),
}

# Instruction cache: whichever address is named, everything is forgotten.
INSTRUCTION_CACHE = {(0, 7, 1, 0): False, (0, 7, 5, 0): False, (3, 7, 5, 1): True}


class BranchDecoder(ClassDecoder):
    """Branches, exceptions, hints, barriers, system registers and cache maintenance.

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

    def __init__(self):
        super().__init__(el0=In(1), controls=In(El0Controls), sp_el0=In(1))

    def decode(self, m, fields, o):
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
            with m.Case("1101 0101 0000 1--- ---- ---- ---- ----"):
                self._maintenance(m, fields, o)
            with m.Case("1101 0101 00-1 ---- ---- ---- ---- ----"):
                self._register_move(m, fields, o)
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

    def _maintenance(self, m, fields, o):
        read(m, o.uop.a, fields.rt)
        with m.Switch(self.insn[5:19]):
            for (op1, crn, crm, op2), at_el0 in INSTRUCTION_CACHE.items():
                with m.Case(op1 << 11 | crn << 7 | crm << 3 | op2):
                    self._cache_operation(m, o, at_el0)
                    self._system(m, o, SystemOp.ICACHE_INVALIDATE)
            for (op1, crn, crm, op2), (what, by_set, at_el0) in DATA_CACHE.items():
                with m.Case(op1 << 11 | crn << 7 | crm << 3 | op2):
                    self._cache_operation(m, o, at_el0)
                    m.d.comb += [o.uop.unit.eq(Unit.STORE), o.uop.maintenance.eq(what),
                                 o.uop.by_set.eq(by_set), o.uop.b_imm.eq(1)]
            with m.Case(3 << 11 | 7 << 7 | 4 << 3 | 1):
                self._zero_line(m, o)
            with m.Case("000 1000 ---- ---"):
                # TLBI: there is nothing to forget before there is an MMU.
                legal(m, o, ~self.el0)
                self._system(m, o, SystemOp.SYNC)

    def _cache_operation(self, m, o, at_el0):
        if at_el0:
            self._controlled(m, o, "UCI")
        else:
            legal(m, o, ~self.el0)

    def _zero_line(self, m, o):
        self._controlled(m, o, "DZE")
        m.d.comb += [o.uop.unit.eq(Unit.STORE), o.uop.size_log2.eq(3), o.uop.line.eq(1),
                     o.uop.restricted.eq(1), o.uop.b_imm.eq(1), o.uop.imm.eq(self.step << 3),
                     o.more.eq(self.step != 7)]

    def _register_move(self, m, fields, o):
        reading = self.insn[21]
        with m.If(reading):
            write(m, o.uop, fields.rt)
            self._system(m, o, SystemOp.READ)
        with m.Else():
            read(m, o.uop.a, fields.rt)
            self._system(m, o, SystemOp.WRITE)
        with m.Switch(self.insn[5:21]):
            for register in SYSTEM_REGISTERS:
                at_el1, at_el0 = register.access.split("/")
                with m.Case(register.word):
                    allowed = {"rw": 1, "ro": reading, "wo": ~reading, "--": 0}
                    control = self._control(register.control, reading)
                    el0, el1 = self.el0 & allowed[at_el0], ~self.el0 & allowed[at_el1]
                    if register.number == SysReg.SP_EL0:
                        el1 &= ~self.sp_el0
                    m.d.comb += [o.legal.eq(el1 | (el0 & control)),
                                 o.trap.eq(el0 & ~control), o.uop.sysreg.eq(register.number)]
            with m.Case("11 000 0000 0--- ---"):
                # The rest of the identification space: no feature to report.
                m.d.comb += [o.legal.eq(~self.el0 & reading), o.uop.sysreg.eq(SysReg.ZERO)]

    def _control(self, names, reading):
        """Return whether EL1 allows the access to EL0."""
        if not names:
            return Const(1)
        read, _, write = names.partition("/")
        return Mux(reading, self.controls[read], self.controls[write or read])

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
