"""``tilicho bench core`` as a user sees it: figures that add up, own programs, wrong input."""

import json

import pytest

from rtl.config import preset, preset_hash
from rtl.core.cause import CycleCause
from sim.cli import main

# The simulator of `tilicho run`, which other tests need too.
PRESET = ["--preset", "sim"]

PROGRAM = """\
#include <stdlib.h>
int values[64];
int main(int argc, char **argv)
{
    unsigned sum = 0;
    for (int i = 0; i < 64; i++)
        sum += values[i] += i * argc;
    return STATUS;
}
"""


def tilicho(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "prog.c"
    path.write_text(PROGRAM)
    return path


def figures(folder, *arguments):
    path = folder / "figures.json"
    status = tilicho("bench", "core", *arguments, *PRESET, "--json", path)
    return status, json.loads(path.read_text())


def test_figures_add_up_and_the_second_run_is_faster(program, tmp_path, capsys):
    status, warm = figures(tmp_path, program, "-D", "STATUS=sum == 2016 ? 3 : 4")
    assert status == 0      # a program's own status is no error
    row, = warm["rows"]
    assert row["program"] == "prog"
    assert row["exit"] == 3
    assert set(row["stack"]) == {cause.name.lower() for cause in CycleCause}
    assert sum(row["stack"].values()) == row["cycles"]
    assert row["cpi"] == row["cycles"] / row["instructions"]
    assert warm["geomean_cpi"] == pytest.approx(row["cpi"], rel=1e-12)
    assert (warm["preset"], warm["run"]) == ("sim", "second")
    assert warm["preset_hash"] == preset_hash(preset("sim"))
    table = capsys.readouterr().out
    for text in ("prog", f"{row['instructions']:,}", f"{row['cycles']:,}", f"{row['cpi']:.3f}"):
        assert text in table

    status, cold = figures(tmp_path, program, "-D", "STATUS=sum == 2016 ? 3 : 4", "--cold")
    first, = cold["rows"]
    assert (status, cold["run"], first["exit"]) == (0, "cold", 3)
    assert sum(first["stack"].values()) == first["cycles"]
    assert first["stack"]["reset"] > 0 == row["stack"]["reset"]
    assert first["stack"]["imiss"] > row["stack"]["imiss"]
    assert first["cycles"] > row["cycles"]


def test_several_programs_with_arguments(program, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "main.c").write_text("int part(void); int main(void) { return part(); }")
    (folder / "part.c").write_text("int part(void) { return 9; }")
    status, report = figures(tmp_path, program, folder, "-D", "STATUS=argc", "--arg", "x",
                             "--arg", "y", "-O", "s")
    assert status == 0
    assert [(row["program"], row["exit"]) for row in report["rows"]] == [("prog", 3), ("parts", 9)]
    low, high = sorted(row["cpi"] for row in report["rows"])
    assert low < report["geomean_cpi"] < high


def test_both_runs_read_the_same_input(program, tmp_path):
    text = tmp_path / "input.txt"
    text.write_text("abc")
    program.write_text("#include <stdio.h>\n"
                       "int main(void) { int n = 0; while (getchar() != EOF) n++; return n; }")
    status, report = figures(tmp_path, program, "--stdin", text, "-l", "m")
    assert (status, report["rows"][0]["exit"]) == (0, 3)


@pytest.mark.parametrize("status, text", [
    ("(abort(), 0)", "abort() or a failed assertion: prog (status 134)"),
    ("*(volatile int *)0x10", "Ended by an exception"),
])
def test_a_crash_is_an_error(program, tmp_path, capfd, status, text):
    assert figures(tmp_path, program, "-D", f"STATUS={status}")[0] == 2
    assert text in capfd.readouterr().err.splitlines()[-1]


def test_a_program_without_end_is_an_error(program, capfd):
    assert tilicho("bench", "core", program, *PRESET, "-D", "STATUS=({ for (;;); 0; })",
                   "--max-cycles", 20_000) == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("tilicho: error: prog has not ended after 20,000 cycles")


@pytest.mark.parametrize("arguments, text", [
    (["nowhere.c"], "No file nowhere.c"),
    (["--preset", "huge"], "unknown preset 'huge'"),
    (["-O", "9"], "Unknown optimisation '9'"),
    (["-I", "nowhere"], "No folder nowhere"),
    (["--cc", "nowhere-gcc"], "No compiler nowhere-gcc"),
    (["-l", "png"], "No library png"),
    (["--stdin", "nowhere.txt"], "No file nowhere.txt"),
    (["--latency", "1"], "--latency"),
])
def test_wrong_input_is_one_line(capfd, arguments, text):
    assert tilicho("bench", "core", *arguments) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1].startswith("tilicho: error: ")
    assert text in lines[-1]
