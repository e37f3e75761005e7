"""Memory attributes by address, as long as there is no MMU."""

import dataclasses

from amaranth import Signal

__all__ = ["CoreRegion", "in_regions"]


@dataclasses.dataclass(frozen=True)
class CoreRegion:
    """A range of Normal memory: cacheable, executable, unaligned accesses work.

    Everything outside the regions of a core is Device memory.

    Parameters
    ----------
    base, size : :class:`int`
        First byte address and bytes; ``base`` is a multiple of ``size``, a power of two.
    """

    base: int
    size: int

    def __post_init__(self):
        if self.size < 64 or self.size & (self.size - 1) or self.base % self.size:
            raise ValueError(f"Region must be a power of two of at least 64 bytes, aligned to its "
                             f"size, not {self.size:#x} bytes at {self.base:#x}")


def in_regions(m, address, regions, name):
    """Return a signal that is set while ``address`` lies in one of ``regions``."""
    inside = Signal(name=name)
    bits = len(address)
    for region in regions:
        shift = (region.size - 1).bit_length()
        if region.base >> bits == 0:
            with m.If(address[shift:] == region.base >> shift):
                m.d.comb += inside.eq(1)
    return inside
