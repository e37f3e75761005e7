"""One queue pair: its registers, its two rings, and its life from enable to reset."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.bus import AXI4LiteSignature
from rtl.config import DmaConfig
from rtl.csr import RegisterBank, RegisterMap

from .completion import CompletionContext
from .descriptor import CAUSE_WIDTH
from .encoding import Cause
from .fetcher import RingContext
from .message import MessageContext, MessageTimer
from .planner_context import PlannerContext
from .push import PushContext
from .registers import MESSAGES, PAGE_BYTES, QUEUE
from .ring import Ring

__all__ = ["HALVES", "QueuePair"]

HALVES = ("m2s", "s2m")


class QueuePair(wiring.Component):
    """State of a queue pair, between the registers and the shared parts of the engine.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(12))`
        The pair's page.
    tenant : :py:`In(16)`
        Owner of the pair.
    fetch_m2s, fetch_s2m : :py:`In(RingContext(config))`
        The rings, to the fetcher.
    plan : :py:`In(PlannerContext())`
        The pair, to the planner.
    push : :py:`In(PushContext())`
        The pair, to its slots.
    complete_m2s, complete_s2m : :py:`In(CompletionContext(config))`
        The completion rings, to the completion writer.
    purge_m2s, purge_s2m, purged_m2s, purged_s2m : :py:`Out(1)`, :py:`In(1)`
        A reset wants the oldest prefetched descriptor of the ring dropped; it is being dropped.
    cause : :py:`In(CAUSE_WIDTH)`
        First error since the last reset.
    piece, handed : :py:`In(1)`
        Strobes: a piece of the pair has ended without a completion, or has been handed to the
        completion writer.
    disable : :py:`In(1)`
        Start nothing, whatever the pair's registers say.
    abort, reset : :py:`In(1)`
        Strobes: as if software had written it to ``SW_CTRL``; an abort only if the pair is enabled.
    aborted : :py:`Out(1)`
        Strobe: the pair has been aborted.
    message : :py:`In(MessageContext(config))`
        With ``config.messages``: the pair's message interrupts, to the completion writer.
    clear : :py:`Out(1)`
        Strobe: the pair is drained and starts anew.
    locked : :py:`Out(1)`
        The pair is enabled or busy: its configuration must not change.
    busy : :py:`Out(1)`
        Something of the pair is under way.
    irq : :py:`Out(1)`
        Interrupt, a level.
    """

    s_axil: wiring.PureInterface
    tenant: Signal
    plan: wiring.PureInterface
    push: wiring.PureInterface
    cause: Signal
    piece: Signal
    handed: Signal
    disable: Signal
    abort: Signal
    reset: Signal
    aborted: Signal
    clear: Signal
    locked: Signal
    busy: Signal
    irq: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        page_bits = ceil_log2(PAGE_BYTES)
        super().__init__({
            "s_axil":         In(AXI4LiteSignature(addr_width=page_bits)),
            "tenant":         In(16),
            **{f"fetch_{half}": In(RingContext(config)) for half in HALVES},
            "plan":           In(PlannerContext()),
            "push":           In(PushContext()),
            **{f"complete_{half}": In(CompletionContext(config)) for half in HALVES},
            **{f"purge_{half}": Out(1) for half in HALVES},
            **{f"purged_{half}": In(1) for half in HALVES},
            "cause":          In(CAUSE_WIDTH),
            "piece":          In(1),
            "handed":         In(1),
            "disable":        In(1),
            "abort":          In(1),
            "reset":          In(1),
            "aborted":        Out(1),
            **({"message": In(MessageContext(config))} if config.messages else {}),
            "clear":          Out(1),
            "locked":         Out(1),
            "busy":           Out(1),
            "irq":            Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        page_bits = ceil_log2(PAGE_BYTES)
        registers = [*QUEUE.registers, *(MESSAGES.registers if self.config.messages else ())]
        m.submodules.bank = bank = RegisterBank(RegisterMap(QUEUE.name, QUEUE.doc, registers),
                                                addr_width=page_bits)
        wiring.connect(m, wiring.flipped(self.s_axil), bank.s_axil)

        # Pieces between the planner and the completion writer.
        work = Signal(range(4 * (self.config.outstanding + self.config.packets)))
        m.d.sync += work.eq(work + self.plan.start - self.piece - self.handed)

        failed, resetting, idle, stopped = Signal(), Signal(), Signal(), Signal()
        drained, told = Signal(), Signal(init=1)
        rings = [self._ring(m, half, bank, failed, resetting) for half in HALVES]
        m.d.comb += [
            failed.eq(self.cause != Cause.NONE),
            drained.eq((work == 0) & ~self.plan.planning & rings[0].idle & rings[1].idle
                    & ~self.fetch_m2s.picked & ~self.fetch_s2m.picked
                    & self.complete_m2s.idle & self.complete_s2m.idle),
            idle.eq(drained & told),
            self.busy.eq(~idle),
            self.locked.eq(self.busy | resetting | Cat(
                getattr(bank, f"{half}_cfg_{enable}") for half in HALVES
                for enable in ("en_prefetch", "en_scheduling")).any()),
            bank.locked.eq(self.locked),
            stopped.eq(failed & drained & ~self.plan.opened),
            self.purge_m2s.eq(resetting & idle & (rings[0].level != 0)),
            self.purge_s2m.eq(resetting & idle & (rings[1].level != 0)),
            self.clear.eq(resetting & idle & ~self.purge_m2s & ~self.purge_s2m),
            self.plan.run.eq(bank.m2s_cfg_en_scheduling & bank.s2m_cfg_en_scheduling
                             & ~resetting & ~self.disable),
            self.aborted.eq(bank.sw_ctrl_write & bank.sw_ctrl_abort
                            | self.abort & bank.m2s_cfg_en_scheduling & bank.s2m_cfg_en_scheduling),
            self.plan.stop.eq(failed),
            self.plan.idle.eq(work == 0),
            self.plan.clear.eq(self.clear),
            self.plan.tenant.eq(self.tenant),
            self.plan.announced.eq(
                (self.plan.m2s_available | (rings[0].pending != 0) | ~rings[0].idle)
                & (self.plan.s2m_available | (rings[1].pending != 0) | ~rings[1].idle)),
            self.plan.soon.eq(self.push.soon),
            self.plan.touched.eq(self.push.touched),
            self.push.enable.eq(bank.push_enable),
            self.push.clear.eq(self.clear),
            bank.push_free_slots.eq(self.push.free),
            bank.state_running.eq(self.plan.run & ~failed),
            bank.state_stopped.eq(stopped),
            bank.state_resetting.eq(resetting),
            bank.state_busy.eq(self.busy),
            bank.state_cause.eq(self.cause),
        ]
        with m.If(self.clear):
            m.d.sync += resetting.eq(0)
        with m.If(bank.sw_ctrl_write & bank.sw_ctrl_reset | self.reset):
            m.d.sync += resetting.eq(1)

        stopped_prev = Signal()
        m.d.sync += stopped_prev.eq(stopped)
        m.d.comb += [
            bank.irq_cause_s2m_set.eq(self.complete_s2m.interrupt),
            bank.irq_cause_m2s_set.eq(self.complete_m2s.interrupt),
            bank.irq_cause_error_set.eq(stopped & ~stopped_prev),
            self.irq.eq(bank.irq_cause_s2m & bank.irq_enable_s2m
                        | bank.irq_cause_m2s & bank.irq_enable_m2s
                        | bank.irq_cause_error & bank.irq_enable_error),
        ]
        if self.config.messages:
            self._messages(m, bank, told)
        return m

    def _messages(self, m, bank, told):
        """Add the message interrupts, which have all been ``told`` or have to be."""
        m.submodules.messages = timer = MessageTimer()
        set_ = {name: getattr(bank, f"irq_cause_{name}_set") & getattr(bank, f"irq_enable_{name}")
                for name in ("s2m", "m2s", "error")}
        m.d.comb += [
            timer.enable.eq(bank.message_cfg_enable),
            timer.count.eq(bank.message_cfg_count),
            timer.cycles.eq(bank.message_cfg_cycles),
            timer.interrupts.eq(sum(set_.values())),
            timer.urgent.eq(set_["error"]),
            timer.flush.eq(~self.plan.run),
            timer.clear.eq(self.clear),
            timer.take.eq(self.message.take),
            timer.end.eq(self.message.end),
            told.eq(timer.idle),
            self.message.due.eq(timer.due),
            self.message.address.eq(Cat(Const(0, 2), bank.message_addr_lo_address,
                                        bank.message_addr_hi_address)),
            self.message.data.eq(bank.message_data_value),
            self.message.tenant.eq(self.tenant),
        ]

    def _ring(self, m, half, bank, failed, resetting):
        """Add the ring of one half, between its registers and the shared parts."""
        ring = Ring(self.config)
        m.submodules[half] = ring

        def register(name):
            return getattr(bank, f"{half}_{name}")

        fetch, complete = getattr(self, f"fetch_{half}"), getattr(self, f"complete_{half}")
        plan, pushed = self.plan, bank.push_enable
        taken, purged = getattr(plan, f"{half}_take"), getattr(self, f"purged_{half}")
        m.d.comb += [
            ring.enable.eq(register("cfg_en_prefetch") & ~pushed & ~failed & ~resetting
                           & ~self.disable),
            ring.clear.eq(self.clear),
            ring.length.eq(register("ring_length_count")),
            ring.doorbell.eq(register("tail_inc_write") & ~pushed),
            ring.doorbell_count.eq(register("tail_inc_count")),
            ring.fetch.eq(fetch.fetch),
            ring.fetch_count.eq(fetch.fetch_count),
            ring.arrive.eq(fetch.arrive),
            ring.take.eq(taken | purged),
            ring.pushed.eq(pushed & ~purged),
            getattr(self.push, f"{half}_take").eq(taken & pushed),
            ring.shared.eq(fetch.shared),
            fetch.wants.eq(ring.wants),
            fetch.most.eq(ring.most),
            fetch.grows.eq(ring.grows),
            fetch.shrinks.eq(ring.shrinks),
            fetch.base.eq(Cat(Const(0, 6), register("ring_base_lo_address"),
                              register("ring_base_hi_address"))),
            fetch.length.eq(ring.length),
            fetch.pending.eq(ring.pending),
            fetch.head.eq(ring.head),
            fetch.head_id.eq(ring.head_id),
            fetch.tenant.eq(self.tenant),
            getattr(plan, f"{half}_available").eq(Mux(
                pushed, getattr(self.push, f"{half}_available"), ring.available)),
            getattr(plan, f"{half}_index").eq(ring.current),
            getattr(plan, f"{half}_overrun").eq(ring.overrun),
            complete.enable.eq(register("comp_cfg_enable")),
            complete.base.eq(Cat(Const(0, 6), register("comp_base_lo_address"),
                                 register("comp_base_hi_address"))),
            complete.length.eq(ring.length),
            complete.tenant.eq(self.tenant),
            complete.flush.eq(resetting),
            complete.clear.eq(self.clear),
            register("status_pending").eq(ring.pending),
            register("status_prefetched").eq(ring.level),
            register("head_index").eq(ring.head),
            register("head_ring_id").eq(ring.head_id),
            register("tail_index").eq(ring.tail),
            register("tail_ring_id").eq(ring.tail_id),
            register("current_index").eq(ring.current),
            register("comp_head_index").eq(complete.head),
            register("comp_head_ring_id").eq(complete.head_id),
        ]
        return ring
