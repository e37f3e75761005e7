# amaranth: UnusedElaboratable=no

"""Runs the cocotb tests of the chip, in its smallest preset."""

import pytest

from rtl.config import preset
from rtl.soc.chip import Chip
from sim.build import run_cocotb
from tests.cocotb.soc.boot_program import image


@pytest.mark.slow       # builds a simulator of the whole chip that nothing else uses
@pytest.mark.cocotb
def test_chip_between_foreign_host_and_memory(tmp_path):
    config = preset("up5k")
    target = tmp_path / "image.bin"
    target.write_bytes(image(config))
    run_cocotb(Chip(config), name="chip", test_module="tests.cocotb.soc.cocotb_chip",
               env={"BOOT_IMAGE": str(target)})
