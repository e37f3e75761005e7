"""C and assembly to A64 ELF files, with clang from the ``ziglang`` wheel and the project's libc.

The core has no floating point: the compiler is told so by target features and a soft-float
calling convention, and every ELF is searched for instructions that slipped through.
"""

import dataclasses
import hashlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rtl.soc.memory_map import MEMORY_MAP, region

__all__ = ["CompileError", "RAM_BYTES", "STACK_BYTES", "compile_c", "link_script",
           "vector_instructions"]

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "sw" / "firmware" / "lib"
BUILD = ROOT / "build" / "sw"

RAM_BYTES = 64 << 20
STACK_BYTES = 1 << 20
ARGUMENT_BYTES = 4096

OPTIMISE = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-Og")

# `-mgeneral-regs-only` is ignored by this driver: the features are taken away one by one instead.
# NDEBUG, which the driver defines when it optimises, would disable assert().
TARGET_FLAGS = ("-target", "aarch64-freestanding", "-mcpu=generic-neon-fp_armv8+lse+crc+rcpc",
                "-mabi=aapcs-soft", "-ffp-contract=off", "-fno-sanitize=undefined",
                "-fno-stack-protector", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
                "-ffunction-sections", "-fdata-sections", "-UNDEBUG")

# The memory functions and what they are built on, and functions of float that call those of double:
# the compiler must not find calls of themselves in them.
WITHOUT_BUILTINS = ("math_float.c", "memory.c", "string.c")


class CompileError(Exception):
    """The compiler or the linker refused its input; the text is its own message."""


def _zig(arguments: Sequence[str | Path]) -> str:
    """Run the zig driver; return what it printed, or raise :exc:`CompileError` with it."""
    caches = {name: str(BUILD / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    result = subprocess.run([sys.executable, "-m", "ziglang", *map(str, arguments)],
                            env=os.environ | caches, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        raise CompileError(result.stdout.strip() or f"compiler failed: status {result.returncode}")
    return result.stdout


def _digest(*parts: str | bytes) -> str:
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:20]


def _replace(path: Path, produce) -> Path:
    """Let ``produce`` write a file beside ``path``, then move it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The driver tells the kind of output from the suffix.
    partial = path.with_name(f"{path.stem}.{os.getpid()}{path.suffix}")
    try:
        produce(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def device_definitions() -> list[str]:
    """``-D`` flags that give the bases of the memory map to C and assembly."""
    return [f"-D{entry.name}_BASE={entry.base:#x}" for entry in MEMORY_MAP]


def link_script(*, base: int = region("DRAM").base, ram_bytes: int = RAM_BYTES,
                stack_bytes: int = STACK_BYTES) -> str:
    """Return the linker script of the run harness: everything in one RAM.

    From the bottom: program, heap, stack, and a page in which the loader leaves the arguments.

    Parameters
    ----------
    base, ram_bytes : :class:`int`
        The RAM.
    stack_bytes : :class:`int`
        Kept free of the heap.
    """
    end = base + ram_bytes
    return f"""\
ENTRY(_start)
PHDRS {{ image PT_LOAD FLAGS(7); }}
SECTIONS
{{
    . = {base:#x};
    .text : {{ KEEP(*(.text.start)) *(.text .text.*) }} :image
    .rodata : ALIGN(64) {{ *(.rodata .rodata.*) }} :image
    .init_array : ALIGN(16)
    {{
        __constructors_start = .;
        KEEP(*(SORT(.init_array.*))) KEEP(*(.init_array))
        __constructors_end = .;
    }} :image
    .data : ALIGN(64)
    {{
        __data_start = .; *(.data .data.*) . = ALIGN(16); __data_end = .;
    }} :image
    .bss : ALIGN(64) {{ __bss_start = .; *(.bss .bss.* COMMON) . = ALIGN(16); __bss_end = .; }}
    .noinit (NOLOAD) : ALIGN(64) {{ *(.noinit) }}
    __heap_start = ALIGN(64);
    __arguments = {end - ARGUMENT_BYTES:#x};
    __stack_top = __arguments;
    __heap_end = __stack_top - {stack_bytes:#x};
    ASSERT(__heap_start < __heap_end, "program does not fit in RAM")
    /DISCARD/ : {{ *(.comment) *(.eh_frame*) *(.ARM.*) *(.note.*) }}
}}
"""


def _library_digest() -> str:
    files = sorted(path for path in LIBRARY.rglob("*") if path.suffix in (".c", ".h", ".S"))
    return _digest(importlib.metadata.version("ziglang"), *TARGET_FLAGS, *device_definitions(),
                   *(part for path in files for part in (path.name, path.read_bytes())))


def _library_object(source: Path, target: Path) -> None:
    # Built-in knowledge of library functions is a property of hosted C.
    hosted = "-ffreestanding" if source.name in WITHOUT_BUILTINS else "-fhosted"
    _replace(target, lambda partial: _zig(
        ["cc", *TARGET_FLAGS, "-O2", "-g0", hosted, "-Wall", "-Wextra", "-Werror",
         *device_definitions(), "-isystem", LIBRARY / "include", "-c", source, "-o", partial]))


def library_objects() -> list[Path]:
    """Compile the libc, unless that was done before; return its objects, the start-up code first.

    Raises
    ------
    :exc:`CompileError`
        If the libc does not compile.
    """
    folder = BUILD / f"libc-{_library_digest()}"
    sources = sorted([*LIBRARY.glob("*.S"), *LIBRARY.glob("*.c")],
                     key=lambda path: (path.name != "crt0.S", path.name))
    objects = [folder / f"{source.stem}.o" for source in sources]
    for source, target in zip(sources, objects, strict=True):
        if not target.exists():
            _library_object(source, target)
    return objects


@dataclasses.dataclass(frozen=True)
class VectorInstruction:
    """An instruction that the core does not have."""

    address: int
    text: str


def vector_instructions(elf: Path) -> list[VectorInstruction]:
    """Return the floating-point and SIMD instructions in the executable sections of ``elf``.

    A word counts when its encoding lies in the space of "Data processing, scalar floating point
    and Advanced SIMD" or is a SIMD load or store, and a disassembler accepts it: literal pools
    within code hold such words by chance, but sections hold few of them.
    """
    import capstone
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    found = []
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections("SHT_PROGBITS"):
            if not section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                continue
            data, base = section.data(), section["sh_addr"]
            for offset in range(0, len(data) - 3, 4):
                word = int.from_bytes(data[offset:offset + 4], "little")
                # op0 in bits 28:25: x111 is data processing, x1x0 with bit 26 a SIMD load or store.
                if (word >> 25 & 0b0111) != 0b0111 and (word >> 25 & 0b0101) != 0b0100:
                    continue
                if not word >> 26 & 1:
                    continue
                for one in disassembler.disasm(data[offset:offset + 4], base + offset):
                    found.append(VectorInstruction(base + offset,
                                                   f"{one.mnemonic} {one.op_str}".strip()))
    return found


def _check_elf(elf: Path) -> None:
    found = vector_instructions(elf)
    if found:
        first = found[0]
        raise CompileError(f"{elf.name} holds {len(found)} floating-point or SIMD instructions, "
                           f"the first at {first.address:#x}: {first.text}")


def compile_c(sources: Iterable[Path | str], *, output: Path | None = None,
              optimise: str = "-O2", defines: Iterable[str] = (),
              includes: Iterable[Path | str] = (), flags: Iterable[str] = (),
              script: str | None = None, libc: bool = True) -> Path:
    """Compile and link C and assembly sources for the core.

    The zig driver keeps objects by content, headers included, so an unchanged program costs only
    the checks; the ELF is linked once per content.

    Parameters
    ----------
    sources : iterable of :class:`~pathlib.Path`
        ``.c`` and ``.S`` files.
    output : :class:`~pathlib.Path`
        Where to put the ELF; by default a file under ``build/`` named by its content.
    optimise : :class:`str`
        ``-O0`` to ``-O3``, ``-Os``, ``-Oz`` or ``-Og``. The libc is always built with ``-O2``.
    defines : iterable of :class:`str`
        ``NAME`` or ``NAME=VALUE``.
    includes : iterable of :class:`~pathlib.Path`
        Folders of headers.
    flags : iterable of :class:`str`
        Further compiler flags, behind all others.
    script : :class:`str`
        Text of the linker script; by default :func:`link_script`.
    libc : :class:`bool`
        Link the start-up code and the libc. Without it the sources hold the entry point.

    Returns
    -------
    :class:`~pathlib.Path`
        The ELF file.

    Raises
    ------
    :exc:`CompileError`
        With the compiler's message.
    :exc:`ValueError`
        If ``optimise`` is not a level.
    """
    if optimise not in OPTIMISE:
        raise ValueError(f"Optimisation must be one of {', '.join(OPTIMISE)}, not {optimise!r}")
    switches = [*TARGET_FLAGS, "-fhosted", optimise, "-g0", *device_definitions(),
                *(f"-D{define}" for define in defines), *(f"-I{folder}" for folder in includes),
                "-isystem", LIBRARY / "include", *flags]
    objects = []
    for source in map(Path, sources):
        name = _digest(str(source.resolve()), *map(str, switches))
        target = BUILD / "objects" / f"{source.stem}-{name}.o"
        messages = []
        _replace(target, lambda partial, source=source, messages=messages: messages.append(
            _zig(["cc", *switches, "-c", source, "-o", partial])))
        sys.stderr.write("".join(messages))
        objects.append(target)
    if libc:
        start, *rest = library_objects()
        objects = [start, *objects, *rest]
    text = script if script is not None else link_script()
    name = _digest(text, *(path.read_bytes() for path in objects))
    elf = BUILD / "elf" / f"{objects[libc].stem.rsplit('-', 1)[0]}-{name}.elf"
    if not elf.exists():
        _replace(elf, lambda partial: _link(objects, text, partial))
    if output is None:
        return elf
    _replace(Path(output), lambda partial: partial.write_bytes(elf.read_bytes()))
    return Path(output)


def _link(objects: Sequence[Path], script: str, elf: Path) -> None:
    script_file = elf.with_suffix(".ld")
    script_file.write_text(script)
    try:
        # One optimisation level for all programs: the run-time library is built once per level.
        _zig(["cc", *TARGET_FLAGS, "-O2", "-g0", "-T", script_file, "-Wl,--gc-sections",
              "-Wl,--strip-debug", "-Wl,-z,norelro", *objects, "-o", elf])
        _check_elf(elf)
    finally:
        script_file.unlink()
