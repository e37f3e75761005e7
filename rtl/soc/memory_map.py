"""The address map of the chip: every address stands here and nowhere else.

RAM, the interrupt controller and the UART stand where qemu's ``virt`` machine has them, so that
one bare-metal source runs on both.
"""

import dataclasses

__all__ = ["INTERRUPTS", "MEMORY_MAP", "Region", "SPIS", "region"]


@dataclasses.dataclass(frozen=True)
class Region:
    """An address range.

    Parameters
    ----------
    name : :class:`str`
        Upper-case name; the C header defines ``<NAME>_BASE`` and ``<NAME>_SIZE``.
    base, size : :class:`int`
        First byte address and bytes; ``base`` is a multiple of ``size``, a power of two.
    kind : :class:`str`
        ``memory`` (Normal: cacheable, executable) or ``device`` (Device: neither).
    doc : :class:`str`
        One line for the generated pages.
    """

    name: str
    base: int
    size: int
    kind: str
    doc: str

    def __post_init__(self):
        if self.size & (self.size - 1) or self.base % self.size:
            raise ValueError(f"Region {self.name} must be a power of two, aligned to its size")

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.base + self.size


MEMORY_MAP: tuple[Region, ...] = (
    Region("ROM",  0x0000_0000, 0x0001_0000, "memory", "Boot ROM, read only"),
    Region("GICD", 0x0800_0000, 0x0001_0000, "device", "Interrupt distributor"),
    Region("GICR", 0x080A_0000, 0x0002_0000, "device", "Interrupt redistributor"),
    Region("UART", 0x0900_0000, 0x0000_1000, "device", "PL011-subset UART"),
    Region("SYSCTL", 0x0A00_0000, 0x0000_1000, "device", "Exit code, cycle counter, identity"),
    Region("TIMER", 0x0A01_0000, 0x0000_1000, "device", "64-bit timer with compare"),
    Region("DMA",  0x0A10_0000, 0x0010_0000, "device", "Registers of the DMA engine"),
    Region("TILE_REGS", 0x0A20_0000, 0x0001_0000, "device", "Registers of the matmul tile"),
    Region("SRAM", 0x0C00_0000, 0x0010_0000, "memory", "On-chip SRAM, from the start of the range"),
    Region("TILE", 0x1000_0000, 0x0100_0000, "device", "SBUF, PSUM and instruction windows"),
    Region("DRAM", 0x4000_0000, 0x4000_0000, "memory", "External memory"),
)


#: Shared peripheral interrupts; those without a line can be sent as messages.
SPIS = 16

#: Numbers (INTID) of the interrupts that have a line, those private to the core included. The
#: header has them as ``IRQ_<NAME>``.
INTERRUPTS: dict[str, int] = {
    "pmu": 23, "vtimer": 27, "ptimer": 30,
    "uart": 33, "timer": 34, "tile": 36, "dma": 37,
}


def region(name: str) -> Region:
    """Return the region called ``name``; raises :exc:`KeyError` if there is none."""
    for entry in MEMORY_MAP:
        if entry.name == name:
            return entry
    raise KeyError(name)
