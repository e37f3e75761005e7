"""Registers of the tile."""

from rtl.config import TileConfig
from rtl.csr import Field, Register, RegisterMap

from .encoding import TYPES

__all__ = ["COUNTERS", "SEMAPHORE_WIDTH", "STALLS", "registers"]

SEMAPHORE_WIDTH = 16

STALLS = {
    "error": "the tensor queue has stopped on an error, or the tile is disabled",
    "idle": "the tensor queue is empty",
    "semaphore": "the instruction waits for a semaphore",
    "drain": "the instruction waits until the array is empty: a fence, or a change of type",
    "sbuf_bank": "the multiply waits for a load that lost an SBUF bank",
    "load": "the multiply waits for its weights, or the load for weight registers in use",
    "psum_hazard": "the column adds to a word whose addition is in flight",
    "issue": "the instruction is being decoded",
}
"""Why the array takes no column, in the order of priority: every cycle counts once."""

COUNTERS = {
    "CYCLES": "Cycles since the first instruction left a queue, while the tile is enabled; "
              "TENSOR_ACTIVE and all STALL counters add up to it",
    "TENSOR_ACTIVE": "Cycles in which the array takes a column",
    "TENSOR_NONEMPTY": "Cycles with an instruction in the tensor queue or at work in the engine",
    "TENSOR_FIRST": "Value of CYCLES when TENSOR_NONEMPTY first counted",
    "TENSOR_LAST": "Value of CYCLES when TENSOR_NONEMPTY last counted",
    "MACS": "Useful multiply-accumulates: K * M for each column taken",
    "LOADS": "LoadStationary instructions started",
    "MULTIPLIES": "MultiplyMoving instructions started",
    "ACTIVATION_BUSY": "Cycles in which the activation engine works on an instruction",
    "SPAN": "Cycles from the first instruction leaving a queue to the latest result word written "
            "to SBUF, both included",
    **{f"STALL_{name.upper()}": f"Cycles without a column: {doc}" for name, doc in STALLS.items()},
}
"""64-bit counters, two registers each, `_LO` and `_HI`.

COMMAND.clear_counters sets them to 0; they stand until the next instruction leaves its queue.
"""


def _counters() -> list[Register]:
    entries = []
    for index, (name, doc) in enumerate(COUNTERS.items()):
        for half, position in (("LO", "low"), ("HI", "high")):
            entries.append(Register(
                f"{name}_{half}", 0x200 + 8 * index + 4 * (half == "HI"), f"{doc}; {position} half",
                [Field("value", 32, "ro", "Read HI, LO, HI to see a consistent value")]))
    return entries


def _error(engine: str, offset: int) -> Register:
    return Register(f"{engine.upper()}_ERROR", offset,
                    f"First error of the {engine} engine, which stops its queue until a reset", [
                        Field("cause", 8, "ro", "Cause, see the instruction set; 0: no error"),
                        Field("index", 24, "ro", "Index of the instruction in its queue since the "
                                                 "last reset"),
                    ])


def _error_address(engine: str, offset: int) -> Register:
    return Register(f"{engine.upper()}_ERROR_ADDRESS", offset,
                    f"What the first error of the {engine} engine is about", [
                        Field("address", 24, "ro", "Causes address: SBUF address; psum and "
                              "unwritten: bank * 4 S + column; semaphore and deadlock: semaphore; "
                              "else 0")])


def registers(config: TileConfig) -> RegisterMap:
    """Return the register map of a tile."""
    done = "An instruction of the {} engine with its interrupt bit set has finished"
    return RegisterMap("tile", "Matmul tile", [
        Register("CTRL", 0x00, "Control.", [
            Field("enable", 1, "rw", "Engines start instructions", reset=1)]),
        Register("COMMAND", 0x04, "Commands; a written 1 acts once.", [
            Field("clear_counters", 1, "wo", "Set all counters to 0; they stand until the next "
                                             "instruction leaves its queue"),
            Field("reset", 1, "wo", "Empty the queues, stop the engines, clear errors and "
                                    "semaphores; memories keep their contents")]),
        Register("STATUS", 0x08, "What the engines are doing.", [
            Field("tensor_busy", 1, "ro", "Instructions queued or at work, or results under way"),
            Field("activation_busy", 1, "ro", "Instructions queued or at work"),
            Field("tensor_error", 1, "ro", "The queue has stopped, see TENSOR_ERROR"),
            Field("activation_error", 1, "ro", "The queue has stopped, see ACTIVATION_ERROR")]),
        Register("CONFIG", 0x0c, "How the tile was built.", [
            Field("size", 8, "ro", "Rows and columns of the array, S"),
            Field("types", 8, "ro", "One bit for each type: " + ", ".join(
                f"{value} {name}" for name, value in TYPES.items())),
            Field("sbuf_log2", 5, "ro", "Binary logarithm of the SBUF bytes per partition"),
            Field("psum_banks", 4, "ro", "PSUM banks per partition"),
            Field("semaphores", 7, "ro", "Number of semaphores")]),
        Register("TENSOR_FREE", 0x10, "Room in the tensor queue.", [
            Field("slots", 16, "ro", "Instructions that can be pushed without waiting")]),
        Register("ACTIVATION_FREE", 0x14, "Room in the activation queue.", [
            Field("slots", 16, "ro", "Instructions that can be pushed without waiting")]),
        _error("tensor", 0x18),
        _error("activation", 0x1c),
        Register("IRQ_STATUS", 0x20, "Events; writing 1 clears.", [
            Field("tensor_done", 1, "w1c", done.format("tensor")),
            Field("activation_done", 1, "w1c", done.format("activation")),
            Field("error", 1, "w1c", "An engine has stopped on an error")]),
        Register("IRQ_ENABLE", 0x24, "Events that raise the interrupt.", [
            Field("mask", 3, "rw", "One bit for each bit of IRQ_STATUS")]),
        Register("SEMAPHORE_ADD", 0x28, "Adds to a semaphore.", [
            Field("index", 6, "wo", "Semaphore"),
            Field("amount", 16, "wo", "Amount, modulo 65536: 0x10000 - x subtracts x", lsb=16)]),
        Register("WATCHDOG", 0x2c, "Turns a wait for a semaphore into an error.", [
            Field("limit", 32, "rw", "Cycles that an instruction may wait; 0: any")]),
        _error_address("tensor", 0x30),
        _error_address("activation", 0x34),
        Register("PSUM_POISON", 0x38, "Banks of integers that are not what was computed.", [
            Field("banks", config.psum_banks, "ro", "Additions to unwritten words were tried since "
                                                    "the bank's release")]),
        Register("SEED", 0x3c, "Starts the generators of stochastic rounding.", [
            Field("value", 32, "wo", "Partition p starts at the value ^ (p + 1) * 0x9e3779b9")]),
        *(Register(f"SEMAPHORE_{i}", 0x100 + 4 * i, f"Semaphore {i}.", [
            Field("value", SEMAPHORE_WIDTH, "ro", "Its value")])
          for i in range(config.semaphores)),
        *_counters(),
    ])
