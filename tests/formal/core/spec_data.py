"""Specification of data processing."""

from amaranth import Cat, Const, Mux, Signal

from tests.formal.core.spec import (
    InstructionClass,
    add_with_carry,
    condition_holds,
    low_word,
    or_sp,
    write,
)

__all__ = ["Add", "AddCarry", "AddImmediate", "Address", "BitOperation", "ConditionalCompare",
           "ConditionalSelect", "Logical", "MoveWide"]


class Add(InstructionClass):
    """Addition and subtraction with a second operand that the class makes."""

    def add(self, m, i, o, first, second, *, sp=0, carry=None):
        subtract, flags, wide = i.insn[30], i.insn[29], i.insn[31]
        carry = subtract if carry is None else carry
        total, nzcv = add_with_carry(m, "add", first, Mux(subtract, ~second, second)[:64], carry,
                                     wide)
        write(m, o, i.insn[0:5], total, sp=sp)
        with m.If(flags):
            m.d.comb += o.nzcv.eq(nzcv)


class AddImmediate(Add):
    """ADD, ADDS, SUB, SUBS with an immediate."""

    PATTERN = "---100010" + "-" * 23

    def describe(self, m, i, o):
        number = Signal(64)
        m.d.comb += number.eq(Mux(i.insn[22], i.insn[10:22] << 12, i.insn[10:22]))
        self.add(m, i, o, or_sp(i), number, sp=~i.insn[29])


class AddCarry(Add):
    """ADC, ADCS, SBC, SBCS."""

    PATTERN = "---11010000-----000000----------"

    def describe(self, m, i, o):
        self.add(m, i, o, i.n, i.m, carry=i.nzcv[1])


class Logical(InstructionClass):
    """AND, ORR, EOR, ANDS with a second operand that the class makes."""

    def combine(self, m, i, o, second, *, sp=0):
        wide, kind = i.insn[31], i.insn[29:31]
        result = Signal(64)
        with m.Switch(kind):
            with m.Case(0, 3):
                m.d.comb += result.eq(low_word(i.n & second, wide))
            with m.Case(1):
                m.d.comb += result.eq(low_word(i.n | second, wide))
            with m.Case(2):
                m.d.comb += result.eq(low_word(i.n ^ second, wide))
        write(m, o, i.insn[0:5], result, sp=sp & (kind != 3))
        with m.If(kind == 3):
            m.d.comb += o.nzcv.eq(Cat(Const(0, 2), result == 0,
                                      Mux(wide, result[63], result[31])))


class MoveWide(InstructionClass):
    """MOVN, MOVZ, MOVK."""

    PATTERN = "---100101" + "-" * 23
    CASES = tuple(f"{code}100101{half}" + "-" * 21 for code, half in (
        ("100", "--"), ("11-", "--"), ("000", "0-"), ("01-", "0-")))

    def describe(self, m, i, o):
        kind, half, wide = i.insn[29:31], i.insn[21:23], i.insn[31]
        self.require(m, (kind != 1) & (wide | (half < 2)))
        number = Signal(64)
        m.d.comb += number.eq(i.insn[5:21] << (half * 16))
        result = Signal(64)
        with m.Switch(kind):
            with m.Case(0):
                m.d.comb += result.eq(~number)
            with m.Case(2):
                m.d.comb += result.eq(number)
            with m.Case(3):
                m.d.comb += result.eq(i.d)
                m.d.comb += result.word_select(half, 16).eq(i.insn[5:21])
        write(m, o, i.insn[0:5], low_word(result, wide))


class Address(InstructionClass):
    """ADR, ADRP."""

    PATTERN = "---10000" + "-" * 24

    def describe(self, m, i, o):
        offset = Cat(i.insn[29:31], i.insn[5:24]).as_signed()
        page = Cat(Const(0, 12), i.pc[12:])
        write(m, o, i.insn[0:5], Mux(i.insn[31], page + (offset << 12), i.pc + offset)[:64])


class ConditionalSelect(InstructionClass):
    """CSEL, CSINC, CSINV, CSNEG."""

    PATTERN = "--011010100---------0-----------"

    def describe(self, m, i, o):
        holds = condition_holds(m, "holds", i.insn[12:16], i.nzcv)
        other = Signal(64)
        with m.Switch(Cat(i.insn[10], i.insn[30])):
            with m.Case(0):
                m.d.comb += other.eq(i.m)
            with m.Case(1):
                m.d.comb += other.eq(i.m + 1)
            with m.Case(2):
                m.d.comb += other.eq(~i.m)
            with m.Case(3):
                m.d.comb += other.eq(-i.m)
        write(m, o, i.insn[0:5], low_word(Mux(holds, i.n, other), i.insn[31]))


class ConditionalCompare(InstructionClass):
    """CCMN, CCMP with a register or an immediate."""

    PATTERN = "--111010010----------0-----0----"

    def describe(self, m, i, o):
        holds = condition_holds(m, "holds", i.insn[12:16], i.nzcv)
        second, subtract = Signal(64), i.insn[30]
        m.d.comb += second.eq(Mux(i.insn[11], i.insn[16:21], i.m))
        _, nzcv = add_with_carry(m, "compare", i.n, Mux(subtract, ~second, second)[:64], subtract,
                                 i.insn[31])
        m.d.comb += o.nzcv.eq(Mux(holds, nzcv, i.insn[0:4]))


def leading(bits, stop):
    """Return how many of the bits, first one first, come before the first that is ``stop``."""
    count = Const(len(bits), 7)
    for index, bit in reversed(list(enumerate(bits))):
        count = Mux(bit == stop, index, count)
    return count


class BitOperation(InstructionClass):
    """RBIT, REV16, REV32, REV, CLZ, CLS."""

    PATTERN = "-101101011000000000-------------"
    CASES = tuple(f"{wide}101101011000000000{code}----------" for wide, code in (
        ("-", "00-"), ("-", "010"), ("1", "011"), ("-", "10-")))

    def describe(self, m, i, o):
        code, wide = i.insn[10:13], i.insn[31]
        self.require(m, (code < 6) & (wide | (code != 3)))
        for width, when in ((64, wide), (32, ~wide)):
            value = i.n[:width]
            octets = [value.word_select(index, 8) for index in range(width // 8)]
            downwards = list(reversed(value))
            changes = [one ^ other for one, other in zip(downwards[1:], downwards, strict=False)]
            results = [
                Cat(*downwards),
                Cat(*(octets[index ^ 1] for index in range(width // 8))),
                Cat(*(octets[index ^ 3] for index in range(width // 8))),
                Cat(*reversed(octets)),
                leading(downwards, 1),
                leading(changes, 1),
            ]
            with m.If(when), m.Switch(code):
                for number, result in enumerate(results):
                    with m.Case(number):
                        write(m, o, i.insn[0:5], result)
