"""``tilicho random``: random instruction streams on the core, each instruction checked."""

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

STATUS_MISMATCH = 1

EXAMPLES = """
Examples:

  tilicho random                            100,000 instructions

  tilicho random --instructions 1000000 --coverage 100    and each encoding 100 times

  tilicho random --seed 7 --stall 0 --interrupts 0        quiet bus, no interrupts

  tilicho random --dcache 1 --icache 1 --ways 2           small caches
"""


def _config(preset: str, icache: int | None, dcache: int | None, ways: int | None):
    """Return the core of a preset, with its retire port and other caches."""
    from rtl.config import PRESETS
    from sim.cli.choices import choose
    from sim.errors import UserError

    core = PRESETS[choose("preset", preset, PRESETS)].core
    changes = {"icache_bytes": icache and icache * 1024, "dcache_bytes": dcache and dcache * 1024,
               "icache_ways": ways, "dcache_ways": ways}
    try:
        return dataclasses.replace(core, retire_port=True, **{
            name: value for name, value in changes.items() if value is not None})
    except ValueError as error:
        raise UserError(str(error)) from None


def _command(options: dict[str, object]) -> Callable[[int, Sequence[int]], str]:
    """Return what writes the command that repeats one stream."""
    def command(seed: int, keep: Sequence[int]) -> str:
        words = ["tilicho", "random", "--seed", str(seed), "--instructions", "1"]
        if keep:
            words += ["--keep", ",".join(map(str, keep))]
        for name, value in options.items():
            if value is not None:
                words += [f"--{name}", str(value)]
        return shlex.join(words)
    return command


def _chunks(text: str | None) -> tuple[int, ...]:
    from sim.errors import UserError

    try:
        return tuple(int(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise UserError(f"--keep takes numbers of chunks like 3,17, not {text!r}") from None


def _print(campaign, least: int) -> None:
    from sim.cli.output import print_table

    coverage = campaign.coverage
    print_table("Coverage by encoding", ["encoding", "retired", "trapped"], coverage.rows(),
                total=("all", *(sum(row[place] for row in coverage.rows()) for place in (1, 2))))
    print_table("Exceptions taken", ["kind", "count"], coverage.exceptions().items())
    taken = ", ".join(f"{count:,} {kind}" for kind, count in sorted(campaign.taken.items()))
    speed = coverage.instructions / max(campaign.seconds, 1e-9)
    print(f"{coverage.instructions:,} instructions in {campaign.streams:,} streams and "
          f"{campaign.cycles:,} cycles, {int(campaign.failure is not None)} mismatches, "
          f"{speed:,.0f} instructions/s")
    print(f"The oracle took from the core: {taken or 'nothing'}")
    fewest = min(coverage.rows()[:-1], key=lambda row: row[1] + row[2])
    print(f"Least executed: {fewest[0]}, {fewest[1] + fewest[2]:,} times; "
          f"{len(coverage.below(least))} encodings below {least:,}")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(epilog=EXAMPLES)
    def random(
        instructions: Annotated[int, typer.Option(
            min=1, help="Run streams until so many have retired.")] = 100_000,
        seed: Annotated[int, typer.Option(
            min=0, help="Seed of the first stream; the next has the next one.")] = 1,
        coverage: Annotated[int, typer.Option(
            min=0, help="Fail unless each encoding has retired so often.")] = 0,
        chunks: Annotated[int, typer.Option(
            min=1, help="Length of a stream, in chunks of a few instructions.")] = 4000,
        keep: Annotated[str | None, typer.Option(
            metavar="NUMBERS", help="Run only these chunks of the first stream.")] = None,
        stall: Annotated[int | None, typer.Option(
            min=0, max=255, help="The memory holds back each channel with this chance in 256; "
                                 "by default each stream has its own.")] = None,
        interrupts: Annotated[int | None, typer.Option(
            min=0, max=255, help="An interrupt comes in a cycle with this chance in 65536; by "
                                 "default each stream has its own.")] = None,
        preset: Annotated[str, typer.Option(help="Configuration of the core.")] = "sim",
        icache: Annotated[int | None, typer.Option(
            metavar="KIB", help="Other size of the instruction cache.")] = None,
        dcache: Annotated[int | None, typer.Option(
            metavar="KIB", help="Other size of the data cache.")] = None,
        ways: Annotated[int | None, typer.Option(help="Ways of both caches.")] = None,
        latency: Annotated[int, typer.Option(
            min=2, help="Cycles to the first beat from memory.")] = 20,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Run random instruction streams on the core in lockstep with an independent machine.

        Every encoding is drawn, at EL1 and EL0, with corner values, faults, interrupts and code
        that changes itself. After each instruction all registers and accesses are compared, and
        at the end of a stream its memory. A mismatch is reported with both states and the last
        20 instructions, and its stream made as small as possible. The status is 0 only without a
        mismatch and with the coverage asked for.
        """
        from sim.cli.output import progress, write_json
        from sim.lockstep.streams import Request, run_streams

        config = _config(preset, icache, dcache, ways)
        options = {"chunks": chunks if chunks != 4000 else None, "stall": stall,
                   "interrupts": interrupts, "preset": preset if preset != "sim" else None,
                   "icache": icache, "dcache": dcache, "ways": ways,
                   "latency": latency if latency != 20 else None}
        with progress("random streams") as show:
            campaign = run_streams(Request(
                instructions=instructions, seed=seed, chunks=chunks, keep=_chunks(keep),
                stall=stall, interrupts=interrupts, latency=latency, config=config,
                command=_command(options)), progress=show)
        if json is not None:
            write_json(json, {"preset": preset} | campaign.figures())
        if str(json) != "-":
            _print(campaign, coverage or 100)
        if campaign.failure is not None:
            print(campaign.failure)
            raise typer.Exit(STATUS_MISMATCH)
        missing = campaign.coverage.below(coverage)
        if missing:
            print(f"Below {coverage:,}: {', '.join(missing)}")
            raise typer.Exit(STATUS_MISMATCH)
