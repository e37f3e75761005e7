"""Turns pieces into bursts that AXI4 allows."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import DmaConfig

from .descriptor import PieceLayout, beat_bits, beats_width, block_member, fill_member, queue_bits

__all__ = ["AlignedLayout", "Aligner", "BurstLayout", "BurstSplitter", "SpanLayout"]


class AlignedLayout(data.StructLayout):
    """A piece in beats, and how its bytes move between the lanes of source and destination.

    Source byte lane i goes to destination lane (i + ``shift``) modulo the lanes. Beat t of the
    destination takes the lanes below ``shift`` from the source beat before the newest one and the
    others from the newest, which is source beat t, or t + 1 with ``skew``: then source beat 0 must
    be at hand before the first beat can be formed. With ``flush`` the last destination beat needs
    no new source beat.

    Members
    -------
    src_beat, dst_beat : :py:`addr_width - beat_bits`
        Address of the first beat of either side, in beats.
    src_beats_m1, dst_beats_m1 : :py:`beats_width`
        Beats, minus 1.
    first_lane, last_lane : :py:`beat_bits`
        Destination lanes of the first and of the last byte.
    shift, skew, flush
        As above.
    queue, moves, last, block
        As in :class:`~rtl.nitro_dma.descriptor.PieceLayout`. Of a block, all is said of the first
        row of either side, and with it of its ``src_lane``; shift, skew and flush mean nothing.
    fill
        As in :func:`~rtl.nitro_dma.descriptor.fill_member`, for addresses of the destination.
        Such a piece has no skew and no flush.
    """

    def __init__(self, config: DmaConfig):
        lane, beats = beat_bits(config), beats_width(config)
        super().__init__({
            "src_beat": config.addr_width - lane, "dst_beat": config.addr_width - lane,
            "src_beats_m1": beats, "dst_beats_m1": beats, "first_lane": lane, "last_lane": lane,
            "shift": lane, "skew": 1, "flush": 1, "queue": queue_bits(config), "moves": 1,
            "last": 1, **({"src_lane": lane, "src_last_lane": lane} if config.transpose else {}),
            **block_member(config), **fill_member(config)})


class Aligner(wiring.Component):
    """Computes the beats of a piece.

    Timing
    ------
    Combinational.

    Members
    -------
    i : :py:`In(PieceLayout(config))`
        Piece.
    o : :py:`Out(AlignedLayout(config))`
        The same in beats. A piece without bytes has one destination beat, which is not written.
    """

    i: data.View
    o: data.View

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({"i": In(PieceLayout(config)), "o": Out(AlignedLayout(config))})

    def elaborate(self, platform):
        m = Module()
        lane = beat_bits(self.config)
        src_lane, dst_lane = self.i.src[:lane], self.i.dst[:lane]
        src_last, dst_last = Signal(17), Signal(17)
        src_length_m1 = dst_length_m1 = self.i.length_m1
        reads = 1
        if self.config.fill:
            reads = ~self.i.fill.on
            m.d.comb += [
                self.o.fill.on.eq(self.i.fill.on),
                self.o.fill.word.eq(Array(self.i.fill.word.rotate_left(8 * turn)
                                          for turn in range(4))[self.o.shift[:2]]),
            ]
        if self.config.transpose:
            block = self.i.block
            src_length_m1 = Mux(block.swap, block.src_row_m1, src_length_m1)
            dst_length_m1 = Mux(block.swap, block.dst_row_m1, dst_length_m1)
            m.d.comb += [
                self.o.block.eq(block),
                self.o.src_lane.eq(src_lane),
                self.o.src_last_lane.eq(src_last[:lane]),
            ]
        m.d.comb += [
            src_last.eq(src_lane + src_length_m1),
            dst_last.eq(dst_lane + dst_length_m1),
            self.o.src_beat.eq(self.i.src[lane:]),
            self.o.dst_beat.eq(self.i.dst[lane:]),
            self.o.src_beats_m1.eq(src_last[lane:]),
            self.o.dst_beats_m1.eq(Mux(self.i.moves, dst_last[lane:], 0)),
            self.o.first_lane.eq(dst_lane),
            self.o.last_lane.eq(dst_last[:lane]),
            self.o.shift.eq(dst_lane - src_lane),
            self.o.skew.eq((src_lane > dst_lane) & reads),
            # dst_beats + skew - src_beats is 0 or 1.
            self.o.flush.eq((src_last[lane] ^ dst_last[lane] ^ self.o.skew) & reads),
            self.o.queue.eq(self.i.queue),
            self.o.moves.eq(self.i.moves),
            self.o.last.eq(self.i.last),
        ]
        return m


class SpanLayout(data.StructLayout):
    """A run of beats: ``beat`` (address in beats), ``beats_m1``, and a ``tag`` of any shape."""

    def __init__(self, config: DmaConfig, tag):
        super().__init__({"beat": config.addr_width - beat_bits(config),
                          "beats_m1": beats_width(config), "tag": tag})


class BurstLayout(data.StructLayout):
    """One burst of a span: ``beat``, ``len`` as on AxLEN, ``first`` and ``last``, and the tag."""

    def __init__(self, config: DmaConfig, tag):
        super().__init__({"beat": config.addr_width - beat_bits(config), "len": 8, "first": 1,
                          "last": 1, "tag": tag})


class BurstSplitter(wiring.Component):
    """Cuts spans at multiples of the longest burst, which divides 4 KiB.

    Timing
    ------
    Combinational from ``i`` to ``o`` and back; one burst a cycle.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        ``max_burst`` and widths.
    tag : shape-like
        Rides along unchanged.

    Members
    -------
    i : :py:`In(stream.Signature(SpanLayout(config, tag)))`
        Spans.
    o : :py:`Out(stream.Signature(BurstLayout(config, tag)))`
        Bursts.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: DmaConfig, tag):
        self.config = config
        super().__init__({"i": In(stream.Signature(SpanLayout(config, tag))),
                          "o": Out(stream.Signature(BurstLayout(config, tag)))})

    @property
    def block_beats(self) -> int:
        """Beats between two places at which a burst must end."""
        return min(self.config.max_burst, 4096 * 8 // self.config.data_width)

    def elaborate(self, platform):
        m = Module()
        span, burst = self.i.payload, self.o.payload
        block = exact_log2(self.block_beats)

        midway = Signal()
        rest_beat, rest_m1 = Signal.like(span.beat), Signal.like(span.beats_m1)
        beat, left_m1 = Signal.like(span.beat), Signal.like(span.beats_m1)
        m.d.comb += [
            beat.eq(Mux(midway, rest_beat, span.beat)),
            left_m1.eq(Mux(midway, rest_m1, span.beats_m1)),
        ]

        room_m1 = ~beat[:block]
        m.d.comb += [
            burst.beat.eq(beat),
            burst.first.eq(~midway),
            burst.last.eq(left_m1 <= room_m1),
            burst.len.eq(Mux(burst.last, left_m1, room_m1)),
            burst.tag.eq(span.tag),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready & burst.last),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [
                midway.eq(~burst.last),
                rest_beat.eq(Cat(beat[:block] & 0, beat[block:] + 1)),
                rest_m1.eq(left_m1 - burst.len - 1),
            ]

        return m
