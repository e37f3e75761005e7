"""Specification of branches and exceptions."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value, ValueLike

from tests.formal.core.spec import InstructionClass, condition_holds, write

__all__ = ["Breakpoint", "CompareBranch", "ConditionalBranch", "DirectBranch", "Hint",
           "IndirectBranch", "RaisedException", "SupervisorCall", "TestBranch"]


def jump(m, i, o, offset, when: ValueLike = 1):
    """Go to an address that lies a number of instructions away."""
    with m.If(when):
        m.d.comb += o.next_pc.eq(i.pc + (offset.as_signed() << 2))


class DirectBranch(InstructionClass):
    """B, BL."""

    PATTERN = "-00101" + "-" * 26

    def describe(self, m, i, o):
        write(m, o, Const(30, 5), i.pc + 4, when=i.insn[31])
        jump(m, i, o, i.insn[0:26])


class ConditionalBranch(InstructionClass):
    """B with a condition."""

    PATTERN = "01010100" + "-" * 19 + "0----"

    def describe(self, m, i, o):
        jump(m, i, o, i.insn[5:24], condition_holds(m, "holds", i.insn[0:4], i.nzcv))


class CompareBranch(InstructionClass):
    """CBZ, CBNZ."""

    PATTERN = "-011010" + "-" * 25

    def describe(self, m, i, o):
        zero = Mux(i.insn[31], i.d == 0, i.d[:32] == 0)
        jump(m, i, o, i.insn[5:24], zero != i.insn[24])


class TestBranch(InstructionClass):
    """TBZ, TBNZ."""

    __test__ = False
    PATTERN = "-011011" + "-" * 25

    def describe(self, m, i, o):
        bit = i.d.bit_select(Cat(i.insn[19:24], i.insn[31]), 1)
        jump(m, i, o, i.insn[5:19], bit == i.insn[24])


class IndirectBranch(InstructionClass):
    """BR, BLR, RET."""

    PATTERN = "11010110---11111000000-----00000"
    CASES = tuple(f"11010110{kind}11111000000-----00000" for kind in ("00-", "010"))

    def describe(self, m, i, o):
        self.require(m, i.insn[21:24] < 3)
        write(m, o, Const(30, 5), i.pc + 4, when=i.insn[21])
        m.d.comb += o.next_pc.eq(i.n)


class Hint(InstructionClass):
    """Hints, none of which does anything; without WFI, which may wait."""

    PATTERN = "11010101000000110010-------11111"
    CASES = tuple(f"11010101000000110010{number}11111" for number in (
        "1------", "01-----", "001----", "0001---", "00001--", "0000010", "000000-"))


class RaisedException(InstructionClass):
    """Synchronous exception to EL1, by default taken at EL1 with a vector base of zero."""

    KIND = 0
    VECTOR = 0x200

    def describe(self, m, i, o):
        detail = Signal(25)
        m.d.comb += [detail.eq(self.detail(i)), o.exception.eq(1), o.next_pc.eq(self.vector(i)),
                     o.syndrome.eq(Cat(detail, Const(1, 1), Const(self.KIND, 6)))]

    def detail(self, i) -> Value:
        """Return what the syndrome tells beside the class: here the word's immediate."""
        return i.insn[5:21]

    def vector(self, i) -> ValueLike:
        """Return the address of the vector."""
        return self.VECTOR


class SupervisorCall(RaisedException):
    """SVC."""

    PATTERN = "11010100000----------------00001"
    KIND = 0x15


class Breakpoint(RaisedException):
    """BRK."""

    PATTERN = "11010100001----------------00000"
    KIND = 0x3C
