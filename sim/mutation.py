"""Seeded faults: many in one netlist, one of them active at a time, chosen by an input port.

A fault inverts one bit of a signal, or holds it at a constant. :func:`apply_faults` puts all
faults of a list into the RTLIL of a design behind a port ``fault_select``: fault number k is active
while the port is k, counted from 1, and none while it is 0. One build of a simulator serves them
all.

A list is a TOML file with a table ``[[fault]]`` for each: ``module`` and ``signal`` as the emitted
RTLIL names them (the module without the top's name in front), ``bit``, ``mode``, where it comes
from (``origin``: ``hand`` or ``yosys``), what it breaks (``note``), and for a fault that cannot be
found by what a program computes the reason (``equivalent``).
"""

import dataclasses
import json
import subprocess
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from rtl.emit import Port, yosys_command
from sim.errors import UserError

__all__ = ["FAULT_PORT", "Fault", "apply_faults", "draw_faults", "load_faults"]

FAULT_PORT = Port("fault_select", 8, True)
"""The input port that chooses a fault."""

MODES = ("inv", "const0", "const1")
ORIGINS = ("hand", "yosys")
TOP = "top"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Parameters
    ----------
    module, signal : :class:`str`
        Where: the emitted module, without the top's name, and the signal in it.
    bit : :class:`int`
        Which bit of the signal.
    mode : :class:`str`
        ``inv``, ``const0`` or ``const1``.
    origin : :class:`str`
        ``hand``, or ``yosys`` if its ``mutate`` command drew it.
    note : :class:`str`
        What it breaks.
    equivalent : :class:`str`
        Why no program can tell, or empty.
    """

    module: str
    signal: str
    bit: int = 0
    mode: str
    origin: str = "hand"
    note: str = ""
    equivalent: str = ""

    @property
    def name(self) -> str:
        """Where and what, in one word."""
        return f"{self.module}.{self.signal}[{self.bit}]:{self.mode}"


def load_faults(path: Path) -> list[Fault]:
    """Read a list of faults.

    Raises
    ------
    :exc:`UserError`
        If there is no such file, or it is not a list of faults; the message names the entry.
    """
    try:
        entries = tomllib.loads(path.read_text())["fault"]
    except FileNotFoundError:
        raise UserError(f"No file {path}: give a list of faults") from None
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise UserError(f"{path} is not a list of faults ({error}): it must hold tables "
                        f"[[fault]]") from None
    faults = []
    for number, entry in enumerate(entries, 1):
        try:
            fault = Fault(**entry)
        except TypeError as error:
            raise UserError(f"{path}, fault {number}: {error}") from None
        if fault.mode not in MODES or fault.origin not in ORIGINS:
            raise UserError(f"{path}, fault {number}: mode must be one of {', '.join(MODES)} and "
                            f"origin one of {', '.join(ORIGINS)}")
        faults.append(fault)
    if not 0 < len(faults) < 1 << FAULT_PORT.width:
        raise UserError(f"{path} holds {len(faults)} faults: 1 to "
                        f"{(1 << FAULT_PORT.width) - 1} fit in one netlist")
    return faults


def _yosys(folder: Path, script: str) -> None:
    result = subprocess.run([yosys_command(), "-q", "-p", script], cwd=folder,
                            capture_output=True, text=True, check=False)
    if result.returncode:
        tail = " ".join((result.stdout + result.stderr).split()[-30:])
        raise RuntimeError(f"Yosys could not seed the faults: {tail}")


def _drivers(module: dict) -> dict[int, tuple[str, str, int]]:
    """Map each bit of a module to the cell, port and bit of the port that drive it."""
    found = {}
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "output":
                found.update({bit: (name, port, place) for place, bit in enumerate(bits)
                              if isinstance(bit, int)})
    return found


def _place(netlist: dict, fault: Fault) -> tuple[str, str, int]:
    """Return the cell, port and bit of the port at which a fault is put in."""
    module = netlist["modules"].get(f"{TOP}_{fault.module}")
    if module is None:
        raise UserError(f"Fault {fault.name}: the design has no module {fault.module!r}")
    signal = module["netnames"].get(fault.signal)
    if signal is None or fault.bit >= len(signal["bits"]):
        raise UserError(f"Fault {fault.name}: module {fault.module!r} has no such signal or bit")
    place = _drivers(module).get(signal["bits"][fault.bit])
    if place is None:
        raise UserError(f"Fault {fault.name}: no cell of the module drives this bit: choose the "
                        f"signal where it is made")
    return place


def apply_faults(text: str, faults: Sequence[Fault]) -> str:
    """Return RTLIL ``text`` with all ``faults`` in it, and the port ``fault_select`` at its top.

    Raises
    ------
    :exc:`UserError`
        If a fault names a signal that the design does not have.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "design.il").write_text(text)
        _yosys(folder, "read_rtlil design.il; proc; write_rtlil plain.il; "
                       "write_json plain.json")
        netlist = json.loads((folder / "plain.json").read_text())
        commands = ["read_rtlil plain.il"]
        for number, fault in enumerate(faults, 1):
            cell, port, place = _place(netlist, fault)
            commands.append(f"mutate -mode {fault.mode} -module {TOP}_{fault.module} "
                            f"-cell {cell} -port {port} -portbit {place} "
                            f"-ctrl {FAULT_PORT.name} {FAULT_PORT.width} {number}")
        (folder / "faults.ys").write_text("\n".join([*commands, "write_rtlil faulty.il", ""]))
        _yosys(folder, "script faults.ys")
        return (folder / "faulty.il").read_text()


def draw_faults(text: str, count: int, seed: int, block: str) -> list[Fault]:
    """Let Yosys draw faults in the modules below ``block``, at named signals.

    Raises
    ------
    :exc:`UserError`
        If it finds fewer than ``count``.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "design.il").write_text(text)
        _yosys(folder, "read_rtlil design.il; proc; write_rtlil plain.il; write_json plain.json")
        netlist = json.loads((folder / "plain.json").read_text())
        bits = sum(len(port) for name, module in netlist["modules"].items()
                   if name.startswith(f"{TOP}_{block}")
                   for cell in module["cells"].values() for port in cell["connections"].values())
        # It draws evenly over all cells and modes; one in six or so is at the output of a cell
        # and has a name of ours. Asked for more than there are, it does not end.
        listed = min(20 * count, bits // 2)
        _yosys(folder, f"read_rtlil plain.il; mutate -list {listed} -seed {seed} -o list.txt "
                       f"{TOP}_{block}*")
        faults = []
        for line in (folder / "list.txt").read_text().splitlines():
            words = line.split()[1:]
            option = dict(zip(words[::2], words[1::2], strict=True))
            signal = option.get("-wire", "$")
            # A name with a dollar sign is Amaranth's choice, and another one after the next change.
            if option["-mode"] not in MODES or "$" in signal:
                continue
            fault = Fault(module=option["-module"].removeprefix(f"{TOP}_"), signal=signal,
                          bit=int(option["-wirebit"]), mode=option["-mode"], origin="yosys")
            module = netlist["modules"][option["-module"]]
            place = _drivers(module).get(module["netnames"][signal]["bits"][fault.bit])
            if place == (option["-cell"], option["-port"], int(option["-portbit"])):
                faults.append(fault)
    if len(faults) < count:
        raise UserError(f"Yosys found {len(faults)} faults in {block!r}: ask for fewer than "
                        f"{count}")
    return faults[:count]
