"""The product compiler alone: its steps, executed by the model of the tile's memories."""

import dataclasses
import random

import numpy as np
import pytest

from rtl.config import TileConfig
from sim.models import matmul as model
from sim.models.formats import patterns
from sim.models.matmul_program import unroll
from sim.models.matmul_state import TileState
from sw.kernels.matmul import START, matmul_program
from sw.kernels.plan import ideal_cycles
from sw.kernels.steps import Await, Push, Read, Signal, Write

CONFIG = TileConfig(size=4, sbuf_bytes=1024, psum_banks=2, queue_depth=4, semaphores=4,
                    loop_body=8)
UNROLLED = dataclasses.replace(CONFIG, loop_body=0)


def operand(rng, type, shape):
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return patterns("bf16", rng.standard_normal(shape).astype(np.float32))


class Execution:
    """Runs steps: instructions one at a time, both queues as far as their semaphores let them."""

    def __init__(self, program):
        self.program = program
        self.state = TileState(size=CONFIG.size, sbuf_bytes=CONFIG.sbuf_bytes,
                               psum_banks=CONFIG.psum_banks, chain=CONFIG.chain)
        self.semaphores = [0] * CONFIG.semaphores
        self.queues = {"tensor": [], "activation": []}
        self.done = dict.fromkeys(self.queues, 0)
        self.instructions = 0

    def _start(self, instruction):
        """Execute an instruction if its semaphore lets it; returns whether."""
        fields = dict(instruction.fields)
        wait, consume, index, value = (fields.pop(name, 0) for name in (
            "wait", "consume", "wait_index", "wait_value"))
        if wait and self.semaphores[index] < value:
            return False
        self.semaphores[index] -= value * consume
        add_index, add_value = fields.pop("add_index", 0), fields.pop("add_value", 0)
        if instruction.mnemonic != "nop":
            fields["type"] = self.program.type
            if instruction.mnemonic == "activate":
                fields["output"] = "word"
            getattr(self.state, instruction.mnemonic)(**fields)
        self.semaphores[add_index] += add_value
        return True

    def _advance(self):
        moved = True
        while moved:
            moved = False
            for engine, queue in self.queues.items():
                waiting = list(unroll(queue, size=CONFIG.size, psum_banks=CONFIG.psum_banks))
                while self.done[engine] < len(waiting) and self._start(
                        waiting[self.done[engine]]):
                    self.done[engine] += 1
                    moved = True

    def run(self, a, b):
        pieces, announced = {}, False
        for step in self.program.steps(a, b):
            match step:
                case Write():
                    assert step.address + len(step.payload) <= CONFIG.sbuf_bytes
                    self.state.sbuf[step.partition, step.address:][:len(step.payload)] = (
                        np.frombuffer(step.payload, np.uint8))
                    self.queues = {"tensor": [], "activation": []}
                    self.done = dict.fromkeys(self.queues, 0)
                    announced = False
                case Push():
                    self.instructions += 1
                    self.queues[step.engine].append(step.instruction)
                    assert announced or len(self.queues[step.engine]) <= CONFIG.queue_depth
                case Signal():
                    assert step.index == START
                    announced = True
                    self.semaphores[step.index] += 1
                case Await():
                    self._advance()
                    assert self.semaphores[step.index] >= 1, "the host would wait for ever"
                    self.semaphores[step.index] -= 1
                case Read():
                    pieces[step.tag] = self.state.sbuf[step.partition, step.address:][
                        :step.count].tobytes()
        assert not any(self.semaphores[index] for index in (0, 2, 3))
        return self.program.result(pieces)


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_any_size_gives_the_product(type):
    rng, sizes = np.random.default_rng(1), random.Random(1)
    shapes = [(1, 1, 1), (4, 4, 16), (5, 5, 17), (1, 900, 1), (70, 3, 1), (1, 3, 70), (33, 40, 50)]
    shapes += [tuple(sizes.randrange(1, 30) for _ in range(3)) for _ in range(25)]
    chunked, transposed = set(), set()
    for index, (m, k, n) in enumerate(shapes):
        program = matmul_program(m, k, n, type, (CONFIG, UNROLLED)[index % 2])
        a, b = operand(rng, type, (m, k)), operand(rng, type, (k, n))
        got = Execution(program).run(a, b)
        want = model.matmul(a, b, type, CONFIG.size, CONFIG.chain)
        assert got.dtype == want.dtype and got.shape == want.shape
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (m, k, n)
        chunked.add(len(program.plan.chunks) > 1)
        transposed.add(program.transposed)
    assert chunked == transposed == {False, True}


@pytest.mark.parametrize("type", ["int8", "bf16"])
@pytest.mark.parametrize("shape", [(3, 5, 4), (4, 8, 16), (30, 9, 20)])
def test_independent_products(type, shape):
    m, k, n = shape
    rng = np.random.default_rng(2)
    program = matmul_program(m, k, n, type, CONFIG, products=7)
    a, b = operand(rng, type, (7, m, k)), operand(rng, type, (7, k, n))
    got = Execution(program).run(a, b)
    for left, right, result in zip(a, b, got, strict=True):
        want = model.matmul(left, right, type, CONFIG.size, CONFIG.chain)
        assert np.array_equal(result.view(np.uint32), want.view(np.uint32))


def test_loops_keep_programs_short():
    """K = 40 is ten tiles: with a loop, a result tile takes as many instructions as for K = 8."""
    counts = []
    for k in (8, 40):
        execution = Execution(matmul_program(4, k, 16, "int8", CONFIG))
        rng = np.random.default_rng(3)
        execution.run(operand(rng, "int8", (4, k)), operand(rng, "int8", (k, 16)))
        counts.append(execution.instructions)
    assert counts[0] == counts[1] == 6


def test_ideal_cycles_by_hand():
    assert ideal_cycles(64, 64, 64, 8) == 4096
    assert ideal_cycles(1, 128, 128, 8) == 256
    assert ideal_cycles(9, 8, 3, 8) == 6


@pytest.mark.parametrize("arguments, message", [
    ((0, 1, 1, "int8", CONFIG), "at least 1"),
    ((1, 1, 1, "fp4", CONFIG), "Type must be one the tile is built for"),
    ((1, 1, 1, "int8", TileConfig(semaphores=2)), "needs 4 semaphores"),
])
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        matmul_program(*arguments)
