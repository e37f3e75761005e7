# amaranth: UnusedElaboratable=no

"""What the engine refuses to be built as, and its layouts against the plain tables."""

import pytest

from rtl.config import PRESETS, DmaConfig
from rtl.nitro_dma.descriptor import COMPLETION_LAYOUT, DESCRIPTOR_LAYOUT
from rtl.nitro_dma.encoding import COMPLETION, DESCRIPTOR
from rtl.nitro_dma.engine import NitroDma
from rtl.nitro_dma.router import PageRouter


@pytest.mark.parametrize("layout, table", [(DESCRIPTOR_LAYOUT, DESCRIPTOR),
                                           (COMPLETION_LAYOUT, COMPLETION)])
def test_dma_layouts_are_those_of_the_tables(layout, table):
    assert {name: (field.offset, field.width) for name, field in layout} == {
        name: (lsb, width) for name, (lsb, width, _) in table.items()}


def test_dma_router_refuses_odd_pages():
    with pytest.raises(ValueError, match="Page must be a multiple of 0x1000 below 0x100000, "
                                         "not 0x1800"):
        PageRouter([0, 0x1800])


@pytest.mark.parametrize("change, message", [
    ({"packets": 2}, "DMA packets must be a power of two from 4 to 256, not 2"),
    ({"outstanding": 1}, "DMA outstanding bursts must be a power of two from 2 to 64, not 1"),
    ({"buffer_bytes": 512, "max_burst": 32}, "DMA buffer must hold two bursts of 32 beats"),
    ({"data_width": 256}, "A DMA data path of 256 bits needs a descriptor port"),
    ({"queues": 16}, "DMA prefetch must be at least 4 a queue, 64, not 32"),
    ({"transpose": 8}, "DMA transposed rows, if not 0, must be a power of two from 16 to 64"),
    ({"id_width": 0}, "DMA id width must be 1 to 8, not 0"),
])
def test_dma_configuration_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        DmaConfig(**change)


def test_dma_presets_can_be_built():
    for chip in PRESETS.values():
        assert NitroDma(chip.dma).m_axi.signature.user_width == 16
