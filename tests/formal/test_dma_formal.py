# amaranth: UnusedElaboratable=no

"""Bounded proofs of what the DMA engine promises, each on the part that keeps the promise."""

import pytest
from amaranth import Module, Mux, Signal
from amaranth.hdl import Assert, Assume
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Monitor
from rtl.config import DmaConfig
from rtl.nitro_dma.descriptor import DataFault
from rtl.nitro_dma.fetcher import DESCRIPTOR_ID
from rtl.nitro_dma.port import PortMerger
from rtl.nitro_dma.reader import DATA_ID
from rtl.nitro_dma.retire import Retire
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal

SMALL = DmaConfig(addr_width=32, data_width=64, max_burst=16, buffer_bytes=256, outstanding=4,
                  packets=4, id_width=1)


class PortProof(wiring.Component):
    """The merged port keeps AXI4, and answers both managers as AXI4 asks, if all others do.

    Reads and writes share nothing in it, so that each side is proved by itself.

    Parameters
    ----------
    side : :class:`str`
        ``reads`` or ``writes``. The channels of the other one stand still.
    """

    def __init__(self, side):
        self.channels = {"reads": ("ar", "r"), "writes": ("aw", "w", "b")}[side]
        self.port = PortMerger(SMALL)
        super().__init__(self.port.signature)

    def _connect(self, m, outer, inner):
        """Connect the channels of the side."""
        for name, member in inner.signature.members.items():
            if name.startswith(self.channels):
                ours, theirs = getattr(outer, name), getattr(inner, name)
                m.d.comb += ours.eq(theirs) if member.flow is Out else theirs.eq(ours)

    def elaborate(self, platform):
        m = Module()
        m.submodules.port = port = self.port
        self._connect(m, self.m_axi, port.m_axi)
        for name, ids in (("data", DATA_ID), ("descriptors", DESCRIPTOR_ID)):
            bus = getattr(port, name)
            self._connect(m, getattr(self, name), bus)
            m.submodules[f"monitor_{name}"] = monitor = AXI4Monitor(
                bus.signature.flip(), outstanding=2, assume="manager")
            m.d.comb += monitor.watch(bus)
            m.d.comb += Assume((bus.arid if "ar" in self.channels else bus.awid) == ids)
        m.submodules.monitor = monitor = AXI4Monitor(port.m_axi.signature, outstanding=4,
                                                     assume="subordinate")
        m.d.comb += monitor.watch(port.m_axi)

        # W of a burst comes not before its address.
        opened, closed = Signal(8), Signal(8)
        axi = port.m_axi
        m.d.sync += opened.eq(opened + (axi.awvalid & axi.awready))
        m.d.sync += closed.eq(closed + (axi.wvalid & axi.wready & axi.wlast))
        with m.If(axi.wvalid):
            m.d.comb += Assert(opened + axi.awvalid > closed, "W before its AW")
        return m


@pytest.mark.parametrize("side", ["reads", "writes"])
def test_dma_proof_port_keeps_axi4(side):
    prove(PortProof(side), name=f"dma_port_{side}", mode="bmc", depth=5)


class RetireProof(wiring.Component):
    """No packet is handed to completion before each of its bursts has its response.

    Parameters
    ----------
    claim : :class:`int`
        Responses that must have come beyond those, 0 for what the engine promises.
    """

    def __init__(self, *, claim=0):
        self.claim = claim
        super().__init__({"done": In(1), "last": In(1), "fault": In(DataFault), "bvalid": In(1),
                          "bresp": In(2), "ready": In(1), "packet": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.retire = retire = Retire(SMALL)
        m.d.comb += [
            retire.done.valid.eq(self.done),
            retire.done.payload.awaits.eq(1),
            retire.done.payload.piece_last.eq(self.last),
            retire.done.payload.packet_last.eq(self.last),
            retire.done.payload.fault.eq(self.fault),
            retire.bvalid.eq(self.bvalid),
            retire.bresp.eq(self.bresp),
            retire.packet.valid.eq(self.packet),
            retire.o.ready.eq(self.ready),
        ]
        # Bursts written, and packets that their responses so far complete.
        written, answered, announced = Signal(4), Signal(4), Signal(4)
        lasts, complete, shown = Signal(4), Signal(4), Signal(4)
        history = Signal(16)
        answer = retire.bvalid & retire.bready
        m.d.sync += [
            written.eq(written + self.done),
            history.eq(history | Mux(self.done & self.last, 1 << written, 0)),
            lasts.eq(lasts + (self.done & self.last)),
            announced.eq(announced + self.packet),
            answered.eq(answered + answer),
            complete.eq(complete + (answer & history.bit_select(answered, 1))),
            shown.eq(shown + (retire.o.valid & retire.o.ready)),
        ]
        # The environment: bursts that fit, packets before their last burst, B only when awaited.
        m.d.comb += [
            Assume(~self.done | (written - answered < SMALL.outstanding)),
            Assume(~(self.done & self.last) | (lasts < announced)),
            Assume(~self.packet | (announced - shown < SMALL.packets)),
            Assume(~self.bvalid | (written != answered)),
            Assert(shown + retire.o.valid + self.claim * retire.o.valid <= complete,
                   "a completion before its responses"),
        ]
        return m


def test_dma_proof_completion_follows_its_responses():
    prove(RetireProof(), name="dma_retire", mode="bmc", depth=8)


def test_dma_proof_can_fail():
    """The same proof of a stronger claim, one response more than there is, finds the way out."""
    with pytest.raises(ProofError, match="Assert failed in top.proof"):
        prove(RetireProof(claim=1), name="dma_retire_claim", mode="bmc", depth=8)
