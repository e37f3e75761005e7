"""``tilicho run`` as a user sees it: status, output, figures, one line for each mistake."""

import json
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
    status, line, _ = failure(capfd, item)
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
    assert "has not ended after 5,000 cycles, at pc 0x4000" in line


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
