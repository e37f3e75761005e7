"""Front end: program counter, instruction cache lookup, fetch queue."""

import functools
import operator

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

    What is looked up enters the queue, and fetch goes on, as if it were in the cache: whether it
    is there is known too late for the next address. If it was not, it leaves the queue again one
    cycle later, and fetch waits at its address until it has been seen to be there.

    Timing
    ------
    ``redirect`` reaches the cache in its own cycle; the first instruction of the new path stands
    at ``o`` two cycles later on a hit. A predicted-taken branch costs no cycle. What was missed
    stands at ``o`` two cycles after the cycle in which the cache can find it.

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
    update, resolved : :py:`In(PredictorUpdateLayout())`
        What became of a branch, as in :class:`Predictor`.
    repair, recall : :py:`In(1)`, depth : :py:`In(RETURN_BITS)`
        ``redirect`` comes from the branch of ``resolved``; else from an instruction that had the
        return stack at ``depth``, the one of the ``update`` a cycle ago with ``recall``.
    o : :py:`Out(stream.Signature(FetchedLayout(width)))`
        Instructions. The payload may change while ``redirect`` is set.
    pushed : :py:`Out(1)`, fetched : :py:`Out(FetchedLayout(width))`
        They enter the queue in front of ``o``, to stay; for the pipeline port.
    busy : :py:`Out(1)`
        Invalidation at work.
    missing : :py:`Out(1)`
        Fetch waits for a line.
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
            "resolved":   In(PredictorUpdateLayout()),
            "repair":     In(1),
            "recall":     In(1),
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

        # `pc` was looked up at the last edge, `before` at the one before. `back`: go there again.
        pc, before = Signal(PC_BITS, reset_less=True), Signal(PC_BITS, reset_less=True)
        next_pc = Signal(PC_BITS)
        halted, fault = Signal(), Signal(FetchFault)
        take, space, back, missed = Signal(), Signal(), Signal(init=1), Signal()
        waiting, confirmed, refuses, refused = Signal(), Signal(), Signal(), Signal()

        executable = in_regions(m, pc, self.regions, "executable")
        too_high = pc[config.addr_width:].any() | self.beyond.any()
        with m.If(pc[:2].any()):
            m.d.comb += fault.eq(FetchFault.ALIGNMENT)
        with m.Elif(too_high):
            m.d.comb += fault.eq(FetchFault.ADDRESS)
        with m.Elif(~executable | refused):
            m.d.comb += fault.eq(FetchFault.EXTERNAL)
        faulty = fault != FetchFault.NONE
        fetched = Signal(FetchedLayout(self.width))
        there = self._lanes(m, fetched, pc, fault, faulty, cache, predictor)
        wanted = ~faulty & ~halted & ~back
        m.d.comb += [
            take.eq(space & ~halted & ~back & ~cache.busy & (~waiting | confirmed | faulty)),
            cache.fill.eq(wanted & ~self.redirect), cache.restart.eq(self.redirect),
        ]
        misses = take & ~faulty & ~cache.hit
        m.d.sync += [
            back.eq(misses), missed.eq(misses), confirmed.eq(cache.hit & wanted & ~take),
            before.eq(pc),
        ]
        with m.If(missed):
            m.d.sync += waiting.eq(1)
        with m.Elif(take):
            m.d.sync += waiting.eq(0)
        m.d.sync += [refuses.eq(wanted & cache.error), refused.eq(refused | refuses)]
        with m.If(take & faulty):
            m.d.sync += halted.eq(1)
        with m.If(self.redirect):
            m.d.sync += [back.eq(0), missed.eq(0), confirmed.eq(0), waiting.eq(0), refuses.eq(0),
                         refused.eq(0), halted.eq(0), self.beyond.eq(self.target[PC_BITS:])]
        with m.If(ResetSignal()):
            m.d.sync += before.eq(self.reset_pc)

        self._next(m, next_pc, pc, before, back=back, take=take, more=fetched.more,
                   predictor=predictor)
        m.d.sync += pc.eq(next_pc)
        m.d.comb += [cache.addr.eq(next_pc), predictor.addr.eq(next_pc), predictor.pc.eq(pc),
                     predictor.advance.eq(there & take.replicate(self.width)),
                     predictor.undo.eq(missed)]

        self._queue(m, fetched, take, space, missed)
        m.d.comb += [
            cache.invalidate.eq(self.invalidate), predictor.update.eq(self.update),
            predictor.resolved.eq(self.resolved), predictor.recall.eq(self.recall),
            predictor.repair.eq(self.redirect & self.repair),
            predictor.rewind.eq(self.redirect & ~self.repair), predictor.depth.eq(self.depth),
            self.busy.eq(cache.busy), self.missing.eq(cache.filling & (missed | waiting)),
            self.pushed.eq(take & ~misses & ~self.redirect), self.fetched.eq(fetched),
        ]
        return m

    def _next(self, m, next_pc, pc, before, *, back, take, more, predictor):
        """Choose the next address: an OR of what is masked by its selection.

        So a prediction, which comes late, passes two levels of logic.
        """
        behind = (pc[2 + self.lane_bits:] + 1) << 2 + self.lane_bits
        onward = Mux(back, before, Mux(take, behind, pc))[:PC_BITS]
        place = pc[2:2 + self.lane_bits]
        legs, taken = [], Const(0)
        for lane, prediction in enumerate(predictor.o):
            # The first instruction that is taken over, or one behind it that is in its group.
            comes = take & ((place == lane) | (more if lane else 0)) & ~self.redirect
            goes = Signal(name=f"goes_{lane}")
            m.d.comb += goes.eq(comes & prediction.taken)
            legs.append((goes, predicted_target(prediction, pc)))
            taken |= goes
        stays = Signal()
        m.d.comb += stays.eq(~taken & ~self.redirect)
        legs += [(stays, onward), (self.redirect, self.target[:PC_BITS])]
        m.d.comb += next_pc.eq(functools.reduce(operator.or_, (
            leg & selected.replicate(PC_BITS) for selected, leg in legs)))

    def _lanes(self, m, fetched, pc, fault, faulty, cache, predictor):
        """Line up the instructions of the group from ``pc`` on.

        Return which places of the group are taken over.
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
        return there

    def _queue(self, m, fetched, take, space, missed):
        """Two places, the older instruction always in the first: decode begins at a register.

        ``space`` does not depend on decode. What was missed is the younger one, and leaves.
        """
        first, second = (Signal(FetchedLayout(self.width), name=f"place_{index}")
                         for index in range(2))
        used_first, used_second = Signal(), Signal()
        stays_second = used_second & ~missed
        m.d.comb += [
            space.eq(~used_second), self.o.payload.eq(first),
            self.o.valid.eq(used_first & ~(missed & ~used_second)),
        ]
        leaves = ~self.o.valid | self.o.ready
        m.d.sync += used_second.eq((stays_second | take) & ~leaves)
        with m.If(leaves):
            m.d.sync += [first.eq(Mux(used_second, second, fetched)),
                         used_first.eq(stays_second | take)]
        with m.If(~used_second):
            m.d.sync += second.eq(fetched)
        with m.If(self.redirect):
            m.d.sync += [used_first.eq(0), used_second.eq(0)]
