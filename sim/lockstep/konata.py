"""Instructions in the pipeline, for the viewer Konata: ``tilicho run --konata``.

The file is Kanata's log format, version 0004. An instruction's stages are

====  ============================================================
F     its address is looked up in the instruction cache
Q     it waits in the fetch queue behind an older one
D     decode; the first stage of each further micro-op, too
I     issue: operands are awaited and read
X     execute
M     memory: data cache, division, system registers, exceptions
W     write-back
====  ============================================================

Micro-ops behind the first one of an instruction are on lanes of their own.
"""

import collections
from collections.abc import Sequence
from typing import TextIO

from rtl.core.predictor import PC_BITS
from sim.models.a64_checker import Record

from .records import Move
from .trace import effects, instruction_text

__all__ = ["KonataWriter"]

ISSUE, EXECUTE, MEMORY, WRITE = range(4)
NAMES = "IXMW"


class _Flight:
    """An instruction on its way: its number in the file, and the stage that each lane is in."""

    __slots__ = ("ended", "insn", "lane", "number", "pc", "stages")

    def __init__(self, number: int, pc: int, insn: int):
        self.number = number
        self.pc = pc
        self.insn = insn
        self.lane = 0
        self.stages: dict[int, str] = {}
        self.ended = False


class KonataWriter:
    """Follows instructions through the pipeline and writes where each one was when.

    An instruction that was dropped, and one that raised an exception or gave way to an interrupt,
    is shown as flushed. Those still under way at the end of the run have no end.

    Parameters
    ----------
    file : text file
        Where to.
    """

    def __init__(self, file: TextIO):
        self._file = file
        self._file.write("Kanata\t0004\nC=\t0\n")
        self._written = 0                   # cycle up to which the file is written
        self._lines: dict[int, list[str]] = {}
        self._cycle = 0
        self._fetch_start = 0
        self._queue: collections.deque[_Flight] = collections.deque()
        self._pipe: list[tuple[_Flight, int] | None] = [None] * len(NAMES)
        self._records: collections.deque[Record] = collections.deque()
        self._nzcv = 0
        self._fetched = 0
        self._retired = 0

    def add(self, records: Sequence[Record], moves: Sequence[Move]) -> None:
        """Go on with the next cycles, and the instructions that ended in them."""
        self._records.extend(records)
        for move in moves:
            self._cycle += 1
            self._leave(move)
            self._advance(move)
            if move.flush:
                self._flush(move)
            self._enter(move)
        # The next instruction's stage F may have begun in the past.
        for cycle in sorted(cycle for cycle in self._lines if cycle < self._fetch_start):
            if cycle > self._written:
                self._file.write(f"C\t{cycle - self._written}\n")
            self._file.write("".join(self._lines.pop(cycle)))
            self._written = cycle

    def close(self) -> None:
        """Write what is left."""
        self._fetch_start = self._cycle + 1
        self.add((), ())

    def _say(self, *words, at: int | None = None) -> None:
        line = "\t".join(map(str, words)) + "\n"
        self._lines.setdefault(self._cycle if at is None else at, []).append(line)

    def _stage(self, flight: _Flight, lane: int, name: str | None, at: int | None = None) -> None:
        """Let a lane of an instruction go to a stage, or to none."""
        if flight.ended:
            return
        if lane in flight.stages:
            self._say("E", flight.number, lane, flight.stages.pop(lane), at=at)
        if name is not None:
            self._say("S", flight.number, lane, name, at=at)
            flight.stages[lane] = name

    def _end(self, flight: _Flight, flushed: bool) -> None:
        if flight.ended:
            return
        for lane in list(flight.stages):
            self._stage(flight, lane, None)
        self._say("R", flight.number, self._retired, int(flushed))
        flight.ended = True

    def _leave(self, move: Move) -> None:
        """Let the micro-op of the write stage go."""
        place = self._pipe[WRITE]
        if place is None or not (move.written or move.flush_back):
            return
        self._pipe[WRITE] = None
        flight, lane = place
        if not move.written:        # it missed in the cache and is fetched again
            self._end(flight, flushed=True)
        elif move.retired:
            self._retire(flight)
        else:
            self._stage(flight, lane, None)

    def _retire(self, flight: _Flight) -> None:
        record = self._records.popleft()
        if (record.pc % (1 << PC_BITS), record.insn) != (flight.pc, flight.insn):
            raise RuntimeError(f"The pipeline port ends the instruction at {flight.pc:#x}, the "
                               f"retire port that at {record.pc:#x}")
        if did := effects(record, self._nzcv):
            text = "\\n".join(did)
            self._say("L", flight.number, 1, text)
        self._nzcv = record.nzcv
        self._end(flight, flushed=record.exception)
        self._retired += not record.exception

    def _advance(self, move: Move) -> None:
        """Move micro-ops on from the issue, execute and memory stages, the oldest first."""
        pipe = self._pipe
        for source, goes in ((MEMORY, move.accessed), (EXECUTE, move.executed),
                             (ISSUE, move.issued)):
            if goes:
                place = pipe[source]
                if place is None or pipe[source + 1] is not None:
                    raise RuntimeError(f"The pipeline port has two micro-ops in one stage, or "
                                       f"none to move, in cycle {self._cycle}")
                pipe[source], pipe[source + 1] = None, place
                self._stage(*place, NAMES[source + 1])

    def _flush(self, move: Move) -> None:
        last = MEMORY if move.flush_back else ISSUE
        for stage in range(last, ISSUE - 1, -1):
            if (place := self._pipe[stage]) is not None:
                self._end(place[0], flushed=True)
                self._pipe[stage] = None
        for flight in self._queue:
            self._end(flight, flushed=True)
        self._queue.clear()
        self._fetch_start = self._cycle

    def _enter(self, move: Move) -> None:
        """Take micro-ops out of the fetch queue, and instructions into it."""
        if move.cracked:
            flight = self._queue[0]
            self._pipe[ISSUE] = flight, flight.lane
            self._stage(flight, flight.lane, NAMES[ISSUE])
            if move.decoded:
                self._queue.popleft()
                if self._queue:
                    self._stage(self._queue[0], 0, "D")
            else:
                flight.lane += 1
                self._stage(flight, flight.lane, "D")
        if move.fetched:
            flight = _Flight(self._fetched, move.pc, move.insn)
            self._fetched += 1
            text = f"{flight.pc:08x}: {instruction_text(flight.insn, flight.pc)}"
            self._say("I", flight.number, flight.number, 0, at=self._fetch_start)
            self._say("L", flight.number, 0, text, at=self._fetch_start)
            self._stage(flight, 0, "F", at=self._fetch_start)
            self._stage(flight, 0, "Q" if self._queue else "D")
            self._queue.append(flight)
            self._fetch_start = self._cycle
