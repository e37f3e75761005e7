"""Instruction cache."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature, Burst

__all__ = ["InstructionCache"]

LINE_BYTES = 64


class InstructionCache(wiring.Component):
    """Instruction cache with 64-byte lines, filled by INCR bursts.

    Timing
    ------
    ``addr`` is looked up at every clock edge; ``hit``, ``word`` and ``error`` describe that
    address in the next cycle. While ``fill`` is set in such a cycle and the address missed, its
    line is fetched; lookups are blind (``hit`` stays 0) until the line has come. All memories
    have one address for reading and writing, which costs no collision logic.

    Parameters
    ----------
    addr_width, bus_width : :class:`int`
        Widths of the address and of the bus in bits.
    cache_bytes, ways : :class:`int`
        Size and associativity; ways are replaced in turn.

    Members
    -------
    addr : :py:`In(addr_width)`
        Address to look up, a multiple of 4.
    fill : :py:`In(1)`
        The address of the previous cycle is wanted.
    invalidate : :py:`In(1)`
        Forget everything; ``busy`` is set in the next cycle and until that is done.
    hit, word : :py:`Out`
        The address of the previous cycle is present, and its instruction.
    error : :py:`Out(1)`
        The bus answered the fill of this line with an error.
    busy : :py:`Out(1)`
        Invalidation at work.
    missing : :py:`Out(1)`
        A line is being fetched.
    m_axi : :py:`Out(AXI4Signature)`
        Reads only.
    """

    def __init__(self, *, addr_width: int, bus_width: int, cache_bytes: int, ways: int):
        self.addr_width = addr_width
        self.bus_width = bus_width
        self.sets = cache_bytes // LINE_BYTES // ways
        if self.sets < 2:
            raise ValueError(f"Cache of {cache_bytes} bytes must have at least 2 sets, not "
                             f"{self.sets!r}")
        self.ways = ways
        super().__init__({
            "addr":       In(addr_width),
            "fill":       In(1),
            "invalidate": In(1),
            "hit":        Out(1),
            "word":       Out(32),
            "error":      Out(1),
            "busy":       Out(1),
            "missing":    Out(1),
            "m_axi":      Out(AXI4Signature(addr_width=addr_width, data_width=bus_width,
                                            id_width=1, write=False)),
        })

    def elaborate(self, platform):
        m = Module()

        set_bits = (self.sets - 1).bit_length()
        beats = LINE_BYTES * 8 // self.bus_width
        beat_bits = (beats - 1).bit_length()
        tag_bits = self.addr_width - 6 - set_bits
        looked = Signal()
        looked_addr = Signal(self.addr_width)
        line = Signal(self.addr_width - 6)
        beat = Signal(beat_bits)
        sweep = Signal(set_bits)
        victim = Signal(range(max(2, self.ways)))
        filling, sweeping, sweep_asked = Signal(), Signal(), Signal()
        write_row, write_tag, valid_line = Signal(), Signal(), Signal()
        error_line = Signal(self.addr_width - 6)
        error_valid = Signal()

        looked_line = looked_addr[6:]
        set_index = Mux(sweeping, sweep, Mux(filling, line[:set_bits],
                                             self.addr[6:6 + set_bits]))
        row = Mux(filling, Cat(beat, line[:set_bits]),
                  self.addr[6 - beat_bits:6 + set_bits])
        hits = []
        rows = []
        for way in range(self.ways):
            m.submodules[f"data_{way}"] = store = Memory(
                shape=self.bus_width, depth=self.sets * beats, init=[])
            m.submodules[f"tags_{way}"] = tags = Memory(
                shape=tag_bits + 1, depth=self.sets, init=[])
            chosen = (victim == way) if self.ways > 1 else 1
            data_write, data_read = store.write_port(), store.read_port()
            tag_write, tag_read = tags.write_port(), tags.read_port()
            m.d.comb += [
                data_write.addr.eq(row), data_read.addr.eq(row),
                data_write.data.eq(self.m_axi.rdata), data_write.en.eq(write_row & chosen),
                data_read.en.eq(~write_row),
                tag_write.addr.eq(set_index), tag_read.addr.eq(set_index),
                tag_write.data.eq(Mux(sweeping, 0, Cat(valid_line, line[set_bits:]))),
                tag_write.en.eq(sweeping | (write_tag & chosen)),
                tag_read.en.eq(~tag_write.en),
            ]
            hit = Signal(name=f"hit_{way}")
            m.d.comb += hit.eq(tag_read.data == Cat(1, looked_line[set_bits:]))
            hits.append(hit)
            rows.append(data_read.data & hit.replicate(self.bus_width) if self.ways > 1
                        else data_read.data)
        whole = rows[0]
        for other in rows[1:]:
            whole = whole | other
        m.d.comb += [
            self.hit.eq(looked & Cat(*hits).any()),
            self.word.eq(whole.word_select(looked_addr[2:6 - beat_bits], 32)),
            self.error.eq(looked & error_valid & (error_line == looked_line)),
            self.busy.eq(sweeping | sweep_asked),
            self.missing.eq(filling),
            self.m_axi.araddr.eq(line << 6),
            self.m_axi.arlen.eq(beats - 1),
            self.m_axi.arsize.eq((self.bus_width // 8).bit_length() - 1),
            self.m_axi.arburst.eq(Burst.INCR),
            self.m_axi.arcache.eq(0b1111),
            self.m_axi.arprot.eq(0b100),
        ]

        self._control(m, looked, looked_addr, line, beat, sweep, victim, filling, sweeping,
                      sweep_asked, write_row, write_tag, valid_line, error_line, error_valid)
        return m

    def _control(self, m, looked, looked_addr, line, beat, sweep, victim, filling, sweeping,
                 sweep_asked, write_row, write_tag, valid_line, error_line, error_valid):
        """Clear the tags, and fetch lines."""
        looked_line = looked_addr[6:]
        failed = Signal()
        m.d.sync += [looked.eq(~filling & ~sweeping & ~sweep_asked),
                     looked_addr.eq(self.addr)]
        with m.If(self.invalidate):
            m.d.sync += sweep_asked.eq(1)
        with m.FSM(name="fill", init="SWEEP"):
            with m.State("SWEEP"):
                m.d.comb += sweeping.eq(1)
                m.d.sync += [sweep.eq(sweep + 1), error_valid.eq(0), looked.eq(0)]
                with m.If(sweep == self.sets - 1):
                    m.d.sync += sweep.eq(0)
                    m.next = "LOOKUP"
            with m.State("LOOKUP"):
                with m.If(sweep_asked):
                    m.d.sync += sweep_asked.eq(0)
                    m.next = "SWEEP"
                with m.Elif(self.fill & looked & ~self.hit & ~self.error):
                    m.d.sync += [line.eq(looked_line), beat.eq(0), failed.eq(0), looked.eq(0)]
                    m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.comb += [filling.eq(1), self.m_axi.arvalid.eq(1)]
                with m.If(self.m_axi.arready):
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [filling.eq(1), self.m_axi.rready.eq(1),
                             write_row.eq(self.m_axi.rvalid)]
                with m.If(self.m_axi.rvalid):
                    bad = self.m_axi.rresp.as_value()[1]
                    m.d.sync += [beat.eq(beat + 1), failed.eq(failed | bad)]
                    with m.If(self.m_axi.rlast):
                        # A failed fill has overwritten the old line, too: its tag must go.
                        m.d.comb += [write_tag.eq(1), valid_line.eq(~(failed | bad))]
                        with m.If(failed | bad):
                            m.d.sync += [error_valid.eq(1), error_line.eq(line)]
                        if self.ways > 1:
                            m.d.sync += victim.eq(victim + 1)
                        m.next = "LOOKUP"
