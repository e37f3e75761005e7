"""Blocks that stand by themselves: what `emit` and `synth` offer by name."""

from collections.abc import Callable

from amaranth.lib import wiring

from .config import ChipConfig

__all__ = ["BLOCKS", "block"]


# A block is imported when it is asked for: emitting one must not wait for the others.
def _matmul(config: ChipConfig) -> wiring.Component:
    from .matmul.tile import MatmulTile
    return MatmulTile(config.tile)


def _matmul_array(config: ChipConfig) -> wiring.Component:
    from .matmul.array import Array
    return Array(config.tile)


def _core(config: ChipConfig) -> wiring.Component:
    from .core.core import Core, memory_regions
    from .soc.memory_map import MEMORY_MAP
    return Core(config.core, regions=memory_regions(MEMORY_MAP))


def _nitro_dma(config: ChipConfig) -> wiring.Component:
    from .nitro_dma.engine import NitroDma
    return NitroDma(config.dma)


def _chip(config: ChipConfig) -> wiring.Component:
    from .soc.chip import Chip
    config.check_chip()
    return Chip(config)


BLOCKS: dict[str, Callable[[ChipConfig], wiring.Component]] = {
    "matmul":       _matmul,
    "matmul_array": _matmul_array,
    "core":         _core,
    "nitro_dma":    _nitro_dma,
    "chip":         _chip,
}


def block(name: str, config: ChipConfig) -> wiring.Component:
    """Return the block called ``name`` of a chip with ``config``.

    Raises
    ------
    :exc:`ValueError`
        If there is no such block; the message lists those that exist.
    """
    if name not in BLOCKS:
        raise ValueError(f"Unknown block {name!r}: choose one of {', '.join(BLOCKS)}")
    return BLOCKS[name](config)
