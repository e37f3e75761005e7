"""Lockstep: what the core retired against what the oracle does."""

import collections
import dataclasses
from collections.abc import Sequence

import capstone
import numpy as np

from .a64_oracle import REGISTERS, Oracle, OracleError
from .a64_registers import CORE_ONLY, COUNTERS, IDENTITY, system_name

__all__ = ["LINE_BYTES", "Access", "Checker", "MismatchError", "Record", "disassemble"]

HISTORY = 20
LINE_BYTES = 64

_disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)


def disassemble(insn: int, pc: int = 0) -> str:
    """Return the instruction as text, or its word if the disassembler does not know it."""
    for one in _disassembler.disasm(insn.to_bytes(4, "little"), pc):
        return f"{one.mnemonic} {one.op_str}".strip()
    return f".word {insn:#010x}"


#: A data access: store or load, address, bytes, value, device.
Access = collections.namedtuple("Access", "write addr size value device")


@dataclasses.dataclass(slots=True)
class Record:
    """One entry of the retire log, decoded.

    Parameters
    ----------
    pc, insn : :class:`int`
        Address and encoding.
    exception, interrupt : :class:`bool`
        The instruction was replaced by an exception, or by an interrupt.
    syndrome : :class:`int`
        ESR_EL1 after an exception.
    nzcv : :class:`int`
        Flags after the instruction.
    writes : sequence of (index, value)
        General registers; 31 is SP.
    accesses : sequence of :class:`Access`
        Data accesses.
    """

    pc: int
    insn: int
    exception: bool
    interrupt: bool
    syndrome: int
    nzcv: int
    writes: Sequence[tuple[int, int]]
    accesses: Sequence[Access]


class MismatchError(Exception):
    """The core did something else than the oracle; the text is a report of several lines."""


def _is_fetch_fault(record: Record) -> bool:
    return record.exception and not record.interrupt and record.syndrome >> 26 in (
        0x20, 0x21, 0x22)


def _is_compare_and_swap(insn: int) -> bool:
    """CAS or CASP: whether a failed one writes back is not architectural."""
    return insn & 0x3fa0_7c00 == 0x08a0_7c00 or insn & 0xbfa0_7c00 == 0x0820_7c00


def _is_zero_cache_line(insn: int) -> bool:
    return insn & 0xffff_ffe0 == 0xd50b_7420


def _bytes_stored(accesses) -> dict[int, int]:
    """Map each address written to its byte: how many accesses a store is split into is free."""
    stored = {}
    for write, addr, size, value, *_ in accesses:
        if write:
            for i in range(size):
                stored[addr + i] = value >> 8 * i & 0xff
    return stored


def _bytes_loaded(accesses) -> set[int]:
    return {addr + i for write, addr, size, *_ in accesses if not write for i in range(size)}


class Checker:
    """Runs the oracle along a stream of retire records and stops at the first difference.

    The oracle takes from the core the values of device loads, of counter reads and the times of
    interrupts; :attr:`taken` counts them. It never takes state.

    Parameters
    ----------
    ram_base, ram_bytes : :class:`int`
        The RAM.
    devices, device_memory : sequence of (base, bytes)
        Device ranges; those that hold what was stored: nothing is taken from the core there.
    reproduce : :class:`str`
        Command that repeats the run, for reports.

    Attributes
    ----------
    checked : :class:`int`
        Records found equal.
    taken : dict
        Values that the oracle took from the core, by kind.
    """

    def __init__(self, *, ram_base: int, ram_bytes: int, devices: Sequence[tuple[int, int]],
                 device_memory: Sequence[tuple[int, int]] = (), reproduce: str = ""):
        self.oracle = Oracle(ram_base=ram_base, ram_bytes=ram_bytes, devices=devices,
                             device_memory=device_memory, on_device_read=self._device_read)
        self.oracle.hook(on_instruction=self._before, on_access=self._on_access)
        self.reproduce = reproduce
        self.checked = 0
        self.taken = collections.Counter()
        self._records: Sequence[Record] = ()
        self._next = 0
        self._current: Record | None = None
        self._accesses: list[tuple] = []
        self._history: collections.deque[Record] = collections.deque(maxlen=HISTORY)
        self._mismatch: MismatchError | None = None
        self._expected = type(self.oracle.state()).from_buffer_copy(self.oracle.state())
        self._pc: int | None = None
        # SP_EL0 and SP_EL1 as the core has written them, and which of the two is in use.
        self._stacks = [0, 0]
        self._stack = 1

    def load(self, address: int, contents: bytes) -> None:
        """Copy a part of the program to the oracle's RAM."""
        self.oracle.load(address, contents)

    def check(self, records: Sequence[Record]) -> None:
        """Compare the next records of the stream.

        Raises
        ------
        :exc:`MismatchError`
            At the first difference. The checker is of no use after it.
        """
        if not records:
            return
        self._records = records
        self._next = 0
        start = records[0].pc if self._pc is None else self._pc
        try:
            self._pc = self.oracle.run(start)
        except OracleError as error:
            raise self._report(str(error)) from error
        if self._mismatch:
            raise self._mismatch

    def check_memory(self, ram: np.ndarray, *, sets: int = 0, ways: int = 0) -> None:
        """Compare the whole RAM.

        Parameters
        ----------
        ram : :class:`numpy.ndarray`
            The core's.
        sets, ways : :class:`int`
            Geometry of a write-back cache that may still hold lines: as many may differ.

        Raises
        ------
        :exc:`MismatchError`
            With the first address that differs.
        """
        if np.array_equal(ram, self.oracle.ram):
            return
        different = np.flatnonzero(ram != self.oracle.ram)
        if sets:
            lines = np.unique(different // LINE_BYTES)
            if np.bincount(lines % sets).max() <= ways:
                return
        first = int(different[0])
        raise self._report(
            f"memory differs in {len(different)} bytes, the first at "
            f"{self.oracle.ram_base + first:#x}: core {ram[first]:#04x}, "
            f"oracle {self.oracle.ram[first]:#04x}")

    def _before(self, address: int) -> bool:
        """Settle the instruction that has just ended, then take the next record."""
        current = self._current
        if current is not None:
            problem = self._compare(current)
            if problem is not None:
                return self._fail(problem)
            self._history.append(current)
            self.checked += 1
            self._current = None
        if self._next == len(self._records):
            self.oracle.stop()
            return True
        self._current = record = self._records[self._next]
        self._next += 1
        self._accesses = []
        self.oracle.exception = None
        if record.pc != address:
            return self._fail(f"the core is at {record.pc:#x}, the oracle at {address:#x}")
        if record.interrupt:
            if self.oracle.interrupts_masked:
                return self._fail("the core takes an interrupt that is masked")
            self.taken["interrupts"] += 1
            self.oracle.take_exception(address, None)
            return True
        if record.insn != self.oracle.word(address) and not _is_fetch_fault(record):
            return self._fail(f"the core fetched {record.insn:#010x}, "
                              f"memory holds {self.oracle.word(address):#010x}")
        return False

    def _compare(self, record: Record) -> str | None:
        """Return what differs after the instruction of ``record``, or None."""
        oracle = self.oracle
        if (oracle.exception is not None) != record.exception:
            return (f"the core takes {'an' if record.exception else 'no'} exception "
                    f"({record.syndrome:#010x}), the oracle "
                    f"{'none' if oracle.exception is None else f'{oracle.exception:#010x}'}")
        if record.exception and oracle.exception != record.syndrome:
            return f"syndrome: core {record.syndrome:#010x}, oracle {oracle.exception:#010x}"
        expected = self._expected
        for index, value in record.writes:
            expected[index] = value
        expected[32] = record.nzcv << 28
        if record.insn & 0xfff0_0000 == 0xd530_0000 and not record.exception:
            self._system_read(record)
        if record.exception or record.insn & 0xffc0_0000 in (0xd500_0000, 0xd680_0000):
            self._switch_stack(record)
        if bytes(expected) != bytes(oracle.state()):
            return self._register_difference()
        if self._accesses or record.accesses:
            return self._compare_accesses(record)
        return None

    def _switch_stack(self, record: Record) -> None:
        """Follow the stack pointer in use after exceptions, ERET and MSR, which no write tells."""
        expected, stacks = self._expected, self._stacks
        if record.insn & 0xffff_ffe0 == 0xd518_4100 and not record.exception:       # MSR SP_EL0
            source = record.insn & 31
            stacks[0] = expected[source] if source < 31 else 0
        used = self.oracle.stack_in_use
        if used != self._stack:
            stacks[self._stack] = expected[31]
            expected[31] = stacks[used]
            self._stack = used

    def _system_read(self, record: Record) -> None:
        """Let the oracle have the core's counters, and the identity that the core must show."""
        name = system_name(record.insn)
        target = record.insn & 31
        if target == 31:
            return
        if name in COUNTERS or name in CORE_ONLY:
            self.taken[CORE_ONLY.get(name, "counter reads")] += 1
            self.oracle.write_register(target, self._expected[target])
        elif name in IDENTITY:
            self.oracle.write_register(target, IDENTITY[name])

    def _register_difference(self) -> str:
        state = self.oracle.state()
        return "; ".join(
            f"{name}: core {self._expected[i]:#x}, oracle {state[i]:#x}"
            for i, name in enumerate(REGISTERS) if state[i] != self._expected[i])

    def _compare_accesses(self, record: Record) -> str | None:
        insn = record.insn
        if _is_compare_and_swap(insn) or _is_zero_cache_line(insn) or record.exception:
            return None
        core, oracle = record.accesses, self._accesses
        stored, expected = _bytes_stored(core), _bytes_stored(oracle)
        if stored != expected:
            return (f"stores: core {_describe(core, True)}, oracle {_describe(oracle, True)}")
        if _bytes_loaded(core) != _bytes_loaded(oracle):
            return f"loads: core {_describe(core, False)}, oracle {_describe(oracle, False)}"
        return None

    def _on_access(self, write: bool, addr: int, size: int, value: int) -> None:
        self._accesses.append((write, addr, size, value))

    def _device_read(self, address: int, size: int) -> int:
        self.taken["device loads"] += 1
        for access in self._current.accesses if self._current else ():
            offset = address - access.addr
            if access.device and not access.write and 0 <= offset < access.size:
                return access.value >> 8 * offset & (1 << 8 * size) - 1
        return 0

    def _fail(self, problem: str) -> bool:
        self._mismatch = self._report(problem)
        self.oracle.stop()
        return True

    def _report(self, problem: str) -> MismatchError:
        """Put together everything that a person needs to find the defect."""
        record = self._current or (self._history[-1] if self._history else None)
        lines = [f"lockstep mismatch after {self.checked} instructions: {problem}"]
        if record is not None:
            lines.append(f"instruction: {_line(record)}")
        lines.append(f"last {len(self._history)} instructions:")
        lines += [f"  {_line(one)}" for one in self._history]
        state = self.oracle.state()
        lines.append("registers (core, oracle; * differs):")
        for i, name in enumerate(REGISTERS):
            mark = " " if state[i] == self._expected[i] else "*"
            lines.append(f" {mark}{name:>4} {self._expected[i]:016x} {state[i]:016x}")
        if self.reproduce:
            lines.append(f"reproduce: {self.reproduce}")
        return MismatchError("\n".join(lines))


def _describe(accesses, write: bool) -> str:
    shown = [f"[{addr:#x}]{'=' + format(value, '#x') if write else ''} ({size} B)"
             for is_write, addr, size, value, *_ in accesses if bool(is_write) == write]
    return ", ".join(shown) or "none"


def _line(record: Record) -> str:
    """Return one line for an instruction and its effects."""
    effects = [f"{REGISTERS[index]}={value:#x}" for index, value in record.writes]
    effects += [f"[{access.addr:#x}]{'<-' if access.write else '->'}{access.value:#x}"
                for access in record.accesses]
    if record.exception:
        effects.append("interrupt" if record.interrupt else f"exception {record.syndrome:#010x}")
    return (f"{record.pc:#012x}  {record.insn:08x}  {disassemble(record.insn, record.pc):<34} "
            f"{record.nzcv:04b} {' '.join(effects)}").rstrip()
