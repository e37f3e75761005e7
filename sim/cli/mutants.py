"""``tilicho mutants``: seeded faults in the core, and whether they are noticed."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho mutants                       the project's list

  tilicho mutants mine.toml --json F    faults of your own

  tilicho mutants --draw 40 --seed 7    faults that Yosys draws

  tilicho mutants --program check.elf   a program that checks itself, too
"""


def _table(verdicts) -> None:
    from sim.cli.output import print_table

    rows = [(number, verdict.fault.name, verdict.fault.note or verdict.fault.origin,
             verdict.found_by or ("equivalent" if verdict.fault.equivalent else "NOT FOUND"),
             verdict.fault.equivalent or verdict.how)
            for number, verdict in enumerate(verdicts, 1)]
    print_table("Seeded faults in the core", ["", "fault", "what", "found by", "how"], rows)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog=EXAMPLES)
    def mutants(
        faults: Annotated[Path | None, typer.Argument(
            metavar="[LIST]", help="List of faults in TOML; by default the project's.")] = None,
        draw: Annotated[int, typer.Option(
            min=0, max=200, metavar="N", help="Let Yosys draw so many faults instead.")] = 0,
        seed: Annotated[int, typer.Option(help="Of the drawing.")] = 1,
        programs: Annotated[list[Path] | None, typer.Option(
            "--program", metavar="ELF", help="Program that checks itself and ends with status 0; "
                                             "may be repeated.")] = None,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Put faults into the core, one after the other, and see whether they are noticed.

        All faults are in one netlist, and an input port says which one is active: there is one
        build. Each mutant runs random instruction streams and C programs in lockstep, and then
        the programs given, until one of them shows the fault. The exit status is 0 only if every
        fault was found, but for those that the list calls equivalent, with its reason.
        """
        from sim.cli.output import progress, write_json
        from sim.errors import UserError
        from sim.lockstep.mutants import FAULTS, draw_core_faults, hunt, standard_stimuli
        from sim.lockstep.session import CoreRun
        from sim.mutation import load_faults

        if faults is not None and draw:
            raise UserError("A list and --draw exclude each other: give one of them")
        with progress("mutants") as show:
            chosen = draw_core_faults(draw, seed) if draw else load_faults(faults or FAULTS)
            run = CoreRun(faults=chosen, progress=show)
            verdicts = hunt(run, chosen, standard_stimuli(programs or ()), progress=show)
            run.close()
        _table(verdicts)
        found = sum(bool(verdict.found_by) for verdict in verdicts)
        wrong = [verdict.fault.name for verdict in verdicts if not verdict.as_listed]
        print(f"{found} of {len(verdicts)} found, "
              f"{sum(bool(verdict.fault.equivalent) for verdict in verdicts)} listed as equivalent")
        if json is not None:
            write_json(json, {
                "faults": len(verdicts), "found": found, "rows": [
                    {"fault": verdict.fault.name, "origin": verdict.fault.origin,
                     "note": verdict.fault.note, "found_by": verdict.found_by,
                     "how": verdict.how, "equivalent": verdict.fault.equivalent}
                    for verdict in verdicts]})
        if wrong:
            print(f"Not as listed: {', '.join(wrong)}")
            raise typer.Exit(1)
