"""State of one submission ring."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig

from .encoding import FIRST_RING_ID

__all__ = ["FETCH_BURST", "FEW", "GUARANTEED", "Ring", "fetch_burst", "shared_places"]

FETCH_BURST = 8
"""Most descriptors of one read."""

GUARANTEED = 2
"""Places of the pool that each ring has to itself, whatever the others hold."""

FEW = 4
"""A ring that holds fewer descriptors fetches what it may, even if it is less than a burst."""


def shared_places(config: DmaConfig) -> int:
    """Return the places of a pool for which its rings compete.

    A ring owns its :data:`GUARANTEED` places and one for the next arrival
    (:class:`~rtl.nitro_dma.pool.DescriptorPool`).
    """
    return config.prefetch - config.queues * (GUARANTEED + 1)


def fetch_burst(config: DmaConfig) -> int:
    """Return the most descriptors of one read of this engine."""
    return min(FETCH_BURST, shared_places(config))


class Ring(wiring.Component):
    """Indices of one submission ring, and how much of the pool it holds.

    A descriptor is *pending* from the doorbell to its fetch, *reserved* from its fetch until it is
    taken, and *available* once it has arrived. Beyond the places that are its own, a ring may hold
    as many as are still free afterwards: one ring alone gets half of what is shared, and rings
    whose packets wait leave the others an equal part. A ring that still holds a few descriptors
    waits until a whole burst is allowed.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Size of the pool.

    Members
    -------
    enable : :py:`In(1)`
        Ask for fetches.
    clear : :py:`In(1)`
        Return to the state after reset. Only while :attr:`idle` and nothing is available.
    length : :py:`In(17)`
        Descriptors of the ring in memory.
    shared : :py:`In(range(prefetch + 1))`
        Free places of the pool for which the rings compete.
    doorbell, doorbell_count : :py:`In(1)`, :py:`In(16)`
        Strobe: so many more descriptors are in memory.
    fetch, fetch_count : :py:`In(1)`, :py:`In(4)`
        Strobe: a read of so many descriptors from ``head`` on has been decided.
    arrive : :py:`In(1)`
        Strobe: the next descriptor is being stored.
    take : :py:`In(1)`
        Strobe: the oldest descriptor is used up. Not in the cycle in which it arrives.
    pushed : :py:`In(1)`
        Descriptors do not come from this ring: ``take`` moves ``current`` and nothing else.
    wants, most : :py:`Out(1)`, :py:`Out(4)`
        Descriptors are pending, and a read of at most so many is worth while.
    grows : :py:`Out(4)`
        Shared places that ``fetch_count`` descriptors more occupy.
    shrinks : :py:`Out(1)`
        ``take`` gives a shared place back.
    available : :py:`Out(1)`
        There is an oldest descriptor, from the next cycle on at the latest.
    overrun : :py:`Out(1)`
        More descriptors are pending than the ring holds.
    idle : :py:`Out(1)`
        No descriptor is on its way.
    pending, level : :py:`Out(17)`, :py:`Out`
        Descriptors to fetch, and descriptors in the pool.
    head, head_id, tail, tail_id, current : :py:`Out(16)`, ids :py:`Out(2)`
        Next descriptor to fetch, next to be announced, next to be taken.
    """

    def __init__(self, config: DmaConfig):
        self.config = config
        places = range(config.prefetch + 1)
        super().__init__({
            "enable":         In(1),
            "clear":          In(1),
            "length":         In(17),
            "shared":         In(places),
            "doorbell":       In(1),
            "doorbell_count": In(16),
            "fetch":          In(1),
            "fetch_count":    In(4),
            "arrive":         In(1),
            "take":           In(1),
            "pushed":         In(1),
            "wants":          Out(1),
            "most":           Out(4),
            "grows":          Out(4),
            "shrinks":        Out(1),
            "available":      Out(1),
            "overrun":        Out(1),
            "idle":           Out(1),
            "pending":        Out(17),
            "level":          Out(places),
            "head":           Out(16),
            "head_id":        Out(2, init=FIRST_RING_ID),
            "tail":           Out(16),
            "tail_id":        Out(2, init=FIRST_RING_ID),
            "current":        Out(16),
        })

    def elaborate(self, platform):
        m = Module()

        # One bit more than a full ring needs, so that an excess shows; it sticks at the top.
        announced = Signal(18)
        m.d.comb += announced.eq(self.pending + Mux(self.doorbell, self.doorbell_count, 0))
        fetched = Mux(self.fetch, self.fetch_count, 0)
        left = self.take & ~self.pushed
        m.d.sync += self.pending.eq(Mux(announced[17], ~0, announced - fetched))

        reserved, enough = self._quota(m)
        m.d.comb += [
            self.overrun.eq(self.pending > self.length),
            self.wants.eq(self.enable & (self.pending != 0) & enough & ~self.overrun),
            self.available.eq((self.level != 0) | self.arrive),
            self.idle.eq(reserved == self.level),
        ]
        m.d.sync += [
            reserved.eq(reserved + fetched - left),
            self.level.eq(self.level + self.arrive - left),
        ]

        self._advance(m, "head", self.fetch, self.fetch_count, self.head, self.head_id)
        self._advance(m, "tail", self.doorbell, self.doorbell_count, self.tail, self.tail_id)
        self._advance(m, "current", self.take, 1, self.current, None)

        with m.If(self.clear):
            m.d.sync += [
                self.pending.eq(0), self.current.eq(0),
                self.head.eq(0), self.head_id.eq(FIRST_RING_ID),
                self.tail.eq(0), self.tail_id.eq(FIRST_RING_ID),
            ]

        return m

    def _quota(self, m):
        """Decide how much may be fetched.

        Returns the register of the places held, and whether what may be fetched is worth a read.
        """
        burst = fetch_burst(self.config)
        reserved = Signal(range(self.config.prefetch + 1))
        want = Signal(range(burst + 1))
        extra, grown, room = Signal.like(reserved), Signal.like(reserved), Signal.like(reserved)
        enough = Signal()
        m.d.comb += [
            want.eq(Mux(self.pending > burst, burst, self.pending)),
            extra.eq(Mux(reserved > GUARANTEED, reserved - GUARANTEED, 0)),
            room.eq(Mux(self.shared > extra, self.shared - extra, 0)
                    + Mux(reserved < GUARANTEED, GUARANTEED - reserved[:2], 0)),
            self.most.eq(Mux(room > burst, burst, room)),
            enough.eq(Mux(reserved < FEW, room != 0, room >= want)),
            grown.eq(reserved + self.fetch_count),
            self.grows.eq(Mux(grown > GUARANTEED, grown - GUARANTEED, 0) - extra),
            self.shrinks.eq(self.take & ~self.pushed
                            & (Mux(self.fetch, grown, reserved) > GUARANTEED)),
        ]
        return reserved, enough

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
