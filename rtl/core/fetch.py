"""Front end: program counter, instruction cache lookup, fetch queue."""

from amaranth import Module, Mux, ResetSignal, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus.axi import AXI4Signature
from rtl.config import CoreConfig
from rtl.core.icache import InstructionCache
from rtl.core.predictor import (
    PC_BITS,
    RETURN_BITS,
    Prediction,
    Predictor,
    PredictorUpdateLayout,
    predicted_target,
)
from rtl.core.regions import in_regions

__all__ = ["Fetch", "FetchFault", "Fetched"]

PAGE_BYTES = 4096
"""What lies behind the end of such a block is not fetched before it is wanted."""


class FetchFault(enum.Enum, shape=2):
    """Why an instruction could not be fetched."""

    NONE = 0
    ALIGNMENT = 1
    ADDRESS = 2
    EXTERNAL = 3


class Fetched(data.Struct):
    """An instruction on its way to decode."""

    pc: PC_BITS
    insn: 32
    fault: FetchFault
    prediction: Prediction


class Fetch(wiring.Component):
    """Delivers instructions in predicted order.

    Nothing is fetched from outside the regions, on a wrong path neither. After a fault nothing
    follows until the next redirection.

    Timing
    ------
    ``redirect`` reaches the cache in its own cycle; the first instruction of the new path stands
    at ``o`` two cycles later on a hit. A predicted-taken branch costs no cycle.

    Members
    -------
    reset_pc : :py:`In(addr_width)`
        First address, sampled while reset.
    redirect : :py:`In(1)`, target : :py:`In(64)`
        Drop everything fetched and go on at ``target``.
    beyond : :py:`Out(64 - PC_BITS)`
        What does not fit into the address of the instruction that faults for it, else 0.
    invalidate : :py:`In(1)`
        Forget the contents of the cache.
    update : :py:`In(PredictorUpdateLayout())`
        What became of a branch.
    repair : :py:`In(1)`, depth : :py:`In(RETURN_BITS)`
        ``redirect`` comes from the branch of ``update``; else from an instruction that had the
        return stack at ``depth``.
    o : :py:`Out(stream.Signature(Fetched))`
        Instructions. The payload may change while ``redirect`` is set.
    pushed : :py:`Out(1)`, fetched : :py:`Out(Fetched)`
        An instruction enters the queue in front of ``o``; for the pipeline port.
    busy : :py:`Out(1)`
        Invalidation at work.
    missing : :py:`Out(1)`
        The cache is fetching a line.
    m_axi : :py:`Out(AXI4Signature)`
        Line fills.
    """

    def __init__(self, config: CoreConfig, *, regions):
        self.config = config
        self.regions = tuple(regions)
        super().__init__({
            "reset_pc":   In(config.addr_width),
            "redirect":   In(1),
            "target":     In(64),
            "beyond":     Out(64 - PC_BITS),
            "invalidate": In(1),
            "update":     In(PredictorUpdateLayout()),
            "repair":     In(1),
            "depth":      In(RETURN_BITS),
            "o":          Out(stream.Signature(Fetched)),
            "pushed":     Out(1),
            "fetched":    Out(Fetched),
            "busy":       Out(1),
            "missing":    Out(1),
            "m_axi":      Out(AXI4Signature(addr_width=config.addr_width,
                                            data_width=config.bus_width, id_width=1,
                                            write=False)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config

        m.submodules.cache = cache = InstructionCache(
            addr_width=config.addr_width, bus_width=config.bus_width,
            cache_bytes=config.icache_bytes, ways=config.icache_ways,
            block_bytes=min(PAGE_BYTES, *(region.size for region in self.regions)))
        m.submodules.predictor = predictor = Predictor(
            entries=config.btb_entries, history_bits=config.history_bits)
        wiring.connect(m, wiring.flipped(self.m_axi), cache.m_axi)

        pc = Signal(PC_BITS, reset_less=True)
        next_pc = Signal(PC_BITS)
        halted = Signal()
        push, space = Signal(), Signal()
        fetched = Signal(Fetched)

        executable = in_regions(m, pc, self.regions, "executable")
        too_high = pc[config.addr_width:].any() | self.beyond.any()
        with m.If(pc[:2].any()):
            m.d.comb += fetched.fault.eq(FetchFault.ALIGNMENT)
        with m.Elif(too_high):
            m.d.comb += fetched.fault.eq(FetchFault.ADDRESS)
        with m.Elif(~executable | cache.error):
            m.d.comb += fetched.fault.eq(FetchFault.EXTERNAL)
        faulty = fetched.fault != FetchFault.NONE
        m.d.comb += [
            fetched.pc.eq(pc), fetched.insn.eq(Mux(faulty, 0, cache.word)),
            fetched.prediction.eq(predictor.o),
            fetched.prediction.taken.eq(predictor.o.taken & ~faulty),
            push.eq((cache.hit | faulty) & ~halted & ~cache.busy),
            cache.fill.eq(~faulty & ~halted & ~self.redirect), cache.restart.eq(self.redirect),
        ]

        with m.If(ResetSignal()):
            m.d.comb += next_pc.eq(self.reset_pc)
        with m.Elif(self.redirect):
            m.d.comb += next_pc.eq(self.target)
        with m.Elif(push & space):
            m.d.comb += next_pc.eq(Mux(predictor.o.taken, predicted_target(predictor.o, pc),
                                       pc + 4))
        with m.Else():
            m.d.comb += next_pc.eq(pc)
        m.d.sync += pc.eq(next_pc)
        m.d.comb += [cache.addr.eq(next_pc), predictor.addr.eq(next_pc), predictor.pc.eq(pc),
                     predictor.advance.eq(push & space)]
        with m.If(self.redirect):
            m.d.sync += [halted.eq(0), self.beyond.eq(self.target[PC_BITS:])]
        with m.Elif(push & space & faulty):
            m.d.sync += halted.eq(1)

        self._queue(m, fetched, push, space)
        m.d.comb += [
            cache.invalidate.eq(self.invalidate), predictor.update.eq(self.update),
            predictor.repair.eq(self.redirect & self.repair),
            predictor.rewind.eq(self.redirect & ~self.repair), predictor.depth.eq(self.depth),
            self.busy.eq(cache.busy), self.missing.eq(cache.missing),
            self.pushed.eq(push & space & ~self.redirect), self.fetched.eq(fetched),
        ]
        return m

    def _queue(self, m, fetched, push, space):
        """Two places in turn, so that neither ``space`` nor the places depend on decode."""
        places = [Signal(Fetched, name=f"place_{index}") for index in range(2)]
        used = Signal(2)
        write, read = Signal(), Signal()
        m.d.comb += [space.eq(~used.all()), self.o.valid.eq(used.any()),
                     self.o.payload.eq(Mux(read, places[1], places[0]))]
        pushes, pops = push & space, self.o.valid & self.o.ready
        m.d.sync += [write.eq(write ^ pushes), read.eq(read ^ pops)]
        for index, place in enumerate(places):
            with m.If(~used[index] & (write == index)):
                m.d.sync += [place.eq(fetched), used[index].eq(push)]
            with m.If(pops & (read == index)):
                m.d.sync += used[index].eq(0)
        with m.If(self.redirect):
            m.d.sync += [used.eq(0), write.eq(0), read.eq(0)]
