"""Registers around a block, so that its clock can be measured on a device with few pins."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["DUT", "RegisteredHarness"]

DUT = "dut"
"""Name of the block inside the harness."""


class RegisteredHarness(wiring.Component):
    """A component behind registered ports, with one input pin and one output pin.

    Its inputs come from the registers of one shift chain, its outputs end in registers of their
    own, and a tree that folds four bits into one register a level brings them together. Thus
    every path that reaches the component from a register, or leaves it for one, holds logic of
    the component only, no path of the harness is longer than one LUT, and no part of the
    component can be optimised away for lack of a reader.

    Timing
    ------
    The inputs take as many cycles to fill as they have bits; nothing meaningful can be driven
    through the harness. It is for synthesis.

    Parameters
    ----------
    component : :class:`wiring.Component`
        The block, in the clock domain ``sync``.

    Members
    -------
    shift_in : :py:`In(1)`
        Fills the chain.
    folded : :py:`Out(1)`
        Depends on every output bit.
    """

    shift_in: Signal
    folded: Signal

    def __init__(self, component):
        self.component = component
        super().__init__({"shift_in": In(1), "folded": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules[DUT] = self.component

        inputs, outputs = [], []
        for _, member, value in self.component.signature.flatten(self.component):
            bits = value.as_value() if hasattr(value, "as_value") else value
            (inputs if member.flow is In else outputs).append(bits)

        # No reset: it would add to the load of a net that the block has too.
        chain = Signal(max(1, sum(map(len, inputs))), reset_less=True)
        m.d.sync += chain.eq(Cat(self.shift_in, chain))
        m.d.comb += Cat(*inputs).eq(chain)

        level = Signal(sum(map(len, outputs)), name="captured", reset_less=True)
        m.d.sync += level.eq(Cat(*outputs))
        while len(level) > 1:
            fold = Signal(-(-len(level) // 4), name="fold", reset_less=True)
            m.d.sync += fold.eq(Cat(level[index:index + 4].xor()
                                    for index in range(0, len(level), 4)))
            level = fold
        m.d.comb += self.folded.eq(level)

        return m
