"""Registers of the interrupt controller, by their offsets: one table for RTL, header and page."""

__all__ = ["DISTRIBUTOR", "REDISTRIBUTOR", "SGI_PAGE"]

SGI_PAGE = 0x10000
"""Where the registers of private interrupts stand in the redistributor."""

_ARRAYS = {"IGROUPR": 0x080, "ISENABLER": 0x100, "ICENABLER": 0x180, "ISPENDR": 0x200,
           "ICPENDR": 0x280, "ISACTIVER": 0x300, "ICACTIVER": 0x380, "IPRIORITYR": 0x400,
           "ICFGR": 0xC00}

DISTRIBUTOR: dict[str, int] = {
    "CTLR": 0x0, "TYPER": 0x4, "IIDR": 0x8, "SETSPI_NSR": 0x40, "CLRSPI_NSR": 0x48, **_ARRAYS,
    "IROUTER": 0x6000, "PIDR2": 0xFFE8,
}

REDISTRIBUTOR: dict[str, int] = {
    "CTLR": 0x0, "IIDR": 0x4, "TYPER": 0x8, "WAKER": 0x14, "PIDR2": 0xFFE8,
    **{name: SGI_PAGE + offset for name, offset in _ARRAYS.items()},
}
