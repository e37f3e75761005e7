"""Programs on the oracle alone: what the result of a run on the core must be."""

import dataclasses
from collections.abc import Sequence

from rtl.soc.memory_map import region
from sim.errors import UserError
from sim.models.a64_oracle import Oracle

from .program import Program, argument_block

__all__ = ["ReferenceResult", "run_reference"]

ARGUMENT_BYTES = 4096
UART_DATA, UART_FLAGS = region("UART").base, region("UART").base + 0x18
UART_EMPTY = 0x10
EXIT = region("SYSCTL").base


@dataclasses.dataclass(frozen=True)
class ReferenceResult:
    """What the program did: its status, its output, and the instructions up to its exit."""

    exit: int
    output: bytes
    instructions: int


def run_reference(program: Program, *, arguments: Sequence[str] = (), stdin: bytes = b"",
                  ram_base: int = region("DRAM").base, ram_bytes: int = 64 << 20,
                  max_instructions: int = 100_000_000) -> ReferenceResult:
    """Run a program on Unicorn with the devices of the run harness.

    The cycle counter reads as zero: a program that prints times prints others here.

    Raises
    ------
    :exc:`UserError`
        If it has not ended after ``max_instructions``.
    """
    output, waiting = bytearray(), list(reversed(stdin))
    status: list[int] = []
    executed = 0

    def read(address: int, _size: int) -> int:
        if address == UART_DATA and waiting:
            return waiting.pop()
        return UART_EMPTY if address == UART_FLAGS and not waiting else 0

    def write(address: int, _size: int, value: int) -> None:
        if address == UART_DATA:
            output.append(value & 0xff)
        elif address == EXIT and value & 1:
            status.append(value >> 1)

    def count(_address: int) -> bool:
        nonlocal executed
        if status or executed == max_instructions:
            oracle.stop()
            return True
        executed += 1
        return False

    oracle = Oracle(ram_base=ram_base, ram_bytes=ram_bytes, on_device_read=read,
                    on_device_write=write,
                    devices=[(region(name).base, region(name).size) for name in ("UART", "SYSCTL")])
    for address, contents in program.segments:
        oracle.load(address, contents)
    oracle.load(ram_base + ram_bytes - ARGUMENT_BYTES,
                argument_block([program.name, *arguments], ARGUMENT_BYTES))
    oracle.hook(on_instruction=count)
    oracle.run(program.entry)
    if not status:
        raise UserError(f"{program.name} has not ended after {max_instructions:,} instructions, "
                        f"at pc {oracle.pc:#x}")
    return ReferenceResult(status[0], bytes(output), executed)
