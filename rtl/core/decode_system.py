"""Lookup of system registers and of cache and TLB maintenance."""

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.dcache import Maintenance
from rtl.core.sysreg_table import SYSTEM_REGISTERS, El0Controls, SysReg
from rtl.core.uop import SystemOp

__all__ = ["SystemFound", "SystemLookup", "is_looked_up"]

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

ZERO_LINE = 3 << 11 | 7 << 7 | 4 << 3 | 1


class SystemFound(data.Struct):
    """What a system instruction is.

    ``legal`` and ``trap`` are those of :class:`~rtl.core.uop.DecodedLayout`. Either ``system`` is
    done, to ``sysreg`` if it is a move, or, with ``store``, the ``maintenance`` of a line of the
    data cache (``by_set`` and way), or, with ``zeroes`` beside it, a line is stored.
    """

    legal: 1
    trap: 1
    system: SystemOp
    sysreg: SysReg
    store: 1
    zeroes: 1
    maintenance: Maintenance
    by_set: 1


def is_looked_up(insn):
    """Return whether an instruction is one for :class:`SystemLookup`."""
    return (insn[22:] == 0b11_0101_0100) & (insn[20] | (insn[19] & ~insn[20]))


class SystemLookup(wiring.Component):
    """Finds out which system instruction a word is, and who may execute it; combinational.

    Members
    -------
    insn : :py:`In(32)`
        A word for which :func:`is_looked_up` holds.
    el0 : :py:`In(1)`, controls : :py:`In(El0Controls)`, sp_el0 : :py:`In(1)`
        As in :class:`~rtl.core.decode.Decoder`.
    o : :py:`Out(SystemFound)`
        What it is.
    """

    def __init__(self):
        super().__init__({"insn": In(32), "el0": In(1), "controls": In(El0Controls),
                          "sp_el0": In(1), "o": Out(SystemFound)})

    def elaborate(self, platform):
        m = Module()
        with m.If(self.insn[20]):
            self._register_move(m)
        with m.Else():
            self._maintenance(m)
        return m

    def _register_move(self, m):
        reading, o = self.insn[21], self.o
        m.d.comb += o.system.eq(Mux(reading, SystemOp.READ, SystemOp.WRITE))
        with m.Switch(self.insn[5:21]):
            for register in SYSTEM_REGISTERS:
                at_el1, at_el0 = register.access.split("/")
                with m.Case(register.word):
                    allowed = {"rw": 1, "ro": reading, "wo": ~reading, "--": 0}
                    control = self._control(register.control, reading)
                    el0, el1 = self.el0 & allowed[at_el0], ~self.el0 & allowed[at_el1]
                    if register.number == SysReg.SP_EL0:
                        el1 &= ~self.sp_el0
                    m.d.comb += [o.legal.eq(el1 | (el0 & control)), o.trap.eq(el0 & ~control),
                                 o.sysreg.eq(register.number)]
            with m.Case("11 000 0000 0--- ---"):
                # The rest of the identification space: no feature to report.
                m.d.comb += [o.legal.eq(~self.el0 & reading), o.sysreg.eq(SysReg.ZERO)]

    def _control(self, names, reading):
        """Return whether EL1 allows the access to EL0."""
        if not names:
            return Const(1)
        read, _, write = names.partition("/")
        return Mux(reading, self.controls[read], self.controls[write or read])

    def _maintenance(self, m):
        o = self.o
        with m.Switch(self.insn[5:19]):
            for (op1, crn, crm, op2), at_el0 in INSTRUCTION_CACHE.items():
                with m.Case(op1 << 11 | crn << 7 | crm << 3 | op2):
                    self._allow(m, "UCI" if at_el0 else None)
                    m.d.comb += o.system.eq(SystemOp.ICACHE_INVALIDATE)
            for (op1, crn, crm, op2), (what, by_set, at_el0) in DATA_CACHE.items():
                with m.Case(op1 << 11 | crn << 7 | crm << 3 | op2):
                    self._allow(m, "UCI" if at_el0 else None)
                    m.d.comb += [o.store.eq(1), o.maintenance.eq(what), o.by_set.eq(by_set)]
            with m.Case(ZERO_LINE):
                self._allow(m, "DZE")
                m.d.comb += [o.store.eq(1), o.zeroes.eq(1)]
            with m.Case("000 1000 ---- ---"):
                # TLBI: there is nothing to forget before there is an MMU.
                self._allow(m, None)
                m.d.comb += o.system.eq(SystemOp.SYNC)

    def _allow(self, m, control):
        """Accept the encoding, at EL0 only if there is a control that lets it."""
        refused = Signal(name=f"refused_{control or 'el0'}")
        m.d.comb += [
            refused.eq(self.el0 & (~self.controls[control] if control else 1)),
            self.o.legal.eq(~refused), self.o.trap.eq(refused if control else 0),
        ]
