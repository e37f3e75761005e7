"""Assembles ``boot.S`` and writes its words to ``rtl/soc/boot_rom.py``.

Run it as ``python -m sw.firmware.boot.assemble`` after a change of ``boot.S``.
"""

from pathlib import Path

from elftools.elf.elffile import ELFFile

from rtl.soc.memory_map import region
from sw.toolchain import compile_c

__all__ = ["assemble", "main"]

SOURCE = Path(__file__).with_name("boot.S")
TARGET = Path(__file__).resolve().parents[3] / "rtl" / "soc" / "boot_rom.py"
SCRIPT = f"""\
ENTRY(_start)
SECTIONS
{{
    . = {region("ROM").base:#x};
    .text : {{ *(.text) }}
    /DISCARD/ : {{ *(.comment) *(.note.*) *(.eh_frame*) *(.ARM.*) }}
}}
"""


def assemble() -> list[int]:
    """Return the 32-bit words of the boot ROM."""
    with compile_c([SOURCE], script=SCRIPT, libc=False).open("rb") as file:
        code = ELFFile(file).get_section_by_name(".text").data()
    code += bytes(-len(code) % 4)
    return [int.from_bytes(code[offset:offset + 4], "little") for offset in range(0, len(code), 4)]


def render(words: list[int]) -> str:
    """Return the text of ``rtl/soc/boot_rom.py``."""
    rows = [", ".join(f"0x{word:08x}" for word in words[base:base + 6])
            for base in range(0, len(words), 6)]
    body = ",\n    ".join(rows)
    return ('"""Words of the boot ROM, assembled from ``sw/firmware/boot/boot.S``.\n\n'
            '``python -m sw.firmware.boot.assemble`` writes this file.\n"""\n\n'
            f'__all__ = ["BOOT_ROM"]\n\nBOOT_ROM = (\n    {body},\n)\n')


def main() -> None:
    """Write the file."""
    TARGET.write_text(render(assemble()))


if __name__ == "__main__":
    main()
