"""Specification of data processing with shifts, extensions and bit masks."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from tests.formal.core.spec import GENERAL, InstructionClass, extend, low_word, or_sp, write
from tests.formal.core.spec_data import Add, Logical

__all__ = ["AddExtended", "AddShifted", "Bitfield", "Extract", "LogicalImmediate",
           "LogicalShifted", "ShiftsAreRotations", "VariableShift"]

AMOUNTS = (("-", "000000"), ("-", "000001"), ("-", "00001-"), ("-", "0001--"), ("-", "001---"),
           ("-", "01----"), ("1", "1-----"))
"""Width and amount of the shifts: 0 by itself, and less than 32 in a word."""


def shifted(m, name, value, kind, amount, wide):
    """Return a register shifted by LSL, LSR, ASR or ROR (0 to 3); ``amount`` fits the width.

    A shift is a rotation in which the bits that come from the other end are replaced: the form in
    which equal parts are found. :class:`ShiftsAreRotations` proves that it is one.
    """
    top = Mux(wide, 63, 31)
    left, signed, rotates = kind == 0, kind == 2, kind == 3
    keeps, result = Signal(64, name=f"{name}_keeps"), Signal(64, name=name)
    turned = turn_right(value, Mux(left, -amount, amount)[:6] & top, wide)
    sign = Mux(wide, value[63], value[31]) & signed
    m.d.comb += [
        keeps.eq(Mux(left, (Const(-1, 64) << amount)[:64],
                     ~(Const(-2, 64) << (~amount & top))[:64]) | rotates.replicate(64)),
        result.eq(low_word((turned & keeps) | (sign.replicate(64) & ~keeps), wide)),
    ]
    return result


def turn_right(value, amount, wide):
    """Return a value rotated right in 64 or 32 bits."""
    return Mux(wide, (Cat(value, value) >> amount)[:64],
               (Cat(value[:32], value[:32]) >> amount)[:32])


class ShiftsAreRotations(wiring.Component):
    """:func:`shifted` is what the operators for shifts say, with any free inputs."""

    def __init__(self):
        super().__init__({"value": In(64), "kind": In(2), "amount": In(6), "wide": In(1)})

    def elaborate(self, platform):
        m = Module()
        word, amount = self.value[:32], self.amount
        plain = Signal(64)
        with m.Switch(self.kind):
            for kind, doubleword, single in (
                    (0, self.value << amount, word << amount),
                    (1, self.value >> amount, word >> amount),
                    (2, self.value.as_signed() >> amount, word.as_signed() >> amount),
                    (3, Cat(self.value, self.value) >> amount, Cat(word, word) >> amount)):
                with m.Case(kind):
                    m.d.comb += plain.eq(Mux(self.wide, doubleword[:64], single[:32]))
        m.d.comb += Assert((shifted(m, "turned", self.value, self.kind, amount, self.wide) == plain)
                           | (~self.wide & amount[5]), "another shift")
        return m



class AddShifted(Add):
    """ADD, ADDS, SUB, SUBS with a shifted register."""

    PATTERN = "---01011--0" + "-" * 21
    CASES = tuple(f"{wide}{code}01011{kind}0-----{amount}" + "-" * 10
                  for code in ("00", "10", "-1") for wide, amount in AMOUNTS
                  for kind in ("0-", "10"))

    def describe(self, m, i, o):
        kind, amount, wide = i.insn[22:24], i.insn[10:16], i.insn[31]
        self.require(m, (kind != 3) & (wide | (amount < 32)))
        self.add(m, i, o, i.n, shifted(m, "second", i.m, kind, amount, wide))


SMALL = ("0--", "100")
"""Amounts from 0 to 4."""

EXTENSIONS = (*(("-11", amount) for amount in ("001", "01-", "100")),
              *((option, amount) for option in ("-10", "-0-") for amount in SMALL))
"""Extension and amount; without those that do nothing to 64 bits."""

REGISTERS = (*GENERAL, "11111")
"""Patterns of a destination, SP by itself."""


class AddExtended(Add):
    """ADD, ADDS, SUB, SUBS with an extended register."""

    PATTERN = "---01011001" + "-" * 21
    CASES = (*(f"-0001011001------1-{amount}" + "-" * 10 for amount in SMALL),
             "-1001011001------11000" + "-" * 10, "--101011001------11000" + "-" * 10,
             *(f"-{code}01011001-----{option}{amount}-----{destination}"
               for code, destinations in (("00", REGISTERS), ("10", REGISTERS), ("-1", ("-----",)))
               for option, amount in EXTENSIONS for destination in destinations
               if code != "00" or option == "-0-"))

    def describe(self, m, i, o):
        option, amount = i.insn[13:16], i.insn[10:13]
        self.require(m, amount <= 4)
        second = Signal(64)
        with m.Switch(option[:2]):
            for size in range(4):
                with m.Case(size):
                    m.d.comb += second.eq(extend(i.m, 8 << size, option[2]) << amount)
        self.add(m, i, o, or_sp(i), second, sp=~i.insn[29])


class LogicalImmediate(Logical):
    """AND, ORR, EOR, ANDS with a bit mask."""

    PATTERN = "---100100" + "-" * 23
    CASES = tuple(f"---100100{size[0]}------{size[1:]}" + "-" * 10 for size in (
        "1------", "00-----", "010----", "0110---", "01110--", "011110-"))

    def describe(self, m, i, o):
        n, rotation, length, wide = i.insn[22], i.insn[16:22], i.insn[10:16], i.insn[31]
        mask, valid = Signal(64), Signal()
        marks = Cat(~length, n)     # the highest one gives the size of the element
        for log2 in range(1, 7):
            size = 1 << log2
            with m.If((marks >> log2) == 1):
                ones, turn = Signal(6, name=f"ones_{size}"), Signal(6, name=f"turn_{size}")
                run, twice = Signal(size, name=f"run_{size}"), Signal(2 * size, name=f"two_{size}")
                m.d.comb += [
                    ones.eq(length[:log2]), turn.eq(rotation[:log2]),
                    run.eq((Const(2, size + 2) << ones) - 1), twice.eq(Cat(run, run) >> turn),
                    mask.eq(twice[:size].replicate(64 // size)),
                    valid.eq((ones != size - 1) & (wide | ~n)),
                ]
        self.require(m, valid)
        self.combine(m, i, o, mask, sp=1)


class LogicalShifted(Logical):
    """AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS with a shifted register."""

    PATTERN = "---01010" + "-" * 24
    CASES = tuple(f"{wide}{code}01010--------{amount}" + "-" * 10
                  for wide, amount in AMOUNTS for code in ("0-", "10", "11"))

    def describe(self, m, i, o):
        kind, amount, wide = i.insn[22:24], i.insn[10:16], i.insn[31]
        self.require(m, wide | (amount < 32))
        second = shifted(m, "second", i.m, kind, amount, wide)
        self.combine(m, i, o, Mux(i.insn[21], ~second, second))


class Bitfield(InstructionClass):
    """SBFM, BFM, UBFM."""

    PATTERN = "---100110" + "-" * 23
    CASES = tuple(f"{fixed[0]}{kind}100110{fixed}" + "-" * 10
                  for fixed in ("00-----0-----", "1------------") for kind in ("00", "01", "10"))

    def describe(self, m, i, o):
        kind, wide = i.insn[29:31], i.insn[31]
        rotation, last = i.insn[16:22], i.insn[10:16]
        self.require(m, (kind != 3) & (i.insn[22] == wide)
                     & (wide | ((rotation < 32) & (last < 32))))
        # A field that begins at bit `rotation`, or else one of the lowest bits, which goes there.
        top = Mux(wide, 63, 31)
        first = Mux(last < rotation, (-rotation)[:6] & top, 0)
        keeps, reaches, turned, result = Signal(64), Signal(64), Signal(64), Signal(64)
        m.d.comb += [
            reaches.eq(~(Const(-2, 64) << ((last - rotation)[:6] & top))[:64]),
            keeps.eq(reaches & (Const(-1, 64) << first)[:64]),
            turned.eq(turn_right(i.n, rotation, wide)),
        ]
        sign = i.n.bit_select(last, 1)
        with m.Switch(kind):
            with m.Case(0):
                m.d.comb += result.eq((turned & keeps) | (sign.replicate(64) & ~reaches))
            with m.Case(1):
                m.d.comb += result.eq((turned & keeps) | (i.d & ~keeps))
            with m.Case(2):
                m.d.comb += result.eq(turned & keeps)
        write(m, o, i.insn[0:5], low_word(result, wide))


class Extract(InstructionClass):
    """EXTR."""

    PATTERN = "-00100111-0" + "-" * 21
    CASES = (
        "-00100111-0-----000000" + "-" * 10, "-00100111-0abcde------abcde-----",
        *(f"{wide}00100111{wide}0{second}{amount}{first}-----" for wide, amount in AMOUNTS[1:]
          for second, first in (("----a", "----A"), ("---ab", "---Ab"), ("--abc", "--Abc"),
                                ("-abcd", "-Abcd"), ("abcde", "Abcde"))))

    def describe(self, m, i, o):
        amount, wide = i.insn[10:16], i.insn[31]
        self.require(m, (i.insn[22] == wide) & (wide | (amount < 32)))
        write(m, o, i.insn[0:5], Mux(wide, (Cat(i.m, i.n) >> amount)[:64],
                                     (Cat(i.m[:32], i.n[:32]) >> amount)[:32]))


class VariableShift(InstructionClass):
    """LSLV, LSRV, ASRV, RORV."""

    PATTERN = "-0011010110-----0010------------"
    CASES = tuple(f"{wide}0011010110-----0010{kind}----------" for wide in "01"
                  for kind in ("00", "01", "10", "11"))

    def describe(self, m, i, o):
        wide = i.insn[31]
        amount = Cat(i.m[:5], i.m[5] & wide)
        write(m, o, i.insn[0:5], shifted(m, "result", i.n, i.insn[10:12], amount, wide))
