# amaranth: UnusedElaboratable=no

"""Which bits of a word the decoder looks at, so that enumerating the others is no loss."""

import pytest
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl.core.decode import Decoder
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal

# Bits below 10 that decide: the lowest of a pair's first register (CASP), and what stands above
# the flags of CCMP.
DECIDING = 1 << 0 | 1 << 4


class LegalityProof(wiring.Component):
    """Two words that differ in other bits below 10 are both legal or both not, at either level.

    Branches, exceptions and system instructions are not meant.
    """

    def __init__(self, *, deciding=DECIDING):
        self.deciding = deciding
        super().__init__({"insn": In(32), "other": In(10), "el0": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.one = one = Decoder()
        m.submodules.two = two = Decoder()
        low = Cat(self.insn[bit] if self.deciding >> bit & 1 else self.other[bit]
                  for bit in range(10))
        other = Signal(32)
        m.d.comb += [
            other.eq(Cat(low, self.insn[10:])), one.insn.eq(self.insn), two.insn.eq(other),
            one.el0.eq(self.el0), two.el0.eq(self.el0),
        ]
        branch = self.insn[26:29] == 0b101
        m.d.comb += Assert(Mux(branch, 1, one.legal == two.legal))
        return m


def test_legality_depends_on_two_of_the_lower_bits():
    prove(LegalityProof(), name="decoder_low_bits", mode="bmc", depth=1)


@pytest.mark.parametrize("bit", [0, 4])
def test_both_bits_decide(bit):
    with pytest.raises(ProofError, match="FAIL"):
        prove(LegalityProof(deciding=DECIDING & ~(1 << bit)), name=f"decoder_low_bits_{bit}",
              mode="bmc", depth=1)
