"""Writes completions into the completion rings."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature, Resp
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import CAUSE_WIDTH, COMPLETION_LAYOUT, PacketLayout, queue_bits
from .encoding import FIRST_RING_ID, Cause
from .fetcher import DESCRIPTOR_ID

__all__ = ["CompletionContext", "CompletionWriter"]

COMPLETIONS = 16


class CompletionContext(wiring.Signature):
    """What the writer must know of a completion ring, and what it tells; seen from the writer.

    Members
    -------
    enable : :py:`In(1)`
        Write completions to memory.
    base, length, tenant : :py:`In`
        The ring in memory, in entries, and its owner.
    clear : :py:`In(1)`
        Return to the first entry. Only while nothing is under way.
    interrupt : :py:`Out(1)`
        Strobe: a completion that asked for an interrupt is in memory.
    head, head_id : :py:`Out(16)`, :py:`Out(2)`
        Entry behind the last one that is in memory.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({
            "enable":    In(1),
            "base":      In(config.addr_width),
            "length":    In(17),
            "tenant":    In(16),
            "clear":     In(1),
            "interrupt": Out(1),
            "head":      Out(16),
            "head_id":   Out(2, init=FIRST_RING_ID),
        })


class CompletionWriter(wiring.Component):
    """Writes an S2M completion for each packet, then an M2S one if that was asked for.

    Several may be on their way; ``head`` and ``interrupt`` follow the write response.

    Timing
    ------
    ``awvalid`` rises 2 cycles after ``i.valid``.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., read=False))`
        Completion writes.
    ring : ``2 * queues`` x :py:`Out(CompletionContext(config))`
        Of queue q, 2 q is the M2S ring and 2 q + 1 is the S2M ring.
    i : :py:`In(stream.Signature(PacketLayout(config)))`
        Complete packets.
    completed : :py:`Out(1)`, with ``completed_queue``
        Strobe: everything about a packet is in memory.
    fault : :py:`Out(CAUSE_WIDTH)`
        COMPLETION_RESPONSE in the cycle of an error response, of ``completed_queue``; else 0.
    busy : :py:`Out(1)`
        A write is under way.
    """

    m_axi: wiring.PureInterface
    i: stream.Interface
    completed: Signal
    completed_queue: Signal
    fault: Signal
    busy: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "m_axi":           Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                                 data_width=config.data_width,
                                                 id_width=config.id_width, read=False)),
            "ring":            Out(CompletionContext(config)).array(2 * config.queues),
            "i":               In(stream.Signature(PacketLayout(config))),
            "completed":       Out(1),
            "completed_queue": Out(queue_bits(config)),
            "fault":           Out(CAUSE_WIDTH),
            "busy":            Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        flight = data.StructLayout({"queue": queue_bits(self.config), "s2m": 1, "written": 1,
                                    "final": 1, "interrupt": 1})
        m.submodules.flights = flights = StreamFifo(flight, COMPLETIONS)
        self._send(m, flights)
        self._confirm(m, flights)
        m.d.comb += self.busy.eq(self.i.valid | flights.o.valid)
        return m

    def _send(self, m, flights):
        """Put the completions of the oldest packet on AW and W."""
        axi, packet, flight = self.m_axi, self.i.payload, flights.i.payload
        rings = Array(self.ring)
        count = len(self.ring)

        # Next entry to write; the ring's `head` follows when the responses come.
        indices = Array(Signal(16, name=f"next_{i}") for i in range(count))
        ids = Array(Signal(2, init=FIRST_RING_ID, name=f"next_id_{i}") for i in range(count))
        m2s_turn, sending, accepted = Signal(), Signal(), Signal()
        which = Cat(~m2s_turn, packet.queue)
        ring = rings[which]
        index, ring_id, length = Signal(16), Signal(2), Signal(17)
        failed = packet.cause != Cause.NONE
        m.d.comb += [
            index.eq(indices[which]), ring_id.eq(ids[which]), length.eq(ring.length),
            sending.eq(self.i.valid & flights.i.ready & ~axi.awvalid & ~axi.wvalid),
            flights.i.valid.eq(sending),
            flight.queue.eq(packet.queue),
            flight.s2m.eq(~m2s_turn),
            flight.written.eq(ring.enable),
            flight.final.eq(m2s_turn | ~packet.m2s_request),
            flight.interrupt.eq(m2s_turn | packet.s2m_interrupt),
            accepted.eq(sending & flight.final),
            self.i.ready.eq(accepted),
            axi.awid.eq(DESCRIPTOR_ID),
            axi.awcache.eq(0b0010),
            axi.awsize.eq(axi.signature.size),
        ]
        entry = Signal(COMPLETION_LAYOUT)
        m.d.comb += [
            entry.cause.eq(packet.cause),
            entry.ring_id.eq(ring_id),
            entry.first.eq(1), entry.last.eq(1),
            entry.interrupt.eq(flight.interrupt),
            entry.error.eq(failed),
            entry.bytes.eq(Mux(failed, 0, packet.bytes)),
            entry.index.eq(Mux(m2s_turn, packet.m2s_index, packet.s2m_index)),
        ]
        with m.If(sending):
            m.d.sync += m2s_turn.eq(~flight.final)
            with m.If(ring.enable):
                wraps = index + 1 == length
                m.d.sync += [
                    indices[which].eq(Mux(wraps, 0, index + 1)),
                    ids[which].eq(ring_id + wraps),
                    axi.awaddr.eq(ring.base + Cat(Const(0, 4), index)),
                    axi.awuser.eq(ring.tenant),
                ]
        self._beats(m, sending & ring.enable, entry, index)
        for i, context in enumerate(self.ring):
            with m.If(context.clear):
                m.d.sync += [indices[i].eq(0), ids[i].eq(FIRST_RING_ID)]

    def _beats(self, m, start, entry, index):
        """Send the 16 bytes of ``entry`` as one or more beats."""
        axi = self.m_axi
        width = len(axi.wdata)
        beats = max(1, COMPLETION_LAYOUT.size // width)
        rest = Signal(max(0, COMPLETION_LAYOUT.size - width))
        left = Signal(range(beats))
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(axi.wready & axi.wvalid):
            m.d.sync += [axi.wvalid.eq(left != 0), axi.wdata.eq(rest), rest.eq(rest >> width),
                         left.eq(left - 1), axi.wlast.eq(left == 1)]
        lane = index[:max(0, (width // COMPLETION_LAYOUT.size).bit_length() - 1)] * 16
        with m.If(start):
            m.d.sync += [
                axi.awvalid.eq(1), axi.awlen.eq(beats - 1),
                axi.wvalid.eq(1), axi.wlast.eq(beats == 1), left.eq(beats - 1),
                Cat(axi.wdata, rest).eq(entry.as_value() << lane * 8),
                axi.wstrb.eq(0xFFFF << lane if width >= COMPLETION_LAYOUT.size else ~0),
            ]

    def _confirm(self, m, flights):
        """Count completions that are in memory."""
        axi, flight = self.m_axi, flights.o.payload
        which = Cat(flight.s2m, flight.queue)
        ends, counts = Signal(), Signal()
        m.d.comb += [
            axi.bready.eq(flights.o.valid & flight.written),
            ends.eq(flights.o.valid & (axi.bvalid | ~flight.written)),
            flights.o.ready.eq(ends),
            counts.eq(ends & flight.written),
            self.completed.eq(ends & flight.final),
            self.completed_queue.eq(flight.queue),
            self.fault.eq(Mux(counts & (axi.bresp != Resp.OKAY),
                              Cause.COMPLETION_RESPONSE, Cause.NONE)),
        ]
        for i, ring in enumerate(self.ring):
            wraps = ring.head + 1 == ring.length
            with m.If(counts & (which == i)):
                m.d.sync += [ring.head.eq(Mux(wraps, 0, ring.head + 1)),
                             ring.head_id.eq(ring.head_id + wraps)]
            m.d.comb += ring.interrupt.eq(ends & flight.interrupt & (which == i))
            with m.If(ring.clear):
                m.d.sync += [ring.head.eq(0), ring.head_id.eq(FIRST_RING_ID)]
