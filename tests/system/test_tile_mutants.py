"""Seeded faults in the tile: each is noticed, but for those with a reason in the list."""

import pytest

from sim.bfm.tile_harness import TileHost
from sim.mutation import load_faults
from tests.system.tile_faults import CONFIG, FAULTS, hunt


def test_list_is_long_enough():
    faults = load_faults(FAULTS)
    assert len(faults) >= 30
    assert sum(fault.origin == "yosys" for fault in faults) >= len(faults) // 2
    assert len({fault.name for fault in faults}) == len(faults)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_fault_is_noticed():
    faults = load_faults(FAULTS)
    verdicts = hunt(TileHost(CONFIG, faults=tuple(faults)), faults)
    wrong = [f"{verdict.fault.name}: {verdict.how}" for verdict in verdicts
             if not verdict.as_listed]
    assert not wrong
