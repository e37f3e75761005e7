"""Counter that software reads in two halves."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SplitCounter"]


class SplitCounter(wiring.Component):
    """64-bit counter whose high word is held while software comes back for it.

    Software reads ``low`` and then ``high``; ``hold`` in the cycle of the first read makes both
    belong to one moment.

    Parameters
    ----------
    init : :class:`int`
        Value after reset.

    Members
    -------
    enable : :py:`In(1)`
        Count this cycle.
    hold : :py:`In(1)`
        ``low`` is read in this cycle.
    value : :py:`Out(64)`
        The count.
    low : :py:`Out(32)`
        Its low word.
    high : :py:`Out(32)`
        Its high word in the latest cycle with ``hold``.
    """

    enable: Signal
    hold: Signal
    value: Signal
    low: Signal
    high: Signal

    def __init__(self, *, init: int = 0):
        self.init = init
        super().__init__({
            "enable": In(1),
            "hold":   In(1),
            "value":  Out(64, init=init),
            "low":    Out(32),
            "high":   Out(32),
        })

    def elaborate(self, platform):
        m = Module()

        m.d.sync += self.value.eq(self.value + self.enable)
        m.d.comb += self.low.eq(self.value[:32])
        with m.If(self.hold):
            m.d.sync += self.high.eq(self.value[32:])

        return m
