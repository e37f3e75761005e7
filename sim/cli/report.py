"""``tilicho report``: the README's results, measured again."""

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: tilicho report && git diff README.md")(report)


def report() -> None:
    """Run the demo, programs and matrix products, and write their figures into README.md."""
    import tempfile
    from pathlib import Path

    from sim.cli.output import progress
    from sim.report import write_report

    with tempfile.TemporaryDirectory() as folder, progress("Measuring") as show:
        path = write_report(Path(folder), lambda step: show(f"Measuring: {step}"))
    print(f"wrote the results section of {path}")
