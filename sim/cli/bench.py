"""``tilicho bench``: figures of a block on the project's programs or on a user's."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli import bench_dma, bench_tile
from sim.cli.choices import choose
from sim.cli.programs import (
    BuildOptions,
    Compiler,
    Defines,
    Flags,
    Includes,
    Libraries,
    Optimise,
    executable,
)

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho bench core                        the project's programs, each one's second run

  tilicho bench core a.c b.c --json F       two programs of one file each

  tilicho bench core src/ -I inc -D N=8     all C files of a folder as one program
"""

WIDEST = 6
"""Causes that the table shows for a program: those that cost it most."""


def _programs(paths: list[Path], options: BuildOptions):
    """Return name and ELF of each program."""
    from sim.bench import suite

    for path in paths or suite():
        sources = sorted(path.glob("*.c")) + sorted(path.glob("*.S")) if path.is_dir() else [path]
        yield (path.stem or path.name), executable(sources or [path / "*.c"], options)


def _print(figures: dict) -> None:
    from sim.cli.output import print_table

    rows = []
    for row in figures["rows"]:
        lost = sorted(((cycles, cause) for cause, cycles in row["stack"].items()
                       if cause != "issue" and cycles), reverse=True)[:WIDEST]
        rows.append((row["program"], row["exit"], row["instructions"], row["cycles"],
                     f"{row['cpi']:.3f}",
                     ", ".join(f"{cause} {cycles / row['instructions']:.3f}"
                               for cycles, cause in lost)))
    print_table(f"core, preset {figures['preset']} ({figures['preset_hash']}), {figures['run']} "
                f"run, memory latency {figures['latency']} cycles",
                ["program", "exit", "instructions", "cycles", "CPI",
                 "lost cycles per instruction"], rows)
    print(f"Geometric mean of the CPI: {figures['geomean_cpi']:.4f}")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    bench = typer.Typer(help="Measure a block.", no_args_is_help=True,
                        epilog="Examples: tilicho bench core prog.c --json core.json, "
                               "tilicho bench tile --shape 37x100x65")
    app.add_typer(bench, name="bench")

    bench_dma.register(bench)
    bench_tile.register(bench)

    @bench.callback()
    def _group():
        pass

    @bench.command(epilog=EXAMPLES)
    def core(
        programs: Annotated[list[Path] | None, typer.Argument(
            metavar="[PROGRAM]...", help="C file, folder of C files, or ELF: a program each. "
                                         "By default the project's programs.")] = None,
        compiler: Compiler = "clang",
        optimise: Optimise = "2",
        includes: Includes = None,
        defines: Defines = None,
        flags: Flags = None,
        libraries: Libraries = None,
        arguments: Annotated[list[str] | None, typer.Option(
            "--arg", metavar="TEXT", help="Argument of each program; may be repeated.")] = None,
        stdin: Annotated[Path | None, typer.Option(
            metavar="FILE", help="What each program reads from its standard input.")] = None,
        cold: Annotated[bool, typer.Option(
            "--cold", help="Measure the first run, from reset.")] = False,
        preset: Annotated[str, typer.Option(
            help="Configuration of the chip.")] = "ulx3s",
        latency: Annotated[int, typer.Option(
            min=2, help="Cycles to the first beat from memory.")] = 20,
        max_cycles: Annotated[int, typer.Option(
            min=1, help="Give up after this many, for both runs together.")] = 200_000_000,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Instructions, cycles and CPI of programs on the core, and where the cycles went.

        A program is compiled and run twice in one process; the second run is
        measured, with caches and branch prediction warm. Its causes add up to its cycles. A
        program's own exit status is only shown; it is an error if one crashes or does not end.
        """
        from rtl.config import PRESETS
        from sim.bench import Workload, bench_core
        from sim.cli.output import progress, write_json
        from sim.errors import UserError
        from sim.lockstep.run import CRASHED

        choose("preset", preset, PRESETS)
        options = BuildOptions.check(compiler, optimise, includes, defines, flags, libraries)
        if stdin is not None and not stdin.is_file():
            raise UserError(f"No file {stdin}, given with --stdin")
        text = stdin.read_bytes() if stdin else b""
        workloads = [Workload(name, elf, tuple(arguments or ()), text)
                     for name, elf in _programs(programs or [], options)]
        with progress("bench core") as show:
            figures = bench_core(workloads, preset_name=preset, latency=latency, cold=cold,
                                 max_cycles=max_cycles, progress=show)
        if json is not None:
            write_json(json, figures)
        _print(figures)
        crashed = [f"{row['program']} (status {row['exit']})" for row in figures["rows"]
                   if row["exit"] in CRASHED]
        if crashed:
            raise UserError(f"Ended by an exception, abort() or a failed assertion: "
                            f"{', '.join(crashed)}; tilicho run shows its message")
