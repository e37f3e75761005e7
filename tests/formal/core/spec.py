"""What an executable specification of one instruction class takes and gives.

The classes are written from the architecture's description of encodings and operations, in the
plainest terms; nothing of the core's decoder or data path is used.
"""

from typing import ClassVar

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.dcache import Maintenance
from rtl.core.retire import MemoryAccessLayout, RegisterWriteLayout

__all__ = ["FIELDS", "GENERAL", "LOAD_NEXT", "MOVE", "SETUP_WORDS", "Before", "Effect",
           "InstructionClass", "Maintained", "add_with_carry", "cases", "condition_holds",
           "extend", "low_word", "or_sp", "with_fields", "word", "write"]


FIELDS = {"d": 0, "n": 5, "a": 10, "m": 16}
"""Lowest bit of each field that names a register."""


GENERAL = ("0----", "10---", "110--", "1110-", "11110")
"""Patterns of the number of a register that is not 31."""

SETUP_WORDS = 6
"""Instructions that a class can ask for in front of everything else, at most."""

MOVE = "move"
"""In a setup: write X1 to the system register that the instruction names."""

LOAD_NEXT = {"d": "load d + 1", "m": "load m + 1"}
"""In a setup: load the odd register of the pair whose even one a field names."""


class Maintained(data.Struct):
    """What memory is asked to do with a line, or with a set and way."""

    what: Maintenance
    by_set: 1
    addr: 64


class Before(data.Struct):
    """State in front of an instruction, as far as it can matter.

    ``n``, ``m``, ``a`` and ``d`` are the registers that the fields at bits 5, 16, 10 and 0 name,
    XZR as zero. ``raw`` holds the bytes that the instruction's loads found, right-aligned.
    ``passed`` is whether a conditional store was made. ``setup`` is what the class's setup has left
    in X1 and X2. ``d_next`` and ``m_next`` are the odd registers of the pairs at bits 0 and 16.
    ``code`` is why an access is refused.
    """

    insn: 32
    pc: 64
    n: 64
    m: 64
    a: 64
    d: 64
    sp: 64
    d_next: 64
    m_next: 64
    nzcv: 4
    raw: data.ArrayLayout(64, 2)
    passed: 1
    code: 6
    setup: data.ArrayLayout(64, 2)


class Effect(data.Struct):
    """What the instruction does; the layouts are those of the retire port.

    ``allocated`` is set if the word is an instruction of the class with a defined result.
    ``maintained`` is what was asked for last, ``kept`` what two elements of memory hold behind it,
    where the frame has them. ``ordered``: not before every earlier store has been answered.
    """

    allocated: 1
    writes: data.ArrayLayout(RegisterWriteLayout(), 3)
    memory: data.ArrayLayout(MemoryAccessLayout(), 2)
    maintained: Maintained
    kept: data.ArrayLayout(64, 2)
    ordered: 1
    nzcv: 4
    next_pc: 64
    exception: 1
    interrupt: 1
    syndrome: 32


class InstructionClass(wiring.Component):
    """Specification of a class of instructions, combinational.

    Attributes
    ----------
    PATTERN : :class:`str`
        Words of the class, as Amaranth matches bits.
    CASES : sequence of :class:`str`
        Patterns that together are the class, each proved by itself: the words of one take the
        core the same number of cycles. Bits with the same letter are equal, a capital letter is
        the inverse of a small one.
    SETUP : sequence of :class:`int`, :data:`MOVE` or :data:`LOAD_NEXT`
        Instructions that bring about the state that the class needs, beside the registers.
    CONSTANTS : :class:`dict`
        What the frame of the proof has to do in all cases, see :class:`InstructionProof`; what a
        class does not name is as here.

    Members
    -------
    i : :py:`In(Before)`
        State before.
    o : :py:`Out(Effect)`
        Effect.
    """

    PATTERN = "-" * 32
    CASES: tuple[str, ...] = ()
    SETUP: tuple[int | str, ...] = ()
    CONSTANTS: ClassVar[dict[str, int]] = {
        "apart": 1, "aligned": 0, "steady": 0, "refused": 0, "unfetched": 0, "interrupt": 0,
        "error": 0, "answered": 0}

    def __init__(self):
        super().__init__({"i": In(Before), "o": Out(Effect)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.o.allocated.eq(self.i.insn.matches(self.PATTERN)),
                     self.o.nzcv.eq(self.i.nzcv), self.o.next_pc.eq(self.i.pc + 4),
                     self.o.kept.eq(self.i.raw)]
        self.describe(m, self.i, self.o)
        return m

    def describe(self, m, i, o):
        """Override what differs from an instruction that does nothing."""

    def require(self, m, condition):
        """Leave out words for which the condition does not hold."""
        m.d.comb += self.o.allocated.eq(self.i.insn.matches(self.PATTERN) & condition)


def cases(kind: type[InstructionClass]) -> tuple[str, ...]:
    """Return the cases of a class."""
    return kind.CASES or (kind.PATTERN,)


def word(pattern: str, bits) -> Cat:
    """Return a word of a case, with the free ones out of 32 ``bits``."""
    result = []
    for bit, letter in zip(bits, reversed(pattern), strict=True):
        if letter in "01":
            result.append(Const(int(letter), 1))
        elif letter == "-":
            result.append(bit)
        else:
            source = bits[31 - pattern.index(letter.lower())]
            result.append(source if letter.islower() else ~source)
    return Cat(*result)


def write(m, o, index, value, *, sp=0, port=0, when=1):
    """Write a register; 31 names SP if ``sp``, else XZR."""
    entry = o.writes[port]
    m.d.comb += [entry.valid.eq(when & ((index != 31) | sp)), entry.index.eq(index),
                 entry.value.eq(value)]


def low_word(value, wide):
    """Return the result of an operation of 64 or 32 bits: the upper half of the latter is 0."""
    return Cat(value[:32], Mux(wide, value[32:64], 0))


def or_sp(i):
    """Return the register at bits 5 in the reading in which 31 names SP."""
    return Mux(i.insn[5:10] == 31, i.sp, i.n)


def extend(value, bits, signed):
    """Extend the low ``bits`` of a value to 64."""
    return Cat(value[:bits], (value[bits - 1] & signed).replicate(64 - bits))


def add_with_carry(m, name, a, b, carry, wide):
    """Return sum and NZCV of an addition of 64 or 32 bits."""
    sums, flags = [], []
    for bits in (32, 64):
        total = Signal(bits + 1, name=f"{name}_total_{bits}")
        m.d.comb += total.eq(a[:bits] + b[:bits] + carry)
        top = bits - 1
        result = total[:bits]
        sums.append(result)
        flags.append(Cat((a[top] == b[top]) & (total[top] != a[top]), total[bits], result == 0,
                         total[top]))
    return Mux(wide, sums[1], sums[0]), Mux(wide, flags[1], flags[0])


def condition_holds(m, name, code, nzcv):
    """Return whether a condition code holds."""
    n, z, c, v = nzcv[3], nzcv[2], nzcv[1], nzcv[0]
    holds = Signal(name=name)
    plain = [z, c, n, v, c & ~z, n == v, (n == v) & ~z]
    with m.Switch(code):
        for number, value in enumerate(plain):
            with m.Case(2 * number):
                m.d.comb += holds.eq(value)
            with m.Case(2 * number + 1):
                m.d.comb += holds.eq(~value)
        with m.Default():
            m.d.comb += holds.eq(1)
    return holds


def with_fields(word: int, **fields) -> Cat:
    """Return an instruction word with values put into its fields ``d``, ``n``, ``a``, ``m``."""
    parts, position = [], 0
    for name, place in FIELDS.items():
        if name in fields:
            parts += [Const(word >> position, place - position), fields[name]]
            position = place + 5
    return Cat(*parts, Const(word >> position, 32 - position))
