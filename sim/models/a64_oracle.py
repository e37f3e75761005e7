"""An independent A64 machine: Unicorn with the exceptions, devices and registers of the core.

Unicorn executes instructions, but takes no exception to VBAR_EL1, has floating point, and its
identity registers are those of another processor. That is put right here. Everything else, up to
ERET and the banked stack pointers, is Unicorn's own.
"""

import ctypes
import dataclasses
import mmap
from collections.abc import Callable, Sequence

import numpy as np
import unicorn
from unicorn import arm64_const as reg
from unicorn.unicorn_py3.unicorn import uclib

__all__ = ["CORE_ONLY", "COUNTERS", "IDENTITY", "Oracle", "OracleError", "REGISTERS",
           "RESET_SYSTEM",
           "SystemName", "system_name"]

#: General registers and what stands behind them in :meth:`Oracle.state`.
REGISTERS = (*(f"x{i}" for i in range(31)), "sp", "nzcv")

_REGISTER_IDS = (*(reg.UC_ARM64_REG_X0 + i for i in range(29)), reg.UC_ARM64_REG_X29,
                 reg.UC_ARM64_REG_X30, reg.UC_ARM64_REG_SP, reg.UC_ARM64_REG_NZCV)

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

#: Registers that count time: nobody but the core knows their values.
COUNTERS: dict[SystemName, str] = {
    (3, 3, 14, 0, 1): "CNTPCT_EL0",
    (3, 3, 14, 0, 2): "CNTVCT_EL0",
    (3, 3, 14, 3, 0): "CNTV_TVAL_EL0",
}

def _core_only(name: SystemName) -> str:
    """Return the kind of a register that only the core has as it is, or an empty string."""
    op0, op1, crn, crm, op2 = name
    if (op0, op1, crn) == (3, 3, 14) and crm >= 8:
        return "monitor reads"
    if (op0, crn) == (3, 9) and crm >= 12 and (op1 == 3 or (op1, crm) == (0, 14)):
        return "" if (crm, op2) == (14, 0) else "monitor reads"
    return ""


#: Registers that the oracle does not model, by the kind of value it takes from the core.
CORE_ONLY: dict[SystemName, str] = {
    name: kind for op1 in (0, 3) for crn in (9, 14) for crm in range(16) for op2 in range(8)
    if (kind := _core_only(name := (3, op1, crn, crm, op2)))}

#: What the core's identification registers must read as.
IDENTITY: dict[SystemName, int] = {
    (3, 0, 0, 0, 0): 0x000f_0000,       # MIDR_EL1: implementer 0
    (3, 0, 0, 0, 5): 0x8000_0000,       # MPIDR_EL1: core 0 of one
    (3, 0, 0, 0, 6): 0,                 # REVIDR_EL1
    (3, 0, 0, 4, 0): 0x00ff_0011,       # ID_AA64PFR0_EL1: EL0, EL1; no FP, no SIMD
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

_DCZID: SystemName = (3, 3, 0, 0, 7)
_SCTLR_DZE, _SCTLR_NTWI, _SCTLR_SPAN = 1 << 14, 1 << 16, 1 << 23
_PAN = 1 << 22
_ERET, _WFI = 0xd69f_03e0, 0xd503_207f
_ILLEGAL_STATE, _WFI_TRAPPED = 0x3a00_0000, 0x07e0_0000
_STATE_ILLEGAL = 1 << 20
_STATES = frozenset((0b0_0000, 0b0_0100, 0b0_0101))     # EL0t, EL1t, EL1h

# EL2 and EL3 exist in this processor model and must say that EL1 is a 64-bit level.
_UPPER_LEVELS = {(3, 6, 1, 1, 0): 0x401, (3, 4, 1, 1, 0): 1 << 31}

_INTERRUPT_UNDEFINED = 1
_INTERRUPT_SVC = 2
_INTERRUPT_BREAKPOINT = 7
_INTERRUPT_SMC = 13

_UNDEFINED = 0x0200_0000
_HINTS_THAT_WAIT = frozenset((0xd503203f, 0xd503205f, 0xd503207f))     # YIELD, WFE, WFI
_UNMAPPED = {
    unicorn.UC_ERR_READ_UNMAPPED: 0x9600_0010,
    unicorn.UC_ERR_WRITE_UNMAPPED: 0x9600_0050,
    unicorn.UC_ERR_FETCH_UNMAPPED: 0x8600_0010,
}

# The flags, DAIF, SPSel and the exception level: what SPSR keeps of the program state.
_PSTATE_KEPT = 0xf040_03cd


class OracleError(Exception):
    """The oracle cannot go on: its input is outside what it models."""


def system_name(insn: int) -> SystemName:
    """Return what a system instruction names, the register that an MRS or MSR moves."""
    return (insn >> 19 & 3, insn >> 16 & 7, insn >> 12 & 15, insn >> 8 & 15, insn >> 5 & 7)


# Controls in PMUSERENR_EL0 of reading and writing at EL0: EN, SW, CR, ER; the rest wants EN.
_USER: SystemName = (3, 3, 9, 14, 0)
_EN, _SW, _CR, _ER = 1, 2, 4, 8
_USER_READS = {(9, 12, 5): _EN | _ER, (9, 13, 0): _EN | _CR, (9, 13, 2): _EN | _ER}
_USER_WRITES = {(9, 12, 4): _EN | _SW, (9, 12, 5): _EN | _ER}
_WRITE_ONLY, _READ_ONLY = {(9, 12, 4)}, {(9, 12, 6), (9, 12, 7)}


def _move_syndrome(insn: int) -> int:
    """Return the syndrome of a system instruction that EL1 does not allow EL0."""
    op0, op1, crn, crm, op2 = system_name(insn)
    return (0x6200_0000 | op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | (insn & 31) << 5
            | crm << 1 | insn >> 21 & 1)


def _refused(insn: int, at_el0: bool) -> int:
    """Return the syndrome of an instruction that Unicorn finds undefined, or not allowed."""
    if not at_el0 or insn >> 22 != 0xd5 << 2:
        return _UNDEFINED
    reads = insn >> 21 & 1
    if system_name(insn) not in (_CONTROLLED_READS if reads else _CONTROLLED_WRITES):
        return _UNDEFINED
    return _move_syndrome(insn)


@dataclasses.dataclass
class _Fault:
    address: int = 0


class Oracle:
    """A64 machine with one RAM and devices, stepped through callbacks.

    Parameters
    ----------
    ram_base, ram_bytes : :class:`int`
        The RAM.
    devices : sequence of (base, bytes)
        Device ranges; a multiple of 4 KiB.
    on_device_read : callable (address, bytes) -> value
        Gives what a device load returns.
    on_device_write : callable (address, bytes, value)
        Told of each device store.

    Attributes
    ----------
    ram : :class:`numpy.ndarray`
        The RAM's bytes, shared with the machine.
    exception : :class:`int` or None
        Syndrome of the exception that the last instruction took; the user clears it.
    """

    def __init__(self, *, ram_base: int, ram_bytes: int, devices: Sequence[tuple[int, int]] = (),
                 on_device_read: Callable[[int, int], int] = lambda address, size: 0,
                 on_device_write: Callable[[int, int, int], None] = lambda *access: None):
        self.ram_base = ram_base
        self.ram_bytes = ram_bytes
        self.exception: int | None = None
        self._fault = _Fault()
        self._stopped = False
        self._illegal = False
        # Anonymous memory costs nothing until it is touched, unlike memory that is cleared.
        self._pages = mmap.mmap(-1, ram_bytes)
        self.ram = np.frombuffer(self._pages, dtype=np.uint8)
        self._words = self.ram.view(np.uint32).data
        self.machine = machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        machine.ctl_set_cpu_model(reg.UC_CPU_ARM64_MAX)
        machine.mem_map_ptr(ram_base, ram_bytes, unicorn.UC_PROT_ALL, self.ram.ctypes.data)
        for base, size in devices:
            machine.mmio_map(
                base, size,
                lambda _, offset, size, base: on_device_read(base + offset, size), base,
                lambda _, offset, size, value, base: on_device_write(base + offset, size, value),
                base)
        for name, value in (_UPPER_LEVELS | RESET_SYSTEM).items():
            self.write_system(name, value)
        machine.reg_write(reg.UC_ARM64_REG_PSTATE, 0x3c5)
        machine.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        machine.hook_add(unicorn.UC_HOOK_MEM_UNMAPPED, self._on_unmapped)
        count = len(REGISTERS)
        self._state = (ctypes.c_uint64 * count)()
        self._state_ids = (ctypes.c_int * count)(*_REGISTER_IDS)
        self._state_places = (ctypes.c_void_p * count)(
            *(ctypes.addressof(self._state) + 8 * i for i in range(count)))

    def load(self, address: int, contents: bytes) -> None:
        """Copy a program to RAM."""
        start = address - self.ram_base
        self.ram[start:start + len(contents)] = np.frombuffer(contents, dtype=np.uint8)

    def word(self, address: int) -> int:
        """Return the instruction at ``address``; 0 outside the RAM."""
        offset = address - self.ram_base
        return self._words[offset >> 2] if 0 <= offset < self.ram_bytes else 0

    def state(self) -> ctypes.Array:
        """Return the registers, in the order of :data:`REGISTERS`; the flags stand in 31:28.

        The array is the same each time, and overwritten by the next call.
        """
        # One call for all: the binding's own method takes thirty times as long.
        uclib.uc_reg_read_batch(self.machine._uch, self._state_ids, self._state_places,
                                len(self._state))
        return self._state

    def write_register(self, index: int, value: int) -> None:
        """Set the general register ``index``; 31 is SP."""
        self.machine.reg_write(_REGISTER_IDS[index], value)

    def read_system(self, name: SystemName) -> int:
        """Return a system register."""
        op0, op1, crn, crm, op2 = name
        return self.machine.reg_read(reg.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2))

    def write_system(self, name: SystemName, value: int) -> None:
        """Set a system register."""
        op0, op1, crn, crm, op2 = name
        self.machine.reg_write(reg.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2, value))

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self.machine.reg_read(reg.UC_ARM64_REG_PC)

    @property
    def stack_in_use(self) -> int:
        """0 for SP_EL0, 1 for SP_EL1."""
        return self.machine.reg_read(reg.UC_ARM64_REG_PSTATE) & 1

    def hook(self, *, on_instruction: Callable[[int], bool] | None = None,
             on_access: Callable[[bool, int, int, int], None] | None = None) -> None:
        """Call back before each instruction, and at each data access of it.

        Parameters
        ----------
        on_instruction : callable (address)
            Before an instruction executes. Returns true if it will not execute, because the
            callback has called :meth:`stop` or :meth:`take_exception`.
        on_access : callable (write, address, bytes, value)
            The value is of stores only.
        """
        if on_instruction is not None:
            def before(machine, address, _size, _):
                if on_instruction(address):
                    return
                word = self.word(address)
                if self._illegal:
                    self.take_exception(address, _ILLEGAL_STATE)
                    return
                # Bit 26 tells vector from integer instructions in both halves of the space.
                if word & 0x0e00_0000 == 0x0e00_0000 or word & 0x0e00_0000 == 0x0c00_0000:
                    self.take_exception(address, _UNDEFINED)
                elif word in _HINTS_THAT_WAIT:
                    if word == _WFI and self._at_el0 and not (
                            self.read_system(SCTLR) & _SCTLR_NTWI):
                        self.take_exception(address, _WFI_TRAPPED)
                    else:
                        machine.reg_write(reg.UC_ARM64_REG_PC, address + 4)
                elif word & 0xffd0_0000 == 0xd510_0000 and system_name(word) in CORE_ONLY:
                    self._core_only(machine, address, word)
                elif word == _ERET and not self._at_el0:
                    self._return(machine)
                elif word & 0x3f20_cc00 == 0x3820_4000 and word >> 30 != 3:
                    self._narrow_extreme(word, on_access)
                    machine.reg_write(reg.UC_ARM64_REG_PC, address + 4)
            self.machine.hook_add(unicorn.UC_HOOK_CODE, before)
        if on_access is not None:
            def accessed(_machine, kind, address, size, value, _):
                on_access(kind == unicorn.UC_MEM_WRITE, address, size,
                          value & (1 << 8 * size) - 1)
            self.machine.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, accessed)

    def run(self, pc: int) -> int:
        """Run from ``pc`` until :meth:`stop`; return the address of the next instruction.

        Raises
        ------
        :exc:`OracleError`
            If the machine stops by itself.
        """
        self._stopped = False
        while not self._stopped:
            try:
                self.machine.emu_start(pc, 1)
            except unicorn.UcError as error:
                if error.errno not in _UNMAPPED:
                    raise OracleError(f"Unicorn stops at {self.pc:#x}: {error}") from error
                self.write_system(FAR, self._fault.address)
                self.take_exception(self.pc, _UNMAPPED[error.errno])
            else:
                if not self._stopped:
                    raise OracleError(f"Unicorn stops at {self.pc:#x} without a reason")
            pc = self.pc
        return pc

    def stop(self) -> None:
        """End :meth:`run` before the instruction whose callback this is."""
        self._stopped = True
        self.machine.emu_stop()

    def take_exception(self, return_address: int, syndrome: int | None) -> None:
        """Enter the vector at EL1, as the core does.

        Parameters
        ----------
        return_address : :class:`int`
            For ELR_EL1.
        syndrome : :class:`int` or None
            For ESR_EL1; None is an interrupt, which leaves it.
        """
        machine = self.machine
        pstate = machine.reg_read(reg.UC_ARM64_REG_PSTATE) & _PSTATE_KEPT
        pstate |= self._illegal * _STATE_ILLEGAL
        self._illegal = False
        from_el1, own_stack = pstate >> 2 & 3, pstate & 1
        if not own_stack:
            self.write_system(SP_EL0, machine.reg_read(reg.UC_ARM64_REG_SP))
            machine.reg_write(reg.UC_ARM64_REG_SP, self.read_system(SP_EL1))
        # The level that code is translated for follows the state at the next write of a system
        # register, not at this one.
        pan = 0 if self.read_system(SCTLR) & _SCTLR_SPAN else _PAN
        machine.reg_write(reg.UC_ARM64_REG_PSTATE, pstate & 0xf040_0000 | pan | 0x3c5)
        self.write_system(SPSR, pstate)
        self.write_system(ELR, return_address)
        if syndrome is not None:
            self.write_system(ESR, syndrome)
        offset = 0x200 * own_stack if from_el1 else 0x400
        if syndrome is None:
            offset += 0x80
        machine.reg_write(reg.UC_ARM64_REG_PC, self.read_system(VBAR) + offset)
        self.exception = 0 if syndrome is None else syndrome

    def identity(self, name: SystemName) -> int:
        """Return what the core's identification register ``name`` must read as now."""
        refused = (name == _DCZID and self._at_el0
                   and not self.read_system(SCTLR) & _SCTLR_DZE)
        return IDENTITY[name] | refused << 4

    def _core_only(self, machine, address: int, word: int) -> None:
        """Skip a move of a register that only the core has, or refuse it."""
        _, op1, *place = system_name(word)
        place, reads = tuple(place), word >> 21 & 1
        wrong = place in (_WRITE_ONLY if reads else _READ_ONLY) or (
            # Of the event counters, there are six with a register of their own.
            place[0] == 14 and (place[1] not in (8, 12) or place[2] >= 6) and place != (14, 15, 7))
        if self._at_el0 and not wrong:
            wrong = op1 == 0
            needs = (_USER_READS if reads else _USER_WRITES).get(
                place, _EN | _ER if reads and place[:2] == (14, 8) else _EN)
            if not wrong and not self.read_system(_USER) & needs:
                self.take_exception(address, _move_syndrome(word))
                return
        if wrong:
            self.take_exception(address, _UNDEFINED)
        else:
            machine.reg_write(reg.UC_ARM64_REG_PC, address + 4)

    @property
    def _at_el0(self) -> bool:
        return not self.machine.reg_read(reg.UC_ARM64_REG_PSTATE) >> 2 & 3

    def _return(self, machine) -> None:
        """Prepare ERET: QEMU 5.0 has no illegal state, and no AArch32 is here to return to."""
        spsr = self.read_system(SPSR)
        self._illegal = bool(spsr & _STATE_ILLEGAL) or spsr & 31 not in _STATES
        if spsr & 31 not in _STATES:
            pstate = machine.reg_read(reg.UC_ARM64_REG_PSTATE)
            machine.reg_write(reg.UC_ARM64_REG_PSTATE,
                              pstate & ~0xf040_03c0 | spsr & 0xf040_03c0)
            machine.reg_write(reg.UC_ARM64_REG_PC, self.read_system(ELR))

    def _narrow_extreme(self, word: int, on_access) -> None:
        """Execute LDSMAX, LDSMIN, LDUMAX or LDUMIN of less than 64 bits.

        QEMU 5.0, which Unicorn is made of, compares their operands without extending them
        ("tcg: Fix nonatomic signed min/max", in QEMU 5.1).
        """
        size = 1 << (word >> 30)
        state = self.state()
        at = state[word >> 5 & 31]
        sign = 0 if word & 0x2000 else 1 << 8 * size - 1
        old = int.from_bytes(self.machine.mem_read(at, size), "little")
        operand = 0 if word >> 16 & 31 == 31 else state[word >> 16 & 31] & (1 << 8 * size) - 1
        choose = min if word & 0x1000 else max
        new = choose(old, operand, key=lambda value: value ^ sign)
        self.machine.mem_write(at, new.to_bytes(size, "little"))
        if word & 31 != 31:
            self.write_register(word & 31, old)
        if on_access is not None:
            on_access(False, at, size, 0)
            on_access(True, at, size, new)

    def _on_interrupt(self, machine, number, _):
        pc = self.pc
        if number == _INTERRUPT_SVC:
            self.take_exception(pc, 0x5600_0000 | self.word(pc - 4) >> 5 & 0xffff)
        elif number == _INTERRUPT_BREAKPOINT:
            self.take_exception(pc, 0xf200_0000 | self.word(pc) >> 5 & 0xffff)
        elif number == _INTERRUPT_SMC:
            self.take_exception(pc - 4, _UNDEFINED)
        elif number == _INTERRUPT_UNDEFINED:
            self.take_exception(pc, _refused(self.word(pc), self._at_el0))
        else:
            raise OracleError(f"Unicorn takes exception {number} at {pc:#x}")

    def _on_unmapped(self, machine, kind, address, size, value, _):
        self._fault.address = address
        return False
