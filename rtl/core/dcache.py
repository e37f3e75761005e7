"""Data cache: write-back, write-allocate, 64-byte lines."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature, Burst
from rtl.core.replacement import Replacement
from rtl.core.store_queue import StoreRequest

__all__ = ["DataCache", "Maintenance"]

LINE_BYTES = 64
PART_BITS = 6
UNCHECKED = {"no_rw_check": 1}


def index_of(bits):
    """Return the place of the one bit that is set, as a value; 0 if none is."""
    index = Const(0, max(1, (len(bits) - 1).bit_length()))
    for place in range(len(bits)):
        index = index | Mux(bits[place], place, 0)
    return index[:(len(bits) - 1).bit_length()]


class Maintenance(enum.Enum, shape=2):
    """What to do to a line instead of reading or writing it."""

    NONE = 0
    CLEAN = 1
    INVALIDATE = 2
    CLEAN_INVALIDATE = 3


class DataCache(wiring.Component):
    """Cache of rows of one bus beat; one access at a time.

    An access has two cycles: in the first its address is looked up, in the second it is asked for.
    Whether it hit is known too late in that cycle for the pipeline to wait for it: the cache says
    ``missed`` one cycle later, and the access is made again. Reading and writing ports are
    separate, and nothing is read where it is written at the same edge: a load from the row that
    the store in front of it wrote, and what comes behind the first store to a clean line, is
    looked up again and takes one cycle more. So no memory needs collision logic.

    Which way a row comes from must be known early, since what is loaded passes on to the next
    instruction in the same cycle. So a few bits of the tags of all ways but the first are kept a
    second time, in small memories that are read in front of the lookup; way 0 is what is left. No
    two ways of a set agree in these bits: a line that would agree with another one takes its
    place.

    On a miss the victim's dirty line goes into the store queue while its successor is on its way.
    Both wait until the queue has drained, so that a line never overtakes its own eviction.

    Timing
    ------
    ``lookup`` in one cycle, ``request`` in the next. The access is made in a cycle in which
    ``ready`` is set, unless ``missed`` is set in the cycle behind it; then its line is fetched. A
    request that comes before that waits for ``ready``, or is refused by ``failed``. Maintenance
    waits for ``done``. ``ready``, ``busy``, ``missed`` and ``done`` come out of registers.

    Parameters
    ----------
    addr_width, bus_width : :class:`int`
        Widths of the address and of the bus in bits.
    cache_bytes, ways : :class:`int`
        Size and associativity.

    Members
    -------
    lookup : :py:`In(1)`, lookup_addr : :py:`In(addr_width)`, lookup_write : :py:`In(1)`
        Read the memories; for a store, which does not need the row.
    request : :py:`In(1)`, addr : :py:`In(addr_width)`
        Access the row that was looked up last.
    stays : :py:`In(1)`
        Set with every request, and known early. What ``lookup`` asks for at the same time counts
        only if the row has been looked up, so that ``ready`` may be set.
    write : :py:`In(1)`, data, strobe : :py:`In`
        Write these bytes of the row.
    maintenance : :py:`In(Maintenance)`, by_set : :py:`In(1)`
        Do this to the line instead; with ``by_set`` the address names set and way.
    ready : :py:`Out(1)`, row : :py:`Out(bus_width)`
        The access is made on a hit; bytes of the row.
    rows : :py:`Out(bus_width).array(ways)`, way : :py:`Out(range(ways))`
        The same row, to be chosen.
    missed : :py:`Out(1)`, misses : :py:`Out(1)`
        The request of the cycle before was no hit; that of this cycle is none, which is known late.
    done : :py:`Out(1)`
        The maintenance asked for is done.
    failed : :py:`Out(1)`
        The line of the request could not be fetched: an error answer.
    busy : :py:`Out(1)`
        Reading channels and store queue may be in use.
    empty : :py:`In(1)`, evicted : :py:`Out(stream.Signature(StoreRequest(...)))`
        Store queue.
    fill : :py:`Out(AXI4Signature)`
        Line fills, reads only.
    """

    def __init__(self, *, addr_width: int, bus_width: int, cache_bytes: int, ways: int):
        self.addr_width = addr_width
        self.bus_width = bus_width
        self.ways = ways
        self.sets = cache_bytes // LINE_BYTES // ways
        if self.sets < 2:
            raise ValueError(f"Cache of {cache_bytes} bytes must have at least 2 sets, not "
                             f"{self.sets!r}")
        self.set_bits = (self.sets - 1).bit_length()
        self.beats = LINE_BYTES * 8 // bus_width
        self.beat_bits = (self.beats - 1).bit_length()
        self.tag_bits = addr_width - 6 - self.set_bits
        self.part_bits = min(PART_BITS, self.tag_bits)
        super().__init__({
            "lookup":       In(1),
            "lookup_addr":  In(addr_width),
            "lookup_write": In(1),
            "request":      In(1),
            "stays":        In(1),
            "addr":         In(addr_width),
            "write":        In(1),
            "data":         In(bus_width),
            "strobe":       In(bus_width // 8),
            "maintenance":  In(Maintenance),
            "by_set":       In(1),
            "ready":        Out(1),
            "row":          Out(bus_width),
            "rows":         Out(bus_width).array(ways),
            "way":          Out(range(ways)),
            "missed":       Out(1),
            "misses":       Out(1),
            "done":         Out(1),
            "failed":       Out(1),
            "busy":         Out(1),
            "empty":        In(1),
            "evicted":      Out(stream.Signature(StoreRequest(addr_width, bus_width))),
            "fill":         Out(AXI4Signature(addr_width=addr_width, data_width=bus_width,
                                              id_width=1, write=False)),
        })

    def elaborate(self, platform):
        m = Module()
        ways = range(self.ways)
        # Ports of the memories.
        self._read_row = Signal(self.set_bits + self.beat_bits)
        self._read_part = Signal(self.part_bits)
        self._read = Signal()
        self._row_write = Signal()
        self._row_addr = Signal(self.set_bits + self.beat_bits)
        self._row_way = Signal(range(self.ways))
        self._row_data = Signal(self.bus_width)
        self._row_strobe = Signal(self.bus_width // 8)
        self._tag_write = Signal(self.ways)
        self._tag_set = Signal(self.set_bits)
        self._tag_new = Signal(self.tag_bits + 2)
        tags = self._memories(m)

        wanted = self.addr[6 + self.set_bits:]
        hits = Signal(self.ways)
        m.d.comb += hits.eq(Cat(tags[way][0] & (tags[way][2:] == wanted) for way in ways))
        chosen, evicting = Signal(self.ways), Signal()
        self._select = Signal(range(self.ways))
        agreeing = self._agreeing(m)
        with m.If(self._read):
            m.d.sync += self._select.eq(Mux(evicting, index_of(chosen), agreeing))
        m.d.comb += [self.row.eq(Array(self.rows)[self._select]), self.way.eq(self._select),
                     self.evicted.payload.data.eq(self.row)]
        m.submodules.replacement = replacement = Replacement(sets=self.sets, ways=self.ways)
        m.d.comb += [
            replacement.look.eq(self._read),
            replacement.set.eq(self._read_row[self.beat_bits:]),
            replacement.used_set.eq(self.addr[6:6 + self.set_bits]),
            replacement.used_ways.eq(hits),
        ]
        self._control(m, hits, chosen, tags, evicting, replacement)
        return m

    def _memories(self, m):
        """Read and write rows and tags; return the tag of each way: valid, dirty, tag."""
        tags = []
        for way in range(self.ways):
            m.submodules[f"rows_{way}"] = row = Memory(
                shape=self.bus_width, depth=self.sets * self.beats, init=[], attrs=UNCHECKED)
            m.submodules[f"tags_{way}"] = tag = Memory(
                shape=self.tag_bits + 2, depth=self.sets, init=[], attrs=UNCHECKED)
            row_read, row_write = row.read_port(), row.write_port(granularity=8)
            tag_read, tag_write = tag.read_port(), tag.write_port()
            here = self._row_write & (self._row_way == way)
            m.d.comb += [
                row_read.addr.eq(self._read_row), row_read.en.eq(self._read),
                self.rows[way].eq(row_read.data),
                row_write.addr.eq(self._row_addr), row_write.data.eq(self._row_data),
                row_write.en.eq(self._row_strobe & here.replicate(self.bus_width // 8)),
                tag_read.addr.eq(self._read_row[self.beat_bits:]), tag_read.en.eq(self._read),
                tag_write.addr.eq(self._tag_set), tag_write.data.eq(self._tag_new),
                tag_write.en.eq(self._tag_write[way]),
            ]
            tags.append(tag_read.data)
        return tags

    def _part(self, address):
        """Return the bits of an address that tell the ways apart."""
        return address[6 + self.set_bits:6 + self.set_bits + self.part_bits]

    def _agreeing(self, m):
        """Return the way that agrees with what is looked up, or 0: no two do."""
        agreeing = [Const(0, 1)]
        for way in range(1, self.ways):
            m.submodules[f"parts_{way}"] = parts = Memory(
                shape=self.part_bits, depth=self.sets, init=[])
            read, write = parts.read_port(domain="comb"), parts.write_port()
            m.d.comb += [
                read.addr.eq(self._read_row[self.beat_bits:]), write.addr.eq(self._tag_set),
                write.data.eq(self._tag_new[2:2 + self.part_bits]),
                write.en.eq(self._tag_write[way]),
            ]
            agreeing.append(read.data == self._read_part)
        return index_of(agreeing)

    def _control(self, m, hits, chosen, tags, evicting, replacement):
        sweep = Signal(self.set_bits)
        set_index = self.addr[6:6 + self.set_bits]
        row_index = self.addr[6 - self.beat_bits:6 + self.set_bits]
        line = Signal(self.addr_width - 6)
        line_set = line[:self.set_bits]
        work, looked = Signal(Maintenance), Signal()
        evict_beat, evict_ready = Signal(self.beat_bits), Signal()
        fill_beat = Signal(self.beat_bits)
        asked, refuse = Signal(), Signal()
        self._victim_tag = Signal(self.tag_bits)
        present, dirty = Signal(), Signal()
        self._leaves = Signal()

        self._row_new(set_index, row_index, m)
        m.d.sync += self.missed.eq(self.misses)
        with m.FSM(name="cache") as fsm:
            with m.State("SWEEP"):
                m.d.comb += [self._tag_set.eq(sweep), self._tag_new.eq(0),
                             self._tag_write.eq(-1)]
                m.d.sync += sweep.eq(sweep + 1)
                with m.If(sweep == self.sets - 1):
                    m.next = "READY"
            with m.State("READY"):
                m.d.sync += [line.eq(self.addr[6:]), work.eq(self.maintenance)]
                self._choose(m, hits, chosen, tags, present, dirty, replacement.victim)
                self._ready(m, hits, tags, row_index, looked, replacement)
            with m.State("PROBE"):
                m.d.sync += [asked.eq(0), fill_beat.eq(0), evict_ready.eq(0), evict_beat.eq(0)]
                with m.If(self.empty):
                    m.d.sync += evicting.eq(dirty)
                    with m.If(work == Maintenance.NONE):
                        m.d.comb += self.fill.arvalid.eq(1)
                        m.d.sync += asked.eq(self.fill.arready)
                        m.next = "FILL"
                    with m.Elif(present):
                        m.next = "MAINTAIN"
                    with m.Else():
                        m.next = "MAINTAINED"
            with m.State("MAINTAIN"):
                with m.If(~evicting):
                    m.d.comb += [
                        self._tag_set.eq(line_set), self._tag_write.eq(chosen),
                        self._tag_new.eq(Cat(work == Maintenance.CLEAN, 0, self._victim_tag)),
                    ]
                    m.next = "MAINTAINED"
            with m.State("MAINTAINED"):
                # Only now, so that the next access is not looked up before the tag is written.
                m.d.comb += self.done.eq(1)
                m.next = "READY"
            with m.State("FILL"):
                m.d.comb += [self.fill.arvalid.eq(~asked), self.fill.rready.eq(~evicting)]
                with m.If(self.fill.arready):
                    m.d.sync += asked.eq(1)
                self._fill(m, chosen, fill_beat, line)
            with m.State("FAILED"):
                m.d.sync += refuse.eq((self.addr[6:] == line)
                                      & (self.maintenance == Maintenance.NONE))
                with m.If(self.request):
                    m.next = "REFUSE"
            with m.State("REFUSE"):
                m.d.comb += self.failed.eq(refuse)
                m.next = "READY"
        written = (self.request & self.write & ~self.lookup_write
                   & (self._read_row == row_index))
        with m.If(self.lookup & ~(self.stays & ~looked)):
            m.d.sync += looked.eq(fsm.ongoing("READY") & ~written & ~self._tag_write.any())
        # So `looked` says by itself that the access is made.
        with m.If(self._leaves):
            m.d.sync += looked.eq(0)
        m.d.comb += [
            self.ready.eq(looked),
            self.busy.eq(fsm.ongoing("PROBE") | fsm.ongoing("MAINTAIN") | fsm.ongoing("FILL")),
            self.fill.araddr.eq(line << 6), self.fill.arlen.eq(self.beats - 1),
            self.fill.arsize.eq((self.bus_width // 8).bit_length() - 1),
            self.fill.arburst.eq(Burst.INCR), self.fill.arcache.eq(0b1111),
        ]
        self._evict(m, line_set, evicting, evict_beat, evict_ready)

    def _row_new(self, set_index, row_index, m):
        """Offer what a store writes, unless the state machine has something else to write."""
        m.d.comb += [
            self._row_addr.eq(row_index), self._row_data.eq(self.data),
            self._row_strobe.eq(self.strobe), self._tag_set.eq(set_index),
            # If it hits, then in the way that was looked up.
            self._row_way.eq(self._select),
            self._tag_new.eq(Cat(1, 1, self.addr[6 + self.set_bits:])),
        ]

    def _choose(self, m, hits, chosen, tags, present, dirty, victim):
        """Note the way of a request that is no hit, and what it holds."""
        way_bits = (self.ways - 1).bit_length()
        choice = Signal(self.ways)
        if self.ways == 1:
            m.d.comb += choice.eq(Mux((self.maintenance == Maintenance.NONE) | self.by_set, 1,
                                      hits))
        else:
            with m.If(self.maintenance == Maintenance.NONE):
                first = tags[0][0] & (tags[0][2:2 + self.part_bits] == self._part(self.addr))
                m.d.comb += choice.eq(Mux(self._select.any() | first, 1 << self._select,
                                          1 << victim))
            with m.Elif(self.by_set):
                m.d.comb += choice.eq(1 << self.addr[32 - way_bits:32])
            with m.Else():
                m.d.comb += choice.eq(hits)
        held = tags[0] & choice[0].replicate(self.tag_bits + 2)
        for way in range(1, self.ways):
            held = held | (tags[way] & choice[way].replicate(self.tag_bits + 2))
        m.d.sync += [
            chosen.eq(choice), present.eq(held[0]), self._victim_tag.eq(held[2:]),
            dirty.eq(held[0] & held[1] & (self.maintenance != Maintenance.INVALIDATE)),
        ]

    def _ready(self, m, hits, tags, row_index, looked, replacement):
        """Serve the pipeline; what is more than a hit starts the state machine."""
        m.d.comb += [self._read.eq(self.lookup), self._read_part.eq(self._part(self.lookup_addr)),
                     self._read_row.eq(self.lookup_addr[6 - self.beat_bits:6 + self.set_bits])]
        with m.If(self.stays & ~looked):
            self._read_again(m, row_index)
            m.d.comb += self._read_part.eq(self._part(self.addr))
            m.d.sync += looked.eq(1)
        with m.If(self.request & looked):
            with m.If(self.maintenance != Maintenance.NONE):
                m.d.comb += self._leaves.eq(1)
                m.next = "PROBE"
            with m.Elif(~hits.any()):
                m.d.comb += [self.misses.eq(1), self._leaves.eq(1)]
                m.next = "PROBE"
            with m.Else():
                m.d.comb += replacement.used.eq(1)
                with m.If(self.write):
                    dirty = Cat(tags[way][1] for way in range(self.ways))
                    m.d.comb += [self._row_write.eq(1), self._tag_write.eq(hits & ~dirty)]

    def _read_again(self, m, row_index):
        m.d.comb += [self._read.eq(1), self._read_row.eq(row_index)]

    def _fill(self, m, chosen, fill_beat, line):
        """Write the beats of the new line; an error leaves the way empty."""
        failed = Signal()
        with m.If(self.fill.rvalid & self.fill.rready):
            bad = failed | self.fill.rresp.as_value()[1]
            m.d.comb += [
                self._row_addr.eq(Cat(fill_beat, line[:self.set_bits])), self._row_strobe.eq(-1),
                self._row_data.eq(self.fill.rdata), self._row_write.eq(1),
                self._row_way.eq(index_of(chosen)),
            ]
            m.d.sync += [fill_beat.eq(fill_beat + 1), failed.eq(bad)]
            with m.If(fill_beat == self.beats - 1):
                m.d.comb += [
                    self._tag_set.eq(line[:self.set_bits]), self._tag_write.eq(chosen),
                    self._tag_new.eq(Cat(~bad, 0, line[self.set_bits:])),
                ]
                m.d.sync += failed.eq(0)
                m.next = "READY"
                with m.If(bad):
                    m.next = "FAILED"

    def _evict(self, m, set_index, evicting, evict_beat, evict_ready):
        """Read the victim row by row, each into the store queue."""
        request = self.evicted.payload
        m.d.comb += [
            request.addr.eq(Cat(Const(0, 6 - self.beat_bits), evict_beat, set_index,
                                self._victim_tag)),
            request.size_log2.eq((self.bus_width // 8).bit_length() - 1),
            request.strobe.eq(-1),
            request.beats.eq(self.beats - 1), request.continued.eq(evict_beat != 0),
            request.last.eq(evict_beat == self.beats - 1),
        ]
        with m.If(evicting):
            with m.If(~evict_ready):
                self._read_again(m, Cat(evict_beat, set_index))
                m.d.sync += evict_ready.eq(1)
            with m.Else():
                m.d.comb += self.evicted.valid.eq(1)
                with m.If(self.evicted.ready):
                    m.d.sync += [evict_ready.eq(0), evict_beat.eq(evict_beat + 1)]
                    with m.If(evict_beat == self.beats - 1):
                        m.d.sync += evicting.eq(0)
