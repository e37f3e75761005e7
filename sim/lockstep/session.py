"""Runs of programs on the simulated core."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from rtl.config import CoreConfig, preset_hash
from rtl.core.cause import CycleCause
from rtl.soc.memory_map import region
from sim.bfm.core_harness import (
    DEVICE_MEMORY,
    DEVICES,
    RAM_BASE,
    RAM_BYTES,
    RETIRE_DEPTH,
    CoreHarness,
)
from sim.build import BuildTimes, build_workload
from sim.errors import UserError
from sim.model import SharedModel
from sim.models.a64_checker import LINE_BYTES, Checker, Record
from sim.mutation import FAULT_PORT, Fault
from sim.waves import write_view

from .program import Program, argument_block
from .records import Move, decode_moves, decode_records

__all__ = ["CoreRun", "Observer", "RunResult", "new_checker"]

ARGUMENT_BYTES = 4096
INPUT_LIMIT = 1 << 16

# After the exit, the program writes back its data cache.
SETTLE_CYCLES = 50_000


@dataclasses.dataclass
class RunResult:
    """What a run did.

    Parameters
    ----------
    exit : :class:`int` or None
        The program's status; None if it did not end.
    instructions, cycles : :class:`int`
        Completed instructions, and cycles, since reset.
    stack : dict
        Cycles by cause; they sum to ``cycles``.
    output : :class:`bytes`
        What the program sent to the UART.
    runs : :class:`int`
        How often the program was run; the rest is about the last time.
    checked : :class:`int`
        Instructions compared in lockstep.
    taken : dict
        Values that the oracle took from the core, by kind.
    seconds : :class:`float`
        Wall time of the simulation, checks included.
    pc : :class:`int`
        Of the instruction retired last.
    """

    exit: int | None
    instructions: int
    cycles: int
    stack: dict[str, int]
    output: bytes
    runs: int
    checked: int
    taken: dict[str, int]
    seconds: float
    pc: int

    @property
    def cpi(self) -> float:
        """Cycles per instruction."""
        return self.cycles / max(1, self.instructions)


class Observer(Protocol):
    """Who looks at a run while it goes on, as :class:`~sim.lockstep.trace.TraceWriter` does."""

    def add(self, records: Sequence[Record], moves: Sequence[Move]) -> None:
        """Take the instructions that ended, and the cycles of the pipeline, since the last call."""
        ...


def new_checker(reproduce: str = "") -> Checker:
    """Return a checker for the run harness."""
    return Checker(ram_base=RAM_BASE, ram_bytes=RAM_BYTES, reproduce=reproduce,
                   device_memory=[(DEVICE_MEMORY.base, DEVICE_MEMORY.size)],
                   devices=[(region(name).base, region(name).size) for name in DEVICES])


class CoreRun:
    """The simulated harness, for one program after another.

    Parameters
    ----------
    config : :class:`CoreConfig`
        The core; by default that of the preset ``sim``.
    latency : :class:`int`
        Of the RAM, in cycles.
    trace : :class:`str` or None
        ``vcd`` or ``fst`` for a simulator that can write waves.
    pipeline : :class:`bool`
        A simulator that says what moves in the pipeline, for observers.
    faults : sequence of :class:`Fault`
        A simulator in which each of these can be made active.
    times : :class:`BuildTimes` or None
        Filled in with the seconds of the build.
    progress : callable
        Called with the name of each step of a build.
    """

    def __init__(self, *, config: CoreConfig | None = None, latency: int = 20,
                 trace: str | None = None, pipeline: bool = False,
                 faults: Sequence[Fault] = (), times: BuildTimes | None = None,
                 progress: Callable[[str], None] = lambda step: None):
        self.config = config = CoreConfig() if config is None else config
        self.pipeline = pipeline
        self.model: SharedModel = build_workload(
            lambda: CoreHarness(config=config, latency=latency, pipeline=pipeline), name="run",
            key=f"{preset_hash(config)} {latency} {pipeline}", trace=trace, faults=tuple(faults),
            times=times, progress=progress)
        self.ram = self.model.memory("dram").reshape(-1)

    def load(self, program: Program, *, arguments: Sequence[str] = (), stdin: bytes = b"",
             checker: Checker | None = None, stall: int = 0, interrupts: int = 0, again: int = 0,
             log: bool = False) -> None:
        """Put a program into the RAM and reset the core.

        With a checker, or with ``log`` for observers, what each instruction does is logged.

        With ``again`` its start-up code runs it so many times more, caches and branch prediction
        as they are; figures and output are those of the last run.

        Raises
        ------
        :exc:`UserError`
            If the arguments or the input are too long.
        """
        if len(stdin) > INPUT_LIMIT:
            raise UserError(f"The input has {len(stdin)} bytes: at most {INPUT_LIMIT} are possible")
        self._writes_back = program.writes_back
        parts = list(program.segments)
        page = RAM_BASE + RAM_BYTES - ARGUMENT_BYTES
        if all(address + len(contents) <= page for address, contents in parts):
            block = argument_block([program.name, *arguments], ARGUMENT_BYTES, again=again)
            parts.append((page, block))
        self.ram[:] = 0
        for address, contents in parts:
            start = address - RAM_BASE
            self.ram[start:start + len(contents)] = np.frombuffer(contents, dtype=np.uint8)
            if checker is not None:
                checker.load(address, contents)
        received = self.model.memory("devices.input").reshape(-1)
        received[:len(stdin)] = np.frombuffer(stdin, dtype=np.uint8)
        self.model.set("reset_pc", program.entry)
        self.model.set("input_bytes", len(stdin))
        self.model.set("stall", stall)
        self.model.set("interrupts", interrupts)
        self.model.set("log", (log or checker is not None) and self.config.retire_port)
        self._logged = self._watched = 0
        self.model.reset()

    def activate(self, number: int) -> None:
        """Make a fault active, counted from 1 in the order of ``faults``; 0 makes none active."""
        self.model.set(FAULT_PORT.name, number)

    def run(self, *, max_cycles: int, checker: Checker | None = None,
            observers: Sequence[Observer] = (),
            on_output: Callable[[bytes], None] = lambda text: None) -> RunResult:
        """Simulate until the loaded program ends, at most ``max_cycles``.

        Observers see what instructions did before the checker does.

        Raises
        ------
        :exc:`MismatchError`
            If the checker finds a difference.
        """
        model = self.model
        output = model.memory("devices.output.ram")[:, 0]
        self._started = time.perf_counter()
        self._printed = bytearray()
        simulated = 0

        def collect():
            text = output[np.arange(len(self._printed), model.get("sent")) % len(output)].tobytes()
            self._printed.extend(text)
            if text:
                on_output(text)
            if model.get("log"):
                self._observe(checker, observers)

        while simulated < max_cycles and not model.get("exited"):
            simulated += model.run(min(RETIRE_DEPTH, max_cycles - simulated), until="exited")
            collect()
        if checker is not None and model.get("exited"):
            self.settle()
            ways = 0 if self._writes_back else self.config.dcache_ways
            sets = self.config.dcache_bytes // LINE_BYTES // ways if ways else 0
            checker.check_memory(self.ram, sets=sets, ways=ways)
        return self.result(checker)

    def settle(self) -> None:
        """Let a program that has ended write its data cache back, so that ``ram`` has it all."""
        self.model.tick(SETTLE_CYCLES)

    def _observe(self, checker: Checker | None, observers: Sequence[Observer]) -> None:
        """Hand on what the logs hold since the last time."""
        records, self._logged = self._rows("retired", "logged", self._logged)
        records, moves = decode_records(records), []
        if self.pipeline:
            rows, self._watched = self._rows("moves", "watched", self._watched)
            moves = decode_moves(rows)
        for observer in observers:
            observer.add(records, moves)
        if checker is not None:
            checker.check(records)

    def _rows(self, log: str, counter: str, start: int) -> tuple[np.ndarray, int]:
        rows, count = self.model.memory(f"{log}.ram"), self.model.get(counter)
        return rows[np.arange(start, count) % len(rows)], count

    def result(self, checker: Checker | None = None) -> RunResult:
        """Return the figures of the run so far."""
        model = self.model
        return RunResult(
            exit=model.get("exit_code") if model.get("exited") else None,
            instructions=model.get("instructions"), cycles=model.get("cycles"),
            stack={cause.name.lower(): model.get(f"cause_{cause.name.lower()}")
                   for cause in CycleCause},
            output=bytes(self._printed[model.get("mark_sent"):]),
            runs=model.get("marks") + 1, checked=checker.checked if checker else 0,
            taken=dict(checker.taken) if checker else {},
            seconds=time.perf_counter() - self._started, pc=model.get("pc"))

    def close(self) -> None:
        """Finish the waves and free the simulator."""
        self.model.close()

    def trace(self, path: Path) -> None:
        """Write waves to ``path``, from the next cycle on, and a GTKWave view beside it."""
        self.model.trace(path)
        write_view(path, self.model.folder)
