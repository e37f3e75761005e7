"""Watchdog: waits that last too long."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .semaphores import ENGINES

__all__ = ["Watchdog"]


class Watchdog(wiring.Component):
    """Counts how long each engine has waited for its semaphore.

    Timing
    ------
    ``expired`` rises ``limit`` cycles after ``waiting``, and falls with it.

    Members
    -------
    limit : :py:`In(32)`
        Longest wait in cycles; 0: any.
    waiting : :py:`In(2)`
        The engine waits in this cycle, one bit for each of :data:`ENGINES`.
    expired : :py:`Out(2)`
        It has waited for ``limit`` cycles.
    """

    limit: Signal
    waiting: Signal
    expired: Signal

    def __init__(self):
        super().__init__({"limit": In(32), "waiting": In(len(ENGINES)),
                          "expired": Out(len(ENGINES))})

    def elaborate(self, platform):
        m = Module()
        for index, name in enumerate(ENGINES):
            cycles = Signal(32, name=f"{name}_cycles")
            with m.If(~self.waiting[index]):
                m.d.sync += cycles.eq(0)
            with m.Elif(~self.expired[index]):
                m.d.sync += cycles.eq(cycles + 1)
            m.d.comb += self.expired[index].eq(self.waiting[index] & (self.limit != 0)
                                               & (cycles >= self.limit))
        return m
