"""Blocks of elements that are transposed: what the planner keeps and checks of them."""

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

from .descriptor import BlockLayout, queue_bits

__all__ = ["BlockHalf", "Blocks"]


class BlockHalf(wiring.Signature):
    """One half of the blocks of all pairs; seen from :class:`Blocks`.

    Members
    -------
    add, count, pitch : :py:`In`
        Strobe: rows, and the distance between them, of the blocks of the pair.
    swap, element : :py:`In`
        With ``load``: the buffer is one of blocks, and its elements are of this size.
    length : :py:`In(16)`
        With ``load``: bytes of a row, as in a descriptor.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"add": In(1), "count": In(16), "pitch": In(config.addr_width),
                          "swap": In(1), "element": In(2), "length": In(16)})


class Blocks(wiring.Component):
    """Shapes of the blocks of all queue pairs, and whether those of a pair fit each other.

    The block of the source has ``m2s.count`` rows of ``m2s.length`` bytes, that of the destination
    ``s2m.count`` of ``s2m.length``: with elements of e bytes ``m2s.length`` must be e times
    ``s2m.count``, and ``s2m.length`` e times ``m2s.count``.

    Timing
    ------
    ``load`` in one cycle: all outputs are valid from the next one on.

    Members
    -------
    queue : :py:`In(queue_bits)`
        The pair at work.
    m2s, s2m : :py:`Out(BlockHalf(config))`
        Source and destination.
    load : :py:`In(1)`
        Strobe: take up the work on the pair.
    misfit : :py:`Out(1)`
        Only one side consists of blocks, or the blocks do not fit each other, or are larger than
        the engine can transpose.
    length_m1 : :py:`Out(16)`
        Bytes of a block, minus 1.
    block : :py:`Out(BlockLayout(config))`
        What a piece says of it.
    """

    queue: Signal
    m2s: wiring.PureInterface
    s2m: wiring.PureInterface
    load: Signal
    misfit: Signal
    length_m1: Signal
    block: data.View

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "queue":     In(queue_bits(config)),
            "m2s":       Out(BlockHalf(config)).flip(),
            "s2m":       Out(BlockHalf(config)).flip(),
            "load":      In(1),
            "misfit":    Out(1),
            "length_m1": Out(16),
            "block":     Out(BlockLayout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        size = len(self.block.rows_m1) + 1
        m2s, s2m = self.m2s, self.s2m
        source, sink = self._shape(m, "m2s", m2s), self._shape(m, "s2m", s2m)
        large = [(half.length == 0) | (half.length > self.config.transpose) for half in (m2s, s2m)]
        with m.If(self.load):
            m.d.sync += [
                self.misfit.eq((m2s.swap != s2m.swap) | m2s.swap & (
                    (m2s.element != s2m.element) | large[0] | large[1]
                    | (m2s.length != sink.count << m2s.element)
                    | (s2m.length != source.count << m2s.element))),
                self.length_m1.eq(m2s.length[:size] * source.count[:size] - 1),
                self.block.swap.eq(m2s.swap),
                self.block.element.eq(m2s.element),
                self.block.rows_m1.eq(source.count - 1),
                self.block.columns_m1.eq(sink.count - 1),
                self.block.src_row_m1.eq(m2s.length - 1),
                self.block.dst_row_m1.eq(s2m.length - 1),
                self.block.src_pitch.eq(source.pitch),
                self.block.dst_pitch.eq(sink.pitch),
            ]
        return m

    def _shape(self, m, name, half):
        """Keep the shapes of one half; return that of the pair at work."""
        shape = data.StructLayout({"count": 16, "pitch": self.config.addr_width})
        m.submodules[name] = memory = Memory(shape=shape, depth=max(2, self.config.queues), init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(half.add),
            write.addr.eq(self.queue),
            write.data.count.eq(half.count),
            write.data.pitch.eq(half.pitch),
            read.addr.eq(self.queue),
        ]
        return read.data
