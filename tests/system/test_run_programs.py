"""The C programs: the same output at every optimisation, on the oracle and on the core."""

import dataclasses
import functools
from pathlib import Path

import pytest

from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.compilers import CompileError
from sw.toolchain import compile_c
from tests.system.lockstep_programs import RAM, check_on_core, needs_gcc

PROGRAMS = Path(__file__).parents[2] / "sw" / "firmware" / "programs"
OUTPUTS = Path(__file__).with_name("program_outputs")
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.c"))

# Between them they use every unit of the core; the others run in `make test-long`.
IN_LOCKSTEP = {"hello": "-O0", "quicksort": "-O2", "crc": "-Os", "redblack": "-O0", "json": "-O2",
               "atomics": "-O2", "faults": "-O2"}
FROM_GCC_IN_LOCKSTEP = {"hello": "-O0", "crc": "-O2", "lists": "-O2", "recursion": "-Os"}

# gcc makes no code for float and double without floating-point registers.
WITH_FLOAT = ("format", "matrix", "nbody")
LEVELS = ["-O0", "-O2", "-O3", "-Os"]


BUILDS = ([pytest.param(name, optimise, "clang", id=f"{name}-clang{optimise}")
           for name in NAMES for optimise in LEVELS]
          + [pytest.param(name, optimise, "gcc", id=f"{name}-gcc{optimise}", marks=needs_gcc)
             for name in NAMES if name not in WITH_FLOAT for optimise in LEVELS])


@functools.cache
def program(name, optimise, compiler):
    warnings = ("-Wall", "-Wextra") if compiler == "clang" else ()
    elf = compile_c([PROGRAMS / f"{name}.c"], optimise=optimise, compiler=compiler, flags=warnings)
    return dataclasses.replace(load_program(elf, **RAM), name=name)


@functools.cache
def reference(name, optimise, compiler):
    return run_reference(program(name, optimise, compiler))


def check_build(name, optimise, compiler="clang", stall=0):
    return check_on_core(program(name, optimise, compiler), reference(name, optimise, compiler),
                         f"tilicho run sw/firmware/programs/{name}.c --cc {compiler} "
                         f"-O {optimise[2:]} --lockstep", stall=stall)


def test_all_programs_have_an_expected_output():
    assert sorted(path.stem for path in OUTPUTS.glob("*.txt")) == NAMES
    assert len(NAMES) >= 20


def check_on_oracle(name, optimise, compiler):
    result = reference(name, optimise, compiler)
    assert result.output.decode() == (OUTPUTS / f"{name}.txt").read_text()
    assert result.exit == 0


@pytest.mark.parametrize("name", NAMES)
def test_on_oracle(name):
    check_on_oracle(name, "-O2", "clang")


@pytest.mark.parametrize("name", IN_LOCKSTEP)
def test_on_core_in_lockstep(name):
    check_build(name, IN_LOCKSTEP[name])


@needs_gcc
@pytest.mark.parametrize("name", FROM_GCC_IN_LOCKSTEP)
def test_from_gcc_on_core_in_lockstep(name):
    check_on_oracle(name, FROM_GCC_IN_LOCKSTEP[name], "gcc")
    check_build(name, FROM_GCC_IN_LOCKSTEP[name], "gcc")


@needs_gcc
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_FLOAT])
def test_builds_with_gcc(name):
    assert program(name, "-O2", "gcc").segments


@needs_gcc
@pytest.mark.parametrize("name", WITH_FLOAT)
def test_gcc_refuses_float(name):
    with pytest.raises(CompileError, match=f"{name}.c calculates with float or double, which gcc "
                                           f"cannot do"):
        program(name, "-O2", "gcc")


def test_on_core_with_a_memory_that_stalls():
    patient, hindered = check_build("hello", "-O2"), check_build("hello", "-O2", stall=128)
    assert hindered.cycles > patient.cycles
    assert hindered.output == patient.output


@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimise", "compiler"), BUILDS)
def test_all_on_core_in_lockstep(name, optimise, compiler):
    check_on_oracle(name, optimise, compiler)
    check_build(name, optimise, compiler)
