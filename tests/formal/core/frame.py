"""One instruction between the retire port and its specification."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import Assert
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from rtl.core.dcache import Maintenance
from rtl.core.fetch import FetchFault
from rtl.core.predictor import PC_BITS, TARGET_BITS, predicted_target
from rtl.core.retire import RegisterWriteLayout
from tests.formal.core.parts import core_without, find
from tests.formal.core.spec import (
    FIELDS,
    LOAD_NEXT,
    MOVE,
    SETUP_WORDS,
    Before,
    Effect,
    Maintained,
    cases,
    with_fields,
    word,
)

__all__ = ["COMPARED", "InstructionProof"]

START = 18                  # cycles until system registers can be written
LOAD_X0 = 0x58000000        # LDR X0, relative to itself: SP may be anything
MOVE_SP = 0x9100003F        # MOV SP, X1
SET_FLAGS = 0xFA5F03E0      # CCMP XZR, XZR, #0, EQ
MOVE_SYSTEM = 0xD5000000    # MSR
STARTS_ANEW = (
    "110101010001" + "-" * 20, "1101010100000---0100" + "-" * 12,       # MSR
    "1101011010011111" + "-" * 16,                                      # ERET
    "11010100" + "-" * 24,                                              # SVC
)

COMPARED = ("exception", "next address", "flags", "a register", "first access", "second access")
"""What is compared when the instruction retires."""


class Given(data.Struct):
    """What does not change during a proof; ``register`` is the one that is looked at."""

    insn: 32
    pc: PC_BITS
    taken: 1
    target: TARGET_BITS
    flags: 4
    register: 5
    code: 6
    found: data.ArrayLayout(64, 2)


class InstructionProof(wiring.Component):
    """One instruction, from an arbitrary state, against the specification of its class.

    The state is made by other instructions: loads of arbitrary values into all registers that the
    instruction names and into SP, and a comparison that leaves arbitrary flags. What they did is
    taken from the retire port, and so is what the instruction did. Its next address is the
    predicted one, which is arbitrary, or where fetch was sent.

    Parameters
    ----------
    classes : sequence of types of :class:`InstructionClass`
        The specification.
    gap : :class:`int`
        Empty cycles of fetch in front of the instruction.

    Members
    -------
    chosen : :py:`In(range(len(cases)))`
        Class and case of the instruction; the word has the bits that are fixed in it.
    given : :py:`In(Given)`
        Instruction, address of the first one, prediction and flags; those of the first cycle
        count.
    limit : :py:`In(8)`
        Cycle before which the instruction must have retired. A constant.
    raw, second_raw : :py:`In(64)`, status : :py:`In(1)`
        Bytes that a load finds, and what becomes of a store-exclusive, in each cycle.
    apart, aligned : :py:`In(1)`
        The two elements of a pair are accessed one after the other; loads find multiples of 16.
        Constants, as all that follows.
    steady : :py:`In(1)`
        Memory consists of two elements, which hold ``given.found`` until something is stored.
    refused : :py:`In(2)`
        The first or the second access of the instruction is refused, with ``given.code``.
    unfetched : :py:`In(FetchFault)`
        The instruction could not be fetched.
    interrupt, error : :py:`In(1)`
        From when it is the instruction's turn, an interrupt is requested; an earlier store is
        answered with an error.
    answered : :py:`In(8)`
        Cycle in which every earlier store has been answered.
    doubt : :py:`In(len(COMPARED))`
        Claim the contrary of the things that are compared, for a proof that has to fail: bit by
        bit in the order of :data:`COMPARED`; 0 claims what is due.
    """

    def __init__(self, classes, *, gap=0):
        self.classes = tuple(classes)
        self.cases = [(number, case) for number, kind in enumerate(self.classes)
                      for case in cases(kind)]
        self.gap = gap
        super().__init__({"chosen": In(range(len(self.cases))), "given": In(Given),
                          "limit": In(8),
                          "raw": In(64), "second_raw": In(64), "status": In(1), "apart": In(1),
                          "aligned": In(1), "steady": In(1), "refused": In(2),
                          "unfetched": In(FetchFault), "interrupt": In(1), "error": In(1),
                          "answered": In(8), "doubt": In(len(COMPARED))})
        self._turn, self._begun = Signal(), Signal()
        self._asked, self._astray, self._element = Signal(Maintained), Signal(), Signal()
        self._kept = Signal(data.ArrayLayout(64, 2))

    def elaborate(self, platform):
        m = Module()

        clock = Signal(8)
        m.d.sync += clock.eq(clock + 1)
        given = Signal(Given)
        with m.If(clock == 0):
            m.d.sync += [given.eq(self.given), given.pc[:2].eq(0), given.pc[-1].eq(0)]
        state, effect = Signal(Before), Signal(Effect)
        specifications = [kind() for kind in self.classes]
        kind = Signal(range(len(self.classes)))
        with m.Switch(self.chosen):
            for index, (number, case) in enumerate(self.cases):
                with m.Case(index):
                    # No assumption: with constants in the word, most of the core falls away.
                    m.d.comb += [kind.eq(number), state.insn.eq(word(case, given.insn))]
        with m.Switch(kind):
            for number, specification in enumerate(specifications):
                m.submodules[type(specification).__name__] = specification
                m.d.comb += specification.i.eq(state)
                with m.Case(number):
                    m.d.comb += effect.eq(specification.o)

        followed, turned, drained = Signal(64), Signal(), Signal()
        m.d.sync += turned.eq(self._turn)
        m.d.comb += drained.eq(clock > self.answered)
        begins = self._begins(m, kind)
        program = self._program(m, kind, state.insn, given.flags)
        core, m.submodules.core = core_without(
            fetch=lambda m, unit: self._fetch(m, unit, program, begins, clock, given, followed),
            memory=find(self._found(m), self.second_raw, status=self.status, apart=self.apart,
                        drained=drained, error=self.error & self._turn & ~turned,
                        watch=lambda m, unit: self._watch(m, unit, clock, given)))
        m.d.comb += core.gic.irq.eq(self.interrupt & self._turn)

        retire, seen = core.retire, Signal(range(len(program) + 1))
        last = retire.valid & (seen == len(program) - 1)
        m.d.comb += self._begun.eq(seen == len(program) - 1)
        m.d.sync += seen.eq(Mux(clock == 0, begins, seen + retire.valid))
        self._state(m, retire, seen, state, given)
        with m.If(last):
            m.d.comb += Assert(retire.insn == state.insn, "another instruction")
            self._compare(m, retire, effect, given, followed, clock)
        with m.If(clock == self.limit):
            m.d.comb += Assert(~effect.allocated | (seen == len(program)),
                               "the instruction did not retire")
        return m

    def numbers(self, kind):
        """Return the values of ``chosen`` that belong to a class."""
        return [index for index, (number, _) in enumerate(self.cases)
                if self.classes[number] is kind]

    def _begins(self, m, kind):
        """Return the place in the program where it begins: some classes have more in front."""
        result = Signal(range(SETUP_WORDS + 1))
        with m.Switch(kind):
            for number, specification in enumerate(self.classes):
                with m.Case(number):
                    m.d.comb += result.eq(SETUP_WORDS - len(specification.SETUP))
        return result

    def _program(self, m, kind, insn, flags):
        """Return the words, first those that the class asks for."""
        setup = [Signal(32, name=f"setup_{index}") for index in range(SETUP_WORDS)]
        special = {MOVE: Cat(Const(1, 5), insn[5:21], Const(MOVE_SYSTEM >> 21, 11)), **{
            name: with_fields(LOAD_X0, d=Cat(Const(1, 1), insn[FIELDS[field] + 1:][:4]))
            for field, name in LOAD_NEXT.items()}}
        with m.Switch(kind):
            for number, specification in enumerate(self.classes):
                with m.Case(number):
                    words = [special.get(word, word) for word in specification.SETUP]
                    m.d.comb += [setup[index].eq(word) for index, word in enumerate(
                        words, SETUP_WORDS - len(words))]
        return [
            *setup,
            Const(LOAD_X0 | 1, 32), Const(MOVE_SP, 32),
            *(with_fields(LOAD_X0, d=insn[place:place + 5]) for place in FIELDS.values()),
            Cat(flags, Const(SET_FLAGS >> 4, 28)),
            insn,
        ]

    def _fetch(self, m, unit, program, begins, clock, given, followed):
        """Give the program, one instruction a cycle."""
        o, last = unit.o, len(program) - 1
        lane = o.payload.lanes[0]
        sent, waited = Signal(range(len(program) + 1)), Signal(range(self.gap + 1))
        anew, starts = Signal(), Signal()
        m.d.sync += waited.eq(waited + ((sent == last) & (waited != self.gap)))
        with m.Switch(sent):
            for index, insn in enumerate(program):
                with m.Case(index):
                    m.d.comb += [lane.insn.eq(insn), lane.pc.eq(given.pc + 4 * index)]
        # Behind a write of a system register, and an exception's return, fetch starts anew.
        m.d.comb += [
            starts.eq(lane.insn.matches(*STARTS_ANEW)),
            o.valid.eq((clock > Mux(begins == SETUP_WORDS, 0, START)) & (sent <= last) & ~anew
                       & ((sent != last) | (waited == self.gap))),
            lane.prediction.taken.eq(given.taken & (sent == last)),
            lane.prediction.target.eq(given.target),
            self._turn.eq(sent >= last),
            Value.cast(lane.fault).eq(Mux(self._turn, Value.cast(self.unfetched), 0)),
        ]
        with m.If(clock == 0):
            m.d.sync += sent.eq(begins)
        with m.If(o.valid & o.ready):
            m.d.sync += [sent.eq(sent + 1), anew.eq(starts), followed.eq(Mux(
                lane.prediction.taken, predicted_target(lane.prediction, lane.pc), lane.pc + 4))]
        with m.If(unit.redirect):
            m.d.sync += [anew.eq(0), followed.eq(unit.target)]
            # The instruction has raised an exception before its last micro-op.
            with m.If(self._begun & self._turn):
                m.d.sync += sent.eq(last + 1)

    def _found(self, m):
        """Return the bytes of the only element, or of the first of two."""
        found = Signal(64)
        m.d.comb += found.eq(Mux(self.steady, self._kept[self._element],
                                 Cat(self.raw[:4] & (~self.aligned).replicate(4), self.raw[4:])))
        return found

    def _watch(self, m, unit, clock, given):
        """See what the instruction asks of memory; refuse it, or keep what it stores."""
        access, now, again = unit.access, Signal(), Signal()
        m.d.comb += [
            now.eq(access.valid & self._begun),
            unit.fault.eq(now & self.refused.bit_select(again, 1)),
            Value.cast(unit.fault_code).eq(given.code),
        ]
        m.d.sync += again.eq(self._begun & (again | unit.done))
        with m.If(now & (access.maintenance != Maintenance.NONE)):
            m.d.sync += [self._asked.what.eq(access.maintenance), self._asked.addr.eq(access.addr),
                         self._asked.by_set.eq(access.by_set)]

        base, place = Signal(64), Signal(64)
        m.d.comb += [place.eq(Mux(access.pair, access.addr, base)),
                     self._element.eq(access.addr != place)]
        with m.If(clock == 0):
            m.d.sync += self._kept.eq(self.given.found)
        with m.If(now & self.steady):
            m.d.sync += base.eq(place)
            with m.If(self._element & (access.addr != (
                    place + Mux(access.size_log2[0], 8, 4))[:64])):
                m.d.sync += self._astray.eq(1)
            with m.If(access.write & ~access.skip):
                m.d.sync += self._kept[self._element].eq(unit.stored)

    def _state(self, m, retire, seen, state, given):
        """Follow the registers that the instruction names, as the retire port reports them."""
        m.d.comb += [
            state.pc.eq(retire.pc), state.code.eq(given.code),
            *(state.raw[index].eq(Mux(self.steady, given.found[index],
                                      retire.memory[index].value)) for index in range(2)),
            state.passed.eq(retire.memory[0].valid & retire.memory[0].write),
        ]
        indices = {name: state.insn[place:place + 5] for name, place in FIELDS.items()}
        indices |= {f"{name}_next": indices[name] | 1 for name in LOAD_NEXT}
        with m.If(retire.valid & (seen < SETUP_WORDS)):
            for entry in retire.writes:
                for index, value in enumerate(state.setup, 1):
                    with m.If(entry.valid & (entry.index == index)):
                        m.d.sync += value.eq(entry.value)
        with m.If(retire.valid):
            m.d.sync += state.nzcv.eq(retire.nzcv)
            for name, index in (indices | {"sp": Const(31, 5)}).items():
                for entry in retire.writes:
                    with m.If(entry.valid & (entry.index == index)
                              & ((index != 31) | (name == "sp"))):
                        m.d.sync += getattr(state, name).eq(entry.value)

    def _compare(self, m, retire, effect, given, followed, clock):
        def access(index):
            shown, due = retire.memory[index], effect.memory[index]
            return (shown.valid == due.valid) & (~due.valid | (
                (shown.size_log2 == due.size_log2) & (shown.write == due.write)
                & (shown.addr == due.addr) & (~due.write | (shown.value == due.value))))

        shown, due = (_last_write(m, name, writes, given.register) for name, writes in (
            ("shown", retire.writes), ("due", effect.writes)))
        conditions = (
            (retire.exception == effect.exception) & (retire.syndrome == effect.syndrome)
            & (retire.interrupt == effect.interrupt),
            # The record comes two cycles behind the memory stage.
            (followed == effect.next_pc) & (~effect.ordered | (clock > self.answered + 2)),
            retire.nzcv == effect.nzcv,
            (shown.valid == due.valid) & (~due.valid | (shown.value == due.value)),
            access(0) & (self._asked == effect.maintained) & ~self._astray,
            access(1) & (~self.steady | (self._kept == effect.kept)),
        )
        for text, holds, doubt in zip(COMPARED, conditions, self.doubt, strict=True):
            m.d.comb += Assert(~effect.allocated | (holds ^ doubt), text)


def _last_write(m, name, writes, index):
    """Return what the last write to one register leaves."""
    found = Signal(RegisterWriteLayout(), name=name)
    for entry in writes:
        with m.If(entry.valid & (entry.index == index)):
            m.d.comb += found.eq(entry)
    return found
