"""The C programs: the same output at every optimisation, on the oracle and on the core."""

import dataclasses
import functools
from pathlib import Path

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.compilers import CompileError, find_compiler
from sw.toolchain import compile_c

PROGRAMS = Path(__file__).parents[2] / "sw" / "firmware" / "programs"
OUTPUTS = Path(__file__).with_name("program_outputs")
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.c"))
RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}

# Between them they use every unit of the core; the others run in `make test-long`.
IN_LOCKSTEP = {"hello": "-O0", "quicksort": "-O2", "crc": "-Os", "redblack": "-O0", "json": "-O2",
               "atomics": "-O2", "faults": "-O2"}
FROM_GCC_IN_LOCKSTEP = {"hello": "-O0", "lists": "-O2", "recursion": "-Os"}

# gcc makes no code for float and double without floating-point registers.
WITH_FLOAT = ("format", "matrix", "nbody")
LEVELS = ["-O0", "-O2", "-Os"]


def missing_gcc():
    try:
        find_compiler("gcc")
    except CompileError as error:
        return str(error)
    return ""


needs_gcc = pytest.mark.skipif(bool(missing_gcc()), reason=missing_gcc())
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


@functools.cache
def simulator():
    from sim.lockstep.session import CoreRun
    return CoreRun()


def check_on_core(name, optimise, compiler="clang", stall=0):
    from sim.lockstep.session import new_checker
    checker = new_checker(f"tilicho run sw/firmware/programs/{name}.c --cc {compiler} "
                          f"-O{optimise[2:]} --lockstep")
    run = simulator()
    run.load(program(name, optimise, compiler), checker=checker, stall=stall)
    result = run.run(max_cycles=60_000_000, checker=checker)
    expected = reference(name, optimise, compiler)
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


def check_on_oracle(name, optimise, compiler):
    result = reference(name, optimise, compiler)
    assert result.output.decode() == (OUTPUTS / f"{name}.txt").read_text()
    assert result.exit == 0


@pytest.mark.parametrize("name", NAMES)
def test_on_oracle(name):
    check_on_oracle(name, "-O2", "clang")


@pytest.mark.parametrize("name", IN_LOCKSTEP)
def test_on_core_in_lockstep(name):
    check_on_core(name, IN_LOCKSTEP[name])


@needs_gcc
@pytest.mark.parametrize("name", FROM_GCC_IN_LOCKSTEP)
def test_from_gcc_on_core_in_lockstep(name):
    check_on_oracle(name, FROM_GCC_IN_LOCKSTEP[name], "gcc")
    check_on_core(name, FROM_GCC_IN_LOCKSTEP[name], "gcc")


@needs_gcc
@pytest.mark.parametrize("name", WITH_FLOAT)
def test_gcc_refuses_float(name):
    with pytest.raises(CompileError, match=f"{name}.c calculates with float or double, which gcc "
                                           f"cannot do"):
        program(name, "-O2", "gcc")


def test_on_core_with_a_memory_that_stalls():
    patient, hindered = check_on_core("hello", "-O2"), check_on_core("hello", "-O2", stall=128)
    assert hindered.cycles > patient.cycles
    assert hindered.output == patient.output


@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimise", "compiler"), BUILDS)
def test_all_on_core_in_lockstep(name, optimise, compiler):
    check_on_oracle(name, optimise, compiler)
    check_on_core(name, optimise, compiler)
