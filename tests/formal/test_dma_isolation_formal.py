# amaranth: UnusedElaboratable=no

"""Proofs that the engine's bursts lie in the windows of their queue and name its owner.

In the proofs of the four parts that issue bursts, queue q may read pages whose two low bits are 0 q
and write those whose low bits are 1 q; its owner is OWNERS[q]. The parts see only the answers, so
what holds for these windows holds for any. That the answers are those of the windows that were
written is tested in tests/unit/nitro_dma/test_dma_manager.py.
"""

import dataclasses

import pytest
from amaranth import Module, Signal
from amaranth.hdl import Assert, Assume
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl.config import DmaConfig
from rtl.nitro_dma.completion import CompletionWriter
from rtl.nitro_dma.fetcher import DescriptorFetcher
from rtl.nitro_dma.reader import ReadEngine
from rtl.nitro_dma.windows import PAGE_BITS
from rtl.nitro_dma.writer import WriteEngine
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal

SMALL = DmaConfig(queues=2, addr_width=32, data_width=64, max_burst=16, buffer_bytes=256,
                  outstanding=4, packets=4, id_width=1, prefetch=8)
OWNERS = (0x0A0A, 0xB0B1)


class BurstProof(wiring.Component):
    """What holds for the bursts of one part.

    Parameters
    ----------
    part : component
        Has ``m_axi`` and ``check``. All its other members are free.
    assume : callable
        ``assume(m, proof)`` restricts them to what its surroundings do.
    within : :class:`bool`
        Prove that bursts end in the page in which they begin.
    lenient : :class:`bool`
        Answer that every page is allowed: then the proof has to fail.
    """

    def __init__(self, part, assume=lambda m, proof: None, *, within=True, lenient=False):
        self.part = part
        self.assume = assume
        self.within = within
        self.lenient = lenient
        super().__init__({name: member for name, member in part.signature.members.items()
                          if name not in ("check", "tenant", "done")})

    def elaborate(self, platform):
        m = Module()
        m.submodules.part = part = self.part
        for name, member in self.signature.members.items():
            if member.is_signature:
                ours, theirs = getattr(self, name), getattr(part, name)
                for own, inner in zip([ours] if not member.dimensions else ours,
                                      [theirs] if not member.dimensions else theirs, strict=True):
                    wiring.connect(m, wiring.flipped(own), inner)
            elif member.flow is In:
                m.d.comb += getattr(part, name).eq(getattr(self, name))
            else:
                m.d.comb += getattr(self, name).eq(getattr(part, name))
        check = part.check
        m.d.comb += check.allowed.eq((check.page[0] == check.queue[0])
                                     & (check.page[1] == check.write) | self.lenient)
        if "tenant" in part.signature.members:
            m.d.comb += [port.eq(owner) for port, owner in zip(part.tenant, OWNERS, strict=True)]
        for channel in ("ar", "aw"):
            if f"{channel}valid" in part.m_axi.signature.members:
                self._burst(m, channel)
        self.assume(m, self)
        return m

    def _burst(self, m, channel):
        axi = self.part.m_axi
        valid, address, length, user = (getattr(axi, channel + name)
                                        for name in ("valid", "addr", "len", "user"))
        page, last = address[PAGE_BITS:], Signal(16, name=f"{channel}_last")
        m.d.comb += last.eq(address[3:PAGE_BITS] + length)
        with m.If(valid):
            m.d.comb += Assert((user == OWNERS[0]) | (user == OWNERS[1]), "no owner's id")
            m.d.comb += Assert(page[0] == (user == OWNERS[1]), "a page of another queue")
            m.d.comb += Assert(page[1] == (channel == "aw"), "a page without this permission")
            if self.within:
                m.d.comb += Assert(last < 4096 // 8, "a burst that leaves its page")


def rings(m, proof):
    """The two rings of a queue have its owner."""
    for i, ring in enumerate(proof.ring):
        m.d.comb += Assume(ring.tenant == OWNERS[i // 2])


def test_dma_proof_reads_lie_in_windows():
    prove(BurstProof(ReadEngine(SMALL)), name="dma_window_read", depth=2)


def test_dma_proof_writes_lie_in_windows():
    prove(BurstProof(WriteEngine(SMALL)), name="dma_window_write", depth=2)


def test_dma_proof_descriptor_reads_lie_in_windows():
    prove(BurstProof(DescriptorFetcher(SMALL), rings, within=False), name="dma_window_fetch",
          depth=2)


def test_dma_proof_completions_lie_in_windows():
    # A line ends at a multiple of 64 bytes: test_dma_coalescer_loses_nothing.
    prove(BurstProof(CompletionWriter(SMALL), rings, within=False), name="dma_window_completion",
          depth=2)


def messages(m, proof):
    """The rings and the messages of a queue have its owner."""
    rings(m, proof)
    for message, owner in zip(proof.message, OWNERS, strict=True):
        m.d.comb += Assume(message.tenant == owner)


def test_dma_proof_messages_lie_in_windows():
    config = dataclasses.replace(SMALL, messages=True)
    prove(BurstProof(CompletionWriter(config), messages, within=False), name="dma_window_message",
          depth=2)


def test_dma_proof_of_windows_can_fail():
    """Without the windows the same proof finds a burst of one queue in a page of the other."""
    with pytest.raises(ProofError, match="Assert failed in top.proof"):
        prove(BurstProof(ReadEngine(SMALL), lenient=True), name="dma_window_lenient", mode="bmc",
              depth=4)
