"""System registers, processor state, exception entry and return."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import CoreConfig
from rtl.core.sysreg_table import SysReg

__all__ = ["SystemRegisters"]

SCTLR_ONES = 0x30D0_0800
"""Bits of SCTLR_EL1 that read as one."""

SCTLR_STORED = 0x0400_D21E
"""Bits of SCTLR_EL1 that hold what was written: UCI, UCT, DZE, I, UMA, SA0, SA, C, A."""


class SystemRegisters(wiring.Component):
    """System registers and the part of the program state that is not in the register file.

    Timing
    ------
    Reads are combinational. ``write``, ``enter`` and ``leave`` take effect at the clock edge;
    ``vector`` and ``return_pc`` are combinational in the cycle before it.

    Members
    -------
    number : :py:`In(SysReg)`, value : :py:`Out(64)`
        Register to read.
    write : :py:`In(1)`, write_value : :py:`In(64)`
        Write ``number``.
    daif_set, daif_clear : :py:`In(4)`
        Masks to set and to clear.
    enter : :py:`In(1)`
        Take an exception: ``enter_pc`` to return to, ``enter_syndrome``, ``enter_address`` for
        FAR_EL1 when ``enter_has_address``; ``enter_kind`` is 0 for synchronous, 1 IRQ, 3 SError.
    leave : :py:`In(1)`
        Return from an exception.
    vector, return_pc : :py:`Out(64)`
        Where execution goes on.
    flags_write : :py:`In(1)`, flags_value : :py:`In(4)`
        Write NZCV.
    flags : :py:`Out(4)`
        NZCV.
    el0, sp_el1, irq_masked, serror_masked : :py:`Out(1)`
        Program state.
    check_sp, check_alignment, cache_enabled : :py:`Out(1)`
        SCTLR_EL1: SA or SA0, A, and C.
    sp_el0 : :py:`In(64)`, sp_el0_write : :py:`Out(1)`
        SP_EL0 lives in the register file.
    timer_irq : :py:`Out(1)`
        The virtual timer asks for an interrupt.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "number":            In(SysReg),
            "value":             Out(64),
            "write":             In(1),
            "write_value":       In(64),
            "daif_set":          In(4),
            "daif_clear":        In(4),
            "enter":             In(1),
            "enter_kind":        In(2),
            "enter_pc":          In(64),
            "enter_syndrome":    In(32),
            "enter_address":     In(64),
            "enter_has_address": In(1),
            "leave":             In(1),
            "vector":            Out(64),
            "return_pc":         Out(64),
            "flags_write":       In(1),
            "flags_value":       In(4),
            "flags":             Out(4),
            "el0":               Out(1),
            "sp_el1":            Out(1),
            "irq_masked":        Out(1),
            "serror_masked":     Out(1),
            "check_sp":          Out(1),
            "check_alignment":   Out(1),
            "cache_enabled":     Out(1),
            "sp_el0":            In(64),
            "sp_el0_write":      Out(1),
            "timer_irq":         Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        el1, spsel, pan = Signal(init=1), Signal(init=1), Signal()
        daif = Signal(4, init=0xF)
        elr, far, vbar = Signal(64), Signal(64), Signal(53)
        spsr, esr = Signal(32), Signal(32)
        sctlr = Signal(32)
        fpen = Signal(2)
        tpidr_el0, tpidrro_el0, tpidr_el1 = Signal(64), Signal(64), Signal(64)
        contextidr = Signal(32)
        cycles, count = Signal(64), Signal(64)
        frequency = Signal(32, init=self.config.timer_hz)
        compare, control = Signal(64), Signal(2)
        cache_select = Signal(4)
        m.d.sync += [cycles.eq(cycles + 1), count.eq(count + 1)]
        expired = Signal()
        m.d.sync += expired.eq((count - compare)[63] == 0)
        m.d.comb += [
            self.timer_irq.eq(control[0] & ~control[1] & expired),
            self.el0.eq(~el1), self.sp_el1.eq(el1 & spsel),
            self.irq_masked.eq(daif[1]), self.serror_masked.eq(daif[2]),
            self.check_sp.eq(Mux(el1, sctlr[3], sctlr[4])),
            self.check_alignment.eq(sctlr[1]), self.cache_enabled.eq(sctlr[2]),
            self.sp_el0_write.eq(self.write & (self.number == SysReg.SP_EL0)),
        ]

        state = Cat(spsel, Const(0, 1), el1, Const(0, 3), daif, Const(0, 12), pan,
                    Const(0, 5), self.flags)
        self._read(m, {
            SysReg.CURRENT_EL: Cat(Const(0, 2), el1),
            SysReg.SPSEL: spsel,
            SysReg.DAIF: Cat(Const(0, 6), daif),
            SysReg.NZCV: Cat(Const(0, 28), self.flags),
            SysReg.SP_EL0: self.sp_el0,
            SysReg.ELR: elr, SysReg.SPSR: spsr, SysReg.ESR: esr, SysReg.FAR: far,
            SysReg.VBAR: Cat(Const(0, 11), vbar),
            SysReg.SCTLR: (sctlr & SCTLR_STORED) | SCTLR_ONES,
            SysReg.CPACR: Cat(Const(0, 20), fpen),
            SysReg.TPIDR_EL0: tpidr_el0, SysReg.TPIDRRO_EL0: tpidrro_el0,
            SysReg.TPIDR_EL1: tpidr_el1, SysReg.CONTEXTIDR: contextidr,
            SysReg.CNTFRQ: frequency, SysReg.CNTPCT: count, SysReg.CNTVCT: count,
            SysReg.CNTV_CTL: Cat(control, expired & control[0]),
            SysReg.CNTV_CVAL: compare, SysReg.CNTV_TVAL: (compare - count)[:32],
            SysReg.PMCCNTR: cycles, SysReg.PAN: Cat(Const(0, 22), pan),
            SysReg.CSSELR: cache_select,
            SysReg.CCSIDR: Mux(cache_select[0], self._geometry(self.config.icache_bytes),
                               self._geometry(self.config.dcache_bytes)),
        })

        value = self.write_value
        with m.If(self.flags_write):
            m.d.sync += self.flags.eq(self.flags_value)
        m.d.sync += daif.eq((daif | self.daif_set) & ~self.daif_clear)
        with m.If(self.write):
            with m.Switch(self.number):
                for number, statement in {
                    SysReg.SPSEL: spsel.eq(value), SysReg.DAIF: daif.eq(value[6:]),
                    SysReg.NZCV: self.flags.eq(value[28:]), SysReg.ELR: elr.eq(value),
                    SysReg.SPSR: spsr.eq(value), SysReg.ESR: esr.eq(value),
                    SysReg.FAR: far.eq(value), SysReg.VBAR: vbar.eq(value[11:]),
                    SysReg.SCTLR: sctlr.eq(value), SysReg.CPACR: fpen.eq(value[20:]),
                    SysReg.TPIDR_EL0: tpidr_el0.eq(value),
                    SysReg.TPIDRRO_EL0: tpidrro_el0.eq(value),
                    SysReg.TPIDR_EL1: tpidr_el1.eq(value),
                    SysReg.CONTEXTIDR: contextidr.eq(value),
                    SysReg.CNTFRQ: frequency.eq(value), SysReg.CNTV_CTL: control.eq(value),
                    SysReg.CNTV_CVAL: compare.eq(value),
                    SysReg.CNTV_TVAL: compare.eq(count + value[:32].as_signed()),
                    SysReg.PMCCNTR: cycles.eq(value), SysReg.PAN: pan.eq(value[22]),
                    SysReg.CSSELR: cache_select.eq(value),
                }.items():
                    with m.Case(number):
                        m.d.sync += statement

        lower = Mux(el1, Mux(spsel, 0x200, 0x000), 0x400)
        m.d.comb += [
            self.vector.eq(Cat(Const(0, 11), vbar) + lower + (self.enter_kind << 7)),
            self.return_pc.eq(elr),
        ]
        with m.If(self.enter):
            m.d.sync += [spsr.eq(state), elr.eq(self.enter_pc), el1.eq(1), spsel.eq(1),
                         daif.eq(0xF), pan.eq(1)]
            with m.If(self.enter_kind != 1):
                m.d.sync += esr.eq(self.enter_syndrome)
            with m.If(self.enter_has_address):
                m.d.sync += far.eq(self.enter_address)
        with m.If(self.leave):
            m.d.sync += [self.flags.eq(spsr[28:]), daif.eq(spsr[6:10]), pan.eq(spsr[22]),
                         el1.eq(spsr[2]), spsel.eq(spsr[0])]
        return m

    def _geometry(self, cache_bytes):
        """Return CCSIDR_EL1 of a cache: sets, ways and the 64 bytes of a line."""
        ways = self.config.ways
        return (cache_bytes // 64 // ways - 1) << 13 | (ways - 1) << 3 | 2

    def _read(self, m, registers):
        constants = {
            SysReg.MIDR: 0x0000_0000, SysReg.MPIDR: 0x8000_0000,
            # 64-byte lines in both caches; IDC and DIC clear: software cleans and invalidates.
            SysReg.CTR: 0x8444_C004, SysReg.DCZID: 4,
            SysReg.ID_PFR0: 0x00FF_0011,
            SysReg.ID_ISAR0: 1 << 16,
            SysReg.ID_ISAR1: 1 << 20,
            SysReg.ID_MMFR0: 0x0000_0F02 & ~0xF00 | 2, SysReg.ID_MMFR1: 1 << 20,
            SysReg.CLIDR: 0x0900_0003,
        }
        with m.Switch(self.number):
            for number, value in (registers | constants).items():
                with m.Case(number):
                    m.d.comb += self.value.eq(value)
