"""``tilicho bench dma`` as a user sees it: figures that add up, own rows, wrong input."""

import json

import pytest

from sim.cli import main


def tilicho(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.mark.cocotb
def test_bench_dma_figures_add_up(tmp_path, capsys):
    path = tmp_path / "dma.json"
    assert tilicho("bench", "dma", "--size", 64, "--size", 250, "--latency", 0, "--latency", 7,
                   "--json", path, "--seed", 3) == 0
    figures = json.loads(path.read_text())
    assert [(row["size"], row["latency"]) for row in figures["rows"]] == [
        (64, 0), (64, 7), (250, 0), (250, 7)]
    for row in figures["rows"]:
        assert (row["case"], row["port"], row["queues"]) == ("ring", "own", 1)
        assert row["transfers"] == 1000
        assert row["beats"] == 1000 * -(-row["size"] // 8)
        assert row["utilisation"] == 1000 * row["size"] / 8 / row["cycles"]
        assert row["cycles_per_descriptor"] == row["cycles"] / 1000
        assert 0.5 < row["utilisation"] <= 1
    assert figures["launch"] == {"push": 2, "ring": 8}
    table = capsys.readouterr().out
    for row in figures["rows"]:
        assert f"{100 * row['utilisation']:.2f} %" in table


@pytest.mark.cocotb
def test_bench_dma_pushes(tmp_path):
    """Pushed transfers are moved as if from rings, as fast as the registers are written."""
    path = tmp_path / "dma.json"
    assert tilicho("bench", "dma", "--case", "push", "--size", 500, "--transfers", 50,
                   "--json", path) == 0
    row, = json.loads(path.read_text())["rows"]
    assert (row["case"], row["transfers"], row["beats"]) == ("push", 50, 50 * 63)
    assert row["utilisation"] > 0.9


@pytest.mark.cocotb
def test_bench_dma_rows(tmp_path):
    """Rows of one transfer, of which some share their places, and a beat in every cycle."""
    path = tmp_path / "dma.json"
    assert tilicho("bench", "dma", "--case", "nd", "--size", 8, "--size", 2000, "--transfers", 1010,
                   "--json", path) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["size"], row["transfers"], row["beats"]) for row in rows] == [
        (8, 1010, 1010), (2000, 1010, 1010 * 250)]
    assert all(0.9 < row["utilisation"] <= 1 for row in rows)


@pytest.mark.cocotb
def test_bench_dma_transposes(tmp_path, capsys):
    """Matrices of 16-bit elements, with a whole number of blocks and without."""
    path = tmp_path / "dma.json"
    assert tilicho("bench", "dma", "--case", "transpose", "--size", 64, "--size", 21, "--latency",
                   100, "--transfers", 40, "--json", path) == 0
    whole, odd = json.loads(path.read_text())["rows"]
    assert (whole["transfers"], whole["beats"]) == (40, 40 * 1024)
    assert 0.9 < whole["of_copy"] <= 1 and whole["utilisation"] > 0.9
    assert odd["beats"] >= 40 * 21 * 21 * 2 / 8
    assert f"{100 * whole['of_copy']:.2f} % of copying it" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, message", [
    (["--case", "transpose", "--size", "257"], "A matrix has 1 to 256 rows, not 257"),
    (["--case", "transpose", "--transfers", "2000"], "1024 transfers at most, not 2000"),
    (["--case", "random"], "Unknown case 'random': choose one of ring"),
    (["--port", "third", "--size", "8"], "Unknown port 'third': choose one of"),
    (["--size", "0"], "A transfer has 1 to 65536 bytes, not 0"),
    (["--latency", "-1"], "Latency must be 0 to 10000 cycles, not -1"),
    (["--queues", "3"], "DMA queues must be a power of two from 1 to 64, not 3"),
    (["--queues", "4", "--transfers", "10"], "4 queues are measured with 16 to 16384 transfers"),
])
def test_bench_dma_refuses(arguments, message, capsys):
    assert tilicho("bench", "dma", *arguments) == 2
    assert message in capsys.readouterr().err
