"""The boot ROM on the chip of the demo: with an image, and without one."""

import numpy as np
import pytest

from rtl.config import preset
from sim.demo import prepare
from tests.cocotb.soc.boot_program import image

CONFIG = preset("sim")


@pytest.fixture
def model():
    model = prepare(CONFIG)
    yield model
    model.close()


def run(model, content):
    """Boot from ``content`` at the bottom of DRAM; return exit code and characters."""
    dram = model.memory("dram").reshape(-1)
    dram[:len(content)] = np.frombuffer(content, np.uint8)
    model.reset()
    model.run(20_000, until="exited")
    assert model.get("exited"), "the program has not ended"
    characters = model.memory("output")[:model.get("sent"), 0]
    return model.get("exit_code"), characters.tobytes()


def test_image_is_copied_to_sram_prints_and_takes_an_interrupt(model):
    assert run(model, image(CONFIG)) == (42, b"booted\n")


def test_without_an_image_it_ends_with_126(model):
    assert run(model, bytes(64)) == (126, b"")


def test_entry_may_differ_from_the_load_address(model):
    broken = bytearray(image(CONFIG))
    broken[24:32] = (int.from_bytes(broken[24:32], "little") + 4).to_bytes(8, "little")
    # One instruction in front of the comparison with the linked address is skipped: still 42.
    assert run(model, bytes(broken)) == (42, b"booted\n")
