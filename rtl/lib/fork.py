"""One stream to several consumers, and several producers to one stream."""

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamFork", "StreamJoin"]


class StreamFork(wiring.Component):
    """Hands each beat to every consumer, each at its own time.

    A consumer that is ready takes the beat at once and is not offered it again; the beat leaves
    the input when the last consumer has taken it.

    Timing
    ------
    Combinational from ``i`` to the outputs and from their ``ready`` to ``i.ready``; no output
    waits for another one to be ready.

    Parameters
    ----------
    shape : shape-like
        Payload of the stream.
    count : :class:`int`
        Number of outputs.

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
        Input.
    o : ``count`` x :py:`Out(stream.Signature(shape))`
        Outputs.
    """

    i: stream.Interface

    def __init__(self, shape, count: int):
        self.shape = shape
        self.count = count
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)).array(count),
        })

    def elaborate(self, platform):
        m = Module()

        taken = Signal(self.count)
        taken_now = Signal(self.count)
        for index, port in enumerate(self.o):
            m.d.comb += [
                port.valid.eq(self.i.valid & ~taken[index]),
                port.payload.eq(self.i.payload),
                taken_now[index].eq(taken[index] | port.ready),
            ]
        m.d.comb += self.i.ready.eq(taken_now.all())
        with m.If(self.i.valid):
            m.d.sync += taken.eq(taken_now)
            with m.If(self.i.ready):
                m.d.sync += taken.eq(0)

        return m


class StreamJoin(wiring.Component):
    """Takes one beat from every producer at once.

    Timing
    ------
    Combinational from the inputs to ``o`` and from ``o.ready`` to the inputs' ``ready``.

    Parameters
    ----------
    shapes : mapping of :class:`str` to shape-like
        Payload of each input, by the name that it has in the output.

    Members
    -------
    i_<name> : :py:`In(stream.Signature(shapes[name]))`
        Inputs.
    o : :py:`Out(stream.Signature(data.StructLayout(shapes)))`
        One beat of each input, valid when all of them are.
    """

    o: stream.Interface

    def __init__(self, shapes):
        self.shapes = dict(shapes)
        ports = {f"i_{name}": In(stream.Signature(shape)) for name, shape in self.shapes.items()}
        super().__init__(ports | {"o": Out(stream.Signature(data.StructLayout(self.shapes)))})

    def elaborate(self, platform):
        m = Module()

        valid = Signal(len(self.shapes))
        m.d.comb += self.o.valid.eq(valid.all())
        for index, name in enumerate(self.shapes):
            port = getattr(self, f"i_{name}")
            m.d.comb += [
                valid[index].eq(port.valid),
                port.ready.eq(self.o.valid & self.o.ready),
                self.o.payload[name].eq(port.payload),
            ]

        return m
