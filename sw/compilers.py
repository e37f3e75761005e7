"""Compilers that make A64 code for the core: clang of the ``ziglang`` wheel, and any gcc."""

import dataclasses
import functools
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["CompileError", "Compiler", "Gcc", "clang", "find_compiler", "run_zig"]

BUILD = Path(__file__).resolve().parent.parent / "build" / "sw"

CLANG = "clang"
GCC = "gcc"
GCC_NAMES = ("aarch64-linux-gnu-gcc", "aarch64-none-elf-gcc", "aarch64-elf-gcc",
             "aarch64-unknown-elf-gcc", "aarch64-none-linux-gnu-gcc",
             "aarch64-unknown-linux-gnu-gcc", "gcc")
GCC_REMEDY = "apt-get install gcc-aarch64-linux-gnu, or give the path of one"

# Distributions switch some of these on; none of them does any good without an operating system.
PLAIN_FLAGS = ("-fno-stack-protector", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
               "-ffunction-sections", "-fdata-sections")

# `-mgeneral-regs-only` is ignored by this driver: the features are taken away one by one instead.
# NDEBUG, which the driver defines when it optimises, would disable assert().
CLANG_FLAGS = ("-target", "aarch64-freestanding", "-mcpu=generic-neon-fp_armv8+lse+crc+rcpc",
               "-mabi=aapcs-soft", "-ffp-contract=off", "-fno-sanitize=undefined", *PLAIN_FLAGS,
               "-UNDEBUG")

GCC_FLAGS = ("-march=armv8.2-a", "-mgeneral-regs-only", "-mno-outline-atomics", "-fno-pie",
             "-fno-stack-clash-protection", "-U_FORTIFY_SOURCE", "-nostdinc", *PLAIN_FLAGS)
# The zig driver knows -O0, -O2 and -Os, and takes one of them for each of these levels.
LEVELS_BESIDE_ZIG = ("-O1", "-O3", "-Og", "-Oz")
FLOAT_REFUSAL = "-mgeneral-regs-only\u2019 is incompatible with the use of floating-point types"


class CompileError(Exception):
    """The compiler or the linker refused its input; the text is its own message."""


def _run(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    result = subprocess.run([str(word) for word in command], env=os.environ | environment,
                            text=True, errors="replace", stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        raise CompileError(result.stdout.strip() or f"compiler failed: status {result.returncode}")
    return result.stdout


def run_zig(arguments: Sequence[str | Path]) -> str:
    """Run the zig driver; return what it printed, or raise :exc:`CompileError` with it."""
    caches = {name: str(BUILD / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    return _run([sys.executable, "-m", "ziglang", *arguments], caches)


@dataclasses.dataclass(frozen=True)
class Compiler:
    """What turns one C or assembly file into an object.

    Parameters
    ----------
    flags : tuple of :class:`str`
        Target and calling convention.
    version : :class:`str`
        Tells one build of the compiler from another.
    """

    flags: tuple[str, ...]
    version: str

    def compile(self, source: Path, target: Path, switches: Sequence[str | Path]) -> str:
        """Write the object; return the compiler's warnings.

        Raises
        ------
        :exc:`CompileError`
            With the compiler's message.
        """
        levels = [] if source.suffix == ".s" else [
            word for level in switches if level in LEVELS_BESIDE_ZIG for word in ("-Xclang", level)]
        return run_zig(["cc", *self.flags, *switches, *levels, "-c", source, "-o", target])


@dataclasses.dataclass(frozen=True)
class Gcc(Compiler):
    """A gcc for A64. It has no soft float: functions that handle ``float`` are refused.

    Parameters
    ----------
    path : :class:`str`
        The driver.
    headers : :class:`str`
        The folder of the compiler's own headers, such as ``stddef.h``.
    """

    path: str
    headers: str

    def compile(self, source: Path, target: Path, switches: Sequence[str | Path]) -> str:
        """Write the object; return the compiler's warnings."""
        command = [self.path, *self.flags, *switches, "-isystem", self.headers, "-c", source,
                   "-o", target]
        try:
            return _run(command, {"LC_ALL": "C.UTF-8"})
        except CompileError as error:
            if FLOAT_REFUSAL not in str(error):
                raise
            raise CompileError(
                f"{error}\n{source.name} calculates with float or double, which gcc cannot do "
                f"without floating-point registers: compile it with clang") from None


@functools.cache
def clang() -> Compiler:
    """Return the clang that comes with the project."""
    return Compiler(CLANG_FLAGS, f"ziglang {importlib.metadata.version('ziglang')}")


def _answer(path: str, *question: str) -> str:
    """Return the first line of what a program answers, nothing if it fails."""
    try:
        result = subprocess.run([path, *question], capture_output=True, text=True, timeout=20,
                                errors="replace", check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip().partition("\n")[0] if result.returncode == 0 else ""


@functools.cache
def find_compiler(name: str = CLANG) -> Compiler:
    """Return a compiler by name.

    Parameters
    ----------
    name : :class:`str`
        ``clang``, the one of the project; ``gcc``, the first that is found for A64; or the name
        or path of a gcc for A64.

    Raises
    ------
    :exc:`CompileError`
        If there is none, or it is not what is needed.
    """
    if name == CLANG:
        return clang()
    names = GCC_NAMES if name == GCC else (name,)
    paths = [path for path in map(shutil.which, names) if path]
    usable = [path for path in paths if _answer(path, "-dumpmachine").startswith("aarch64")]
    if not usable and paths and name != GCC:
        machine = _answer(paths[0], "-dumpmachine")
        raise CompileError(f"{name} compiles for {machine}, not for A64: {GCC_REMEDY}" if machine
                           else f"{name} is not a C compiler: {GCC_REMEDY}")
    if not usable:
        raise CompileError(f"No compiler {name}" + (" for A64" if name == GCC else "")
                           + f": {GCC_REMEDY}")
    path, version = usable[0], _answer(usable[0], "--version")
    if "clang" in version:
        raise CompileError(f"{name} is a clang: the project's own is used without --cc")
    return Gcc(GCC_FLAGS, version, path, _answer(path, "-print-file-name=include"))
