"""Subordinate for addresses that belong to none."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl.lib import StreamBuffer

from .axi import AXI4Signature, Resp
from .burst import BurstSequencer
from .channel import AddressLayout, channel_from

__all__ = ["AXI4Error"]


class AXI4Error(wiring.Component):
    """Answers every transaction with an error and takes part in no other way.

    Timing
    ------
    R rises one cycle after AR, one beat a cycle; B rises one cycle after the last beat of W.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus.
    resp : :class:`Resp`
        The error.

    Members
    -------
    s_axi : :py:`In(signature)`
        The bus.
    """

    s_axi: wiring.PureInterface

    def __init__(self, signature: AXI4Signature, *, resp: Resp = Resp.DECERR):
        self.bus = signature
        self.resp = resp
        super().__init__({"s_axi": In(signature)})

    def elaborate(self, platform):
        m = Module()
        bus = self.s_axi

        if self.bus.read:
            m.submodules.buffer = buffer = StreamBuffer(AddressLayout(self.bus))
            m.submodules.reads = reads = BurstSequencer(self.bus)
            wiring.connect(m, channel_from(m, bus, "ar", self.bus), buffer.i)
            wiring.connect(m, buffer.o, reads.i)
            m.d.comb += [
                bus.rvalid.eq(reads.o.valid),
                reads.o.ready.eq(bus.rready),
                bus.rid.eq(reads.o.payload.id),
                bus.rlast.eq(reads.o.payload.last),
                bus.rresp.eq(self.resp),
            ]

        if self.bus.write:
            m.d.comb += bus.bresp.eq(self.resp)
            with m.FSM():
                with m.State("ADDRESS"):
                    m.d.comb += bus.awready.eq(1)
                    with m.If(bus.awvalid):
                        m.d.sync += bus.bid.eq(bus.awid)
                        m.next = "DATA"
                with m.State("DATA"):
                    m.d.comb += bus.wready.eq(1)
                    with m.If(bus.wvalid & bus.wlast):
                        m.next = "RESPONSE"
                with m.State("RESPONSE"):
                    m.d.comb += bus.bvalid.eq(1)
                    with m.If(bus.bready):
                        m.next = "ADDRESS"

        return m
