"""Addresses of access patterns against the model."""

import random

from rtl.matmul.access_pattern import DIMENSIONS, AccessPattern
from sim.models.vector import element_offsets
from tests.helpers import simulate


def test_addresses_equal_the_model():
    """Contiguous and up to four dimensions, strides of any sign, beyond the last element too."""
    dut = AccessPattern()
    rng = random.Random(1)

    async def drive(ctx):
        for _ in range(60):
            pattern = tuple((rng.choice((1, 1, 2, 3, 5)), rng.randrange(-400, 400))
                            for _ in range(DIMENSIONS))
            patterned, base, log2 = rng.randrange(4) > 0, rng.randrange(1 << 24), rng.randrange(3)
            ctx.set(dut.start, 1)
            ctx.set(dut.base, base)
            ctx.set(dut.patterned, patterned)
            ctx.set(dut.log2_bytes, log2)
            for i, (count, stride) in enumerate(pattern):
                ctx.set(dut.pattern.last[i], count - 1)
                ctx.set(dut.pattern.stride[i], stride)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for offset in element_offsets(70, pattern if patterned else None):
                while rng.random() < 0.3:
                    await ctx.tick()
                assert ctx.get(dut.address) == (base + (int(offset) << log2)) % (1 << 24)
                ctx.set(dut.step, 1)
                await ctx.tick()
                ctx.set(dut.step, 0)

    simulate(dut, drive)
