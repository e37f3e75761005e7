"""Specification of what the proofs' multiplier, divider and CRC unit are asked to compute."""

from amaranth import Mux

from tests.formal.core.parts import product, quotient, remainder
from tests.formal.core.spec import InstructionClass, write

__all__ = ["Checksum", "Divide", "Multiply"]


class Multiply(InstructionClass):
    """MADD, MSUB, SMADDL and its kin, SMULH, UMULH: their operands, not the product."""

    PATTERN = "-0011011" + "-" * 24
    CASES = ("-0011011000" + "-" * 21, "10011011-01" + "-" * 21,
             "10011011-10-----0" + "-" * 15)

    def describe(self, m, i, o):
        kind, wide, subtract = i.insn[21:24], i.insn[31], i.insn[15]
        high = (kind == 2) | (kind == 6)
        self.require(m, (kind == 0) | (wide & ((kind == 1) | (kind == 5) | (high & ~subtract))))
        write(m, o, i.insn[0:5], product(
            i.n, i.m, Mux(high, 0, i.a), wide=wide, long=(kind[:2] == 1),
            signed=(kind != 0) & ~kind[2], high_half=high, subtract=subtract))


class Divide(InstructionClass):
    """SDIV, UDIV: their operands, not the quotient."""

    PATTERN = "-0011010110-----00001-----------"

    def describe(self, m, i, o):
        write(m, o, i.insn[0:5], quotient(i.n, i.m, wide=i.insn[31], signed=i.insn[10]))


class Checksum(InstructionClass):
    """CRC32, CRC32C: their operands, not the polynomial; a doubleword is two words."""

    PATTERN = "-0011010110-----010-------------"
    CASES = tuple(f"{wide}0011010110-----010-{size}----------"
                  for wide, size in (("0", "0-"), ("0", "10"), ("1", "11")))

    def describe(self, m, i, o):
        size, kind = i.insn[10:12], i.insn[12]
        self.require(m, i.insn[31] == (size == 3))
        once = remainder(i.n, i.m, size_log2=size, castagnoli=kind)
        twice = remainder(once, i.m[32:], size_log2=size, castagnoli=kind)
        write(m, o, i.insn[0:5], Mux(size == 3, twice, once))
