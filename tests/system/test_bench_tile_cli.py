"""``tilicho bench tile`` as a user sees it: figures that add up, own shapes, wrong input."""

import json

import pytest

from rtl.config import preset, preset_hash
from rtl.matmul.registers import STALLS
from sim.cli import main

# The smallest tile: the simulator of test_matmul_cli.py.
PRESET = ["--preset", "up5k"]


def tilicho(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code or 0


def figures(folder, *arguments):
    path = folder / "figures.json"
    assert tilicho("bench", "tile", *arguments, *PRESET, "--json", path) == 0
    return json.loads(path.read_text())


def test_figures_of_own_shapes(tmp_path, capsys):
    report = figures(tmp_path, "--shape", "8x12x16", "--shape", "1x1x1", "--type", "int8")
    assert (report["preset"], report["preset_hash"]) == ("up5k", preset_hash(preset("up5k")))
    first, second = report["rows"]
    assert {key: first[key] for key in ("m", "k", "n", "type", "source", "bit_exact")} == {
        "m": 8, "k": 12, "n": 16, "type": "int8", "source": "sbuf", "bit_exact": True}
    assert first["ideal_cycles"] == first["active"] == 2 * 3 * 16
    assert second["ideal_cycles"] == second["active"] == 1
    for row in report["rows"]:
        assert set(row["stalls"]) == {*STALLS, "eviction"}
        assert row["active"] + sum(row["stalls"].values()) == row["cycles"]
        assert row["utilisation"] == row["ideal_cycles"] / row["cycles"]
        assert row["stalls"]["eviction"] > 0 == row["stalls"]["error"]
        assert row["useful_share"] == row["m"] * row["k"] * row["n"] / (16 * row["cycles"])
    table = capsys.readouterr().out
    assert "8 x 12 x 16" in table and f"{first['utilisation']:.2%}" in table


def test_independent_products_are_one_run(tmp_path):
    row, = figures(tmp_path, "--shape", "4x8x4", "--products", "5")["rows"]
    assert (row["products"], row["ideal_cycles"], row["active"]) == (5, 40, 40)
    assert row["bit_exact"] and row["utilisation"] == 40 / row["cycles"]


def test_cycles_do_not_depend_on_the_values_and_random_shapes_on_the_seed(tmp_path):
    first, again, other = (figures(tmp_path, "--random", "3", "--seed", seed)
                           for seed in ("1", "1", "2"))
    assert first == again
    assert [row["m"] for row in first["rows"]] != [row["m"] for row in other["rows"]]
    assert all(row["bit_exact"] for row in first["rows"] + other["rows"])
    mean = sum(row["utilisation"] for row in first["rows"]) / 3
    assert first["mean_utilisation"] == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("arguments, text", [
    (["--shape", "3x4"], "--shape takes MxKxN"),
    (["--shape", "0x4x4"], "--shape takes MxKxN"),
    (["--type", "bf16", *PRESET], "Preset up5k has no bf16 cells: it is built for int8"),
    (["--source", "disk"], "unknown source 'disk'"),
    (["--preset", "huge"], "unknown preset 'huge'"),
    (["--random", "-1"], "--random"),
])
def test_wrong_input_is_one_line(capfd, arguments, text):
    assert tilicho("bench", "tile", *arguments) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1].startswith("tilicho: error: ")
    assert text in lines[-1]
