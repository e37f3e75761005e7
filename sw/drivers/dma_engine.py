"""Host driver of the DMA engine: the bus, the engine as a whole, and what a manager decides."""

import dataclasses
from collections.abc import Callable

from .dma_buffers import MAX_BUFFER

__all__ = ["DmaBus", "DmaEngine", "DmaManager", "GLOBAL_REGISTERS", "MANAGER_REGISTERS"]

# Offsets in the global page.
GLOBAL_REGISTERS = {"STATUS": 0x0C, "FEATURES": 0x14, "CONTROL": 0x18}
# Offsets in a queue's manager's page; the windows follow each other at WINDOW_BYTES.
MANAGER_REGISTERS = {
    "TENANT": 0x00, "WEIGHT": 0x04, "RATE": 0x08, "WINDOW0_BASE_LO": 0x100,
    "WINDOW0_BASE_HI": 0x104, "WINDOW0_LIMIT_LO": 0x108, "WINDOW0_LIMIT_HI": 0x10C,
    "WINDOW0_ACCESS": 0x110,
}
MANAGER_PAGE = 0x80000
WINDOWS, WINDOW_BYTES = 4, 0x20
PAGE = 4096
ENGINE_DISABLE, ENGINE_ABORT, ENGINE_RESET = 1 << 0, 1 << 8, 1 << 9


@dataclasses.dataclass(frozen=True)
class DmaBus:
    """How the driver reaches memory and registers.

    Parameters
    ----------
    read_memory, write_memory : callable
        ``read_memory(address, length) -> bytes`` and ``write_memory(address, data)``.
    read_register, write_register : callable
        ``read_register(offset) -> int`` and ``write_register(offset, value)``, offsets from the
        base of the engine.
    """

    read_memory: Callable[[int, int], bytes]
    write_memory: Callable[[int, bytes], None]
    read_register: Callable[[int], int]
    write_register: Callable[[int, int], None]


class DmaEngine:
    """The engine as a whole, through its global page."""

    def __init__(self, bus: DmaBus):
        self.bus = bus

    def _control(self, value: int, polls: int) -> None:
        self.bus.write_register(GLOBAL_REGISTERS["CONTROL"], value)
        if not any(not self.bus.read_register(GLOBAL_REGISTERS["STATUS"]) & 1
                   for _ in range(polls)):
            raise TimeoutError(f"DMA engine not drained after {polls} polls")

    def disable(self, polls: int = 100_000) -> None:
        """Start nothing more on any pair, and wait until nothing is under way.

        Raises
        ------
        :exc:`TimeoutError`
            If the engine is not drained after ``polls`` looks; likewise of the other calls.
        """
        self._control(ENGINE_DISABLE, polls)

    def resume(self) -> None:
        """Let the pairs go on."""
        self.bus.write_register(GLOBAL_REGISTERS["CONTROL"], 0)

    def abort(self, polls: int = 100_000) -> None:
        """Abort every pair that is enabled, and wait until nothing is under way."""
        self._control(ENGINE_ABORT, polls)

    def reset(self, polls: int = 100_000) -> None:
        """Disable and reset every pair, and wait until nothing is under way.

        The pairs stay disabled until :meth:`resume`.
        """
        self._control(ENGINE_DISABLE | ENGINE_RESET, polls)


class DmaManager:
    """What the owner of the machine decides about a queue pair, through its manager's page.

    After reset a pair has no windows and may reach nothing. The registers are locked while the
    pair is enabled or busy.

    Parameters
    ----------
    bus : :class:`DmaBus`
        Registers.
    queue : :class:`int`
        Number of the pair.
    """

    def __init__(self, bus: DmaBus, queue: int = 0):
        self.bus = bus
        self.page = MANAGER_PAGE + 0x1000 * queue

    def _write(self, name: str, value: int, offset: int = 0) -> None:
        self.bus.write_register(self.page + MANAGER_REGISTERS[name] + offset, value)

    def own(self, tenant: int) -> None:
        """Give the pair to a tenant."""
        self._write("TENANT", tenant)

    def serve(self, *, weight: int = 1, rate: int = 0, burst: int = MAX_BUFFER - 1) -> None:
        """Set the pair's weight while others have work too, and its limit.

        Parameters
        ----------
        weight : :class:`int`
            1 to 16.
        rate : :class:`int`
            Bytes every 256 cycles, up to 65535; 0 for no limit.
        burst : :class:`int`
            Bytes that may be saved up while the pair is idle, 1 to 65535.

        Raises
        ------
        :exc:`ValueError`
            If a value is out of its range.
        """
        for name, value, low, high in (("Weight", weight, 1, 16), ("Rate", rate, 0, MAX_BUFFER - 1),
                                       ("Burst", burst, 1, MAX_BUFFER - 1)):
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {value!r}")
        self._write("WEIGHT", weight - 1)
        self._write("RATE", rate | burst << 16)

    def open_window(self, window: int, base: int, size: int, *, read: bool = True,
                    write: bool = True) -> None:
        """Let the pair read or write ``size`` bytes from ``base`` on: whole pages of 4 KiB.

        Raises
        ------
        :exc:`ValueError`
            If there is no such window, or the bytes are not whole pages.
        """
        if not 0 <= window < WINDOWS:
            raise ValueError(f"Window must be 0 to {WINDOWS - 1}, not {window!r}")
        if base % PAGE or size % PAGE or size <= 0:
            raise ValueError(f"A window must consist of whole pages of {PAGE} bytes, not of "
                             f"{size:#x} bytes at {base:#x}")
        offset, last = WINDOW_BYTES * window, base + size - PAGE
        self.close_window(window)       # the bounds may lie anywhere while they change
        for name, address in (("BASE", base), ("LIMIT", last)):
            self._write(f"WINDOW0_{name}_LO", address & 0xFFFF_FFFF, offset)
            self._write(f"WINDOW0_{name}_HI", address >> 32, offset)
        self._write("WINDOW0_ACCESS", read | write << 1, offset)

    def close_window(self, window: int) -> None:
        """Take the window away."""
        self._write("WINDOW0_ACCESS", 0, WINDOW_BYTES * window)
