"""Seeded faults in the core: each is noticed, but for those with a reason in the list."""

from pathlib import Path

import pytest

from sim.lockstep.mutants import FAULTS, hunt, standard_stimuli
from sim.lockstep.session import CoreRun
from sim.mutation import load_faults
from sw.toolchain import compile_c
from tests.baremetal.test_baremetal import CORE_PROGRAMS, PROGRAMS, build

ASSEMBLY = Path(__file__).parents[1] / "unit" / "core" / "programs"


def test_list_is_long_enough():
    faults = load_faults(FAULTS)
    assert len(faults) >= 30
    assert sum(fault.origin == "yosys" for fault in faults) >= len(faults) // 2
    assert len({fault.name for fault in faults}) == len(faults)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_fault_is_noticed():
    faults = load_faults(FAULTS)
    programs = [build(name) for name in (*PROGRAMS, *CORE_PROGRAMS)]
    programs += [compile_c([ASSEMBLY / name], libc=False) for name in ("exceptions.S", "wait.S")]
    run = CoreRun(faults=faults)
    verdicts = hunt(run, faults, standard_stimuli(programs))
    run.close()
    wrong = [f"{verdict.fault.name}: {verdict.how}" for verdict in verdicts
             if not verdict.as_listed]
    assert not wrong
