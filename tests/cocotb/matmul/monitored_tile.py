"""The tile with a protocol monitor on its port, as the top of cocotb tests."""

from amaranth import Module
from amaranth.lib import wiring

from rtl.bus import AXI4Monitor
from rtl.config import TileConfig
from rtl.matmul.tile import MatmulTile

__all__ = ["CONFIG", "MonitoredTile"]

CONFIG = TileConfig(size=4, types=("int8",), sbuf_bytes=1024, psum_banks=2, queue_depth=4,
                    semaphores=4)


class MonitoredTile(wiring.Component):
    """:class:`MatmulTile`, whose every cycle is held against the AXI4 rules.

    Members
    -------
    s_axi, s_axil, irq
        As those of the tile.
    """

    def __init__(self):
        self.tile = MatmulTile(CONFIG, id_width=4)
        super().__init__(self.tile.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.tile = self.tile
        m.submodules.monitor = monitor = AXI4Monitor(self.s_axi.signature, outstanding=16)
        for name in ("s_axi", "s_axil"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(self.tile, name))
        m.d.comb += self.irq.eq(self.tile.irq)
        m.d.comb += monitor.watch(self.s_axi)
        return m
