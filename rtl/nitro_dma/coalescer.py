"""Gathers completions until a burst of them is worth writing."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig
from rtl.lib import RoundRobin

from .descriptor import CAUSE_WIDTH, PacketLayout, ring_bits
from .encoding import FIRST_RING_ID, Cause

__all__ = ["LINE", "Coalescer", "ENTRY_LAYOUT", "LineLayout"]

LINE = 4
"""Completions of one burst at most: 64 bytes, at a multiple of 64 bytes."""

ENTRY_LAYOUT = data.StructLayout({"cause": CAUSE_WIDTH, "ring_id": 2, "interrupt": 1, "bytes": 32,
                                  "index": 16})


class LineLayout(data.StructLayout):
    """Completions that are written in one burst.

    Members
    -------
    ring : :py:`ring_bits`
        Of queue q, 2 q is the M2S completion ring and 2 q + 1 is the S2M one.
    first, count_m1 : :py:`16`, :py:`2`
        Index of the first one in the ring, and their number, minus 1.
    slot : :py:`3`
        Place of the first one in the store.
    interrupt : :py:`1`
        One of them asked for an interrupt.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"ring": ring_bits(config), "first": 16, "count_m1": 2, "slot": 3,
                          "interrupt": 1})


class Coalescer(wiring.Component):
    """Turns complete packets into completions, and completions into lines.

    Every packet has an S2M completion, and an M2S one behind it if that was asked for. A line of a
    ring is closed, and takes no more, when it reaches a multiple of 64 bytes or the end of the
    ring. It is offered when it is closed, holds an error or an interrupt, ``flush`` or ``quiet`` is
    high, or ``tick`` has come since it was begun. The store has places for two lines a ring: one is
    filled while the other is being written.

    Timing
    ------
    A completion a cycle; it shows on ``o`` 3 cycles after ``i`` at the earliest.

    Members
    -------
    i : :py:`In(stream.Signature(PacketLayout(config)))`
        Complete packets.
    enable, flush, clear : :py:`In(2 * queues)`
        Of each ring: write completions; offer what there is; return to the first entry, only while
        the ring holds nothing.
    length : ``2 * queues`` x :py:`In(17)`
        Entries of each ring.
    quiet : :py:`In(1)`
        No packet is under way: nothing is gained by waiting.
    tick : :py:`In(1)`
        Strobe: lines that were begun before have waited long enough.
    put : :py:`Out(2 * queues)`
        Strobes: the ring holds a completion more.
    unwritten : :py:`Out(2 * queues)`
        Strobes: a completion that asked for an interrupt belongs to a ring that is not enabled.
    o : :py:`Out(stream.Signature(LineLayout(config)))`
        Lines; their places are used again once they have been taken.
    slot, entry : :py:`In(3)`, :py:`Out(ENTRY_LAYOUT)`
        A place of the ring of the line on ``o``, and the completion in it, in the same cycle.
    """

    i: stream.Interface
    enable: Signal
    flush: Signal
    clear: Signal
    quiet: Signal
    tick: Signal
    put: Signal
    unwritten: Signal
    o: stream.Interface
    slot: Signal
    entry: data.View

    def __init__(self, config: DmaConfig):
        self.config = config
        self.rings = 2 * config.queues
        super().__init__({
            "i":         In(stream.Signature(PacketLayout(config))),
            "enable":    In(self.rings),
            "flush":     In(self.rings),
            "clear":     In(self.rings),
            "length":    In(17).array(self.rings),
            "quiet":     In(1),
            "tick":      In(1),
            "put":       Out(self.rings),
            "unwritten": Out(self.rings),
            "o":         Out(stream.Signature(LineLayout(config))),
            "slot":      In(3),
            "entry":     Out(ENTRY_LAYOUT),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.store = store = Memory(shape=ENTRY_LAYOUT, depth=2 * LINE * self.rings,
                                            init=[])
        read = store.read_port(domain="comb")
        m.d.comb += [
            read.addr.eq(Cat(self.slot, self.o.payload.ring)),
            self.entry.eq(read.data),
        ]
        # What a ring holds that is not offered yet.
        held = data.StructLayout({"count": range(LINE + 1), "slot": 3, "closed": 1, "urgent": 1,
                                  "aged": 1, "interrupt": 1})
        rings = [Signal(held, name=f"held_{i}") for i in range(self.rings)]
        closes, urgent, interrupt = self._fill(m, store.write_port(), rings)
        sampled = self._offer(m, rings)
        for i, ring in enumerate(rings):
            put, leaves = self.put[i], sampled[i]
            m.d.sync += [
                ring.count.eq(Mux(leaves, 0, ring.count) + put),
                ring.slot.eq(ring.slot + put),
                ring.closed.eq(Mux(leaves, 0, ring.closed) | (put & closes)),
                ring.urgent.eq(Mux(leaves, 0, ring.urgent) | (put & urgent)),
                ring.interrupt.eq(Mux(leaves, 0, ring.interrupt) | (put & interrupt)),
                ring.aged.eq(~leaves & (ring.aged | (self.tick & (ring.count != 0)))),
            ]
        return m

    def _position(self, m, name, ring, go, step):
        """Return the index and ring id in ``ring``, and whether it ends ``step`` further on.

        With ``go`` the position moves on. The memory of all rings' positions needs no reset: a
        ring that has not moved since it was cleared stands at its first entry.
        """
        layout = data.StructLayout({"index": 16, "id": 2})
        m.submodules[name] = memory = Memory(shape=layout, depth=self.rings, init=[])
        read, write = memory.read_port(domain="comb"), memory.write_port()
        moved = Signal(self.rings, name=f"{name}_moved")
        index, ring_id = Signal(16, name=f"{name}_index"), Signal(2, name=f"{name}_id")
        after, ends = Signal(17, name=f"{name}_after"), Signal(name=f"{name}_ends")
        known = moved.bit_select(ring, 1)
        m.d.comb += [
            read.addr.eq(ring), write.addr.eq(ring), write.en.eq(go),
            index.eq(Mux(known, read.data.index, 0)),
            ring_id.eq(Mux(known, read.data.id, FIRST_RING_ID)),
            after.eq(index + step),
            ends.eq(after == Array(self.length)[ring]),
            write.data.index.eq(Mux(ends, 0, after)),
            write.data.id.eq(ring_id + ends),
        ]
        m.d.sync += moved.eq((moved | Mux(go, 1 << ring, 0)) & ~self.clear)
        return index, ring_id, ends

    def _fill(self, m, write, rings):
        """Put the completions of the oldest packet into their rings.

        Returns whether the one of this cycle closes its line, may not wait, asks for an interrupt.
        """
        packet, entry = self.i.payload, write.data
        m2s_turn, final, enabled, go = Signal(), Signal(), Signal(), Signal()
        which = Signal(ring_bits(self.config))
        failed = packet.cause != Cause.NONE
        place = Array(ring.slot for ring in rings)[which]
        blocked = Array(ring.closed for ring in rings)[which]
        index, ring_id, ends = self._position(m, "next", which, go & enabled, 1)
        m.d.comb += [
            which.eq(Cat(~m2s_turn, packet.queue)),
            final.eq(m2s_turn | ~packet.m2s_request),
            enabled.eq(self.enable.bit_select(which, 1)),
            go.eq(self.i.valid & ~(enabled & blocked)),
            self.i.ready.eq(go & final),
            self.put.eq(Mux(go & enabled, 1 << which, 0)),
            self.unwritten.eq(Mux(go & ~enabled & entry.interrupt, 1 << which, 0)),
            write.en.eq(go & enabled),
            write.addr.eq(Cat(place, which)),
            entry.cause.eq(packet.cause),
            entry.ring_id.eq(ring_id),
            entry.interrupt.eq(m2s_turn | packet.s2m_interrupt),
            entry.bytes.eq(Mux(failed, 0, packet.bytes)),
            entry.index.eq(Mux(m2s_turn, packet.m2s_index, packet.s2m_index)),
        ]
        with m.If(go):
            m.d.sync += m2s_turn.eq(~final)
        return ends | index[:2].all(), entry.interrupt | failed, entry.interrupt

    def _offer(self, m, rings):
        """Show a line on ``o``; return the strobes of the rings whose line that is."""
        m.submodules.arbiter = arbiter = RoundRobin(self.rings)
        chosen, picked = Signal(ring_bits(self.config)), Signal()
        sampled = Signal(self.rings)
        sample = Signal()
        for i, ring in enumerate(rings):
            due = ((ring.count != 0) & (ring.closed | ring.urgent | ring.aged | self.quiet
                                        | self.flush[i]))
            m.d.comb += arbiter.requests[i].eq(due & ~picked)
            with m.If(arbiter.grant[i]):
                m.d.sync += chosen.eq(i)
        ring, line = Array(rings)[chosen], self.o.payload
        first, _, _ = self._position(m, "sent", chosen, sample, ring.count)
        m.d.comb += [
            arbiter.advance.eq(1),
            sample.eq(picked & (~self.o.valid | self.o.ready)),
            sampled.eq(Mux(sample, 1 << chosen, 0)),
        ]
        with m.If(sample):
            m.d.sync += picked.eq(0)
        with m.Elif(arbiter.grant.any()):
            m.d.sync += picked.eq(1)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(sample):
            m.d.sync += [
                self.o.valid.eq(1),
                line.ring.eq(chosen),
                line.first.eq(first),
                line.count_m1.eq(ring.count - 1),
                line.slot.eq(ring.slot - ring.count),
                line.interrupt.eq(ring.interrupt),
            ]
        return sampled
