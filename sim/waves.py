"""GTKWave views beside wave files."""

from pathlib import Path

from .verilog import read_modules

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
    modules = read_modules((folder / "top.sv").read_text())
    lines = [f'[dumpfile] "{waves.absolute()}"', "[treeopen] TOP.", "[treeopen] TOP.sim.",
             "[treeopen] TOP.sim.top."]
    lines += _group("top", "TOP.sim.top", modules["top"].ports)
    for instance, name in modules["top"].instances:
        if name not in modules:
            continue
        lines += _group(instance, f"TOP.sim.top.{instance}", modules[name].ports)
        for inner, inner_name in modules[name].instances:
            if inner_name in modules:
                lines += _group(f"{instance}.{inner}", f"TOP.sim.top.{instance}.{inner}",
                                modules[inner_name].ports)
    view = waves.with_suffix(waves.suffix + ".gtkw")
    view.write_text("\n".join(lines) + "\n")
    return view


def _group(title: str, scope: str, ports) -> list[str]:
    """Lines of one closed group, clock, reset and ports without a name left out."""
    scope = scope.replace("\\", "")
    names = [(name, width) for name, width in ports
             if name not in ("clk", "rst") and not name.startswith("\\")]
    if not names:
        return []
    rows = [f"{scope}.{name}" + (f"[{width - 1}:0]" if width > 1 else "") for name, width in names]
    return ["@c00200", f"-{title}", "@22", *rows, "@1401200", f"-{title}"]
