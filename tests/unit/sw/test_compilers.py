"""Compilers by name: those of the machine, and what is said about those that it lacks."""

import sys

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.compilers import CompileError, Gcc, clang, find_compiler
from sw.toolchain import compile_c, vector_instructions

RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}

PROGRAM = """\
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t counter;
static jmp_buf state;

static __attribute__((noinline)) __int128 power(__int128 base, int exponent)
{
    __int128 result = 1;
    while (exponent--)
        result *= base;
    return result;
}

int main(int argc, char **argv)
{
    volatile int seven = 6 + argc;
    bool back = false;
    if (setjmp(state) == 0)
        longjmp(state, 3);
    else
        back = true;
    atomic_fetch_add(&counter, 5u);
    __int128 large = power(seven, 40) / power(seven, 33) % 1000003;
    int_fast16_t fast = INT_FAST16_MAX;
    char *copy = strdup(argv[0]);
    printf("%d %d %" PRIu64 " %ld %" PRIdFAST16 " %d %s\\n", seven, back,
           (uint64_t)counter, (long)large, fast / fast, CHAR_MIN, copy);
    free(copy);
}
"""


def gcc():
    try:
        return find_compiler("gcc")
    except CompileError as error:
        pytest.skip(str(error))


def test_clang_comes_along():
    assert find_compiler() is find_compiler("clang") is clang()


@pytest.mark.parametrize("optimise", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["clang", "gcc"])
def test_headers_and_run_time_fit_each_compiler(tmp_path, compiler, optimise):
    if compiler == "gcc":
        gcc()
    source = tmp_path / "prog.c"
    source.write_text(PROGRAM)
    elf = compile_c([source], optimise=optimise, compiler=compiler, flags=["-Wall", "-Werror"])
    result = run_reference(load_program(elf, **RAM))
    assert (result.exit, result.output.split()[:6]) == (
        0, [b"7", b"1", b"5", str(7**7 % 1000003).encode(), b"1", b"0"])
    assert vector_instructions(elf) == []


def test_gcc_by_path_and_its_refusal_of_float(tmp_path):
    chosen = gcc()
    assert isinstance(chosen, Gcc)
    assert find_compiler(chosen.path) == chosen
    source = tmp_path / "prog.c"
    source.write_text("double half(double x) { return x / 2; }\nint main(void) { return 0; }")
    with pytest.raises(CompileError, match=r"(?s)prog\.c:1:.*prog\.c calculates with float .*, "
                                           r"which gcc cannot do .*: compile it with clang$"):
        compile_c([source], compiler="gcc")


def fake(folder, name, answers):
    """Return the path of a program that answers as a compiler would."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\nprint({answers!r}[sys.argv[1]])\n")
    path.chmod(0o755)
    return str(path)


def test_what_is_not_a_compiler_for_a64(tmp_path):
    remedy = "apt-get install gcc-aarch64-linux-gnu"
    with pytest.raises(CompileError, match=f"^No compiler nowhere-gcc: {remedy}"):
        find_compiler("nowhere-gcc")
    with pytest.raises(CompileError, match="is not a C compiler: "):
        find_compiler(fake(tmp_path, "list", {}))
    with pytest.raises(CompileError, match="compiles for riscv64-elf, not for A64: "):
        find_compiler(fake(tmp_path, "cc1", {"-dumpmachine": "riscv64-elf"}))
    with pytest.raises(CompileError, match="is a clang: the project's own is used without --cc"):
        find_compiler(fake(tmp_path, "cc2", {"-dumpmachine": "aarch64-none-elf",
                                             "--version": "Debian clang version 19"}))


def test_no_gcc_for_a64(tmp_path, monkeypatch):
    fake(tmp_path, "gcc", {"-dumpmachine": "x86_64-linux-gnu"})
    monkeypatch.setenv("PATH", str(tmp_path))
    find_compiler.cache_clear()
    with pytest.raises(CompileError, match="^No compiler gcc for A64: apt-get install "):
        find_compiler("gcc")
    find_compiler.cache_clear()
