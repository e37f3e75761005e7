# amaranth: UnusedElaboratable=no

"""Tests of the generated header, linker script and page, and of the boot ROM's words."""

import re
import subprocess
import sys

import pytest

from rtl.config import preset
from rtl.soc import export
from rtl.soc.boot_rom import BOOT_ROM
from rtl.soc.memory_map import MEMORY_MAP, region


def defines():
    return dict(re.findall(r"^#define (\w+) (\S+)", export.c_header(), re.MULTILINE))


def test_header_names_every_region_and_register():
    found = defines()
    for entry in MEMORY_MAP:
        assert int(found[f"{entry.name}_BASE"].rstrip("ul"), 16) == entry.base
        assert int(found[f"{entry.name}_SIZE"].rstrip("ul"), 16) == entry.size
    for _, _, registers in export.register_maps(preset("sim")):
        for register in registers.registers:
            name = f"{registers.name}_{register.name}".upper()
            assert int(found[name].rstrip("u"), 16) == register.offset
            for field in register.fields:
                prefix = f"{name}_{field.name.upper()}"
                assert int(found[f"{prefix}_SHIFT"]) == field.lsb
                assert int(found[f"{prefix}_MASK"].rstrip("u"), 16) == field.mask


def test_header_defines_each_name_once():
    names = re.findall(r"^#define (\w+)", export.c_header(), re.MULTILINE)
    assert len(names) == len(set(names))


def test_header_holds_the_fixed_addresses():
    found = defines()
    assert found["UART_BASE"] == "0x09000000ul"
    assert found["SYSCTL_BASE"] == "0x0a000000ul"
    assert found["SYSCTL_CYCLES_LO"] == "0x8u"
    assert found["UART_FR_TXFF_MASK"] == "0x20u"
    assert found["DMA_QUEUE_PAGE"] == "0x01000ul"
    assert found["GICD_ISENABLER"] == "0x100u"
    assert found["GICR_ISENABLER"] == "0x10100u"
    assert found["IRQ_UART"] == "33"


def test_header_compiles(tmp_path):
    source = tmp_path / "chip.c"
    source.write_text(export.c_header() + "unsigned long base = UART_BASE + UART_DR;\n")
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding",
                    "-Wall", "-Werror", "-c", str(source), "-o", str(tmp_path / "chip.o")],
                   check=True)


def test_regions_do_not_overlap():
    ordered = sorted(MEMORY_MAP, key=lambda entry: entry.base)
    assert all(one.end <= two.base for one, two in zip(ordered, ordered[1:], strict=False))


def test_linker_script_places_program_and_stack():
    script = export.linker_script(name="SRAM", offset=0, size_bytes=0x8000, stack_bytes=0x1000)
    assert ". = 0xc000000;" in script
    assert "__stack_top = 0xc008000;" in script


@pytest.mark.parametrize("arguments, message", [
    ({"name": "UART"}, "must be linked into memory, not into UART"),
    ({"name": "SRAM", "size_bytes": 4096}, "must have room for 16448 bytes, not 4096"),
    ({"name": "SRAM", "size_bytes": 1 << 21}, "must have room"),
])
def test_linker_script_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        export.linker_script(**arguments)


def test_page_lists_every_register():
    page = export.markdown()
    assert f"| 0x{region('DRAM').base:08x} |" in page
    for _, _, registers in export.register_maps(preset("sim")):
        assert all(f"`{register.name}`" in page for register in registers.registers)


def test_boot_rom_is_what_its_source_assembles_to():
    from sw.firmware.boot.assemble import assemble
    assert tuple(assemble()) == BOOT_ROM, "run python -m sw.firmware.boot.assemble"
