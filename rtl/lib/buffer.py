"""Register slice of a stream."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamBuffer"]


class StreamBuffer(wiring.Component):
    """Register slice that cuts ``valid``, the payload and ``ready``.

    It holds up to two beats: one on the output register, one in the skid register that catches
    the beat arriving in the cycle in which ``o`` stalls. No input reaches an output
    combinationally, and a beat passes in every cycle while ``o`` is ready.

    Timing
    ------
    ``i`` to ``o`` takes 1 cycle; ``i.ready`` follows ``o.ready`` by 1 cycle.

    Parameters
    ----------
    shape : shape-like
        Payload of the stream.

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
        Input, ready while the skid register is empty.
    o : :py:`Out(stream.Signature(shape))`
        The same beats in the same order.
    """

    i: stream.Interface
    o: stream.Interface

    LATENCY = 1

    def __init__(self, shape):
        self.shape = shape
        # Here, and not in `elaborate`, because a proof speaks about the beat that waits inside.
        self._skid = Signal(shape, reset_less=True)
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
        })

    def elaborate(self, platform):
        m = Module()

        skid = self._skid
        skid_valid = Signal()
        o_payload = Signal(self.shape, reset_less=True)
        o_valid = Signal()
        m.d.comb += [
            self.i.ready.eq(~skid_valid),
            self.o.valid.eq(o_valid),
            self.o.payload.eq(o_payload),
        ]

        with m.If(~o_valid | self.o.ready):
            m.d.sync += [
                o_valid.eq(skid_valid | self.i.valid),
                skid_valid.eq(0),
            ]
            with m.If(skid_valid):
                m.d.sync += o_payload.eq(skid)
            with m.Else():
                m.d.sync += o_payload.eq(self.i.payload)
        with m.Elif(self.i.ready):
            m.d.sync += [
                skid.eq(self.i.payload),
                skid_valid.eq(self.i.valid),
            ]

        return m
