"""What a set of random streams has made the core do."""

import collections
from collections.abc import Sequence

from sim.models.a64_checker import Record
from sim.models.a64_encodings import ENCODINGS, find_encoding
from sim.models.a64_patterns import Encoding

__all__ = ["Coverage"]

#: Exceptions by class and, for aborts, status code in ESR_EL1.
_CLASSES = {
    0x00: "undefined", 0x01: "WFI", 0x0e: "illegal state", 0x15: "SVC", 0x18: "system access",
    0x20: "fetch abort, EL0", 0x21: "fetch abort, EL1",
    0x22: "PC alignment", 0x24: "data abort, EL0", 0x25: "data abort, EL1",
    0x26: "SP alignment", 0x2f: "SError", 0x3c: "BRK",
}
_CODES = {0x00: "address size", 0x10: "external", 0x21: "alignment", 0x35: "exclusive on Device"}


def _name_of(syndrome: int) -> str:
    kind = syndrome >> 26
    name = _CLASSES.get(kind, f"class {kind:#04x}")
    if kind in (0x20, 0x21, 0x24, 0x25):
        code = syndrome & 0x3f
        return f"{name}: {_CODES.get(code, f'code {code:#04x}')}"
    return name


class Coverage:
    """Counts instructions by encoding, and exceptions by kind; an observer of runs.

    Attributes
    ----------
    instructions : :class:`int`
        Retired, those included that did nothing but raise an exception.
    """

    def __init__(self):
        self.instructions = 0
        self._retired: collections.Counter[str | None] = collections.Counter()
        self._trapped: collections.Counter[str | None] = collections.Counter()
        self._exceptions: collections.Counter[int | None] = collections.Counter()

    def add(self, records: Sequence[Record], moves: Sequence) -> None:
        """Take what has retired."""
        retired: collections.Counter[int] = collections.Counter()
        trapped: collections.Counter[int] = collections.Counter()
        for record in records:
            if not record.exception:
                retired[record.insn] += 1
            elif record.interrupt:
                self._exceptions[None] += 1
            else:
                self._exceptions[record.syndrome] += 1
                # What could not be fetched is no instruction.
                if record.syndrome >> 26 not in (0x20, 0x21, 0x22):
                    trapped[record.insn] += 1
        for words, counts in ((retired, self._retired), (trapped, self._trapped)):
            for word, count in words.items():
                encoding = find_encoding(word)
                counts[encoding.name if encoding else None] += count
        self.instructions += retired.total() + trapped.total()

    def rows(self) -> list[tuple[str, int, int]]:
        """Return name, retired and trapped of each encoding; the last row is of no encoding."""
        return [*((name, self._retired[name], self._trapped[name]) for name in ENCODINGS),
                ("(none)", self._retired[None], self._trapped[None])]

    def exceptions(self) -> dict[str, int]:
        """Return how often each kind of exception was taken."""
        kinds: collections.Counter[str] = collections.Counter()
        for syndrome, count in self._exceptions.items():
            kinds["interrupt" if syndrome is None else _name_of(syndrome)] += count
        return dict(sorted(kinds.items()))

    def below(self, least: int) -> list[str]:
        """Return the encodings that were executed less than ``least`` times.

        What only raises an exception is executed when it has raised it.
        """
        return [encoding.name for encoding in ENCODINGS.values()
                if self._executed(encoding) < least]

    def _executed(self, encoding: Encoding) -> int:
        counts = self._trapped if encoding.kind == "trap" else self._retired
        return counts[encoding.name]
