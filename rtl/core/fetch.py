"""Front end: program counter, instruction cache lookup, fetch queue."""

from amaranth import Cat, Const, Module, Mux, ResetSignal, Signal
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

__all__ = ["Fetch", "FetchFault", "Fetched", "FetchedLayout"]

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


class FetchedLayout(data.StructLayout):
    """Instructions of one cycle, in order.

    Members
    -------
    lanes : ``width`` x :class:`Fetched`
        The first one is always there.
    more : ``width`` - 1
        So are these behind it.
    """

    def __init__(self, width: int):
        super().__init__({"lanes": data.ArrayLayout(Fetched, width), "more": width - 1})


class Fetch(wiring.Component):
    """Delivers instructions in predicted order.

    In a cycle come at most ``width`` instructions, all from one aligned group of so many; one that
    is predicted taken, and one that cannot be fetched, is the last of its cycle.

    Nothing is fetched from outside the regions, on a wrong path neither. After a fault nothing
    follows until the next redirection.

    Timing
    ------
    ``redirect`` reaches the cache in its own cycle; the first instruction of the new path stands
    at ``o`` two cycles later on a hit. A predicted-taken branch costs no cycle.

    Parameters
    ----------
    config : :class:`CoreConfig`
        Sizes.
    regions : iterable of :class:`CoreRegion`
        Normal memory: executable.
    width : :class:`int`
        Instructions in a cycle, 1 or 2.

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
    o : :py:`Out(stream.Signature(FetchedLayout(width)))`
        Instructions. The payload may change while ``redirect`` is set.
    pushed : :py:`Out(1)`, fetched : :py:`Out(FetchedLayout(width))`
        They enter the queue in front of ``o``; for the pipeline port.
    busy : :py:`Out(1)`
        Invalidation at work.
    missing : :py:`Out(1)`
        The cache is fetching a line.
    m_axi : :py:`Out(AXI4Signature)`
        Line fills.
    """

    def __init__(self, config: CoreConfig, *, regions, width: int = 1):
        self.config = config
        self.regions = tuple(regions)
        self.width = width
        self.lane_bits = (width - 1).bit_length()
        super().__init__({
            "reset_pc":   In(config.addr_width),
            "redirect":   In(1),
            "target":     In(64),
            "beyond":     Out(64 - PC_BITS),
            "invalidate": In(1),
            "update":     In(PredictorUpdateLayout()),
            "repair":     In(1),
            "depth":      In(RETURN_BITS),
            "o":          Out(stream.Signature(FetchedLayout(width))),
            "pushed":     Out(1),
            "fetched":    Out(FetchedLayout(width)),
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
            cache_bytes=config.icache_bytes, ways=config.icache_ways, words=self.width,
            block_bytes=min(PAGE_BYTES, *(region.size for region in self.regions)))
        m.submodules.predictor = predictor = Predictor(
            entries=config.btb_entries, history_bits=config.history_bits, width=self.width)
        wiring.connect(m, wiring.flipped(self.m_axi), cache.m_axi)

        pc = Signal(PC_BITS, reset_less=True)
        next_pc = Signal(PC_BITS)
        halted, fault = Signal(), Signal(FetchFault)
        push, space = Signal(), Signal()

        executable = in_regions(m, pc, self.regions, "executable")
        too_high = pc[config.addr_width:].any() | self.beyond.any()
        with m.If(pc[:2].any()):
            m.d.comb += fault.eq(FetchFault.ALIGNMENT)
        with m.Elif(too_high):
            m.d.comb += fault.eq(FetchFault.ADDRESS)
        with m.Elif(~executable | cache.error):
            m.d.comb += fault.eq(FetchFault.EXTERNAL)
        faulty = fault != FetchFault.NONE
        fetched = Signal(FetchedLayout(self.width))
        predictions, there = self._lanes(m, fetched, pc, fault, faulty, cache, predictor)
        m.d.comb += [
            push.eq((cache.hit | faulty) & ~halted & ~cache.busy),
            cache.fill.eq(~faulty & ~halted & ~self.redirect), cache.restart.eq(self.redirect),
        ]

        behind = (pc[2 + self.lane_bits:] + 1) << 2 + self.lane_bits
        with m.If(ResetSignal()):
            m.d.comb += next_pc.eq(self.reset_pc)
        with m.Elif(self.redirect):
            m.d.comb += next_pc.eq(self.target)
        with m.Elif(push & space):
            m.d.comb += next_pc.eq(behind)
            with m.If(predictions[0].taken):
                m.d.comb += next_pc.eq(predicted_target(predictions[0], pc))
            if self.width == 2:
                with m.Elif(fetched.more & predictions[1].taken):
                    m.d.comb += next_pc.eq(predicted_target(predictions[1], pc))
        with m.Else():
            m.d.comb += next_pc.eq(pc)
        m.d.sync += pc.eq(next_pc)
        m.d.comb += [cache.addr.eq(next_pc), predictor.addr.eq(next_pc), predictor.pc.eq(pc),
                     predictor.advance.eq(there & (push & space).replicate(self.width))]
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

    def _lanes(self, m, fetched, pc, fault, faulty, cache, predictor):
        """Line up the instructions of the group from ``pc`` on.

        Return what is predicted for each lane, and which places of the group are taken over.
        """
        place, last = pc[2:2 + self.lane_bits], self.width - 1
        predictions, there = [], Signal(self.width)
        m.d.comb += there.eq(1 << place)
        for lane, instruction in enumerate(fetched.lanes):
            prediction = Signal(Prediction, name=f"prediction_{lane}")
            at = place if lane == 0 else Const(last, self.lane_bits)
            word = cache.word.word_select(at, 32)
            m.d.comb += [
                prediction.eq(Mux(at.all(), predictor.o[last], predictor.o[0])),
                instruction.pc.eq(pc if lane == 0 else Cat(pc[:2], at, pc[2 + self.lane_bits:])),
                instruction.fault.eq(fault if lane == 0 else FetchFault.NONE),
                instruction.insn.eq(Mux(faulty, 0, word)), instruction.prediction.eq(prediction),
                instruction.prediction.taken.eq(prediction.taken & ~faulty),
            ]
            predictions.append(prediction)
        if self.width == 2:
            m.d.comb += fetched.more.eq(~place & ~faulty & ~predictions[0].taken)
            with m.If(fetched.more):
                m.d.comb += there.eq(0b11)
        return predictions, there

    def _queue(self, m, fetched, push, space):
        """Two places in turn, so that neither ``space`` nor the places depend on decode."""
        places = [Signal(FetchedLayout(self.width), name=f"place_{index}") for index in range(2)]
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
