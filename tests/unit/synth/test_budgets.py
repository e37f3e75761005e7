"""No part outgrows its bound in ``synth/budgets.json``."""

import json
from pathlib import Path

import pytest

from synth import budgets
from synth.flow import synthesize
from synth.targets import CATEGORIES, target

pytestmark = pytest.mark.synth


def test_every_part_has_bounds():
    stated = json.loads(Path(budgets.__file__).with_name("budgets.json").read_text())
    assert set(stated) == set(budgets.PARTS)
    assert all(set(bounds) <= set(CATEGORIES) and bounds for bounds in stated.values())


@pytest.mark.parametrize("part", budgets.PARTS)
def test_within_budget(part):
    cells = synthesize(budgets.PARTS[part](), part, target(budgets.TARGET)).cells
    over = {name: (cells[name], bound) for name, bound in budgets.budget_of(part).items()
            if cells[name] > bound}
    assert not over, f"{part} has (cells, bound): {over}"
