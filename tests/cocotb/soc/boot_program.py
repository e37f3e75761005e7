"""A boot image of `boot_program.S`, for the tests of the chip."""

from pathlib import Path

from elftools.elf.elffile import ELFFile

from rtl.soc.export import linker_script
from rtl.soc.memory_map import INTERRUPTS, region
from sw.demo.image import boot_image
from sw.toolchain import compile_c

__all__ = ["image"]

OFFSET = 0x1000
REGISTER_DEFINES = ("UART_FR=0x18", "TIMER_CTRL=0", "TIMER_COUNT_LO=8", "TIMER_COMPARE_LO=0x10",
                    f"IRQ_TIMER={INTERRUPTS['timer']}")


def image(config):
    """Return the boot image of `boot_program.S`, linked into SRAM by the generated script."""
    start = region("SRAM").base + OFFSET
    elf = compile_c([Path(__file__).with_name("boot_program.S")], libc=False,
                    defines=(*REGISTER_DEFINES, f"EXPECTED_START={start:#x}"),
                    script=linker_script(name="SRAM", offset=OFFSET, stack_bytes=1024,
                                         size_bytes=config.sram_bytes))
    with elf.open("rb") as file:
        program = ELFFile(file)
        assert program["e_entry"] == start
        segments = list(program.iter_segments("PT_LOAD"))
        payload = b"".join(segment.data() for segment in segments)
        assert segments[0]["p_paddr"] == start
    return boot_image(payload, start, start)
