"""Runs the cocotb tests of the simulation memory."""

import pytest

from rtl.bus import AXI4Signature
from sim.bfm.axi_memory import AXI4Memory
from sim.build import run_cocotb


@pytest.mark.cocotb
def test_axi_memory_keeps_what_was_written():
    signature = AXI4Signature(addr_width=32, data_width=128, id_width=8)
    run_cocotb(AXI4Memory([signature], bytes=8192, latency=5), name="axi_memory",
               test_module="tests.cocotb.sim.cocotb_axi_memory")
