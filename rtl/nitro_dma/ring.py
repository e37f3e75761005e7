"""State of one submission ring."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .encoding import FIRST_RING_ID

__all__ = ["FETCH_BURST", "Ring", "fetch_burst"]

FETCH_BURST = 8


def fetch_burst(prefetch: int) -> int:
    """Return the most descriptors of one read, so that a read overlaps the use of the last one."""
    return min(FETCH_BURST, prefetch // 2)


class Ring(wiring.Component):
    """Indices of one submission ring, and how full its part of the descriptor store is.

    A descriptor is *pending* from the doorbell to its fetch, *reserved* from its fetch until it is
    taken, and *available* once it has arrived.

    Parameters
    ----------
    prefetch : :class:`int`
        Places in the descriptor store, a power of two.

    Members
    -------
    enable : :py:`In(1)`
        Ask for fetches.
    clear : :py:`In(1)`
        Return to the state after reset. Only while :attr:`idle`.
    length : :py:`In(17)`
        Descriptors of the ring in memory.
    doorbell, doorbell_count : :py:`In(1)`, :py:`In(16)`
        Strobe: so many more descriptors are in memory.
    fetch, fetch_count : :py:`In(1)`, :py:`In(4)`
        Strobe: a read of so many descriptors from ``head`` on has been decided.
    arrive : :py:`In(1)`
        Strobe: the next descriptor is in the store, at ``arrive_slot``.
    take : :py:`In(1)`
        Strobe: the descriptor at ``take_slot`` is used up. Only while ``available``.
    wants : :py:`Out(1)`
        A burst of descriptors, or all that are pending, fits into the store.
    available : :py:`Out(1)`
        ``take_slot`` holds a descriptor.
    overrun : :py:`Out(1)`
        More descriptors are pending than the ring holds.
    idle : :py:`Out(1)`
        No descriptor is on its way.
    pending, level : :py:`Out(17)`, :py:`Out`
        Descriptors to fetch, and descriptors available.
    head, head_id, tail, tail_id, current : :py:`Out(16)`, ids :py:`Out(2)`
        Next descriptor to fetch, next to be announced, next to be taken.
    """

    def __init__(self, *, prefetch: int):
        self.prefetch = prefetch
        slot_bits = ceil_log2(prefetch)
        super().__init__({
            "enable":         In(1),
            "clear":          In(1),
            "length":         In(17),
            "doorbell":       In(1),
            "doorbell_count": In(16),
            "fetch":          In(1),
            "fetch_count":    In(4),
            "arrive":         In(1),
            "take":           In(1),
            "wants":          Out(1),
            "available":      Out(1),
            "overrun":        Out(1),
            "idle":           Out(1),
            "pending":        Out(17),
            "level":          Out(range(prefetch + 1)),
            "head":           Out(16),
            "head_id":        Out(2, init=FIRST_RING_ID),
            "tail":           Out(16),
            "tail_id":        Out(2, init=FIRST_RING_ID),
            "current":        Out(16),
            "arrive_slot":    Out(slot_bits),
            "take_slot":      Out(slot_bits),
        })

    def elaborate(self, platform):
        m = Module()

        # One bit more than a full ring needs, so that an excess shows; it sticks at the top.
        announced = Signal(18)
        m.d.comb += announced.eq(self.pending + Mux(self.doorbell, self.doorbell_count, 0))
        fetched = Mux(self.fetch, self.fetch_count, 0)
        m.d.sync += self.pending.eq(Mux(announced[17], ~0, announced - fetched))

        reserved = Signal(range(self.prefetch + 1))
        burst = fetch_burst(self.prefetch)
        space = Signal(range(self.prefetch + 1))
        want = Signal(range(burst + 1))
        m.d.comb += [
            space.eq(self.prefetch - reserved),
            want.eq(Mux(self.pending > burst, burst, self.pending)),
            self.overrun.eq(self.pending > self.length),
            self.wants.eq(self.enable & (self.pending != 0) & (space >= want) & ~self.overrun),
            self.available.eq(self.level != 0),
            self.idle.eq(reserved == self.level),
        ]
        m.d.sync += [
            reserved.eq(reserved + fetched - self.take),
            self.level.eq(self.level + self.arrive - self.take),
            self.arrive_slot.eq(self.arrive_slot + self.arrive),
            self.take_slot.eq(self.take_slot + self.take),
        ]

        self._advance(m, "head", self.fetch, self.fetch_count, self.head, self.head_id)
        self._advance(m, "tail", self.doorbell, self.doorbell_count, self.tail, self.tail_id)
        self._advance(m, "current", self.take, 1, self.current, None)

        with m.If(self.clear):
            m.d.sync += [
                self.pending.eq(0), reserved.eq(0), self.level.eq(0),
                self.arrive_slot.eq(0), self.take_slot.eq(0), self.current.eq(0),
                self.head.eq(0), self.head_id.eq(FIRST_RING_ID),
                self.tail.eq(0), self.tail_id.eq(FIRST_RING_ID),
            ]

        return m

    def _advance(self, m, name, strobe, count, index, ring_id):
        """Move ``index`` forward by ``count``, around the end of the ring."""
        ahead = Signal(18, name=f"{name}_ahead")
        wraps = Signal(name=f"{name}_wraps")
        m.d.comb += [
            ahead.eq(index + count),
            wraps.eq(ahead >= self.length),
        ]
        with m.If(strobe):
            m.d.sync += index.eq(Mux(wraps, ahead - self.length, ahead))
            if ring_id is not None:
                m.d.sync += ring_id.eq(ring_id + wraps)
