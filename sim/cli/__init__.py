"""The ``tilicho`` command.

Each command is a module beside this file with a function ``register(app)``. Nothing heavy is
imported before a command runs, so that ``tilicho --help`` answers at once.
"""

import importlib
import importlib.metadata
import os
import sys
from typing import Annotated

import typer

from sim.errors import UserError

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = ("demo", "run", "random", "mutants", "matmul", "bench", "emit", "synth", "report",
            "doctor")
"""Modules of the commands, in the order in which ``--help`` lists them."""

app = typer.Typer(
    name="tilicho",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tilicho: an open model of a matmul tile, an A64-subset core and a DMA engine, "
         "and the chip that joins them.",
    epilog="Start with: tilicho demo. A command explains itself: tilicho run --help.",
)


def _print_version(wanted: bool):
    if wanted:
        print(f"tilicho {importlib.metadata.version('tilicho')}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True,
                                          help="Print the version and exit.")] = False,
):
    pass


for _name in COMMANDS:
    importlib.import_module(f"sim.cli.{_name}").register(app)


def _fail(message: str) -> int:
    print(f"tilicho: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status.

    Wrong input is one line on the standard error output and status 2. So is a defect of ours,
    with status 1, unless ``TILICHO_DEBUG=1`` asks for the traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = app(args=arguments or ["--help"], prog_name="tilicho", standalone_mode=False) or 0
    except UserError as error:
        status = _fail(str(error))
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context else ""
        message = getattr(error, "format_message", error.__str__)()
        status = _fail(message.rstrip(".") + hint)
    except (typer.Abort, KeyboardInterrupt):
        print("tilicho: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # The reader of a pipe went away; Python would complain again while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except Exception as error:
        if os.environ.get("TILICHO_DEBUG") == "1":
            raise
        _fail(f"{type(error).__name__}: {error} "
              "(a defect of Tilicho: TILICHO_DEBUG=1 shows where)")
        status = 1
    sys.exit(status)
