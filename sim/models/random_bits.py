"""Golden model of the generator of stochastic rounding."""

import numpy as np

__all__ = ["RandomBits"]

STEP = 0x9E37_79B9
MASK = 0xFFFF_FFFF


class RandomBits:
    """One 32-bit xorshift generator for each partition.

    Parameters
    ----------
    size : :class:`int`
        Partitions.
    """

    def __init__(self, size: int):
        self.size = size
        self.seed(0)

    def seed(self, seed: int) -> None:
        """Start all of them: partition p at ``seed ^ (p + 1) * 0x9e3779b9``, or at 1 for 0."""
        self.states = [(seed ^ (p + 1) * STEP) & MASK or 1 for p in range(self.size)]

    def draw(self, rows: int, columns: int) -> np.ndarray:
        """Return (rows, columns) numbers of 16 bits; every partition takes a step a column."""
        numbers = np.zeros((self.size, columns), np.int64)
        for column in range(columns):
            for row, state in enumerate(self.states):
                state ^= state << 13 & MASK
                state ^= state >> 17
                state ^= state << 5 & MASK
                self.states[row], numbers[row, column] = state, state >> 16
        return numbers[:rows]
