"""Memory and write stages: where effects become architectural, one micro-op after the other."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature
from rtl.config import CoreConfig
from rtl.core.access import NextAccessLayout
from rtl.core.atomic import AtomicUnit, is_zero
from rtl.core.cause import CycleCause
from rtl.core.dcache import Maintenance
from rtl.core.execute import Executed
from rtl.core.gic_port import GicPortSignature
from rtl.core.issue import ResultLayout, announce, writes_sp
from rtl.core.late import LateUnit, waiting_cause
from rtl.core.lsu import LoadStoreUnit
from rtl.core.pmu import EventsLayout
from rtl.core.predictor import PC_BITS, RETURN_BITS, PredictorUpdateLayout
from rtl.core.regfile import RegisterWrite
from rtl.core.retire_collector import RetiredUop
from rtl.core.syndrome import ExceptionClass, data_abort, syndrome
from rtl.core.sysreg_table import El0Controls
from rtl.core.sysregs import SystemRegisters
from rtl.core.uop import Late, Slot, SystemOp, Unit
from rtl.core.written import Written, fill_record

__all__ = ["CommitStage"]

REFETCH = (SystemOp.WRITE, SystemOp.DAIF_SET, SystemOp.DAIF_CLEAR, SystemOp.SYNC,
           SystemOp.ICACHE_INVALIDATE, SystemOp.WAIT)
"""System operations after which the instructions behind are fetched anew."""


class CommitStage(wiring.Component):
    """Loads, stores, divisions, system operations and exceptions; then the register write.

    A micro-op that leaves the memory stage without a fault is final, unless the data cache says
    one cycle later that it missed: then its instruction is fetched again, while the line comes.
    Its register is written in the write stage, or, when it is held, as soon as the next micro-op
    of the instruction leaves the memory stage.

    What starts fetch anew, a missed access too, is a register: in its cycle the micro-op in the
    memory stage is the first one to be dropped.

    Members
    -------
    i : :py:`In(Slot)`, executed : :py:`In(Executed)`
        Micro-op in the memory stage.
    next : :py:`In(NextAccessLayout())`
        The access of the micro-op that comes next, one cycle early.
    product, product_high : :py:`In(64)`
        Result of the multiplier for the memory stage; upper half of a product for the write stage.
    quotient : :py:`In(64)`, divided : :py:`In(1)`
        Result of the divider for the memory stage, and whether it is there.
    stall : :py:`Out(1)`
        The micro-op stays.
    advance_write : :py:`Out(1)`
        The micro-op goes into the write stage.
    flush : :py:`Out(1)`, target : :py:`Out(64)`, flush_cause : :py:`Out(CycleCause)`
        What is in the memory stage and in front of it is dropped, and execution goes on at
        ``target``, with the return stack at ``depth``.
    recall : :py:`Out(1)`
        It is for the branch of the ``update`` one cycle ago.
    update : :py:`Out(PredictorUpdateLayout())`
        What became of the branch in the memory stage.
    results : :py:`Out(ResultLayout()).array(2)`
        Results of the memory and the write stage, for the bypass.
    old_flags, new_flags : :py:`Out(4)`, flags_new : :py:`Out(1)`
        NZCV before the micro-op in the memory stage, what it makes of them, unless it is a
        comparison with a late operand, and whether it does.
    check_sp : :py:`Out(1)`
        Accesses relative to the stack pointer need it to be aligned.
    write, write_sp, sp_value, sp_el0_write, sp_el0_value : :py:`Out`
        Register file.
    apart : :py:`Out(1)`
        Two elements should not be accessed together.
    sp_el0 : :py:`In(64)`
        SP_EL0.
    beyond : :py:`In(64 - PC_BITS)`
        Upper part of the address of an instruction that could not be fetched for it, else 0.
    gic : :py:`Out(GicPortSignature())`
        Interrupt controller.
    irq_taken, serror_taken : :py:`Out(1)`
        Unmasked interrupt and unmasked asynchronous error, for decode.
    el0, sp_el1, illegal : :py:`Out(1)`, controls : :py:`Out(El0Controls)`
        Program state, and what EL0 may do.
    front_events : :py:`In(EventsLayout())`
        Events of fetch and of branches.
    invalidate : :py:`Out(1)`
        Invalidate the instruction cache.
    retired : :py:`Out(RetiredUop)`, retired_flags : :py:`Out(4)`
        For the retire port.
    cause : :py:`Out(CycleCause)`
        What this cycle was spent on.
    m_axi : :py:`Out(AXI4Signature)`
        Data bus.
    """

    def __init__(self, config: CoreConfig, *, regions):
        self.config = config
        self.regions = tuple(regions)
        super().__init__({
            "i":             In(Slot),
            "executed":      In(Executed),
            "next":          In(NextAccessLayout()),
            "product":       In(64),
            "product_high":  In(64),
            "quotient":      In(64), "divided": In(1),
            "stall":         Out(1),
            "advance_write": Out(1),
            "flush":         Out(1),
            "target":        Out(64),
            "flush_cause":   Out(CycleCause),
            "depth":         Out(RETURN_BITS),
            "recall":        Out(1),
            "update":        Out(PredictorUpdateLayout()),
            "results":       Out(ResultLayout()).array(2),
            "check_sp":      Out(1),
            "old_flags":     Out(4), "new_flags": Out(4), "flags_new": Out(1),
            "write":         Out(RegisterWrite).array(2),
            "write_sp":      Out(1), "sp_value": Out(64),
            "apart":         Out(1),
            "sp_el0_write":  Out(1), "sp_el0_value": Out(64),
            "sp_el0":        In(64),
            "beyond":        In(64 - PC_BITS),
            "gic":           Out(GicPortSignature()),
            "irq_taken":     Out(1), "serror_taken": Out(1),
            "el0":           Out(1),
            "sp_el1":        Out(1),
            "illegal":       Out(1),
            "controls":      Out(El0Controls),
            "front_events":  In(EventsLayout()),
            "invalidate":    Out(1),
            "retired":       Out(RetiredUop),
            "retired_flags": Out(4),
            "cause":         Out(CycleCause),
            "m_axi":         Out(AXI4Signature(addr_width=config.addr_width,
                                               data_width=config.bus_width, id_width=1)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.lsu = lsu = LoadStoreUnit(self.config, regions=self.regions)
        m.submodules.system = system = SystemRegisters(self.config)
        wiring.connect(m, wiring.flipped(self.m_axi), lsu.m_axi)
        wiring.connect(m, wiring.flipped(self.gic), system.gic)
        uop, executed = self.i.uop, self.executed
        written = Signal(Written)
        self._match, self._wakes, self._valid, self._read = Signal(), Signal(), Signal(), Signal(64)
        self._event, self._event_target = Signal(), Signal(64)
        self._event_cause = Signal(CycleCause)
        valid = self._valid
        m.d.sync += self._event.eq(0)
        m.d.comb += valid.eq(self.i.valid & ~self.flush)

        memory, sp_fault = Signal(), Signal()
        # Whether the micro-op stays is known early: in a cycle of `flush` it does not matter.
        m.d.comb += [
            memory.eq(executed.accesses | sp_fault),
            sp_fault.eq(self.i.valid & executed.sp_fault), self.check_sp.eq(system.check_sp),
        ]
        self._access(m, lsu, executed.accesses, system, written)
        self._note_match(m, lsu)

        fault, system_goes, taken = Signal(), Signal(), Signal()
        # What is read passes a register: it is taken in one cycle and given in the next.
        reads = uop.system == SystemOp.READ
        ready = (~written.valid & ((uop.system != SystemOp.BARRIER) | lsu.drained)
                 & ((uop.system != SystemOp.WAIT) | self._wakes))
        m.d.comb += [
            self.stall.eq((executed.accesses & ~(lsu.done | lsu.fault)) | executed.compares
                          | (executed.divides & ~self.divided)
                          | (executed.system & ~(ready & (taken | ~reads)))),
            system_goes.eq(executed.system & ~self.flush & ready & ~taken),
            fault.eq((memory & valid & (lsu.fault | sp_fault))
                     | (system_goes & (uop.system == SystemOp.EXCEPTION))),
            self.advance_write.eq(valid & ~self.stall),
        ]
        m.d.sync += [taken.eq(system_goes & reads), self._read.eq(system.value)]

        m.submodules.late = late = LateUnit()
        m.d.comb += [late.i.eq(self.i), late.executed.eq(executed), late.flags.eq(system.flags),
                     self.update.eq(late.update)]
        self._flags(m, system, fault, late)
        self._branch(m, late)
        self._system(m, system, lsu, system_goes)
        self._exceptions(m, system, lsu, fault, sp_fault)
        self._write_stage(m, written, lsu, system, fault, memory, late.result)
        self._start_anew(m, written, lsu)
        self._attribute(m, written, lsu, fault)
        return m

    def _access(self, m, lsu, valid, system, written):
        uop, access, executed = self.i.uop, lsu.access, self.executed
        m.submodules.atomic = atomic = AtomicUnit()
        m.d.comb += [
            # What the load in front found is held in the write stage.
            atomic.operation.eq(uop.atomic), atomic.size_log2.eq(uop.size_log2),
            atomic.old.eq(written.value), atomic.operand.eq(executed.c), atomic.b.eq(executed.b),
            access.valid.eq(valid), access.write.eq(uop.unit == Unit.STORE),
            access.addr.eq(self.executed.addr), access.data.eq(atomic.result),
            access.size_log2.eq(uop.size_log2), access.signed.eq(uop.signed),
            access.wide.eq(uop.wide), access.aligned.eq(uop.aligned | system.check_alignment),
            access.exclusive.eq(uop.exclusive), access.acquire.eq(uop.acquire),
            access.release.eq(uop.release), access.maintenance.eq(uop.maintenance),
            access.restricted.eq(uop.restricted), access.pair.eq(uop.pair),
            access.skip.eq((uop.if_match & ~self._match) | (uop.match & atomic.differs)),
            access.ignored.eq(uop.unless_match & self._match),
            access.cached.eq(system.cache_enabled), access.two.eq(uop.two),
            access.second.eq(executed.b), access.behind.eq(uop.apart),
            access.by_set.eq(uop.by_set), self.apart.eq(lsu.apart),
            lsu.drop.eq(self.flush),
            lsu.lookup.eq(~self.stall), lsu.next.eq(self.next),
            lsu.next.strict.eq(self.next.strict | system.check_alignment),
            # What stands in front of the next access: the micro-op here, or, if there is none, one
            # that is held. An access behind one that hit the same line hits, too. The next line has
            # another bit 6.
            lsu.next.held.eq(Mux(self.i.valid, uop.hold, written.valid & written.hold)),
            lsu.next.careful.eq((lsu.next.held | self.next.behind) & (
                Mux(self.i.valid, executed.addr[6], written.odd_line) != self.next.addr[6])),
        ]

    def _note_match(self, m, lsu):
        """Remember a comparison, or the success of a store-exclusive, for micro-ops behind it."""
        uop = self.i.uop
        with m.If(self.advance_write & uop.match):
            m.d.sync += self._match.eq(is_zero(self.executed.result, uop.size_log2)
                                       & (self._match | ~uop.match_also))
        with m.Elif(self.advance_write & uop.exclusive):
            m.d.sync += self._match.eq(~lsu.result[0])

    def _start_anew(self, m, written, lsu):
        """Drop what is younger: behind an event of the cycle before, or from a miss on."""
        m.d.comb += [
            self.flush.eq(self._event | lsu.missed),
            self.target.eq(Mux(lsu.missed, written.pc, self._event_target)),
            self.flush_cause.eq(Mux(lsu.missed, self._miss(written), self._event_cause)),
            self.depth.eq(written.depth),
        ]

    def _miss(self, written):
        return Mux(written.write, CycleCause.STORE, CycleCause.LOAD)

    def _flags(self, m, system, fault, late):
        """NZCV behind the memory stage."""
        uop, executed = self.i.uop, self.executed
        new = Cat(executed.overflow, executed.carry, executed.zero, executed.negative)
        m.d.comb += [
            # What is dropped in this cycle may say anything.
            self.old_flags.eq(system.flags), self.new_flags.eq(new),
            self.flags_new.eq(executed.writes_flags),
            system.flags_value.eq(Mux(self.i.late_a | self.i.late_b, late.new_flags, new)),
            system.flags_write.eq(uop.flags & self.advance_write & ~fault),
            self.retired_flags.eq(system.flags),
        ]

    def _branch(self, m, late):
        """Start anew behind a late branch that went another way."""
        m.d.sync += self.recall.eq(0)
        executed = self.executed
        with m.If(self._valid & late.late_branch & late.update.wrong):
            m.d.sync += [
                self._event.eq(1), self.recall.eq(1), self._event_cause.eq(CycleCause.BRANCH),
                self._event_target.eq(Mux(late.update.taken, self.i.uop.imm, executed.behind)),
            ]

    def _system(self, m, system, lsu, goes):
        uop = self.i.uop
        m.d.comb += [
            system.number.eq(uop.sysreg), system.write_value.eq(self.executed.result),
            self.sp_el0_write.eq(system.sp_el0_write), self.sp_el0_value.eq(self.executed.result),
            system.sp_el0.eq(self.sp_el0), self.el0.eq(system.el0),
            self.sp_el1.eq(system.sp_el1), self.illegal.eq(system.illegal),
            self.controls.eq(system.controls),
            system.read.eq(self.i.valid & (uop.unit == Unit.SYSTEM)
                           & (uop.system == SystemOp.READ)),
        ]
        with m.If(goes):
            with m.Switch(uop.system):
                with m.Case(SystemOp.READ):
                    m.d.comb += system.take.eq(1)
                with m.Case(SystemOp.WRITE):
                    m.d.comb += system.write.eq(1)
                with m.Case(SystemOp.DAIF_SET):
                    m.d.comb += system.daif_set.eq(self.executed.result[:4])
                with m.Case(SystemOp.DAIF_CLEAR):
                    m.d.comb += system.daif_clear.eq(self.executed.result[:4])
                with m.Case(SystemOp.RETURN):
                    m.d.comb += [system.leave.eq(1), lsu.clear_monitor.eq(1)]
                with m.Case(SystemOp.CLEAR_MONITOR):
                    m.d.comb += lsu.clear_monitor.eq(1)
                with m.Case(SystemOp.ICACHE_INVALIDATE):
                    m.d.comb += self.invalidate.eq(1)
            with m.Switch(uop.system):
                with m.Case(*REFETCH):
                    m.d.sync += [self._event.eq(1), self._event_target.eq(self.executed.behind),
                                 self._event_cause.eq(CycleCause.SYSTEM)]
                with m.Case(SystemOp.RETURN):
                    m.d.sync += [self._event.eq(1), self._event_target.eq(system.return_pc),
                                 self._event_cause.eq(CycleCause.SYSTEM)]

    def _exceptions(self, m, system, lsu, fault, sp_fault):
        uop, pc = self.i.uop, Cat(self.i.pc, self.beyond)
        serror = Signal()
        with m.If(lsu.store_error):
            m.d.sync += serror.eq(1)
        with m.Elif(fault & uop.serror):
            m.d.sync += serror.eq(0)
        # Registers: fetch starts anew behind whatever changes a mask, so that the value is old.
        m.d.sync += [
            self.irq_taken.eq(self.gic.irq & ~system.irq_masked),
            self._wakes.eq(self.gic.irq | serror),
            self.serror_taken.eq(serror & ~system.serror_masked),
        ]
        m.d.comb += [
            system.serror.eq(serror), system.enter_pc.eq(Mux(uop.after, self.executed.behind, pc)),
            system.enter_kind.eq(Cat(uop.interrupt | uop.serror, uop.serror)),
            system.enter_syndrome.eq(self.executed.result),
        ]
        with m.If(uop.fetch_fault):
            m.d.comb += [system.enter_has_address.eq(1), system.enter_address.eq(pc)]
        with m.If(sp_fault):
            m.d.comb += system.enter_syndrome.eq(syndrome(ExceptionClass.SP_ALIGNMENT))
        with m.Elif(lsu.fault):
            m.d.comb += [
                system.enter_has_address.eq(1), system.enter_address.eq(self.executed.addr),
                system.enter_syndrome.eq(data_abort(
                    system.el0, lsu.fault_code, write=lsu.access.write, zeroes=uop.line,
                    maintains=uop.maintenance != Maintenance.NONE)),
            ]
        with m.If(fault):
            m.d.comb += [system.enter.eq(1), lsu.clear_monitor.eq(1)]
            m.d.sync += [self._event.eq(1), self._event_target.eq(system.vector),
                         self._event_cause.eq(CycleCause.EXCEPTION)]

    def _write_stage(self, m, written, lsu, system, fault, memory, combined):
        uop, slot = self.i.uop, self.i
        value, other, early = Signal(64), Signal(64), Signal(64)
        m.d.comb += other.eq(self.executed.result)
        with m.If(uop.unit == Unit.DIVIDE):
            m.d.comb += other.eq(self.quotient)
        with m.Elif(uop.unit == Unit.MULTIPLY):
            m.d.comb += other.eq(self.product)
        with m.Elif((uop.unit == Unit.LOAD) | uop.exclusive):
            m.d.comb += other.eq(lsu.stored & lsu.access.ignored.replicate(64))
        with m.Elif(uop.unit == Unit.SYSTEM):
            m.d.comb += other.eq(self._read)
        with m.Elif(uop.combine):
            m.d.comb += other.eq(combined)
        # What is loaded comes last.
        m.d.comb += [early.eq(other | lsu.result), value.eq(early | lsu.loaded)]
        goes, second_value = Signal(), Signal(64)
        m.d.comb += [
            second_value.eq(Mux(uop.two, lsu.second_result, self.executed.result)),
            goes.eq(written.valid & ~lsu.missed & (~written.hold | (memory & lsu.settled))),
        ]
        with m.If(self.advance_write):
            m.d.sync += [
                written.valid.eq(1), written.hold.eq(uop.hold & ~fault),
                written.write.eq(uop.unit == Unit.STORE),
                written.odd_line.eq(self.executed.addr[6]), written.pc.eq(slot.pc),
                written.depth.eq(slot.prediction.depth),
                written.product.eq((uop.unit == Unit.MULTIPLY) & uop.high_half),
                written.half.eq(slot.half & ~fault),
                written.dest_used.eq(uop.dest.used & ~uop.dest_sp & ~fault),
                written.dest_index.eq(uop.dest.index), written.value.eq(value),
                written.second_used.eq(uop.second.used & ~fault),
                written.second_index.eq(uop.second.index), written.second_value.eq(second_value),
                written.sp_used.eq(writes_sp(uop) & ~fault),
                written.sp_value.eq(self.executed.result),
                written.counts.eq(memory & ~fault & ~lsu.device & system.cache_enabled
                                  & (uop.maintenance == Maintenance.NONE)),
            ]
            # Behind a branch to nowhere, `beyond` belongs to its target already.
            fill_record(m, written.retired, slot, self.executed, lsu, memory=memory, fault=fault,
                        syndrome=system.enter_syndrome, beyond=Mux(fault, self.beyond, 0))
        with m.Elif(goes | lsu.missed):
            m.d.sync += written.valid.eq(0)

        # A read that is longer than one beat is of a line.
        refills = self.m_axi.arvalid & self.m_axi.arready & self.m_axi.arlen.any()
        m.d.comb += [
            system.events.eq(self.front_events), system.cause.eq(self.cause),
            system.events.L1D_CACHE_REFILL.eq(refills),
            system.events.L1D_CACHE.eq(goes & written.counts),
        ]
        final = Mux(written.product, self.product_high, written.value)
        # The second value is seldom needed so early: no leg of the bypass is spent on it.
        announce(m, self.results[0], slot, early, second_waits=1,
                 sp_waits=uop.unit == Unit.LOAD, loaded=lsu.loaded)
        m.d.comb += [
            self.write[0].valid.eq(goes & written.dest_used),
            self.write[0].index.eq(written.dest_index), self.write[0].value.eq(final),
            self.write[1].valid.eq(goes & written.second_used),
            self.write[1].index.eq(written.second_index),
            self.write[1].value.eq(written.second_value),
            self.write_sp.eq(goes & written.sp_used), self.sp_value.eq(written.sp_value),
            self.results[1].used.eq(written.valid & written.dest_used),
            self.results[1].index.eq(written.dest_index),
            # The next micro-op of the instruction has its operands if it is in the memory stage.
            self.results[1].held.eq(written.hold & ~slot.valid),
            self.results[1].late.eq(Late.WRITE), self.results[1].value.eq(final),
            self.results[1].second_used.eq(written.valid & written.second_used),
            self.results[1].second_index.eq(written.second_index),
            self.results[1].sp.eq(written.valid & written.sp_used),
            self.retired.eq(written.retired), self.retired.valid.eq(goes),
            self.retired.registers[0].value.eq(final),
            self.retired.registers[1].value.eq(written.second_value),
            self.retired.registers[2].value.eq(written.sp_value),
            self.retired.half.eq(written.half),
        ]

    def _attribute(self, m, written, lsu, fault):
        """Say what the cycle before was spent on, now that it is known whether it missed."""
        now, before = Signal(CycleCause), Signal(CycleCause, init=CycleCause.RESET)
        m.d.comb += now.eq(Mux(self.flush, self.flush_cause, self.i.cause))
        with m.If(fault):
            m.d.comb += now.eq(CycleCause.EXCEPTION)
        with m.Elif(self.advance_write):
            m.d.comb += now.eq(Mux(self.i.last, CycleCause.ISSUE, CycleCause.CRACK))
        with m.Elif(self._valid):
            m.d.comb += now.eq(waiting_cause(self.i.uop, waiting=lsu.waiting))
        m.d.sync += before.eq(now)
        m.d.comb += self.cause.eq(Mux(lsu.missed, self._miss(written), before))
