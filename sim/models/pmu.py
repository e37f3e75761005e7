"""Golden model of the core's performance monitors."""

from collections.abc import Iterable

__all__ = ["EVENT_NUMBERS", "PmuModel"]

#: Architectural events that happen, or do not, in a cycle.
EVENT_NUMBERS = {"L1I_CACHE_REFILL": 0x01, "L1D_CACHE_REFILL": 0x03, "L1D_CACHE": 0x04,
                 "EXC_TAKEN": 0x09, "EXC_RETURN": 0x0A, "BR_MIS_PRED": 0x10, "BR_PRED": 0x12}
SW_INCR, INST_RETIRED, CPU_CYCLES, CHAIN = 0x00, 0x08, 0x11, 0x1E
CAUSES = 0x0C0
CYCLES = 31


class _Counter:
    def __init__(self, bits: int):
        self.limit = 1 << bits
        self.value = self.event = self.filter = 0

    def add(self) -> bool:
        """Count one; return whether that overflows."""
        self.value = (self.value + 1) % self.limit
        return not self.value


class PmuModel:
    """Registers by name, one call of :meth:`step` a cycle.

    Parameters
    ----------
    counters : :class:`int`
        Event counters.
    """

    def __init__(self, counters: int):
        self.events = [_Counter(32) for _ in range(counters)]
        self.cycles = _Counter(64)
        self.mask = (1 << counters) - 1 | 1 << CYCLES
        self.enable = self.select = self.user = 0
        self.enabled = self.overflowed = self.interrupts = 0
        self._before: tuple[int, frozenset[str]] | None = None
        self.irq = False

    def _place(self, name: str) -> int:
        return self.select if name.startswith("PMXEV") else int(name[-1])

    def read(self, name: str) -> int:
        """Return a register."""
        match name:
            case "PMCR":
                return self.enable | 1 << 6 | len(self.events) << 11
            case "PMCNTENSET" | "PMCNTENCLR":
                return self.enabled
            case "PMOVSSET" | "PMOVSCLR":
                return self.overflowed
            case "PMINTENSET" | "PMINTENCLR":
                return self.interrupts
            case "PMSELR":
                return self.select
            case "PMUSERENR":
                return self.user
            case "PMCCNTR":
                return self.cycles.value
            case "PMCCFILTR":
                return self.cycles.filter << 30
            case "PMCEID0":
                numbers = [SW_INCR, INST_RETIRED, CPU_CYCLES, CHAIN, *EVENT_NUMBERS.values()]
                return sum(1 << number for number in numbers)
            case "PMSWINC":
                return 0
        place = self._place(name)
        if name.startswith(("PMXEVTYPER", "PMEVTYPER")):
            if place == CYCLES:
                return self.cycles.filter << 30
            if place < len(self.events):
                return self.events[place].filter << 30 | self.events[place].event
        elif place < len(self.events):
            return self.events[place].value
        return 0

    def step(self, *, cause: int, events: Iterable[str], el0: bool,
             write: tuple[str, int] | None = None) -> None:
        """Let a cycle go by, with a register written at its end."""
        name, value = write if write else ("", 0)
        self.irq = bool(self.enable and self.overflowed & self.interrupts)
        wraps = self._count(el0, value if name == "PMSWINC" else 0)
        self.overflowed |= wraps
        self._before = (cause, frozenset(events))
        if name:
            self._write(name, value)

    def _count(self, el0: bool, increments: int) -> int:
        """Count what happened in the cycle before; return who overflows."""
        wraps = 0
        if not self.enable:
            return wraps
        for place, counter in enumerate(self.events):
            if not self.enabled >> place & 1 or counter.filter >> (not el0) & 1:
                continue
            if counter.event == SW_INCR:
                happens = increments >> place & 1
            elif counter.event == CPU_CYCLES:
                happens = 1
            elif counter.event == CHAIN:
                happens = place % 2 and wraps >> place - 1 & 1
            else:
                cause, events = self._before or (0, frozenset())
                numbers = {EVENT_NUMBERS[name] for name in events} | {CAUSES + cause}
                happens = counter.event in numbers | ({INST_RETIRED} if cause == 0 else set())
            if happens and counter.add():
                wraps |= 1 << place
        if self.enabled >> CYCLES & 1 and not self.cycles.filter >> (not el0) & 1 and (
                self.cycles.add()):
            wraps |= 1 << CYCLES
        return wraps

    def _write(self, name: str, value: int) -> None:
        bits = value & self.mask
        match name:
            case "PMCR":
                self.enable = value & 1
                if value & 2:
                    for counter in self.events:
                        counter.value = 0
                if value & 4:
                    self.cycles.value = 0
            case "PMCNTENSET":
                self.enabled |= bits
            case "PMCNTENCLR":
                self.enabled &= ~bits
            case "PMOVSSET":
                self.overflowed |= bits
            case "PMOVSCLR":
                self.overflowed &= ~bits
            case "PMINTENSET":
                self.interrupts |= bits
            case "PMINTENCLR":
                self.interrupts &= ~bits
            case "PMSELR":
                self.select = value & 31
            case "PMUSERENR":
                self.user = value & 15
            case "PMCCNTR":
                self.cycles.value = value % (1 << 64)
            case "PMCCFILTR":
                self.cycles.filter = value >> 30 & 3
            case "PMXEVTYPER" if self.select == CYCLES:
                self.cycles.filter = value >> 30 & 3
            case _ if name.startswith(("PMXEV", "PMEV")):
                place = self._place(name)
                if place < len(self.events):
                    counter = self.events[place]
                    if "TYPER" in name:
                        counter.event, counter.filter = value & 0x3ff, value >> 30 & 3
                    else:
                        counter.value = value & 0xffff_ffff
