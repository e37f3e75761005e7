"""Table of all blocks: ``make synth-report``.

Writes the figures of each block as JSON into ``synth/results`` and brings them together in
``synth/results/README.md``. What has not changed since the last run is not done again.

Usage: ``python -m synth.report [--seeds N] [BLOCK ...]`` measures the blocks named, or all.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from .measure import measure
from .tools import ToolError

__all__ = ["ROWS", "RESULTS", "main"]

RESULTS = Path(__file__).with_name("results")

ROWS = (
    # block, preset, target, place and route
    ("matmul_array", "ulx3s", "ecp5", True),
    ("nitro_dma",    "ulx3s", "ecp5", True),
    ("core",         "ulx3s", "ecp5", True),
    ("matmul",       "ulx3s", "ecp5", True),
    ("chip",         "ulx3s", "ecp5", False),
    ("matmul_array", "up5k", "ice40", False),
    ("matmul",       "up5k", "ice40", False),
)
"""What is measured. Figures of one preset stand together. The parts of `up5k` are counted only:
the UP5K has 8 multipliers, and Yosys does not put two 8-bit products into one."""

_HEAD = """\
# Cells and clocks

Written by `make synth-report`; `tilicho synth BLOCK --preset P --target T --pnr` prints one row
in detail. LUT is what nextpnr counts as logic cells, carry included, where there is a clock, else
LUT4 and two for each carry cell. Clocks are between registers, behind registered ports, one for
each seed; ECP5 is the 85F at speed grade 6, iCE40 the UP5K.

| block | preset | hash | target | LUT | LUT4 | FF | carry | LUT RAM | BRAM | DSP | clock, MHz |
|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|
"""


def _row(figures: dict) -> str:
    cells = figures["cells"]
    clocks = ", ".join(f"{mhz:.1f}" for mhz in figures["fmax_mhz"]) or "-"
    counts = [f"{cells[key]:,}" for key in ("lut", "lut4", "ff", "carry", "lutram", "bram", "dsp")]
    return "| " + " | ".join([figures["block"], figures["preset"], figures["preset_hash"],
                              figures["target"], *counts, clocks]) + " |\n"


def main(arguments: list[str]) -> int:
    """Measure what ``arguments`` ask for; return the exit status."""
    parser = argparse.ArgumentParser(prog="synth.report", description=__doc__.split("\n")[0])
    parser.add_argument("blocks", nargs="*", metavar="BLOCK", help="only these blocks")
    parser.add_argument("--seeds", type=int, default=1, help="runs of place and route")
    options = parser.parse_args(arguments)
    RESULTS.mkdir(exist_ok=True)
    status = 0
    for block, preset, target, pnr in ROWS:
        if options.blocks and block not in options.blocks:
            continue
        print(f"{block}, {preset}, {target} ...", end=" ", flush=True)
        start = time.perf_counter()
        try:
            figures = measure(block, preset, target, seeds=options.seeds if pnr else 0)
        except ToolError as error:
            print(error)
            status = 1
            continue
        (RESULTS / f"{block}-{preset}-{target}.json").write_text(
            json.dumps(figures, indent=1) + "\n")
        print(f"{time.perf_counter() - start:.0f} s")
    kept = [RESULTS / f"{block}-{preset}-{target}.json" for block, preset, target, _ in ROWS]
    (RESULTS / "README.md").write_text(_HEAD + "".join(
        _row(json.loads(path.read_text())) for path in kept if path.exists()))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
