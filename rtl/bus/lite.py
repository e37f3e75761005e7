"""From AXI4 to the 32-bit registers of AXI4-Lite."""

from collections.abc import Mapping, Sequence

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .axi import AXI4LiteSignature, AXI4Signature, Resp
from .burst import BeatLayout, BurstSequencer
from .channel import channel_from
from .decode import address_matches

__all__ = ["AXI4LiteDecoder", "AXI4ToLite"]


def worst(first: Value, second: Value) -> Value:
    """Return the graver of two response codes: DECERR before SLVERR before OKAY."""
    first, second = Value.cast(first), Value.cast(second)
    return Mux(first > second, first, second)


class AXI4ToLite(wiring.Component):
    """Splits AXI4 beats into 32-bit accesses, the low word first.

    A write accesses the words that have a strobe, with their strobes, and no other; a beat
    without strobes accesses nothing. A read accesses each word from the address of the beat to
    the end of its ``size``, so that a 32-bit load touches one register and a 64-bit load two.
    The response of a beat (reads) or a burst (writes) is the gravest one of its words.

    Timing
    ------
    One access at a time in each direction; reads and writes are independent. An access costs the
    register's own latency and 1 cycle, a beat 2 cycles more.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The AXI4 bus, of 32 bits or more.

    Members
    -------
    s_axi : :py:`In(signature)`
        The AXI4 bus.
    m_axil : :py:`Out(AXI4LiteSignature(addr_width))`
        The registers' bus. AW and W of an access rise together.
    """

    s_axi: wiring.PureInterface
    m_axil: wiring.PureInterface

    def __init__(self, signature: AXI4Signature):
        self.bus = signature
        super().__init__({
            "s_axi":  In(signature),
            "m_axil": Out(AXI4LiteSignature(addr_width=signature.addr_width)),
        })

    def elaborate(self, platform):
        m = Module()

        self._reads(m)
        self._writes(m)

        return m

    @property
    def _lanes(self) -> int:
        return self.bus.data_width // 32

    def _word_addr(self, addr, lane):
        """Return the byte address of word ``lane`` in the beat at ``addr``."""
        return Cat(Const(0, 2), lane, addr[self.bus.size:])

    def _reads(self, m):
        """Serve AR and R."""
        bus, lite = self.s_axi, self.m_axil
        m.submodules.reads = reads = BurstSequencer(self.bus)
        wiring.connect(m, channel_from(m, bus, "ar", self.bus), reads.i)

        beat = Signal(BeatLayout(self.bus))
        lane = Signal(range(self._lanes))
        last_lane = Signal(range(self._lanes))
        upper = slice(2, self.bus.size)
        asked = Signal()
        m.d.comb += [
            lite.araddr.eq(self._word_addr(beat.addr, lane)),
            bus.rid.eq(beat.id),
            bus.rlast.eq(beat.last),
        ]
        with m.FSM(name="read"):
            with m.State("BEAT"):
                m.d.comb += reads.o.ready.eq(1)
                start = reads.o.payload
                # The bytes from the address to the end of the beat's aligned container.
                end = start.addr[:self.bus.size] | ((1 << start.size) - 1)
                m.d.sync += [
                    beat.eq(start),
                    lane.eq(start.addr[upper]),
                    last_lane.eq(end[upper]),
                    bus.rdata.eq(0),
                    bus.rresp.eq(Resp.OKAY),
                ]
                with m.If(reads.o.valid):
                    m.next = "WORD"
            with m.State("WORD"):
                m.d.comb += [
                    lite.arvalid.eq(~asked),
                    lite.rready.eq(1),
                ]
                with m.If(lite.arvalid & lite.arready):
                    m.d.sync += asked.eq(1)
                with m.If(lite.rvalid):
                    m.d.sync += [
                        asked.eq(0),
                        lane.eq(lane + 1),
                        bus.rdata.word_select(lane, 32).eq(lite.rdata),
                        bus.rresp.eq(worst(bus.rresp, lite.rresp)),
                    ]
                    with m.If(lane == last_lane):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += bus.rvalid.eq(1)
                with m.If(bus.rready):
                    m.next = "BEAT"

    def _writes(self, m):
        """Serve AW, W and B."""
        bus, lite = self.s_axi, self.m_axil
        m.submodules.writes = writes = BurstSequencer(self.bus)
        wiring.connect(m, channel_from(m, bus, "aw", self.bus), writes.i)

        beat = Signal(BeatLayout(self.bus))
        word = Signal(self.bus.data_width)
        strobes = Signal(self.bus.data_width // 8)
        pending = Signal(self._lanes)                   # words that still have to be written
        lane = Signal(range(self._lanes))
        addressed, written = Signal(), Signal()
        m.d.comb += pending.eq(Cat(strobes.word_select(n, 4).any() for n in range(self._lanes)))
        for n in reversed(range(self._lanes)):
            with m.If(pending[n]):
                m.d.comb += lane.eq(n)
        m.d.comb += [
            lite.awaddr.eq(self._word_addr(beat.addr, lane)),
            lite.wdata.eq(word.word_select(lane, 32)),
            lite.wstrb.eq(strobes.word_select(lane, 4)),
            bus.bid.eq(beat.id),
        ]
        with m.FSM(name="write"):
            with m.State("BEAT"):
                m.d.comb += [
                    writes.o.ready.eq(bus.wvalid),
                    bus.wready.eq(writes.o.valid),
                ]
                with m.If(writes.o.valid & bus.wvalid):
                    m.d.sync += [
                        beat.eq(writes.o.payload),
                        word.eq(bus.wdata),
                        strobes.eq(bus.wstrb),
                    ]
                    m.next = "WORD"
            with m.State("WORD"):
                m.d.comb += [
                    lite.awvalid.eq(pending.any() & ~addressed),
                    lite.wvalid.eq(pending.any() & ~written),
                    lite.bready.eq(1),
                ]
                with m.If(lite.awvalid & lite.awready):
                    m.d.sync += addressed.eq(1)
                with m.If(lite.wvalid & lite.wready):
                    m.d.sync += written.eq(1)
                with m.If(lite.bvalid):
                    m.d.sync += [
                        addressed.eq(0),
                        written.eq(0),
                        strobes.word_select(lane, 4).eq(0),
                        bus.bresp.eq(worst(bus.bresp, lite.bresp)),
                    ]
                with m.If(~pending.any()):
                    m.next = "BEAT"
                    with m.If(beat.last):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += bus.bvalid.eq(1)
                with m.If(bus.bready):
                    m.d.sync += bus.bresp.eq(Resp.OKAY)
                    m.next = "BEAT"


class AXI4LiteDecoder(wiring.Component):
    """Connects one AXI4-Lite manager to the subordinate that an address belongs to.

    An address in no range is answered with DECERR.

    Timing
    ------
    Combinational towards the subordinate and back. One access at a time in each direction: the
    next address is taken after the response.

    Parameters
    ----------
    addr_width : :class:`int`
        Width of the address.
    subordinates : mapping of :class:`str` to sequence of ranges
        Ranges, with ``base`` and ``size``, of each subordinate.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width))`
        Bus of the manager.
    m_axil_<subordinate> : :py:`Out(AXI4LiteSignature(addr_width))`
        Bus of a subordinate.
    """

    s_axil: wiring.PureInterface

    def __init__(self, *, addr_width: int, subordinates: Mapping[str, Sequence]):
        self.subordinates = {name: tuple(ranges) for name, ranges in subordinates.items()}
        lite = AXI4LiteSignature(addr_width=addr_width)
        super().__init__({"s_axil": In(lite)}
                         | {f"m_axil_{name}": Out(lite) for name in self.subordinates})

    def elaborate(self, platform):
        m = Module()

        lowers = [getattr(self, f"m_axil_{name}") for name in self.subordinates]
        for lower in lowers:
            m.d.comb += [getattr(lower, name).eq(getattr(self.s_axil, name))
                         for name in ("araddr", "arprot", "awaddr", "awprot", "wdata", "wstrb")]
        self._reads(m, lowers)
        self._writes(m, lowers)

        return m

    def _decode(self, m, addr, name):
        """Return a one-hot choice of subordinate, with a bit behind them for none."""
        choice = Signal(len(self.subordinates) + 1, name=name)
        m.d.comb += [choice[index].eq(address_matches(addr, ranges))
                     for index, ranges in enumerate(self.subordinates.values())]
        m.d.comb += choice[-1].eq(~choice[:-1].any())
        return choice

    def _reads(self, m, lowers):
        """Serve AR and R."""
        upper = self.s_axil
        choice = self._decode(m, upper.araddr, "read_choice")
        target = Signal.like(choice, name="read_target")
        busy = Signal(name="read_busy")
        m.d.comb += upper.arready.eq(~busy & choice[-1])
        m.d.comb += upper.rvalid.eq(busy & target[-1])
        m.d.comb += upper.rresp.eq(Resp.DECERR)
        for index, lower in enumerate(lowers):
            m.d.comb += lower.arvalid.eq(upper.arvalid & ~busy & choice[index])
            m.d.comb += lower.rready.eq(upper.rready & busy & target[index])
            with m.If(choice[index]):
                m.d.comb += upper.arready.eq(~busy & lower.arready)
            with m.If(target[index]):
                m.d.comb += [
                    upper.rvalid.eq(busy & lower.rvalid),
                    upper.rdata.eq(lower.rdata),
                    upper.rresp.eq(lower.rresp),
                ]
        with m.If(upper.arvalid & upper.arready):
            m.d.sync += [busy.eq(1), target.eq(choice)]
        with m.If(upper.rvalid & upper.rready):
            m.d.sync += busy.eq(0)

    def _writes(self, m, lowers):
        """Serve AW, W and B; AW and W may be taken in either order once AW is there."""
        upper = self.s_axil
        decoded = self._decode(m, upper.awaddr, "write_decoded")
        target = Signal.like(decoded, name="write_target")
        choice = Signal.like(decoded, name="write_choice")
        addressed, written = Signal(), Signal()
        known = addressed | upper.awvalid
        m.d.comb += [
            choice.eq(Mux(addressed, target, decoded)),
            upper.awready.eq(~addressed & choice[-1]),
            upper.wready.eq(~written & known & choice[-1]),
            upper.bvalid.eq(addressed & written & target[-1]),
            upper.bresp.eq(Resp.DECERR),
        ]
        for index, lower in enumerate(lowers):
            m.d.comb += [
                lower.awvalid.eq(upper.awvalid & ~addressed & choice[index]),
                lower.wvalid.eq(upper.wvalid & ~written & known & choice[index]),
                lower.bready.eq(upper.bready & addressed & written & target[index]),
            ]
            with m.If(choice[index]):
                m.d.comb += [
                    upper.awready.eq(~addressed & lower.awready),
                    upper.wready.eq(~written & known & lower.wready),
                ]
            with m.If(target[index]):
                m.d.comb += [
                    upper.bvalid.eq(addressed & written & lower.bvalid),
                    upper.bresp.eq(lower.bresp),
                ]
        with m.If(upper.awvalid & upper.awready):
            m.d.sync += [addressed.eq(1), target.eq(decoded)]
        with m.If(upper.wvalid & upper.wready):
            m.d.sync += written.eq(1)
        with m.If(upper.bvalid & upper.bready):
            m.d.sync += [addressed.eq(0), written.eq(0)]
