"""System registers, processor state, exception entry and return."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.config import CoreConfig
from rtl.core.cause import CycleCause
from rtl.core.gic_port import GicPortSignature
from rtl.core.pmu import EventsLayout, PerformanceMonitors
from rtl.core.sysreg_table import El0Controls, SysReg

__all__ = ["SystemRegisters"]

SCTLR_ONES = 0x3050_0800
"""Bits of SCTLR_EL1 that read as one."""

SCTLR_STORED = 0x0485_D21E
"""Bits that hold what was written: UCI, SPAN, nTWE, nTWI, UCT, DZE, I, UMA, SA0, SA, C, A."""

SPAN = 23

STORED = 16
"""System registers from this number on are flip-flops or constants, those below it a memory."""


class SystemRegisters(wiring.Component):
    """System registers and the part of the program state that is not in the register file.

    Timing
    ------
    Reads are combinational, and need ``read``. ``write``, ``take``, ``enter`` and ``leave`` take
    effect at the clock edge; ``vector`` and ``return_pc`` are combinational in the cycle before it.

    Members
    -------
    number : :py:`In(SysReg)`, read : :py:`In(1)`, value : :py:`Out(64)`
        Register to read.
    take : :py:`In(1)`
        What is read in this cycle is used, so that the reading may have an effect.
    write : :py:`In(1)`, write_value : :py:`In(64)`
        Write ``number``.
    daif_set, daif_clear : :py:`In(4)`
        Masks to set and to clear.
    enter : :py:`In(1)`
        Take an exception: ``enter_pc`` to return to, ``enter_syndrome``, ``enter_address`` for
        FAR_EL1 when ``enter_has_address``; ``enter_kind`` is 0 for synchronous, 1 IRQ, 3 SError.
    leave : :py:`In(1)`
        Return from an exception, to an illegal state if SPSR_EL1 does not hold one that exists.
    vector, return_pc : :py:`Out(64)`
        Where execution goes on.
    flags_write : :py:`In(1)`, flags_value : :py:`In(4)`
        Write NZCV.
    flags : :py:`Out(4)`
        NZCV.
    el0, sp_el1, irq_masked, serror_masked, illegal : :py:`Out(1)`
        Program state.
    controls : :py:`Out(El0Controls)`
        What EL0 may do.
    check_sp, check_alignment, cache_enabled : :py:`Out(1)`
        SCTLR_EL1: SA or SA0, A, and C.
    sp_el0 : :py:`In(64)`, sp_el0_write : :py:`Out(1)`
        SP_EL0 lives in the register file.
    serror : :py:`In(1)`
        An asynchronous error is pending.
    cause : :py:`In(CycleCause)`, events : :py:`In(EventsLayout())`
        For the performance monitors; exceptions are known here.
    gic : :py:`Out(GicPortSignature())`
        The interrupt controller.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "number":            In(SysReg),
            "read":              In(1),
            "take":              In(1),
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
            "illegal":           Out(1),
            "controls":          Out(El0Controls),
            "check_sp":          Out(1),
            "check_alignment":   Out(1),
            "cache_enabled":     Out(1),
            "sp_el0":            In(64),
            "sp_el0_write":      Out(1),
            "serror":            In(1),
            "cause":             In(CycleCause),
            "events":            In(EventsLayout()),
            "gic":               Out(GicPortSignature()),
        })

    def elaborate(self, platform):
        m = Module()

        el1, spsel, pan, il = Signal(init=1), Signal(init=1), Signal(), Signal()
        daif = Signal(4, init=0xF)
        elr, vbar = Signal(64), Signal(53)
        spsr, esr = Signal(32), Signal(32)
        sctlr = Signal(32, init=1 << SPAN)
        fpen = Signal(2)
        count = Signal(64)
        frequency = Signal(32, init=self.config.timer_hz)
        timer_control = [Signal(2, name="cntv_ctl"), Signal(2, name="cntp_ctl")]
        kernel_control = Signal(10)
        cache_select = Signal(4)
        m.d.sync += count.eq(count + 1)
        stored, expired = self._stored(m, count)
        self._connect_gic(m)
        m.d.comb += [
            self.gic.ppi[:2].eq(Cat(control[0] & ~control[1] & passed
                                   for control, passed in zip(timer_control, expired,
                                                               strict=True))),
            self.el0.eq(~el1), self.sp_el1.eq(el1 & spsel), self.illegal.eq(il),
            self.irq_masked.eq(daif[1]), self.serror_masked.eq(daif[2]),
            self.check_sp.eq(Mux(el1, sctlr[3], sctlr[4])),
            self.check_alignment.eq(sctlr[1]), self.cache_enabled.eq(sctlr[2]),
            self.sp_el0_write.eq(self.write & (self.number == SysReg.SP_EL0)),
        ]
        monitors = self._monitor(m)
        self._control_el0(m, sctlr, kernel_control, monitors.user)

        state = Cat(spsel, Const(0, 1), el1, Const(0, 3), daif, Const(0, 10), il, Const(0, 1), pan,
                    Const(0, 5), self.flags)
        self._read(m, stored, monitors.value, {
            SysReg.CURRENT_EL: Cat(Const(0, 2), el1),
            SysReg.SPSEL: spsel,
            SysReg.DAIF: Cat(Const(0, 6), daif),
            SysReg.NZCV: Cat(Const(0, 28), self.flags),
            SysReg.SP_EL0: self.sp_el0,
            SysReg.ELR: elr, SysReg.SPSR: spsr, SysReg.ESR: esr,
            SysReg.VBAR: Cat(Const(0, 11), vbar),
            SysReg.SCTLR: (sctlr & SCTLR_STORED) | SCTLR_ONES,
            SysReg.CPACR: Cat(Const(0, 20), fpen),
            SysReg.CNTKCTL: kernel_control,
            SysReg.CNTFRQ: frequency, SysReg.CNTPCT: count, SysReg.CNTVCT: count,
            SysReg.CNTV_CTL: Cat(timer_control[0], expired[0] & timer_control[0][0]),
            SysReg.CNTP_CTL: Cat(timer_control[1], expired[1] & timer_control[1][0]),
            SysReg.PAN: Cat(Const(0, 22), pan),
            SysReg.CSSELR: cache_select,
            SysReg.ISR: Cat(Const(0, 7), self.gic.irq, self.serror),
            SysReg.CCSIDR: Mux(
                cache_select[0],
                self._geometry(self.config.icache_bytes, self.config.icache_ways),
                self._geometry(self.config.dcache_bytes, self.config.dcache_ways)),
            # Four words in a logarithm; bit 4 says that DC ZVA is not allowed.
            SysReg.DCZID: Cat(Const(4, 4), self.el0 & ~self.controls.DZE),
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
                    SysReg.VBAR: vbar.eq(value[11:]),
                    SysReg.SCTLR: sctlr.eq(value), SysReg.CPACR: fpen.eq(value[20:]),
                    SysReg.CNTKCTL: kernel_control.eq(value),
                    SysReg.CNTFRQ: frequency.eq(value),
                    SysReg.CNTV_CTL: timer_control[0].eq(value),
                    SysReg.CNTP_CTL: timer_control[1].eq(value),
                    SysReg.PAN: pan.eq(value[22]), SysReg.CSSELR: cache_select.eq(value),
                }.items():
                    with m.Case(number):
                        m.d.sync += statement

        lower = Mux(el1, Mux(spsel, 0x200, 0x000), 0x400)
        m.d.comb += [
            self.vector.eq(Cat(Const(0, 11), vbar) + lower + (self.enter_kind << 7)),
            self.return_pc.eq(elr),
        ]
        with m.If(self.enter):
            m.d.sync += [spsr.eq(state), elr.eq(self.enter_pc), el1.eq(1), spsel.eq(1), il.eq(0),
                         daif.eq(0xF), pan.eq(pan | ~sctlr[SPAN])]
            with m.If(self.enter_kind != 1):
                m.d.sync += esr.eq(self.enter_syndrome)
        with m.If(self.leave):
            m.d.sync += [self.flags.eq(spsr[28:]), daif.eq(spsr[6:10]), pan.eq(spsr[22])]
            # EL0 or EL1 in 64 bits, and EL0 only with its own stack pointer.
            with m.If(spsr[1] | spsr[3] | spsr[4] | (spsr[0] & ~spsr[2])):
                m.d.sync += il.eq(1)
            with m.Else():
                m.d.sync += [il.eq(spsr[20]), el1.eq(spsr[2]), spsel.eq(spsr[0])]
        return m

    def _stored(self, m, count):
        """Return what the memory holds at ``number``, and whether the timers have expired.

        While nothing reads it, the memory shows the compare values of the two timers in turn.
        """
        m.submodules.stored = memory = Memory(shape=64, depth=STORED, init=[])
        source, target = memory.read_port(domain="comb"), memory.write_port()
        number = self.number.as_value()
        turn, clear = Signal(), Signal(range(STORED + 1))
        timer = Cat(turn, Const(SysReg.CNTV_CVAL.value >> 1, 3))
        clearing = ~clear[-1]
        m.d.comb += source.addr.eq(Mux(self.read, number[:4], timer))
        left = Signal(65)
        m.d.comb += left.eq(source.data - count)
        expired = [Signal(name="cntv_expired"), Signal(name="cntp_expired")]
        m.d.sync += turn.eq(~turn)
        for index, passed in enumerate(expired):
            with m.If(~self.read & (turn == index)):
                m.d.sync += passed.eq(left[64])

        relative = number[4]
        with m.If(clearing):
            m.d.sync += clear.eq(clear + 1)
            m.d.comb += [target.en.eq(1), target.addr.eq(clear)]
        with m.Elif(self.enter):
            m.d.comb += [target.en.eq(self.enter_has_address), target.data.eq(self.enter_address),
                         target.addr.eq(SysReg.FAR.value)]
        with m.Else():
            m.d.comb += [
                target.en.eq(self.write & (number[5:] == 0)), target.addr.eq(number[:4]),
                target.data.eq(Mux(relative, count + self.write_value[:32].as_signed(),
                                   self.write_value)),
            ]
            with m.If(self.number == SysReg.CONTEXTIDR):
                m.d.comb += target.data[32:].eq(0)
        return Mux(relative, left[:32], source.data), expired

    def _connect_gic(self, m):
        number = self.number.as_value()
        controller = number[4:] == SysReg.ICC_PMR.value >> 4
        m.d.comb += [
            self.gic.number.eq(number[:4]), self.gic.write_value.eq(self.write_value),
            self.gic.read.eq(self.take & controller), self.gic.write.eq(self.write & controller),
        ]

    def _monitor(self, m):
        """Return the performance monitors, connected."""
        m.submodules.monitors = monitors = PerformanceMonitors(
            counters=self.config.event_counters)
        m.d.comb += [
            monitors.number.eq(self.number), monitors.write.eq(self.write),
            monitors.write_value.eq(self.write_value), monitors.el0.eq(self.el0),
            monitors.cause.eq(self.cause), monitors.events.eq(self.events),
            monitors.events.EXC_TAKEN.eq(self.enter), monitors.events.EXC_RETURN.eq(self.leave),
            self.gic.ppi[2].eq(monitors.irq),
        ]
        return monitors

    def _control_el0(self, m, sctlr, kernel_control, monitors):
        """Say what EL0 may do."""
        controls = self.controls
        m.d.comb += [
            controls.UCI.eq(sctlr[26]), controls.NTWI.eq(sctlr[16]), controls.UCT.eq(sctlr[15]),
            controls.DZE.eq(sctlr[14]), controls.UMA.eq(sctlr[9]),
            controls.EL0PCTEN.eq(kernel_control[0]), controls.EL0VCTEN.eq(kernel_control[1]),
            controls.FREQUENCY.eq(kernel_control[0] | kernel_control[1]),
            controls.EL0VTEN.eq(kernel_control[8]), controls.EL0PTEN.eq(kernel_control[9]),
            controls.EN.eq(monitors[0]), controls.SW.eq(monitors[0] | monitors[1]),
            controls.CR.eq(monitors[0] | monitors[2]), controls.ER.eq(monitors[0] | monitors[3]),
        ]

    def _geometry(self, cache_bytes, ways):
        """Return CCSIDR_EL1 of a cache: sets, ways and the 64 bytes of a line."""
        return (cache_bytes // 64 // ways - 1) << 13 | (ways - 1) << 3 | 2

    def _read(self, m, stored, monitored, registers):
        address_bits = self.config.addr_width
        constants = {
            # The identification registers say what there is.
            SysReg.MIDR: 0x000F_0000, SysReg.MPIDR: 0x8000_0000,
            # 64-byte lines in both caches; IDC and DIC clear: software cleans and invalidates.
            SysReg.CTR: 0x8444_C004,
            # GICv3's registers; EL0 and EL1 in AArch64 only; neither floating point nor SIMD.
            SysReg.ID_PFR0: 0x01FF_0011,
            # Atomics, CRC32.
            SysReg.ID_ISAR0: 2 << 20 | 1 << 16,
            # LDAPR, DC CVAP.
            SysReg.ID_ISAR1: 1 << 20 | 1,
            # No translation granule of 4, 16 or 64 KiB; address bits.
            SysReg.ID_MMFR0: 0xFF00_0000 | (2 if address_bits == 40 else address_bits >= 36),
            # PMUv3; no debug.
            SysReg.ID_DFR0: 1 << 8,
            # PAN.
            SysReg.ID_MMFR1: 1 << 20,
            # One level, unified with the memory behind it.
            SysReg.CLIDR: 0x0920_0003,
        }
        with m.Switch(self.number):
            for number, value in (registers | constants).items():
                with m.Case(number):
                    m.d.comb += self.value.eq(value)
            with m.Case(SysReg.ZERO):
                m.d.comb += self.value.eq(0)
            with m.Case("10- ----"):
                m.d.comb += self.value.eq(monitored)
            with m.Case("110 ----"):
                m.d.comb += self.value.eq(self.gic.value)
            with m.Default():
                m.d.comb += self.value.eq(stored)
