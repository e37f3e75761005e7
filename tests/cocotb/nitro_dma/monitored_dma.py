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
    m_axi, m_axi_desc, s_axil, irq
        As those of the engine.
    """

    def __init__(self, config: DmaConfig):
        self.dma = NitroDma(config)
        super().__init__(self.dma.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.dma = self.dma
        for name in self.signature.members:
            port, inner = getattr(self, name), getattr(self.dma, name)
            if name == "irq":
                m.d.comb += port.eq(inner)
            elif name == "s_axil":
                wiring.connect(m, wiring.flipped(port), inner)
            else:
                wiring.connect(m, inner, wiring.flipped(port))
                m.submodules[f"monitor_{name}"] = monitor = AXI4Monitor(port.signature,
                                                                        outstanding=32)
                m.d.comb += monitor.watch(port)
        return m
