"""C and assembly to A64 ELF files, with clang or gcc and the project's libc.

The core has no floating point: the compiler is told so by target features and a soft-float
calling convention, and every ELF is searched for instructions that slipped through.
"""

import dataclasses
import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rtl.soc.memory_map import MEMORY_MAP, region

from .compilers import CompileError, clang, find_compiler, run_zig

__all__ = ["CompileError", "RAM_BYTES", "STACK_BYTES", "compile_c", "link_script",
           "vector_instructions"]

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "sw" / "firmware" / "lib"
BUILD = ROOT / "build" / "sw"

RAM_BYTES = 64 << 20
STACK_BYTES = 1 << 20
ARGUMENT_BYTES = 4096

OBJECT_SUFFIXES = (".o", ".a")
OPTIMISE = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-Og")

# The memory functions and what they are built on, and functions of float that call those of double:
# the compiler must not find calls of themselves in them.
WITHOUT_BUILTINS = ("complex.c", "math_float.c", "memory.c", "string.c")


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

    From the bottom: stack, program, heap, and a page in which the loader leaves the arguments.
    Nothing lies below the RAM, so a stack that grows too large causes an exception.

    The variables of the only thread lie where their initial values are linked: `.tbss` takes no
    room by itself, so `.bss` begins with it.

    Parameters
    ----------
    base, ram_bytes : :class:`int`
        The RAM.
    stack_bytes : :class:`int`
        For the stack.
    """
    end = base + ram_bytes
    return f"""\
ENTRY(_start)
PHDRS {{ image PT_LOAD FLAGS(7); tls PT_TLS; }}
SECTIONS
{{
    __stack_bottom = {base:#x};
    . = {base + stack_bytes:#x};
    __stack_top = .;
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
        __data_start = .; *(.data .data.*)
    }} :image
    __tls_start = ALIGN(64);
    .tdata : ALIGN(64) {{ *(.tdata .tdata.*) . = ALIGN(64); __data_end = .; }} :image :tls
    .tbss : ALIGN(64) {{ *(.tbss .tbss.*) }} :image :tls
    .bss : ALIGN(64)
    {{
        __bss_start = .; . += SIZEOF(.tbss); *(.bss .bss.* COMMON) . = ALIGN(16);
        __bss_end = .;
    }} :image
    .noinit (NOLOAD) : ALIGN(64) {{ *(.noinit) }}
    __heap_start = ALIGN(64);
    __arguments = {end - ARGUMENT_BYTES:#x};
    __heap_end = __arguments;
    ASSERT(__heap_start < __heap_end, "program does not fit in RAM")
    /DISCARD/ : {{ *(.comment) *(.debug_*) *(.eh_frame*) *(.ARM.*) *(.note.*) }}
}}
"""


def _library_digest() -> str:
    files = sorted(path for path in LIBRARY.rglob("*") if path.suffix in (".c", ".h", ".S"))
    return _digest(clang().version, *clang().flags, *device_definitions(),
                   *(part for path in files for part in (path.name, path.read_bytes())))


def _library_object(source: Path, target: Path) -> None:
    # Built-in knowledge of library functions is a property of hosted C.
    hosted = "-ffreestanding" if source.name in WITHOUT_BUILTINS else "-fhosted"
    _replace(target, lambda partial: clang().compile(
        source, partial, ["-O2", "-g0", hosted, "-Wall", "-Wextra", "-Werror",
                          *device_definitions(), "-isystem", LIBRARY / "include"]))


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


def _object(source: Path, compiler: str, switches: Sequence[str | Path]) -> Path:
    """Return the object of a source; an object or a library of objects is returned as it is."""
    if source.suffix in OBJECT_SUFFIXES:
        return source
    chosen = find_compiler(compiler)
    name = _digest(str(source.resolve()), chosen.version, *map(str, switches))
    target = BUILD / "objects" / f"{source.stem}-{name}.o"
    messages = []
    _replace(target, lambda partial: messages.append(chosen.compile(source, partial, switches)))
    sys.stderr.write("".join(messages))
    return target


def compile_c(sources: Iterable[Path | str], *, output: Path | None = None,
              optimise: str = "-O2", defines: Iterable[str] = (),
              includes: Iterable[Path | str] = (), flags: Iterable[str] = (),
              script: str | None = None, libc: bool = True, compiler: str = "clang") -> Path:
    """Compile and link C and assembly sources for the core.

    The zig driver keeps objects by content, headers included, so an unchanged program costs only
    the checks; the ELF is linked once per content.

    Parameters
    ----------
    sources : iterable of :class:`~pathlib.Path`
        ``.c``, ``.s`` and ``.S`` files; ``.o`` and ``.a`` files are linked with them.
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
    compiler : :class:`str`
        Of the sources, as :func:`~sw.compilers.find_compiler` names it. The libc is always built
        by clang: integers and pointers are passed in the same way by both.

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
    switches = ["-fhosted", optimise, "-g0", *device_definitions(),
                *(f"-D{define}" for define in defines), *(f"-I{folder}" for folder in includes),
                "-isystem", LIBRARY / "include", *flags]
    objects = [_object(Path(source), compiler, switches) for source in sources]
    name = objects[0].stem.rsplit("-", 1)[0]
    if libc:
        start, *rest = library_objects()
        objects = [start, *objects, *rest]
    text = script if script is not None else link_script()
    digest = _digest(text, *(path.read_bytes() for path in objects))
    elf = BUILD / "elf" / f"{name}-{digest}.elf"
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
        run_zig(["cc", *clang().flags, "-O2", "-g0", "-T", script_file, "-Wl,--gc-sections",
                 "-Wl,-z,norelro", *objects, "-o", elf])
        _check_elf(elf)
    finally:
        script_file.unlink()
