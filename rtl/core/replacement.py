"""Which way of a set gives up its line."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Replacement"]


class Replacement(wiring.Component):
    """Choice of a victim that is not the way used last in its set.

    With two ways that is the least recently used one; with more, the others are taken in turn.

    Timing
    ------
    ``set`` is read at the clock edge of a cycle with ``look``; ``victim`` belongs to it from the
    next cycle on, a use at the same edge included. A use is taken over at the edge.

    Parameters
    ----------
    sets, ways : :class:`int`
        Of the cache, powers of two.

    Members
    -------
    look : :py:`In(1)`, set : :py:`In(range(sets))`
        Set to look at.
    victim : :py:`Out(range(ways))`
        Its victim; 0 if there is one way.
    used : :py:`In(1)`, used_set : :py:`In(range(sets))`, used_ways : :py:`In(ways)`
        A way was used, one-hot.
    """

    def __init__(self, *, sets: int, ways: int):
        self.sets = sets
        self.ways = ways
        super().__init__({
            "look":      In(1),
            "set":       In(range(sets)),
            "victim":    Out(range(max(2, ways))),
            "used":      In(1),
            "used_set":  In(range(sets)),
            "used_ways": In(ways),
        })

    def elaborate(self, platform):
        m = Module()
        if self.ways == 1:
            return m
        way_bits = (self.ways - 1).bit_length()
        # One block RAM costs less than the few cells of a small memory and their multiplexers.
        m.submodules.latest = latest = Memory(shape=way_bits, depth=self.sets, init=[],
                                              attrs={"ram_style": "block", "no_rw_check": 1})
        write, read = latest.write_port(), latest.read_port()
        used = Signal(way_bits)
        for way in range(1, self.ways):
            with m.If(self.used_ways[way]):
                m.d.comb += used.eq(way)
        m.d.comb += [read.en.eq(self.look), read.addr.eq(self.set), write.addr.eq(self.used_set),
                     write.en.eq(self.used), write.data.eq(used)]
        # A use at the edge of the lookup: sets are compared after it, since the address comes late.
        looked_set, last_set, last = Signal.like(self.set), Signal.like(self.set), Signal(way_bits)
        last_used, newest = Signal(), Signal(way_bits)
        with m.If(self.look):
            m.d.sync += [looked_set.eq(self.set), last_set.eq(self.used_set), last.eq(used),
                         last_used.eq(self.used)]
        m.d.comb += newest.eq(Mux(last_used & (looked_set == last_set), last, read.data))
        turn = Signal(range(max(2, self.ways - 1)))
        if self.ways > 2:
            m.d.sync += turn.eq(Mux(turn == self.ways - 2, 0, turn + 1))
        m.d.comb += self.victim.eq((newest + 1 + turn)[:way_bits])
        return m
