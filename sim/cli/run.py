"""``tilicho run``: a program on the simulated core."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.errors import UserError

from .choices import choose
from .programs import (
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

STATUS_ENDLESS = 124
STATUS_MISMATCH = 125

EXAMPLES = """
Examples:

  tilicho run prog.c                       compile with -O2 and run

  tilicho run a.c b.c -I inc -D N=8 -O s   several files, size-optimised

  tilicho run prog.c --cc gcc              compile with gcc for A64, where it is installed

  tilicho run prog.elf --lockstep          check every instruction against an oracle

  tilicho run prog.c --trace prog.txt      write what each instruction did

  tilicho run prog.c --konata prog.log     write a view of the pipeline for Konata

  tilicho run prog.c --vcd prog.vcd        write waves
"""


def _print_text(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _summary(result, lockstep: bool) -> None:
    """Print the figures to the standard error output: the standard output is the program's."""
    from rich.table import Table

    from sim.cli.output import console

    screen = console(stderr=True)
    speed = result.cycles / max(result.seconds, 1e-9)
    screen.print(f"{result.instructions:,} instructions, {result.cycles:,} cycles, "
                  f"CPI {result.cpi:.3f}, {speed:,.0f} simulated cycles/s")
    if lockstep:
        taken = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.taken.items()))
        screen.print(f"lockstep: {result.checked:,} instructions, 0 mismatches; the oracle took "
                      f"from the core: {taken or 'nothing'}")
    table = Table("cycles spent on", "cycles", "share", box=None)
    table.columns[1].justify = table.columns[2].justify = "right"
    for cause, cycles in sorted(result.stack.items(), key=lambda item: -item[1]):
        if cycles:
            table.add_row(cause, f"{cycles:,}", f"{cycles / max(1, result.cycles):.1%}")
    screen.print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(epilog=EXAMPLES)
    def run(
        programs: Annotated[list[Path], typer.Argument(
            metavar="PROGRAM...", help="One ELF; or C and assembly files, which are compiled, "
                                       "and object files.")],
        lockstep: Annotated[bool, typer.Option(
            "--lockstep", help="Compare each instruction with an independent machine.")] = False,
        arguments: Annotated[list[str] | None, typer.Option(
            "--arg", metavar="TEXT", help="Argument of the program; may be repeated.")] = None,
        stdin: Annotated[Path | None, typer.Option(
            metavar="FILE", help="What the program reads from its standard input.")] = None,
        compiler: Compiler = "clang",
        optimise: Optimise = "2",
        includes: Includes = None,
        defines: Defines = None,
        flags: Flags = None,
        libraries: Libraries = None,
        preset: Annotated[str, typer.Option(help="Configuration of the chip.")] = "sim",
        max_cycles: Annotated[int, typer.Option(
            min=1, help=f"Give up after this many, with status {STATUS_ENDLESS}.")] = 200_000_000,
        latency: Annotated[int, typer.Option(
            min=2, help="Cycles to the first beat from memory.")] = 20,
        trace: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write each instruction: address, encoding, text, registers, "
                                 "memory, exception.")] = None,
        konata: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write where each instruction was when, for the viewer "
                                 "Konata.")] = None,
        vcd: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write waves as VCD.")] = None,
        fst: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write waves as FST.")] = None,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Run a program on the A64-subset core in simulation.

        The program's output goes to the standard output, the figures to the standard error
        output. The status is the program's own; 124 when it does not end, 125 when lockstep
        finds a difference, 128 and more after an exception or abort(), 2 for wrong input.
        """
        if vcd and fst:
            raise UserError("Choose one of --vcd and --fst")
        from rtl.config import PRESETS

        choose("preset", preset, PRESETS)
        elf = executable(programs, BuildOptions.check(compiler, optimise, includes, defines, flags,
                                                      libraries))
        if stdin is not None and not stdin.is_file():
            raise UserError(f"No file {stdin}, given with --stdin")
        from sim.lockstep.run import Request, execute

        outcome = execute(Request(
            elf=elf, name=programs[0].name, compiled=elf is not programs[0], preset=preset,
            arguments=tuple(arguments or ()),
            stdin=stdin.read_bytes() if stdin else b"", lockstep=lockstep, max_cycles=max_cycles,
            latency=latency, waves=vcd or fst, wave_format="fst" if fst else "vcd",
            trace=trace, konata=konata, command=shlex.join(["tilicho", *sys.argv[1:]])),
            on_output=_print_text, on_progress=lambda step: print(
                f"building the simulator: {step}", file=sys.stderr))
        if json is not None:
            from sim.cli.output import write_json
            write_json(json, outcome.figures())
        if outcome.mismatch is not None:
            print(outcome.mismatch, file=sys.stderr)
            raise typer.Exit(STATUS_MISMATCH)
        _summary(outcome.result, lockstep)
        if outcome.result.exit is None:
            print(f"tilicho: error: {programs[0]} has not ended after {max_cycles:,} cycles, at "
                  f"pc {outcome.place}: is it an endless loop? --max-cycles gives it more",
                  file=sys.stderr)
            raise typer.Exit(STATUS_ENDLESS)
        if outcome.crash is not None:
            print(f"tilicho: error: {programs[0]} crashed: {outcome.crash}", file=sys.stderr)
        raise typer.Exit(outcome.result.exit & 0xff)
