"""System registers: name, encoding, access. The decoder and the README read this one table."""

import dataclasses

from amaranth.lib import data, enum

__all__ = ["SYSTEM_REGISTERS", "El0Controls", "SysReg", "SystemRegister", "system_register_table"]


class SysReg(enum.Enum, shape=7):
    """Number of a system register behind decode.

    The first 16 are places of a memory. A timer's TVAL names, in its lower four bits, its CVAL.
    """

    FAR = 0x00
    TPIDR_EL0 = 0x01
    TPIDRRO_EL0 = 0x02
    TPIDR_EL1 = 0x03
    CNTV_CVAL = 0x04
    CNTP_CVAL = 0x05
    CONTEXTIDR = 0x06
    CNTV_TVAL = 0x14
    CNTP_TVAL = 0x15
    ZERO = 0x20         # no feature to report, or nothing to control
    CURRENT_EL = 0x21
    SPSEL = 0x22
    DAIF = 0x23
    NZCV = 0x24
    SP_EL0 = 0x25
    ELR = 0x26
    SPSR = 0x27
    ESR = 0x28
    VBAR = 0x29
    SCTLR = 0x2A
    CPACR = 0x2B
    PAN = 0x2C
    MIDR = 0x2D
    MPIDR = 0x2E
    CTR = 0x2F
    DCZID = 0x30
    CNTKCTL = 0x31
    CNTFRQ = 0x32
    CNTPCT = 0x33
    CNTVCT = 0x34
    CNTV_CTL = 0x35
    CNTP_CTL = 0x36
    ID_DFR0 = 0x37
    ID_PFR0 = 0x38
    ID_ISAR0 = 0x39
    ID_ISAR1 = 0x3A
    ID_MMFR0 = 0x3B
    ID_MMFR1 = 0x3C
    CLIDR = 0x3D
    CCSIDR = 0x3E
    CSSELR = 0x3F
    # The performance monitors; a register that clears bits is behind the one that sets them.
    PMCNTENSET = 0x40
    PMCNTENCLR = 0x41
    PMOVSSET = 0x42
    PMOVSCLR = 0x43
    PMINTENSET = 0x44
    PMINTENCLR = 0x45
    PMCR = 0x46
    PMSWINC = 0x47
    PMSELR = 0x48
    PMCEID0 = 0x49
    PMXEVTYPER = 0x4A
    PMXEVCNTR = 0x4B
    PMUSERENR = 0x4C
    PMCCFILTR = 0x4D
    PMCCNTR = 0x4E
    PMEVCNTR0 = 0x50
    PMEVCNTR1 = 0x51
    PMEVCNTR2 = 0x52
    PMEVCNTR3 = 0x53
    PMEVCNTR4 = 0x54
    PMEVCNTR5 = 0x55
    PMEVTYPER0 = 0x58
    PMEVTYPER1 = 0x59
    PMEVTYPER2 = 0x5A
    PMEVTYPER3 = 0x5B
    PMEVTYPER4 = 0x5C
    PMEVTYPER5 = 0x5D
    # The CPU interface of the interrupt controller: the lower four bits are its IccRegister.
    ICC_PMR = 0x60
    ICC_IAR1 = 0x61
    ICC_EOIR1 = 0x62
    ICC_HPPIR1 = 0x63
    ICC_BPR1 = 0x64
    ICC_CTLR = 0x65
    ICC_SRE = 0x66
    ICC_IGRPEN1 = 0x67
    ICC_DIR = 0x68
    ICC_RPR = 0x69
    ICC_SGI1R = 0x6A
    ICC_AP1R0 = 0x6B
    ISR = 0x70


class El0Controls(data.Struct):
    """What EL1 lets EL0 do; a clear bit makes the access a trap (class 0x18 or 0x01)."""

    UCI: 1              # cache maintenance by address
    UCT: 1              # CTR_EL0
    DZE: 1              # DC ZVA
    UMA: 1              # DAIF
    NTWI: 1             # WFI
    EL0PCTEN: 1         # CNTPCT_EL0
    EL0VCTEN: 1         # CNTVCT_EL0
    FREQUENCY: 1        # CNTFRQ_EL0: with either counter
    EL0PTEN: 1          # CNTP_*
    EL0VTEN: 1          # CNTV_*
    EN: 1               # performance monitors
    SW: 1               # PMSWINC_EL0: or EN
    CR: 1               # reading PMCCNTR_EL0: or EN
    ER: 1               # PMSELR_EL0 and reading event counters: or EN


@dataclasses.dataclass(frozen=True)
class SystemRegister:
    """One encoding.

    Parameters
    ----------
    name : :class:`str`
        Name in assembly.
    encoding : tuple of 5 :class:`int`
        op0, op1, CRn, CRm, op2.
    number : :class:`SysReg`
        The register behind it.
    access : :class:`str`
        At EL1 and at EL0: ``rw``, ``ro``, ``wo`` or ``--`` (undefined), joined by a slash.
    doc : :class:`str`
        One line for the generated table.
    control : :class:`str`
        Member of :class:`El0Controls` without which the access traps at EL0; empty for none. Two
        joined by a slash are for reading and for writing.
    """

    name: str
    encoding: tuple[int, int, int, int, int]
    number: SysReg
    access: str
    doc: str
    control: str = ""

    @property
    def word(self) -> int:
        """Bits 20:5 of the instruction that moves it, op0 first."""
        op0, op1, crn, crm, op2 = self.encoding
        return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def _debug():
    return [
        ("MDSCR_EL1", (2, 0, 0, 2, 2), SysReg.ZERO, "rw/--", "Debug control, without effect"),
        ("DBGBVR0_EL1", (2, 0, 0, 0, 4), SysReg.ZERO, "rw/--", "There are no breakpoints"),
        ("DBGBCR0_EL1", (2, 0, 0, 0, 5), SysReg.ZERO, "rw/--", "There are no breakpoints"),
        ("DBGWVR0_EL1", (2, 0, 0, 0, 6), SysReg.ZERO, "rw/--", "There are no watchpoints"),
        ("DBGWCR0_EL1", (2, 0, 0, 0, 7), SysReg.ZERO, "rw/--", "There are no watchpoints"),
        ("OSLAR_EL1", (2, 0, 1, 0, 4), SysReg.ZERO, "wo/--", "There is no OS lock"),
        ("OSLSR_EL1", (2, 0, 1, 1, 4), SysReg.ZERO, "ro/--", "There is no OS lock"),
        ("OSDLR_EL1", (2, 0, 1, 3, 4), SysReg.ZERO, "rw/--", "There is no OS double lock"),
    ]


def _timers():
    return [(f"CNT{kind}_{name}_EL0", (3, 3, 14, crm, op2), SysReg[f"CNT{kind}_{name}"], "rw/rw",
             f"{what} timer, {doc}", f"EL0{kind}TEN")
            for kind, crm, what in (("P", 2, "Physical"), ("V", 3, "Virtual"))
            for name, op2, doc in (("TVAL", 0, "relative compare"), ("CTL", 1, "control"),
                                   ("CVAL", 2, "compare"))]


def _event_counters():
    return [(f"PMEV{kind}{n}_EL0", (3, 3, 14, crm, n), SysReg[f"PMEV{kind}{n}"], "rw/rw", doc,
             control)
            for kind, crm, doc, control in (("CNTR", 8, "Event counter", "ER/EN"),
                                            ("TYPER", 12, "Event of the counter", "EN"))
            for n in range(6)]


def _interrupts():
    return [(f"ICC_{name}_EL1", (3, 0, crn, crm, op2), SysReg[f"ICC_{name}"], access, doc)
            for name, crn, crm, op2, access, doc in (
                ("PMR", 4, 6, 0, "rw/--", "Interrupts of a lower value are let through"),
                ("AP1R0", 12, 9, 0, "rw/--", "Priorities at work"),
                ("DIR", 12, 11, 1, "wo/--", "Deactivate an interrupt"),
                ("RPR", 12, 11, 3, "ro/--", "Priority at work"),
                ("SGI1R", 12, 11, 5, "wo/--", "Send an interrupt to itself"),
                ("IAR1", 12, 12, 0, "ro/--", "Acknowledge an interrupt"),
                ("EOIR1", 12, 12, 1, "wo/--", "End of an interrupt"),
                ("HPPIR1", 12, 12, 2, "ro/--", "Highest-priority pending interrupt"),
                ("BPR1", 12, 12, 3, "rw/--", "Binary point, 4 to 7"),
                ("CTLR", 12, 12, 4, "rw/--", "EOImode; 16 priorities"),
                ("SRE", 12, 12, 5, "rw/--", "System registers are in use, always"),
                ("IGRPEN1", 12, 12, 7, "rw/--", "Group 1 is let through"))]


def _table() -> tuple[SystemRegister, ...]:
    rows = [
        *_debug(),
        ("MIDR_EL1", (3, 0, 0, 0, 0), SysReg.MIDR, "ro/--", "Identity; implementer 0x00"),
        ("MPIDR_EL1", (3, 0, 0, 0, 5), SysReg.MPIDR, "ro/--", "Core number 0"),
        ("REVIDR_EL1", (3, 0, 0, 0, 6), SysReg.ZERO, "ro/--", "Revision"),
        ("ID_AA64PFR0_EL1", (3, 0, 0, 4, 0), SysReg.ID_PFR0, "ro/--",
         "EL0 and EL1 in AArch64, no FP, no SIMD"),
        ("ID_AA64DFR0_EL1", (3, 0, 0, 5, 0), SysReg.ID_DFR0, "ro/--", "PMUv3, no debug"),
        ("ID_AA64ISAR0_EL1", (3, 0, 0, 6, 0), SysReg.ID_ISAR0, "ro/--", "CRC32, atomics"),
        ("ID_AA64ISAR1_EL1", (3, 0, 0, 6, 1), SysReg.ID_ISAR1, "ro/--", "LDAPR, DC CVAP"),
        ("ID_AA64MMFR0_EL1", (3, 0, 0, 7, 0), SysReg.ID_MMFR0, "ro/--",
         "Address bits; no granule, no ASID"),
        ("ID_AA64MMFR1_EL1", (3, 0, 0, 7, 1), SysReg.ID_MMFR1, "ro/--", "PAN"),
        ("SCTLR_EL1", (3, 0, 1, 0, 0), SysReg.SCTLR, "rw/--", "A, C, SA, SA0, I, UCI, ..."),
        ("ACTLR_EL1", (3, 0, 1, 0, 1), SysReg.ZERO, "rw/--", "Without effect"),
        ("CPACR_EL1", (3, 0, 1, 0, 2), SysReg.CPACR, "rw/--", "FPEN is stored, without effect"),
        ("SPSR_EL1", (3, 0, 4, 0, 0), SysReg.SPSR, "rw/--", "Saved program state"),
        ("ELR_EL1", (3, 0, 4, 0, 1), SysReg.ELR, "rw/--", "Exception link"),
        ("SP_EL0", (3, 0, 4, 1, 0), SysReg.SP_EL0, "rw/--", "Stack pointer of EL0"),
        ("SPSel", (3, 0, 4, 2, 0), SysReg.SPSEL, "rw/--", "Stack pointer in use at EL1"),
        ("CurrentEL", (3, 0, 4, 2, 2), SysReg.CURRENT_EL, "ro/--", "Exception level"),
        ("PAN", (3, 0, 4, 2, 3), SysReg.PAN, "rw/--", "Privileged access never (stored)"),
        ("AFSR0_EL1", (3, 0, 5, 1, 0), SysReg.ZERO, "rw/--", "Nothing to add to a syndrome"),
        ("AFSR1_EL1", (3, 0, 5, 1, 1), SysReg.ZERO, "rw/--", "Nothing to add to a syndrome"),
        ("ESR_EL1", (3, 0, 5, 2, 0), SysReg.ESR, "rw/--", "Exception syndrome"),
        ("FAR_EL1", (3, 0, 6, 0, 0), SysReg.FAR, "rw/--", "Faulting address"),
        ("VBAR_EL1", (3, 0, 12, 0, 0), SysReg.VBAR, "rw/--", "Vector base, 2 KiB aligned"),
        ("ISR_EL1", (3, 0, 12, 1, 0), SysReg.ISR, "ro/--", "Interrupt, SError pending"),
        # Group 0 does not exist.
        ("ICC_AP0R0_EL1", (3, 0, 12, 8, 4), SysReg.ZERO, "rw/--", "Without effect"),
        ("ICC_IGRPEN0_EL1", (3, 0, 12, 12, 6), SysReg.ZERO, "rw/--", "Without effect"),
        *_interrupts(),
        ("CONTEXTIDR_EL1", (3, 0, 13, 0, 1), SysReg.CONTEXTIDR, "rw/--", "Context number"),
        ("TPIDR_EL1", (3, 0, 13, 0, 4), SysReg.TPIDR_EL1, "rw/--", "Software's own"),
        ("CNTKCTL_EL1", (3, 0, 14, 1, 0), SysReg.CNTKCTL, "rw/--", "Timers at EL0"),
        ("CCSIDR_EL1", (3, 1, 0, 0, 0), SysReg.CCSIDR, "ro/--", "Size of the selected cache"),
        ("CLIDR_EL1", (3, 1, 0, 0, 1), SysReg.CLIDR, "ro/--", "Cache levels"),
        ("AIDR_EL1", (3, 1, 0, 0, 7), SysReg.ZERO, "ro/--", "Nothing"),
        ("CSSELR_EL1", (3, 2, 0, 0, 0), SysReg.CSSELR, "rw/--", "Cache selection"),
        ("CTR_EL0", (3, 3, 0, 0, 1), SysReg.CTR, "ro/ro", "64-byte lines", "UCT"),
        ("DCZID_EL0", (3, 3, 0, 0, 7), SysReg.DCZID, "ro/ro", "DC ZVA zeroes 64 bytes"),
        ("NZCV", (3, 3, 4, 2, 0), SysReg.NZCV, "rw/rw", "Condition flags"),
        ("DAIF", (3, 3, 4, 2, 1), SysReg.DAIF, "rw/rw", "Interrupt masks", "UMA"),
        ("PMINTENSET_EL1", (3, 0, 9, 14, 1), SysReg.PMINTENSET, "rw/--", "Overflow interrupts"),
        ("PMINTENCLR_EL1", (3, 0, 9, 14, 2), SysReg.PMINTENCLR, "rw/--", "Overflow interrupts"),
        ("PMCR_EL0", (3, 3, 9, 12, 0), SysReg.PMCR, "rw/rw", "E, P, C, LC (one), N", "EN"),
        ("PMCNTENSET_EL0", (3, 3, 9, 12, 1), SysReg.PMCNTENSET, "rw/rw", "Counters that count",
         "EN"),
        ("PMCNTENCLR_EL0", (3, 3, 9, 12, 2), SysReg.PMCNTENCLR, "rw/rw", "Counters that count",
         "EN"),
        ("PMOVSCLR_EL0", (3, 3, 9, 12, 3), SysReg.PMOVSCLR, "rw/rw", "Counters that overflowed",
         "EN"),
        ("PMSWINC_EL0", (3, 3, 9, 12, 4), SysReg.PMSWINC, "wo/wo", "Software's own event", "SW"),
        ("PMSELR_EL0", (3, 3, 9, 12, 5), SysReg.PMSELR, "rw/rw", "Selected counter", "ER"),
        ("PMCEID0_EL0", (3, 3, 9, 12, 6), SysReg.PMCEID0, "ro/ro", "Events 0x00 to 0x1F", "EN"),
        ("PMCEID1_EL0", (3, 3, 9, 12, 7), SysReg.ZERO, "ro/ro", "Events 0x20 to 0x3F", "EN"),
        ("PMCCNTR_EL0", (3, 3, 9, 13, 0), SysReg.PMCCNTR, "rw/rw", "Cycle counter", "CR/EN"),
        ("PMXEVTYPER_EL0", (3, 3, 9, 13, 1), SysReg.PMXEVTYPER, "rw/rw",
         "Event of the selected counter", "EN"),
        ("PMXEVCNTR_EL0", (3, 3, 9, 13, 2), SysReg.PMXEVCNTR, "rw/rw", "Selected counter",
         "ER/EN"),
        ("PMUSERENR_EL0", (3, 3, 9, 14, 0), SysReg.PMUSERENR, "rw/ro", "EN, SW, CR, ER"),
        ("PMOVSSET_EL0", (3, 3, 9, 14, 3), SysReg.PMOVSSET, "rw/rw", "Counters that overflowed",
         "EN"),
        *_event_counters(),
        ("PMCCFILTR_EL0", (3, 3, 14, 15, 7), SysReg.PMCCFILTR, "rw/rw",
         "Filter of the cycle counter", "EN"),
        ("TPIDR_EL0", (3, 3, 13, 0, 2), SysReg.TPIDR_EL0, "rw/rw", "Thread pointer"),
        ("TPIDRRO_EL0", (3, 3, 13, 0, 3), SysReg.TPIDRRO_EL0, "rw/ro", "Thread pointer, read"),
        ("CNTFRQ_EL0", (3, 3, 14, 0, 0), SysReg.CNTFRQ, "rw/ro", "Timer frequency in Hz",
         "FREQUENCY"),
        ("CNTPCT_EL0", (3, 3, 14, 0, 1), SysReg.CNTPCT, "ro/ro", "Timer count", "EL0PCTEN"),
        ("CNTVCT_EL0", (3, 3, 14, 0, 2), SysReg.CNTVCT, "ro/ro", "Timer count", "EL0VCTEN"),
        *_timers(),
    ]
    return tuple(SystemRegister(*row) for row in rows)


SYSTEM_REGISTERS: tuple[SystemRegister, ...] = _table()


def system_register_table() -> str:
    """Return the table of the README."""
    rows = ["| register | op0, op1, CRn, CRm, op2 | EL1 | EL0 | what it is |",
            "|---|---|---|---|---|"]
    for register in SYSTEM_REGISTERS:
        at_el1, at_el0 = register.access.split("/")
        encoding = ", ".join(map(str, register.encoding))
        at_el0 += f", {register.control}" if register.control else ""
        rows.append(f"| {register.name} | {encoding} | {at_el1} | {at_el0} | {register.doc} |")
    return "\n".join(rows) + "\n"
