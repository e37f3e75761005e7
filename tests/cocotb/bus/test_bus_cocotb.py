# amaranth: UnusedElaboratable=no

"""Runs the cocotb tests of the bus parts."""

import shutil

import pytest

from sim.build import run_cocotb
from tests.cocotb.bus.bus_system import BusSystem


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(shutil.which("iverilog") is None,
                                                    reason="Icarus is not installed")),
])
def test_bus_parts_between_foreign_models(simulator):
    run_cocotb(BusSystem(), name="bus", simulator=simulator,
               test_module="tests.cocotb.bus.cocotb_bus")
