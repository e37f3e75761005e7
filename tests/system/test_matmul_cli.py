"""``tilicho matmul`` as a user calls it."""

import json

import numpy as np
import pytest

from sim.cli import main


@pytest.fixture
def matrices(tmp_path):
    rng = np.random.default_rng(1)
    paths = {}
    for name, shape, dtype in (("a", (5, 9), np.int8), ("b", (9, 3), np.int8),
                               ("wide", (5, 9), np.float32), ("cube", (2, 2, 2), np.int8),
                               ("double", (9, 3), np.float64)):
        paths[name] = tmp_path / f"{name}.npy"
        np.save(paths[name], (rng.standard_normal(shape) * 40).astype(dtype))
    (tmp_path / "text.npy").write_text("no matrix")
    paths |= {"text": tmp_path / "text.npy", "missing": tmp_path / "missing.npy"}
    return paths


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code or 0


def test_product_and_figures(matrices, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    status = run("matmul", matrices["a"], matrices["b"], "-o", tmp_path / "c.npy", "--preset",
                 "up5k", "--json", figures)
    assert status == 0, capsys.readouterr()
    left, right = np.load(matrices["a"]), np.load(matrices["b"])
    got = np.load(tmp_path / "c.npy")
    assert got.dtype == np.int32
    assert np.array_equal(got, left.astype(np.int32) @ right.astype(np.int32))
    values = json.loads(figures.read_text())
    assert {key: values[key] for key in ("m", "k", "n", "type", "bit_exact", "preset")} == {
        "m": 5, "k": 9, "n": 3, "type": "int8", "bit_exact": True, "preset": "up5k"}
    assert values["utilisation"] == values["ideal_cycles"] / values["cycles"]
    assert "every bit as in the model" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, message", [
    (("missing", "b"), "No file"),
    (("text", "b"), "is not a .npy file"),
    (("cube", "b"), "two dimensions, not (2, 2, 2)"),
    (("a", "a"), "columns of A must equal rows of B"),
    (("wide", "b"), "holds int8: --type bf16 takes float32 or bfloat16"),
    (("a", "double"), "holds float64, not int8"),
    (("a", "b", "--type", "fp64"), "unknown type 'fp64'"),
    (("a", "b", "--preset", "none"), "unknown preset 'none'"),
    (("wide", "b", "--type", "bf16", "--preset", "up5k"), "Preset up5k has no bf16 cells"),
])
def test_wrong_input_gives_one_line(matrices, capsys, arguments, message):
    words = [matrices.get(word, word) for word in arguments]
    assert run("matmul", *words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
