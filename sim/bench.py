"""Benchmarks of the core: instructions, cycles and where the cycles went, program by program."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from rtl.config import preset, preset_hash
from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.errors import UserError
from sim.lockstep.program import load_program
from sim.lockstep.session import CoreRun

__all__ = ["CoreRow", "Workload", "bench_core", "geometric_mean", "suite"]

PROGRAMS = Path(__file__).resolve().parent.parent / "sw" / "firmware" / "programs"

NOT_MEASURED = ("faults", "hello")
"""Programs of the suite that are about behaviour, and end before there is anything to measure."""


@dataclasses.dataclass(frozen=True)
class Workload:
    """A program to measure.

    Parameters
    ----------
    name : :class:`str`
        What the row is called.
    elf : :class:`Path`
        Linked with the project's start-up code.
    arguments, stdin
        Of the program.
    """

    name: str
    elf: Path
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""


@dataclasses.dataclass(frozen=True)
class CoreRow:
    """Figures of one program: those of its last run.

    Parameters
    ----------
    program : :class:`str`
        Its name.
    instructions, cycles : :class:`int`
        Architectural instructions, and cycles.
    stack : dict
        Cycles by cause; they add up to ``cycles``.
    output : :class:`bytes`
        What it printed.
    exit : :class:`int`
        Its status.
    """

    program: str
    instructions: int
    cycles: int
    stack: dict[str, int]
    output: bytes
    exit: int

    @property
    def cpi(self) -> float:
        """Cycles per instruction."""
        return self.cycles / self.instructions

    def figures(self) -> dict:
        """Return the row of the JSON file."""
        return {"program": self.program, "instructions": self.instructions,
                "cycles": self.cycles, "cpi": self.cpi, "stack": self.stack, "exit": self.exit}


def suite() -> list[Path]:
    """Return the sources of the project's own programs, one program each."""
    return sorted(path for path in PROGRAMS.glob("*.c") if path.stem not in NOT_MEASURED)


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive values."""
    return math.exp(sum(map(math.log, values)) / len(values))


def bench_core(workloads: Sequence[Workload], *, preset_name: str = "ulx3s", latency: int = 20,
               cold: bool = False, max_cycles: int = 200_000_000,
               progress: Callable[[str], None] = lambda step: None) -> dict:
    """Measure each workload and return the figures of ``tilicho bench core``.

    A program runs twice in one process, and its second run is measured: from the moment at which
    the start-up code has put its data back to its exit. ``cold`` measures the first run instead,
    from reset.

    Raises
    ------
    :exc:`UserError`
        If a program does not end, or was not linked with the project's start-up code.
    :exc:`RuntimeError`
        If the causes do not add up to the cycles: a defect of the core.
    """
    config = preset(preset_name)
    run = CoreRun(config=config.core, latency=latency, progress=progress)
    rows = []
    for workload in workloads:
        progress(workload.name)
        program = load_program(workload.elf, ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
        run.load(program, arguments=workload.arguments, stdin=workload.stdin,
                 again=0 if cold else 1)
        result = run.run(max_cycles=max_cycles)
        if result.exit is None:
            raise UserError(f"{workload.name} has not ended after {max_cycles:,} cycles: "
                            f"--max-cycles gives it more")
        if not cold and result.runs != 2:
            raise UserError(f"{workload.name} did not run a second time: measure its first run "
                            f"with --cold, or link it with the project's start-up code")
        if sum(result.stack.values()) != result.cycles:
            raise RuntimeError(f"{workload.name}: the causes add up to "
                               f"{sum(result.stack.values())} of {result.cycles} cycles")
        rows.append(CoreRow(workload.name, result.instructions, result.cycles, result.stack,
                            result.output, result.exit))
    run.close()
    return {
        "preset": preset_name, "preset_hash": preset_hash(config),
        "run": "cold" if cold else "second", "latency": latency,
        "rows": [row.figures() for row in rows],
        "geomean_cpi": geometric_mean([row.cpi for row in rows]),
    }
