"""Specification of atomic memory operations."""

from typing import ClassVar

from amaranth import Mux, Signal
from amaranth.hdl import ValueLike

from tests.formal.core.spec import LOAD_NEXT, InstructionClass, extend, low_word, or_sp, write
from tests.formal.core.spec_memory import access, loaded

__all__ = ["AtomicOperation", "CompareSwap", "CompareSwapPair", "Swap"]


class _Atomic(InstructionClass):
    """A load and a store of the same place; a register gets what was loaded."""

    def exchange(self, m, i, o, new, *, register, when: ValueLike = 1):
        size = i.insn[30:32]
        access(m, o, or_sp(i), size)
        access(m, o, or_sp(i), size, store=1, data=new, port=1, when=when)
        write(m, o, register, loaded(m, "loaded", i.raw[0], size, 0, 1))


class AtomicOperation(_Atomic):
    """LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN, and ST for LD."""

    PATTERN = "--111000--1-----0---00----------"
    CASES = tuple(f"{size}111000--1-----0{code}00----------"
                  for size in ("00", "01", "10", "11")
                  for code in ("000", "001", "010", "011", "10-", "11-"))

    def describe(self, m, i, o):
        new, first, second = Signal(64), Signal(64), Signal(64)
        code, size = i.insn[12:15], i.insn[30:32]
        with m.Switch(size):
            for log2 in range(4):
                with m.Case(log2):
                    m.d.comb += [first.eq(extend(i.raw[0], 8 << log2, ~code[1])),
                                 second.eq(extend(i.m, 8 << log2, ~code[1]))]
        greater = Mux(code[1], first > second, first.as_signed() > second.as_signed())
        with m.Switch(code):
            for number, value in enumerate((first + second, first & ~second, first ^ second,
                                            first | second)):
                with m.Case(number):
                    m.d.comb += new.eq(value)
            with m.Default():
                m.d.comb += new.eq(Mux(greater ^ code[0], first, second))
        self.exchange(m, i, o, new, register=i.insn[0:5])


class Swap(_Atomic):
    """SWP."""

    PATTERN = "--111000--1-----100000----------"

    def describe(self, m, i, o):
        self.exchange(m, i, o, i.m, register=i.insn[0:5])


class CompareSwap(_Atomic):
    """CAS."""

    PATTERN = "--0010001-1------11111----------"

    def describe(self, m, i, o):
        equal, size = Signal(), i.insn[30:32]
        with m.Switch(size):
            for log2 in range(4):
                with m.Case(log2):
                    m.d.comb += equal.eq(i.raw[0][:8 << log2] == i.m[:8 << log2])
        self.exchange(m, i, o, i.d, register=i.insn[16:21], when=equal)


class CompareSwapPair(InstructionClass):
    """CASP, on two elements of memory; the retire port shows two loads of the first one."""

    PATTERN = "0-0010000-1----0-11111---------0"
    CASES = tuple(f"0{wide}0010000-1----0-11111---------0" for wide in "01")
    SETUP = tuple(LOAD_NEXT.values())
    CONSTANTS: ClassVar[dict[str, int]] = {"steady": 1}

    def describe(self, m, i, o):
        wide, register = i.insn[30], i.insn[16:21]
        size, equal = Mux(wide, 3, 2), Signal()
        m.d.comb += equal.eq((low_word(i.raw[0], wide) == low_word(i.m, wide))
                             & (low_word(i.raw[1], wide) == low_word(i.m_next, wide)))
        for port in range(2):
            access(m, o, or_sp(i), size, port=port)
        for port, new in enumerate((i.d, i.d_next)):
            write(m, o, register | port, low_word(i.raw[port], wide), port=port)
            with m.If(equal):
                m.d.comb += o.kept[port].eq(low_word(new, wide))
