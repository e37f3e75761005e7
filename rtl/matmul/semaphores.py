"""Semaphores: the order between the engines, the DMA and software."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .registers import SEMAPHORE_WIDTH

__all__ = ["ENGINES", "Semaphores", "SignalLayout", "WaitLayout"]

ENGINES = ("tensor", "activation")


class SignalLayout(data.StructLayout):
    """What an instruction does when it has finished.

    Members
    -------
    index, amount : :py:`6`, :py:`8`
        Semaphore, and what to add to it.
    interrupt : :py:`1`
        Set the engine's done flag.
    """

    def __init__(self):
        super().__init__({"index": 6, "amount": 8, "interrupt": 1})


class WaitLayout(data.StructLayout):
    """What an instruction waits for: semaphore ``index`` >= ``value``, then ``consume`` it."""

    def __init__(self):
        super().__init__({"index": 6, "value": SEMAPHORE_WIDTH, "consume": 1})


class Semaphores(wiring.Component):
    """Unsigned counters with waits.

    Two of them may change in a cycle: one through ``finish``, which cannot wait, and one through
    the other inputs, of which software comes first, then signals, then waits; two engines that
    wait take turns. A wait that is granted and its subtraction are one step.

    Timing
    ------
    An addition is seen by a wait in the next cycle.

    Parameters
    ----------
    count : :class:`int`
        Semaphores.

    Members
    -------
    host_write, host_index, host_amount : :py:`In`
        Addition by software, in the cycle of ``host_write``.
    finish_valid, finish_index, finish_amount : :py:`In`
        Signal of a multiply whose last result has arrived.
    signal : :py:`In(stream.Signature(SignalLayout())).array(2)`
        Signals of the engines.
    wait : :py:`In(stream.Signature(WaitLayout())).array(2)`
        Waits of the engines; the transfer is the grant.
    values : :py:`Out(16).array(count)`
        Values.
    """

    host_write: Signal
    host_index: Signal
    host_amount: Signal
    finish_valid: Signal
    finish_index: Signal
    finish_amount: Signal

    def __init__(self, count: int):
        self.count = count
        super().__init__({
            "host_write":    In(1),
            "host_index":    In(6),
            "host_amount":   In(SEMAPHORE_WIDTH),
            "finish_valid":  In(1),
            "finish_index":  In(6),
            "finish_amount": In(8),
            "signal":        In(stream.Signature(SignalLayout())).array(len(ENGINES)),
            "wait":          In(stream.Signature(WaitLayout())).array(len(ENGINES)),
            "values":        Out(SEMAPHORE_WIDTH).array(self.count),
        })

    def elaborate(self, platform):
        m = Module()

        turn = Signal()
        waiting = Signal(stream.Signature(WaitLayout()).members["payload"].shape)
        m.d.comb += waiting.eq(Mux(turn, self.wait[1].payload.as_value(),
                                   self.wait[0].payload.as_value()))
        value = Signal(SEMAPHORE_WIDTH)
        m.d.comb += value.eq(Array(self.values)[waiting.index])
        met = value >= waiting.value
        m.d.sync += turn.eq(Mux(self.wait[1].valid & self.wait[0].valid, ~turn,
                                self.wait[1].valid))

        change = Signal()
        index = Signal(6)
        amount = Signal(SEMAPHORE_WIDTH)
        with m.If(self.host_write):
            m.d.comb += [change.eq(1), index.eq(self.host_index), amount.eq(self.host_amount)]
        with m.Elif(self.signal[0].valid):
            self._take(m, self.signal[0], change, index, amount)
        with m.Elif(self.signal[1].valid):
            self._take(m, self.signal[1], change, index, amount)
        with m.Else():
            for engine, port in enumerate(self.wait):
                with m.If((turn == engine) & port.valid & met):
                    m.d.comb += [port.ready.eq(1), change.eq(waiting.consume),
                                 index.eq(waiting.index), amount.eq(-waiting.value)]

        with m.If(change | self.finish_valid):
            for i, semaphore in enumerate(self.values):
                added = Mux(change & (index == i), amount, 0)
                finished = Mux(self.finish_valid & (self.finish_index == i), self.finish_amount, 0)
                m.d.sync += semaphore.eq(semaphore + added + finished)
        return m

    @staticmethod
    def _take(m, port, change, index, amount):
        m.d.comb += [port.ready.eq(1), change.eq(1), index.eq(port.payload.index),
                     amount.eq(port.payload.amount)]
