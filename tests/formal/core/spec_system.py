"""Specification of system registers, EL0, and what is not defined."""

from amaranth import Cat, Const, Signal

from tests.formal.core.spec import MOVE, InstructionClass, write
from tests.formal.core.spec_data import AddImmediate
from tests.formal.core.spec_flow import Breakpoint, RaisedException, SupervisorCall
from tests.formal.core.spec_memory import UnsignedOffset

__all__ = ["AddImmediateUser", "BreakpointUser", "MaskUser", "MoveFromSystem", "MoveToSystem",
           "Return", "SupervisorCallUser", "SupervisorCallVector", "Undefined", "UndefinedUser",
           "UnsignedOffsetUser"]

LOAD_X1, LOAD_X2 = 0xF94003E1, 0xF94003E2       # LDR X1, [SP]; LDR X2, [SP]
USER = (
    0x10000081,     # ADR X1, +16
    0xD5184021,     # MSR ELR_EL1, X1
    0xD518401F,     # MSR SPSR_EL1, XZR
    0xD69F03E0,     # ERET
)
"""Go on at EL0."""

REGISTERS = {
    (3, 0, 4, 0, 0): 0xFFFF_FFFF,           # SPSR_EL1
    (3, 0, 4, 0, 1): 0xFFFF_FFFF_FFFF_FFFF,     # ELR_EL1
    (3, 0, 4, 1, 0): 0xFFFF_FFFF_FFFF_FFFF,     # SP_EL0
    (3, 0, 5, 2, 0): 0xFFFF_FFFF,           # ESR_EL1
    (3, 0, 6, 0, 0): 0xFFFF_FFFF_FFFF_FFFF,     # FAR_EL1
    (3, 0, 12, 0, 0): 0xFFFF_FFFF_FFFF_F800,    # VBAR_EL1
    (3, 0, 13, 0, 1): 0xFFFF_FFFF,          # CONTEXTIDR_EL1
    (3, 0, 13, 0, 4): 0xFFFF_FFFF_FFFF_FFFF,    # TPIDR_EL1
    (3, 3, 13, 0, 2): 0xFFFF_FFFF_FFFF_FFFF,    # TPIDR_EL0
    (3, 3, 13, 0, 3): 0xFFFF_FFFF_FFFF_FFFF,    # TPIDRRO_EL0
    (3, 3, 14, 3, 2): 0xFFFF_FFFF_FFFF_FFFF,    # CNTV_CVAL_EL0
}
"""Registers that keep what is written to them: encoding, and the bits that they keep."""

ENCODINGS = tuple(f"1{op0 & 1:b}{op1:03b}{crn:04b}{crm:04b}{op2:03b}"
                  for op0, op1, crn, crm, op2 in REGISTERS)
"""The same as bits 20:5 of the instruction."""


class MoveToSystem(InstructionClass):
    """MSR with a register: it goes on behind it, and changes no general register."""

    PATTERN = "110101010001" + "-" * 20
    CASES = tuple(f"11010101000{encoding}-----" for encoding in ENCODINGS)


class MoveFromSystem(InstructionClass):
    """MRS, of what MSR has written."""

    PATTERN = "110101010011" + "-" * 20
    CASES = tuple(f"11010101001{encoding}-----" for encoding in ENCODINGS)
    SETUP = (LOAD_X1, MOVE)

    def describe(self, m, i, o):
        kept = Signal(64)
        with m.Switch(i.insn[5:21]):
            for encoding, mask in zip(ENCODINGS, REGISTERS.values(), strict=True):
                with m.Case(encoding):
                    m.d.comb += kept.eq(mask)
        write(m, o, i.insn[0:5], i.setup[0] & kept)


class Return(InstructionClass):
    """ERET, with any ELR_EL1 and SPSR_EL1."""

    PATTERN = "11010110100111110000001111100000"
    SETUP = (LOAD_X1, 0xD5184021, LOAD_X2, 0xD5184002)      # MSR ELR_EL1, X1; MSR SPSR_EL1, X2

    def describe(self, m, i, o):
        m.d.comb += [o.next_pc.eq(i.setup[0]), o.nzcv.eq(i.setup[1][28:32])]


class Undefined(RaisedException):
    """Words that are no instruction for the core: an exception of class 0."""

    CASES = (
        "0000000000000000" + "-" * 16,          # UDF
        "---0001" + "-" * 25, "---0010" + "-" * 25, "---0011" + "-" * 25,
        "----111" + "-" * 25,                   # floating point and vectors
        "----110" + "-" * 25,                   # their loads and stores
        "-01100101" + "-" * 23,                 # a move of no kind
        "---01011--1--------11-----------",     # an extension by 6 or 7
        "11010100000" + "-" * 16 + "0001-",     # HVC, SMC
        "11010100010" + "-" * 16 + "00000",     # HLT
    )

    def detail(self, i):
        return Const(0, 25)


class SupervisorCallVector(SupervisorCall):
    """SVC, with any VBAR_EL1."""

    SETUP = (LOAD_X1, 0xD518C001)       # MSR VBAR_EL1, X1

    def vector(self, i):
        return Cat(Const(0x200, 11), i.setup[0][11:])


class SupervisorCallUser(SupervisorCall):
    """SVC at EL0."""

    SETUP = USER
    VECTOR = 0x400


class BreakpointUser(Breakpoint):
    """BRK at EL0."""

    SETUP = USER
    VECTOR = 0x400


class UndefinedUser(Undefined):
    """What is not defined at EL0: system registers of EL1, SPSel and PAN, ERET."""

    SETUP = USER
    VECTOR = 0x400
    CASES = ("1101010100-11000" + "-" * 16,
             "11010101000000000100----10-11111",
             Return.PATTERN)


class MaskUser(RaisedException):
    """MSR DAIFSet and DAIFClr at EL0, which SCTLR_EL1.UMA does not allow: a trap."""

    PATTERN = "11010101000000110100----11-11111"
    SETUP = USER
    VECTOR = 0x400
    KIND = 0x18

    def detail(self, i):
        insn = i.insn
        return Cat(insn[21], insn[8:12], insn[0:5], insn[12:16], insn[16:19], insn[5:8],
                   insn[19:21], Const(0, 3))


class AddImmediateUser(AddImmediate):
    """ADD, ADDS, SUB, SUBS with an immediate, at EL0."""

    SETUP = USER


class UnsignedOffsetUser(UnsignedOffset):
    """LDR, STR and their kin with an unsigned offset, at EL0."""

    SETUP = USER
