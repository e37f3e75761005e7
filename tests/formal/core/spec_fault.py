"""Specification of what comes in the place of an instruction, and of what keeps order."""

from typing import ClassVar

from amaranth import Cat, Const, Signal

from rtl.core.dcache import Maintenance
from rtl.core.fetch import FetchFault
from tests.formal.core.spec import Effect, InstructionClass, write
from tests.formal.core.spec_atomic import CompareSwapPair, Swap
from tests.formal.core.spec_data import AddImmediate
from tests.formal.core.spec_flow import RaisedException
from tests.formal.core.spec_memory import StoreUpdate, UnsignedOffset
from tests.formal.core.spec_pair import LoadPair, StorePair
from tests.formal.core.spec_system import USER

__all__ = ["AddImmediateMasked", "AsynchronousAbort", "AsynchronousAbortUser", "CacheMaintenance",
           "CacheMaintenanceRefused", "CompareSwapPairRefused", "DataBarrier", "FailedFetch",
           "FailedFetchUser", "FarFetch", "Interrupt", "InterruptUser", "LoadPairRefused",
           "LoadPairSecondRefused", "PlainBarrier", "SavedAddress", "SavedState", "SavedSyndrome",
           "StackAlignment", "StackAlignmentPair", "StackAlignmentUser", "StorePairRefused",
           "StorePairSecondRefused", "StoreUpdateRefused", "SwapRefused", "UnalignedFetch",
           "UnsignedOffsetRefused", "UnsignedOffsetUserRefused", "WaitForInterrupt"]

Constants = ClassVar[dict[str, int]]

NOP = 0xD503_201F
UNMASK_INTERRUPTS = 0xD503_42FF     # MSR DAIFClr, #2
UNMASK_ERRORS = 0xD503_44FF         # MSR DAIFClr, #4
CALL = 0xD400_2461                  # SVC #0x123
LOAD_X1 = 0xF940_03E1               # LDR X1, [SP]
SET_FLAGS = 0xD51B_4201             # MSR NZCV, X1
CHECK_SP = (0xD280_0101, 0xD518_1001)           # MOVZ X1, #8; MSR SCTLR_EL1, X1: SA
CHECK_SP_USER = (0xD280_0201, 0xD518_1001)      # the same with #16: SA0

EVERY_WORD = ("0" + "-" * 31, "1" + "-" * 31)
EL1, EL0 = 0x200, 0x400
BEHIND_CALL = 4 * 7
"""From the instruction behind the last one of a setup to the one that is proved."""


class Interrupt(RaisedException):
    """An interrupt in the place of any instruction."""

    CASES = EVERY_WORD
    SETUP = (UNMASK_INTERRUPTS,)
    CONSTANTS: Constants = {"interrupt": 1}
    VECTOR = EL1 + 0x80

    def describe(self, m, i, o):
        m.d.comb += [o.exception.eq(1), o.interrupt.eq(1), o.next_pc.eq(self.VECTOR)]


class InterruptUser(Interrupt):
    """The same at EL0."""

    SETUP = USER
    VECTOR = EL0 + 0x80


class AsynchronousAbort(RaisedException):
    """SError, for the error answer to an earlier store, in the place of any instruction."""

    CASES = EVERY_WORD
    SETUP = (UNMASK_ERRORS,)
    CONSTANTS: Constants = {"error": 1}
    KIND, VECTOR = 0x2F, EL1 + 0x180

    def detail(self, i):
        return Const(0, 25)


class AsynchronousAbortUser(AsynchronousAbort):
    """The same at EL0."""

    SETUP = USER
    VECTOR = EL0 + 0x180


class AddImmediateMasked(AddImmediate):
    """ADD and its kin while an interrupt and an error ask, both masked."""

    CONSTANTS: Constants = {"interrupt": 1, "error": 1}


class WaitForInterrupt(InstructionClass):
    """WFI while an interrupt asks that is masked: it goes on behind it."""

    PATTERN = "11010101000000110010000001111111"
    CONSTANTS: Constants = {"interrupt": 1}


class UnalignedFetch(RaisedException):
    """Any instruction at an address that is not a multiple of four."""

    CASES = EVERY_WORD
    CONSTANTS: Constants = {"unfetched": FetchFault.ALIGNMENT.value}
    KIND, CODE = 0x22, 0

    def detail(self, i):
        return Const(self.CODE, 25)


class FarFetch(UnalignedFetch):
    """Any instruction at an address of too many bits."""

    CONSTANTS: Constants = {"unfetched": FetchFault.ADDRESS.value}
    KIND = 0x21


class FailedFetch(UnalignedFetch):
    """Any instruction that the bus did not give."""

    CONSTANTS: Constants = {"unfetched": FetchFault.EXTERNAL.value}
    KIND, CODE = 0x21, 0x10


class FailedFetchUser(FailedFetch):
    """The same at EL0."""

    SETUP = USER
    KIND, VECTOR = 0x20, EL0


class SavedAddress(InstructionClass):
    """MRS of ELR_EL1 behind SVC."""

    PATTERN = "110101010011100001000000001-----"
    SETUP = (CALL,)

    def describe(self, m, i, o):
        write(m, o, i.insn[0:5], i.pc - BEHIND_CALL)


class SavedState(InstructionClass):
    """MRS of SPSR_EL1 behind SVC, with any flags: EL1 with SP_EL1, everything masked."""

    PATTERN = "110101010011100001000000000-----"
    SETUP = (LOAD_X1, SET_FLAGS, CALL)

    def describe(self, m, i, o):
        write(m, o, i.insn[0:5], Cat(Const(0x3C5, 28), i.setup[0][28:32]))


class SavedSyndrome(InstructionClass):
    """MRS of ESR_EL1 behind SVC."""

    PATTERN = "110101010011100001010010000-----"
    SETUP = (CALL,)

    def describe(self, m, i, o):
        write(m, o, i.insn[0:5], Const(0x5600_0123, 64))


class DataBarrier(InstructionClass):
    """DSB and DMB: not before every earlier store has been answered."""

    PATTERN = "11010101000000110011----10-11111"
    SETUP = (NOP,)
    CONSTANTS: Constants = {"answered": 50}

    def describe(self, m, i, o):
        m.d.comb += o.ordered.eq(1)


class PlainBarrier(InstructionClass):
    """ISB, which starts fetch anew behind it, and CLREX."""

    PATTERN = "11010101000000110011-----1-11111"
    CASES = tuple(f"11010101000000110011----{kind}11111" for kind in ("010", "110"))


class CacheMaintenance(InstructionClass):
    """DC by address, and by set and way; IC."""

    PATTERN = "1101010100001---0111------------"
    KINDS = {
        ("000", "0110", "001"): (Maintenance.INVALIDATE, 0),
        ("000", "0110", "010"): (Maintenance.INVALIDATE, 1),
        ("000", "1010", "010"): (Maintenance.CLEAN, 1),
        ("000", "1110", "010"): (Maintenance.CLEAN_INVALIDATE, 1),
        ("011", "1010", "001"): (Maintenance.CLEAN, 0),
        ("011", "1011", "001"): (Maintenance.CLEAN, 0),
        ("011", "1100", "001"): (Maintenance.CLEAN, 0),
        ("011", "1110", "001"): (Maintenance.CLEAN_INVALIDATE, 0),
    }
    """By op1, CRm and op2: what is asked of the data cache, and whether by set and way."""

    OTHERS = (("000", "0001", "000"), ("000", "0101", "000"), ("011", "0101", "001"))
    """IC IALLUIS, IALLU and IVAU."""

    CASES = tuple(f"1101010100001{op1}0111{crm}{op2}-----" for op1, crm, op2 in (*KINDS, *OTHERS))

    def describe(self, m, i, o):
        with m.Switch(i.insn[5:19]):
            for (op1, crm, op2), (what, by_set) in self.KINDS.items():
                with m.Case(f"{op1}0111{crm}{op2}"):
                    m.d.comb += [o.maintained.what.eq(what), o.maintained.by_set.eq(by_set),
                                 o.maintained.addr.eq(i.d)]


class _Replaced:
    """What an instruction does if something keeps it from its accesses."""

    VECTOR = EL1

    def describe(self, m, i, o):
        whole = Signal(Effect)
        m.d.comb += [whole.nzcv.eq(i.nzcv), whole.next_pc.eq(i.pc + 4), whole.kept.eq(i.raw)]
        super().describe(m, i, whole)
        accesses, syndrome = self.replace(i, whole)
        m.d.comb += o.maintained.eq(whole.maintained)
        with m.If(accesses):
            m.d.comb += [o.exception.eq(1), o.syndrome.eq(syndrome), o.next_pc.eq(self.VECTOR)]
        with m.Else():
            m.d.comb += [o.writes.eq(whole.writes), o.memory.eq(whole.memory),
                         o.next_pc.eq(whole.next_pc)]


class _Refused(_Replaced):
    """What an instruction does if its first or second access is refused."""

    CONSTANTS: Constants = {"refused": 1}
    KIND = 0x25

    def replace(self, i, whole):
        """Return whether there is an access, and the syndrome."""
        asked = whole.maintained.what != Maintenance.NONE
        return whole.memory[0].valid | asked, Cat(
            i.code, whole.memory[0].write | asked, Const(0, 1), asked, Const(0, 16), Const(1, 1),
            Const(self.KIND, 6))


class UnsignedOffsetRefused(_Refused, UnsignedOffset):
    """LDR, STR and their kin with an unsigned offset, whose access is refused; PRFM goes on."""


class UnsignedOffsetUserRefused(UnsignedOffsetRefused):
    """The same at EL0."""

    SETUP = USER
    KIND, VECTOR = 0x24, EL0


class StoreUpdateRefused(_Refused, StoreUpdate):
    """STR and its kin with the base updated, whose access is refused."""


class LoadPairRefused(_Refused, LoadPair):
    """LDP, LDNP, LDPSW, whose first access is refused."""


class LoadPairSecondRefused(LoadPairRefused):
    """The same for the second access."""

    CONSTANTS: Constants = {"refused": 2}


class StorePairRefused(_Refused, StorePair):
    """STP, STNP, whose first access is refused."""


class StorePairSecondRefused(StorePairRefused):
    """The same for the second access."""

    CONSTANTS: Constants = {"refused": 2}


class SwapRefused(_Refused, Swap):
    """SWP, whose load is refused."""


class CompareSwapPairRefused(_Refused, CompareSwapPair):
    """CASP, whose second load is refused."""

    CONSTANTS: Constants = {"steady": 1, "refused": 2}


class CacheMaintenanceRefused(_Refused, CacheMaintenance):
    """DC by address, which is refused."""

    CASES = tuple(case for (op1, crm, op2), case in zip(
        CacheMaintenance.KINDS, CacheMaintenance.CASES, strict=False) if op2 == "001")


class _StackAlignment(_Replaced):
    """What an instruction does relative to SP, where that must be a multiple of 16."""

    SETUP = CHECK_SP

    def replace(self, i, whole):
        """Return whether the access is at fault, and the syndrome."""
        return whole.memory[0].valid & i.sp[:4].any(), Const(0x26 << 26 | 1 << 25, 32)


class StackAlignment(_StackAlignment, UnsignedOffset):
    """LDR, STR and their kin relative to SP, with SCTLR_EL1.SA: SP must be a multiple of 16."""

    CASES = tuple(f"{case[:22]}11111-----" for case in UnsignedOffset.CASES)


class StackAlignmentUser(StackAlignment):
    """The same at EL0, with SCTLR_EL1.SA0."""

    SETUP = (*CHECK_SP_USER, *USER)
    VECTOR = EL0


class StackAlignmentPair(_StackAlignment, StorePair):
    """STP, STNP relative to SP, with SCTLR_EL1.SA."""

    CASES = ("-010100--0------------11111-----",)
