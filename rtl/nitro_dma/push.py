"""Slots in the device, into which software writes descriptors."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2, exact_log2

from rtl.bus import AXI4LiteSignature, Resp
from rtl.config import DmaConfig

from .descriptor import FETCHED_LAYOUT, queue_bits
from .encoding import SLOT_BYTES, SLOT_END, SLOT_M2S, SLOT_S2M, SLOTS
from .registers import PAGE_BYTES

__all__ = ["PushContext", "PushPages"]

WORDS = (SLOT_S2M + 16) // 4
"""Words of a slot that hold descriptors."""


class PushContext(wiring.Signature):
    """What the slots must know of a queue pair, and what they tell it; seen from the slots.

    Members
    -------
    enable : :py:`In(1)`
        Take what is written.
    clear : :py:`In(1)`
        Forget everything, also what is written in the same cycle.
    m2s_take, s2m_take : :py:`In(1)`
        Strobe: the oldest descriptor is used up.
    m2s_available, s2m_available : :py:`Out(1)`
        There is an oldest descriptor, from the cycle in which its slot becomes complete.
    soon : :py:`Out(1)`
        Only its last word is missing in a slot, whose descriptors are shown from the next cycle
        on.
    touched : :py:`Out(1)`
        A descriptor of that slot is being changed.
    free : :py:`Out(range(SLOTS + 1))`
        Slots that can be written.
    """

    def __init__(self):
        super().__init__({
            "enable":        In(1),
            "clear":         In(1),
            "m2s_take":      In(1),
            "s2m_take":      In(1),
            "m2s_available": Out(1),
            "s2m_available": Out(1),
            "soon":          Out(1),
            "touched":       Out(1),
            "free":          Out(range(SLOTS + 1)),
        })


class PushPages(wiring.Component):
    """One page of write-only slots a queue pair.

    A page is slot after slot of 64 bytes, and each of them is the pair's next one: software may
    write them in turn, or always the same. A slot has an M2S descriptor at byte 0 and an S2M
    descriptor at byte 16, written a word at a time in any order; the write of its last word
    completes it. The descriptors of complete slots are used in order, those of either half as
    fast as its buffers are filled; a slot is free again when both are used up.

    Timing
    ------
    One transaction a direction at a time; B one cycle after the request is taken. In the cycle in
    which the last word of a slot is taken its descriptors are available.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(12 + log2(queues)))`
        One page a pair. A write answers SLVERR and changes nothing if the pair is not in push
        mode, no slot is free, part of a word is written, or a slot is to be completed of whose
        descriptors not every word has been written. A read answers SLVERR.
    queue : ``queues`` x :py:`Out(PushContext())`
        The queue pairs.
    show : :py:`In(queue_bits)`
        Pair whose descriptors are asked for.
    m2s, s2m : :py:`Out(FETCHED_LAYOUT)`
        Its oldest descriptors, in the same cycle.
    """

    s_axil: wiring.PureInterface
    show: Signal
    m2s: data.View
    s2m: data.View

    def __init__(self, config: DmaConfig):
        self.config = config
        width = ceil_log2(PAGE_BYTES) + ceil_log2(config.queues)
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=width)),
            "queue":  Out(PushContext()).array(config.queues),
            "show":   In(queue_bits(config)),
            "m2s":    Out(FETCHED_LAYOUT),
            "s2m":    Out(FETCHED_LAYOUT),
        })

    def elaborate(self, platform):
        m = Module()
        axil = self.s_axil
        queues = range(self.config.queues)
        word = axil.awaddr[2:exact_log2(SLOT_BYTES)]
        number = axil.awaddr[ceil_log2(PAGE_BYTES):]

        # Words of the slot being written, and complete slots that either half has not used up.
        state = data.StructLayout({"written": WORDS, "tail": exact_log2(SLOTS),
                                   "m2s": range(SLOTS + 1), "s2m": range(SLOTS + 1)})
        states = [Signal(state, name=f"state_{i}") for i in queues]
        take, good, ends = Signal(), Signal(), Signal()
        m.d.comb += [
            take.eq(axil.awvalid & axil.wvalid & (~axil.bvalid | axil.bready)),
            axil.awready.eq(take),
            axil.wready.eq(take),
            ends.eq(word == SLOT_END // 4),
        ]
        allowed = Signal(self.config.queues)
        for i, (queue, held) in enumerate(zip(self.queue, states, strict=True)):
            self._queue(m, queue, held, take & good & (number == i), ends, word)
            m.d.comb += allowed[i].eq(queue.enable & (queue.free != 0)
                                      & (held.written.all() | ~ends))
        m.d.comb += good.eq(allowed.bit_select(number, 1) & axil.wstrb.all()
                            & (axil.awaddr[:2] == 0))

        with m.If(axil.bready):
            m.d.sync += axil.bvalid.eq(0)
        with m.If(take):
            m.d.sync += [axil.bvalid.eq(1), axil.bresp.eq(Mux(good, Resp.OKAY, Resp.SLVERR))]
        m.d.comb += [axil.arready.eq(~axil.rvalid | axil.rready), axil.rresp.eq(Resp.SLVERR)]
        with m.If(axil.arready):
            m.d.sync += axil.rvalid.eq(axil.arvalid)

        tail = Array(held.tail for held in states)[number]
        for half, offset, shown in (("m2s", SLOT_M2S, self.m2s), ("s2m", SLOT_S2M, self.s2m)):
            head = Array((held.tail - held[half])[:len(tail)] for held in states)[self.show]
            self._memories(m, half, offset, shown, take & good, word, Cat(tail, number),
                           Cat(head, self.show))
        return m

    def _queue(self, m, queue, held, write, ends, word):
        """Keep the state of a queue pair."""
        commit = Signal()
        filled = Signal(WORDS)
        most = Signal.like(held.m2s)
        m.d.comb += [
            commit.eq(write & ends),
            queue.touched.eq(write & ~ends & (word < WORDS)),
            filled.eq(held.written | Mux(queue.touched, 1 << word, 0)),
            most.eq(Mux(held.m2s > held.s2m, held.m2s, held.s2m)),
            queue.free.eq(SLOTS - most),
            queue.m2s_available.eq((held.m2s != 0) | commit),
            queue.s2m_available.eq((held.s2m != 0) | commit),
            queue.soon.eq(queue.enable & filled.all() & (queue.free != 0)),
        ]
        m.d.sync += [
            held.written.eq(Mux(commit, 0, filled)),
            held.tail.eq(held.tail + commit),
            held.m2s.eq(held.m2s + commit - queue.m2s_take),
            held.s2m.eq(held.s2m + commit - queue.s2m_take),
        ]
        with m.If(queue.clear):
            m.d.sync += held.eq(0)

    def _memories(self, m, half, offset, shown, write, word, place, read):
        """Keep the words of one half of all slots; the read port shows a descriptor."""
        depth = max(2, SLOTS * self.config.queues)
        for i in range(4):
            memory = Memory(shape=32, depth=depth, init=[])
            m.submodules[f"{half}_{i}"] = memory
            port, show = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                port.en.eq(write & (word == offset // 4 + i)),
                port.addr.eq(place),
                port.data.eq(self.s_axil.wdata),
                show.addr.eq(read),
                shown.as_value()[32 * i:32 * i + 32].eq(show.data),
            ]
