"""The A64 core."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature
from rtl.config import CoreConfig
from rtl.core.cause import CycleCause
from rtl.core.commit import CommitStage
from rtl.core.decode_stage import DecodeStage
from rtl.core.divider import Divider
from rtl.core.execute import ExecuteStage
from rtl.core.fetch import Fetch
from rtl.core.gic_port import GicPortSignature
from rtl.core.issue import IssueStage, announce
from rtl.core.multiplier import Multiplier
from rtl.core.pipeline import PipelineLayout
from rtl.core.regfile import RegisterFile
from rtl.core.regions import CoreRegion
from rtl.core.retire import RetireLayout
from rtl.core.retire_collector import RetireCollector
from rtl.core.uop import Unit
from rtl.soc.memory_map import MEMORY_MAP

__all__ = ["Core", "memory_regions"]

REGISTERS = 32


def memory_regions(memory_map) -> tuple[CoreRegion, ...]:
    """Return the Normal memory of a memory map as regions of a core."""
    return tuple(CoreRegion(entry.base, entry.size) for entry in memory_map
                 if entry.kind == "memory")


class Core(wiring.Component):
    """In-order, single-issue core for a subset of A64, EL0 and EL1, without floating point.

    After reset it clears its registers and its instruction cache, then fetches from ``reset_pc``
    at EL1 with SP_EL1 in use and every interrupt masked.

    Timing
    ------
    Fetch, decode, issue, execute, memory, write. A result of the ALU or shifter can be used by
    the next micro-op, a loaded value and a product one cycle later, the upper half of a product two
    cycles later. A mispredicted branch costs three cycles, one on what was loaded right in front of
    it five, a predicted one none.

    Parameters
    ----------
    config : :class:`CoreConfig`
        Sizes.
    regions : iterable of :class:`CoreRegion`
        Normal memory: executable, cacheable. Everything else is Device memory. By default the
        memory of the chip's map.
    pipeline_port : :class:`bool`
        Emit the pipeline port, for a viewer; without it nothing of it is built.

    Members
    -------
    reset_pc : :py:`In(addr_width)`
        Address of the first instruction, sampled while reset.
    gic : :py:`Out(GicPortSignature())`
        Interrupt controller: registers of the CPU interface, private lines, request.
    ibus : :py:`Out(AXI4Signature)`
        Instruction cache fills, reads only.
    dbus : :py:`Out(AXI4Signature)`
        Data.
    cause : :py:`Out(CycleCause)`
        What this cycle was spent on; valid in every cycle.
    retire : :py:`Out(RetireLayout())`
        Retire port, if ``config.retire_port``.
    pipeline : :py:`Out(PipelineLayout())`
        Pipeline port, if ``pipeline_port``. It tells of an instruction's end when ``retire`` does.
    """

    def __init__(self, config: CoreConfig, *, regions=None, pipeline_port: bool = False):
        self.config = config
        self.pipeline_port = pipeline_port
        self.regions = memory_regions(MEMORY_MAP) if regions is None else tuple(regions)
        if not self.regions:
            raise ValueError("Core must have at least one region of memory to fetch from")
        bus = {"addr_width": config.addr_width, "data_width": config.bus_width, "id_width": 1}
        members = {
            "reset_pc": In(config.addr_width),
            "gic":      Out(GicPortSignature()),
            "ibus":     Out(AXI4Signature(**bus, write=False)),
            "dbus":     Out(AXI4Signature(**bus)),
            "cause":    Out(CycleCause),
        }
        if config.retire_port:
            members["retire"] = Out(RetireLayout())
        if pipeline_port:
            members["pipeline"] = Out(PipelineLayout())
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()

        m.submodules.fetch = fetch = Fetch(self.config, regions=self.regions,
                                           width=self.config.issue_width)
        m.submodules.decode = decode = DecodeStage(width=self.config.issue_width)
        m.submodules.registers = registers = RegisterFile()
        m.submodules.issue = issue = IssueStage(width=self.config.issue_width)
        m.submodules.execute = execute = ExecuteStage()
        m.submodules.multiplier = multiplier = Multiplier()
        m.submodules.divider = divider = Divider()
        m.submodules.commit = commit = CommitStage(self.config, regions=self.regions)
        wiring.connect(m, wiring.flipped(self.ibus), fetch.m_axi)
        wiring.connect(m, wiring.flipped(self.dbus), commit.m_axi)
        wiring.connect(m, wiring.flipped(self.gic), commit.gic)

        # Registers are cleared while the instruction cache clears its tags.
        clearing, clear_index = Signal(init=1), Signal(range(REGISTERS // 2))
        with m.If(clearing):
            m.d.sync += clear_index.eq(clear_index + 1)
            with m.If(clear_index == REGISTERS // 2 - 1):
                m.d.sync += clearing.eq(0)

        flush, flush_cause = Signal(), Signal(CycleCause)
        resolved = commit.update.valid & commit.advance_write
        m.d.comb += [
            flush.eq(commit.flush | execute.redirect),
            flush_cause.eq(Mux(commit.flush, commit.flush_cause, CycleCause.BRANCH)),
            fetch.reset_pc.eq(self.reset_pc),
            fetch.redirect.eq(flush),
            fetch.target.eq(Mux(commit.flush, commit.target, execute.target)),
            fetch.invalidate.eq(commit.invalidate),
            fetch.resolved.eq(execute.resolved), fetch.repair.eq(~commit.flush),
            fetch.update.eq(commit.update), fetch.recall.eq(commit.recall),
            fetch.depth.eq(commit.depth),
        ]

        m.d.comb += [
            decode.i.payload.eq(fetch.o.payload),
            decode.i.valid.eq(fetch.o.valid & ~clearing),
            fetch.o.ready.eq(decode.i.ready & ~clearing),
            decode.advance.eq(issue.advance), decode.flush.eq(flush),
            decode.flush_cause.eq(flush_cause), decode.missing.eq(fetch.missing),
            decode.el0.eq(commit.el0), decode.irq.eq(commit.irq_taken),
            decode.serror.eq(commit.serror_taken), decode.illegal.eq(commit.illegal),
            decode.controls.eq(commit.controls), decode.sp_el0.eq(~commit.sp_el1),
        ]
        self._connect_issue(m, decode, issue, execute, commit, registers)
        m.d.comb += [
            # A branch that sends fetch elsewhere may have to stay in the execute stage.
            issue.flush.eq(commit.flush | (execute.redirect & ~issue.stall)),
            issue.flush_cause.eq(flush_cause),
            execute.late.eq(commit.results[0].value | commit.results[0].loaded),
            execute.i.eq(issue.o[0]), execute.operands.eq(issue.operands[0]),
            execute.check_sp.eq(commit.check_sp), execute.old_flags.eq(commit.old_flags),
            execute.new_flags.eq(commit.new_flags), execute.flags_new.eq(commit.flags_new),
            execute.advance.eq(~commit.stall),
            execute.apart.eq(commit.apart),
            execute.flush.eq(commit.flush), execute.flush_cause.eq(flush_cause),
            commit.i.eq(execute.o), commit.executed.eq(execute.executed),
            commit.next.eq(execute.next), commit.product.eq(multiplier.low),
            commit.product_high.eq(multiplier.high),
            commit.beyond.eq(fetch.beyond),
            registers.clear.eq(clearing), registers.clear_index.eq(clear_index),
            self.cause.eq(commit.cause),
            commit.front_events.L1I_CACHE_REFILL.eq(self.ibus.arvalid & self.ibus.arready),
            commit.front_events.BR_MIS_PRED.eq(resolved & commit.update.wrong),
            commit.front_events.BR_PRED.eq(resolved & commit.update.branch),
        ]
        self._connect_multiplier(m, multiplier, issue, commit)
        self._connect_divider(m, divider, issue, execute, commit)

        if self.config.retire_port:
            m.submodules.collector = collector = RetireCollector()
            m.d.comb += [collector.i.eq(commit.retired), collector.flags.eq(commit.retired_flags),
                         self.retire.eq(collector.o)]
        if self.pipeline_port:
            self._watch(m, fetch, decode, issue, execute, commit, flush)
        return m

    def _watch(self, m, fetch, decode, issue, execute, commit, flush):
        """Say what moves in this cycle, one cycle later: when the retire port says it."""
        cracked = decode.cracks & ~flush
        # Two elements that are accessed one after the other are one micro-op: it leaves the execute
        # stage with the first, the memory stage with the second, or with one that faults.
        advanced = Signal()
        m.d.sync += advanced.eq(commit.advance_write)
        m.d.comb += self.pipeline.accessed.eq(advanced & ~commit.retired.half)
        m.d.sync += [
            self.pipeline.pc.eq(fetch.fetched.lanes[0].pc),
            self.pipeline.insn.eq(fetch.fetched.lanes[0].insn),
            self.pipeline.fetched.eq(fetch.pushed),
            self.pipeline.cracked.eq(cracked),
            self.pipeline.decoded.eq(cracked & decode.i.ready),
            self.pipeline.issued.eq(issue.i[0].valid & issue.advance & ~flush),
            self.pipeline.executed.eq(issue.o[0].valid & ~commit.stall & ~commit.flush
                                      & ~execute.behind),
            self.pipeline.written.eq(commit.retired.valid & ~commit.retired.half),
            self.pipeline.retired.eq(commit.retired.valid
                                     & (commit.retired.last | commit.retired.exception)),
            self.pipeline.flush.eq(flush), self.pipeline.flush_back.eq(commit.flush),
        ]

    def _connect_issue(self, m, decode, issue, execute, commit, registers):
        """Operands: register file and the results of the three stages behind."""
        uop = decode.o[0].uop
        announce(m, issue.stages[0], issue.o[0], execute.result,
                 second_waits=issue.o[0].uop.two, sp_waits=0, behind=execute.behind)
        m.d.comb += [
            issue.i[0].eq(decode.o[0]), issue.stall.eq(commit.stall | execute.again),
            registers.a.eq(uop.a), registers.a_sp.eq(uop.a_sp), registers.b.eq(uop.b),
            registers.c.eq(uop.c), issue.a_value[0].eq(registers.a_value),
            issue.b_value[0].eq(registers.b_value), issue.c_value[0].eq(registers.c_value),
            issue.stages[1].eq(commit.results[0]), issue.stages[2].eq(commit.results[1]),
            issue.second[0].eq(commit.write[1].value), issue.stack[0].eq(commit.sp_value),
            registers.sp_el1.eq(commit.sp_el1),
            registers.write[0].eq(commit.write[0]), registers.write[1].eq(commit.write[1]),
            registers.write_sp.eq(commit.write_sp), registers.sp_value.eq(commit.sp_value),
            registers.sp_el0_write.eq(commit.sp_el0_write),
            registers.sp_el0_value.eq(commit.sp_el0_value),
            commit.sp_el0.eq(registers.sp_el0),
        ]

    def _connect_multiplier(self, m, multiplier, issue, commit):
        uop = issue.o[0].uop
        m.d.comb += [
            multiplier.a.eq(issue.operands[0].a), multiplier.b.eq(issue.operands[0].b),
            multiplier.addend.eq(issue.operands[0].c), multiplier.wide.eq(uop.wide),
            multiplier.long.eq(uop.long), multiplier.signed.eq(uop.signed),
            multiplier.subtract.eq(uop.invert),
            multiplier.enable_1.eq(~commit.stall & (uop.unit == Unit.MULTIPLY)),
            multiplier.enable_2.eq(commit.advance_write),
        ]

    def _connect_divider(self, m, divider, issue, execute, commit):
        slot, operands = issue.o[0], issue.operands[0]
        m.d.comb += [
            divider.start.eq(slot.valid & (slot.uop.unit == Unit.DIVIDE) & ~commit.stall),
            divider.drop.eq(commit.flush),
            divider.a.eq(operands.a), divider.b.eq(operands.b),
            divider.wide.eq(slot.uop.wide), divider.signed.eq(slot.uop.signed),
            commit.quotient.eq(divider.result), commit.divided.eq(divider.done),
        ]
