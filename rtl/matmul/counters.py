"""Performance counters of the tile."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .registers import COUNTERS, STALLS

__all__ = ["Counters"]


class Counters(wiring.Component):
    """64-bit counters; :data:`rtl.matmul.registers.COUNTERS` says what each one counts.

    Members
    -------
    clear : :py:`In(1)`
        Set all counters to 0; they stand until the next ``start_any``.
    enable : :py:`In(1)`
        Count.
    column, nonempty, start_load, start_multiply, activation_working, start_any,
    result_word
        Events of this cycle, one bit each.
    column_macs : :py:`In(9)`
        Useful multiply-accumulates of this cycle.
    stall : :py:`In(len(STALLS))`
        Cause of a cycle without a column.
    <counter> : :py:`Out(64)`
        Values, named in lower case.
    """

    clear: Signal
    enable: Signal
    column: Signal
    nonempty: Signal
    start_load: Signal
    start_multiply: Signal
    activation_working: Signal
    start_any: Signal
    result_word: Signal
    column_macs: Signal
    stall: Signal

    EVENTS = ("column", "nonempty", "start_load", "start_multiply", "activation_working",
              "start_any", "result_word")

    def __init__(self):
        super().__init__({
            "clear":       In(1),
            "enable":      In(1),
            **{name: In(1) for name in self.EVENTS},
            "column_macs": In(9),
            "stall":       In(len(STALLS)),
            **{name.lower(): Out(64) for name in COUNTERS},
        })

    def elaborate(self, platform):
        m = Module()

        def count(name, event):
            value = getattr(self, name)
            with m.If(event):
                m.d.sync += value.eq(value + 1)

        # What happened before the first instruction is nobody's loss.
        started, nonempty_seen = Signal(), Signal()
        with m.If(self.enable & (started | self.start_any)):
            m.d.sync += started.eq(1)
            count("cycles", 1)
            count("tensor_active", self.column)
            count("tensor_nonempty", self.nonempty)
            count("loads", self.start_load)
            count("multiplies", self.start_multiply)
            count("activation_busy", self.activation_working)
            for index, name in enumerate(STALLS):
                count(f"stall_{name}", self.stall[index])
            with m.If(self.column):
                m.d.sync += self.macs.eq(self.macs + self.column_macs)
            with m.If(self.nonempty):
                m.d.sync += [nonempty_seen.eq(1), self.tensor_last.eq(self.cycles)]
                with m.If(~nonempty_seen):
                    m.d.sync += self.tensor_first.eq(self.cycles)
            with m.If(self.result_word):
                m.d.sync += self.span.eq(self.cycles + 1)
        with m.If(self.clear):
            m.d.sync += [getattr(self, name.lower()).eq(0) for name in COUNTERS]
            m.d.sync += [nonempty_seen.eq(0), started.eq(0)]
        return m
