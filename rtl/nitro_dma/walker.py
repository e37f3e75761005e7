"""Walks over the rows of a buffer that has several dimensions."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

from .descriptor import queue_bits
from .encoding import DIMENSIONS

__all__ = ["Walker"]


class Walker(wiring.Component):
    """Addresses of the rows of one half of all queue pairs.

    A buffer with d dimensions is a row that is repeated ``count`` times at ``stride`` in the first
    dimension, all of that in the second, and so on. The position of each pair is kept in memory;
    that of the pair at work stands in registers, so that a row can follow in every cycle.

    There is one place for each dimension: where it stands and how many repetitions are left. The
    next row is the next repetition of the innermost dimension that has one left, and those inside
    it start again there: one addition, whatever the number of dimensions.

    Timing
    ------
    ``load`` in one cycle: ``final`` and ``after`` are valid from the next one on. ``save`` with
    ``step`` moves on at the end of the cycle.

    Members
    -------
    queue : :py:`In(queue_bits)`
        The pair at work.
    add, place, count, stride : :py:`In`
        Strobe: the dimension with this number, 0 for the innermost, of the pair.
    load : :py:`In(1)`
        Strobe: take up the work on the pair.
    begun, dimensions, address : :py:`In`
        With ``load``: the buffer has been begun, its number of dimensions, its address.
    row : :py:`Out(addr_width)`
        Where the row of the pair begins, in the cycle of ``load``.
    final : :py:`Out(1)`
        The row is the last one.
    after : :py:`Out(addr_width)`
        Where the next row begins, modulo the address space.
    save, step : :py:`In(1)`
        Strobe: keep the position; with ``step``, that of the next row. Not in the cycle of
        ``load``.
    """

    queue: Signal
    add: Signal
    place: Signal
    count: Signal
    stride: Signal
    load: Signal
    begun: Signal
    dimensions: Signal
    address: Signal
    row: Signal
    final: Signal
    after: Signal
    save: Signal
    step: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        width = config.addr_width
        super().__init__({
            "queue":      In(queue_bits(config)),
            "add":        In(1),
            "place":      In(range(DIMENSIONS + 1)),
            "count":      In(16),
            "stride":     In(width),
            "load":       In(1),
            "begun":      In(1),
            "dimensions": In(range(DIMENSIONS + 1)),
            "address":    In(width),
            "row":        Out(width),
            "final":      Out(1),
            "after":      Out(width),
            "save":       In(1),
            "step":       In(1),
        })

    def elaborate(self, platform):
        m = Module()
        width, depth = self.config.addr_width, max(2, self.config.queues)
        shape = data.StructLayout({"count_m1": 16, "stride": width})
        place = data.StructLayout({"base": width, "left": 16})
        places = data.ArrayLayout(place, DIMENSIONS)

        m.submodules.places = memory = Memory(shape=places, depth=depth, init=[])
        kept, keep = memory.read_port(domain="comb"), memory.write_port()
        now, following = Signal(places), Signal(places)
        shapes = Signal(data.ArrayLayout(shape, DIMENSIONS))
        m.d.comb += [
            kept.addr.eq(self.queue),
            keep.addr.eq(self.queue),
            keep.en.eq(self.save),
            keep.data.eq(following),
            self.row.eq(Mux(self.begun, kept.data[0].base, self.address)),
        ]
        for k in range(DIMENSIONS):
            self._dimension(m, k, shape, depth, shapes[k], now[k], kept.data[k])
        self._next(m, shapes, now, following)
        with m.If(self.save):
            m.d.sync += now.eq(following)
        return m

    def _dimension(self, m, k, shape, depth, held, now, kept):
        """Keep one dimension of all pairs, and load that of the pair at work."""
        memory = Memory(shape=shape, depth=depth, init=[])
        m.submodules[f"shape_{k}"] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        m.d.comb += [
            read.addr.eq(self.queue),
            write.addr.eq(self.queue),
            write.en.eq(self.add & (self.place == k)),
            write.data.count_m1.eq(self.count - 1),
            write.data.stride.eq(self.stride),
        ]
        with m.If(self.load):
            m.d.sync += [
                held.eq(read.data),
                now.base.eq(Mux(self.begun, kept.base, self.address)),
                now.left.eq(Mux(self.begun, kept.left, read.data.count_m1)),
            ]
            with m.If(self.dimensions <= k):
                m.d.sync += now.left.eq(0)

    def _next(self, m, shapes, now, following):
        """Find the next row, and where every dimension stands then."""
        moving = Signal(range(DIMENSIONS))
        m.d.comb += self.final.eq(1)
        for k in reversed(range(DIMENSIONS)):
            with m.If(now[k].left != 0):
                m.d.comb += [moving.eq(k), self.final.eq(0)]
        bases = Array(now[k].base for k in range(DIMENSIONS))
        strides = Array(shapes[k].stride for k in range(DIMENSIONS))
        m.d.comb += [
            self.after.eq(bases[moving] + strides[moving]),
            following.eq(now),
        ]
        with m.If(self.step):
            for k in range(DIMENSIONS):
                with m.If(moving == k):
                    m.d.comb += [following[k].base.eq(self.after),
                                 following[k].left.eq(now[k].left - 1)]
                with m.Elif(moving > k):
                    m.d.comb += [following[k].base.eq(self.after),
                                 following[k].left.eq(shapes[k].count_m1)]
