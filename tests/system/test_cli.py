"""The command line: help, version, and one line for each wrong input."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


PROGRAM = [sys.executable, "-c", "import sim.cli; sim.cli.main()"]


@dataclasses.dataclass
class Result:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def tilicho(capsys):
    """Run the command in this process, which saves the start of Python."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        return Result(caught.value.code, *capsys.readouterr())

    return run


def assert_one_line(result, text, *, status=2):
    """An error is one line on the standard error output and nothing on the other."""
    assert result.returncode == status
    lines = [line for line in result.stderr.splitlines() if not line.endswith(" ...")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("tilicho: error: ")
    assert text in lines[0]


def test_help_lists_every_command(tilicho):
    result = tilicho("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in result.stdout


def test_no_arguments_shows_help(tilicho):
    result = tilicho()
    assert (result.returncode, result.stdout) == (0, tilicho("--help").stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(tilicho, command):
    result = tilicho(command, "--help")
    assert result.returncode == 0
    assert "Example" in result.stdout
    assert f"tilicho {command}" in " ".join(result.stdout.split())


def test_version(tilicho):
    result = tilicho("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("tilicho ")


@pytest.mark.parametrize("arguments, text", [
    (["nonsense"], "No such command 'nonsense'"),
    (["doctor", "--nonsense"], "No such option: --nonsense"),
    (["doctor", "--json"], "requires an argument"),
    (["doctor", "--json", "/proc/nowhere/file.json"], "cannot write /proc/nowhere/file.json"),
    (["emit", "tile", "-o", "x"],
     "unknown block 'tile': choose one of matmul, matmul_array, core, nitro_dma, chip"),
    (["emit", "core", "--preset", "huge", "-o", "x"],
     "unknown preset 'huge': choose one of sim, large, formats, ulx3s, up5k"),
    (["emit", "core"], "Missing option '--output'"),
    (["emit", "chip", "--preset", "dma64", "-o", "x"],
     "Core and DMA must be 128 bits wide on the chip, not 128 and 64"),
    (["synth", "chip", "--preset", "dma64"],
     "Core and DMA must be 128 bits wide on the chip, not 128 and 64"),
    (["emit", "core", "-o", "/proc/nowhere"], "cannot write to /proc/nowhere"),
    (["synth", "tile"], "unknown block 'tile'"),
    (["synth", "core", "--preset", "huge"], "unknown preset 'huge'"),
    (["synth", "core", "--target", "asic"],
     "unknown target 'asic': choose one of ecp5, ice40, xc7, generic"),
    (["synth", "core", "--seeds", "0"], "--seeds"),
])
def test_wrong_input_is_one_line(tilicho, arguments, text):
    assert_one_line(tilicho(*arguments), text)


def test_defect_is_one_line_unless_debugging(monkeypatch):
    program = ("import sim.cli\n"
               "@sim.cli.app.command()\n"
               "def broken():\n"
               "    raise ZeroDivisionError('of ours')\n"
               "sim.cli.main(['broken'])\n")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                            text=True)
    assert_one_line(result, "ZeroDivisionError: of ours", status=1)
    assert "TILICHO_DEBUG=1" in result.stderr
    monkeypatch.setenv("TILICHO_DEBUG", "1")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                            text=True)
    assert "Traceback" in result.stderr


def test_doctor(tilicho, tmp_path):
    file = tmp_path / "doctor.json"
    result = tilicho("doctor", "--json", str(file))
    report = json.loads(file.read_text())
    states = {item["what"]: item["state"] for item in report["findings"]}
    assert states["Python"] == "ok"
    assert states["amaranth"] == "ok"
    assert report["ok"] == (result.returncode == 0) == (not report["missing"])


def test_doctor_names_what_lacks_and_the_remedy(tmp_path):
    # Without a PATH there is no compiler, no make and no perl.
    file = tmp_path / "doctor.json"
    result = subprocess.run([*PROGRAM, "doctor", "--json", str(file)], cwd=ROOT,
                            env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert result.returncode == 1
    report = json.loads(file.read_text())
    assert report["missing"] == ["C++ compiler", "make", "perl (Verilator's front)"]
    remedies = {item["what"]: item["remedy"] for item in report["findings"]}
    assert remedies["make"] == "apt-get install make"


def test_emit_writes_both_files_anywhere(tilicho, tmp_path):
    result = tilicho("emit", "nitro_dma", "--preset", "sim", "-o", str(tmp_path / "new" / "out"))
    assert result.returncode == 0, result.stderr
    assert "nitro_dma, preset sim (" in result.stdout
    verilog = (tmp_path / "new" / "out" / "nitro_dma.sv").read_text()
    assert "module nitro_dma(" in verilog
    assert "always_ff" in verilog
    rtlil = (tmp_path / "new" / "out" / "nitro_dma.il").read_text()
    assert rtlil.count("module \\nitro_dma\n") == 1
