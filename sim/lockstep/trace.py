"""What instructions did, as text: ``tilicho run --trace``."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TextIO

from sim.models.a64_checker import Record, disassemble

from .records import Move

__all__ = ["TraceWriter", "effects", "instruction_text"]

SP = 31


@lru_cache(1 << 16)
def instruction_text(insn: int, pc: int) -> str:
    """Return the instruction as a disassembler writes it."""
    return disassemble(insn, pc)


def effects(record: Record, nzcv: int) -> list[str]:
    """Return what an instruction did, if the flags were ``nzcv`` before it."""
    if record.interrupt:
        return ["interrupt"]
    if record.exception:
        return [f"exception, ESR {record.syndrome:#010x}"]
    texts = [f"{'sp' if index == SP else f'x{index}'} = {value:#x}"
             for index, value in record.writes]
    if record.nzcv != nzcv:
        texts.append(f"nzcv = {record.nzcv:04b}")
    for write, addr, size, value, device in record.accesses:
        texts.append(f"{'store' if write else 'load'}{8 * size} [{addr:#x}] = {value:#x}"
                     f"{' (device)' if device else ''}")
    return texts


class TraceWriter:
    """Writes a line for each instruction: address, encoding, text, and what it did.

    An instruction that raised an exception, or gave way to an interrupt, has a line that says so;
    it did nothing else.

    Parameters
    ----------
    file : text file
        Where to.
    """

    def __init__(self, file: TextIO):
        self._file = file
        self._nzcv = 0

    def add(self, records: Sequence[Record], moves: Sequence[Move]) -> None:
        """Go on with instructions; what moved in the pipeline is not looked at."""
        for record in records:
            text = instruction_text(record.insn, record.pc)
            did = "; ".join(effects(record, self._nzcv))
            self._nzcv = record.nzcv
            self._file.write(f"{record.pc:016x}  {record.insn:08x}  {text:<32}  {did}".rstrip()
                             + "\n")
