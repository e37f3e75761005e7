"""The rules of a stream, as a component that simulation and proof share."""

from amaranth import Module, ResetSignal, Signal, Value
from amaranth.hdl import Assert, Assume
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

__all__ = ["StreamContract"]


class StreamContract(wiring.Component):
    """Observer that fails when a stream withdraws or changes a beat that it has offered.

    Connect it beside a stream: at a producer it checks the producer; with ``assume=True``, in a
    proof, it restricts the environment that drives a consumer.

    Timing
    ------
    A violation fails at the clock edge that ends its cycle: before the edge the wires have settled.
    While the domain is in reset nothing is checked.

    Parameters
    ----------
    shape : shape-like
        Payload of the stream.
    assume : :class:`bool`
        Assume the rules instead of asserting them.

    Members
    -------
    valid : :py:`In(1)`, payload : :py:`In(shape)`, ready : :py:`In(1)`
        The wires of the stream; :meth:`watch` connects them.
    """

    valid: Signal
    payload: Signal
    ready: Signal

    def __init__(self, shape, *, assume: bool = False):
        self.assume = assume
        super().__init__({"valid": In(1), "payload": In(shape), "ready": In(1)})

    def watch(self, observed: stream.Interface):
        """Return the statements that connect this observer to a stream."""
        return [
            self.valid.eq(observed.valid),
            self.ready.eq(observed.ready),
            Value.cast(self.payload).eq(observed.payload),
        ]

    def elaborate(self, platform):
        m = Module()

        check = Assume if self.assume else Assert
        payload = Value.cast(self.payload)
        offered = Signal()
        payload_prev = Signal(len(payload))
        m.d.sync += [
            offered.eq(self.valid & ~self.ready),
            payload_prev.eq(payload),
        ]
        with m.If(offered & ~ResetSignal()):
            m.d.sync += check(self.valid, "valid fell before the transfer")
            m.d.sync += check(payload == payload_prev, "payload changed before the transfer")

        return m
