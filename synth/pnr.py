"""Place and route: the clock of a block and its critical path."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

from amaranth.lib import wiring

from .flow import synthesize
from .harness import DUT, RegisteredHarness
from .targets import Target
from .tools import ToolError, kept, no_progress, run_tool, version_of

__all__ = ["Hop", "Placement", "place_and_route"]


@dataclasses.dataclass(frozen=True)
class Hop:
    """A step of the critical path.

    Parameters
    ----------
    at_ns : :class:`float`
        Time since the clock edge when it is passed.
    net : :class:`str`
        Net on which the signal has come so far.
    """

    at_ns: float
    net: str


@dataclasses.dataclass(frozen=True)
class Placement:
    """A placed and routed block.

    Parameters
    ----------
    fmax_mhz : :class:`float`
        Highest clock, between registers.
    path : tuple of :class:`Hop`
        The critical path.
    used : dict
        Cells of each type of the device that the block takes up, without the harness where the
        harness has such cells.
    """

    fmax_mhz: float
    path: tuple[Hop, ...]
    used: dict[str, int]


def place_and_route(component: wiring.Component, top: str, target: Target, *, seeds: int = 1,
                    clock: int | None = None,
                    progress: Callable[[str], None] = no_progress) -> list[Placement]:
    """Place and route ``component`` behind registers once for each seed from 1 to ``seeds``.

    Results are kept by netlist, tool and seed.

    Parameters
    ----------
    clock : :class:`int` or None
        Clock in MHz to map for, as in :func:`synthesize`, and to ask place and route for.

    Raises
    ------
    :exc:`~synth.tools.ToolError`
        If the target has no place and route, the tool is missing, or the block does not fit.
    """
    if not target.pnr:
        raise ToolError(f"there is no place and route for {target.name}: choose ecp5 or ice40")
    program, *options = target.pnr
    version = version_of(program)
    name = f"{top}_pnr"
    mapped = synthesize(RegisteredHarness(component), name, target, clock=clock,
                        progress=progress)
    netlist = (mapped.folder / "netlist.json").read_text()
    around = target.count(mapped.netlist.scopes.get("", {}))
    placements = []
    for seed in range(1, seeds + 1):
        command = [program, *options, "--json", "netlist.json", "--report", "report.json",
                   "--seed", str(seed), "--freq", str(clock or target.clock),
                   "--timing-allow-fail"]

        def make(folder: Path, command=command) -> None:
            (folder / "netlist.json").write_text(netlist)
            run_tool(command, folder, progress=progress)
            (folder / "netlist.json").unlink()

        progress(f"seed {seed}")
        folder = kept(f"{top}-{target.name}-seed{seed}", [version, *command, netlist], make)
        placements.append(_read_report(folder / "report.json", target, around))
    return placements


def _read_report(path: Path, target: Target, around: dict[str, int]) -> Placement:
    report = json.loads(path.read_text())
    clocks = report["fmax"]
    if not clocks:
        raise ToolError("the block has no path between two registers: it has no clock")
    clock = min(clocks, key=lambda name: clocks[name]["achieved"])
    path_of = next((entry["path"] for entry in report["critical_paths"]
                    if clock in entry["from"] and clock in entry["to"]), [])
    used = {kind: entry["used"] for kind, entry in report["utilization"].items()
            if entry["used"]}
    if target.logic_cell in used:
        used[target.logic_cell] -= around[target.logic_cell_holds]
    return Placement(round(clocks[clock]["achieved"], 2), tuple(_hops(path_of)), used)


def _hops(path: list[dict]) -> list[Hop]:
    """Nets of the path with the time at which the last of their wires is passed."""
    hops, now = [], 0.0
    for step in path:
        now += step["delay"]
        # A net of nextpnr's own only leads into or out of a carry chain.
        if step["type"] == "routing" and not step["net"].startswith("$nextpnr"):
            net = _readable(step["net"])
            if hops and hops[-1].net == net:
                hops.pop()
            hops.append(Hop(round(now, 2), net))
    return hops


def _readable(net: str) -> str:
    """Name of a net without the harness and without what mapping appended to it."""
    net = net.removeprefix(f"{DUT}.")
    net = re.sub(r"_(LUT4|CCU2C|TRELLIS_\w+?|PFUMX|L6MUX21|MULT18X18D|DP16KD|SB_\w+?)_.*$", "",
                 net)
    # Amaranth's name for a port that two signals share.
    return re.sub(r"(^|\.)port\$\d+(\$\d+)?", r"\1(input)", net)
