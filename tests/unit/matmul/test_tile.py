# amaranth: UnusedElaboratable=no

"""Constructors of the tile, and the register table of its page."""

from pathlib import Path

import pytest

from rtl.config import TileConfig
from rtl.csr.export import markdown_table
from rtl.matmul.registers import registers
from rtl.matmul.tile import MatmulTile

README = Path(__file__).resolve().parents[3] / "rtl" / "matmul" / "README.md"


def test_refuses_what_is_no_configuration():
    with pytest.raises(TypeError, match="must be a TileConfig, not 8"):
        MatmulTile(8)


@pytest.mark.parametrize("fields, message", [
    ({"size": 6}, "Tile size must be a power of two from 4 to 16, not 6"),
    ({"size": 32}, "Tile size must be a power of two from 4 to 16, not 32"),
    ({"types": ()}, "Tile types must be distinct names"),
    ({"types": ("fp4",)}, "Tile types must be distinct names"),
    ({"types": ("int8", "int8")}, "Tile types must be distinct names"),
    ({"sbuf_bytes": 512}, "SBUF bytes per partition must be a power of two from 1024"),
    ({"psum_banks": 3}, "PSUM banks must be a power of two"),
    ({"queue_depth": 2}, "Queue depth must be a power of two from 4"),
    ({"chain": 1}, "Rows of a chain must be a power of two from 2 to 8, not 1"),
    ({"size": 4, "chain": 8}, "Rows of a chain must be a power of two from 2 to 4, not 8"),
    ({"semaphores": 128}, "Semaphores must be a power of two from 2 to 64"),
])
def test_refuses_configurations(fields, message):
    with pytest.raises(ValueError, match=message):
        TileConfig(**fields)


def test_page_has_the_registers():
    assert markdown_table(registers(TileConfig())) in README.read_text()


def test_registers_of_the_smallest_and_the_largest_tile_fit():
    for config in (TileConfig(size=4, semaphores=2), TileConfig(size=16, semaphores=64)):
        assert registers(config).addr_width <= 16
