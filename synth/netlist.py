"""Cells of a mapped netlist, by type and by the part of the design that they came from."""

import collections
import dataclasses
import json
from pathlib import Path

from .hierarchy import Hierarchy

__all__ = ["Netlist", "read_netlist"]


@dataclasses.dataclass(frozen=True)
class Netlist:
    """Cells of a flattened design.

    Mapping works across the boundaries of parts, so that a cell has no owner by itself. Here it
    belongs to the part that drives its output in the RTLIL, and a cell whose output is no net of
    the RTLIL any more belongs where its output is used: the logic in front of a register counts
    with the register, also when it comes from a part that holds no register itself. Pieces of a
    memory belong to its part.

    Parameters
    ----------
    scopes : dict
        For the path of each part that owns cells, the number of cells of each type. The top is
        the empty path. The numbers of all parts add up to those of the design.
    """

    scopes: dict[str, dict[str, int]]

    @property
    def kinds(self) -> dict[str, int]:
        """Number of cells of each type in the whole design."""
        total = collections.Counter()
        for kinds in self.scopes.values():
            total.update(kinds)
        return dict(sorted(total.items()))


def read_netlist(path: Path, top: str, hierarchy: Hierarchy) -> Netlist:
    """Read the JSON netlist that Yosys wrote of the flattened design ``top``."""
    module = json.loads(path.read_text())["modules"][top]
    cells = {name: cell for name, cell in module["cells"].items()
             if cell["type"] != "$scopeinfo"}
    memories = {name: owner for name in cells
                if (owner := hierarchy.memory_owner(name)) is not None}
    owners = _owners(cells, _drivers(module["netnames"], hierarchy), memories)
    scopes: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for name, cell in cells.items():
        scopes[owners.get(name, "")][cell["type"]] += 1
    return Netlist({owner: dict(sorted(kinds.items())) for owner, kinds in sorted(scopes.items())})


def _drivers(nets: dict, hierarchy: Hierarchy) -> dict[int, str]:
    """Map each bit of the netlist that is a net of the RTLIL to the part that drives it."""
    drivers = {}
    for name, net in nets.items():
        for index, bit in enumerate(net["bits"]):
            if isinstance(bit, int) and bit not in drivers:
                path = hierarchy.driver(name, index)
                if path is not None:
                    drivers[bit] = path
    return drivers


def _owners(cells: dict, drivers: dict[int, str], known: dict[str, str]) -> dict[str, str]:
    """Map the names of cells to parts, from the nets of the RTLIL backwards."""
    owners = dict(known)
    by_output: dict[int, str] = {}
    for name, cell in cells.items():
        outputs = [bit for port, bits in cell["connections"].items()
                   if cell["port_directions"][port] == "output" for bit in bits]
        by_output.update(dict.fromkeys(outputs, name))
        votes = collections.Counter(drivers[bit] for bit in outputs if bit in drivers)
        if votes and name not in owners:
            owners[name] = votes.most_common(1)[0][0]
    waiting = collections.deque(owners)
    while waiting:
        user = waiting.popleft()
        cell = cells[user]
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                for bit in bits:
                    source = by_output.get(bit)
                    if source is not None and source not in owners:
                        owners[source] = owners[user]
                        waiting.append(source)
    return owners
