"""Reads descriptors of all rings ahead of their use."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature, Resp
from rtl.config import DmaConfig
from rtl.lib import RoundRobin, StreamFifo

from .descriptor import DESCRIPTOR_LAYOUT, FETCHED_LAYOUT
from .encoding import DESCRIPTOR_BYTES
from .ring import shared_places
from .windows import PAGE_BITS, WindowCheckSignature

__all__ = ["DESCRIPTOR_ID", "DescriptorFetcher", "RingContext"]

DESCRIPTOR_ID = 1
FETCHES = 8


class RingContext(wiring.Signature):
    """What the fetcher must know of a ring, and what it tells the ring; seen from the fetcher.

    Members
    -------
    wants, most, grows, shrinks, length, pending, head, head_id : :py:`In`
        As in :class:`~rtl.nitro_dma.ring.Ring`.
    base, tenant : :py:`In`
        Address of the ring in memory, and its owner.
    shared, fetch, fetch_count, arrive : :py:`Out`
        To the ring.
    picked : :py:`Out(1)`
        The next read, which is being sized, is for this ring.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({
            "wants":       In(1),
            "most":        In(4),
            "grows":       In(4),
            "shrinks":     In(1),
            "base":        In(config.addr_width),
            "length":      In(17),
            "pending":     In(17),
            "head":        In(16),
            "head_id":     In(2),
            "tenant":      In(16),
            "shared":      Out(range(config.prefetch + 1)),
            "fetch":       Out(1),
            "fetch_count": Out(4),
            "arrive":      Out(1),
            "picked":      Out(1),
        })


class DescriptorFetcher(wiring.Component):
    """Fetches descriptors in bursts, for the rings in turn.

    A burst has up to 8 descriptors; it ends at the end of the ring and at a 4 KiB boundary, and it
    is read only when the pool has a place for each of its descriptors, so R is always accepted.
    The fetcher counts, for either direction, the places for which the rings compete. A burst that
    no window of its queue allows is not read: its descriptors arrive marked as ``denied``.

    Timing
    ------
    ``arvalid`` rises 2 cycles after ``wants``; a descriptor is stored, and ``arrive`` strobed, in
    the cycle of its last beat on R.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(..., write=False))`
        Descriptor reads.
    ring : ``2 * queues`` x :py:`Out(RingContext(config))`
        The rings: of queue q, 2 q is M2S and 2 q + 1 is S2M.
    check : :py:`Out(WindowCheckSignature(config))`
        Asks whether a burst is allowed.
    arriving : :py:`Out(range(2 * queues))`
        Ring to which ``stored`` belongs.
    store, stored : :py:`Out(1)`, :py:`Out(FETCHED_LAYOUT)`
        Strobe, and the descriptor to store.
    busy : :py:`Out(1)`
        A read is under way.
    """

    m_axi: wiring.PureInterface
    check: wiring.PureInterface
    arriving: Signal
    store: Signal
    stored: data.View
    busy: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        self.rings = 2 * config.queues
        super().__init__({
            "m_axi":    Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                          data_width=config.descriptor_width,
                                          id_width=config.id_width, write=False)),
            "ring":     Out(RingContext(config)).array(self.rings),
            "check":    Out(WindowCheckSignature(config)),
            "arriving": Out(range(self.rings)),
            "store":    Out(1),
            "stored":   Out(FETCHED_LAYOUT),
            "busy":     Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        flight = data.StructLayout({"ring": range(self.rings), "id": 2, "count": 4,
                                    "denied": 1})
        m.submodules.flights = flights = StreamFifo(flight, FETCHES)
        self._request(m, flights)
        self._receive(m, flights)
        self._share(m)
        m.d.comb += self.busy.eq(self.m_axi.arvalid | flights.o.valid)

        return m

    def _request(self, m, flights):
        """Choose a ring, size its burst, and put it on AR."""
        axi, config = self.m_axi, self.config
        m.submodules.arbiter = arbiter = RoundRobin(self.rings)
        chosen, picked = Signal(range(self.rings)), Signal()
        m.d.comb += arbiter.requests.eq(
            Mux(picked, 0, Cat(ring.wants for ring in self.ring)))
        for i in range(self.rings):
            with m.If(arbiter.grant[i]):
                m.d.comb += chosen.eq(i)

        # Registered copy of the chosen ring: its counters are compared and added a cycle later.
        rings = Array(self.ring)
        index = Signal(range(self.rings))
        held = Signal(data.StructLayout({"base": config.addr_width, "length": 17, "pending": 17,
                                         "most": 4, "head": 16, "head_id": 2}))
        start = Signal(config.addr_width)
        to_end, to_page, count = Signal(17), Signal(9), Signal(4)
        m.d.comb += [
            start.eq(held.base + held.head * DESCRIPTOR_BYTES),
            to_end.eq(held.length - held.head),
            to_page.eq(256 - start[4:12]),
            count.eq(held.most),
        ]
        for limit in (held.pending, to_end, to_page):
            smaller = Signal(4)
            m.d.comb += smaller.eq(Mux(limit < count, limit, count))
            count = smaller

        issue = Signal()
        m.d.comb += [
            issue.eq(picked & flights.i.ready & (~axi.arvalid | axi.arready)),
            flights.i.valid.eq(issue),
            flights.i.payload.ring.eq(index),
            flights.i.payload.id.eq(held.head_id),
            flights.i.payload.count.eq(count),
            flights.i.payload.denied.eq(~self.check.allowed),
            self.check.queue.eq(index[1:]),
            self.check.page.eq(start[PAGE_BITS:]),
            arbiter.advance.eq(1),
            axi.arid.eq(DESCRIPTOR_ID),
            axi.arsize.eq(axi.signature.size),
            axi.arcache.eq(0b0010),
        ]
        # The ring's counters move at the edge that ends `issue`; only then is it asked again.
        with m.If(arbiter.grant.any()):
            m.d.sync += [picked.eq(1), index.eq(chosen)]
            for name in held.shape().members:
                m.d.sync += held[name].eq(getattr(rings[chosen], name))
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        for i, ring in enumerate(self.ring):
            m.d.comb += [
                ring.picked.eq(picked & (index == i)),
                ring.fetch.eq(issue & (index == i)),
                ring.fetch_count.eq(count),
            ]
        bytes_log2 = axi.signature.size
        with m.If(issue):
            first_beat = start[:12] >> bytes_log2
            last_beat = (start[:12] + count * DESCRIPTOR_BYTES - 1) >> bytes_log2
            m.d.sync += [
                picked.eq(0),
                axi.arvalid.eq(self.check.allowed),
                axi.araddr.eq(start),
                axi.arlen.eq(last_beat - first_beat),
                axi.aruser.eq(rings[index].tenant),
            ]

    def _receive(self, m, flights):
        """Put descriptors together from beats."""
        axi, flight = self.m_axi, flights.o.payload
        beat, whole = Signal(), Signal()
        error, denied = Signal(), Signal()
        given = Signal.like(flight.count)       # descriptors of a denied burst
        m.d.comb += [
            denied.eq(flights.o.valid & flight.denied),
            axi.rready.eq(~denied),
            beat.eq(axi.rvalid & axi.rready & flights.o.valid),
            flights.o.ready.eq(Mux(denied, given == flight.count - 1, beat & axi.rlast)),
            self.arriving.eq(flight.ring),
            self.store.eq(whole | denied),
            self.stored.fetch_error.eq(error | (axi.rresp != Resp.OKAY)),
            self.stored.ring_error.eq(self.stored.descriptor.ring_id != flight.id),
            self.stored.denied.eq(denied),
        ]
        m.d.sync += given.eq(Mux(denied & ~flights.o.ready, given + 1, 0))
        if len(axi.rdata) >= DESCRIPTOR_LAYOUT.size:
            m.d.comb += [whole.eq(beat), self.stored.descriptor.eq(axi.rdata)]
        else:
            half, low = Signal(), Signal(64)
            m.d.comb += [
                whole.eq(beat & half),
                self.stored.descriptor.eq(Cat(low, axi.rdata)),
            ]
            with m.If(beat):
                m.d.sync += [half.eq(~half), low.eq(axi.rdata), error.eq(0)]
                with m.If(~half):
                    m.d.sync += error.eq(axi.rresp != Resp.OKAY)
        for i, ring in enumerate(self.ring):
            m.d.comb += ring.arrive.eq(self.store & (self.arriving == i))

    def _share(self, m):
        """Count the free places that the rings of either direction share."""
        places = shared_places(self.config)
        for name, rings in (("m2s", self.ring[0::2]), ("s2m", self.ring[1::2])):
            shared = Signal(range(self.config.prefetch + 1), init=places, name=f"shared_{name}")
            grows, shrinks = Signal(4, name=f"grows_{name}"), Signal(name=f"shrinks_{name}")
            for ring in rings:
                with m.If(ring.fetch):
                    m.d.comb += grows.eq(ring.grows)
                m.d.comb += ring.shared.eq(shared)
            m.d.comb += shrinks.eq(Cat(ring.shrinks for ring in rings).any())
            m.d.sync += shared.eq(shared - grows + shrinks)
