"""Random instruction streams in lockstep: runs of them, and the smallest one that still fails."""

import collections
import dataclasses
import random
import time
from collections.abc import Callable, Sequence

from rtl.config import CoreConfig, preset_hash
from rtl.soc.memory_map import region
from sim.bfm.core_harness import DEVICE_MEMORY, RAM_BASE
from sim.build import BuildTimes
from sim.models.a64_checker import MismatchError, disassemble
from sim.models.a64_random import generate, link

from .coverage import Coverage
from .program import Program
from .session import CoreRun, Observer, RunResult, new_checker

__all__ = ["CHUNKS", "Campaign", "Failure", "Request", "run_streams", "shrink",
           "stream_program"]

CHUNKS = 4000
MAX_CYCLES = 200_000
MAX_CYCLES_OF_CHUNK = 500

#: At most so many runs to make a failing stream smaller.
ATTEMPTS = 300

STALLS = (0, 0, 40, 96, 160)
INTERRUPTS = (0, 16, 64, 200)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to run.

    Parameters
    ----------
    instructions : :class:`int`
        Streams are run until so many have retired.
    seed : :class:`int`
        Of the first stream; the next one has the next seed.
    chunks : :class:`int`
        Chunks of a stream.
    keep : tuple of :class:`int`
        If not empty, only these chunks of only the first stream.
    stall, interrupts : :class:`int` or None
        Inputs of :class:`~sim.bfm.core_harness.CoreHarness`; None chooses by the stream's seed.
    latency : :class:`int`
        Of the RAM.
    config : :class:`CoreConfig`
        The core.
    command : callable (seed, keep) -> str
        How to repeat one stream.
    """

    instructions: int = 100_000
    seed: int = 1
    chunks: int = CHUNKS
    keep: tuple[int, ...] = ()
    stall: int | None = None
    interrupts: int | None = None
    latency: int = 20
    config: CoreConfig = dataclasses.field(default_factory=CoreConfig)
    command: Callable[[int, Sequence[int]], str] = lambda seed, keep: f"seed {seed}, {list(keep)}"


@dataclasses.dataclass(frozen=True)
class Failure:
    """A stream that failed, and what is left of it.

    Parameters
    ----------
    seed : :class:`int`
        Its seed.
    report : :class:`str`
        Of the whole stream.
    keep : tuple of :class:`int`
        Chunks with which it still fails.
    shrunk_report : :class:`str`
        Of the stream of these chunks.
    listing : :class:`str`
        Their instructions.
    command : :class:`str`
        Repeats the small stream.
    """

    seed: int
    report: str
    keep: tuple[int, ...]
    shrunk_report: str
    listing: str
    command: str

    def __str__(self):
        return (f"{self.report}\n\n"
                f"shrunk to {len(self.keep)} chunks of stream {self.seed}:\n{self.listing}\n"
                f"{self.shrunk_report.splitlines()[0]}\n"
                f"reproduce: {self.command}")


@dataclasses.dataclass
class Campaign:
    """What came of a number of streams.

    Parameters
    ----------
    request : :class:`Request`
        What was asked for.
    coverage : :class:`Coverage`
        What was executed.
    taken : :class:`collections.Counter`
        What the oracle took from the core, by kind.
    streams, checked, cycles : :class:`int`
        Streams, instructions compared, cycles.
    seconds : :class:`float`
        Wall time without the build.
    failure : :class:`Failure` or None
        The first mismatch, which ends it.
    times : :class:`BuildTimes`
        Seconds of the build.
    """

    request: Request
    coverage: Coverage = dataclasses.field(default_factory=Coverage)
    taken: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    streams: int = 0
    checked: int = 0
    cycles: int = 0
    seconds: float = 0.0
    failure: Failure | None = None
    times: BuildTimes = dataclasses.field(default_factory=BuildTimes)

    def figures(self) -> dict:
        """Return the object that ``--json`` writes."""
        failure = self.failure
        return {
            "config": dataclasses.asdict(self.request.config),
            "preset_hash": preset_hash(self.request.config),
            "seed": self.request.seed, "streams": self.streams,
            "instructions": self.coverage.instructions, "compared": self.checked,
            "mismatches": int(failure is not None), "cycles": self.cycles,
            "taken": dict(self.taken),
            "exceptions": self.coverage.exceptions(),
            "coverage": [{"encoding": name, "retired": retired, "trapped": trapped}
                         for name, retired, trapped in self.coverage.rows()],
            "seconds": self.seconds,
            "instructions_per_second": self.coverage.instructions / max(self.seconds, 1e-9),
            "build_seconds": self.times.emission + self.times.compilation,
            "failure": dataclasses.asdict(failure) if failure else None,
        }


def shrink(chunks: Sequence[int], fails: Callable[[Sequence[int]], bool],
           attempts: int = ATTEMPTS) -> list[int]:
    """Return few of the ``chunks`` with which ``fails`` is still true: delta debugging.

    Parameters
    ----------
    chunks : sequence
        With all of them it fails.
    fails : callable
        Tries some of them, in order.
    attempts : :class:`int`
        At most so many calls.
    """
    kept, parts = list(chunks), 2
    while len(kept) > 1 and attempts > 0:
        step = -(-len(kept) // parts)
        # What stands first is most likely not needed, and what stands last never ran.
        for start in sorted(range(0, len(kept), step), reverse=True):
            without = kept[:start] + kept[start + step:]
            attempts -= 1
            if without and fails(without):
                kept, parts = without, max(parts - 1, 2)
                break
            if attempts <= 0:
                break
        else:
            if step == 1:
                break
            parts = min(len(kept), 2 * parts)
    return kept


def stream_program(seed: int, chunks: Sequence[Sequence[int]]) -> Program:
    """Link chunks of a stream for the run harness."""
    stream = link(chunks, seed=seed, ram_base=RAM_BASE, exit_address=region("SYSCTL").base,
                  device=DEVICE_MEMORY.base, gic=(region("GICD").base, region("GICR").base))
    return Program(f"stream {seed}", stream.entry, stream.segments)


class _Streams:
    """Runs streams of one request on one simulator."""

    def __init__(self, request: Request, run: CoreRun):
        self.request = request
        self.run = run

    def environment(self, seed: int) -> tuple[int, int]:
        """Return ``stall`` and ``interrupts`` for a stream."""
        rng = random.Random(f"environment {seed}")
        stall, interrupts = rng.choice(STALLS), rng.choice(INTERRUPTS)
        wanted = self.request
        return (stall if wanted.stall is None else wanted.stall,
                interrupts if wanted.interrupts is None else wanted.interrupts)

    def run_one(self, seed: int, chunks: Sequence[Sequence[int]], *, command: str = "",
                coverage: Coverage | None = None) -> RunResult:
        """Run one stream.

        Raises
        ------
        :exc:`MismatchError`
            If it fails, or does not end.
        """
        checker = new_checker(command)
        stall, interrupts = self.environment(seed)
        observers: list[Observer] = [coverage] if coverage else []
        self.run.load(stream_program(seed, chunks), checker=checker, stall=stall,
                      interrupts=interrupts)
        limit = MAX_CYCLES + MAX_CYCLES_OF_CHUNK * len(chunks)
        result = self.run.run(max_cycles=limit, checker=checker, observers=observers)
        if result.exit is None:
            raise MismatchError(f"stream {seed} has not ended after {limit} cycles, at pc "
                                f"{result.pc:#x}\nreproduce: {command}")
        return result

    def make_smaller(self, seed: int, indices: Sequence[int], chunks: Sequence[Sequence[int]],
                     report: str) -> Failure:
        """Find few chunks of a stream that fail."""
        reports = {}

        def fails(kept: Sequence[int]) -> bool:
            try:
                self.run_one(seed, [chunks[index] for index in kept])
            except MismatchError as error:
                reports[tuple(kept)] = str(error)
                return True
            return False

        kept = tuple(shrink(indices, fails))
        listing = []
        for index in kept:
            listing.append(f"  chunk {index}:")
            listing += [f"    {word:08x}  {disassemble(word)}" for word in chunks[index]]
        return Failure(seed, report, kept, reports.get(kept, report), "\n".join(listing),
                       self.request.command(seed, kept))


def run_streams(request: Request, *, run: CoreRun | None = None,
                progress: Callable[[str], None] = lambda step: None) -> Campaign:
    """Run streams until enough instructions have retired or one fails.

    Parameters
    ----------
    request : :class:`Request`
        What to run.
    run : :class:`CoreRun` or None
        The simulator; None builds or finds the one of ``request``.
    progress : callable
        Called with what is being done.
    """
    campaign = Campaign(request)
    if run is None:
        run = CoreRun(config=request.config, latency=request.latency, times=campaign.times,
                      progress=lambda step: progress(f"building the simulator: {step}"))
    streams = _Streams(request, run)
    start = time.perf_counter()
    seed = request.seed
    while True:
        chunks = generate(seed, request.chunks)
        indices = [index for index in request.keep or range(len(chunks)) if index < len(chunks)]
        try:
            result = streams.run_one(seed, [chunks[index] for index in indices],
                                     command=request.command(seed, request.keep),
                                     coverage=campaign.coverage)
        except MismatchError as error:
            progress(f"stream {seed} fails: making it smaller")
            campaign.failure = streams.make_smaller(seed, indices, chunks, str(error))
            break
        campaign.streams += 1
        campaign.checked += result.checked
        campaign.cycles += result.cycles
        campaign.taken.update(result.taken)
        progress(f"{campaign.coverage.instructions:,} instructions in {campaign.streams} streams")
        if request.keep or campaign.coverage.instructions >= request.instructions:
            break
        seed += 1
    campaign.seconds = time.perf_counter() - start
    return campaign
