"""One program from its file to its figures: what ``tilicho run`` does between input and output."""

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

from rtl.config import preset, preset_hash
from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.build import BuildTimes
from sim.errors import UserError
from sim.models.a64_checker import MismatchError

from .crash import Symbols, describe_crash
from .konata import KonataWriter
from .program import load_program
from .session import CoreRun, RunResult, new_checker
from .trace import TraceWriter

__all__ = ["CRASHED", "Outcome", "Request", "execute"]

CRASHED = range(128, 144)
"""Statuses with which the start-up code ends a program: after an exception, or abort()."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to run, and how.

    Parameters
    ----------
    elf : :class:`Path`
        The program.
    name : :class:`str`
        Its ``argv[0]``.
    compiled : :class:`bool`
        It was built with the project's libc.
    preset : :class:`str`
        Whose core it runs on.
    arguments : tuple of :class:`str`
        The rest of ``argv``.
    stdin : :class:`bytes`
        Standard input.
    lockstep : :class:`bool`
        Check each instruction.
    max_cycles : :class:`int`
        Limit.
    latency : :class:`int`
        Of the RAM.
    waves : :class:`Path` or None, wave_format : :class:`str`
        Where to write waves; ``vcd`` or ``fst``.
    trace, konata : :class:`Path` or None
        Where to write what each instruction did, and where it was in the pipeline.
    command : :class:`str`
        How to repeat the run, for the report of a mismatch.
    """

    elf: Path
    name: str
    compiled: bool = False
    preset: str = "sim"
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    lockstep: bool = False
    max_cycles: int = 200_000_000
    latency: int = 20
    waves: Path | None = None
    wave_format: str = "vcd"
    trace: Path | None = None
    konata: Path | None = None
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    result : :class:`RunResult`
        Figures, up to the mismatch if there was one.
    mismatch : :class:`str` or None
        The report of the lockstep check.
    lockstep : :class:`bool`
        The check was on.
    times : :class:`BuildTimes`
        Seconds of the build.
    preset : :class:`str`
        Of the core.
    place : :class:`str`
        Address and function of the instruction retired last.
    crash : :class:`str` or None
        The exception that ended the program.
    """

    result: RunResult
    mismatch: str | None
    lockstep: bool
    times: BuildTimes
    preset: str
    place: str
    crash: str | None = None

    def figures(self) -> dict:
        """Return the object that ``--json`` writes."""
        result = self.result
        return {
            "preset": self.preset, "preset_hash": preset_hash(preset(self.preset)),
            "exit": result.exit, "instructions": result.instructions, "cycles": result.cycles,
            "cpi": result.cpi, "stack": result.stack,
            "lockstep": {"instructions": result.checked,
                         "mismatches": int(self.mismatch is not None),
                         "taken": result.taken} if self.lockstep else None,
            "sim_cycles_per_second": result.cycles / max(result.seconds, 1e-9),
            "build_seconds": self.times.emission + self.times.compilation,
            "crash": self.crash,
        }


@contextlib.contextmanager
def _writers(request: Request):
    """Open the files that instructions are written to, and finish them."""
    with contextlib.ExitStack() as stack:
        writers = []
        for path, kind in ((request.trace, TraceWriter), (request.konata, KonataWriter)):
            if path is None:
                continue
            try:
                file = stack.enter_context(path.open("w", encoding="ascii"))
            except OSError as error:
                raise UserError(f"Cannot write {path}: {error.strerror}") from None
            writers.append(kind(file))
            if kind is KonataWriter:
                stack.callback(writers[-1].close)
        yield writers


def execute(request: Request, *, on_output: Callable[[bytes], None] = lambda text: None,
            on_progress: Callable[[str], None] = lambda step: None) -> Outcome:
    """Build or find the simulator, run the program and say how it ended.

    Raises
    ------
    :exc:`UserError`
        If the program cannot be loaded, or a file not be written.
    """
    program = load_program(request.elf, ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
    program = dataclasses.replace(program, name=request.name, writes_back=request.compiled)
    times = BuildTimes()
    mismatch = None
    with _writers(request) as writers:
        # The retire port changes no figure, and says where a program is that does not end.
        config = dataclasses.replace(preset(request.preset).core, retire_port=True)
        run = CoreRun(config=config, latency=request.latency, times=times, progress=on_progress,
                      trace=request.wave_format if request.waves else None,
                      pipeline=request.konata is not None)
        checker = new_checker(request.command) if request.lockstep else None
        run.load(program, arguments=request.arguments, stdin=request.stdin, checker=checker,
                 log=bool(writers))
        if request.waves:
            run.trace(request.waves)
        try:
            result = run.run(max_cycles=request.max_cycles, checker=checker, observers=writers,
                             on_output=on_output)
        except MismatchError as error:
            mismatch = str(error)
            result = run.result(checker)
        crash = None
        if result.exit in CRASHED and mismatch is None:
            run.settle()
            crash = describe_crash(request.elf, run.ram, RAM_BASE)
        run.close()
    function = Symbols(request.elf).place(result.pc)
    return Outcome(result, mismatch, request.lockstep, times, request.preset,
                   f"{result.pc:#x}" + (f" in {function}" if function else ""), crash)
