"""Which queue pairs may start a piece: shares by weight, and limits of rate."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

__all__ = ["RATE_CYCLES", "ServiceContext", "ServiceShares", "quantum"]

RATE_CYCLES = 256
"""Cycles between two additions of a rate."""

LONGEST = 65536
"""Bytes of a piece."""


def quantum(config: DmaConfig) -> int:
    """Return the bytes of a round that a weight of 1 stands for: 512 beats of the data path."""
    return 64 * config.data_width


class ServiceContext(wiring.Signature):
    """What a queue pair is entitled to; seen from the shares.

    Members
    -------
    weight_m1 : :py:`In(4)`
        Weight in the bytes of a round, minus 1.
    rate, burst : :py:`In(16)`
        Bytes every :data:`RATE_CYCLES` cycles, 0 for no limit; bytes that may be saved up.
    """

    def __init__(self):
        super().__init__({"weight_m1": In(4), "rate": In(16), "burst": In(16)})


class ServiceShares(wiring.Component):
    """Counts the bytes that each pair has started.

    In a round a pair may start bytes while it has credit. The last piece may exceed it, and so may
    the row behind it; what is too much is owed in the rounds after. A round ends when no pair that
    has work at hand has credit left: then every pair gets as many bytes as its weight times
    :func:`quantum`, and none keeps more than that. Over rounds, pairs that always have work at hand
    therefore move bytes by their weights, whatever the sizes of their pieces.

    Tokens likewise: a pair with a rate may start while it has any, and a piece takes as many as it
    has bytes.

    Timing
    ------
    ``credit`` and ``tokens`` show in the cycle after ``spend`` or ``round``.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.

    Members
    -------
    queue : ``queues`` x :py:`Out(ServiceContext())`
        The queue pairs.
    round : :py:`In(1)`
        Strobe: a new round.
    spend, spender, length_m1 : :py:`In(1)`, :py:`In`, :py:`In(16)`
        Strobe: the pair with this number starts a piece of so many bytes, minus 1.
    credit, tokens : :py:`Out(queues)`
        Pairs that have some.
    """

    round: Signal
    spend: Signal
    spender: Signal
    length_m1: Signal
    credit: Signal
    tokens: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "queue":     Out(ServiceContext()).array(config.queues),
            "round":     In(1),
            "spend":     In(1),
            "spender":   In(range(max(2, config.queues))),
            "length_m1": In(16),
            "credit":    Out(config.queues),
            "tokens":    Out(config.queues),
        })

    def elaborate(self, platform):
        m = Module()
        cycle = Signal(range(RATE_CYCLES))
        tick = Signal()
        m.d.sync += [cycle.eq(cycle + 1), tick.eq(cycle == RATE_CYCLES - 1)]
        length = Signal(17)
        m.d.comb += length.eq(self.length_m1 + 1)
        for i, queue in enumerate(self.queue):
            spent = Signal(17, name=f"spent_{i}")
            m.d.comb += spent.eq(Mux(self.spend & (self.spender == i), length, 0))
            share = Signal(range(16 * quantum(self.config) + 1), name=f"share_{i}")
            m.d.comb += share.eq((queue.weight_m1 + 1) * quantum(self.config))
            self._account(m, f"credit_{i}", spent, self.round, share, share, self.credit[i])
            m.d.comb += self.tokens[i].eq(1)
            tokens = Signal(name=f"tokens_{i}")
            self._account(m, f"tokens_of_{i}", spent, tick, queue.rate, queue.burst, tokens)
            with m.If(queue.rate != 0):
                m.d.comb += self.tokens[i].eq(tokens)
        return m

    def _account(self, m, name, spent, strobe, gain, most, some):
        """Keep an account: it gains up to ``most`` and loses what is spent."""
        # Spent from a positive balance, and by one piece more, before that is seen.
        balance = Signal(range(-2 * LONGEST, (1 << len(most)) + 1), name=name)
        raised = Signal.like(balance, name=f"{name}_raised")
        m.d.comb += [
            some.eq(balance > 0),
            raised.eq(Mux(strobe, balance + gain, balance)),
        ]
        m.d.sync += balance.eq(Mux(raised > most, most, raised) - spent)
