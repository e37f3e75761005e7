# amaranth: UnusedElaboratable=no

"""Runs the cocotb tests of the DMA engine."""

import pytest

from sim.build import run_cocotb
from tests.cocotb.nitro_dma.monitored_dma import MonitoredDma
from tests.system.dma_configs import NARROW, OWN_PORT


@pytest.mark.cocotb
@pytest.mark.parametrize("config", [NARROW, OWN_PORT], ids=["shared port", "own port"])
def test_dma_against_an_independent_memory(config):
    run_cocotb(MonitoredDma(config), name="nitro_dma",
               test_module="tests.cocotb.nitro_dma.cocotb_dma")
