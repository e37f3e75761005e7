"""Write engine: bursts whose data is at hand, merged from rotated beats."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import DataFault, beat_bits, fill_member, queue_bits
from .legaliser import BurstSplitter, SpanLayout
from .reader import DATA_ID
from .realigner import RotatedLayout
from .windows import PAGE_BITS, WindowCheckSignature

__all__ = ["BurstDoneLayout", "WriteEngine", "WriteTagLayout"]


class WriteTagLayout(data.StructLayout):
    """What the write engine must know of a piece besides its destination beats.

    The members are those of :class:`~rtl.nitro_dma.legaliser.AlignedLayout`. If the engine
    transposes, ``block`` is 1 for a row of a block, which has no shift, skew or flush, and
    ``final`` for its last row and for all that is no block. A piece that is filled needs no beats.
    """

    def __init__(self, config: DmaConfig):
        lane = beat_bits(config)
        super().__init__({"first_lane": lane, "last_lane": lane, "shift": lane, "skew": 1,
                          "flush": 1, "queue": queue_bits(config), "moves": 1, "last": 1,
                          **({"block": 1, "final": 1} if config.transpose else {}),
                          **fill_member(config)})


class BurstDoneLayout(data.StructLayout):
    """A burst whose last beat is on W or dropped, or a piece without bytes.

    Members
    -------
    queue : :py:`queue_bits`
        Owner.
    awaits : :py:`1`
        A response will come.
    piece_last : :py:`1`
        Last burst of its piece.
    packet_last : :py:`1`
        Last burst of its packet.
    fault : :class:`~rtl.nitro_dma.descriptor.DataFault`
        What has gone wrong with its data, or with data before it in its queue.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"queue": queue_bits(config), "awaits": 1, "piece_last": 1,
                          "packet_last": 1, "fault": DataFault})


class _BurstLayout(data.StructLayout):
    """A burst between AW and W."""

    def __init__(self, config: DmaConfig):
        super().__init__({"len": 8, "first": 1, "last": 1, "denied": 1,
                          "tag": WriteTagLayout(config)})


class WriteEngine(wiring.Component):
    """Writes spans of beats, in order.

    A burst is put on AW only when every source beat that it needs is in the data buffer, or the
    block of which it is a row in the transposer: once it has begun, W never waits for a read. A
    burst that no window of its queue allows is not put on
    the bus: its data is dropped. Once data of a queue has a fault, or the queue is stopped, its
    bursts are finished with all strobes low, so that nothing more of it reaches memory until
    ``clear``.

    Timing
    ------
    ``awvalid`` rises one cycle after the last needed beat has arrived; the first W beat not before
    ``awvalid``, and not later for ``awready``. One beat a cycle, without a gap between bursts. A
    skewed piece takes one source beat ahead, which overlaps a flushing beat of the piece before.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., read=False))`
        Data writes. B belongs to :class:`~rtl.nitro_dma.retire.Retire`, ``bready`` is 0 here.
    i : :py:`In(stream.Signature(SpanLayout(config, WriteTagLayout(config))))`
        What to write.
    arrived : :py:`In(1)`
        Strobe: a source beat has come into the data buffer.
    taken, filled : :py:`In(1)`
        Strobes, if the engine transposes: the transposer has taken a beat of a block from there;
        it was the last one of the block.
    beat : :py:`In(stream.Signature(RotatedLayout(config)))`
        Rotated source beats.
    tenant : ``queues`` x :py:`In(16)`
        AxUSER of each queue.
    check : :py:`Out(WindowCheckSignature(config))`
        Asks whether a burst is allowed.
    stop : :py:`In(queues)`
        Queues whose data must not reach memory any more.
    clear : :py:`In(queues)`
        Strobes: forget the fault of a queue.
    retired : :py:`In(1)`
        Strobe: a burst has been answered.
    done : :py:`Out(stream.Signature(BurstDoneLayout(config), always_ready=True))`
        Bursts whose answer comes next.
    """

    m_axi: wiring.PureInterface
    i: stream.Interface
    arrived: Signal
    beat: stream.Interface
    check: wiring.PureInterface
    stop: Signal
    clear: Signal
    retired: Signal
    done: stream.Interface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "m_axi":   Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                         data_width=config.data_width, id_width=config.id_width,
                                         read=False)),
            "i":       In(stream.Signature(SpanLayout(config, WriteTagLayout(config)))),
            "arrived": In(1),
            **({"taken": In(1), "filled": In(1)} if config.transpose else {}),
            "beat":    In(stream.Signature(RotatedLayout(config))),
            "tenant":  In(16).array(config.queues),
            "check":   Out(WindowCheckSignature(config)),
            "stop":    In(config.queues),
            "clear":   In(config.queues),
            "retired": In(1),
            "done":    Out(stream.Signature(BurstDoneLayout(config), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.bursts = bursts = StreamFifo(_BurstLayout(self.config),
                                                  self.config.outstanding)
        self._address(m, bursts)
        self._merge(m, bursts)
        return m

    def _address(self, m, bursts):
        """Put bursts on AW when their data is at hand."""
        axi, config = self.m_axi, self.config
        m.submodules.splitter = splitter = BurstSplitter(config, WriteTagLayout(config))
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        burst = splitter.o.payload
        tag = burst.tag

        places = config.buffer_bytes * 8 // config.data_width
        at_hand = Signal(range(places + 1))
        flying = Signal(range(config.outstanding + 1))
        needs, claim, complete = Signal(9), Signal(9), Signal()
        issue, granted = Signal(), Signal()
        m.d.comb += [
            self.check.queue.eq(tag.queue),
            self.check.page.eq(burst.beat[PAGE_BITS - beat_bits(config):]),
            self.check.write.eq(1),
            granted.eq(issue & tag.moves & self.check.allowed),
            needs.eq(burst.len + 1 + (burst.first & tag.skew) - (burst.last & tag.flush)),
            issue.eq(splitter.o.valid & bursts.i.ready & (flying != config.outstanding)
                     & (~tag.moves | complete & (~axi.awvalid | axi.awready))),
            complete.eq(needs <= at_hand),
            claim.eq(Mux(issue & tag.moves, needs, 0)),
            splitter.o.ready.eq(issue),
            bursts.i.valid.eq(issue),
            bursts.i.payload.len.eq(burst.len),
            bursts.i.payload.first.eq(burst.first),
            bursts.i.payload.last.eq(burst.last),
            bursts.i.payload.denied.eq(tag.moves & ~self.check.allowed),
            bursts.i.payload.tag.eq(tag),
            axi.awid.eq(DATA_ID),
            axi.awsize.eq(axi.signature.size),
            axi.awcache.eq(0b0010),
        ]
        gone = 0
        if self.config.transpose:
            # Beats of a block are at hand until the transposer has taken them.
            gone, blocks = self.taken, Signal(range(3))
            m.d.sync += blocks.eq(blocks + self.filled
                                  - (issue & tag.block & tag.final & burst.last))
            with m.If(tag.block):
                m.d.comb += [complete.eq(blocks != 0), claim.eq(0)]
        if self.config.fill:
            with m.If(tag.fill.on):
                m.d.comb += [complete.eq(1), claim.eq(0)]
        m.d.sync += [
            at_hand.eq(at_hand + self.arrived - claim - gone),
            flying.eq(flying + issue - self.retired),
        ]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(granted):
            m.d.sync += [
                axi.awvalid.eq(1),
                axi.awaddr.eq(Cat(Const(0, beat_bits(config)), burst.beat)),
                axi.awlen.eq(burst.len),
                axi.awuser.eq(Array(self.tenant)[tag.queue]),
            ]

    def _merge(self, m, bursts):
        """Form W beats out of the newest rotated beat and the one before it."""
        axi, newest = self.m_axi, self.beat.payload
        burst = bursts.o.payload
        tag = burst.tag
        lanes = self.config.data_width // 8

        index = Signal(8)
        previous = Signal(self.config.data_width, reset_less=True)
        previous_fault = Signal(DataFault)
        ahead, midway = Signal(), Signal()
        opens, ends, piece_ends, uses_newest = Signal(), Signal(), Signal(), Signal()
        go, take_ahead = Signal(), Signal()
        # The beats that are there while a piece is filled are those of a later one.
        filled = tag.fill.on if self.config.fill else Const(0, 1)
        m.d.comb += [
            opens.eq(burst.first & (index == 0)),
            ends.eq(index == burst.len),
            piece_ends.eq(burst.last & ends),
            uses_newest.eq(~(piece_ends & tag.flush) & ~filled),
            go.eq(bursts.o.valid & tag.moves & (~axi.wvalid | axi.wready)
                  & (~uses_newest | (self.beat.valid & ~newest.ahead))
                  & (~(opens & tag.skew) | ahead)),
            # The place of the previous beat is free between two pieces, and while a piece ends.
            take_ahead.eq(self.beat.valid & newest.ahead
                          & (~ahead & ~midway | (go & piece_ends & ~filled))),
            self.beat.ready.eq(take_ahead | (go & uses_newest)),
            bursts.o.ready.eq(Mux(tag.moves, go & ends, 1)),
        ]
        with m.If(go):
            m.d.sync += [
                index.eq(Mux(ends, 0, index + 1)),
                midway.eq(~piece_ends),
                ahead.eq(ahead & filled),
            ]
        with m.If(take_ahead):
            m.d.sync += ahead.eq(1)
        with m.If(self.beat.ready):
            m.d.sync += [previous.eq(newest.data), previous_fault.eq(newest.fault)]

        fault = self._fault(m, go, burst, [
            (opens & tag.skew, previous_fault), (uses_newest, newest.fault)])
        silent = (fault != DataFault.NONE) | self.stop.bit_select(tag.queue, 1)
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(go & ~burst.denied):
            m.d.sync += [axi.wvalid.eq(1), axi.wlast.eq(ends)]
            for lane in range(lanes):
                bits = slice(8 * lane, 8 * lane + 8)
                byte = Mux(tag.shift > lane, previous[bits], newest.data[bits])
                if self.config.fill:
                    byte = Mux(filled, tag.fill.word.word_select(lane % 4, 8), byte)
                m.d.sync += [
                    axi.wdata[bits].eq(byte),
                    axi.wstrb[lane].eq(~silent & ~(opens & (tag.first_lane > lane))
                                       & ~(piece_ends & (tag.last_lane < lane))),
                ]
        m.d.comb += [
            self.done.valid.eq(bursts.o.valid & bursts.o.ready),
            self.done.payload.queue.eq(tag.queue),
            self.done.payload.awaits.eq(tag.moves & ~burst.denied),
            self.done.payload.piece_last.eq(
                burst.last & (tag.final if self.config.transpose else 1)),
            self.done.payload.packet_last.eq(burst.last & tag.last),
        ]
        with m.If(tag.moves):
            m.d.comb += self.done.payload.fault.eq(fault)

    def _fault(self, m, go, burst, beats):
        """Return the first fault of the queue, this beat included, which ``go`` keeps."""
        queue = burst.tag.queue
        known = Array(Signal(DataFault, name=f"fault_{i}") for i in range(self.config.queues))
        fault = Signal(DataFault)
        with m.If(burst.denied):
            m.d.comb += fault.eq(DataFault.WRITE_WINDOW)
        for used, found in reversed(beats):
            with m.If(used & (found != DataFault.NONE)):
                m.d.comb += fault.eq(found)
        with m.If(known[queue] != DataFault.NONE):
            m.d.comb += fault.eq(known[queue])
        with m.If(go):
            m.d.sync += known[queue].eq(fault)
        for i in range(self.config.queues):
            with m.If(self.clear[i]):
                m.d.sync += known[i].eq(DataFault.NONE)
        return fault
