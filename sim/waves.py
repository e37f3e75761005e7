"""GTKWave views beside wave files."""

import re
from pathlib import Path

__all__ = ["write_view"]

def write_view(waves: Path, folder: Path) -> Path:
    """Write ``<waves>.gtkw`` with the ports of each block of the top, grouped by block.

    Parameters
    ----------
    waves : :class:`Path`
        The wave file, which need not be there yet.
    folder : :class:`Path`
        Build folder of the simulator, whose ``top.sv`` names the signals.

    Returns
    -------
    :class:`Path`
        The view; GTKWave opens it together with the waves.
    """
    modules = _modules((folder / "top.sv").read_text())
    lines = [f'[dumpfile] "{waves.absolute()}"', "[treeopen] TOP.", "[treeopen] TOP.sim.",
             "[treeopen] TOP.sim.top."]
    lines += _group("top", "TOP.sim.top", modules["top"][0])
    for instance, module in modules["top"][1]:
        lines += _group(instance, f"TOP.sim.top.{instance}", modules.get(module, ((), ()))[0])
        for inner, inner_module in modules.get(module, ((), ()))[1]:
            ports = modules.get(inner_module, ((), ()))[0]
            lines += _group(f"{instance}.{inner}", f"TOP.sim.top.{instance}.{inner}", ports)
    view = waves.with_suffix(waves.suffix + ".gtkw")
    view.write_text("\n".join(lines) + "\n")
    return view


def _group(title: str, scope: str, ports) -> list[str]:
    """Lines of one closed group, clock and reset left out."""
    names = [(name, width) for name, width in ports if name not in ("clk", "rst")]
    if not names:
        return []
    rows = [f"{scope}.{name}" + (f"[{width - 1}:0]" if width > 1 else "") for name, width in names]
    return ["@c00200", f"-{title}", "@22", *rows, "@1401200", f"-{title}"]


def _modules(text: str) -> dict[str, tuple[list[tuple[str, int]], list[tuple[str, str]]]]:
    """Map each module to its ports with widths, and its instances with their modules."""
    found = {}
    for match in re.finditer(r"^module (\S+)\((.*?)\);\n(.*?)^endmodule", text, re.M | re.S):
        name, _, body = match.groups()
        ports = [(port, int(high or 0) + 1) for high, port in re.findall(
            r"^  (?:input|output)(?: signed)? (?:\[(\d+):0\] )?(\w+);", body, re.M)]
        instances = re.findall(r"^  (\w+) (?:#\(.*?\) )?(\w+) \(\n", body, re.M | re.S)
        found[name] = (ports, [(instance, module) for module, instance in instances
                               if module not in ("input", "output")])
    return found
