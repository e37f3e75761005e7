"""Posted writes to the bus."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature, Burst
from rtl.lib.fifo import StreamFifo

__all__ = ["StoreQueue", "StoreRequest"]


class StoreRequest(data.StructLayout):
    """One beat of a write.

    Members
    -------
    addr : addr_width
        Byte address, a multiple of the size.
    size_log2 : 3
        AxSIZE.
    data, strobe
        Bytes on their lanes.
    beats : 3
        Beats of the burst less one.
    continued, last : 1
        Not the first beat of its burst; the last one.
    """

    def __init__(self, addr_width: int, bus_width: int):
        super().__init__({"addr": addr_width, "size_log2": 3, "data": bus_width,
                          "strobe": bus_width // 8, "beats": 3, "continued": 1, "last": 1})


class StoreQueue(wiring.Component):
    """Queue of posted writes, beat by beat, in order.

    Address and data of a write are offered together and may be taken apart. Responses are only
    counted; an error answer is reported when it comes.

    Timing
    ------
    A write stands on the bus in the cycle after it was taken from ``i``; one write a cycle when
    the bus is fast.

    Members
    -------
    i : :py:`In(stream.Signature(StoreRequest(...)))`
        Writes.
    empty : :py:`Out(1)`
        Every write has been answered.
    error : :py:`Out(1)`
        An answer in this cycle reports an error.
    m_axi : :py:`Out(AXI4Signature)`
        Writes only.
    """

    DEPTH = 8
    OUTSTANDING = 16

    def __init__(self, *, addr_width: int, bus_width: int):
        self.layout = StoreRequest(addr_width, bus_width)
        super().__init__({
            "i":     In(stream.Signature(self.layout)),
            "empty": Out(1),
            "error": Out(1),
            "m_axi": Out(AXI4Signature(addr_width=addr_width, data_width=bus_width, id_width=1,
                                       read=False)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.places = places = StreamFifo(self.layout, self.DEPTH)
        wiring.connect(m, wiring.flipped(self.i), places.i)
        waiting = Signal(range(self.OUTSTANDING + 1))
        head = places.o.payload
        address_done, data_done, leave = Signal(), Signal(), Signal()
        bus = self.m_axi
        present = Signal()
        m.d.comb += [
            present.eq(places.o.valid & (waiting != self.OUTSTANDING)),
            bus.awvalid.eq(present & ~address_done & ~head.continued),
            bus.wvalid.eq(present & ~data_done),
            bus.awaddr.eq(head.addr), bus.awsize.eq(head.size_log2), bus.awburst.eq(Burst.INCR),
            bus.awlen.eq(head.beats), bus.awcache.eq(Mux(head.beats != 0, 0b1111, 0)),
            bus.wdata.eq(head.data), bus.wstrb.eq(head.strobe), bus.wlast.eq(head.last),
            bus.bready.eq(1),
            leave.eq(present & (address_done | head.continued | bus.awready)
                     & (data_done | bus.wready)),
            places.o.ready.eq(leave),
            self.empty.eq(~places.o.valid & (waiting == 0)),
            self.error.eq(bus.bvalid & bus.bresp.as_value()[1]),
        ]
        with m.If(leave):
            m.d.sync += [address_done.eq(0), data_done.eq(0)]
        with m.Else():
            m.d.sync += [address_done.eq(address_done | (bus.awvalid & bus.awready)),
                         data_done.eq(data_done | (bus.wvalid & bus.wready))]
        m.d.sync += waiting.eq(waiting + (leave & head.last) - bus.bvalid)
        return m
