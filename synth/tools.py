"""Runs of Yosys and nextpnr, and the results kept by what went into them."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["ToolError", "kept", "no_progress", "result_root", "run_tool", "version_of"]

ROOT = Path(__file__).resolve().parents[1]

# A step that a reader of the progress line knows: passes of Yosys, phases of nextpnr.
_STEP = re.compile(r"^[\d.]+ Executing (\w+)|^Info: (Pack\w*|Plac\w*|Rout\w*)\b")


class ToolError(RuntimeError):
    """A tool is missing or failed; the message is one line."""


def no_progress(step: str) -> None:
    """Take the name of a step and show nothing."""


def version_of(tool: str) -> str:
    """Return the version of the wheel of ``tool``.

    Raises
    ------
    :exc:`ToolError`
        If it is not installed; the message says how to.
    """
    try:
        return f"{tool} {importlib.metadata.version(tool)}"
    except importlib.metadata.PackageNotFoundError:
        raise ToolError(f"{tool} is not installed: make install, or "
                        f"pip install -c constraints.txt {tool}") from None


def result_root() -> Path:
    """Return the folder of all results: ``$TILICHO_BUILD/synth``, or ``build`` of the checkout."""
    return Path(os.environ.get("TILICHO_BUILD", ROOT / "build")) / "synth"


def kept(name: str, inputs: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return the folder that ``make`` filled from ``inputs``, and make it if it is not there.

    ``make`` works in a folder of its own that takes its place when it is complete, so neither an
    interrupted run nor two at once leave half a result.
    """
    key = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:20]
    folder = result_root() / f"{name}-{key}"
    if not folder.exists():
        result_root().mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=result_root()))
        try:
            make(scratch)
            scratch.rename(folder)
        except OSError:
            if not folder.exists():     # otherwise another process made the same just before
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def run_tool(command: Sequence[str], folder: Path, *,
             progress: Callable[[str], None] = no_progress) -> str:
    """Run a tool in ``folder`` and return what it printed, which ``tool.log`` keeps.

    Files are named relative to ``folder``: the WebAssembly builds do not see the machine's folder
    for temporary files under its own name.

    Raises
    ------
    :exc:`ToolError`
        If it fails; the message holds its last error line.
    """
    program = Path(sys.executable).with_name(command[0])
    version_of(command[0])
    lines = []
    with subprocess.Popen([str(program), *command[1:]], cwd=folder, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            step = _STEP.match(line)
            if step:
                progress((step[1] or step[2]).lower())
    text = "".join(lines)
    (folder / "tool.log").write_text(text)
    if process.returncode:
        result_root().mkdir(parents=True, exist_ok=True)
        log = result_root() / "failed.log"
        log.write_text(text)
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no output"]
        raise ToolError(f"{command[0]} failed: {errors[-1].strip()} (see {log})")
    return text
