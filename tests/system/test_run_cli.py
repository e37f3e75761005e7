"""``tilicho run`` as a user sees it: status, output, figures, one line for each mistake."""

import json
import re
import subprocess
import sys

import pytest

from sim.cli import main

HELLO = """\
#include <stdio.h>
int main(int argc, char **argv)
{
    printf("%s has %d arguments\\n", VALUE, argc - 1);
    for (int c; (c = getchar()) != EOF;)
        putchar(c ^ 32);
    return argc == 3 && argv[2][0] == 'b' ? 5 : 6;
}
"""


def tilicho(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture
def source(tmp_path):
    def write(text, name="prog.c"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


def test_program_with_everything(source, tmp_path, capfdbinary):
    text = source("abc", "input.txt")
    figures = tmp_path / "figures.json"
    status = tilicho("run", source(HELLO), "-O", "1", "-D", 'VALUE="main"', "--arg", "a b",
                     "--arg", "b", "--stdin", text, "--lockstep", "--json", figures)
    output, errors = capfdbinary.readouterr()
    assert status == 5
    assert output == b"main has 2 arguments\nABC"
    assert b"0 mismatches" in errors
    report = json.loads(figures.read_text())
    assert report["exit"] == 5
    assert report["cycles"] == sum(report["stack"].values())
    assert report["cpi"] == report["cycles"] / report["instructions"]
    assert report["lockstep"]["mismatches"] == 0
    assert report["lockstep"]["instructions"] >= report["instructions"] > 500
    assert report["lockstep"]["taken"]["device loads"] > 10
    assert report["sim_cycles_per_second"] > 0


def test_several_files_and_a_folder_of_headers(source, tmp_path):
    (tmp_path / "include").mkdir()
    source("int twice(int);\n", "include/twice.h")
    first = source('#include "twice.h"\nint main(void) { return twice(21); }', "first.c")
    second = source('#include "twice.h"\nint twice(int x) { return 2 * x; }', "second.c")
    assert tilicho("run", first, second, "-I", tmp_path / "include") == 42


def failure(capfd, *arguments):
    """Run something wrong; return the last line of what it says."""
    status = tilicho("run", *arguments)
    _, errors = capfd.readouterr()
    last = errors.strip().splitlines()[-1]
    assert last.startswith("tilicho: error: ")
    assert "Traceback" not in errors
    return status, last, errors


def test_missing_file(capfd):
    status, line, _ = failure(capfd, "nowhere.elf")
    assert (status, "No file nowhere.elf" in line) == (2, True)


def test_not_an_elf(capfd, source):
    status, line, _ = failure(capfd, source("hello", "prog.elf"))
    assert (status, "is not an ELF file" in line) == (2, True)


def test_elf_for_another_machine(capfd):
    status, line, _ = failure(capfd, sys.executable)
    assert status == 2
    assert "AArch64" in line


def test_elf_outside_ram(capfd, source, tmp_path):
    elf = tmp_path / "low.elf"
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding",
                    "-nostdlib", "-Wl,--entry=main", source("int main(void) { return 0; }"),
                    "-o", elf], check=True)
    status, line, _ = failure(capfd, elf)
    assert (status, "outside the RAM at 0x40000000" in line) == (2, True)


def test_object_file(capfd, source, tmp_path):
    item = tmp_path / "part.o"
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding", "-c",
                    source("int f(void) { return 0; }"), "-o", item], check=True)
    status, line, _ = failure(capfd, item.rename(tmp_path / "part"))
    assert (status, "is not an executable" in line) == (2, True)


def test_compile_error_shows_the_message(capfd, source):
    status, line, errors = failure(capfd, source("int main(void) { return x; }"))
    assert (status, "Cannot compile" in line) == (2, True)
    assert "error: use of undeclared identifier 'x'" in errors


def test_unknown_level(capfd, source):
    status, line, _ = failure(capfd, source("int main(void) { return 0; }"), "-O", "9")
    assert (status, "Unknown optimisation '9'" in line) == (2, True)


def test_elf_and_source(capfd, source):
    status, line, _ = failure(capfd, source("", "a.c"), source("", "b.elf"))
    assert (status, "Give either one ELF" in line) == (2, True)


def test_program_that_never_ends(capfd, source):
    status, line, _ = failure(capfd, source("int main(void) { for (;;) { } }"),
                              "--max-cycles", "5000")
    assert status == 124
    assert "has not ended after 5,000 cycles, at pc 0x4010" in line
    assert " in main: is it an endless loop? --max-cycles gives it more" in line


CRASHES = """\
#include <stdio.h>
__attribute__((noinline)) static int deep(int depth)
{
    volatile char room[400];
    room[depth & 255] = 1;
    return deep(depth + 1) + room[3];
}
__attribute__((noinline)) static void write_to(unsigned long address)
{
    *(volatile int *)address = 3;
    __asm__ volatile("dsb sy");
}
__attribute__((noinline)) static int read_from(unsigned long address)
{
    return *(volatile int *)address + 1;
}
int main(void)
{
    puts("before");
    return CRASH;
}
"""


@pytest.mark.parametrize("crash, status, text", [
    ("deep(1)", 135, "stack overflow, at pc 0x4010.... in deep.* called from deep"),
    ("(write_to(0x20000000), 0)", 135,
     "store to an address where nothing is, a few .* called from main"),
    ("read_from(0x20000004)", 132,
     r"access: load from 0x20000004, at pc .* in read_from.* \(ldr w., \[x.\]\), called from "),
    ("(((void (*)(void))0x20000000)(), 0)", 132,
     "jump to 0x20000000, where no code is, .* called from main"),
    ("(__builtin_trap(), 0)", 132, r"BRK \(a trap of the compiler\), at pc .* in main"),
])
def test_crash_is_explained(capfd, source, tmp_path, crash, status, text):
    figures = tmp_path / "figures.json"
    code, line, _ = failure(capfd, source(CRASHES), "-D", f"CRASH={crash}", "--json", figures)
    assert code == status
    assert re.search(f"prog.c crashed: {text}", line)
    assert re.search(text, json.loads(figures.read_text())["crash"])


def test_no_main(capfd, source):
    status, line, errors = failure(capfd, source("int x;"))
    assert (status, "Cannot compile" in line) == (2, True)
    assert "undefined symbol: main" in errors


def test_other_mistakes(capfd, source):
    prog = source("int main(void) { return 0; }")
    for arguments, text in ((["--cc", "nowhere-gcc"], "No compiler nowhere-gcc: apt-get"),
                            (["-l", "png"], "No library png"),
                            (["--preset", "huge"], "unknown preset 'huge'")):
        status, line, _ = failure(capfd, prog, *arguments)
        assert (status, text in line) == (2, True)


def test_object_files_flags_and_libraries(source, tmp_path):
    from sw.compilers import clang
    item = tmp_path / "part.o"
    clang().compile(source("int part(void) { return 40; }", "part.c"), item, ["-O2"])
    prog = source("int part(void);\nint main(void) { return part() + EXTRA; }")
    assert tilicho("run", prog, item, "-l", "m", "--flag=-DEXTRA=2", "--preset", "ulx3s") == 42


def test_mismatch_has_its_own_status(monkeypatch, capfd, source):
    """A core that answers wrongly: here the log is read wrongly instead."""
    from sim.lockstep import session
    honest = session.decode_records

    def twist(rows):
        records = honest(rows)
        if records:
            records[len(records) // 2].nzcv ^= 8
        return records
    monkeypatch.setattr(session, "decode_records", twist)
    status = tilicho("run", source("int main(void) { return 0; }"), "--lockstep")
    _, errors = capfd.readouterr()
    assert status == 125
    assert "lockstep mismatch after" in errors
    assert "reproduce: tilicho" in errors
