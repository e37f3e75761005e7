"""``tilicho doctor``: what this machine has and lacks, and what to do about it."""

import dataclasses
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Finding", "examine", "register"]

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
MIN_FREE_GIB = 3
PYTHON_RANGE = ((3, 11), (3, 14))


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the report.

    Parameters
    ----------
    what : :class:`str`
        The thing that was looked for.
    state : :class:`str`
        ``ok``, ``missing`` (something needs it), ``old`` (another version than the tests were run
        with) or ``optional`` (missing, and nothing needs it).
    found : :class:`str`
        Version or place.
    remedy : :class:`str`
        What to do about it; empty when nothing is to be done.
    """

    what: str
    state: str
    found: str
    remedy: str = ""


def _first_line(command: list[str]) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line.strip() for line in (result.stdout or result.stderr).splitlines()]
    return next((line for line in lines if line), "") if result.returncode == 0 else ""


def _python() -> Finding:
    low, high = PYTHON_RANGE
    version = platform.python_version()
    if low <= sys.version_info[:2] < high:
        return Finding("Python", "ok", version)
    return Finding("Python", "missing", version,
                   f"install Python {low[0]}.{low[1]} to {high[0]}.{high[1] - 1}, then "
                   "make distclean and make PYTHON=python3.12 demo")


def _tool(what: str, commands: list[str], remedy: str, *, needed: bool) -> Finding:
    for command in commands:
        path = shutil.which(command)
        if path:
            line = _first_line([path, "-V" if command == "iverilog" else "--version"])
            return Finding(what, "ok", line or path)
    return Finding(what, "missing" if needed else "optional", "-", remedy)


def _perl() -> Finding:
    path = shutil.which("perl")
    version = _first_line([path, "-e", "print $^V"]) if path else ""
    if version:
        return Finding("perl (Verilator's front)", "ok", version)
    return Finding("perl (Verilator's front)", "missing", "-", "apt-get install perl")


def _pinned() -> dict[str, str]:
    """Versions that the tests were run with; none outside a checkout."""
    if not CONSTRAINTS.exists():
        return {}
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", CONSTRAINTS.read_text(), re.MULTILINE)
    return {_normal(name): version for name, version in pins}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _extras() -> dict[str, list[str]]:
    """Names of the packages that each extra asks for; the empty name stands for the base."""
    wanted: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("tilicho") or []:
        name = _normal(re.split(r"[\s;\[<>=!~]", line, maxsplit=1)[0])
        marker = re.search(r'extra\s*==\s*["\']([^"\']+)', line)
        if name != "tilicho":
            wanted.setdefault(marker[1] if marker else "", []).append(name)
    return wanted


def _wheels() -> list[Finding]:
    pins, findings = _pinned(), []
    for extra, names in _extras().items():
        needed = extra in ("", "sim")
        remedy = ("make demo" if needed else "make test" if extra == "test" else
                  f"pip install -c constraints.txt -e '.[{extra}]'")
        use = "" if needed else f" ({extra})"
        for name in sorted(names):
            try:
                version = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                findings.append(Finding(name + use, "missing" if needed else "optional", "-",
                                        remedy))
                continue
            pin = pins.get(name, version)
            if version == pin:
                findings.append(Finding(name + use, "ok", version))
            else:
                findings.append(Finding(name + use, "old", version,
                                        f"the tests ran with {pin}: pip install {name}=={pin}"))
    return findings


def _yosys_cache() -> Finding:
    what = "Yosys, compiled"
    try:
        from sim import warmup

        warm = warmup.cached()
    except importlib.metadata.PackageNotFoundError:
        return Finding(what, "missing", "-", "make demo")
    if warm:
        return Finding(what, "ok", "in the cache")
    return Finding(what, "optional", "not yet",
                   "nothing: its first start takes half a minute, once")


def _disk() -> Finding:
    folder = Path(os.environ.get("TILICHO_BUILD", ROOT / "build"))
    free = shutil.disk_usage(folder if folder.exists() else ROOT).free / 2**30
    found = f"{free:.1f} GiB free"
    if free >= MIN_FREE_GIB:
        return Finding("Disk", "ok", found)
    return Finding("Disk", "missing", found, f"make room: simulators and wheels take "
                                             f"{MIN_FREE_GIB} GiB; make clean removes builds")


def _fst_headers() -> Finding:
    what = "lz4 and zlib headers (FST waves)"
    if all(Path("/usr/include", name).exists() for name in ("lz4.h", "zlib.h")):
        return Finding(what, "ok", "/usr/include")
    return Finding(what, "optional", "-", "apt-get install liblz4-dev zlib1g-dev; VCD needs none")


def examine() -> list[Finding]:
    """Look at everything that the commands and the tests use."""
    return [
        _python(),
        _tool("C++ compiler", ["g++", "clang++", "c++"], "apt-get install g++", needed=True),
        _tool("make", ["make", "gmake"], "apt-get install make", needed=True),
        _perl(),
        _disk(),
        _yosys_cache(),
        _tool("Icarus Verilog (second simulator)", ["iverilog"], "apt-get install iverilog",
              needed=False),
        _tool("gcc for A64 (second compiler)", ["aarch64-linux-gnu-gcc", "aarch64-none-elf-gcc"],
              "apt-get install gcc-aarch64-linux-gnu", needed=False),
        _tool("Csmith (random C programs)", ["csmith"], "apt-get install csmith", needed=False),
        _fst_headers(),
        _tool("GTKWave (wave viewer)", ["gtkwave"], "apt-get install gtkwave", needed=False),
        *_wheels(),
    ]


def _report(findings: list[Finding]) -> None:
    from sim.cli.output import print_table

    marks = {"ok": "[green]ok[/]", "missing": "[red]missing[/]",
             "old": "[yellow]other version[/]", "optional": "[dim]optional[/]"}
    print_table("This machine", ["what", "state", "found", "what to do"],
                [(item.what, marks[item.state], item.found, item.remedy.replace("[", r"\["))
                 for item in findings])


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog="Example: tilicho doctor --json doctor.json")
    def doctor(
        json: Annotated[Path | None, typer.Option(metavar="FILE",
                                                  help="Write the findings as JSON.")] = None,
    ):
        """Say what this machine has and lacks, and what to do about it.

        The exit status is 1 when something lacks that `make demo` needs.
        """
        from sim.cli.output import write_json

        findings = examine()
        _report(findings)
        lacking = [item.what for item in findings if item.state == "missing"]
        if json:
            write_json(json, {"ok": not lacking, "missing": lacking,
                              "findings": [dataclasses.asdict(item) for item in findings]})
        print(f"Missing: {', '.join(lacking)}" if lacking else "Everything needed is here.")
        raise typer.Exit(1 if lacking else 0)
