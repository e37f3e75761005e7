"""An independent A64 machine: Unicorn with the exceptions, devices and registers of the core.

Unicorn executes instructions, but takes no exception to VBAR_EL1, checks neither alignment nor
memory attributes, has floating point and another exclusive monitor, and its identity registers are
those of another processor. That is put right here. Everything else, up to ERET and the banked
stack pointers, is Unicorn's own.
"""

import ctypes
import mmap
from collections.abc import Callable, Sequence

import numpy as np
import unicorn
from unicorn import arm64_const as reg
from unicorn.unicorn_py3.unicorn import uclib

from . import a64_accesses as accesses
from . import a64_registers as system

__all__ = ["Oracle", "OracleError", "REGISTERS"]

#: General registers and what stands behind them in :meth:`Oracle.state`.
REGISTERS = (*(f"x{i}" for i in range(31)), "sp", "nzcv")

_REGISTER_IDS = (*(reg.UC_ARM64_REG_X0 + i for i in range(29)), reg.UC_ARM64_REG_X29,
                 reg.UC_ARM64_REG_X30, reg.UC_ARM64_REG_SP, reg.UC_ARM64_REG_NZCV)

# EL2 and EL3 exist in this processor model and must say that EL1 is a 64-bit level.
_UPPER_LEVELS = {(3, 6, 1, 1, 0): 0x401, (3, 4, 1, 1, 0): 1 << 31}

_INTERRUPT_UNDEFINED, _INTERRUPT_SVC, _INTERRUPT_FETCH = 1, 2, 3
_INTERRUPT_BREAKPOINT, _INTERRUPT_SMC = 7, 13

_WFI = 0xd503_207f
_HINTS_THAT_WAIT = frozenset((0xd503_203f, 0xd503_205f, _WFI))       # YIELD, WFE

_LINE_BYTES = 64

_CLREX, _CLREX_MASK = 0xd503_305f, 0xffff_f0ff
_ERET = 0xd69f_03e0

# The flags, DAIF, SPSel and the exception level: what SPSR keeps of the program state.
_PSTATE_KEPT = 0xf040_03cd
_PAN, _STATE_ILLEGAL = 1 << 22, 1 << 20
_STATES = frozenset((0b0_0000, 0b0_0100, 0b0_0101))     # EL0t, EL1t, EL1h
_ILLEGAL_STATE, _WFI_TRAPPED = 0x3a00_0000, 0x07e0_0000
_SCTLR_DZE, _SCTLR_NTWI, _SCTLR_SPAN, _SCTLR_UCI = 1 << 14, 1 << 16, 1 << 23, 1 << 26


class OracleError(Exception):
    """The oracle cannot go on: its input is outside what it models."""


#: What is done instead of an instruction, or before it: a function of its address and word.
_Special = Callable[[int, int], None]


class Oracle:
    """A64 machine with one RAM and devices, stepped through callbacks.

    Parameters
    ----------
    ram_base, ram_bytes : :class:`int`
        The RAM.
    devices : sequence of (base, bytes)
        Device ranges; a multiple of 4 KiB.
    device_memory : sequence of (base, bytes)
        Device ranges that only hold what was stored: Unicorn's own, a multiple of 1 KiB. The last
        page of one extends to 4 KiB.
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
                 device_memory: Sequence[tuple[int, int]] = (),
                 on_device_read: Callable[[int, int], int] = lambda address, size: 0,
                 on_device_write: Callable[[int, int, int], None] = lambda *access: None):
        self.ram_base = ram_base
        self.ram_bytes = ram_bytes
        self.exception: int | None = None
        self._mapped = (*devices, *device_memory)
        self._stopped = False
        self._reserved: int | None = None
        self._illegal = False
        self._specials: dict[int, _Special | None] = {}
        self._on_instruction: Callable[[int], bool] = lambda address: False
        self._on_access: Callable[[bool, int, int, int], None] = lambda *access: None
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
        for base, size in device_memory:
            machine.mem_map(base, -(-size // 4096) * 4096, unicorn.UC_PROT_READ
                            | unicorn.UC_PROT_WRITE)
        for name, value in (_UPPER_LEVELS | system.RESET_SYSTEM).items():
            self.write_system(name, value)
        machine.reg_write(reg.UC_ARM64_REG_PSTATE, 0x3c5)
        machine.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        machine.hook_add(unicorn.UC_HOOK_CODE, self._before)
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

    def read_system(self, name: system.SystemName) -> int:
        """Return a system register."""
        op0, op1, crn, crm, op2 = name
        return self.machine.reg_read(reg.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2))

    def write_system(self, name: system.SystemName, value: int) -> None:
        """Set a system register."""
        op0, op1, crn, crm, op2 = name
        self.machine.reg_write(reg.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2, value))

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self.machine.reg_read(reg.UC_ARM64_REG_PC)

    @property
    def interrupts_masked(self) -> bool:
        """PSTATE.I."""
        return bool(self.machine.reg_read(reg.UC_ARM64_REG_PSTATE) & 0x80)

    @property
    def at_el0(self) -> bool:
        """The exception level is EL0."""
        return not self.machine.reg_read(reg.UC_ARM64_REG_PSTATE) & 0xc

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
            self._on_instruction = on_instruction
        if on_access is not None:
            self._on_access = on_access

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
            if self._fetches(pc):
                try:
                    self.machine.emu_start(pc, 1)
                except unicorn.UcError as error:
                    if self._fetches(self.pc):
                        raise OracleError(f"Unicorn stops at {self.pc:#x}: {error}") from error
                if not self._stopped and self._fetches(self.pc):
                    raise OracleError(f"Unicorn stops at {self.pc:#x} without a reason")
            else:
                self.machine.reg_write(reg.UC_ARM64_REG_PC, pc)
                if not self._on_instruction(pc):
                    self._refuse_fetch(pc)
            pc = self.pc
        return pc

    def stop(self) -> None:
        """End :meth:`run` before the instruction whose callback this is."""
        self._stopped = True
        self.machine.emu_stop()

    def take_exception(self, return_address: int, syndrome: int | None, *,
                       address: int | None = None) -> None:
        """Enter the vector at EL1, as the core does.

        Parameters
        ----------
        return_address : :class:`int`
            For ELR_EL1.
        syndrome : :class:`int` or None
            For ESR_EL1; None is an interrupt, which leaves it.
        address : :class:`int` or None
            For FAR_EL1; None leaves it.
        """
        machine = self.machine
        pstate = machine.reg_read(reg.UC_ARM64_REG_PSTATE) & _PSTATE_KEPT
        pstate |= self._illegal * _STATE_ILLEGAL
        self._illegal = False
        from_el1, own_stack = pstate >> 2 & 3, pstate & 1
        if not own_stack:
            self.write_system(system.SP_EL0, machine.reg_read(reg.UC_ARM64_REG_SP))
            machine.reg_write(reg.UC_ARM64_REG_SP, self.read_system(system.SP_EL1))
        # The level that code is translated for follows the state at the next write of a system
        # register, not at this one.
        never = 0 if self.read_system(system.SCTLR) & _SCTLR_SPAN else _PAN
        machine.reg_write(reg.UC_ARM64_REG_PSTATE, pstate & 0xf040_0000 | never | 0x3c5)
        self.write_system(system.SPSR, pstate)
        self.write_system(system.ELR, return_address)
        if syndrome is not None:
            self.write_system(system.ESR, syndrome)
        if address is not None:
            self.write_system(system.FAR, address)
        self._reserved = None
        offset = 0x200 * own_stack if from_el1 else 0x400
        if syndrome is None:
            offset += 0x80
        machine.reg_write(reg.UC_ARM64_REG_PC, self.read_system(system.VBAR) + offset)
        self.exception = 0 if syndrome is None else syndrome

    def _before(self, _machine, address: int, _size: int, _) -> None:
        """Before each instruction: let the user know, then do what Unicorn does not."""
        if self._on_instruction(address):
            return
        if not self._fetches(address):
            self._refuse_fetch(address)
            return
        if self._illegal:
            self.take_exception(address, _ILLEGAL_STATE)
            return
        word = self.word(address)
        try:
            special = self._specials[word]
        except KeyError:
            special = self._specials[word] = self._special(word)
        if special is not None:
            special(address, word)

    def _special(self, word: int) -> _Special | None:
        """Return what Unicorn cannot be left to do with ``word``."""
        # Bit 26 tells vector from integer instructions in both halves of the space.
        if word & 0x0e00_0000 == 0x0e00_0000 or word & 0x0e00_0000 == 0x0c00_0000:
            return lambda address, _: self.take_exception(address, system.UNDEFINED)
        if word in _HINTS_THAT_WAIT:
            return self._wait
        if word & _CLREX_MASK == _CLREX:
            return self._forget
        if word == _ERET:
            return self._return
        if word & 0xfff8_f0e0 in (0xd50b_7020, 0xd508_7020) and word >> 8 & 15 not in (1, 5):
            return self._maintain
        if word & 0xffd0_0000 == 0xd510_0000 and system.system_name(word) in system.CORE_ONLY:
            return self._move_monitor
        if word & 0xff9f_fc1f == 0xd61f_0000:
            return self._branch
        plan = accesses.access_plan(word)
        if plan is None:
            return None
        if word & 0x3f20_cc00 == 0x3820_4000 and word >> 30 != 3:
            execute = self._narrow_extreme
        elif word & 0x3fc0_0000 == 0x0800_0000 and (word >> 31 or not word >> 21 & 1):
            execute = self._store_exclusive
        elif word & 0x3fc0_0000 == 0x0840_0000 and (word >> 31 or not word >> 21 & 1):
            execute = self._load_exclusive
        else:
            execute = None

        def access(address: int, word: int) -> None:
            if not self._check_access(plan, address) and execute is not None:
                execute(plan, address, word)

        return access

    def _skip(self, address: int) -> None:
        self.machine.reg_write(reg.UC_ARM64_REG_PC, address + 4)

    def _maintain(self, address: int, word: int) -> None:
        """DC by address: refuse what Unicorn does not."""
        number, control = word & 31, self.read_system(system.SCTLR)
        zeroes = word >> 8 & 15 == 4
        allowed = _SCTLR_DZE if zeroes else _SCTLR_UCI
        if self.at_el0 and not (word >> 16 & 3 and control & allowed):
            return
        target = 0 if number == 31 else self.state()[number] & (-_LINE_BYTES if zeroes else -1)
        fault = accesses.fault_of_maintenance(word, target, normal=self._is_ram(target))
        if fault is not None:
            syndrome = accesses.DATA - accesses.LOWER * self.at_el0 | fault
            self.take_exception(address, syndrome, address=target)

    def _move_monitor(self, address: int, word: int) -> None:
        """Skip a move of a register that only the core has, or refuse it."""
        syndrome = system.syndrome_of_monitor(word, at_el0=self.at_el0,
                                              user=self.read_system(system.USER_CONTROL))
        if syndrome is None:
            self._skip(address)
        else:
            self.take_exception(address, syndrome)

    def _wait(self, address: int, word: int) -> None:
        if word == _WFI and self.at_el0 and not self.read_system(system.SCTLR) & _SCTLR_NTWI:
            self.take_exception(address, _WFI_TRAPPED)
        else:
            self._skip(address)

    def _return(self, _address: int, _word: int) -> None:
        """Prepare ERET: QEMU 5.0 has no illegal state, and no AArch32 is here to return to."""
        if self.at_el0:
            return
        self._reserved = None
        spsr, machine = self.read_system(system.SPSR), self.machine
        self._illegal = bool(spsr & _STATE_ILLEGAL) or spsr & 31 not in _STATES
        if spsr & 31 not in _STATES:
            pstate = machine.reg_read(reg.UC_ARM64_REG_PSTATE) & ~0xf040_03c0
            machine.reg_write(reg.UC_ARM64_REG_PSTATE, pstate | spsr & 0xf040_03c0)
            machine.reg_write(reg.UC_ARM64_REG_PC, self.read_system(system.ELR))

    def _forget(self, _address: int, _word: int) -> None:
        self._reserved = None

    def _is_ram(self, address: int) -> bool:
        return 0 <= address - self.ram_base < self.ram_bytes

    def _fetches(self, pc: int) -> bool:
        return self._is_ram(pc) and not pc & 3

    def _branch(self, address: int, word: int) -> None:
        """BR, BLR or RET: where it leads to nothing executable, :meth:`run` has to see that."""
        number = word >> 5 & 31
        target = 0 if number == 31 else self.state()[number]
        if not self._fetches(target):
            if word >> 21 & 3 == 1:
                self.write_register(30, address + 4)
            self.machine.reg_write(reg.UC_ARM64_REG_PC, target)
            self.machine.emu_stop()

    def _refuse_fetch(self, pc: int) -> None:
        self.take_exception(pc, accesses.fault_of_fetch(pc, at_el0=self.at_el0), address=pc)

    def _check_access(self, plan: accesses.AccessPlan, pc: int) -> bool:
        """Take the exception that an access asks for; return true if there is one."""
        state = self.state()
        address = plan.address(state, pc)
        if plan.base == 31 and state[31] & 15 and self.read_system(system.SCTLR) & (
                0x10 if self.at_el0 else 0x08):
            self.take_exception(pc, accesses.SP_ALIGNMENT)
            return True
        if self._is_ram(address) and not address & (plan.size * plan.count - 1):
            return False
        strict = bool(self.read_system(system.SCTLR) & 2)
        # The elements of a pair are accesses of their own.
        for at in range(address, address + plan.size * plan.count, plan.size):
            normal = self._is_ram(at)
            exists = (self._is_ram(at + plan.size - 1) if normal else any(
                base <= at < base + size for base, size in self._mapped))
            code = accesses.fault_of(plan, at, normal=normal, strict=strict, exists=exists)
            if code is not None:
                kind = accesses.DATA - accesses.LOWER * self.at_el0 | accesses.WRITE * plan.write
                self.take_exception(pc, kind | code, address=at)
            if code is not None or plan.atomic:
                return code is not None
        return False

    def _load_exclusive(self, plan: accesses.AccessPlan, pc: int, _word: int) -> None:
        self._reserved = plan.address(self.state(), pc) // _LINE_BYTES

    def _store_exclusive(self, plan: accesses.AccessPlan, pc: int, word: int) -> None:
        """Execute a store-exclusive by the core's monitor, which covers a line."""
        state = self.state()
        address = plan.address(state, pc)
        fails = self._reserved != address // _LINE_BYTES
        self._reserved = None
        if not fails:
            for element, number in enumerate((word & 31, word >> 10 & 31)[:plan.count]):
                value = 0 if number == 31 else state[number] & (1 << 8 * plan.size) - 1
                at = address + element * plan.size
                self.machine.mem_write(at, value.to_bytes(plan.size, "little"))
                self._on_access(True, at, plan.size, value)
        if word >> 16 & 31 != 31:
            self.write_register(word >> 16 & 31, int(fails))
        self._skip(pc)

    def _narrow_extreme(self, plan: accesses.AccessPlan, pc: int, word: int) -> None:
        """Execute LDSMAX, LDSMIN, LDUMAX or LDUMIN of less than 64 bits.

        QEMU 5.0, which Unicorn is made of, compares their operands without extending them
        ("tcg: Fix nonatomic signed min/max", in QEMU 5.1).
        """
        state, size = self.state(), plan.size
        at = plan.address(state, pc)
        old = int.from_bytes(self.machine.mem_read(at, size), "little")
        operand = 0 if word >> 16 & 31 == 31 else state[word >> 16 & 31] & (1 << 8 * size) - 1
        new = accesses.extreme(word, size, old, operand)
        self.machine.mem_write(at, new.to_bytes(size, "little"))
        if word & 31 != 31:
            self.write_register(word & 31, old)
        self._on_access(False, at, size, 0)
        self._on_access(True, at, size, new)
        self._skip(pc)

    def _on_interrupt(self, machine, number, _):
        pc = self.pc
        if number == _INTERRUPT_SVC:
            self.take_exception(pc, 0x5600_0000 | self.word(pc - 4) >> 5 & 0xffff)
        elif number == _INTERRUPT_BREAKPOINT:
            self.take_exception(pc, 0xf200_0000 | self.word(pc) >> 5 & 0xffff)
        elif number == _INTERRUPT_FETCH and not self._fetches(pc):
            machine.emu_stop()          # and run() takes the exception
        elif number == _INTERRUPT_SMC:
            self.take_exception(pc - 4, system.UNDEFINED)
        elif number == _INTERRUPT_UNDEFINED:
            self.take_exception(pc, system.syndrome_of_refused(self.word(pc), self.at_el0))
        else:
            raise OracleError(f"Unicorn takes exception {number} at {pc:#x}")
