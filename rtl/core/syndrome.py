"""Exception classes and fault codes as they appear in ESR_EL1."""

from amaranth import Cat, Const, Mux
from amaranth.lib import enum

__all__ = ["ExceptionClass", "FaultCode", "data_abort", "syndrome", "trapped_move",
           "trapped_wait"]


class ExceptionClass(enum.Enum, shape=6):
    """Why an exception was taken (ESR_EL1 bits 31:26)."""

    UNKNOWN = 0x00
    WAIT = 0x01
    ILLEGAL_STATE = 0x0E
    SVC = 0x15
    SYSTEM = 0x18
    FETCH_LOWER = 0x20
    FETCH_SAME = 0x21
    PC_ALIGNMENT = 0x22
    DATA_LOWER = 0x24
    DATA_SAME = 0x25
    SP_ALIGNMENT = 0x26
    SERROR = 0x2F
    BRK = 0x3C


class FaultCode(enum.Enum, shape=6):
    """Status code of a fetch or data abort (ESR_EL1 bits 5:0)."""

    ADDRESS_SIZE = 0x00
    EXTERNAL = 0x10
    ALIGNMENT = 0x21
    EXCLUSIVE = 0x35


def syndrome(exception_class, specific=0):
    """Return ESR_EL1: class, 32-bit instruction length, and up to 25 bits of detail."""
    low = Const(specific, 25) if isinstance(specific, int) else specific
    pad = Const(0, 25 - len(low))
    return Cat(low, pad, Const(1, 1), exception_class)


def data_abort(el0, code, *, write, maintains, zeroes):
    """Return ESR_EL1 of a data access that cannot be made, of a store or of cache maintenance.

    What keeps an atomic from Device memory is an alignment fault of DC ZVA, the one that zeroes.
    """
    kind = Mux(el0, ExceptionClass.DATA_LOWER, ExceptionClass.DATA_SAME)
    code = Mux(zeroes & (code == FaultCode.EXCLUSIVE), FaultCode.ALIGNMENT, code)
    return syndrome(kind, Cat(code, write, Const(0, 1), maintains))


def trapped_move(insn):
    """Return ESR_EL1 of a system instruction that EL1 does not let EL0 execute."""
    return syndrome(ExceptionClass.SYSTEM, Cat(
        insn[21], insn[8:12], insn[0:5], insn[12:16], insn[16:19], insn[5:8], insn[19:21]))


def trapped_wait():
    """Return ESR_EL1 of a WFI that EL1 does not let EL0 execute: unconditional, no WFE."""
    return syndrome(ExceptionClass.WAIT, 0x1E << 20)
