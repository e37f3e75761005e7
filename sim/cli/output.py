"""What the commands print: JSON files, tables, progress."""

import contextlib
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sim.errors import UserError

__all__ = ["console", "print_table", "progress", "write_json"]


def write_json(path, figures: dict) -> None:
    """Write ``figures`` as one JSON object; ``-`` stands for standard output.

    NumPy scalars are written as the numbers they hold.

    Raises
    ------
    :exc:`~sim.errors.UserError`
        If the file cannot be written.
    """
    text = json.dumps(figures, indent=2, default=_plain) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def _plain(value):
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} cannot be written as JSON")


def console(*, stderr: bool = False):
    """Rich console; where the output is not a terminal it does not wrap at 80 columns."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False,
                   width=None if stream.isatty() else 120)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable], *,
                total: Iterable | None = None) -> None:
    """Print a table whose columns of numbers stand on the right.

    Parameters
    ----------
    columns : names of the columns
        The first one holds names and stands on the left.
    rows : rows of values
        Integers get thousands separators, ``None`` becomes a dash.
    total : row of values
        Printed last, below a line.
    """
    from rich.table import Table

    table = Table(header_style="bold")
    rows = [list(row) for row in rows]
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        numeric = index > 0 and all(cell is None or isinstance(cell, int | float)
                                    for cell in cells)
        table.add_column(str(column), justify="right" if numeric else "left",
                         overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    if total is not None:
        table.add_section()
        table.add_row(*map(_cell, total), style="bold")
    screen = console()
    screen.print(title, style="bold", soft_wrap=True)
    screen.print(table)


def _cell(value) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


class _Lines:
    """Progress where there is no terminal: what has just begun, at most once in 10 seconds."""

    SECONDS = 10

    def __init__(self, label: str):
        self.printed = -math.inf
        self.show(label)

    def show(self, text: str) -> None:
        now = time.monotonic()
        if now - self.printed >= self.SECONDS:
            print(f"{text} ...", file=sys.stderr, flush=True)
            self.printed = now


@contextlib.contextmanager
def progress(label: str) -> Iterator:
    """Show that a long step runs, and for how long.

    The value is a function: called with a text it replaces the label. Where there is no terminal,
    a line is printed now and then.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _Lines(label).show
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
                  console=screen, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda text: bar.update(task, description=text)
