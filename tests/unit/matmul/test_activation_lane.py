# amaranth: UnusedElaboratable=no

"""The datapath of the activation engine for one partition, against the model, with stalls."""

import random

import numpy as np
import pytest

from rtl.config import TILE_TYPES, TileConfig
from rtl.matmul.activation_lane import ActivationLane
from rtl.matmul.encoding import OUTPUTS
from sim.models.formats import FORMATS, to_fp32_array
from sim.models.matmul import activate
from sim.models.random_bits import RandomBits
from tests.helpers import simulate

CONFIG = TileConfig(size=4)
WORDS = np.array([0, 1, -1, 2 ** 31 - 1, -2 ** 31, 127, 128, -128, -129, 5, 6, 7, -5, -6, -7],
                 np.int32)
PATTERNS = np.array([0, 0x8000_0000, 1, 0x8000_0001, 0x7F80_0000, 0xFF80_0000, 0x7F80_0001,
                     0xFFC0_0000, 0x3F80_8000, 0x3F81_8000, 0xBF80_7FFF, 0x7F7F_FFFF],
                    np.uint32).view(np.int32)


def run(values, bias, fields, type, config=CONFIG):
    """Pass ``values`` through the lane; stall and leave bubbles at random."""
    dut = ActivationLane(config)
    rng = random.Random(1)
    results = []

    async def drive(ctx):
        ctx.set(dut.function, {"floating": type != "int8", **fields,
                               "output": OUTPUTS[fields["output"]]})
        ctx.set(dut.bias, int(bias) & 0xFFFF_FFFF)
        pipeline, waiting = [0] * (dut.latency + 1), list(values)
        while waiting or any(pipeline):
            step = rng.random() < 0.7
            pipeline[0] = bool(waiting) and rng.random() < 0.8
            if pipeline[0]:
                ctx.set(dut.value, int(waiting[0]) & 0xFFFF_FFFF)
            ctx.set(dut.step, step)
            ctx.set(dut.valid, sum(bit << i for i, bit in enumerate(pipeline[:-1])))
            if step and pipeline[-1]:
                results.append(ctx.get(dut.result))
            if step and pipeline[0]:
                waiting.pop(0)
            await ctx.tick()
            if step:
                pipeline = [0, *pipeline[:-1]]

    simulate(dut, drive)
    return np.array(results, np.uint64)


@pytest.mark.parametrize("bias, relu, multiplier, shift", [
    (0, 0, 1, 0), (0, 0, 1, 1), (0, 0, 1, 2), (0, 1, 3, 2), (1 << 30, 0, 65535, 47),
    (-77, 0, 40503, 20), (12, 1, 0, 9)])
def test_requantisation(bias, relu, multiplier, shift):
    rng = np.random.default_rng(2)
    values = np.concatenate([WORDS, rng.integers(-600, 600, 150),
                             rng.integers(-2 ** 31, 2 ** 31, 60)]).astype(np.int32)
    fields = {"bias": int(bias != 0), "relu": relu, "output": "int8", "multiplier": multiplier,
              "shift": shift}
    got = run(values, bias, fields, "int8").astype(np.uint8).view(np.int8)
    want = activate(values[None], type="int8", output="int8", relu=bool(relu),
                    bias=np.array([bias]) if bias else None, multiplier=multiplier, shift=shift)
    assert np.array_equal(got, want[0])


@pytest.mark.parametrize("output", ["word", "bf16", "fp16", "fp8_e4m3", "fp8_e4m3fn", "fp8_e5m2"])
@pytest.mark.parametrize("relu", [0, 1])
def test_small_formats(output, relu):
    """Values around every exponent of the format, halves between its numbers, and its ends."""
    config = TileConfig(size=4, types=TILE_TYPES)
    rng = np.random.default_rng(4)
    if output == "word":
        numbers = PATTERNS.view(np.float32)
    else:
        form = FORMATS[output]
        grid = to_fp32_array(output, np.arange(min(1 << form.bits, 1 << 15)))
        grid = np.sort(rng.choice(grid[np.isfinite(grid)], 300).astype(np.float64))
        numbers = np.concatenate([grid, (grid[1:] + grid[:-1]) / 2, [1e30, -1e30, 465, 464, 248,
                                                                     65519, 65520, 1e-9]])
    values = numbers.astype(np.float32).view(np.int32)
    values = np.concatenate([values, values ^ 1, PATTERNS])
    fields = {"bias": 0, "relu": relu, "output": output, "multiplier": 0, "shift": 0}
    got = run(values, 0, fields, "fp8_e5m2", config)
    want = activate(values.view(np.float32)[None], type="fp8_e5m2", output=output,
                    relu=bool(relu))[0]
    assert np.array_equal(got, want.view(np.uint32) if output == "word" else want)


@pytest.mark.parametrize("shift", [0, 1, 3, 16, 20, 47])
def test_stochastic_requantisation(shift):
    """The same numbers as the model's generator, one for each value."""
    rng = np.random.default_rng(5)
    values = np.concatenate([WORDS, rng.integers(-600, 600, 100) << min(shift, 20)]
                            ).astype(np.int32)
    fields = {"bias": 0, "relu": 0, "output": "int8", "multiplier": 3, "shift": shift,
              "stochastic": 1}
    got = run(values, 0, fields, "int8").astype(np.uint8).view(np.int8)
    want = activate(values[None], type="int8", output="int8", multiplier=3, shift=shift,
                    random=RandomBits(1).draw(1, len(values)))
    assert np.array_equal(got, want[0])


@pytest.mark.parametrize("types", [("bf16",), TILE_TYPES])
def test_stochastic_rounding_to_bf16(types):
    rng = np.random.default_rng(6)
    values = np.concatenate([PATTERNS, rng.integers(-2 ** 31, 2 ** 31, 150)]).astype(np.int32)
    fields = {"bias": 0, "relu": 0, "output": "bf16", "multiplier": 0, "shift": 0,
              "stochastic": 1}
    got = run(values, 0, fields, "bf16", TileConfig(size=4, types=types))
    want = activate(values.view(np.float32)[None], type="bf16", output="bf16",
                    random=RandomBits(1).draw(1, len(values)))
    assert np.array_equal(got, want[0])


def test_integers_take_as_long_as_small_formats():
    config = TileConfig(size=4, types=TILE_TYPES)
    fields = {"bias": 0, "relu": 0, "output": "int8", "multiplier": 3, "shift": 2}
    got = run(WORDS, 0, fields, "int8", config).astype(np.uint8).view(np.int8)
    want = activate(WORDS[None], type="int8", output="int8", multiplier=3, shift=2)
    assert np.array_equal(got, want[0])


@pytest.mark.parametrize("type, output", [("int8", "word"), ("bf16", "word"), ("bf16", "bf16")])
@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize("bias", [None, 0x4020_0000, 0x7F80_0000])
def test_words(type, output, relu, bias):
    rng = np.random.default_rng(3)
    values = np.concatenate([PATTERNS, WORDS, rng.integers(-2 ** 31, 2 ** 31, 80)]
                            ).astype(np.int32)
    fields = {"bias": int(bias is not None), "relu": relu, "output": output, "multiplier": 9,
              "shift": 5}
    dtype = np.int32 if type == "int8" else np.float32
    addend = None if bias is None else np.array([bias], np.uint32).view(dtype)
    got = run(values, bias or 0, fields, type)
    want = activate(values.view(dtype)[None], type=type, output=output, relu=bool(relu),
                    bias=addend)[0]
    raw = want.view(np.uint16 if output == "bf16" else np.uint32)
    assert np.array_equal(got & (0xFFFF if output == "bf16" else 0xFFFF_FFFF), raw)
