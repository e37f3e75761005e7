"""The README of the DMA engine holds the tables that the declarations generate."""

import re
from pathlib import Path

import pytest

from rtl.csr.export import markdown_table
from rtl.nitro_dma.encoding import CAUSES
from rtl.nitro_dma.registers import COUNTERS, GLOBAL, MANAGER, MESSAGES, QUEUE

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "rtl/nitro_dma/README.md").read_text()


@pytest.mark.parametrize("registers", [GLOBAL, QUEUE, MANAGER, COUNTERS, MESSAGES],
                         ids=lambda item: item.name)
def test_dma_readme_has_the_registers(registers):
    assert markdown_table(registers) in README


def test_dma_readme_has_the_causes():
    for cause, meaning in CAUSES.items():
        assert f"| {cause.value} | `{cause.name}` | {meaning} |" in README


def test_dma_readme_names_tests_that_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", README)
    assert len(named) > 20
    for path, function in named:
        assert re.search(rf"^(async )?def {function}\(", (ROOT / path).read_text(), re.M), \
            f"{path} has no {function}"
