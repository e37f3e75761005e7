"""The results section of the README: runs the commands and writes what they print."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sim.errors import UserError

__all__ = ["MATRICES", "PROGRAMS", "write_report"]

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"

PROGRAMS = ("quicksort", "crc", "sha256", "matrix", "memory", "format")
"""C programs of ``sw/firmware/programs`` that the table shows."""

MATRICES = ((64, 64, 64, "int8"), (64, 64, 64, "bf16"), (37, 100, 65, "int8"),
            (37, 100, 65, "bf16"), (1, 128, 128, "int8"), (1, 128, 128, "bf16"))
"""M, K, N and type of the products that the table shows."""


def _command(folder: Path, *arguments: str) -> dict:
    """Run ``tilicho`` and return its figures; the exit status may be a program's own.

    Raises
    ------
    :exc:`UserError`
        If the command wrote no figures.
    """
    target = folder / "figures.json"
    target.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "sim.cli", *arguments, "--json", str(target)],
                   check=False, cwd=ROOT, stdout=subprocess.DEVNULL)
    if not target.exists():
        raise UserError(f"tilicho {' '.join(arguments)} has failed: run it alone to see why")
    return json.loads(target.read_text())


def _table(head: tuple[str, ...], rows: list[tuple]) -> str:
    lines = ["| " + " | ".join(head) + " |",
             "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def _demo(folder: Path) -> str:
    figures = _command(folder, "demo")
    share = figures["correct"] / figures["images"]
    rows = [("images", f"{figures['images']:,}"),
            ("right answers", f"{figures['correct']:,} ({share:.1%})"),
            ("all logits bit-equal to the model", "yes" if figures["bit_exact"] else "NO"),
            ("cycles an image, firmware included", f"{figures['cycles_per_image']:.1f}"),
            ("MAC utilisation, tensor engine active", f"{figures['utilisation_active']:.1%}"),
            ("MAC utilisation, over all", f"{figures['utilisation_total']:.1%}"),
            ("multiplications by the tile", f"{figures['macs']:,}"),
            ("bytes moved by the DMA engine", f"{figures['dma_bytes']:,}"),
            ("simulated cycles a second", f"{figures['sim_cycles_per_second']:,.0f}")]
    return (f"`tilicho demo`, preset {figures['preset']} ({figures['preset_hash']}), "
            f"batches of 32:\n\n" + _table(("figure", "value"), rows))


def _programs(folder: Path) -> str:
    rows = []
    for name in PROGRAMS:
        figures = _command(folder, "run", f"sw/firmware/programs/{name}.c", "--lockstep")
        lockstep = figures["lockstep"]
        rows.append((f"`{name}.c`", f"{figures['instructions']:,}", f"{figures['cycles']:,}",
                     f"{figures['cpi']:.2f}", f"{lockstep['instructions']:,}",
                     lockstep["mismatches"]))
    return ("`tilicho run sw/firmware/programs/NAME.c --lockstep`, clang -O2, caches cold, preset "
            "sim:\n\n" + _table(("program", "instructions", "cycles", "CPI",
                                 "checked against the oracle", "mismatches"), rows))


def _matrices(folder: Path) -> str:
    rng = np.random.default_rng(1)
    rows = []
    for m, k, n, name in MATRICES:
        for path, shape in (("a.npy", (m, k)), ("b.npy", (k, n))):
            values = (rng.integers(-128, 128, shape, dtype=np.int8) if name == "int8"
                      else rng.standard_normal(shape, dtype=np.float32))
            np.save(folder / path, values)
        figures = _command(folder, "matmul", str(folder / "a.npy"), str(folder / "b.npy"),
                           "--type", name)
        rows.append((f"{m} x {k} x {n}", name, f"{figures['cycles']:,}",
                     f"{figures['ideal_cycles']:,}", f"{figures['utilisation']:.1%}",
                     "yes" if figures["bit_exact"] else "NO"))
    return ("`tilicho matmul A.npy B.npy`, random operands in SBUF, preset sim:\n\n"
            + _table(("M x K x N", "type", "cycles", "ideal", "utilisation", "bit-exact"), rows))


def _synthesis() -> str:
    results = ROOT / "synth" / "results" / "README.md"
    lines = results.read_text().splitlines() if results.exists() else []
    table = [line for line in lines if line.startswith("|")]
    if not table:
        return "Cells and clocks: run `make synth-report`."
    return ("`make synth-report` (cells and clocks; definitions in "
            "[synth/results](synth/results/README.md)):\n\n" + "\n".join(table))


def write_report(folder: Path, progress: Callable[[str], None]) -> Path:
    """Measure, and replace the results section of the README; return its path.

    Parameters
    ----------
    folder : :class:`Path`
        For intermediate files.
    progress : callable
        Called with the name of each step.
    """
    parts = []
    for name, step in (("demo", _demo), ("programs", _programs), ("matrices", _matrices)):
        progress(name)
        parts.append(step(folder))
    parts.append(_synthesis())
    path = ROOT / "README.md"
    text = path.read_text()
    head, tail = text[:text.index(BEGIN) + len(BEGIN)], text[text.index(END):]
    path.write_text(head + "\n\n" + "\n\n".join(parts) + "\n\n" + tail)
    return path
