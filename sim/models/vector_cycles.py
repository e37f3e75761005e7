"""Cost model of the vector unit: which SBUF banks an instruction takes, cycle by cycle."""

import collections
from collections.abc import Mapping

from rtl.matmul.encoding import ELEMENT_BYTES, OPERATIONS, OUTPUTS, Instruction

from .vector import element_offsets

__all__ = ["VectorCycles"]

WORD_BYTES = 8
LANE_CYCLES = 5
OUTPUT_NAME = {value: name for name, value in OUTPUTS.items()}


class VectorCycles:
    """One instruction of the vector unit at work.

    Parameters
    ----------
    head : :class:`Instruction`
        The instruction.
    patterns : :class:`dict`
        Access pattern of each slot, as :func:`sim.models.vector.element_offsets` takes it.
    """

    def __init__(self, head: Instruction,
                 patterns: Mapping[int, tuple[tuple[int, int], ...]]):
        def banks(slot, field, count):
            pattern = patterns[slot] if head["patterns"] >> slot & 1 else None
            places = (head[field] + element_offsets(count, pattern) * self.bytes) // WORD_BYTES
            return collections.deque((places % 2).tolist())

        tensor, transpose = (head.mnemonic == name for name in ("tensor_tensor", "transpose"))
        self.bytes = 1 << head["element"]
        if tensor:
            output = OUTPUT_NAME[head["output"]]
            self.bytes = 4 if output == "word" else ELEMENT_BYTES[output]
        self.lanes, self.buffer = tensor, transpose
        reads = head["m"] if transpose else head["n"] if tensor else 0
        writes = {"pattern": 0, "transpose": head["k"]}.get(head.mnemonic, head["n"])
        self.first = banks(0, "address", reads)
        self.two = tensor and head["operation"] != OPERATIONS["copy"]
        self.other = banks(1, "bias_address", reads)
        self.targets = banks(2, "destination", writes)
        self.second = self.arrives = self.arrived = False
        self.pipeline = [False] * LANE_CYCLES
        self.write: int | None = None

    def access(self, banks: set[int]) -> bool:
        """Read and write in the banks that are left; returns whether an element is written."""
        self.granted = self.write is not None and self.write not in banks
        busy = banks | ({self.write} if self.granted else set())
        self.step = self.write is None or self.granted
        queue = self.other if self.second else self.first
        self.turned = bool(self.step and queue and (
            self.second and not self.two or queue[0] not in busy))
        return self.granted

    def tick(self) -> bool:
        """Take the clock edge; returns whether the instruction has finished."""
        finished = not self.targets and self.write is None
        filled = not (self.other or self.arrives or self.arrived)
        taken = self.step and bool(self.targets) and (
            self.pipeline[-1] if self.lanes else filled or not self.buffer)
        if self.granted:
            self.write = None
        if taken:
            self.write = self.targets.popleft()
        if self.step:
            self.pipeline = [self.arrived and self.lanes, *self.pipeline[:-1]]
            self.arrived = False
        self.arrived = self.arrived or self.arrives
        self.arrives = self.turned and self.second
        if self.turned:
            (self.other if self.second else self.first).popleft()
            self.second = not self.second
        return finished
