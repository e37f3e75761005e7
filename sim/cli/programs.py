"""Programs on the command line: what a user gives, and the ELF that it becomes."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.errors import UserError

__all__ = ["BuildOptions", "Compiler", "Defines", "Flags", "Includes", "Libraries", "Optimise",
           "executable"]

SOURCE_SUFFIXES = (".c", ".S", ".s", ".o", ".a")
LIBRARIES = ("c", "m", "gcc")
"""What ``-l`` may name: all of it is linked anyway."""

Compiler = Annotated[str, typer.Option(
    "--cc", metavar="COMPILER", help="clang, which comes along; gcc; or the name or path of a gcc "
                                     "for A64.")]
Optimise = Annotated[str, typer.Option(
    "-O", metavar="LEVEL", help="Optimisation: 0, 1, 2, 3, s, z or g.")]
Includes = Annotated[list[Path] | None, typer.Option(
    "-I", metavar="FOLDER", help="Folder of headers; may be repeated.")]
Defines = Annotated[list[str] | None, typer.Option(
    "-D", metavar="NAME[=VALUE]", help="Macro; may be repeated.")]
Flags = Annotated[list[str] | None, typer.Option(
    "--flag", metavar="FLAG", help="Further flag for the compiler, as --flag=-std=c99; may be "
                                   "repeated.")]
Libraries = Annotated[list[str] | None, typer.Option(
    "-l", metavar="NAME", help="Accepted for c and m, which are linked anyway.")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How programs are compiled, as the options of the same names say."""

    compiler: str = "clang"
    optimise: str = "2"
    includes: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @classmethod
    def check(cls, compiler: str, optimise: str, includes: list[Path] | None,
              defines: list[str] | None, flags: list[str] | None,
              libraries: list[str] | None) -> "BuildOptions":
        """Return the options as given.

        Raises
        ------
        :exc:`UserError`
            If one cannot be right.
        """
        from sw.compilers import CompileError, find_compiler
        from sw.toolchain import OPTIMISE

        level = f"-O{optimise.removeprefix('-O')}"
        if level not in OPTIMISE:
            raise UserError(f"Unknown optimisation {optimise!r}: choose one of "
                            f"{', '.join(name.removeprefix('-O') for name in OPTIMISE)}")
        for folder in includes or ():
            if not folder.is_dir():
                raise UserError(f"No folder {folder}, given with -I")
        for name in libraries or ():
            if name not in LIBRARIES:
                raise UserError(f"No library {name}: give its C files or its .a file")
        try:
            find_compiler(compiler)
        except CompileError as error:
            raise UserError(str(error)) from None
        return cls(compiler=compiler, optimise=level, includes=tuple(includes or ()),
                   defines=tuple(defines or ()), flags=tuple(flags or ()))


def executable(programs: list[Path], options: BuildOptions) -> Path:
    """Return the ELF: the one given, or what the sources compile to.

    Raises
    ------
    :exc:`UserError`
        If a file is missing or does not compile.
    """
    from sw.toolchain import CompileError, compile_c

    for program in programs:
        if not program.is_file():
            raise UserError(f"No file {program}: give an ELF or C files")
    sources = [program for program in programs if program.suffix in SOURCE_SUFFIXES]
    if not sources and len(programs) == 1:
        return programs[0]
    if len(sources) != len(programs):
        raise UserError("Give either one ELF or any number of C, assembly and object files")
    try:
        return compile_c(sources, optimise=options.optimise, includes=options.includes,
                         defines=options.defines, flags=options.flags, compiler=options.compiler)
    except CompileError as error:
        print(error, file=sys.stderr)
        names = ", ".join(str(source) for source in sources)
        raise UserError(f"Cannot compile {names}: the compiler's message stands above") from None
