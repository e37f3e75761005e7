"""Lane of the vector unit: every operation on corner values, with stalls, against the model."""

import itertools
import random

import numpy as np
import pytest

from rtl.config import TileConfig
from rtl.matmul.encoding import OPERATIONS
from rtl.matmul.vector_lane import VectorLane
from sim.models.vector import is_zero, tensor_tensor
from tests.helpers import simulate
from tests.unit.float.test_fused_add import CORNERS_32

INTEGERS = (0, 1, 2, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0x1_0001, 0xFFFE_0003)


def operands(floating, rng):
    corners = CORNERS_32 if floating else INTEGERS
    pairs = list(itertools.product(corners, corners))
    pairs += [(rng.randrange(1 << 32), rng.randrange(1 << 32)) for _ in range(100)]
    return pairs


@pytest.mark.parametrize("types, floating", [(("int8", "bf16"), 0), (("int8", "bf16"), 1),
                                             (("int8",), 0), (("bf16",), 1)])
def test_every_operation(types, floating):
    dut = VectorLane(TileConfig(types=types))
    rng = random.Random(1)
    pairs = operands(floating, rng)
    dtype = np.float32 if floating else np.int32
    a, b = (np.array(column, np.uint32).view(dtype) for column in zip(*pairs, strict=True))

    async def drive(ctx):
        ctx.set(dut.floating, floating)
        for name, value in OPERATIONS.items():
            want = tensor_tensor(name, a, b, "word").view(np.uint32)
            keep = is_zero(a) & (name == "select")
            ctx.set(dut.operation, value)
            pending, valid = list(enumerate(pairs)), [None] * dut.LATENCY
            results = 0
            while results < len(pairs):
                entry = pending.pop(0) if pending and rng.random() < 0.8 else None
                if entry:
                    ctx.set(dut.a, entry[1][0])
                    ctx.set(dut.b, entry[1][1])
                stages = [entry, *valid]
                ctx.set(dut.valid, sum((stage is not None) << i
                                       for i, stage in enumerate(stages[:-1])))
                step = rng.random() < 0.8
                ctx.set(dut.step, step)
                if step and valid[-1]:
                    index = valid[-1][0]
                    assert ctx.get(dut.result) == want[index], (name, index)
                    assert ctx.get(dut.keep) == keep[index]
                    results += 1
                await ctx.tick()
                if step:
                    valid = stages[:-1]
                elif entry:
                    pending.insert(0, entry)

    simulate(dut, drive)
