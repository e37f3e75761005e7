"""Proofs for :class:`StreamBuffer`: the contract holds, no beat is lost, doubled or moved."""

import pytest
from amaranth import Module, Mux, Signal
from amaranth.hdl import Assert
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib import StreamBuffer, StreamContract
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal

WIDTH = 4


class BufferProof(wiring.Component):
    """The buffer beside the simplest queue of two beats, fed with the same stream.

    The environment keeps the stream contract and is otherwise free. What is asserted is inductive
    by itself, so the proof holds for any stall of any length.
    """

    def __init__(self, dut):
        self.dut = dut
        super().__init__({"i": In(stream.Signature(WIDTH)), "o": Out(stream.Signature(WIDTH))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        wiring.connect(m, wiring.flipped(self.i), dut.i)
        wiring.connect(m, dut.o, wiring.flipped(self.o))
        m.submodules.given = given = StreamContract(WIDTH, assume=True)
        m.submodules.shown = shown = StreamContract(WIDTH)
        m.d.comb += [given.watch(dut.i), shown.watch(dut.o)]

        count, first, second = Signal(range(3)), Signal(WIDTH), Signal(WIDTH)
        taken, given_away = dut.i.valid & dut.i.ready, dut.o.valid & dut.o.ready
        left = Signal(range(3))
        m.d.comb += left.eq(count - given_away)
        m.d.sync += count.eq(left + taken)
        with m.If(given_away):
            m.d.sync += first.eq(second)
        with m.If(taken):
            with m.If(left == 0):
                m.d.sync += first.eq(dut.i.payload)
            with m.Else():
                m.d.sync += second.eq(dut.i.payload)

        m.d.sync += [
            Assert(count <= 2, "the buffer took more than it can hold"),
            Assert(dut.o.valid == (count != 0), "a beat is missing, or one too many"),
            Assert(dut.i.ready == (count != 2), "ready does not tell whether there is room"),
            Assert((count == 0) | (dut.o.payload == first), "the beat is not the oldest one"),
            Assert((count != 2) | (dut._skid == second), "the beat that waits is not the younger"),
        ]
        return m


class _DropsWhenStalled(StreamBuffer):
    """A buffer with the classic defect: the beat that arrives as the output stalls is lost."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.i.ready.eq(1), self._skid.eq(0)]
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class _ChangesWhenStalled(StreamBuffer):
    """A buffer that shows the newest beat."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.i.ready.eq(1), self.o.valid.eq(self.i.valid), self._skid.eq(0)]
        m.d.comb += self.o.payload.eq(Mux(self.o.ready, self.i.payload, ~self.i.payload))
        return m


def test_buffer_neither_loses_nor_doubles_a_beat():
    prove(BufferProof(StreamBuffer(WIDTH)), name="stream_buffer", depth=4)


@pytest.mark.parametrize("broken", [_DropsWhenStalled, _ChangesWhenStalled])
def test_proof_notices_a_broken_buffer(broken):
    with pytest.raises(ProofError, match="FAIL.*waves: .*trace.vcd"):
        prove(BufferProof(broken(WIDTH)), name=broken.__name__.strip("_"), mode="bmc", depth=6)


def test_refuses_an_unknown_mode():
    with pytest.raises(ValueError, match="Mode must be one of bmc, prove, cover, not 'guess'"):
        prove(None, name="none", mode="guess")
