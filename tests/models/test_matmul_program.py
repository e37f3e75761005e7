"""The product compiler alone: its steps, executed by the model of the tile's memories."""

import random

import numpy as np
import pytest

from rtl.config import TileConfig
from sim.models import matmul as model
from sim.models.matmul_state import TileState
from sim.models.numerics import bf16_bits
from sw.kernels.matmul import Await, Push, Read, Write, ideal_cycles, matmul_program

CONFIG = TileConfig(size=4, sbuf_bytes=1024, psum_banks=2, queue_depth=4, semaphores=4)


def operand(rng, type, shape):
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return bf16_bits(rng.standard_normal(shape).astype(np.float32))


def execute(program, a, b):
    """Run the steps in order, one instruction at a time."""
    state = TileState(size=CONFIG.size, sbuf_bytes=CONFIG.sbuf_bytes,
                      psum_banks=CONFIG.psum_banks)
    semaphores, pieces = [0] * CONFIG.semaphores, {}
    for step in program.steps(a, b):
        match step:
            case Write():
                assert step.address + len(step.payload) <= CONFIG.sbuf_bytes
                state.sbuf[step.partition, step.address:][:len(step.payload)] = np.frombuffer(
                    step.payload, np.uint8)
            case Push():
                fields = dict(step.instruction.fields)
                waits = [fields.pop(name, 0) for name in ("wait", "consume", "wait_index",
                                                          "wait_value")]
                add_index, add_value = fields.pop("add_index", 0), fields.pop("add_value", 0)
                fields.pop("release", None)
                if waits[0]:
                    assert semaphores[waits[2]] >= waits[3], "the program would wait for ever"
                    semaphores[waits[2]] -= waits[3] * waits[1]
                if step.instruction.mnemonic != "nop":
                    fields["type"] = program.type
                    if "output" in fields or step.instruction.mnemonic == "activate":
                        fields["output"] = "word"
                    getattr(state, step.instruction.mnemonic)(**fields)
                semaphores[add_index] += add_value
            case Await():
                assert semaphores[step.index] >= 1, "the host would wait for ever"
                semaphores[step.index] -= 1
            case Read():
                pieces[step.tag] = state.sbuf[step.partition, step.address:][:step.count].tobytes()
    return program.result(pieces)


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_any_size_gives_the_product(type):
    rng, sizes = np.random.default_rng(1), random.Random(1)
    shapes = [(1, 1, 1), (4, 4, 16), (5, 5, 17), (1, 900, 1), (70, 3, 1), (1, 3, 70), (33, 40, 50)]
    shapes += [tuple(sizes.randrange(1, 30) for _ in range(3)) for _ in range(25)]
    chunked, transposed = set(), set()
    for m, k, n in shapes:
        program = matmul_program(m, k, n, type, CONFIG)
        a, b = operand(rng, type, (m, k)), operand(rng, type, (k, n))
        got, want = execute(program, a, b), model.matmul(a, b, type, CONFIG.size)
        assert got.dtype == want.dtype and got.shape == want.shape
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (m, k, n)
        chunked.add(len(program.chunks) > 1)
        transposed.add(program.transposed)
    assert chunked == transposed == {False, True}


def test_ideal_cycles_by_hand():
    assert ideal_cycles(64, 64, 64, 8) == 4096
    assert ideal_cycles(1, 128, 128, 8) == 256
    assert ideal_cycles(9, 8, 3, 8) == 6


@pytest.mark.parametrize("arguments, message", [
    ((0, 1, 1, "int8", CONFIG), "at least 1"),
    ((1, 1, 1, "fp4", CONFIG), "Type must be one the tile is built for"),
    ((1, 1, 1, "int8", TileConfig(semaphores=2)), "needs 3 semaphores"),
])
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        matmul_program(*arguments)
