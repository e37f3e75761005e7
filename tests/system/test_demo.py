"""The demo: network, firmware and chip together, in the simulator."""

import json

import pytest

from rtl.config import preset
from sim.cli import main
from sim.demo import prepare, run_demo
from sim.errors import UserError
from sw.demo.network import load


@pytest.fixture
def model():
    model = prepare(preset("sim"))
    yield model
    model.close()


def test_ten_digits_bit_exact_through_the_command(tmp_path, capsys):
    target = tmp_path / "demo.json"
    with pytest.raises(SystemExit) as end:
        main(["demo", "--images", "10", "--json", str(target)])
    assert end.value.code == 0
    figures = json.loads(target.read_text())
    assert figures["images"] == 10 and figures["bit_exact"] is True
    assert figures["correct"] == int((load()(load().images[:10]).argmax(1)
                                      == load().labels[:10]).sum())
    assert figures["macs"] == 10 * 2368
    assert set(figures) >= {"images", "correct", "bit_exact", "cycles_per_image",
                            "utilisation_active", "utilisation_total", "dma_bytes",
                            "sim_cycles_per_second", "build_seconds"}
    assert "100 of 100 equal" in capsys.readouterr().out


def test_batches_and_a_ragged_last_one(model):
    result = run_demo(model, preset("sim"), load().shuffled(5), 75)
    assert result.problems == []
    assert result.logits.shape == (75, 10)


def test_cycles_of_a_batch_are_bounded(model):
    result = run_demo(model, preset("sim"), load(), 128)
    assert result.problems == []
    assert result.inference_cycles <= 400 * 128


def test_corrupted_weights_change_chip_and_model_alike(model):
    corrupted = load().corrupted(300)
    result = run_demo(model, preset("sim"), corrupted, 32)
    assert result.problems == []
    assert (result.logits != load()(load().images[:32])).any()


def test_a_chip_that_disagrees_is_reported(model):
    network = load()
    result = run_demo(model, preset("sim"), network, 8)
    result.logits[3, 4] += 1
    assert result.problems == ["1 of 80 logits differ from the model"]


def test_a_firmware_that_never_ends_is_an_error(model):
    with pytest.raises(UserError, match="did not end within"):
        run_demo(model, preset("sim"), load(), 1, max_cycles_per_image=-999_000)


@pytest.mark.parametrize("arguments, message", [
    (["--images", "0"], "--images must be 1 to 599, not 0"),
    (["--preset", "huge"], "Unknown preset 'huge': choose one of sim, large, formats, ulx3s, up5k"),
    (["--preset", "up5k"], "does not fit a 4 x 4 tile with 2 PSUM banks"),
    (["--corrupt-weights", "9999"], "Corrupted weights must be 0 to 2368, not 9999"),
    (["--vcd", "a.vcd", "--fst", "a.fst"], "exclude each other"),
    (["--vcd", "/no/such/folder/a.vcd"], "its folder does not exist"),
])
def test_wrong_input_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["demo", *arguments])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
