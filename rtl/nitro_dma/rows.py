"""Rows of pieces on their way to the reads and to the writes: one, or those of a block."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import beat_bits, beats_width, queue_bits
from .legaliser import AlignedLayout, SpanLayout
from .realigner import RotationLayout
from .transposer import BlockRowLayout
from .writer import WriteTagLayout

__all__ = ["BlockSpanLayout", "RowExpander", "RowLayout", "SinkRowLayout", "SinkRows",
           "SourceRowLayout", "SourceRows"]


class BlockSpanLayout(data.StructLayout):
    """A run of beats, or the first row of a block on one side.

    Members
    -------
    beat, beats_m1 : :py:`addr_width - beat_bits`, :py:`beats_width`
        Address of the first beat, in beats; beats, minus 1.
    first_lane, last_lane : :py:`beat_bits`
        Lanes of the first and of the last byte.
    swap : :py:`1`
        A row of a block; otherwise what follows means nothing.
    element : :py:`2`
        As in :class:`~.descriptor.BlockLayout`.
    rows_m1, row_m1 : :py:`log2(transpose)`
        Rows, and bytes of a row, minus 1.
    pitch : :py:`addr_width`
        From one row to the next.
    tag
        Rides along unchanged.
    """

    def __init__(self, config: DmaConfig, tag):
        lane, size = beat_bits(config), ceil_log2(config.transpose)
        super().__init__({
            "beat": config.addr_width - lane, "beats_m1": beats_width(config),
            "first_lane": lane, "last_lane": lane, "swap": 1, "element": 2, "rows_m1": size,
            "row_m1": size, "pitch": config.addr_width, "tag": tag})


class RowLayout(data.StructLayout):
    """One row of a block, or all else as it was.

    Members
    -------
    span : :class:`BlockSpanLayout`
        The row, with ``rows_m1`` and ``pitch`` of its block.
    row : :py:`log2(transpose)`
        Number of the row in its block.
    final : :py:`1`
        It is the last one. 1 for all that is not a block.
    """

    def __init__(self, config: DmaConfig, tag):
        super().__init__({"span": BlockSpanLayout(config, tag), "row": ceil_log2(config.transpose),
                          "final": 1})


class RowExpander(wiring.Component):
    """Repeats a block row by row; lets all else pass.

    Addresses of rows count modulo the address space, and so do those of the bytes of a row.

    Timing
    ------
    Combinational from ``i`` to ``o`` and back; one row a cycle.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Widths.
    tag : shape-like
        Rides along unchanged.

    Members
    -------
    i : :py:`In(stream.Signature(BlockSpanLayout(config, tag)))`
        Spans and blocks.
    o : :py:`Out(stream.Signature(RowLayout(config, tag)))`
        Spans and rows.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: DmaConfig, tag):
        self.config = config
        super().__init__({"i": In(stream.Signature(BlockSpanLayout(config, tag))),
                          "o": Out(stream.Signature(RowLayout(config, tag)))})

    def elaborate(self, platform):
        m = Module()
        lane = beat_bits(self.config)
        block, row = self.i.payload, self.o.payload

        number = Signal.like(row.row)
        following = Signal(data.StructLayout({
            name: block.shape()[name].shape
            for name in ("beat", "beats_m1", "first_lane", "last_lane")}), reset_less=True)
        m.d.comb += [
            row.span.eq(block),
            row.row.eq(number),
            row.final.eq(~block.swap | (number == block.rows_m1)),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready & row.final),
        ]
        with m.If(number != 0):
            m.d.comb += [row.span[name].eq(following[name]) for name in following.shape().members]

        address, last = Signal(self.config.addr_width), Signal(len(block.row_m1) + lane)
        m.d.comb += [
            address.eq(Cat(row.span.first_lane, row.span.beat) + block.pitch),
            last.eq(address[:lane] + block.row_m1),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [
                number.eq(Mux(row.final, 0, number + 1)),
                following.beat.eq(address[lane:]),
                following.first_lane.eq(address[:lane]),
                following.beats_m1.eq(last[lane:]),
                following.last_lane.eq(last[:lane]),
            ]

        return m


def _block_row(m, row, place):
    """Fill in what the transposer must know of a row."""
    span = row.span
    m.d.comb += [
        place.lane.eq(span.first_lane),
        place.length_m1.eq(span.row_m1),
        place.row.eq(row.row),
        place.element.eq(span.element),
        place.final.eq(row.final),
    ]


class SourceRowLayout(data.StructLayout):
    """A row to be read: its ``span``, its ``rotation``, and ``place`` if the engine transposes."""

    def __init__(self, config: DmaConfig):
        super().__init__({"span": SpanLayout(config, queue_bits(config)),
                          "rotation": RotationLayout(config),
                          **({"place": BlockRowLayout(config)} if config.transpose else {})})


class SourceRows(wiring.Component):
    """What is read of each piece, and how its beats are rotated.

    Timing
    ------
    Combinational from ``i`` to ``o`` and back; one row a cycle.

    Members
    -------
    i : :py:`In(stream.Signature(AlignedLayout(config)))`
        Pieces that have bytes.
    o : :py:`Out(stream.Signature(SourceRowLayout(config)))`
        Their rows.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({"i": In(stream.Signature(AlignedLayout(config))),
                          "o": Out(stream.Signature(SourceRowLayout(config)))})

    def elaborate(self, platform):
        m = Module()
        piece, out = self.i.payload, self.o.payload
        if not self.config.transpose:
            m.d.comb += [
                out.span.beat.eq(piece.src_beat),
                out.span.beats_m1.eq(piece.src_beats_m1),
                out.span.tag.eq(piece.queue),
                out.rotation.shift.eq(piece.shift),
                out.rotation.skew.eq(piece.skew),
                out.rotation.src_beats_m1.eq(piece.src_beats_m1),
                self.o.valid.eq(self.i.valid),
                self.i.ready.eq(self.o.ready),
            ]
            return m

        tag = data.StructLayout({name: piece.shape()[name].shape
                                 for name in ("queue", "shift", "skew")})
        m.submodules.expander = expander = RowExpander(self.config, tag)
        block, row = expander.i.payload, expander.o.payload
        span = row.span
        m.d.comb += [
            block.beat.eq(piece.src_beat),
            block.beats_m1.eq(piece.src_beats_m1),
            block.first_lane.eq(piece.src_lane),
            block.last_lane.eq(piece.src_last_lane),
            block.swap.eq(piece.block.swap),
            block.element.eq(piece.block.element),
            block.rows_m1.eq(piece.block.rows_m1),
            block.row_m1.eq(piece.block.src_row_m1),
            block.pitch.eq(piece.block.src_pitch),
            *(block.tag[name].eq(piece[name]) for name in tag.members),
            expander.i.valid.eq(self.i.valid),
            self.i.ready.eq(expander.i.ready),
            self.o.valid.eq(expander.o.valid),
            expander.o.ready.eq(self.o.ready),
            out.span.beat.eq(span.beat),
            out.span.beats_m1.eq(span.beats_m1),
            out.span.tag.eq(span.tag.queue),
            out.rotation.shift.eq(Mux(span.swap, (row.row << span.element) - span.first_lane,
                                      span.tag.shift)),
            out.rotation.skew.eq(span.tag.skew & ~span.swap),
            out.rotation.src_beats_m1.eq(span.beats_m1),
            out.rotation.block.eq(span.swap),
        ]
        _block_row(m, row, out.place)
        return m


class SinkRowLayout(data.StructLayout):
    """A row to be written: its ``span``, and ``place`` if the engine transposes."""

    def __init__(self, config: DmaConfig):
        super().__init__({"span": SpanLayout(config, WriteTagLayout(config)),
                          **({"place": BlockRowLayout(config)} if config.transpose else {})})


class SinkRows(wiring.Component):
    """What is written of each piece; a queue of ``outstanding`` pieces.

    Timing
    ------
    ``i`` to ``o`` takes the cycles of a :class:`~rtl.lib.StreamFifo`; one row a cycle.

    Members
    -------
    i : :py:`In(stream.Signature(AlignedLayout(config)))`
        Pieces.
    o : :py:`Out(stream.Signature(SinkRowLayout(config)))`
        Their rows.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({"i": In(stream.Signature(AlignedLayout(config))),
                          "o": Out(stream.Signature(SinkRowLayout(config)))})

    def elaborate(self, platform):
        m = Module()
        config, piece, out = self.config, self.i.payload, self.o.payload
        tag = WriteTagLayout(config)
        shape = BlockSpanLayout(config, tag) if config.transpose else SpanLayout(config, tag)
        m.submodules.spans = spans = StreamFifo(shape, config.outstanding)
        kept = spans.i.payload
        m.d.comb += [
            spans.i.valid.eq(self.i.valid),
            self.i.ready.eq(spans.i.ready),
            kept.beat.eq(piece.dst_beat),
            kept.beats_m1.eq(piece.dst_beats_m1),
            *(kept.tag[name].eq(piece[name]) for name in tag.members
              if name in piece.shape().members),
        ]
        if not config.transpose:
            m.d.comb += [
                out.span.eq(spans.o.payload),
                self.o.valid.eq(spans.o.valid),
                spans.o.ready.eq(self.o.ready),
            ]
            return m

        m.submodules.expander = expander = RowExpander(config, tag)
        wiring.connect(m, spans.o, expander.i)
        row, span = expander.o.payload, expander.o.payload.span
        m.d.comb += [
            kept.first_lane.eq(piece.first_lane),
            kept.last_lane.eq(piece.last_lane),
            kept.swap.eq(piece.block.swap & piece.moves),
            kept.element.eq(piece.block.element),
            kept.rows_m1.eq(piece.block.columns_m1),
            kept.row_m1.eq(piece.block.dst_row_m1),
            kept.pitch.eq(piece.block.dst_pitch),
            self.o.valid.eq(expander.o.valid),
            expander.o.ready.eq(self.o.ready),
            out.span.beat.eq(span.beat),
            out.span.beats_m1.eq(span.beats_m1),
            out.span.tag.eq(span.tag),
            out.span.tag.block.eq(span.swap),
            out.span.tag.final.eq(row.final),
            out.span.tag.last.eq(span.tag.last & row.final),
            out.span.tag.first_lane.eq(span.first_lane),
            out.span.tag.last_lane.eq(span.last_lane),
        ]
        with m.If(span.swap):
            m.d.comb += [out.span.tag[name].eq(0) for name in ("shift", "skew", "flush")]
        _block_row(m, row, out.place)
        return m
