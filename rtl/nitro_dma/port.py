"""Two managers on one AXI4 port."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature
from rtl.config import DmaConfig
from rtl.lib import RoundRobin, StreamFifo

from .fetcher import DESCRIPTOR_ID

__all__ = ["PortMerger"]

BURSTS = 16
ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "user")


class PortMerger(wiring.Component):
    """Joins the manager of the data and that of the descriptors, which differ in their ids.

    Requests take turns. Write data follows in the order in which the addresses were put on AW: W
    of a burst comes not before its ``awvalid``, and does not wait for ``awready``. Responses go
    by id.

    Timing
    ------
    AR, R and B pass in the same cycle. AW takes one cycle, W passes one cycle after its AW.

    Members
    -------
    data, descriptors : :py:`In(AXI4Signature(...))`
        The managers; ``descriptors`` uses :data:`~rtl.nitro_dma.fetcher.DESCRIPTOR_ID`.
    m_axi : :py:`Out(AXI4Signature(...))`
        The port.
    """

    m_axi: wiring.PureInterface
    data: wiring.PureInterface
    descriptors: wiring.PureInterface

    def __init__(self, config: DmaConfig):
        self.config = config
        signature = AXI4Signature(addr_width=config.addr_width, data_width=config.data_width,
                                  id_width=config.id_width, user_width=16)
        super().__init__({"data": In(signature), "descriptors": In(signature),
                          "m_axi": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        self._read(m)
        self._write(m)
        return m

    def _read(self, m):
        """Merge AR, and hand R back by id."""
        axi, sources = self.m_axi, (self.data, self.descriptors)
        m.submodules.ar_arbiter = arbiter = RoundRobin(2)
        m.d.comb += [
            axi.arvalid.eq(arbiter.grant.any()),
            arbiter.advance.eq(axi.arready),
        ]
        for i, source in enumerate(sources):
            m.d.comb += [
                arbiter.requests[i].eq(source.arvalid),
                source.arready.eq(arbiter.grant[i] & axi.arready),
                source.rvalid.eq(axi.rvalid & ((axi.rid == DESCRIPTOR_ID) == i)),
                source.rid.eq(axi.rid), source.rdata.eq(axi.rdata),
                source.rresp.eq(axi.rresp), source.rlast.eq(axi.rlast),
            ]
        for name in ADDRESS:
            m.d.comb += getattr(axi, f"ar{name}").eq(Mux(
                arbiter.grant[1], getattr(self.descriptors, f"ar{name}"),
                getattr(self.data, f"ar{name}")))
        m.d.comb += axi.rready.eq(Mux(axi.rid == DESCRIPTOR_ID, self.descriptors.rready,
                                      self.data.rready))

    def _write(self, m):
        """Merge AW and W in one order, and hand B back by id."""
        axi, sources = self.m_axi, (self.data, self.descriptors)
        m.submodules.aw_arbiter = arbiter = RoundRobin(2)
        m.submodules.order = order = StreamFifo(1, BURSTS)
        room, take = Signal(), Signal()
        m.d.comb += [
            room.eq((~axi.awvalid | axi.awready) & order.i.ready),
            take.eq(arbiter.grant.any() & room),
            arbiter.advance.eq(room),
            order.i.valid.eq(take),
            order.i.payload.eq(arbiter.grant[1]),
            order.o.ready.eq(axi.wvalid & axi.wready & axi.wlast),
            axi.wvalid.eq(order.o.valid & Array(source.wvalid for source in sources)[
                order.o.payload]),
            axi.bready.eq(Mux(axi.bid == DESCRIPTOR_ID, self.descriptors.bready,
                              self.data.bready)),
        ]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(take):
            m.d.sync += axi.awvalid.eq(1)
            for name in ADDRESS:
                m.d.sync += getattr(axi, f"aw{name}").eq(Mux(
                    arbiter.grant[1], getattr(self.descriptors, f"aw{name}"),
                    getattr(self.data, f"aw{name}")))
        for name in ("data", "strb", "last"):
            m.d.comb += getattr(axi, f"w{name}").eq(Mux(
                order.o.payload, getattr(self.descriptors, f"w{name}"),
                getattr(self.data, f"w{name}")))
        for i, source in enumerate(sources):
            m.d.comb += [
                arbiter.requests[i].eq(source.awvalid),
                source.awready.eq(arbiter.grant[i] & room),
                source.wready.eq(order.o.valid & (order.o.payload == i) & axi.wready),
                source.bvalid.eq(axi.bvalid & ((axi.bid == DESCRIPTOR_ID) == i)),
                source.bid.eq(axi.bid), source.bresp.eq(axi.bresp),
            ]
