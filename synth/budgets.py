"""Parts whose cells have an upper bound, on ECP5.

The bounds stand in ``budgets.json``, a little above what was measured when they were set. A
change that needs more raises the bound in the same commit, so that growth is seen and meant.
"""

import json
from collections.abc import Callable
from pathlib import Path

from amaranth.lib import wiring

from rtl import config

__all__ = ["PARTS", "TARGET", "budget_of"]

TARGET = "ecp5"
_BUDGETS = Path(__file__).with_name("budgets.json")


def _buffer() -> wiring.Component:
    from rtl.lib import StreamBuffer
    return StreamBuffer(64)


def _fifo() -> wiring.Component:
    from rtl.lib import StreamFifo
    return StreamFifo(64, depth=512)


def _cell(*types: str) -> wiring.Component:
    from rtl.matmul.cell import Cell
    return Cell(config.TileConfig(types=types))


def _uart() -> wiring.Component:
    from rtl.soc.uart import Uart
    return Uart()


def _nitro_dma() -> wiring.Component:
    from rtl.nitro_dma.engine import NitroDma
    return NitroDma(config.preset("sim").dma)


PARTS: dict[str, Callable[[], wiring.Component]] = {
    "buffer_64":      _buffer,
    "fifo_64x512":    _fifo,
    "cell_int8":      lambda: _cell("int8"),
    "cell_bf16":      lambda: _cell("bf16"),
    "cell_int8_bf16": lambda: _cell("int8", "bf16"),
    "cell_fp8_e4m3fn": lambda: _cell("fp8_e4m3fn"),
    "uart":           _uart,
    "nitro_dma":      _nitro_dma,
}


def budget_of(part: str) -> dict[str, int]:
    """Return the bounds of ``part``: the most cells that it may have in each category."""
    return json.loads(_BUDGETS.read_text())[part]
