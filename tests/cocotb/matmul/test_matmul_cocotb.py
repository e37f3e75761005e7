# amaranth: UnusedElaboratable=no

"""Runs the cocotb tests of the matmul tile."""

import shutil

import pytest

from sim.build import run_cocotb
from tests.cocotb.matmul.monitored_tile import MonitoredTile


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(shutil.which("iverilog") is None,
                                                    reason="Icarus is not installed")),
])
def test_tile_between_foreign_models(simulator):
    run_cocotb(MonitoredTile(), name="matmul", simulator=simulator,
               test_module="tests.cocotb.matmul.cocotb_matmul")
