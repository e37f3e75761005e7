"""Instruction cache."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature, Burst
from rtl.core.replacement import Replacement

__all__ = ["InstructionCache"]

LINE_BYTES = 64


class InstructionCache(wiring.Component):
    """Instruction cache with 64-byte lines, filled by INCR bursts.

    A line that was missed is fetched, and the line behind it with it, if it is not there and lies
    in the same block of ``block_bytes``. Instructions are found as soon as their beat has come.

    An error answer goes into the tag of the line that was missed, and is reported until the next
    ``restart`` behind the end of the fill; from then on the line is fetched again when it is
    wanted. An error of the line behind only means that it is not there.

    Timing
    ------
    ``addr`` is looked up at every clock edge; ``hit``, ``word`` and ``error`` describe that
    address in the next cycle. While ``fill`` is set in such a cycle and the address missed, its
    line is fetched. A cycle in which the cache cannot look up, or cannot know yet, has neither
    ``hit`` nor ``error``.

    No memory is read where it is written at the same edge, which costs no collision logic.

    Parameters
    ----------
    addr_width, bus_width : :class:`int`
        Widths of the address and of the bus in bits.
    cache_bytes, ways : :class:`int`
        Size and associativity.
    words : :class:`int`
        Instructions that come out of one lookup, 1 or 2: those of the aligned group of ``addr``.
    block_bytes : :class:`int`
        Aligned blocks of memory inside which the next line may be fetched unasked; 64 for never.

    Members
    -------
    addr : :py:`In(addr_width)`
        Address to look up, a multiple of 4.
    fill : :py:`In(1)`
        The address of the previous cycle is wanted.
    restart : :py:`In(1)`
        Errors so far are dealt with; ``fill`` is not set.
    invalidate : :py:`In(1)`
        Forget everything; ``busy`` is set in the next cycle and until that is done.
    hit, word : :py:`Out`
        The address of the previous cycle is present, and its group of instructions.
    error : :py:`Out(1)`
        The bus answered the fill of this line with an error.
    busy : :py:`Out(1)`
        Invalidation at work.
    filling : :py:`Out(1)`
        A line is being fetched.
    m_axi : :py:`Out(AXI4Signature)`
        Reads only.
    """

    def __init__(self, *, addr_width: int, bus_width: int, cache_bytes: int, ways: int,
                 words: int = 1, block_bytes: int = 4096):
        self.addr_width = addr_width
        self.bus_width = bus_width
        self.sets = cache_bytes // LINE_BYTES // ways
        if self.sets < 2:
            raise ValueError(f"Cache of {cache_bytes} bytes must have at least 2 sets, not "
                             f"{self.sets!r}")
        if words not in (1, 2):
            raise ValueError(f"Instructions of a lookup must be 1 or 2, not {words!r}")
        self.ways = ways
        self.words = words
        self.block_lines = min(block_bytes // LINE_BYTES, self.sets)
        self.set_bits = (self.sets - 1).bit_length()
        self.beats = LINE_BYTES * 8 // bus_width
        self.beat_bits = (self.beats - 1).bit_length()
        self.tag_bits = addr_width - 6 - self.set_bits
        super().__init__({
            "addr":       In(addr_width),
            "fill":       In(1),
            "restart":    In(1),
            "invalidate": In(1),
            "hit":        Out(1),
            "word":       Out(32 * words),
            "error":      Out(1),
            "busy":       Out(1),
            "filling":    Out(1),
            "m_axi":      Out(AXI4Signature(addr_width=addr_width, data_width=bus_width,
                                            id_width=1, write=False)),
        })

    def elaborate(self, platform):
        m = Module()

        self._looked, self._blocked = Signal(), Signal(init=1)
        self._tag = Signal(self.tag_bits)
        self._line = Signal(self.addr_width - 6)
        self._beat = Signal(self.beat_bits)
        self._sweep = Signal(self.set_bits)
        self._sweeping, self._filling = Signal(), Signal()
        self._victim = Signal(range(max(2, self.ways)))
        self._write_row, self._write_tag = Signal(), Signal()
        self._valid, self._bad = Signal(), Signal()
        self._read_set = Signal(self.set_bits)
        asked, fresh = Signal(), Signal()

        matches, errors = self._memories(m)
        found, poisoned = Signal(self.ways), Signal(self.ways)
        m.d.comb += [
            found.eq(matches & ~errors), poisoned.eq(matches & errors),
            self.hit.eq(self._looked & found.any()),
            self.error.eq(self._looked & ~found.any() & poisoned.any() & fresh),
            self.busy.eq(self._sweeping | asked),
            self.filling.eq(self._filling),
        ]
        m.submodules.replacement = replacement = Replacement(sets=self.sets, ways=self.ways)
        looked_set = Signal(self.set_bits)
        m.d.sync += looked_set.eq(self._read_set)
        m.d.comb += [
            replacement.look.eq(1), replacement.set.eq(self._read_set),
            replacement.used_set.eq(looked_set), replacement.used.eq(self.hit),
            replacement.used_ways.eq(found),
        ]
        self._control(m, matches, errors, replacement.victim, asked, fresh)
        return m

    def _memories(self, m):
        """Return which ways hold the address, and which of them with an error."""
        group_bits = (self.bus_width // 32 // self.words - 1).bit_length()
        line_set = self._line[:self.set_bits]
        read_row = self.addr[6 - self.beat_bits - group_bits:6 + self.set_bits]
        matches, errors = [], []
        word = Const(0, 32 * self.words)
        for way in range(self.ways):
            chosen = (self._victim == way) if self.ways > 1 else Const(1)
            # A row is one write: Yosys makes one wide port of its parts.
            m.submodules[f"data_{way}"] = store = Memory(
                shape=32 * self.words, depth=self.sets * self.beats << group_bits, init=[],
                attrs={"no_rw_check": 1})
            data_read = store.read_port()
            m.d.comb += data_read.addr.eq(read_row)
            for group in range(1 << group_bits):
                data_write = store.write_port()
                m.d.comb += [
                    data_write.addr.eq(Cat(Const(group, group_bits), self._beat, line_set)),
                    data_write.data.eq(self.m_axi.rdata.word_select(group, 32 * self.words)),
                    data_write.en.eq(self._write_row & chosen),
                ]
            m.submodules[f"tags_{way}"] = tags = Memory(
                shape=self.tag_bits + 2, depth=self.sets, init=[], attrs={"no_rw_check": 1})
            tag_read, tag_write = tags.read_port(), tags.write_port()
            m.d.comb += [
                tag_read.addr.eq(self._read_set),
                tag_write.addr.eq(Mux(self._sweeping, self._sweep, line_set)),
                tag_write.data.eq(Cat(self._valid, self._bad, self._line[self.set_bits:])),
                tag_write.en.eq(self._sweeping | (self._write_tag & chosen)),
            ]
            match = Signal(name=f"match_{way}")
            m.d.comb += match.eq(tag_read.data[0] & (tag_read.data[2:] == self._tag))
            matches.append(match)
            errors.append(tag_read.data[1])
            # The last way needs no test: what comes out on a miss is not used.
            word = data_read.data if way == 0 else Mux(match, data_read.data, word)
        m.d.comb += self.word.eq(word)
        return Cat(matches), Cat(errors)

    def _control(self, m, matches, errors, victim, asked, fresh):
        """Clear the tags, and fetch lines."""
        bus, block_bits, behind = self.m_axi, (self.block_lines - 1).bit_length(), Signal()
        addr_set, line_set = self.addr[6:6 + self.set_bits], self._line[:self.set_bits]
        next_set = (line_set + 1)[:self.set_bits]
        wanted_line = Signal(self.addr_width - 6)
        next_victim = Signal.like(self._victim)
        reading, asking, follows, following = Signal(), Signal(), Signal(), Signal()
        wanted, looks_behind = Signal(), Signal()

        # A lookup of the set that is being filled only counts for beats that have come: in front
        # of the first one the way still has its old tag. The address is compared after the edge,
        # while the memories are read: it comes late in front of it.
        addr_row, filled_row = Signal(self.set_bits + self.beat_bits), Signal(self.set_bits)
        came, was_reading = Signal(self.beat_bits), Signal()
        m.d.sync += [
            addr_row.eq(self.addr[6 - self.beat_bits:6 + self.set_bits]),
            filled_row.eq(line_set), came.eq(self._beat), was_reading.eq(reading),
            self._blocked.eq(self._write_tag | self._sweeping | asked),
        ]
        pending = ((addr_row[self.beat_bits:] == filled_row)
                   & (addr_row[:self.beat_bits] >= came))
        m.d.comb += [
            self._looked.eq(~(self._blocked | (was_reading & pending))),
            self._read_set.eq(addr_set), self._tag.eq(wanted_line[self.set_bits:]),
            bus.araddr.eq(Cat(Const(0, 6), Mux(asking & ~behind, next_set, line_set),
                              self._line[self.set_bits:])),
            bus.arlen.eq(self.beats - 1), bus.arsize.eq((self.bus_width // 8).bit_length() - 1),
            bus.arburst.eq(Burst.INCR), bus.arcache.eq(0b1111), bus.arprot.eq(0b100),
        ]
        with m.If(self.restart):
            m.d.sync += fresh.eq(0)
        with m.If(self.invalidate):
            m.d.sync += asked.eq(1)
        m.d.sync += wanted_line.eq(Mux(looks_behind, wanted_line, self.addr[6:]))
        with m.FSM(name="fill", init="SWEEP") as fsm:
            with m.State("SWEEP"):
                m.d.comb += self._sweeping.eq(1)
                m.d.sync += self._sweep.eq(self._sweep + 1)
                with m.If(self._sweep == self.sets - 1):
                    m.next = "LOOKUP"
            with m.State("LOOKUP"):
                m.d.sync += behind.eq(0)
                with m.If(~wanted):
                    # Whether the line is not there is known too late for anything but a register.
                    m.d.sync += [self._line.eq(wanted_line), self._victim.eq(victim),
                                 wanted.eq(self.fill & self._looked
                                           & ~(matches & (~errors | fresh.replicate(self.ways)))
                                           .any())]
                with m.If(asked):
                    m.d.sync += [asked.eq(self.invalidate), wanted.eq(0)]
                    m.next = "SWEEP"
                with m.Elif(wanted):
                    m.d.sync += [self._blocked.eq(1), wanted.eq(0), wanted_line.eq(self._line)]
                    m.next = "ADDRESS"
            with m.State("ADDRESS"):
                # Meanwhile the line behind is looked up: it has the same tag.
                m.d.comb += [bus.arvalid.eq(1), self._read_set.eq(next_set)]
                m.d.sync += self._blocked.eq(1)
                with m.If(bus.arready):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                if block_bits:
                    m.d.comb += follows.eq(~matches.any() & ~line_set[:block_bits].all())
                m.d.sync += [asking.eq(follows), following.eq(follows), next_victim.eq(victim),
                             self._blocked.eq(1)]
                m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [reading.eq(1), bus.arvalid.eq(asking), bus.rready.eq(1)]
                with m.If(bus.arready):
                    m.d.sync += asking.eq(0)
                with m.If(bus.rvalid):
                    last = self._take(m, behind, fresh)
                    with m.If(last & following & ~behind):
                        m.d.sync += [behind.eq(1), line_set.eq(next_set),
                                     self._victim.eq(next_victim)]
                    with m.Elif(last):
                        m.next = "LOOKUP"
        m.d.comb += self._filling.eq(wanted | looks_behind | fsm.ongoing("DECIDE") | reading)
        m.d.comb += looks_behind.eq(fsm.ongoing("ADDRESS"))

    def _take(self, m, behind, fresh):
        """Write a beat, and with the first one the tag; return whether it is the last one."""
        failed, bad = Signal(), Signal()
        last = self._beat == self.beats - 1
        m.d.comb += [
            bad.eq(failed | self.m_axi.rresp.as_value()[1]), self._write_row.eq(1),
            self._write_tag.eq((self._beat == 0) | (last & bad)),
            self._valid.eq(~(bad & behind)), self._bad.eq(bad),
        ]
        m.d.sync += [self._beat.eq(self._beat + 1), failed.eq(bad & ~last)]
        with m.If(bad & ~behind):
            m.d.sync += fresh.eq(1)
        return last
