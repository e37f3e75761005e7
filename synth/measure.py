"""Cells and clock of a block of a preset, as one object: what `tilicho synth` writes as JSON."""

from collections.abc import Callable

from rtl.blocks import block
from rtl.config import preset, preset_hash

from .flow import YOSYS, synthesize
from .pnr import place_and_route
from .targets import target
from .tools import no_progress, version_of

__all__ = ["CLOCKS", "measure"]

CLOCKS = {"ecp5": {"core": 60, "chip": 60, "matmul": 75, "nitro_dma": 80, "matmul_array": 105}}
"""Clocks in MHz that blocks are mapped for, by target."""


def measure(block_name: str, preset_name: str, target_name: str, *, seeds: int = 0,
            clock: int | None = None,
            progress: Callable[[str], None] = no_progress) -> dict:
    """Map a block for ``clock`` MHz, and place and route it ``seeds`` times.

    Without a clock it is the block's own of :data:`CLOCKS`, if it has one for the target.

    Returns
    -------
    :class:`dict`
        ``block``, ``preset``, ``preset_hash``, ``target``, ``clock`` (asked for, in MHz, or None),
        ``cells`` (with place and route, ``lut`` is what that counts), ``modules`` (rows that add
        up to the cells that mapping counts), ``fmax_mhz`` (one a seed), ``kinds`` (cells by their
        type), ``critical_path`` (of the slowest seed), ``device`` (cells that place and route
        counts) and ``tools``.

    Raises
    ------
    :exc:`ValueError`
        If there is no such block, preset or target.
    :exc:`~synth.tools.ToolError`
        If a tool is missing or fails.
    """
    config, technology = preset(preset_name), target(target_name)
    clock = clock or CLOCKS.get(target_name, {}).get(block_name)
    mapped = synthesize(block(block_name, config), block_name, technology, clock=clock,
                        progress=progress)
    placements = []
    if seeds:
        placements = place_and_route(block(block_name, config), block_name, technology,
                                     seeds=seeds, clock=clock, progress=progress)
    cells = mapped.cells
    figures = {
        "block": block_name, "preset": preset_name, "preset_hash": preset_hash(config),
        "target": target_name, "clock": clock, "cells": cells, "modules": mapped.modules,
        "fmax_mhz": [placement.fmax_mhz for placement in placements],
        "kinds": mapped.netlist.kinds, "tools": [version_of(YOSYS)],
    }
    if placements:
        slowest = min(placements, key=lambda placement: placement.fmax_mhz)
        cells["lut"] = placements[0].used.get(technology.logic_cell, cells["lut"])
        figures |= {
            "device": placements[0].used,
            "critical_path": [{"ns": hop.at_ns, "net": hop.net} for hop in slowest.path],
        }
        figures["tools"].append(version_of(technology.pnr[0]))
    return figures
