"""Unit tests of what the commands print, and of the warm-up of Yosys."""

import json

import numpy as np
import pytest

from sim import warmup
from sim.cli.output import print_table, progress, write_json
from sim.errors import UserError


def test_json_takes_numpy_scalars(tmp_path):
    path = tmp_path / "new" / "figures.json"
    write_json(path, {"cycles": np.int64(7), "share": np.float32(0.5), "equal": np.bool_(True)})
    assert json.loads(path.read_text()) == {"cycles": 7, "share": 0.5, "equal": True}


def test_json_goes_to_standard_output(capsys):
    write_json("-", {"a": 1})
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_json_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot write .*file/x.json: "):
        write_json(tmp_path / "file" / "x.json", {})


def test_json_refuses_objects(tmp_path):
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        write_json(tmp_path / "x.json", {"a": object()})


def test_table(capsys):
    print_table("Cells", ["part", "LUT", "MHz"], [("array", 12345, None), ("core", 6, 49.25)],
                total=("total", 12351, None))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Cells"
    cells = [[cell.strip() for cell in line.strip("│┃ ").replace("┃", "│").split("│")]
             for line in lines if "│" in line or "┃" in line]
    assert cells == [["part", "LUT", "MHz"], ["array", "12,345", "-"], ["core", "6", "49.2"],
                     ["total", "12,351", "-"]]


def test_progress_without_a_terminal_is_sparse(capsys):
    with progress("building") as show:
        for step in range(100):
            show(f"step {step}")
    assert capsys.readouterr().err == "building ...\n"


def test_warm_up_says_what_it_did():
    figures = warmup.warm_up()
    assert figures["seconds"] > 0
    assert figures["version"].startswith("0.")
    assert warmup.cached()
