"""Read engine: bursts out, beats back into the data buffer."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.bus import AXI4Signature, Resp
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import DataFault, beat_bits, queue_bits
from .legaliser import BurstSplitter, SpanLayout
from .windows import PAGE_BITS, WindowCheckSignature

__all__ = ["DATA_ID", "BeatLayout", "ReadEngine"]

DATA_ID = 0


class BeatLayout(data.StructLayout):
    """A beat as read: ``data``, and ``fault`` (:class:`~.descriptor.DataFault`)."""

    def __init__(self, config: DmaConfig):
        super().__init__({"data": config.data_width, "fault": DataFault})


class ReadEngine(wiring.Component):
    """Reads spans of beats, in order.

    A burst is requested only when the data buffer has a place for each of its beats and fewer than
    ``outstanding`` bursts are on their way: R is always accepted, so reads can never stand in the
    way of whatever the writes wait for. A burst that no window of its queue allows is not
    requested; beats that carry the fault take the place of its data, and only while these enter
    the buffer R waits, if the data of later bursts is there already.

    Timing
    ------
    ``arvalid`` rises one cycle after ``i.valid``. One burst a cycle, one beat a cycle. A beat
    shows on ``o`` 2 cycles after its transfer on R.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., write=False))`
        Data reads.
    i : :py:`In(stream.Signature(SpanLayout(config, queue_bits)))`
        What to read; the tag is the queue.
    tenant : ``queues`` x :py:`In(16)`
        AxUSER of each queue.
    check : :py:`Out(WindowCheckSignature(config))`
        Asks whether a burst is allowed.
    o : :py:`Out(stream.Signature(BeatLayout(config)))`
        Beats in the order of the spans.
    arrived : :py:`Out(1)`
        Strobe: a beat has come in.
    busy : :py:`Out(1)`
        A read is under way.
    """

    m_axi: wiring.PureInterface
    i: stream.Interface
    check: wiring.PureInterface
    o: stream.Interface
    arrived: Signal
    busy: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "m_axi":   Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                         data_width=config.data_width, id_width=config.id_width,
                                         write=False)),
            "i":       In(stream.Signature(SpanLayout(config, queue_bits(config)))),
            "tenant":  In(16).array(config.queues),
            "check":   Out(WindowCheckSignature(config)),
            "o":       Out(stream.Signature(BeatLayout(config))),
            "arrived": Out(1),
            "busy":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        axi, config = self.m_axi, self.config
        places = config.buffer_bytes * 8 // config.data_width

        m.submodules.splitter = splitter = BurstSplitter(config, queue_bits(config))
        m.submodules.buffer = buffer = StreamFifo(BeatLayout(config), places)
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        wiring.connect(m, buffer.o, wiring.flipped(self.o))

        burst = splitter.o.payload
        free = Signal(range(places + 1), init=places)
        flying = Signal(range(config.outstanding + 1))
        issue, granted, left, done = Signal(), Signal(), Signal(), Signal()
        full, inject = Signal(), Signal()
        m.d.comb += [
            self.check.queue.eq(burst.tag),
            self.check.page.eq(burst.beat[PAGE_BITS - beat_bits(config):]),
            issue.eq(splitter.o.valid & (~axi.arvalid | axi.arready) & (burst.len < free)
                     & (flying != config.outstanding) & ~full),
            granted.eq(issue & self.check.allowed),
            splitter.o.ready.eq(issue),
            left.eq(self.o.valid & self.o.ready),
            done.eq(axi.rvalid & axi.rready & axi.rlast),
        ]
        m.d.sync += [
            free.eq(free - Mux(issue, burst.len + 1, 0) + left),
            flying.eq(flying + granted - done),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        with m.If(granted):
            m.d.sync += [
                axi.arvalid.eq(1),
                axi.araddr.eq(Cat(Const(0, beat_bits(config)), burst.beat)),
                axi.arlen.eq(burst.len),
                axi.aruser.eq(Array(self.tenant)[burst.tag]),
            ]
        self._deny(m, issue & ~granted, burst.len, flying, done, full, inject)
        m.d.comb += [
            axi.arid.eq(DATA_ID),
            axi.arsize.eq(axi.signature.size),
            axi.arcache.eq(0b0010),
            axi.rready.eq(~inject),
            self.arrived.eq(axi.rvalid | inject),
            buffer.i.valid.eq(self.arrived),
            buffer.i.payload.data.eq(axi.rdata),
            self.busy.eq(flying != 0),
        ]
        with m.If(inject):
            m.d.comb += buffer.i.payload.fault.eq(DataFault.READ_WINDOW)
        with m.Elif(axi.rresp != Resp.OKAY):
            m.d.comb += buffer.i.payload.fault.eq(DataFault.READ_RESPONSE)

        return m

    def _deny(self, m, deny, length, flying, done, full, inject):
        """Put the beats of bursts that are not allowed into the buffer, in their turn."""
        position = Signal(exact_log2(self.config.outstanding) + 1)      # bursts that have arrived
        layout = data.StructLayout({"behind": len(position), "len": 8})
        m.submodules.denied = denied = StreamFifo(layout, 2)
        beat = Signal(8)
        m.d.comb += [
            denied.i.valid.eq(deny),
            denied.i.payload.behind.eq(position + flying),
            denied.i.payload.len.eq(length),
            full.eq(~denied.i.ready),
            inject.eq(denied.o.valid & (denied.o.payload.behind == position)),
            denied.o.ready.eq(inject & (beat == denied.o.payload.len)),
        ]
        m.d.sync += position.eq(position + done)
        with m.If(inject):
            m.d.sync += beat.eq(Mux(denied.o.ready, 0, beat + 1))
