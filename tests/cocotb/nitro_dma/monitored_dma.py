"""The engine with a protocol monitor on its port, as the top of cocotb tests."""

from amaranth import Module
from amaranth.lib import wiring

from rtl.bus import AXI4Monitor
from rtl.config import DmaConfig
from rtl.nitro_dma.engine import NitroDma

__all__ = ["MonitoredDma"]


class MonitoredDma(wiring.Component):
    """:class:`NitroDma`, whose every cycle is held against the AXI4 rules.

    Members
    -------
    m_axi, s_axil, irq
        As those of the engine.
    """

    def __init__(self, config: DmaConfig):
        self.dma = NitroDma(config)
        super().__init__(self.dma.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.dma = self.dma
        m.submodules.monitor = monitor = AXI4Monitor(self.m_axi.signature, outstanding=16)
        for name in self.signature.members:
            if name == "irq":
                m.d.comb += self.irq.eq(self.dma.irq)
            elif name == "s_axil":
                wiring.connect(m, wiring.flipped(self.s_axil), self.dma.s_axil)
            else:
                wiring.connect(m, self.dma.m_axi, wiring.flipped(self.m_axi))
        m.d.comb += monitor.watch(self.m_axi)
        return m
