"""Generator of stochastic rounding."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RandomBits"]

STEP = 0x9E37_79B9


class RandomBits(wiring.Component):
    """A 32-bit xorshift generator, of whose state the upper half is used.

    :class:`sim.models.random_bits.RandomBits` is this component.

    Timing
    ------
    In the cycle after ``step`` ``now`` is what ``following`` was. The seed itself is no number:
    the first one is the ``following`` behind ``seed_write``.

    Parameters
    ----------
    index : :class:`int`
        Partition; generators of the same seed differ by it.

    Members
    -------
    seed_write, seed : :py:`In(1)`, :py:`In(32)`
        Start at ``seed ^ (index + 1) * 0x9e3779b9``, or at 1 if that is 0; so does reset, with 0.
    step : :py:`In(1)`
        Go on.
    now, following : :py:`Out(16)`
        Number of the latest step, and of the next one.
    """

    seed_write: Signal
    seed: Signal
    step: Signal
    now: Signal
    following: Signal

    def __init__(self, index: int):
        self.offset = (index + 1) * STEP & 0xFFFF_FFFF
        super().__init__({"seed_write": In(1), "seed": In(32), "step": In(1), "now": Out(16),
                          "following": Out(16)})

    def elaborate(self, platform):
        m = Module()
        state = Signal(32, init=self.offset)
        first, second, third = (Signal(32, name=f"mixed_{i}") for i in range(3))
        begun = Signal(32)
        m.d.comb += [
            first.eq(state ^ (state << 13)[:32]),
            second.eq(first ^ first >> 17),
            third.eq(second ^ (second << 5)[:32]),
            self.now.eq(state[16:]),
            self.following.eq(third[16:]),
            begun.eq(self.seed ^ self.offset),
        ]
        with m.If(self.seed_write):
            m.d.sync += state.eq(Mux(begun == 0, 1, begun))
        with m.Elif(self.step):
            m.d.sync += state.eq(third)
        return m
