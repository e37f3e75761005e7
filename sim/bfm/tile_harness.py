"""The matmul tile with a script player in front of it."""

import dataclasses
import json

import numpy as np
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from rtl.config import TileConfig
from rtl.matmul.tile import REGISTER_ADDR_WIDTH, MatmulTile
from rtl.matmul.windows import ADDR_WIDTH
from sim.errors import UserError

from .player import Player, Script

__all__ = ["TileHarness", "TileHost"]


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


class TileHost:
    """A simulated tile that plays scripts.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.
    **build
        Arguments for :func:`sim.build.build_workload`.
    """

    ROWS = 1 << 16
    LOG_ROWS = 1 << 15

    def __init__(self, config: TileConfig, **build):
        # Imported here: sim.build imports this package.
        from sim.build import build_workload
        self.config = config
        key = json.dumps([dataclasses.asdict(config), self.ROWS, self.LOG_ROWS])
        self.model = build_workload(
            lambda: TileHarness(config, rows=self.ROWS, log_rows=self.LOG_ROWS),
            name="matmul", key=key, **build)
        self.model.reset()

    def play(self, script: Script, *, max_cycles: int = 50_000_000,
             check: bool = True) -> np.ndarray:
        """Play ``script`` to its end and return its log, (rows, 16) bytes.

        Raises
        ------
        :exc:`UserError`
            If the script does not end, or (with ``check``) a bus access was refused.
        """
        rows = script.rows()
        if len(rows) > self.ROWS or script.read_beats > self.LOG_ROWS:
            raise UserError(f"The script has {len(rows)} rows and reads {script.read_beats} beats; "
                            f"the player takes {self.ROWS} and {self.LOG_ROWS}")
        model = self.model
        model.set("go", 0)
        model.tick(8)
        model.memory("player.script")[:len(rows)] = rows
        errors = model.get("errors")
        model.set("go", 1)
        cycles = model.run(max_cycles, until="done")
        if not model.get("done"):
            raise UserError(f"The tile has not finished after {cycles} cycles")
        if check and model.get("errors") != errors:
            raise UserError("The tile refused a bus access")
        return model.memory("player.log")[:script.read_beats].copy()
