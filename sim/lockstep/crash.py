"""Where a program was when an exception ended it, in the words of its source."""

import bisect
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sim.models.a64_checker import disassemble

__all__ = ["Symbols", "describe_crash"]

RECORD = "__crash"
WORDS = ("vector", "esr", "elr", "far", "sp", "fp", "lr")
MAX_CALLERS = 6
NEAR = 256
"""Bytes to the end of the stack that an interrupted function may still have had."""

DATA_ABORTS = (0x24, 0x25)
FETCH_ABORTS = (0x20, 0x21)
SERROR = 0x2f
CLASSES = {0x00: "undefined instruction", 0x07: "floating-point or SIMD instruction",
           0x0e: "illegal execution state", 0x15: "SVC", 0x16: "HVC", 0x17: "SMC",
           0x18: "system register out of reach", 0x22: "unaligned program counter",
           0x26: "unaligned stack pointer", 0x3c: "BRK (a trap of the compiler)"}


class Symbols:
    """Functions and addresses by name of an ELF; empty if it has no symbols.

    Parameters
    ----------
    elf : :class:`Path`
        The file.
    """

    def __init__(self, elf: Path):
        from elftools.elf.elffile import ELFFile
        from elftools.elf.sections import SymbolTableSection

        self._names: dict[str, int] = {}
        code = []
        with elf.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                self._names[symbol.name] = symbol["st_value"]
                if symbol["st_info"]["type"] == "STT_FUNC":
                    code.append((symbol["st_value"], symbol["st_size"], symbol.name))
        self._code = sorted(code)

    def address(self, name: str) -> int | None:
        """Return the value of a symbol, None if there is none."""
        return self._names.get(name)

    def place(self, address: int) -> str:
        """Return the function and offset of an address, nothing outside of functions."""
        index = bisect.bisect(self._code, (address, 1 << 64, "")) - 1
        if index < 0:
            return ""
        start, size, name = self._code[index]
        if address >= start + max(size, 4):
            return ""
        return f"{name}+{address - start:#x}" if address > start else name


@dataclasses.dataclass(frozen=True)
class _Memory:
    ram: np.ndarray
    base: int

    def words(self, address: int, count: int) -> list[int]:
        """Return 64-bit words; none if they are not in the RAM."""
        start = address - self.base
        if start < 0 or start + 8 * count > len(self.ram) or start % 8:
            return []
        return self.ram[start:start + 8 * count].view("<u8").tolist()

    def instruction(self, address: int) -> str:
        """Return the text of an instruction."""
        start = address - self.base
        if start < 0 or start + 4 > len(self.ram) or start % 4:
            return ""
        return disassemble(int(self.ram[start:start + 4].view("<u4")[0]), address)


def _callers(memory: _Memory, symbols: Symbols, frame: int, link: int) -> list[str]:
    """Return where functions will return to, the innermost first."""
    places = [symbols.place(link - 4)]
    while len(places) < MAX_CALLERS and (record := memory.words(frame, 2)):
        above, link = record
        places.append(symbols.place(link - 4))
        if above <= frame:
            break
        frame = above
    return [place for one, place in enumerate(places)
            if place and (one == 0 or place != places[one - 1])]


def _cause(record: Mapping[str, int], bottom: int | None) -> str:
    """Return what the syndrome says."""
    code = record["esr"] >> 26 & 0x3f
    if bottom is not None and record["sp"] <= bottom + NEAR and code in (*DATA_ABORTS, SERROR):
        return "stack overflow"
    if code in DATA_ABORTS:
        kind = "alignment fault" if record["esr"] & 0x3f == 0x21 else "access"
        verb = "store to" if record["esr"] & 1 << 6 else "load from"
        return f"{kind}: {verb} {record['far']:#x}"
    if code in FETCH_ABORTS:
        return f"jump to {record['far']:#x}, where no code is"
    if code == SERROR:
        return "store to an address where nothing is, a few instructions before"
    return CLASSES.get(code, f"exception of class {code:#x}")


def describe_crash(elf: Path, ram: np.ndarray, base: int) -> str | None:
    """Return one line about the exception that the start-up code has recorded.

    Parameters
    ----------
    elf : :class:`Path`
        The program; without the project's start-up code there is no record.
    ram : :class:`numpy.ndarray`
        Bytes of the memory after the program has ended.
    base : :class:`int`
        Address of the first one.

    Returns
    -------
    :class:`str` or None
        None if no exception was recorded.
    """
    symbols, memory = Symbols(elf), _Memory(ram, base)
    values = memory.words(symbols.address(RECORD) or 0, len(WORDS))
    if not any(values):
        return None
    record: dict[str, int] = dict(zip(WORDS, values, strict=True))
    cause, place = _cause(record, symbols.address("__stack_bottom")), symbols.place(record["elr"])
    text = f"{cause}, at pc {record['elr']:#x}" + (f" in {place}" if place else "")
    if instruction := memory.instruction(record["elr"]):
        text += f" ({instruction})"
    callers = _callers(memory, symbols, record["fp"], record["lr"])
    return text + (f", called from {', '.join(callers)}" if callers else "")
