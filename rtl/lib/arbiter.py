"""Round-robin arbitration."""

from amaranth import Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RoundRobin", "StreamArbiter"]


class RoundRobin(wiring.Component):
    """Fair choice of one out of several requests.

    The search starts behind the requester that was served last, so a requester that keeps asking
    is served after at most ``count - 1`` others. A choice stands until ``advance`` confirms it,
    also when other requests appear: what is selected with it stays stable on a stalled stream.

    Timing
    ------
    ``grant`` follows ``requests`` in the same cycle. ``advance`` takes effect at the next edge.

    Parameters
    ----------
    count : :class:`int`
        Number of requesters.

    Members
    -------
    requests : :py:`In(count)`
        A requester holds its bit until it has been served.
    advance : :py:`In(1)`
        The granted requester is served in this cycle. Ignored while nothing is requested.
    grant : :py:`Out(count)`
        The choice, one-hot; zero while nothing is requested.

    Raises
    ------
    :exc:`ValueError`
        If ``count`` is not a positive integer.
    """

    requests: Signal
    advance: Signal
    grant: Signal

    def __init__(self, count: int):
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"Number of requesters must be a positive integer, not {count!r}")
        self.count = count
        super().__init__({
            "requests": In(count),
            "advance":  In(1),
            "grant":    Out(count),
        })

    def elaborate(self, platform):
        m = Module()

        def lowest(value):
            return (value & -value)[:self.count]

        # Ones at the requesters behind the one served last.
        behind = Signal(self.count)
        held = Signal(self.count)
        waiting = Signal()
        favoured = Signal(self.count)
        m.d.comb += favoured.eq(self.requests & behind)
        with m.If(waiting):
            m.d.comb += self.grant.eq(held)
        with m.Elif(favoured.any()):
            m.d.comb += self.grant.eq(lowest(favoured))
        with m.Else():
            m.d.comb += self.grant.eq(lowest(self.requests))

        m.d.sync += [
            held.eq(self.grant),
            waiting.eq(self.grant.any() & ~self.advance),
        ]
        with m.If(self.grant.any() & self.advance):
            ones = Const((1 << self.count) - 1, self.count)
            m.d.sync += behind.eq(~(self.grant | (self.grant - 1)) & ones)

        return m


class StreamArbiter(wiring.Component):
    """Merges streams beat by beat, in round-robin order.

    Timing
    ------
    Combinational from the inputs to ``o`` and from ``o.ready`` to the inputs' ``ready``. A beat
    shown on ``o`` stays until it is taken, whatever the other inputs do.

    Parameters
    ----------
    shape : shape-like
        Payload of the streams.
    count : :class:`int`
        Number of inputs.

    Members
    -------
    i : ``count`` x :py:`In(stream.Signature(shape))`
        Inputs.
    o : :py:`Out(stream.Signature(shape))`
        Chosen beat.
    grant : :py:`Out(count)`
        Input whose beat stands on ``o``, one-hot; zero while ``o`` is not valid.
    """

    o: stream.Interface
    grant: Signal

    def __init__(self, shape, count: int):
        self.shape = shape
        self.count = count
        super().__init__({
            "i":     In(stream.Signature(shape)).array(count),
            "o":     Out(stream.Signature(shape)),
            "grant": Out(count),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.arbiter = arbiter = RoundRobin(self.count)
        chosen = Const(0, Shape.cast(self.shape).width)
        for index, port in enumerate(self.i):
            m.d.comb += [
                arbiter.requests[index].eq(port.valid),
                port.ready.eq(arbiter.grant[index] & self.o.ready),
            ]
            chosen = chosen | Mux(arbiter.grant[index], Value.cast(port.payload), 0)
        m.d.comb += [
            self.grant.eq(arbiter.grant),
            arbiter.advance.eq(self.o.ready),
            self.o.valid.eq(arbiter.grant.any()),
            Value.cast(self.o.payload).eq(chosen),
        ]

        return m
