"""Causes to which the cycles of the core are attributed."""

from amaranth.lib import enum

__all__ = ["CycleCause"]


class CycleCause(enum.Enum, shape=4):
    """What a cycle was spent on, seen where instructions complete.

    Each cycle belongs to exactly one cause. Empty slots carry the cause that made them down the
    pipeline, so the number of ``ISSUE`` cycles is the number of completed instructions. An
    access that is found to have missed gives its cycle to ``LOAD`` or ``STORE``.
    """

    ISSUE = 0           # an instruction completes
    CRACK = 1           # a micro-op completes that is not the last of its instruction
    FETCH = 2           # no instruction came from the front end
    IMISS = 3           # instruction cache miss
    BRANCH = 4          # slots behind a mispredicted branch
    LOAD_USE = 5        # an operand is being loaded
    MULTIPLY = 6        # an operand is being multiplied
    DIVIDE = 7          # division at work
    LOAD = 8            # load waits for memory
    STORE = 9           # store waits for a place in the store queue
    BARRIER = 10        # barrier or release waits for earlier stores
    SYSTEM = 11         # system instruction at work, and the slots it discards
    EXCEPTION = 12      # exception entry, and the slots it discards
    RESET = 13          # clearing after reset
    WAIT = 14           # WFI waits for an interrupt
