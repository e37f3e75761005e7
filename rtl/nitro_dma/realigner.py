"""Moves bytes from the lanes of the source to those of the destination."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

from .descriptor import DataFault, beat_bits, beats_width
from .reader import BeatLayout

__all__ = ["Realigner", "RotatedLayout", "RotationLayout"]


class RotationLayout(data.StructLayout):
    """What to do with the source beats of a piece: ``shift``, ``skew``, ``src_beats_m1``.

    If the engine transposes, ``block`` is 1 for a row of a block.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"shift": beat_bits(config), "skew": 1,
                          "src_beats_m1": beats_width(config),
                          **({"block": 1} if config.transpose else {})})


class RotatedLayout(data.StructLayout):
    """A rotated beat: ``data``, ``fault``, and ``ahead`` for the first beat of a skewed piece.

    If the engine transposes, ``block`` is 1 for a beat of a block.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"data": config.data_width, "fault": DataFault, "ahead": 1,
                          **({"block": 1} if config.transpose else {})})


class Realigner(wiring.Component):
    """Rotates each source beat by the shift of its piece.

    Timing
    ------
    One beat a cycle; ``o`` follows ``beat`` by one cycle.

    Members
    -------
    rotation : :py:`In(stream.Signature(RotationLayout(config)))`
        One per piece, in order.
    beat : :py:`In(stream.Signature(BeatLayout(config)))`
        Source beats of all pieces.
    o : :py:`Out(stream.Signature(RotatedLayout(config)))`
        The beats, rotated up by ``shift`` byte lanes.
    """

    rotation: stream.Interface
    beat: stream.Interface
    o: stream.Interface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "rotation": In(stream.Signature(RotationLayout(config))),
            "beat":     In(stream.Signature(BeatLayout(config))),
            "o":        Out(stream.Signature(RotatedLayout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        rotation = self.rotation.payload
        index = Signal.like(rotation.src_beats_m1)
        last = index == rotation.src_beats_m1
        go = Signal()
        m.d.comb += [
            go.eq(self.rotation.valid & self.beat.valid & (~self.o.valid | self.o.ready)),
            self.beat.ready.eq(go),
            self.rotation.ready.eq(go & last),
        ]
        rotated = self.beat.payload.data
        for bit in range(beat_bits(self.config)):
            stage = Signal(self.config.data_width, name=f"rotated_{1 << bit}")
            m.d.comb += stage.eq(Mux(rotation.shift[bit], rotated.rotate_left(8 << bit), rotated))
            rotated = stage

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(go):
            m.d.sync += [
                index.eq(Mux(last, 0, index + 1)),
                self.o.valid.eq(1),
                self.o.payload.data.eq(rotated),
                self.o.payload.fault.eq(self.beat.payload.fault),
                self.o.payload.ahead.eq(rotation.skew & (index == 0)),
            ]
            if self.config.transpose:
                m.d.sync += self.o.payload.block.eq(rotation.block)

        return m
