"""Prefetched descriptors of all queues, of one direction."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import DmaConfig

from .descriptor import FETCHED_LAYOUT, queue_bits

__all__ = ["DescriptorPool"]


class DescriptorPool(wiring.Component):
    """A queue of descriptors for each ring, in one memory that the rings share.

    The descriptors of a ring are a linked list. Its last place is always an empty one, which the
    next arrival fills: an arrival writes the link of the last place and a departure reads that of
    the first, so that the two never meet, however short the list is.

    The pool never refuses: who stores must know that ``prefetch - queues`` are not exceeded.

    Timing
    ------
    ``shown`` follows ``show`` in the same cycle. What is stored in one cycle is shown in the next.
    A store and a departure in every cycle.

    Members
    -------
    store, store_queue, stored : :py:`In(1)`, :py:`In(queue_bits)`, :py:`In(FETCHED_LAYOUT)`
        Strobe: add a descriptor behind those of its ring.
    show, shown : :py:`In(queue_bits)`, :py:`Out(FETCHED_LAYOUT)`
        The oldest descriptor of a ring, undefined if there is none.
    take, take_queue : :py:`In(1)`, :py:`In(queue_bits)`
        Strobe: drop the oldest descriptor of a ring that has one.
    """

    store: Signal
    store_queue: Signal
    stored: data.View
    show: Signal
    shown: data.View
    take: Signal
    take_queue: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        queue = queue_bits(config)
        super().__init__({
            "store":       In(1),
            "store_queue": In(queue),
            "stored":      In(FETCHED_LAYOUT),
            "show":        In(queue),
            "shown":       Out(FETCHED_LAYOUT),
            "take":        In(1),
            "take_queue":  In(queue),
        })

    def elaborate(self, platform):
        m = Module()
        queues, places = self.config.queues, self.config.prefetch
        bits = exact_log2(places)
        heads = Array(Signal(bits, init=i, name=f"head_{i}") for i in range(queues))
        tails = Array(Signal(bits, init=i, name=f"tail_{i}") for i in range(queues))

        m.submodules.memory = memory = Memory(shape=FETCHED_LAYOUT, depth=places, init=[])
        m.submodules.links = links = Memory(shape=bits, depth=places, init=[])
        m.submodules.free = free = Memory(shape=bits, depth=places, init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        link, follow = links.write_port(), links.read_port(domain="comb")
        give, reuse = free.write_port(), free.read_port(domain="comb")

        # Places that no list has had since reset come first, so that the list of free places needs
        # no initial contents, which a reset could not restore.
        fresh = Signal(range(places + 1), init=queues)
        place = Signal(bits)
        m.d.comb += [
            place.eq(Mux(fresh == places, reuse.data, fresh)),
            write.en.eq(self.store),
            write.addr.eq(tails[self.store_queue]),
            write.data.eq(self.stored),
            link.en.eq(self.store),
            link.addr.eq(tails[self.store_queue]),
            link.data.eq(place),
            read.addr.eq(heads[self.show]),
            self.shown.eq(read.data),
            follow.addr.eq(heads[self.take_queue]),
            give.en.eq(self.take),
            give.data.eq(heads[self.take_queue]),
        ]
        with m.If(self.store):
            m.d.sync += tails[self.store_queue].eq(place)
            with m.If(fresh == places):
                m.d.sync += reuse.addr.eq(reuse.addr + 1)
            with m.Else():
                m.d.sync += fresh.eq(fresh + 1)
        with m.If(self.take):
            m.d.sync += [
                heads[self.take_queue].eq(follow.data),
                give.addr.eq(give.addr + 1),
            ]

        return m
