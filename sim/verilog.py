"""What stands in SystemVerilog that Yosys wrote: modules, their ports and instances."""

import collections
import dataclasses
import re

__all__ = ["VerilogModule", "instance_counts", "read_modules"]

_MODULE = re.compile(r"^module (\S+)\(.*?\);\n(.*?)^endmodule", re.M | re.S)
_PORT = re.compile(r"^  (?:input|output)(?: signed)? (?:\[(\d+):0\] )?(\S+) ?;", re.M)
_INSTANCE = re.compile(r"^  (\w+) (?:#\([^;]*?\) )?(\\\S+|\w+) +\(\n", re.M)


@dataclasses.dataclass(frozen=True)
class VerilogModule:
    """A module.

    Parameters
    ----------
    ports : tuple of (name, width)
        In order.
    instances : tuple of (instance, module)
        In order; modules of other files among them.
    lines : :class:`int`
        Lines of the body.
    """

    ports: tuple[tuple[str, int], ...]
    instances: tuple[tuple[str, str], ...]
    lines: int


def read_modules(text: str) -> dict[str, VerilogModule]:
    """Return the modules by name."""
    found = {}
    for match in _MODULE.finditer(text):
        name, body = match.groups()
        ports = tuple((port, int(high or 0) + 1) for high, port in _PORT.findall(body))
        instances = tuple((instance, module) for module, instance in _INSTANCE.findall(body))
        found[name] = VerilogModule(ports, instances, body.count("\n"))
    return found


def instance_counts(modules: dict[str, VerilogModule], top: str) -> dict[str, int]:
    """Return how often each module stands in the hierarchy below ``top``, itself included."""
    counts: collections.Counter[str] = collections.Counter()

    def visit(name: str) -> None:
        counts[name] += 1
        for _, child in modules[name].instances:
            if child in modules:
                visit(child)

    visit(top)
    return dict(counts)
