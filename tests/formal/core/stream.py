"""A short free stream of instructions through the core's pipeline."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Assert
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from rtl.core.alu import Alu
from rtl.core.predictor import PC_BITS
from rtl.core.shifter import Shifter
from tests.formal.core.parts import core_without, replaced
from tests.formal.core.spec import with_fields

__all__ = ["READER", "TEMPLATES", "StreamProof"]

TEMPLATES = {
    "add": 0x9100_4000,             # ADD Xd, Xn, #16
    "adds shifted": 0xAB00_1400,    # ADDS Xd, Xn, Xm, LSL #5
    "eor shifted": 0xCA00_1400,     # EOR Xd, Xn, Xm, LSL #5
    "madd": 0x9B00_0000,            # MADD Xd, Xn, Xm, Xa
    "umulh": 0x9BC0_7C00,           # UMULH Xd, Xn, Xm
    "sdiv": 0x9AC0_0C00,            # SDIV Xd, Xn, Xm
    "load": 0xF940_0400,            # LDR Xd, [Xn, #8]
    "load post": 0xF840_8400,       # LDR Xd, [Xn], #8
    "load pair": 0xA8C0_0000,       # LDP Xd, Xa, [Xn], #0
    "store pre": 0xF800_8C00,       # STR Xd, [Xn, #8]!
    "swap": 0xF820_8000,            # SWP Xm, Xd, [Xn]
    "branch": 0x5400_0040,          # B.EQ +8
    "call": 0x9400_0002,            # BL +8
    "mrs": 0xD53B_D040,             # MRS Xd, TPIDR_EL0
    "isb": 0xD503_3FDF,             # ISB
    "svc": 0xD400_0001,             # SVC #0
    "store pair": 0xA981_0000,      # STP Xd, Xa, [Xn, #16]!
}
"""Instructions of the stream: each kind of result, and all that starts fetch anew."""

READER = "store pair"
"""Reads through all three operands, and shows what it has read."""

USED = {"add": "dn", "adds shifted": "dnm", "eor shifted": "dnm", "madd": "dnma", "umulh": "dnm",
        "sdiv": "dnm", "load": "dn", "load post": "dn", "load pair": "dna", "store pre": "dn",
        "swap": "dnm", "mrs": "d", "store pair": "dna"}
"""Fields of a template that name registers."""

NUMBERS = data.StructLayout({"d": 2, "n": 2, "a": 2, "m": 2})


class StreamProof(wiring.Component):
    """What an instruction reads is what was written last, and something retires in time.

    A few instructions come, of any kind and with any register numbers out of four, with any gaps
    between them, and accesses that wait, fault and miss. The last one stores two registers: the
    retire port shows all that it has read. One register is followed there, and one bit of it, the
    lowest: no part of the way from a result to an operand tells bits apart. ALU, shifter,
    multiplier, divider and memory give anything.

    Parameters
    ----------
    length : :class:`int`
        Instructions.
    patience : :class:`int`
        Cycles without a retired instruction, at most, in which fetch has one and memory answers.

    Members
    -------
    kinds : :py:`In(range(len(TEMPLATES))).array(length - 1)`
        Templates of all instructions but the last, in their order. These, ``numbers`` and
        ``followed`` are those of the first cycle.
    numbers : :py:`In(ArrayLayout(NUMBERS, length))`
        Their registers.
    followed : :py:`In(2)`
        The register that is looked at.
    valid, wait, refuse, miss : :py:`In(1)`
        Fetch has an instruction; an access waits, faults, missed.
    endless, apart : :py:`In(1)`
        The instructions come again and again, without gaps, and what they read is not compared;
        pairs are accessed one after the other. Constants.
    noise : :py:`In(64)`, flags : :py:`In(4)`
        Results, loaded values and flags.
    doubt : :py:`In(2)`
        Claim that what is read is wrong; that nothing retires. A constant; 0 claims what is due.
    """

    def __init__(self, *, length, patience):
        self.length = length
        self.patience = patience
        self._started, self._offers, self._held_up = Signal(), Signal(), Signal()
        super().__init__({
            "kinds": In(range(len(TEMPLATES))).array(length - 1),
            "numbers": In(data.ArrayLayout(NUMBERS, length)), "followed": In(2),
            "valid": In(1), "wait": In(1), "refuse": In(1), "miss": In(1), "endless": In(1),
            "apart": In(1), "noise": In(64), "flags": In(4), "doubt": In(2),
        })

    def elaborate(self, platform):
        m = Module()

        m.d.sync += self._started.eq(1)
        core, m.submodules.core = core_without(
            fetch=self._fetch, memory=self._memory,
            also={"execute.Alu": replaced(Alu, self._alu), "late.Alu": replaced(Alu, self._alu),
                  "execute.Shifter": replaced(Shifter, self._shift)})
        self._read(m, core.retire)
        idle = Signal(range(self.patience + 2))
        with m.If(core.retire.valid | self._held_up):
            m.d.sync += idle.eq(0)
        with m.Else():
            m.d.sync += idle.eq(idle + 1)
        m.d.comb += Assert((idle <= self.patience) & ~(core.retire.valid & self.doubt[1]),
                           "nothing retires")
        return m

    def _read(self, m, retire):
        """Compare what the last instruction reads with what was written last."""
        followed, value = self._kept(m, self.followed, "kept_followed"), Signal()
        number = _number(followed)
        with m.If(retire.valid):
            for entry in retire.writes:
                with m.If(entry.valid & (entry.index == number)):
                    m.d.sync += value.eq(entry.value[0])
        insn, first, second, doubt = retire.insn, *retire.memory, self.doubt[0]
        zero = number == 31     # SP as a base
        with m.If(retire.valid & ~retire.exception & insn.matches(_pattern(READER))
                  & ~self.endless):
            for place, shown, due in ((0, first.value, value & ~zero),
                                      (10, second.value, value & ~zero), (5, first.addr, value)):
                m.d.comb += Assert((insn[place:place + 5] != number) | (shown[0] == due ^ doubt),
                                   f"the register at bit {place}")

    def _kept(self, m, value, name):
        """Return what a value was in the first cycle."""
        result = Signal.like(value, name=name)
        with m.If(~self._started):
            m.d.sync += result.eq(value)
        return result

    def _fetch(self, m, unit):
        o, pc = unit.o, Signal(PC_BITS)
        numbers = self._kept(m, self.numbers, "kept_numbers")
        kinds = [self._kept(m, kind, f"kept_kind_{index}")
                 for index, kind in enumerate(self.kinds)]
        lane = o.payload.lanes[0]
        sent = Signal(range(self.length + 1))
        with m.Switch(sent):
            for index in range(self.length):
                with m.Case(index):
                    if index == self.length - 1:
                        m.d.comb += lane.insn.eq(_word(READER, numbers[index]))
                    else:
                        with m.Switch(kinds[index]):
                            for number, name in enumerate(TEMPLATES):
                                with m.Case(number):
                                    m.d.comb += lane.insn.eq(_word(name, numbers[index]))
        m.d.comb += [o.valid.eq((self.valid | self.endless) & (sent != self.length)),
                     self._offers.eq(o.valid), lane.pc.eq(pc)]
        with m.If(unit.redirect):
            m.d.sync += pc.eq(unit.target)
        with m.Elif(o.valid & o.ready):
            m.d.sync += [pc.eq(pc + 4), sent.eq(
                Mux(self.endless & (sent == self.length - 1), 0, sent + 1))]

    def _memory(self, m, unit):
        access = unit.access
        ends, ended, held = Signal(), Signal(), Signal()
        m.d.comb += [
            ends.eq(access.valid & ~self.wait & ~self.refuse & ~unit.drop),
            unit.done.eq(access.valid & ~self.wait & ~self.refuse),
            unit.fault.eq(access.valid & ~self.wait & self.refuse),
            unit.settled.eq(unit.done),
            # The second of two accesses in a line hits if the first one has hit.
            unit.missed.eq(ended & self.miss),
            unit.result.eq(self.noise & (access.valid & ~access.write & ~access.ignored)
                           .replicate(64)),
            unit.raw.eq(self.noise),
            unit.second_result.eq(~self.noise), unit.second_raw.eq(self.noise),
            unit.stored.eq(access.data), unit.second_stored.eq(access.second),
            unit.drained.eq(1), unit.apart.eq(self.apart),
            self._held_up.eq(~self._offers | unit.missed
                             | (access.valid & (self.wait | self.refuse))),
        ]
        with m.If(unit.lookup):
            m.d.sync += held.eq(unit.next.held)
        m.d.sync += ended.eq(ends & ~held & ~access.behind)

    def _alu(self, m, unit):
        m.d.comb += [
            unit.result.eq(self.noise & unit.enable.replicate(64)),
            Cat(unit.overflow, unit.carry_out, unit.zero, unit.negative).eq(self.flags),
        ]

    def _shift(self, m, unit):
        m.d.comb += unit.result.eq(self.noise & unit.enable.replicate(64))


def _number(bits):
    """Return one of four register numbers: 0, 1, 30 and 31."""
    return Cat(bits[0], bits[1].replicate(4))


def _word(name, numbers):
    return with_fields(TEMPLATES[name], **{
        place: _number(numbers[place]) for place in USED.get(name, "")})


def _pattern(name):
    """Return the words of a template, whatever registers they name."""
    free = sum(31 << {"d": 0, "n": 5, "a": 10, "m": 16}[place] for place in USED.get(name, ""))
    return "".join("-" if free >> bit & 1 else str(TEMPLATES[name] >> bit & 1)
                   for bit in reversed(range(32)))
