"""Seeded faults in the core, and whether lockstep or a program notices each of them."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from rtl.config import CoreConfig
from rtl.emit import emit_rtlil
from sim.bfm.core_harness import RAM_BASE, RAM_BYTES, CoreHarness
from sim.models.a64_checker import MismatchError
from sim.models.a64_oracle import OracleError
from sim.models.a64_random import generate
from sim.mutation import Fault, draw_faults
from sw.toolchain import compile_c

from .program import Program, load_program
from .session import CoreRun, new_checker
from .streams import stream_program

__all__ = ["FAULTS", "Stimulus", "Verdict", "draw_core_faults", "hunt", "standard_stimuli"]

FAULTS = Path(__file__).with_name("faults.toml")
"""The project's list of faults in the core."""

PROGRAMS = Path(__file__).resolve().parents[2] / "sw" / "firmware" / "programs"

SLACK_CYCLES = 50_000
"""A run is a hang when it takes this much more than twice the cycles of the core without fault."""


@dataclasses.dataclass(frozen=True)
class Stimulus:
    """A program to run on each mutant.

    Parameters
    ----------
    program : :class:`Program`
        What to run.
    stall, interrupts : :class:`int`
        Back-pressure of the memory and random interrupts, as in :class:`CoreHarness`.
    lockstep : :class:`bool`
        Compare each instruction with the oracle; else the program's exit status says what it
        has found by itself.
    """

    program: Program
    stall: int = 0
    interrupts: int = 0
    lockstep: bool = True


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a fault.

    Parameters
    ----------
    fault : :class:`Fault`
        The fault.
    found_by : :class:`str`
        The stimulus that showed it, or empty.
    how : :class:`str`
        What was noticed: the first line of a mismatch, a hang, another result.
    """

    fault: Fault
    found_by: str
    how: str

    @property
    def as_listed(self) -> bool:
        """The fault was found, or it was not and the list says why."""
        return bool(self.found_by) != bool(self.fault.equivalent)


def standard_stimuli(programs: Sequence[Path] = ()) -> list[Stimulus]:
    """Return short streams first, then longer ones, then C programs in lockstep.

    Parameters
    ----------
    programs : sequence of :class:`Path`
        Further ELF files, which check themselves and end with the status 0: for what lockstep
        takes from the core, as the times of interrupts, and what the oracle does not have.
    """
    stimuli = []
    for seed, chunks, stall, interrupts in ((1, 400, 0, 0), (2, 400, 96, 64), (3, 3000, 0, 16),
                                            (4, 3000, 160, 0)):
        stream = stream_program(seed, generate(seed, chunks))
        stimuli.append(Stimulus(stream, stall, interrupts))
    for name in ("faults", "atomics", "quicksort"):
        program = load_program(compile_c([PROGRAMS / f"{name}.c"]), ram_base=RAM_BASE,
                               ram_bytes=RAM_BYTES)
        stimuli.append(Stimulus(program))
    for path in programs:
        program = load_program(path, ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
        stimuli.append(Stimulus(program, lockstep=False))
    return stimuli


def draw_core_faults(count: int, seed: int) -> list[Fault]:
    """Let Yosys draw faults in the core of the run harness."""
    text, _, _ = emit_rtlil(CoreHarness(config=CoreConfig()), "top")
    return draw_faults(text, count, seed, "core")


def _observe(run: CoreRun, stimulus: Stimulus, max_cycles: int) -> tuple[str, int]:
    """Run one stimulus; return what is wrong, or nothing, and the cycles."""
    checker = new_checker() if stimulus.lockstep else None
    run.load(stimulus.program, checker=checker, stall=stimulus.stall,
             interrupts=stimulus.interrupts)
    try:
        result = run.run(max_cycles=max_cycles, checker=checker)
    except (MismatchError, OracleError) as error:
        return str(error).splitlines()[0], 0
    if result.exit is None:
        return f"no end within {max_cycles:,} cycles", 0
    if result.exit != 0:
        return f"exit status {result.exit}", 0
    if sum(result.stack.values()) != result.cycles:
        return "the causes do not add up to the cycles", 0
    return "", result.cycles


def hunt(run: CoreRun, faults: Sequence[Fault], stimuli: Sequence[Stimulus],
         progress: Callable[[str], None] = lambda step: None) -> list[Verdict]:
    """Run the stimuli on each mutant, in their order, until one shows the fault.

    Parameters
    ----------
    run : :class:`CoreRun`
        Built with ``faults``.

    Raises
    ------
    :exc:`RuntimeError`
        If a stimulus fails without a fault.
    """
    cycles = []
    run.activate(0)
    for stimulus in stimuli:
        progress(f"{stimulus.program.name} without fault")
        wrong, taken = _observe(run, stimulus, 20_000_000)
        if wrong:
            raise RuntimeError(f"{stimulus.program.name} fails without a fault: {wrong}")
        cycles.append(taken)
    verdicts = []
    for number, fault in enumerate(faults, 1):
        run.activate(number)
        for stimulus, usual in zip(stimuli, cycles, strict=True):
            progress(f"{number} of {len(faults)}: {fault.name}: {stimulus.program.name}")
            wrong, _ = _observe(run, stimulus, 2 * usual + SLACK_CYCLES)
            if wrong:
                verdicts.append(Verdict(fault, stimulus.program.name, wrong))
                break
        else:
            verdicts.append(Verdict(fault, "", "no difference"))
    run.activate(0)
    return verdicts
