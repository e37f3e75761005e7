"""Random instruction streams on the core, each instruction compared with the oracle."""

import functools

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import Program
from sim.models.a64_random import generate, link


@functools.cache
def simulator():
    from sim.lockstep.session import CoreRun
    return CoreRun()


def check(seed, chunks, *, stall=0):
    """Run a stream; return how many instructions were compared."""
    from sim.lockstep.session import new_checker

    stream = link(generate(seed, chunks), seed=seed, ram_base=region("DRAM").base,
                  exit_address=region("SYSCTL").base)
    checker = new_checker(f"tests/system/test_lockstep_random.py: "
                          f"check({seed}, {chunks}, stall={stall})")
    run = simulator()
    run.load(Program(f"seed {seed}", stream.entry, stream.segments), checker=checker, stall=stall)
    result = run.run(max_cycles=2_000_000 + chunks * 500, checker=checker)
    assert result.exit == 0
    assert sum(result.stack.values()) == result.cycles
    return checker.checked


@pytest.mark.parametrize(("seed", "stall"), [(1, 0), (2, 96), (3, 160)])
def test_streams_of_ten_thousand(seed, stall):
    """Streams of an odd seed run with the caches on."""
    assert check(seed, 4000, stall=stall) > 9_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_streams_of_fifty_thousand(seed):
    assert check(seed, 20_000, stall=seed % 4 * 40) > 45_000
