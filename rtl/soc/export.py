"""The memory map and the registers of the chip as C header, linker script and Markdown page."""

from rtl.config import ChipConfig
from rtl.csr import RegisterMap
from rtl.csr.export import c_defines, markdown_table
from rtl.matmul.registers import registers as tile_registers
from rtl.nitro_dma import registers as dma

from . import gic_map, sysctl, timer, uart
from .memory_map import INTERRUPTS, MEMORY_MAP, region

__all__ = ["c_header", "linker_script", "markdown", "register_maps"]


GIC_TABLES = (("GICD", gic_map.DISTRIBUTOR), ("GICR", gic_map.REDISTRIBUTOR))


def register_maps(config: ChipConfig) -> list[tuple[str, str, RegisterMap]]:
    """Return region, place in it, and registers of every bank of the chip."""
    queue = f"{dma.PAGE_BYTES:#x} * queue"
    return [
        ("UART", "0x0", uart.REGISTERS),
        ("SYSCTL", "0x0", sysctl.REGISTERS),
        ("TIMER", "0x0", timer.REGISTERS),
        ("DMA", f"{dma.GLOBAL_PAGE:#x}", dma.GLOBAL),
        ("DMA", f"{dma.QUEUE_PAGE:#x} + {queue}", dma.QUEUE),
        ("DMA", f"{dma.MANAGER_PAGE:#x} + {queue}", dma.MANAGER),
        *([("DMA", f"{dma.COUNTER_PAGE:#x} + {queue}", dma.COUNTERS)]
          if config.dma.counters else []),
        ("TILE_REGS", "0x0", tile_registers(config.tile)),
    ]


def c_header(config: ChipConfig | None = None) -> str:
    """Return ``chip.h``: regions, register offsets, and shift and mask of every field."""
    config = config or ChipConfig()
    lines = ["/* Generated from the memory map and the register declarations: do not edit. */",
             "#ifndef TILICHO_CHIP_H", "#define TILICHO_CHIP_H", ""]
    for entry in MEMORY_MAP:
        # The tool chain may have defined the bases already, from the same map.
        lines += [f"/* {entry.doc} */",
                  f"#ifndef {entry.name}_BASE",
                  f"#define {entry.name}_BASE 0x{entry.base:08x}ul",
                  "#endif",
                  f"#define {entry.name}_SIZE 0x{entry.size:08x}ul"]
    lines += ["", "/* Pages of the DMA engine, as offsets in its region. */"]
    lines += [f"#define DMA_{name} 0x{getattr(dma, name):05x}ul"
              for name in ("GLOBAL_PAGE", "QUEUE_PAGE", "PUSH_PAGE", "MANAGER_PAGE",
                           "COUNTER_PAGE", "PAGE_BYTES")]
    lines += ["", "/* Interrupts, as the interrupt controller numbers them. */"]
    lines += [f"#define IRQ_{name.upper()} {intid}" for name, intid in INTERRUPTS.items()]
    lines += ["", "/* Registers of the interrupt controller; arrays begin with interrupt 0. */"]
    lines += [f"#define {prefix}_{name} {offset:#x}u" for prefix, table in GIC_TABLES
              for name, offset in table.items()]
    for _, _, registers in register_maps(config):
        lines += ["", c_defines(registers).rstrip()]
    return "\n".join([*lines, "", "#endif", ""])


def linker_script(*, name: str = "DRAM", offset: int = 64, size_bytes: int | None = None,
                  stack_bytes: int = 16384) -> str:
    """Return a linker script that puts a whole program into one region.

    Parameters
    ----------
    name : :class:`str`
        Region of the memory map.
    offset : :class:`int`
        Where the program starts in it; by default behind the header that the boot ROM reads, so
        that an image at the bottom of DRAM runs where it stands.
    size_bytes : :class:`int` or None
        Memory that the region really has, from its start on; by default all of it.
    stack_bytes : :class:`int`
        Kept free of the heap.

    Raises
    ------
    :exc:`ValueError`
        If the region is no memory, or has no room for the stack.
    """
    target = region(name)
    size_bytes = target.size if size_bytes is None else size_bytes
    if target.kind != "memory":
        raise ValueError(f"A program must be linked into memory, not into {name}")
    if not offset + stack_bytes < size_bytes <= target.size:
        raise ValueError(f"{name} must have room for {offset + stack_bytes} bytes, "
                         f"not {size_bytes!r}")
    end = target.base + size_bytes
    return f"""\
ENTRY(_start)
PHDRS {{ image PT_LOAD FLAGS(7); }}
SECTIONS
{{
    . = {target.base + offset:#x};
    .text : {{ KEEP(*(.text.start)) *(.text .text.*) }} :image
    .rodata : ALIGN(64) {{ *(.rodata .rodata.*) }} :image
    .init_array : ALIGN(16)
    {{
        __constructors_start = .;
        KEEP(*(SORT(.init_array.*))) KEEP(*(.init_array))
        __constructors_end = .;
    }} :image
    .data : ALIGN(64) {{ *(.data .data.*) }} :image
    .bss : ALIGN(64) {{ __bss_start = .; *(.bss .bss.* COMMON) . = ALIGN(16); __bss_end = .; }}
    __heap_start = ALIGN(64);
    __stack_top = {end:#x};
    __heap_end = __stack_top - {stack_bytes:#x};
    ASSERT(__heap_start <= __heap_end, "program does not fit into {name}")
    /DISCARD/ : {{ *(.comment) *(.eh_frame*) *(.ARM.*) *(.note.*) }}
}}
"""


def markdown(config: ChipConfig | None = None) -> str:
    """Return the page of the memory map and of all registers."""
    config = config or ChipConfig()
    lines = ["# Memory map", "",
             "| base | size | region | kind | contents |", "|---|---|---|---|---|"]
    for entry in MEMORY_MAP:
        lines.append(f"| 0x{entry.base:08x} | 0x{entry.size:x} | `{entry.name}` | {entry.kind} | "
                     f"{entry.doc} |")
    lines += ["", "# Interrupts", "", "| INTID | source |", "|---|---|"]
    lines += [f"| {intid} | `{name}` |" for name, intid in INTERRUPTS.items()]
    lines += ["", "# Registers", "", "## Interrupt controller", "",
              "A subset of GICv3; arrays begin with interrupt 0.", "",
              "| region | offset | register |", "|---|---|---|"]
    lines += [f"| `{prefix}` | {offset:#07x} | `{name}` |" for prefix, table in GIC_TABLES
              for name, offset in table.items()]
    for name, offset, registers in register_maps(config):
        place = f"`{name}`" if offset == "0x0" else f"`{name}` + {offset}"
        lines += ["", f"## {registers.doc}", "", f"At {place}.", "", markdown_table(registers)]
    return "\n".join(lines)
