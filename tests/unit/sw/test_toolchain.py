"""The C tool chain: what it accepts, what it refuses, what it links."""

import re

import pytest
from elftools.elf.elffile import ELFFile

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.compilers import clang, find_compiler, run_zig
from sw.toolchain import (
    OPTIMISE,
    ROOT,
    STACK_BYTES,
    CompileError,
    compile_c,
    link_script,
    vector_instructions,
)

RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}


def build(tmp_path, text, **options):
    source = tmp_path / "prog.c"
    source.write_text(text)
    return compile_c([source], **options)


def run(tmp_path, text, **options):
    return run_reference(load_program(build(tmp_path, text, **options), **RAM))


def test_level_is_checked(tmp_path):
    with pytest.raises(ValueError, match=r"^Optimisation must be one of -O0, .*, not '-O9'$"):
        build(tmp_path, "int main(void) { return 0; }", optimise="-O9")


def test_levels_are_told_apart():
    """The zig driver would take -O1 and -O3 for -O2, and -Oz for -Os."""
    text = ROOT / "sw" / "firmware" / "programs" / "sorts.c"
    code = {level: compile_c([text], optimise=level).read_bytes() for level in OPTIMISE}
    assert code["-Og"] == code["-O1"]       # as clang has it
    assert len(set(code.values())) == len(OPTIMISE) - 1


def test_message_of_the_compiler(tmp_path):
    with pytest.raises(CompileError, match=r"prog\.c:1:24: error: use of undeclared identifier"):
        build(tmp_path, "int main(void) {return x;}")


def test_message_of_the_linker(tmp_path):
    with pytest.raises(CompileError, match="undefined symbol: missing"):
        build(tmp_path, "int missing(void);\nint main(void) { return missing(); }")


def test_program_larger_than_ram(tmp_path):
    with pytest.raises(CompileError, match="program does not fit in RAM"):
        build(tmp_path, "static volatile char big[65 << 20];\n"
                        "int main(void) { big[1] = 1; return big[2]; }")


def test_same_input_gives_the_same_file(tmp_path):
    text = "int main(void) { return 3; }"
    first = build(tmp_path, text)
    stamp = first.stat().st_mtime_ns
    assert build(tmp_path, text) == first
    assert first.stat().st_mtime_ns == stamp
    assert build(tmp_path, text, optimise="-O0") != first
    assert build(tmp_path, text, output=tmp_path / "out.elf").read_bytes() == first.read_bytes()


def test_changed_header_is_noticed(tmp_path):
    (tmp_path / "value.h").write_text("#define VALUE 5\n")
    text = '#include "value.h"\nint main(void) { return VALUE + EXTRA; }'
    options = {"includes": [tmp_path], "defines": ["EXTRA=1"]}
    assert run(tmp_path, text, **options).exit == 6
    (tmp_path / "value.h").write_text("#define VALUE 7\n")
    assert run(tmp_path, text, **options).exit == 8


def test_image_lies_in_ram_above_the_stack(tmp_path):
    elf = build(tmp_path, "int main(void) { return 0; }")
    with elf.open("rb") as file:
        image = ELFFile(file)
        assert image["e_machine"] == "EM_AARCH64"
        assert image["e_entry"] == RAM["ram_base"] + STACK_BYTES
        for segment in image.iter_segments("PT_LOAD"):
            assert image["e_entry"] <= segment["p_vaddr"] < RAM["ram_base"] + RAM["ram_bytes"]


@pytest.mark.parametrize(("word", "text"), [
    (0x1e602820, "fadd d0, d1, d0"), (0x3dc00020, "ldr q0, [x1]"), (0x4ea11c20, "mov v0.16b"),
    (0xad000020, "stp q0, q0"), (0x9e660000, "fmov x0, d0"),
])
def test_vector_instructions_are_refused(tmp_path, word, text):
    with pytest.raises(CompileError, match=f"holds 1 floating-point or SIMD instructions, the "
                                           f"first at 0x4010....: {re.escape(text)}"):
        build(tmp_path, f"int main(void) {{ __asm__ volatile(\".inst {word:#x}\"); }}")


def test_plain_program_has_no_vector_instruction(tmp_path):
    elf = build(tmp_path, "#include <stdio.h>\n#include <math.h>\n"
                          "int main(int c, char **v) { (void)v; printf(\"%g\", sin(c)); }")
    assert vector_instructions(elf) == []


def test_assert_works_in_optimised_programs(tmp_path):
    result = run(tmp_path, "#include <assert.h>\n"
                           "int main(int argc, char **argv) { (void)argv; assert(argc == 2); }")
    assert result.exit == 134
    assert b"prog.c:2: assertion failed: argc == 2\n" in result.output
    disabled = run(tmp_path, "#include <assert.h>\nint main(void) { assert(0); }",
                   defines=["NDEBUG"])
    assert disabled.exit == 0


def test_unexpected_exception_is_reported(tmp_path):
    result = run(tmp_path, "int main(void) { __asm__ volatile(\".inst 0\"); }")
    assert result.exit == 128 + 4
    assert result.output.startswith(b"unexpected exception, vector 4: ESR 0x2000000, ELR 0x4010")


def test_exit_runs_handlers_in_reverse(tmp_path):
    result = run(tmp_path, """\
#include <stdio.h>
#include <stdlib.h>
static void first(void) { printf("first "); }
static void second(void) { printf("second "); }
__attribute__((constructor)) static void before(void) { printf("before "); }
int main(void) { atexit(first); atexit(second); printf("main "); exit(300); }
""")
    assert (result.exit, result.output) == (300 & 0xff, b"before main second first ")


def test_arguments_and_input(tmp_path):
    elf = build(tmp_path, """\
#include <stdio.h>
int main(int argc, char **argv)
{
    char line[16];
    for (int i = 1; i < argc; i++)
        printf("<%s>", argv[i]);
    while (fgets(line, sizeof line, stdin))
        printf("[%s]", line);
    return argv[argc] != NULL;
}
""")
    result = run_reference(load_program(elf, **RAM), arguments=["a b", ""], stdin=b"one\ntwo")
    assert (result.exit, result.output) == (0, b"<a b><>[one\n][two]")


def test_store_to_nowhere_is_reported(tmp_path):
    """Late on the core, at once on the oracle."""
    result = run(tmp_path, "int main(void) { *(volatile int *)0x20000000 = 1; return 3; }")
    assert result.exit >= 128
    assert result.output.startswith(b"unexpected exception, vector ")


def test_objects_and_libraries_are_linked(tmp_path):
    part = tmp_path / "part.c"
    part.write_text("int part(void) { return 17; }")
    item = tmp_path / "part.o"
    clang().compile(part, item, ["-O2"])
    library = tmp_path / "libpart.a"
    run_zig(["ar", "rc", library, item])
    source = tmp_path / "main.c"
    source.write_text("int part(void);\nint main(void) { return part(); }")
    for objects in ([source, item], [source, library]):
        assert run_reference(load_program(compile_c(objects), **RAM)).exit == 17


THREAD_LOCAL = """\
#include <stdio.h>
#include <string.h>
static _Thread_local int set = 5;
_Thread_local char text[100] = "text";
static _Thread_local long zero[40];
static __thread struct { char c; _Alignas(32) int x; } aligned = {'a', 9};
static int plain[3], filled = 77;
int main(void)
{
    int clear = 1;
    for (int i = 0; i < 40; i++)
        clear &= !zero[i];
    printf("%d %s %d %d%c%d ", set++, text, clear, aligned.x, aligned.c,
           (unsigned long)&aligned.x % 32 == 0);
    memset(zero, 255, sizeof zero);
    zero[39] = set;
    printf("%d %d %d %s %ld", plain[0] + plain[1] + plain[2], filled, aligned.x, text, zero[39]);
}
"""


@pytest.mark.parametrize("compiler", ["clang", "gcc"])
def test_thread_local_variables(tmp_path, compiler):
    try:
        find_compiler(compiler)
    except CompileError as error:
        pytest.skip(str(error))
    result = run(tmp_path, THREAD_LOCAL, compiler=compiler)
    assert (result.exit, result.output) == (0, b"5 text 1 9a1 0 77 9 text 6")


def test_script_names_the_ram():
    script = link_script(base=0x8000_0000, ram_bytes=1 << 20, stack_bytes=1 << 16)
    assert "__stack_bottom = 0x80000000;" in script
    assert ". = 0x80010000;" in script
    assert "__arguments = 0x800ff000;" in script
