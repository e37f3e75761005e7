"""System registers: name, encoding, access. The decoder and the README read this one table."""

import dataclasses

from amaranth.lib import enum

__all__ = ["SYSTEM_REGISTERS", "SysReg", "SystemRegister", "system_register_table"]


class SysReg(enum.Enum, shape=6):
    """Number of a system register behind decode."""

    ZERO = 0            # every identification register without a feature to report
    CURRENT_EL = 1
    SPSEL = 2
    DAIF = 3
    NZCV = 4
    SP_EL0 = 5
    ELR = 6
    SPSR = 7
    ESR = 8
    FAR = 9
    VBAR = 10
    SCTLR = 11
    CPACR = 12
    TPIDR_EL0 = 13
    TPIDRRO_EL0 = 14
    TPIDR_EL1 = 15
    CONTEXTIDR = 16
    MIDR = 17
    MPIDR = 18
    CTR = 19
    DCZID = 20
    CNTFRQ = 21
    CNTPCT = 22
    CNTVCT = 23
    CNTV_CTL = 24
    CNTV_CVAL = 25
    CNTV_TVAL = 26
    PMCCNTR = 27
    PAN = 28
    ID_PFR0 = 29
    ID_ISAR0 = 30
    ID_ISAR1 = 31
    ID_MMFR0 = 32
    ID_MMFR1 = 33
    CLIDR = 34
    CCSIDR = 35
    CSSELR = 36


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
        At EL1 and at EL0: ``rw``, ``ro`` or ``--`` (undefined), joined by a slash.
    doc : :class:`str`
        One line for the generated table.
    """

    name: str
    encoding: tuple[int, int, int, int, int]
    number: SysReg
    access: str
    doc: str

    @property
    def word(self) -> int:
        """Bits 20:5 of the instruction that moves it, op0 first."""
        op0, op1, crn, crm, op2 = self.encoding
        return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def _table() -> tuple[SystemRegister, ...]:
    rows = [
        ("MIDR_EL1", (3, 0, 0, 0, 0), SysReg.MIDR, "ro/--", "Identity; implementer 0x00"),
        ("MPIDR_EL1", (3, 0, 0, 0, 5), SysReg.MPIDR, "ro/--", "Core number 0"),
        ("REVIDR_EL1", (3, 0, 0, 0, 6), SysReg.ZERO, "ro/--", "Revision"),
        ("ID_AA64PFR0_EL1", (3, 0, 0, 4, 0), SysReg.ID_PFR0, "ro/--", "EL0 and EL1, no FP"),
        ("ID_AA64ISAR0_EL1", (3, 0, 0, 6, 0), SysReg.ID_ISAR0, "ro/--", "Instruction sets 0"),
        ("ID_AA64ISAR1_EL1", (3, 0, 0, 6, 1), SysReg.ID_ISAR1, "ro/--", "Instruction sets 1"),
        ("ID_AA64MMFR0_EL1", (3, 0, 0, 7, 0), SysReg.ID_MMFR0, "ro/--", "Memory model 0"),
        ("ID_AA64MMFR1_EL1", (3, 0, 0, 7, 1), SysReg.ID_MMFR1, "ro/--", "Memory model 1"),
        ("SCTLR_EL1", (3, 0, 1, 0, 0), SysReg.SCTLR, "rw/--", "A, C, SA, SA0, I, UCI, ..."),
        ("CPACR_EL1", (3, 0, 1, 0, 2), SysReg.CPACR, "rw/--", "FPEN is stored, without effect"),
        ("SPSR_EL1", (3, 0, 4, 0, 0), SysReg.SPSR, "rw/--", "Saved program state"),
        ("ELR_EL1", (3, 0, 4, 0, 1), SysReg.ELR, "rw/--", "Exception link"),
        ("SP_EL0", (3, 0, 4, 1, 0), SysReg.SP_EL0, "rw/--", "Stack pointer of EL0"),
        ("SPSel", (3, 0, 4, 2, 0), SysReg.SPSEL, "rw/--", "Stack pointer in use at EL1"),
        ("CurrentEL", (3, 0, 4, 2, 2), SysReg.CURRENT_EL, "ro/--", "Exception level"),
        ("PAN", (3, 0, 4, 2, 3), SysReg.PAN, "rw/--", "Privileged access never (stored)"),
        ("ESR_EL1", (3, 0, 5, 2, 0), SysReg.ESR, "rw/--", "Exception syndrome"),
        ("FAR_EL1", (3, 0, 6, 0, 0), SysReg.FAR, "rw/--", "Faulting address"),
        ("VBAR_EL1", (3, 0, 12, 0, 0), SysReg.VBAR, "rw/--", "Vector base, 2 KiB aligned"),
        ("CONTEXTIDR_EL1", (3, 0, 13, 0, 1), SysReg.CONTEXTIDR, "rw/--", "Context number"),
        ("TPIDR_EL1", (3, 0, 13, 0, 4), SysReg.TPIDR_EL1, "rw/--", "Software's own"),
        ("CCSIDR_EL1", (3, 1, 0, 0, 0), SysReg.CCSIDR, "ro/--", "Size of the selected cache"),
        ("CLIDR_EL1", (3, 1, 0, 0, 1), SysReg.CLIDR, "ro/--", "Cache levels"),
        ("CSSELR_EL1", (3, 2, 0, 0, 0), SysReg.CSSELR, "rw/--", "Cache selection"),
        ("CTR_EL0", (3, 3, 0, 0, 1), SysReg.CTR, "ro/ro", "64-byte lines"),
        ("DCZID_EL0", (3, 3, 0, 0, 7), SysReg.DCZID, "ro/ro", "DC ZVA zeroes 64 bytes"),
        ("NZCV", (3, 3, 4, 2, 0), SysReg.NZCV, "rw/rw", "Condition flags"),
        ("DAIF", (3, 3, 4, 2, 1), SysReg.DAIF, "rw/--", "Interrupt masks"),
        ("PMCCNTR_EL0", (3, 3, 9, 13, 0), SysReg.PMCCNTR, "rw/ro", "Cycle counter"),
        ("TPIDR_EL0", (3, 3, 13, 0, 2), SysReg.TPIDR_EL0, "rw/rw", "Thread pointer"),
        ("TPIDRRO_EL0", (3, 3, 13, 0, 3), SysReg.TPIDRRO_EL0, "rw/ro", "Thread pointer, read"),
        ("CNTFRQ_EL0", (3, 3, 14, 0, 0), SysReg.CNTFRQ, "rw/ro", "Timer frequency in Hz"),
        ("CNTPCT_EL0", (3, 3, 14, 0, 1), SysReg.CNTPCT, "ro/ro", "Timer count"),
        ("CNTVCT_EL0", (3, 3, 14, 0, 2), SysReg.CNTVCT, "ro/ro", "Timer count"),
        ("CNTV_TVAL_EL0", (3, 3, 14, 3, 0), SysReg.CNTV_TVAL, "rw/--", "Timer, relative compare"),
        ("CNTV_CTL_EL0", (3, 3, 14, 3, 1), SysReg.CNTV_CTL, "rw/--", "Timer control"),
        ("CNTV_CVAL_EL0", (3, 3, 14, 3, 2), SysReg.CNTV_CVAL, "rw/--", "Timer compare"),
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
        rows.append(f"| {register.name} | {encoding} | {at_el1} | {at_el0} | {register.doc} |")
    return "\n".join(rows) + "\n"
