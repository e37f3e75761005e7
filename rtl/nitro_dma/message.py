"""Interrupts that are messages: when a queue pair writes one."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

__all__ = ["MessageContext", "MessageTimer"]


class MessageContext(wiring.Signature):
    """What the completion writer must know of a pair's messages; seen from the writer.

    Members
    -------
    due : :py:`In(1)`
        A message is to be written.
    address, data, tenant : :py:`In`
        Where, a multiple of 4; what; the owner.
    take : :py:`Out(1)`
        Strobe: it is being written.
    end : :py:`Out(1)`
        Strobe: it has been answered, or was not allowed.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"due": In(1), "address": In(config.addr_width), "data": In(32),
                          "tenant": In(16), "take": Out(1), "end": Out(1)})


class MessageTimer(wiring.Component):
    """Gathers interrupts of a pair until a message is due.

    That is after ``count`` of them, ``cycles`` cycles after the first one, or at once after one
    that is ``urgent``, or when ``flush`` is high. A message stands for all interrupts before it.

    Timing
    ------
    ``due`` rises one cycle after the interrupt that makes a message due. One message is under way
    at a time.

    Members
    -------
    enable : :py:`In(1)`
        Gather. Otherwise interrupts are no messages.
    count, cycles : :py:`In(7)`, :py:`In(16)`
        As above; a count of 0 is 1.
    interrupts : :py:`In(2)`
        Interrupts of this cycle.
    urgent : :py:`In(1)`
        One of them must not wait.
    flush : :py:`In(1)`
        None must wait.
    clear : :py:`In(1)`
        Forget them. Only while :attr:`idle`.
    take, end : :py:`In(1)`
        As in :class:`MessageContext`.
    due : :py:`Out(1)`
        As in :class:`MessageContext`.
    idle : :py:`Out(1)`
        Nothing is gathered or under way.
    """

    enable: Signal
    count: Signal
    cycles: Signal
    interrupts: Signal
    urgent: Signal
    flush: Signal
    clear: Signal
    take: Signal
    end: Signal
    due: Signal
    idle: Signal

    def __init__(self):
        super().__init__({
            "enable": In(1), "count": In(7), "cycles": In(16), "interrupts": In(2),
            "urgent": In(1), "flush": In(1), "clear": In(1), "take": In(1), "end": In(1),
            "due": Out(1), "idle": Out(1)})

    def elaborate(self, platform):
        m = Module()
        gathered, waited = Signal(7), Signal(16)
        hurried, flying, more = Signal(), Signal(), Signal(2)
        after = Signal(8)
        m.d.comb += [
            more.eq(Mux(self.enable, self.interrupts, 0)),
            after.eq(Mux(self.take, 0, gathered) + more),
            self.due.eq((gathered != 0) & ~flying & (
                (gathered >= self.count) | (waited >= self.cycles) | hurried | self.flush)),
            self.idle.eq((gathered == 0) & ~flying),
        ]
        m.d.sync += [
            gathered.eq(Mux(after[7], ~0, after)),
            waited.eq(Mux(self.take | (gathered == 0), 0, waited + ~waited.all())),
            hurried.eq(Mux(self.take, 0, hurried) | (self.urgent & self.enable)),
            flying.eq(Mux(flying, ~self.end, self.take)),
        ]
        with m.If(self.clear):
            m.d.sync += [gathered.eq(0), hurried.eq(0)]
        return m
