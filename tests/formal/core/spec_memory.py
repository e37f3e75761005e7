"""Specification of loads and stores of one register."""

from amaranth import Const, Mux, Signal
from amaranth.hdl import ValueLike

from tests.formal.core.spec import GENERAL, InstructionClass, extend, low_word, or_sp, write

__all__ = ["LoadAcquire", "LoadExclusive", "LoadLiteral", "LoadUpdate", "Ordered",
           "RegisterOffset", "StoreExclusive", "StoreUpdate", "Unscaled", "UnsignedOffset",
           "access", "loaded"]

NOTHING = Const(0, 64)

SINGLE = (("--", "00"), ("--", "01"), ("--", "10"), ("0-", "11"))
"""Sizes and kinds of the loads and stores of one register."""


def access(m, o, addr, size_log2, *, store=0, data=NOTHING, port=0, when: ValueLike = 1):
    """Make an access of memory; what a load finds is not said here."""
    entry = o.memory[port]
    m.d.comb += [entry.valid.eq(when), entry.write.eq(store), entry.size_log2.eq(size_log2),
                 entry.addr.eq(addr)]
    with m.Switch(size_log2):
        for size in range(4):
            with m.Case(size):
                m.d.comb += entry.value.eq(data[:8 << size])


def loaded(m, name, raw, size_log2, signed, wide):
    """Return what a load leaves in the register."""
    value = Signal(64, name=name)
    with m.Switch(size_log2):
        for size in range(4):
            with m.Case(size):
                m.d.comb += value.eq(low_word(extend(raw, 8 << size, signed), wide))
    return value


class _Single(InstructionClass):
    """Load or store of one register; bits 31:30 are the size, 23:22 the kind."""

    def transfer(self, m, i, o, addr):
        size, kind = i.insn[30:32], i.insn[22:24]
        store, nothing = kind == 0, (size == 3) & (kind == 2)
        self.require(m, (kind != 3) | (size < 2))
        access(m, o, addr, size, store=store, data=i.d, when=~nothing)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, kind[1], ~kind[0] | ~kind[1]),
              when=~store & ~nothing)


class UnsignedOffset(_Single):
    """LDR, STR and their kin with an unsigned offset, PRFM."""

    PATTERN = "--111001" + "-" * 24
    CASES = tuple(f"{size}111001{kind}" + "-" * 22
                  for size, kind in SINGLE)

    def describe(self, m, i, o):
        self.transfer(m, i, o, (or_sp(i) + (i.insn[10:22] << i.insn[30:32]))[:64])


class Unscaled(_Single):
    """LDUR, STUR and their kin, PRFUM."""

    PATTERN = "--111000--0---------00----------"
    CASES = tuple(f"{size}111000{kind}0---------00----------"
                  for size, kind in SINGLE)

    def describe(self, m, i, o):
        self.transfer(m, i, o, (or_sp(i) + i.insn[12:21].as_signed())[:64])


class StoreUpdate(InstructionClass):
    """STR and its kin with the base updated before or after."""

    PATTERN = "--111000000----------1----------"

    def describe(self, m, i, o):
        base, total = or_sp(i), Signal(64)
        self.require(m, (i.insn[0:5] != i.insn[5:10]) | (i.insn[5:10] == 31))
        m.d.comb += total.eq(base + i.insn[12:21].as_signed())
        access(m, o, Mux(i.insn[11], total, base), i.insn[30:32], store=1, data=i.d)
        write(m, o, i.insn[5:10], total, sp=1)


class LoadUpdate(InstructionClass):
    """LDR and its kin with the base updated before or after."""

    PATTERN = "--111000--0----------1----------"
    CASES = tuple(f"{size}111000{kind}0----------1{registers}"
                  for size, kind in (("--", "01"), ("0-", "10"), ("10", "10"), ("0-", "11"))
                  for registers in ("----a----A", "11111----1", *(
                      f"{base[:4]}a----a" if base[4] == "-" else f"{base}----{base[4]}"
                      for base in GENERAL)))

    def describe(self, m, i, o):
        base, total, addr = or_sp(i), Signal(64), Signal(64)
        size, kind = i.insn[30:32], i.insn[22:24]
        self.require(m, (kind != 0) & ((kind != 3) | (size < 2)) & ~((size == 3) & (kind == 2))
                     & ((i.insn[0:5] != i.insn[5:10]) | (i.insn[5:10] == 31)))
        m.d.comb += [total.eq(base + i.insn[12:21].as_signed()),
                     addr.eq(Mux(i.insn[11], total, base))]
        access(m, o, addr, size)
        write(m, o, i.insn[5:10], total, sp=1, port=1)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, kind[1], ~kind[0] | ~kind[1]))


class RegisterOffset(_Single):
    """LDR, STR and their kin with a register as the offset, PRFM."""

    PATTERN = "--111000--1------1--10----------"
    CASES = tuple(f"{size}111000{kind}1------1--10----------"
                  for size, kind in SINGLE)

    def describe(self, m, i, o):
        option = i.insn[13:16]
        index = Mux(option[0], i.m, extend(i.m, 32, option[2]))
        self.transfer(m, i, o, (or_sp(i) + (index << Mux(i.insn[12], i.insn[30:32], 0)))[:64])


class LoadLiteral(InstructionClass):
    """LDR and LDRSW from an address relative to the instruction, PRFM."""

    PATTERN = "--011000" + "-" * 24

    def describe(self, m, i, o):
        kind = i.insn[30:32]
        size = Mux(kind == 1, 3, 2)
        access(m, o, (i.pc + (i.insn[5:24].as_signed() << 2))[:64], size, when=kind != 3)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, kind[1], 1), when=kind != 3)


class Ordered(InstructionClass):
    """LDAR, STLR, LDLAR, STLLR."""

    PATTERN = "--0010001-0-" + "-" * 20

    def describe(self, m, i, o):
        load, size = i.insn[22], i.insn[30:32]
        access(m, o, or_sp(i), size, store=~load, data=i.d)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, 0, 1), when=load)


class LoadExclusive(InstructionClass):
    """LDXR, LDAXR."""

    PATTERN = "--001000010" + "-" * 21

    def describe(self, m, i, o):
        size = i.insn[30:32]
        access(m, o, or_sp(i), size)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, 0, 1))


class StoreExclusive(InstructionClass):
    """STXR, STLXR; whether the store is made is the memory's choice."""

    PATTERN = "--001000000" + "-" * 21

    def describe(self, m, i, o):
        status, data, base = i.insn[16:21], i.insn[0:5], i.insn[5:10]
        self.require(m, (status != data) & ((status != base) | (base == 31)))
        access(m, o, or_sp(i), i.insn[30:32], store=1, data=i.d, when=i.passed)
        write(m, o, status, ~i.passed)


class LoadAcquire(InstructionClass):
    """LDAPR."""

    PATTERN = "--11100010111111110000----------"

    def describe(self, m, i, o):
        size = i.insn[30:32]
        access(m, o, or_sp(i), size)
        write(m, o, i.insn[0:5], loaded(m, "loaded", i.raw[0], size, 0, 1))
