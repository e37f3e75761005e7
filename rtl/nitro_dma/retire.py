"""Collects write responses, and decides when and how a packet is complete."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import Resp
from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import CAUSE_WIDTH, DataFault, PacketLayout, queue_bits
from .encoding import Cause
from .writer import BurstDoneLayout

__all__ = ["Retire"]

FAULT_CAUSES = {
    DataFault.READ_RESPONSE: Cause.READ_RESPONSE,
    DataFault.READ_WINDOW: Cause.READ_WINDOW,
    DataFault.WRITE_WINDOW: Cause.WRITE_WINDOW,
}


class Retire(wiring.Component):
    """Retires bursts in order as their responses come, and packets with their last burst.

    The first error of a queue stops it: the packet that it belongs to, or the first one that ends
    after it, is completed with its cause, and all later packets of the queue are dropped.

    Timing
    ------
    A packet shows on ``o`` 2 cycles after its last response.

    Members
    -------
    done : :py:`In(stream.Signature(BurstDoneLayout(config), always_ready=True))`
        Bursts that have been written, in order; ``outstanding`` fit.
    bvalid, bresp, bready : :py:`In(1)`, :py:`In(Resp)`, :py:`Out(1)`
        Responses, in order. ``bready`` is low only while something retires that has none.
    packet : :py:`In(stream.Signature(PacketLayout(config), always_ready=True))`
        Packets in the order of their last bursts, before these; ``packets`` fit.
    fault : :py:`In(CAUSE_WIDTH)`, with ``fault_queue``
        Another error of a queue, in the cycle in which it is not 0.
    abort : :py:`In(queues)`
        Strobes: the queue has the error ABORTED, if it has none.
    clear : :py:`In(queues)`
        Strobes: forget the error of a queue.
    cause : ``queues`` x :py:`Out(CAUSE_WIDTH)`
        First error of a queue.
    retired : :py:`Out(1)`
        Strobe: a burst has been retired.
    piece : :py:`Out(1)`, with ``piece_queue``
        Strobe: a piece has been retired that leaves nothing behind it: it did not close a packet,
        or the packet was dropped.
    dropped : :py:`Out(1)`
        Strobe: that piece closed a packet.
    o : :py:`Out(stream.Signature(PacketLayout(config)))`
        Packets to be completed; ``packets`` fit.
    """

    done: stream.Interface
    bvalid: Signal
    bresp: Signal
    bready: Signal
    packet: stream.Interface
    fault: Signal
    fault_queue: Signal
    abort: Signal
    clear: Signal
    retired: Signal
    piece: Signal
    piece_queue: Signal
    dropped: Signal
    o: stream.Interface

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "done":        In(stream.Signature(BurstDoneLayout(config), always_ready=True)),
            "bvalid":      In(1),
            "bresp":       In(Resp),
            "bready":      Out(1),
            "packet":      In(stream.Signature(PacketLayout(config), always_ready=True)),
            "fault":       In(CAUSE_WIDTH),
            "fault_queue": In(queue_bits(config)),
            "abort":       In(config.queues),
            "clear":       In(config.queues),
            "cause":       Out(CAUSE_WIDTH).array(config.queues),
            "retired":     Out(1),
            "piece":       Out(1),
            "piece_queue": Out(queue_bits(config)),
            "dropped":     Out(1),
            "o":           Out(stream.Signature(PacketLayout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.bursts = bursts = StreamFifo(BurstDoneLayout(config), config.outstanding)
        m.submodules.packets = packets = StreamFifo(PacketLayout(config), config.packets)
        m.submodules.complete = complete = StreamFifo(PacketLayout(config), config.packets)
        m.d.comb += [
            bursts.i.valid.eq(self.done.valid),
            bursts.i.payload.eq(self.done.payload),
            packets.i.valid.eq(self.packet.valid),
            packets.i.payload.eq(self.packet.payload),
        ]
        wiring.connect(m, complete.o, wiring.flipped(self.o))

        burst, packet = bursts.o.payload, packets.o.payload
        causes = Array(self.cause)
        known, known_end = Signal(CAUSE_WIDTH), Signal()
        found, final = Signal(CAUSE_WIDTH), Signal(CAUSE_WIDTH)
        m.d.comb += [
            known_end.eq(packets.o.valid | ~burst.packet_last),
            self.bready.eq(bursts.o.valid & burst.awaits & known_end),
            self.retired.eq(bursts.o.valid & known_end & (self.bvalid | ~burst.awaits)),
            bursts.o.ready.eq(self.retired),
            known.eq(causes[burst.queue]),
        ]
        with m.Switch(burst.fault):
            for fault, cause in FAULT_CAUSES.items():
                with m.Case(fault):
                    m.d.comb += found.eq(cause)
            with m.Default():
                with m.If(burst.awaits & (self.bresp != Resp.OKAY)):
                    m.d.comb += found.eq(Cause.WRITE_RESPONSE)
                with m.Elif(burst.packet_last):
                    m.d.comb += found.eq(packet.cause)
        m.d.comb += final.eq(Mux(known != Cause.NONE, known, found))

        halted = Signal(config.queues)
        closes, drop = Signal(), Signal()
        m.d.comb += [
            closes.eq(self.retired & burst.packet_last),
            drop.eq(closes & halted.bit_select(burst.queue, 1)),
            packets.o.ready.eq(closes),
            complete.i.valid.eq(closes & ~drop),
            complete.i.payload.eq(packet),
            complete.i.payload.cause.eq(final),
            # A packet that fails gets nothing that it asks for, whether it came to its end or not.
            complete.i.payload.m2s_request.eq(packet.m2s_request & (final == Cause.NONE)),
            complete.i.payload.s2m_interrupt.eq(packet.s2m_interrupt & (final == Cause.NONE)),
            self.piece.eq(self.retired & burst.piece_last & (~burst.packet_last | drop)),
            self.piece_queue.eq(burst.queue),
            self.dropped.eq(drop),
        ]
        for queue in range(config.queues):
            mine = self.retired & (burst.queue == queue)
            with m.If(mine):
                m.d.sync += self.cause[queue].eq(final)
                with m.If(closes & (final != Cause.NONE)):
                    m.d.sync += halted[queue].eq(1)
            fault = Signal(CAUSE_WIDTH, name=f"fault_{queue}")
            with m.If((self.fault != Cause.NONE) & (self.fault_queue == queue)):
                m.d.comb += fault.eq(self.fault)
            with m.Elif(self.abort[queue]):
                m.d.comb += fault.eq(Cause.ABORTED)
            with m.If((fault != Cause.NONE) & (self.cause[queue] == Cause.NONE)
                      & ~(mine & (final != Cause.NONE))):
                m.d.sync += self.cause[queue].eq(fault)
            with m.If(self.clear[queue]):
                m.d.sync += [self.cause[queue].eq(Cause.NONE), halted[queue].eq(0)]

        return m
