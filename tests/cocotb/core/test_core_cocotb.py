"""Runs the cocotb tests of the core."""

import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from rtl.config import CoreConfig
from rtl.core.core import Core
from sim.build import run_cocotb
from sw.toolchain import compile_c

HERE = Path(__file__).parent


@pytest.fixture
def image(tmp_path):
    """Return the program as a flat file."""
    with compile_c([HERE / "program.S"], libc=False).open("rb") as file:
        segment = next(ELFFile(file).iter_segments("PT_LOAD"))
        path = tmp_path / "program.bin"
        path.write_bytes(segment.data())
    return path


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(shutil.which("iverilog") is None,
                                                    reason="Icarus is not installed")),
])
def test_core_runs_a_program(image, simulator):
    run_cocotb(Core(CoreConfig(icache_bytes=1024, dcache_bytes=1024, retire_port=False)),
               name="core", test_module="tests.cocotb.core.cocotb_core", simulator=simulator,
               env={"CORE_IMAGE": str(image)})
