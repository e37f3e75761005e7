"""Which part of a hierarchical design drives a net, read from its RTLIL.

A net has a name in each part that it passes, and flattening keeps any of them. Only one part
drives it, and that part is where the cells in front of the net came from.
"""

import dataclasses
import re
from collections.abc import Iterator

__all__ = ["Hierarchy", "read_hierarchy"]

_OUTPUTS = {"\\Y", "\\Q", "\\RD_DATA"}

Bit = tuple[str, int]


@dataclasses.dataclass
class _Module:
    """What is known of a module.

    Parameters
    ----------
    widths : widths of its wires
    inputs : wires that are input ports
    memories : names of its memories
    driven : bits that its own cells drive
    aliases : for bits that are another bit of the module, that bit; ``None`` is a constant
    children : types of its cells; primitive ones are dropped once all modules are known
    connections : for each cell, the text of what its ports are connected to
    from_child : for bits that a part drives, the part and the bit there
    to_child : for the input bits of each part, the bit here
    """

    widths: dict[str, int] = dataclasses.field(default_factory=dict)
    inputs: set[str] = dataclasses.field(default_factory=set)
    memories: set[str] = dataclasses.field(default_factory=set)
    driven: set[Bit] = dataclasses.field(default_factory=set)
    aliases: dict[Bit, Bit | None] = dataclasses.field(default_factory=dict)
    children: dict[str, str] = dataclasses.field(default_factory=dict)
    connections: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    from_child: dict[Bit, tuple[str, Bit]] = dataclasses.field(default_factory=dict)
    to_child: dict[tuple[str, Bit], Bit | None] = dataclasses.field(default_factory=dict)

    def signals(self, text: str) -> list[list[Bit | None]]:
        """Return the bits of each signal in ``text``, lowest first; constants are ``None``."""
        groups: list[list] = [[]]
        for word in text.split():
            if word == "{":
                groups.append([])
            elif word == "}":
                parts = groups.pop()
                groups[-1].append([bit for part in reversed(parts) for bit in part])
            elif word[0] == "[":
                high, _, low = word[1:-1].partition(":")
                groups[-1][-1] = groups[-1][-1][int(low or high):int(high) + 1]
            elif word in self.widths:
                groups[-1].append([(word, index) for index in range(self.widths[word])])
            else:
                groups[-1].append([None] * int(word.partition("'")[0] if "'" in word else 32))
        return groups[0]

    def link(self, modules: dict[str, "_Module"]) -> None:
        """Connect the ports of the parts, now that all modules are known."""
        self.children = {name: kind for name, kind in self.children.items() if kind in modules}
        for name, kind in self.children.items():
            for connection in self.connections[name]:
                port, _, signal = connection.partition(" ")
                for index, bit in enumerate(self.signals(signal)[0]):
                    if port in modules[kind].inputs:
                        self.to_child[name, (port, index)] = bit
                    elif bit is not None:
                        self.from_child[bit] = (name, (port, index))


@dataclasses.dataclass(frozen=True)
class Hierarchy:
    """The parts of a design.

    Parameters
    ----------
    paths : dict
        Module of each part by its path, a tuple of names; the top has the empty path.
    """

    paths: dict[tuple[str, ...], _Module]

    def driver(self, name: str, index: int) -> str | None:
        """Return the path of the part that drives bit ``index`` of a net of the flattened design.

        ``name`` is any of its names: the path of a part, a dot, and its name there. The result is
        ``None`` for inputs of the top, for constants, and for names that mapping made up.
        """
        if name.startswith("$flatten\\"):       # a net without a name inside that part
            path = _path(name.removeprefix("$flatten\\").partition(".$")[0])
            return ".".join(path) if path in self.paths else None
        path, local = self._split(name)
        return self._trace(path, (local, index))

    def memory_owner(self, cell: str) -> str | None:
        """Return the path of the part whose memory ``cell`` is a piece of, by the cell's name.

        What a block RAM puts out need not be a net of the RTLIL: mapping adds logic behind it.
        """
        path, local = self._split(re.sub(r"\.\d+\.\d+$", "", cell))
        return ".".join(path) if local in self.paths[path].memories else None

    def _split(self, name: str) -> tuple[tuple[str, ...], str]:
        """Path of a part and the name there; names of fields hold dots, so the longest path."""
        words = name.split(".")
        length = next(length for length in range(len(words) - 1, -1, -1)
                      if tuple(words[:length]) in self.paths)
        return tuple(words[:length]), "\\" + ".".join(words[length:])

    def _trace(self, path: tuple[str, ...], bit: Bit | None) -> str | None:
        while bit is not None:
            module = self.paths[path]
            if bit in module.driven:
                return ".".join(path)
            if bit in module.aliases:
                bit = module.aliases[bit]
            elif bit in module.from_child:
                child, bit = module.from_child[bit]
                path = (*path, child[1:])
            elif path and bit[0] in module.inputs:
                bit = self.paths[path[:-1]].to_child.get(("\\" + path[-1], bit))
                path = path[:-1]
            else:
                return None
        return None


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def read_hierarchy(text: str, top: str) -> Hierarchy:
    """Read the RTLIL ``text`` of the design ``top``."""
    modules: dict[str, _Module] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("module "):
            modules[line.split()[1]] = _read_module(lines)
    for module in modules.values():
        module.link(modules)
    paths: dict[tuple[str, ...], _Module] = {}
    waiting: list[tuple[tuple[str, ...], str]] = [((), "\\" + top)]
    while waiting:
        path, kind = waiting.pop()
        paths[path] = modules[kind]
        waiting += [((*path, name[1:]), child) for name, child in modules[kind].children.items()]
    return Hierarchy(paths)


def _read_module(lines: Iterator[str]) -> _Module:
    module, aliases = _Module(), []
    depth, name, kind = 1, "", ""
    for line in lines:
        first, _, rest = line.strip().partition(" ")
        match first:
            case "wire":
                width, wire = re.search(r"\bwidth (\d+)", rest), rest.split()[-1]
                module.widths[wire] = int(width[1]) if width else 1
                if re.search(r"\binput \d", rest):
                    module.inputs.add(wire)
            case "memory":
                module.memories.add(rest.split()[-1])
            case "cell":
                depth, (kind, name) = depth + 1, rest.split()
                module.children[name] = kind
                module.connections[name] = []
            case "process" | "switch":
                depth += 1
            case "end":
                depth, kind = depth - 1, ""
                if depth == 0:
                    break
            case "assign":
                module.driven.update(bit for bit in module.signals(rest)[0] if bit)
            case "connect" if kind.startswith("$"):
                port, _, signal = rest.partition(" ")
                if port in _OUTPUTS or port == "\\DATA" and kind.startswith("$memrd"):
                    module.driven.update(bit for bit in module.signals(signal)[0] if bit)
            case "connect" if kind:
                module.connections[name].append(rest)
            case "connect":
                aliases.append(rest)
    for alias in aliases:
        # One bit at a time: a word may be put together from nets of several parts.
        left, right = module.signals(alias)
        module.aliases.update(zip((bit for bit in left if bit), right, strict=True))
    return module
