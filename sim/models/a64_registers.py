"""System registers as the core has them: names, values at reset, identity, what EL0 may reach."""

__all__ = ["CORE_ONLY", "COUNTERS", "ELR", "ESR", "FAR", "IDENTITY", "RESET_SYSTEM", "SCTLR",
           "SPSR", "SP_EL0", "SP_EL1", "UNDEFINED", "USER_CONTROL", "VBAR", "SystemName",
           "syndrome_of_monitor", "syndrome_of_refused", "system_name"]

#: Syndrome of an undefined instruction.
UNDEFINED = 0x0200_0000

#: op0, op1, CRn, CRm, op2.
SystemName = tuple[int, int, int, int, int]

SCTLR: SystemName = (3, 0, 1, 0, 0)
SPSR: SystemName = (3, 0, 4, 0, 0)
ELR: SystemName = (3, 0, 4, 0, 1)
SP_EL0: SystemName = (3, 0, 4, 1, 0)
SP_EL1: SystemName = (3, 4, 4, 1, 0)
ESR: SystemName = (3, 0, 5, 2, 0)
FAR: SystemName = (3, 0, 6, 0, 0)
VBAR: SystemName = (3, 0, 12, 0, 0)

#: Registers that count time or compare with it: nobody but the core knows their values.
COUNTERS: dict[SystemName, str] = {
    (3, 3, 14, 0, 1): "CNTPCT_EL0",
    (3, 3, 14, 0, 2): "CNTVCT_EL0",
    **{(3, 3, 14, crm, op2): f"CNT{kind}_{name}_EL0" for crm, kind in ((2, "P"), (3, "V"))
       for op2, name in enumerate(("TVAL", "CTL", "CVAL"))},
    (3, 0, 12, 1, 0): "ISR_EL1",
}


def _core_only(name: SystemName) -> str:
    """Return the kind of a register that only the core has as it is, or an empty string."""
    op0, op1, crn, crm, op2 = name
    if (op0, op1, crn) == (3, 3, 14) and crm >= 8:
        return "monitor reads"
    if (op0, crn) == (3, 9) and crm >= 12 and (op1 == 3 or (op1, crm) == (0, 14)):
        return "" if (crm, op2) == (14, 0) else "monitor reads"
    if ((op0, op1, crn) == (3, 0, 12) and 8 <= crm <= 12) or name == (3, 0, 4, 6, 0):
        return "GIC reads"
    return ""


#: Registers that the oracle does not model, by the kind of value it takes from the core.
CORE_ONLY: dict[SystemName, str] = {
    name: kind for op1 in (0, 3) for crn in (4, 9, 12, 14) for crm in range(16) for op2 in range(8)
    if (kind := _core_only(name := (3, op1, crn, crm, op2)))}

#: What the core's identification registers must read as.
IDENTITY: dict[SystemName, int] = {
    (3, 0, 0, 0, 0): 0x000f_0000,       # MIDR_EL1: implementer 0
    (3, 0, 0, 0, 5): 0x8000_0000,       # MPIDR_EL1: core 0 of one
    (3, 0, 0, 0, 6): 0,                 # REVIDR_EL1
    (3, 0, 0, 4, 0): 0x01ff_0011,       # ID_AA64PFR0_EL1: GIC; EL0, EL1; no FP, no SIMD
    (3, 0, 0, 5, 0): 0x100,             # ID_AA64DFR0_EL1: PMUv3
    (3, 0, 0, 6, 0): 0x0021_0000,       # ID_AA64ISAR0_EL1: atomics, CRC32
    (3, 0, 0, 6, 1): 0x0010_0001,       # ID_AA64ISAR1_EL1: LDAPR, DC CVAP
    (3, 0, 0, 7, 0): 0xff00_0002,       # ID_AA64MMFR0_EL1: 40 address bits, no granule
    (3, 0, 0, 7, 1): 0x0010_0000,       # ID_AA64MMFR1_EL1: PAN
    (3, 0, 0, 7, 2): 0,                 # ID_AA64MMFR2_EL1
    (3, 3, 0, 0, 1): 0x8444_c004,       # CTR_EL0: 64-byte lines
}

#: System registers whose value at reset programs depend on.
RESET_SYSTEM: dict[SystemName, int] = {
    SCTLR: 0x30d0_0800,
    VBAR: 0,
    (3, 0, 1, 0, 2): 0,                 # CPACR_EL1
    (3, 3, 14, 0, 0): 60_000_000,       # CNTFRQ_EL0
}

# What EL1 has to allow EL0, to read and to write: without it, a trap of class 0x18.
_CONTROLLED_READS = frozenset(
    {(3, 3, 0, 0, 1), (3, 3, 4, 2, 1)}                                      # CTR_EL0, DAIF
    | {(3, 3, 14, crm, op2) for crm in (0, 2, 3) for op2 in range(3)})      # CNT*
_CONTROLLED_WRITES = frozenset(
    {(3, 3, 4, 2, 1)} | {(3, 3, 14, crm, op2) for crm in (2, 3) for op2 in range(3)}
    | {(0, 3, 4, crm, op2) for crm in range(16) for op2 in (6, 7)}          # DAIFSet, DAIFClr
    | {(1, 3, 7, crm, 1) for crm in (4, 5, 10, 11, 12, 14)})                # DC, IC by address


def system_name(insn: int) -> SystemName:
    """Return what a system instruction names, the register that an MRS or MSR moves."""
    return (insn >> 19 & 3, insn >> 16 & 7, insn >> 12 & 15, insn >> 8 & 15, insn >> 5 & 7)


# Controls in PMUSERENR_EL0 of reading and writing at EL0: EN, SW, CR, ER; the rest wants EN.
USER_CONTROL: SystemName = (3, 3, 9, 14, 0)
_EN, _SW, _CR, _ER = 1, 2, 4, 8
_USER_READS = {(9, 12, 5): _EN | _ER, (9, 13, 0): _EN | _CR, (9, 13, 2): _EN | _ER}
_USER_WRITES = {(9, 12, 4): _EN | _SW, (9, 12, 5): _EN | _ER}
# The CPU interface of the GIC, as far as it exists.
_ICC_READS = {(12, 11, 3), (12, 12, 0), (12, 12, 2)}
_ICC_WRITES = {(12, 11, 1), (12, 11, 5), (12, 12, 1)}
_ICC = _ICC_READS | _ICC_WRITES | {(4, 6, 0), (12, 8, 4), (12, 9, 0)} | {
    (12, 12, op2) for op2 in range(3, 8)}
_WRITE_ONLY = {(9, 12, 4)} | _ICC_WRITES
_READ_ONLY = {(9, 12, 6), (9, 12, 7)} | _ICC_READS


def _move_syndrome(insn: int) -> int:
    """Return the syndrome of a system instruction that EL1 does not allow EL0."""
    op0, op1, crn, crm, op2 = system_name(insn)
    return (0x6200_0000 | op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | (insn & 31) << 5
            | crm << 1 | insn >> 21 & 1)


def syndrome_of_refused(insn: int, at_el0: bool) -> int:
    """Return the syndrome of an instruction that Unicorn finds undefined, or not allowed."""
    if not at_el0 or insn >> 22 != 0xd5 << 2:
        return UNDEFINED
    reads = insn >> 21 & 1
    if system_name(insn) not in (_CONTROLLED_READS if reads else _CONTROLLED_WRITES):
        return UNDEFINED
    return _move_syndrome(insn)


def syndrome_of_monitor(insn: int, *, at_el0: bool, user: int) -> int | None:
    """Return why a move of a register of :data:`CORE_ONLY` is refused, or None.

    Parameters
    ----------
    insn : :class:`int`
        MRS or MSR.
    at_el0 : :class:`bool`
        The exception level is EL0.
    user : :class:`int`
        PMUSERENR_EL0.
    """
    _, op1, crn, crm, op2 = system_name(insn)
    place, reads = (crn, crm, op2), insn >> 21 & 1
    wrong = place in (_WRITE_ONLY if reads else _READ_ONLY) or (
        # Of the event counters, there are six with a register of their own.
        crn == 14 and (crm not in (8, 12) or op2 >= 6) and place != (14, 15, 7)) or (
        crn in (4, 12) and place not in _ICC)
    if wrong or (at_el0 and op1 == 0):
        return UNDEFINED
    needs = (_USER_READS if reads else _USER_WRITES).get(
        place, _EN | _ER if reads and (crn, crm) == (14, 8) else _EN)
    return _move_syndrome(insn) if at_el0 and not user & needs else None
