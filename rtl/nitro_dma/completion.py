"""Writes completions into the completion rings."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.bus import AXI4Signature, Resp
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .coalescer import LINE, Coalescer
from .descriptor import CAUSE_WIDTH, COMPLETION_LAYOUT, PacketLayout, queue_bits, ring_bits
from .encoding import FIRST_RING_ID, Cause
from .fetcher import DESCRIPTOR_ID
from .message import MessageContext
from .windows import PAGE_BITS, WindowCheckSignature

__all__ = ["CompletionContext", "CompletionWriter"]

LINES = 16
"""Bursts that may await their response."""


class CompletionContext(wiring.Signature):
    """What the writer must know of a completion ring, and what it tells; seen from the writer.

    Members
    -------
    enable : :py:`In(1)`
        Write completions to memory.
    base, length, tenant : :py:`In`
        The ring in memory, in entries, and its owner.
    flush : :py:`In(1)`
        Write what is held at once.
    clear : :py:`In(1)`
        Return to the first entry. Only while :attr:`idle`.
    idle : :py:`Out(1)`
        No completion is held or on its way.
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
            "flush":     In(1),
            "clear":     In(1),
            "idle":      Out(1),
            "interrupt": Out(1),
            "head":      Out(16),
            "head_id":   Out(2, init=FIRST_RING_ID),
        })


class CompletionWriter(wiring.Component):
    """Writes the lines of the :class:`~rtl.nitro_dma.coalescer.Coalescer`, a burst each.

    Several may be on their way; ``head`` and ``interrupt`` follow the write response. Messages go
    the same way, before lines that wait.

    Timing
    ------
    ``awvalid`` rises 4 cycles after the packet that makes a line due is taken; W begins with it.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., read=False))`
        Completion writes.
    ring : ``2 * queues`` x :py:`Out(CompletionContext(config))`
        Of queue q, 2 q is the M2S ring and 2 q + 1 is the S2M ring.
    message : ``queues`` x :py:`Out(MessageContext(config))`
        With ``config.messages``: message interrupts of each queue.
    i : :py:`In(stream.Signature(PacketLayout(config)))`
        Complete packets.
    quiet, tick : :py:`In(1)`
        As in :class:`~rtl.nitro_dma.coalescer.Coalescer`.
    fault, fault_queue : :py:`Out(CAUSE_WIDTH)`, :py:`Out(queue_bits)`
        COMPLETION_RESPONSE in the cycle of an error response, or COMPLETION_WINDOW for a burst that
        no window of its queue allows and that is not written, and the queue; else 0. Likewise
        MESSAGE_RESPONSE and MESSAGE_WINDOW.
    check : :py:`Out(WindowCheckSignature(config))`
        Asks whether a burst is allowed.
    """

    m_axi: wiring.PureInterface
    i: stream.Interface
    quiet: Signal
    tick: Signal
    fault: Signal
    fault_queue: Signal
    check: wiring.PureInterface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "m_axi":       Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                             data_width=config.descriptor_width,
                                             id_width=config.id_width, read=False)),
            "ring":        Out(CompletionContext(config)).array(2 * config.queues),
            **({"message": Out(MessageContext(config)).array(config.queues)}
               if config.messages else {}),
            "i":           In(stream.Signature(PacketLayout(config))),
            "quiet":       In(1),
            "tick":        In(1),
            "fault":       Out(CAUSE_WIDTH),
            "fault_queue": Out(queue_bits(config)),
            "check":       Out(WindowCheckSignature(config)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.coalescer = coalescer = Coalescer(self.config)
        flight = data.StructLayout({"ring": ring_bits(self.config), "count_m1": 2,
                                    "interrupt": 1, "denied": 1, "message": 1})
        m.submodules.flights = flights = StreamFifo(flight, LINES)
        wiring.connect(m, wiring.flipped(self.i), coalescer.i)
        m.d.comb += [coalescer.quiet.eq(self.quiet), coalescer.tick.eq(self.tick)]
        for i, ring in enumerate(self.ring):
            m.d.comb += [
                coalescer.enable[i].eq(ring.enable),
                coalescer.flush[i].eq(ring.flush),
                coalescer.clear[i].eq(ring.clear),
                coalescer.length[i].eq(ring.length),
            ]
        self._send(m, coalescer, flights)
        self._confirm(m, coalescer, flights)
        return m

    def _send(self, m, coalescer, flights):
        """Put the line that is offered on AW and W."""
        axi, line = self.m_axi, coalescer.o.payload
        ring = Array(self.ring)[line.ring]
        beats = COMPLETION_LAYOUT.size // self.config.descriptor_width    # of a completion
        entry = Signal(COMPLETION_LAYOUT)
        held = coalescer.entry
        number, part = Signal(range(LINE)), Signal(range(max(2, beats)))
        sending, start, load, last = Signal(), Signal(), Signal(), Signal()
        address, granted, other = Signal(self.config.addr_width), Signal(), Signal()
        m.d.comb += [
            address.eq(ring.base + Cat(Const(0, 4), line.first)),
            self.check.queue.eq(line.ring[1:]),
            self.check.page.eq(address[PAGE_BITS:]),
            self.check.write.eq(1),
            granted.eq(start & self.check.allowed),
            coalescer.slot.eq(line.slot + number),
            entry.cause.eq(held.cause),
            entry.ring_id.eq(held.ring_id),
            entry.first.eq(1), entry.last.eq(1),
            entry.interrupt.eq(held.interrupt),
            entry.error.eq(held.cause != Cause.NONE),
            entry.bytes.eq(held.bytes),
            entry.index.eq(held.index),
            start.eq(coalescer.o.valid & ~sending & flights.i.ready & ~axi.awvalid & ~other),
            load.eq((granted | sending) & (~axi.wvalid | axi.wready)),
            last.eq((number == line.count_m1) & (part == beats - 1)),
            coalescer.o.ready.eq((load & last) | (start & ~granted)),
            flights.i.valid.eq(start),
            flights.i.payload.denied.eq(~granted),
            *(flights.i.payload[name].eq(line[name]) for name in ("ring", "count_m1",
                                                                  "interrupt")),
            axi.awid.eq(DESCRIPTOR_ID),
            axi.awcache.eq(0b0010),
            axi.awsize.eq(axi.signature.size),
        ]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(granted):
            m.d.sync += [
                sending.eq(1),
                axi.awvalid.eq(1),
                axi.awaddr.eq(address),
                axi.awlen.eq(Cat(Const(beats - 1, beats - 1), line.count_m1)),
                axi.awuser.eq(ring.tenant),
            ]
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(load):
            m.d.sync += [
                axi.wvalid.eq(1),
                axi.wdata.eq(entry.as_value().word_select(part, len(axi.wdata))),
                axi.wstrb.eq(~0),
                axi.wlast.eq(last),
                part.eq(Mux(part == beats - 1, 0, part + 1)),
                number.eq(Mux(last, 0, number + (part == beats - 1))),
            ]
            with m.If(last):
                m.d.sync += sending.eq(0)
        if self.config.messages:
            self._send_message(m, other, ~sending & flights.i.ready & ~axi.awvalid
                               & (~axi.wvalid | axi.wready), flights)

    def _send_message(self, m, any_due, free, flights):
        """Put a message on AW and W, when they are free."""
        axi = self.m_axi
        lanes, beat = len(axi.wstrb), exact_log2(len(axi.wstrb))
        chosen = Signal(queue_bits(self.config))
        for i, message in reversed(list(enumerate(self.message))):
            with m.If(message.due):
                m.d.comb += [chosen.eq(i), any_due.eq(1)]
        message, address = Array(self.message)[chosen], Signal(self.config.addr_width)
        m.d.comb += address.eq(message.address)
        with m.If(any_due):
            m.d.comb += [
                self.check.queue.eq(chosen),
                self.check.page.eq(address[PAGE_BITS:]),
                flights.i.valid.eq(free),
                flights.i.payload.ring.eq(chosen << 1),
                flights.i.payload.denied.eq(~self.check.allowed),
                flights.i.payload.message.eq(1),
                flights.i.payload.interrupt.eq(0),
            ]
            with m.If(free):
                m.d.comb += message.take.eq(1)
                with m.If(self.check.allowed):
                    m.d.sync += [
                        axi.awvalid.eq(1),
                        axi.awaddr.eq(Cat(Const(0, beat), address[beat:])),
                        axi.awlen.eq(0),
                        axi.awuser.eq(message.tenant),
                        axi.wvalid.eq(1),
                        axi.wdata.eq(message.data.replicate(lanes // 4)),
                        axi.wstrb.eq(0b1111 << address[:beat]),
                        axi.wlast.eq(1),
                    ]

    def _confirm(self, m, coalescer, flights):
        """Count completions that are in memory."""
        axi, line = self.m_axi, flights.o.payload
        answered, ends = Signal(), Signal()
        m.d.comb += [
            axi.bready.eq(flights.o.valid & ~line.denied),
            answered.eq(axi.bvalid & axi.bready),
            ends.eq(answered | (flights.o.valid & line.denied)),
            flights.o.ready.eq(ends),
            self.fault_queue.eq(line.ring[1:]),
        ]
        with m.If(flights.o.valid & line.denied):
            m.d.comb += self.fault.eq(Mux(line.message, Cause.MESSAGE_WINDOW,
                                          Cause.COMPLETION_WINDOW))
        with m.Elif(answered & (axi.bresp != Resp.OKAY)):
            m.d.comb += self.fault.eq(Mux(line.message, Cause.MESSAGE_RESPONSE,
                                          Cause.COMPLETION_RESPONSE))
        if self.config.messages:
            for i, message in enumerate(self.message):
                m.d.comb += message.end.eq(ends & line.message & (line.ring[1:] == i))
        for i, ring in enumerate(self.ring):
            mine = Signal(name=f"answered_{i}")
            after = Signal(17, name=f"after_{i}")
            held = Signal(range(2 * LINE + LINES * LINE + 1), name=f"held_{i}")
            m.d.comb += [
                mine.eq(answered & (line.ring == i) & ~line.message),
                after.eq(ring.head + line.count_m1 + 1),
                ring.idle.eq(held == 0),
                ring.interrupt.eq(mine & line.interrupt | coalescer.unwritten[i]),
            ]
            left = Mux(ends & (line.ring == i) & ~line.message, line.count_m1 + 1, 0)
            m.d.sync += held.eq(held + coalescer.put[i] - left)
            with m.If(mine):
                wraps = after == ring.length
                m.d.sync += [ring.head.eq(Mux(wraps, 0, after)),
                             ring.head_id.eq(ring.head_id + wraps)]
            with m.If(ring.clear):
                m.d.sync += [ring.head.eq(0), ring.head_id.eq(FIRST_RING_ID)]
