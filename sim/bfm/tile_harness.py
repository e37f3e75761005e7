"""The matmul tile with a script player in front of it."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from rtl.config import TileConfig
from rtl.matmul.tile import REGISTER_ADDR_WIDTH, MatmulTile
from rtl.matmul.windows import ADDR_WIDTH

from .player import Player

__all__ = ["TileHarness"]


class TileHarness(wiring.Component):
    """A tile and the host that plays scripts on it.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.
    rows, log_rows : :class:`int`
        Longest script, and most beats that it reads.

    Members
    -------
    go, done, errors
        As in :class:`Player`.
    irq : :py:`Out(1)`
        Interrupt of the tile.
    """

    go: Signal
    done: Signal
    errors: Signal
    irq: Signal

    def __init__(self, config: TileConfig, *, rows: int = 1 << 16, log_rows: int = 1 << 15):
        self.config = config
        self.rows = rows
        self.log_rows = log_rows
        super().__init__({"go": In(1), "done": Out(1), "errors": Out(16), "irq": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.player = player = Player(
            rows=self.rows, log_rows=self.log_rows, addr_width=ADDR_WIDTH,
            register_addr_width=REGISTER_ADDR_WIDTH)
        m.submodules.tile = tile = MatmulTile(self.config, id_width=1)
        connect(m, player.m_axi, tile.s_axi)
        connect(m, player.m_axil, tile.s_axil)
        m.d.comb += [player.go.eq(self.go), self.done.eq(player.done),
                     self.errors.eq(player.errors), self.irq.eq(tile.irq)]
        return m
