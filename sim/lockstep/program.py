"""ELF files, as far as loading them into the run harness goes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from sim.errors import UserError

__all__ = ["Program", "argument_block", "load_program"]


@dataclasses.dataclass(frozen=True)
class Program:
    """What is loaded.

    Parameters
    ----------
    name : :class:`str`
        For messages and ``argv[0]``.
    entry : :class:`int`
        Address of the first instruction.
    segments : tuple of (address, bytes)
        Contents of the RAM; all else is zero.
    writes_back : :class:`bool`
        The program writes its data cache back after its exit, as the project's libc does: the
        memory then holds all that it has stored.
    """

    name: str
    entry: int
    segments: tuple[tuple[int, bytes], ...]
    writes_back: bool = True


def load_program(path: Path, *, ram_base: int, ram_bytes: int) -> Program:
    """Read an A64 executable.

    Raises
    ------
    :exc:`UserError`
        If there is no such file, it is no ELF, for another machine, or does not fit in the RAM.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    if not path.is_file():
        raise UserError(f"No file {path}: give an ELF or C files")
    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
            machine = elf["e_machine"]
            if machine != "EM_AARCH64" or elf.elfclass != 64 or not elf.little_endian:
                name = str(machine).removeprefix("EM_")
                raise UserError(f"{path} is an ELF for {name}: the core runs little-endian "
                                f"AArch64 code")
            if elf["e_type"] != "ET_EXEC":
                raise UserError(f"{path} is not an executable: link it to a fixed address, "
                                f"with -static and without -pie")
            segments = []
            for segment in elf.iter_segments("PT_LOAD"):
                start, size = segment["p_paddr"], segment["p_memsz"]
                if not size:
                    continue
                if start < ram_base or start + size > ram_base + ram_bytes:
                    raise UserError(
                        f"{path} loads {start:#x} to {start + size:#x}, outside the RAM at "
                        f"{ram_base:#x} to {ram_base + ram_bytes:#x}: link it to the RAM")
                segments.append((start, segment.data()))
            entry = elf["e_entry"]
        except ELFError as error:
            raise UserError(f"{path} is not an ELF file ({error}): "
                            f"give an ELF or C files") from None
    if not segments:
        raise UserError(f"{path} loads nothing: link it first")
    if not ram_base <= entry < ram_base + ram_bytes or entry % 4:
        raise UserError(f"{path} starts at {entry:#x}, outside the RAM: link it to the RAM")
    return Program(path.name, entry, tuple(segments))


def argument_block(arguments: Sequence[str], limit: int, *, again: int = 0) -> bytes:
    """Return the arguments as the start-up code expects them: a count, then NUL-ended strings.

    The upper half of the count says how often the program is to run again after its end.

    Raises
    ------
    :exc:`UserError`
        If they take more than ``limit`` bytes.
    """
    block = (len(arguments) | again << 16).to_bytes(4, "little")
    block += b"".join(argument.encode() + b"\0" for argument in arguments)
    if len(block) > limit:
        raise UserError(f"The arguments take {len(block)} bytes: at most {limit} are possible")
    return block
