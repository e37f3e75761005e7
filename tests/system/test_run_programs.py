"""The C programs: the same output at every optimisation, on the oracle and on the core."""

import dataclasses
import functools
from pathlib import Path

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.toolchain import compile_c

PROGRAMS = Path(__file__).parents[2] / "sw" / "firmware" / "programs"
OUTPUTS = Path(__file__).with_name("program_outputs")
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.c"))
RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}

# Between them they use every unit of the core; the others run in `make test-long`.
IN_LOCKSTEP = {"hello": "-O0", "quicksort": "-O2", "crc": "-Os", "redblack": "-O0", "json": "-O2",
               "atomics": "-O2", "faults": "-O2"}


@functools.cache
def program(name, optimise):
    elf = compile_c([PROGRAMS / f"{name}.c"], optimise=optimise, flags=("-Wall", "-Wextra"))
    return dataclasses.replace(load_program(elf, **RAM), name=name)


@functools.cache
def reference(name, optimise):
    return run_reference(program(name, optimise))


@functools.cache
def simulator():
    from sim.lockstep.session import CoreRun
    return CoreRun()


def check_on_core(name, optimise, stall=0):
    from sim.lockstep.session import new_checker
    checker = new_checker(f"tilicho run sw/firmware/programs/{name}.c -O{optimise[2:]} --lockstep")
    run = simulator()
    run.load(program(name, optimise), checker=checker, stall=stall)
    result = run.run(max_cycles=60_000_000, checker=checker)
    expected = reference(name, optimise)
    assert result.exit == expected.exit
    assert result.output == expected.output
    assert result.checked >= result.instructions
    # The oracle is stopped by the exit register itself, the core a few instructions later.
    assert expected.instructions <= result.checked < expected.instructions + 200
    assert sum(result.stack.values()) == result.cycles
    return result


def test_all_programs_have_an_expected_output():
    assert sorted(path.stem for path in OUTPUTS.glob("*.txt")) == NAMES
    assert len(NAMES) >= 20


@pytest.mark.parametrize("optimise", [pytest.param("-O0", marks=pytest.mark.slow), "-O2",
                                      pytest.param("-Os", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_on_oracle(name, optimise):
    result = reference(name, optimise)
    assert result.output.decode() == (OUTPUTS / f"{name}.txt").read_text()
    assert result.exit == 0


@pytest.mark.parametrize("name", IN_LOCKSTEP)
def test_on_core_in_lockstep(name):
    check_on_core(name, IN_LOCKSTEP[name])


def test_on_core_with_a_memory_that_stalls():
    patient, hindered = check_on_core("hello", "-O2"), check_on_core("hello", "-O2", stall=128)
    assert hindered.cycles > patient.cycles
    assert hindered.output == patient.output


@pytest.mark.slow
@pytest.mark.parametrize("optimise", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("name", NAMES)
def test_all_on_core_in_lockstep(name, optimise):
    check_on_core(name, optimise)
