"""Specification of loads and stores of two registers."""

from typing import ClassVar

from amaranth import Mux, Signal

from tests.formal.core.spec import GENERAL, InstructionClass, or_sp, write
from tests.formal.core.spec_memory import access, loaded

__all__ = ["LoadPair", "LoadPairExclusive", "LoadPairTogether", "StorePair",
           "StorePairExclusive", "StorePairTogether"]

TOGETHER: dict[str, int] = {"apart": 0, "aligned": 1}
"""Both elements are in one row of the cache, if the offset lets them."""

BASES = (*GENERAL, "11111")
"""Patterns of a base, SP by itself."""

KINDS = (("-0", "-0", "-----"), ("01", "10", "-----"),
         *((kind, "-1", base) for kind in ("-0", "01") for base in BASES))
"""Kind, mode and base of the loads: none without a hint is of signed words."""


class _Pair(InstructionClass):
    """Load or store of two registers, with an offset and with the base updated or not."""

    def transfer(self, m, i, o, *, store):
        mode, wide = i.insn[23:25], i.insn[31]
        base, total, addr = i.insn[5:10], Signal(64), Signal(64)
        size = Mux(wide, 3, 2)
        m.d.comb += [total.eq(or_sp(i) + (i.insn[15:22].as_signed() << size)),
                     addr.eq(Mux(mode == 1, or_sp(i), total))]
        for port, data in enumerate((i.d, i.a)):
            access(m, o, addr + Mux(wide, 8, 4) * port, size, store=store, data=data, port=port)
        write(m, o, base, total, sp=1, port=2, when=mode[0])

    @staticmethod
    def overlaps(i):
        """Return whether the base that is updated is one of the other two registers."""
        base = i.insn[5:10]
        return i.insn[23] & (base != 31) & ((i.insn[0:5] == base) | (i.insn[10:15] == base))


class StorePair(_Pair):
    """STP, STNP."""

    PATTERN = "-010100--0" + "-" * 22

    def describe(self, m, i, o):
        self.require(m, ~self.overlaps(i))
        self.transfer(m, i, o, store=1)


class StorePairTogether(StorePair):
    """The same, where both elements are accessed at once."""

    CASES = ("-010100--0-----00" + "-" * 15,)
    CONSTANTS: ClassVar[dict[str, int]] = TOGETHER


class LoadPair(_Pair):
    """LDP, LDNP, LDPSW."""

    PATTERN = "--10100--1" + "-" * 22
    CASES = tuple(f"{kind}10100{mode}1------------{base}-----"
                  for kind, mode, base in KINDS)

    def describe(self, m, i, o):
        wide, signed = i.insn[31], i.insn[30]
        self.require(m, ~(wide & signed) & (~signed | i.insn[23:25].any())
                     & (i.insn[0:5] != i.insn[10:15]) & ~self.overlaps(i))
        self.transfer(m, i, o, store=0)
        for port, place in enumerate((0, 10)):
            write(m, o, i.insn[place:place + 5], port=port,
                  value=loaded(m, f"loaded_{port}", i.raw[port], Mux(wide, 3, 2), signed, 1))


class LoadPairTogether(LoadPair):
    """The same, where both elements are accessed at once if their registers allow that."""

    CASES = tuple(f"{kind}10100{mode}1-----00----a{base}----{parity}"
                  for kind, mode, base in KINDS
                  for parity in "aA")
    CONSTANTS: ClassVar[dict[str, int]] = TOGETHER


class LoadPairExclusive(InstructionClass):
    """LDXP, LDAXP."""

    PATTERN = "1-001000011" + "-" * 21

    def describe(self, m, i, o):
        wide, first, second = i.insn[30], i.insn[0:5], i.insn[10:15]
        size = Mux(wide, 3, 2)
        # Which half comes first does not matter, and may differ where the base is overwritten.
        self.require(m, (first != second) & ((first != i.insn[5:10]) | (first == 31)))
        for port, register in enumerate((first, second)):
            access(m, o, or_sp(i) + Mux(wide, 8, 4) * port, size, port=port)
            write(m, o, register, port=port,
                  value=loaded(m, f"loaded_{port}", i.raw[port], size, 0, 1))


class StorePairExclusive(InstructionClass):
    """STXP, STLXP; whether the store is made is the memory's choice."""

    PATTERN = "1-001000001" + "-" * 21
    CASES = tuple(f"1{wide}001000001" + "-" * 21 for wide in "01")

    def describe(self, m, i, o):
        wide, status, base = i.insn[30], i.insn[16:21], i.insn[5:10]
        self.require(m, (status != i.insn[0:5]) & (status != i.insn[10:15])
                     & ((status != base) | (base == 31)))
        for port, data in enumerate((i.d, i.a)):
            access(m, o, or_sp(i) + Mux(wide, 8, 4) * port, Mux(wide, 3, 2), store=1, data=data,
                   port=port, when=i.passed)
        write(m, o, status, ~i.passed)
