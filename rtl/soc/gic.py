"""Interrupt controller: a GICv3 subset for one core, group 1 only."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl.bus import AXI4LiteSignature
from rtl.core.gic_port import GicPortSignature

from . import gic_map
from .gic_cpu import INTID_BITS, CandidateLayout, CpuInterface
from .memory_map import INTERRUPTS, region

__all__ = ["ADDR_WIDTH", "Gic", "PPIS", "REDISTRIBUTOR"]

PPIS = (INTERRUPTS["vtimer"], INTERRUPTS["ptimer"], INTERRUPTS["pmu"])
"""INTIDs of the core's own lines: virtual timer, physical timer, performance monitors."""

ADDR_WIDTH = 20
REDISTRIBUTOR = region("GICR").base - region("GICD").base
SGI_PAGE = REDISTRIBUTOR + gic_map.SGI_PAGE
INTIDS = 64
TYPER = 1 << 25 | 9 << 19 | 1 << 16 | 1
"""No "1 of N", INTIDs of 10 bits, message-based SPIs, 64 INTIDs."""


class _Interrupt:
    """State of one interrupt."""

    def __init__(self, intid: int):
        self.intid = intid
        self.enabled, self.latched, self.active, self.edge, self.pending = (
            Signal(name=f"{what}_{intid}")
            for what in ("enabled", "latched", "active", "edge", "pending"))
        self.priority = Signal(4, name=f"priority_{intid}")


class Gic(wiring.Component):
    """Distributor, redistributor and CPU interface.

    Timing
    ------
    A write to a register takes effect at the edge at which B rises. ``port.irq`` follows a line,
    a register of the distributor and an acknowledgement within 4 cycles, a register of the CPU
    interface in the next cycle.

    Parameters
    ----------
    spis : :class:`int`
        Shared peripheral interrupts, INTIDs 32 and up; at most 32.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width=ADDR_WIDTH))`
        The distributor at 0, the redistributor at :data:`REDISTRIBUTOR`. What is reserved there
        reads as zero and ignores writes.
    lines : :py:`In(spis)`
        Interrupt lines, the first one INTID 32.
    port : :py:`In(GicPortSignature())`
        The core.
    """

    s_axil: wiring.PureInterface
    port: wiring.PureInterface
    lines: Signal

    def __init__(self, *, spis: int):
        if not 1 <= spis <= INTIDS - 32:
            raise ValueError(f"SPIs must be 1 to {INTIDS - 32}, not {spis!r}")
        self.spis = spis
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=ADDR_WIDTH)),
            "lines":  In(spis),
            "port":   In(GicPortSignature()),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.cpu = cpu = CpuInterface()
        wiring.connect(m, wiring.flipped(self.port), cpu.port)
        self._interrupts = {intid: _Interrupt(intid) for intid in
                            (*range(16), *sorted(PPIS), *range(32, 32 + self.spis))}
        distributor, asleep = Signal(), Signal(init=1)

        self._state(m, cpu)
        self._choose(m, cpu, distributor & ~asleep)
        self._connect_bus(m, distributor, asleep)
        with m.Switch(cpu.intid):
            with m.Case(*self._interrupts):
                m.d.comb += cpu.known.eq(~self.port.write_value[INTID_BITS:24].any())
        return m

    def _line(self, intid):
        if intid < 16:
            return Const(0, 1)
        return self.port.ppi[PPIS.index(intid)] if intid < 32 else self.lines[intid - 32]

    def _state(self, m, cpu):
        """Follow lines, acknowledgements, ends and software-generated interrupts."""
        for intid, one in self._interrupts.items():
            line = self._line(intid)
            m.d.comb += one.pending.eq(one.latched | (line & ~one.edge))
            with m.If(cpu.activate & (cpu.intid == intid)):
                m.d.sync += [one.active.eq(1), one.latched.eq(0)]
            with m.If(cpu.deactivate & (cpu.intid == intid)):
                m.d.sync += one.active.eq(0)
            if intid < 16:
                m.d.comb += one.edge.eq(1)
                with m.If(cpu.send & (cpu.send_intid == intid)):
                    m.d.sync += one.latched.eq(1)
            elif intid >= 32:
                before = Signal(name=f"line_{intid}")
                m.d.sync += before.eq(line)
                with m.If(line & ~before & one.edge):
                    m.d.sync += one.latched.eq(1)

    def _choose(self, m, cpu, forwards):
        """Find the highest priority in two steps, a register behind each."""
        candidates = []
        for intid, one in self._interrupts.items():
            candidate = Signal(CandidateLayout(), name=f"candidate_{intid}")
            m.d.comb += [
                candidate.valid.eq(one.pending & one.enabled & ~one.active & forwards),
                candidate.priority.eq(one.priority), candidate.intid.eq(intid),
            ]
            candidates.append(candidate)
        groups = [self._best(m, candidates[start:start + 8], f"group_{start}")
                  for start in range(0, len(candidates), 8)]
        m.d.comb += cpu.best.eq(self._best(m, groups, "all"))

    def _best(self, m, candidates, name):
        """Return a register of the best of some; the first of several that are equal."""
        level = 0
        while len(candidates) > 1:
            winners = []
            for place in range(0, len(candidates) - 1, 2):
                first, second = candidates[place:place + 2]
                winner = Signal(CandidateLayout(), name=f"{name}_{level}_{place}")
                m.d.comb += winner.eq(Mux(
                    first.valid & (~second.valid | (first.priority <= second.priority)),
                    first, second))
                winners.append(winner)
            candidates = winners + candidates[len(winners) * 2:]
            level += 1
        best = Signal(CandidateLayout(), name=f"{name}_best")
        m.d.sync += best.eq(candidates[0])
        return best

    def _connect_bus(self, m, distributor, asleep):
        axil = self.s_axil
        write, read = Signal(), Signal()
        m.d.comb += [
            write.eq(axil.awvalid & axil.wvalid & (~axil.bvalid | axil.bready)),
            axil.awready.eq(write), axil.wready.eq(write),
            axil.arready.eq(~axil.rvalid | axil.rready),
            read.eq(axil.arvalid & axil.arready),
        ]
        with m.If(axil.bready):
            m.d.sync += axil.bvalid.eq(0)
        with m.If(write):
            m.d.sync += axil.bvalid.eq(1)
        with m.If(axil.rready):
            m.d.sync += axil.rvalid.eq(0)
        value = self._read(m, axil.araddr, distributor, asleep)
        with m.If(read):
            m.d.sync += [axil.rvalid.eq(1), axil.rdata.eq(value)]

        def at(offset):
            return write & (axil.awaddr[2:] == offset >> 2)

        with m.If(at(gic_map.DISTRIBUTOR["CTLR"]) & axil.wstrb[0]):
            m.d.sync += distributor.eq(axil.wdata[1])
        with m.If(at(REDISTRIBUTOR + gic_map.REDISTRIBUTOR["WAKER"]) & axil.wstrb[0]):
            m.d.sync += asleep.eq(axil.wdata[1])
        private, offset = self._page(axil.awaddr)
        shared = axil.awaddr[12:] == 0
        for intid, one in self._interrupts.items():
            self._write_one(m, one, write & (private if intid < 32 else shared), offset)

    def _page(self, addr):
        """Return whether the address is in the page of the private interrupts; and its offset."""
        return addr[12:] == SGI_PAGE >> 12, addr[2:12]

    def _write_one(self, m, one, mine, offset):
        """Let a write to a register that has a place for the interrupt change it."""
        axil, intid, places = self.s_axil, one.intid, gic_map.DISTRIBUTOR
        bit = axil.wdata[intid % 32] & axil.wstrb[intid % 32 // 8]
        for kind, state in (("ENABLER", one.enabled), ("PENDR", one.latched),
                            ("ACTIVER", one.active)):
            for letter, value in (("S", 1), ("C", 0)):
                number = places[f"I{letter}{kind}"] // 4 + intid // 32
                with m.If(mine & (offset == number) & bit):
                    m.d.sync += state.eq(value)
        with m.If(mine & (offset == (places["IPRIORITYR"] + intid) >> 2) & axil.wstrb[intid % 4]):
            m.d.sync += one.priority.eq(axil.wdata.word_select(intid % 4, 8)[4:])
        if intid >= 32:
            with m.If(mine & (offset == places["ICFGR"] // 4 + intid // 16)
                      & axil.wstrb[intid % 16 // 4]):
                m.d.sync += one.edge.eq(axil.wdata[2 * (intid % 16) + 1])
            for name, value in (("SETSPI_NSR", 1), ("CLRSPI_NSR", 0)):
                with m.If(mine & (offset == places[name] >> 2) & axil.wstrb[:2].all()
                          & (axil.wdata[:10] == intid)):
                    m.d.sync += one.latched.eq(value)

    def _read(self, m, addr, distributor, asleep):
        """Return the register at the address."""
        value, private, shared = (Signal(32, name=f"read_{name}")
                                  for name in ("value", "private", "shared"))
        is_private, offset = self._page(addr)
        for word, shown in ((0, private), (1, shared)):
            with m.Switch(offset):
                for number, bits in self._registers(word).items():
                    with m.Case(number):
                        m.d.comb += shown.eq(bits)
        with m.If(is_private):
            m.d.comb += value.eq(private)
        with m.Elif(addr[12:] == 0):
            m.d.comb += value.eq(shared)
        with m.Switch(addr[2:]):
            shared, own = gic_map.DISTRIBUTOR, gic_map.REDISTRIBUTOR
            for place, shown in {
                # DS and ARE are one: no security states, affinity routing.
                shared["CTLR"]: Cat(Const(0, 1), distributor, Const(0b10100, 5)),
                shared["TYPER"]: TYPER, shared["PIDR2"]: 0x3B,
                REDISTRIBUTOR + own["TYPER"]: 1 << 4,       # the last one
                REDISTRIBUTOR + own["WAKER"]: Cat(Const(0, 1), asleep, asleep),
                REDISTRIBUTOR + own["PIDR2"]: 0x3B,
            }.items():
                with m.Case(place >> 2):
                    m.d.comb += value.eq(shown)
        return value

    def _registers(self, word):
        """Return the registers of 32 interrupts, by their offsets in words."""
        first, places = 32 * word, gic_map.DISTRIBUTOR

        def fields(start, count, field, missing):
            return Cat(field(self._interrupts[intid]) if intid in self._interrupts
                       else Const(0, missing) for intid in range(start, start + count))

        registers = {places["IGROUPR"] // 4 + word: fields(first, 32, lambda one: Const(1, 1), 1)}
        for kind, member in (("ENABLER", "enabled"), ("PENDR", "pending"), ("ACTIVER", "active")):
            for letter in "SC":
                registers[places[f"I{letter}{kind}"] // 4 + word] = fields(
                    first, 32, lambda one, member=member: getattr(one, member), 1)
        for start in range(first, first + 32, 4):
            registers[(places["IPRIORITYR"] + start) // 4] = fields(
                start, 4, lambda one: Cat(Const(0, 4), one.priority), 8)
        for start in range(first, first + 32, 16):
            registers[(places["ICFGR"] + start // 4) // 4] = fields(
                start, 16, lambda one: Cat(Const(0, 1), one.edge), 2)
        return registers
