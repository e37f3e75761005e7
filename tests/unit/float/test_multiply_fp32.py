"""FP32 product against :func:`sim.models.numerics.multiply`."""

import itertools
import random

from rtl.float.multiply_fp32 import Fp32Multiply
from sim.models import numerics
from tests.helpers import simulate
from tests.unit.float.test_fused_add import CORNERS_32


def test_product_equals_the_model():
    """Corner values, ties, and products at both ends of the range; every second cycle is idle."""
    rng = random.Random(1)
    operands = list(itertools.product(CORNERS_32, CORNERS_32))
    for _ in range(2_000):
        exponent, total = rng.randrange(1, 0xFF), rng.choice((126, 127, 128, 255, 381, 382, 383))
        fields = exponent, min(max(total - exponent, 0), 0xFF)
        operands.append(tuple(
            field << 23 | rng.choice((rng.randrange(1 << 23), rng.randrange(1 << 12) << 11))
            | rng.randrange(2) << 31 for field in fields))
    dut = Fp32Multiply()

    async def drive(ctx):
        expected = []
        for a, b in [*operands, (0, 0)]:
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            ctx.set(dut.enable, 0b11)
            await ctx.tick()
            ctx.set(dut.enable, 0)
            await ctx.tick()
            expected.append((a, b))
            if len(expected) > 1:
                assert ctx.get(dut.o) == numerics.multiply(*expected[-2])

    simulate(dut, drive)
