"""Self-checking bare-metal programs on the core in its run harness."""

from pathlib import Path

import pytest

from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.lockstep.program import load_program
from sim.lockstep.session import CoreRun
from sw.toolchain import compile_c

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def harness():
    return CoreRun()


def run(harness, source, *, stall=0):
    elf = compile_c([PROGRAMS / source], libc=False)
    program = load_program(elf, ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
    harness.load(program, stall=stall)
    return harness.run(max_cycles=200_000)


@pytest.mark.parametrize("stall", [0, 120])
def test_exceptions_privilege_and_maintenance(harness, stall):
    """The exit status is the number of the check that failed; see the program's source."""
    result = run(harness, "exceptions.S", stall=stall)
    assert result.exit == 0
    assert sum(result.stack.values()) == result.cycles


def test_every_cycle_has_a_cause(harness):
    result = run(harness, "exceptions.S")
    assert sum(result.stack.values()) == result.cycles
    # The counters stop with the exit, a few instructions after the store that asks for it.
    assert 0 <= result.stack["issue"] - result.instructions <= 4
    for cause in ("imiss", "branch", "load", "store", "barrier", "system", "exception", "reset"):
        assert result.stack[cause] > 0, cause


def test_wfi_waits_for_an_interrupt(harness):
    result = run(harness, "wait.S")
    assert result.exit == 0
    # Three times 3000 cycles, apart from what starts and ends each wait.
    assert 8_900 < result.stack["wait"] < 9_100
    assert result.instructions < 100
