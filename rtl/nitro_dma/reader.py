"""Read engine: bursts out, beats back into the data buffer."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature, Resp
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import beat_bits
from .legaliser import BurstSplitter, SpanLayout

__all__ = ["DATA_ID", "BeatLayout", "ReadEngine"]

DATA_ID = 0


class BeatLayout(data.StructLayout):
    """A beat as read: ``data``, and ``error`` when the response was not OKAY."""

    def __init__(self, config: DmaConfig):
        super().__init__({"data": config.data_width, "error": 1})


class ReadEngine(wiring.Component):
    """Reads spans of beats, in order.

    A burst is requested only when the data buffer has a place for each of its beats and fewer than
    ``outstanding`` bursts are on their way: R is always accepted, so reads can never stand in the
    way of whatever the writes wait for.

    Timing
    ------
    ``arvalid`` rises one cycle after ``i.valid``. One burst a cycle, one beat a cycle. A beat
    shows on ``o`` 2 cycles after its transfer on R.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., write=False))`
        Data reads.
    i : :py:`In(stream.Signature(SpanLayout(config, 16)))`
        What to read; the tag is AxUSER.
    o : :py:`Out(stream.Signature(BeatLayout(config)))`
        Beats in the order of the spans.
    arrived : :py:`Out(1)`
        Strobe: a beat has come in.
    busy : :py:`Out(1)`
        A read is under way.
    """

    m_axi: wiring.PureInterface
    i: stream.Interface
    o: stream.Interface
    arrived: Signal
    busy: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "m_axi":   Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                         data_width=config.data_width, id_width=config.id_width,
                                         write=False)),
            "i":       In(stream.Signature(SpanLayout(config, 16))),
            "o":       Out(stream.Signature(BeatLayout(config))),
            "arrived": Out(1),
            "busy":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        axi, config = self.m_axi, self.config
        places = config.buffer_bytes * 8 // config.data_width

        m.submodules.splitter = splitter = BurstSplitter(config, 16)
        m.submodules.buffer = buffer = StreamFifo(BeatLayout(config), places)
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        wiring.connect(m, buffer.o, wiring.flipped(self.o))

        burst = splitter.o.payload
        free = Signal(range(places + 1), init=places)
        flying = Signal(range(config.outstanding + 1))
        issue, left, done = Signal(), Signal(), Signal()
        m.d.comb += [
            issue.eq(splitter.o.valid & (~axi.arvalid | axi.arready) & (burst.len < free)
                     & (flying != config.outstanding)),
            splitter.o.ready.eq(issue),
            left.eq(self.o.valid & self.o.ready),
            done.eq(self.arrived & axi.rlast),
        ]
        m.d.sync += [
            free.eq(free - Mux(issue, burst.len + 1, 0) + left),
            flying.eq(flying + issue - done),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        with m.If(issue):
            m.d.sync += [
                axi.arvalid.eq(1),
                axi.araddr.eq(Cat(Const(0, beat_bits(config)), burst.beat)),
                axi.arlen.eq(burst.len),
                axi.aruser.eq(burst.tag),
            ]
        m.d.comb += [
            axi.arid.eq(DATA_ID),
            axi.arsize.eq(axi.signature.size),
            axi.arcache.eq(0b0010),
            axi.rready.eq(1),
            self.arrived.eq(axi.rvalid),
            buffer.i.valid.eq(axi.rvalid),
            buffer.i.payload.data.eq(axi.rdata),
            buffer.i.payload.error.eq(axi.rresp != Resp.OKAY),
            self.busy.eq(flying != 0),
        ]

        return m
