"""Random C programs from Csmith: the same checksum on the host, on the oracle and on the core."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.toolchain import compile_c
from tests.system.lockstep_programs import RAM, check_on_core, needs_gcc

OPTIONS = ["--no-float", "--max-funcs", "6", "--max-block-depth", "4", "--max-expr-complexity", "8"]
HEADERS = next((folder for folder in map(Path, ("/usr/include/csmith", "/usr/include",
                                                "/usr/local/include"))
                if (folder / "csmith.h").exists()), None)
MISSING = "apt-get install csmith libcsmith-dev g++"

# As macros, its safe operations leave no unused functions of float behind, which gcc would refuse.
MACROS = "USE_MATH_MACROS"

# A program may run for ever; one that takes longer than this on the oracle is passed over.
MOST_INSTRUCTIONS = 400_000
HOST_SECONDS = 10
FAST, LONG = 2, 50
LEVELS = ("-O0", "-O2", "-O3", "-Os")

pytestmark = pytest.mark.skipif(
    not (shutil.which("csmith") and HEADERS and shutil.which("gcc")), reason=MISSING)


def generate(folder, seed):
    """Return the program of a seed and what it prints on the host; None if that takes too long."""
    source, host = folder / f"csmith{seed}.c", folder / "host"
    # It leaves a file in the folder in which it runs.
    text = subprocess.run(["csmith", "-s", str(seed), *OPTIONS], cwd=folder, check=True,
                          capture_output=True, text=True, timeout=60).stdout
    source.write_text(text)
    subprocess.run(["gcc", "-O1", "-w", f"-D{MACROS}", f"-I{HEADERS}", source, "-o", host],
                   check=True)
    try:
        output = subprocess.run([host], capture_output=True, timeout=HOST_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        return source, None
    return source, output.stdout


def check(folder, seed, builds):
    """Check the program of a seed in several builds; return the instructions that were checked."""
    print(f"csmith -s {seed} {' '.join(OPTIONS)}")
    source, output = generate(folder, seed)
    if output is None:
        pytest.skip(f"the program of seed {seed} does not end within {HOST_SECONDS} s")
    assert b"checksum = " in output
    checked = 0
    for compiler, optimise in builds:
        elf = compile_c([source], optimise=optimise, compiler=compiler, includes=[HEADERS],
                        defines=[MACROS], flags=["-w"])
        program = dataclasses.replace(load_program(elf, **RAM), name=source.stem)
        expected = run_reference(program, max_instructions=100 * MOST_INSTRUCTIONS)
        assert (expected.exit, expected.output) == (0, output), (compiler, optimise)
        if expected.instructions > MOST_INSTRUCTIONS:
            continue
        command = (f"csmith -s {seed} {' '.join(OPTIONS)} > prog.c; tilicho run prog.c "
                   f"-I {HEADERS} -D {MACROS} --cc {compiler} -O {optimise[2:]} "
                   f"--lockstep")
        checked += check_on_core(program, expected, command).checked
    return checked


@pytest.mark.parametrize("seed", range(1, 1 + FAST))
def test_few_programs_from_clang(tmp_path, seed):
    assert check(tmp_path, seed, [("clang", "-O2")]) > 0


@needs_gcc
def test_one_program_from_gcc(tmp_path):
    assert check(tmp_path, 1, [("gcc", "-O2")]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["clang", pytest.param("gcc", marks=needs_gcc)])
@pytest.mark.parametrize("seed", range(100, 100 + LONG))
def test_many_programs(tmp_path, seed, compiler):
    check(tmp_path, seed, [(compiler, LEVELS[seed % len(LEVELS)])])
