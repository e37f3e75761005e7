"""Load/store unit: attributes, alignment, lanes, order."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature
from rtl.config import CoreConfig
from rtl.core.access import AccessLayout, NextAccessLayout
from rtl.core.align import LoadAligner, gather
from rtl.core.dcache import DataCache, Maintenance
from rtl.core.regions import in_regions
from rtl.core.store_lanes import store_lanes
from rtl.core.store_queue import StoreQueue
from rtl.core.syndrome import FaultCode

__all__ = ["LoadStoreUnit"]


class LoadStoreUnit(wiring.Component):
    """Makes the accesses of the pipeline, one after the other.

    Stores are posted; a load that goes to the bus waits until every earlier store has been
    answered. An access that crosses a 16-byte beat is made in two parts. Two elements are accessed
    together in the cache only: elsewhere the access ends, is called missed, and ``apart`` asks for
    one after the other, until such accesses are seen to be cached again.

    Plain cached accesses and plain posted stores take one cycle, and whether they end in it comes
    out of few registers, since the whole pipeline waits for it. All others are made by a state
    machine and end in a state of their own, one cycle later.

    Timing
    ------
    ``access`` holds until ``done`` or ``fault``, of which one is set in the last cycle of the
    access; ``result`` and ``raw`` belong to that cycle. A fault comes before anything was
    written. When ``missed`` is set in the cycle behind, nothing was done after all, and the
    access has to be asked for again.

    Members
    -------
    lookup : :py:`In(1)`, next : :py:`In(NextAccessLayout())`
        The next access, in the cycle before it begins.
    access : :py:`In(AccessLayout())`
        What to do.
    drop : :py:`In(1)`
        In the first cycle of an access: nothing of it happens. ``done`` and ``fault`` are wrong.
    done : :py:`Out(1)`, result, loaded, raw, stored : :py:`Out(64)`
        The access is made: for a load the register value, unless it is ignored, and the bytes as
        they stand in memory; for a store-exclusive the status; for a store the bytes. The register
        value is the OR of ``result`` and ``loaded``, which comes late and is zero but for loads;
        both are zero without an access, and for a store that is not exclusive.
    second_result, second_raw, second_stored : :py:`Out(64)`
        The same for the second of two elements.
    apart : :py:`Out(1)`
        Two elements should not be accessed together.
    fault : :py:`Out(1)`, fault_code : :py:`Out(FaultCode)`
        The access is refused.
    settled : :py:`Out(1)`
        The access can no longer fault or miss; set in its last cycle or before.
    missed : :py:`Out(1)`
        The access that ended in the cycle before has to be made again.
    device : :py:`Out(1)`
        The address is not in Normal memory.
    clear_monitor : :py:`In(1)`
        Forget the exclusive reservation.
    drained : :py:`Out(1)`
        Every store has been answered.
    store_error : :py:`Out(1)`
        An error answer to a posted store came in this cycle.
    waiting : :py:`Out(1)`
        The access waits for earlier stores.
    m_axi : :py:`Out(AXI4Signature)`
        Data bus.
    """

    def __init__(self, config: CoreConfig, *, regions):
        self.config = config
        self.regions = tuple(regions)
        super().__init__({
            "lookup":        In(1),
            "next":          In(NextAccessLayout()),
            "access":        In(AccessLayout()),
            "drop":          In(1),
            "done":          Out(1),
            "result":        Out(64),
            "loaded":        Out(64),
            "raw":           Out(64),
            "stored":        Out(64),
            "second_result": Out(64),
            "second_raw":    Out(64),
            "second_stored": Out(64),
            "apart":         Out(1),
            "fault":         Out(1),
            "fault_code":    Out(FaultCode),
            "settled":       Out(1),
            "missed":        Out(1),
            "device":        Out(1),
            "clear_monitor": In(1),
            "drained":       Out(1),
            "store_error":   Out(1),
            "waiting":       Out(1),
            "m_axi":         Out(AXI4Signature(addr_width=config.addr_width,
                                               data_width=config.bus_width, id_width=1)),
        })

    def elaborate(self, platform):
        m = Module()
        bus_bytes = self.config.bus_width // 8
        lane_bits = (bus_bytes - 1).bit_length()
        access = self.access

        m.submodules.stores = stores = StoreQueue(addr_width=self.config.addr_width,
                                                  bus_width=self.config.bus_width)
        m.submodules.cache = cache = DataCache(
            addr_width=self.config.addr_width, bus_width=self.config.bus_width,
            cache_bytes=self.config.dcache_bytes, ways=self.config.dcache_ways)
        self._connect_writes(m, stores)

        lane = access.addr[:lane_bits]
        normal, unaligned, split = Signal(), Signal(), Signal()
        second, held, confirming = Signal(), Signal(64), Signal()
        addr, above = Signal(self.config.addr_width), Signal(self.config.addr_width - lane_bits)
        m.d.sync += above.eq(access.addr[lane_bits:self.config.addr_width] + 1)
        m.d.comb += addr.eq(Mux(second, above << lane_bits, Mux(
            unaligned, access.addr[lane_bits:] << lane_bits, access.addr)))
        quick = self._classify(m, stores, lane_bits, normal, unaligned, split)
        store_lanes(m, self.access, stores, cache, lane, addr, unaligned, second)
        m.submodules.aligner = aligner = LoadAligner(bus_width=self.config.bus_width,
                                                     ways=self.config.dcache_ways)
        m.d.comb += [
            *(inner.eq(outer) for inner, outer in zip(aligner.rows, cache.rows, strict=True)),
            aligner.way.eq(cache.way), aligner.lane.eq(lane),
            aligner.size_log2.eq(access.size_log2), aligner.signed.eq(access.signed),
            self.second_raw.eq(aligner.upper_raw), self.second_result.eq(aligner.upper_result),
            self.loaded.eq(aligner.result),
        ]
        self._monitor(m)
        self._hold(m, aligner, lane, second, held)
        self._give_stored(m)

        hits, posts, refuses = Signal(), Signal(), self._two(m, quick)
        # A register: what it drops is the whole pipeline.
        m.d.sync += self.missed.eq((hits & cache.misses) | refuses)
        m.d.comb += [
            self.device.eq(~normal), self.drained.eq(stores.empty),
            self.store_error.eq(stores.error),
            hits.eq(access.valid & quick.hits),
            posts.eq(access.valid & quick.posts),
            self.settled.eq(hits),
            self.done.eq((hits & cache.ready) | (posts & stores.i.ready & ~cache.busy)
                         | (access.valid & access.two & ~quick.cached)),
            # While a beat is confirmed the pipeline looks nothing up: perhaps there is another one.
            cache.lookup.eq(self.lookup), cache.lookup_addr.eq(Mux(
                confirming, addr + self.config.bus_width // 8, self.next.addr)),
            cache.lookup_write.eq(self.next.write),
            cache.addr.eq(addr),
        ]
        self._connect_fill(m, cache)
        bus = self.m_axi
        with m.FSM(name="access"):
            with m.State("IDLE"):
                m.d.comb += cache.stays.eq(access.valid & (quick.cached
                                                           | (~quick.posted & ~access.two)))
                with m.If(self.drop):
                    pass
                with m.Elif(hits):
                    m.d.comb += cache.request.eq(1)
                    with m.If(cache.failed):
                        m.d.sync += self.fault_code.eq(FaultCode.EXTERNAL)
                        m.next = "REFUSED"
                with m.Elif(posts):
                    m.d.comb += stores.i.valid.eq(~cache.busy)
                with m.Elif(access.valid & ~access.two):
                    self._general(m, cache, stores, normal, unaligned, split, second)
            with m.State("CACHED"):
                m.d.comb += cache.stays.eq(1)
                self._cached(m, cache, split, second, confirming)
            with m.State("READ-ADDRESS"):
                m.d.comb += [
                    bus.arvalid.eq(1), bus.araddr.eq(addr), bus.arlen.eq(0), bus.arcache.eq(0),
                    bus.arsize.eq(Mux(unaligned, lane_bits, access.size_log2)),
                ]
                with m.If(bus.arready):
                    m.next = "READ-DATA"
            with m.State("READ-DATA"):
                m.d.comb += [bus.rready.eq(1), self._reads.eq(1)]
                with m.If(bus.rvalid):
                    self._beat(m, split, second)
            with m.State("TURN"):
                with m.If(self._turns == 1):
                    m.d.sync += self._from_bus.eq(1)
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.sync += self._from_bus.eq(0)
                m.d.comb += [self.done.eq(1), self.settled.eq(1)]
                m.d.sync += second.eq(0)
                m.next = "IDLE"
            with m.State("REFUSED"):
                m.d.comb += self.fault.eq(1)
                m.d.sync += second.eq(0)
                m.next = "IDLE"
        return m

    def _classify(self, m, stores, lane_bits, normal, unaligned, split):
        """Look at the address one cycle early; say whether the access is of a quick kind."""
        addr, size = self.next.addr, self.next.size_log2
        inside = in_regions(m, addr[:self.config.addr_width], self.regions, "inside")
        last_byte, odd, beyond, crosses = Signal(3), Signal(), Signal(), Signal()
        one = ~self.next.two
        quick = Signal(data.StructLayout({"cached": 1, "posted": 1, "hits": 1, "posts": 1}))
        cached, posted = Signal(), Signal()
        caches = inside & self.access.cached
        m.d.comb += [
            last_byte.eq((1 << size) - 1), odd.eq((addr[:3] & last_byte).any() & one),
            beyond.eq(addr[self.config.addr_width:].any()),
            crosses.eq((addr[:lane_bits] + last_byte)[lane_bits] & one),
        ]
        self._beyond, self._odd_pair = Signal(), Signal()
        m.d.comb += [
            cached.eq(self.next.plain & caches & ~beyond & ~crosses & ~(odd & self.next.strict)
                      & ~(self.next.release & (quick.posted | ~stores.empty))),
            posted.eq(self.next.plain & self.next.write & ~caches & ~beyond & ~odd & one
                      & (inside | ~self.next.strict) & ~self.next.release),
        ]
        with m.If(self.lookup):
            m.d.sync += [
                normal.eq(inside), unaligned.eq(odd), split.eq(crosses),
                self._beyond.eq(beyond), self._odd_pair.eq(addr.bit_select(size, 1)),
                quick.cached.eq(cached), quick.hits.eq(cached & ~self.next.careful),
                quick.posted.eq(posted), quick.posts.eq(posted & ~self.next.held),
            ]
        return quick

    def _two(self, m, quick):
        """Refuse two elements at once outside the cache; return whether in this cycle."""
        access = self.access
        refuses, apart = Signal(), Signal()
        m.d.comb += refuses.eq(access.valid & ~quick.cached & ~self.drop & access.two)
        with m.If(refuses):
            m.d.sync += apart.eq(1)
        with m.Elif(access.valid & access.behind & quick.cached):
            m.d.sync += apart.eq(0)
        m.d.comb += self.apart.eq(apart | ~access.cached)
        return refuses

    def _monitor(self, m):
        """Keep the line that is reserved for a store-exclusive."""
        access = self.access
        line = access.addr[6:self.config.addr_width]
        reserved_line, reserved = Signal(len(line)), Signal()
        self._exclusive_fails = Signal()
        m.d.comb += self._exclusive_fails.eq(
            access.exclusive & access.write & ~(reserved & (reserved_line == line)))
        with m.If(self.done & access.exclusive):
            m.d.sync += [reserved.eq(~access.write), reserved_line.eq(line)]
        with m.If(self.clear_monitor):
            m.d.sync += reserved.eq(0)

    def _general(self, m, cache, stores, normal, unaligned, split, second):
        """Make an access that is not of a quick kind."""
        access = self.access
        maintains = access.maintenance != Maintenance.NONE
        cached = (normal & (access.cached | maintains)) | access.by_set
        refused, code = Signal(), Signal(FaultCode)
        self._check(m, normal, unaligned, refused, code)
        with m.If(refused):
            m.d.sync += self.fault_code.eq(code)
            m.next = "REFUSED"
        with m.Elif(self._exclusive_fails | access.skip):
            m.next = "DONE"
        with m.Elif(access.release & ~stores.empty & ~second):
            m.d.comb += self.waiting.eq(1)
        with m.Elif(cached):
            m.next = "CACHED"
        with m.Elif(maintains):
            m.next = "DONE"
        with m.Elif(cache.busy | (~access.write & ~stores.empty)):
            m.d.comb += self.waiting.eq(1)
        with m.Elif(access.write):
            self._store(m, stores, split, second)
        with m.Else():
            m.next = "READ-ADDRESS"

    def _connect_writes(self, m, stores):
        """Pass the write channels of the store queue to the bus."""
        for name, member in stores.m_axi.signature.members.items():
            inner, outer = getattr(stores.m_axi, name), getattr(self.m_axi, name)
            m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)

    def _check(self, m, normal, unaligned, refused, code):
        access = self.access
        strict = access.exclusive | access.restricted
        with m.If(self._beyond):
            m.d.comb += [refused.eq(1), code.eq(FaultCode.ADDRESS_SIZE)]
        with m.Elif((unaligned & (~normal | access.aligned | strict))
                    | (access.pair & self._odd_pair)):
            m.d.comb += [refused.eq(1), code.eq(FaultCode.ALIGNMENT)]
        with m.Elif(strict & ~normal):
            m.d.comb += [refused.eq(1), code.eq(FaultCode.EXCLUSIVE)]

    def _connect_fill(self, m, cache):
        """Lend the read channels to the cache."""
        for name, member in cache.fill.signature.members.items():
            inner, outer = getattr(cache.fill, name), getattr(self.m_axi, name)
            m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)

    def _cached(self, m, cache, split, second, confirming):
        """Ask the cache; each beat goes on when it is known to have hit."""
        access = self.access
        with m.If(confirming):
            # A half that missed is asked for again, and only that one: the cache refuses a line
            # that could not be fetched once, in the next request.
            m.d.sync += confirming.eq(0)
            with m.If(cache.missed):
                pass
            with m.Elif(split & ~second):
                # The second half is looked up in this cycle.
                m.d.comb += cache.lookup.eq(1)
                m.d.comb += self._keeps.eq(~access.write)
                m.d.sync += second.eq(1)
            with m.Else():
                m.next = "DONE"
        with m.Else():
            m.d.comb += cache.request.eq(1)
            with m.If(cache.failed):
                m.d.sync += self.fault_code.eq(FaultCode.EXTERNAL)
                m.next = "REFUSED"
            with m.Elif(access.maintenance != Maintenance.NONE):
                with m.If(cache.done):
                    m.next = "DONE"
            with m.Else():
                m.d.sync += confirming.eq(cache.ready)

    def _store(self, m, stores, split, second):
        m.d.comb += stores.i.valid.eq(1)
        with m.If(stores.i.ready):
            with m.If(split & ~second):
                m.d.sync += second.eq(1)
            with m.Else():
                m.next = "DONE"

    def _give_stored(self, m):
        """Return what a store stores, cut to its size."""
        access = self.access
        m.d.comb += self.second_stored.eq(access.second)
        with m.If(~access.size_log2[0]):
            m.d.comb += self.second_stored.eq(access.second[:32])
        with m.Switch(access.size_log2):
            for size in range(4):
                with m.Case(size):
                    m.d.comb += self.stored.eq(access.data[:8 << size])

    def _beat(self, m, split, second):
        """Take one beat of an uncached load."""
        with m.If(self.m_axi.rresp.as_value()[1]):
            m.d.sync += self.fault_code.eq(FaultCode.EXTERNAL)
            m.next = "REFUSED"
        with m.Elif(split & ~second):
            m.d.sync += second.eq(1)
            m.next = "READ-ADDRESS"
        with m.Else():
            places = self.access.addr[:2]
            m.d.sync += [self._turns.eq(places), self._from_bus.eq(~places.any())]
            m.next = "DONE"
            with m.If(places.any()):
                m.next = "TURN"

    def _hold(self, m, aligner, lane, second, held):
        """Choose the bytes of a load, and hold those that are not in the cache any more.

        These are what came from the bus, and what came from the first of two rows: they are seldom
        wanted, and are not in the way of what is in the row.
        """
        access, octets = self.access, range(8)
        self._keeps, self._reads, self._from_bus = Signal(), Signal(), Signal()
        self._turns = Signal(2)
        behind, later = Signal(8), Signal(8)
        m.d.comb += [
            # Bytes of the word below; bytes of the value that stand in the second row.
            behind.eq(~(Const(0xFF, 8) << lane[:3])[:8]),
            later.eq(Cat((lane[:3] + octet)[3] for octet in octets)),
        ]
        # A word is reached from its own lanes, or from those of the word below.
        for index, here in enumerate(aligner.here, 1):
            m.d.comb += here.eq(Mux(second, 0, Mux(lane[3:] == index, ~behind, 0)
                                    | Mux(lane[3:] == index - 1, behind, 0)))
        found = gather(self.m_axi.rdata, here=aligner.here)
        with m.If(self._keeps):
            m.d.sync += held.eq(aligner.moved)
        # Half of the bytes changes places at once, so that an aligned word is where it belongs.
        swapped = lane[2]
        found = Mux(swapped, found.rotate_right(32), found)
        takes = ~second.replicate(8) | Mux(swapped, behind.rotate_right(4), behind)
        for octet in octets:
            with m.If(self._reads & takes[octet]):
                m.d.sync += held.word_select(octet, 8).eq(found.word_select(octet, 8))
        with m.If(self._turns.any()):
            m.d.sync += [held.eq(held.rotate_right(8)), self._turns.eq(self._turns - 1)]

        keeps, fills, in_held, sign = Signal(8), Signal(8), Signal(8), Signal()
        with m.If(access.valid & ~access.write & ~access.ignored):
            with m.Switch(access.size_log2):
                for size in range(4):
                    low, high = (1 << (1 << size)) - 1, (0xFF << (1 << size)) & 0xFF
                    with m.Case(size):
                        m.d.comb += [keeps.eq(low), sign.eq(held[(8 << size) - 1]), fills.eq(
                            high & access.signed.replicate(8)
                            & Cat(Const(0xF, 4), access.wide.replicate(4)))]
        m.d.comb += [
            in_held.eq(Mux(self._from_bus, 0xFF, ~later & second.replicate(8))),
            aligner.keeps.eq(keeps & ~in_held),
            aligner.fills.eq(fills & ~self._from_bus.replicate(8)),
            self.raw.eq(Cat(Mux(in_held[octet], held.word_select(octet, 8),
                                aligner.moved.word_select(octet, 8))
                            & keeps[octet].replicate(8) for octet in octets)),
            self.result.eq(Cat((held.word_select(octet, 8)
                                & (keeps[octet] & in_held[octet]).replicate(8))
                               | (sign & fills[octet] & self._from_bus).replicate(8)
                               for octet in octets) | (access.write & self._exclusive_fails)),
        ]
