# amaranth: UnusedElaboratable=no

"""The array alone: latencies, bubbles, back-to-back loads and columns, against the model."""

import random

import numpy as np
import pytest
from amaranth import Value

from rtl.config import TILE_TYPES, TileConfig
from rtl.matmul.array import GROUP, Array
from rtl.matmul.datapath import Datapaths
from rtl.matmul.delay import DelayLine
from sim.models.formats import patterns
from sim.models.matmul import tile_product
from tests.helpers import simulate


def operand(rng, type, shape):
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    values = rng.standard_normal(shape) * 2.0 ** rng.integers(-6, 7, shape)
    special = rng.random(shape)
    values = np.where(special < 0.02, np.inf, np.where(special > 0.98, 0.0, values))
    return patterns(type, values.astype(np.float32))


@pytest.mark.parametrize("size, types, type", [
    (4, ("int8",), "int8"), (4, ("bf16",), "bf16"), (4, ("int8", "bf16"), "int8"),
    (4, ("int8", "bf16"), "bf16"), (8, ("int8",), "int8"), (4, ("fp16",), "fp16"),
    (4, ("fp8_e4m3",), "fp8_e4m3"), (4, ("fp8_e4m3fn",), "fp8_e4m3fn"),
    (4, ("fp8_e5m2",), "fp8_e5m2"), (4, TILE_TYPES, "int8"), (4, TILE_TYPES, "bf16"),
    (4, TILE_TYPES, "fp16"), (4, TILE_TYPES, "fp8_e4m3"), (4, TILE_TYPES, "fp8_e4m3fn"),
    (4, TILE_TYPES, "fp8_e5m2")])
def test_products_with_loads_at_the_earliest_cycle(size, types, type):
    """Each load enters 3 cycles behind the last column of its registers, each column at once.

    The columns of a load follow its first group, so the later groups enter beside columns.
    """
    products_of_an_array(TileConfig(size=size, types=types), type)


@pytest.mark.parametrize("chain", [2, 8])
def test_products_in_short_and_long_chains(chain):
    products_of_an_array(TileConfig(size=8, types=("bf16",), chain=chain), "bf16")


def products_of_an_array(config, type):
    """Multiply random operands of a type and compare every sum and its cycle."""
    size, types = config.size, config.types
    dut = Array(config)
    datapaths = Datapaths(dut.config)
    mode, format = datapaths.mode(type), types.index(type)
    latency = datapaths.address_cycles()[mode]
    rng = np.random.default_rng(1)
    bubbles = random.Random(2)
    products = []
    for index in range(12):
        k, n = bubbles.randrange(1, size + 1), bubbles.choice((1, 2, 5, 9))
        products.append((index % 2, k, operand(rng, type, (size, size)),
                         operand(rng, type, (size, n))))
    results = {}

    async def drive(ctx):
        now = 0
        groups = []

        async def step():
            nonlocal now
            ctx.set(dut.load_valid, bool(groups))
            if groups:
                select, group, weights = groups.pop(0)
                ctx.set(dut.load.select, select)
                ctx.set(dut.load.group, group)
                for row in range(size):
                    for i in range(GROUP):
                        ctx.set(dut.load.weights[row][i], int(weights[row, i]) & 0xFFFF)
            await ctx.tick()
            ctx.set(dut.column_valid, 0)
            for m in range(size):
                due = expected.get((now - latency - m, m))
                if due is not None:
                    got = ctx.get(Value.cast(sums[m])) & 0xFFFF_FFFF
                    results[now - latency - m, m] = (got, due)
            now += 1

        sums = getattr(dut, "sum_int8" if type == "int8" else "sum_float")
        expected, last_use = {}, {0: -9, 1: -9}
        ctx.set(dut.mode, mode)
        ctx.set(dut.load.format, format)
        ctx.set(dut.column.format, format)
        for select, k, weights, columns in products:
            while now < last_use[select] + 3:
                await step()
            groups += [(select, group, weights[:, group * GROUP:][:, :GROUP])
                       for group in range(size // GROUP)]
            await step()
            want = tile_product(weights[:k], columns[:k], type, size=size,
                                chain=dut.config.chain).view(np.uint32)
            for n in range(columns.shape[1]):
                while bubbles.random() < 0.2:
                    await step()
                ctx.set(dut.column_valid, 1)
                ctx.set(dut.column.active, (1 << k) - 1)
                ctx.set(dut.column.select, select)
                for row in range(size):
                    ctx.set(dut.column.elements[row], int(columns[row, n]) & 0xFFFF)
                for m in range(size):
                    expected[now, m] = int(want[m, n])
                last_use[select] = now
                await step()
        for _ in range(latency + size + 2):
            await step()

    simulate(dut, drive)
    assert len(results) == sum(columns.shape[1] for *_, columns in products) * size
    for got, want in results.values():
        assert got == want


@pytest.mark.parametrize("delays", [(0, 3), (1, 5), (4, 4), (7, 20), (2,), (3, 0, 9)])
def test_delay_line(delays):
    dut = DelayLine(8, cycles=delays)
    rng = random.Random(3)

    async def drive(ctx):
        for mode, cycles in enumerate(delays):
            ctx.set(dut.mode, mode)
            history = []
            for _ in range(100):
                entry = (rng.randrange(2), rng.randrange(256))
                history.append(entry)
                ctx.set(dut.i_valid, entry[0])
                ctx.set(dut.i_payload, entry[1])
                await ctx.delay(1e-10)
                valid, payload = history[-1 - cycles] if len(history) > cycles else (0, 0)
                assert ctx.get(dut.o_valid) == valid
                assert not valid or ctx.get(dut.o_payload) == payload
                await ctx.tick()
            ctx.set(dut.i_valid, 0)
            await ctx.tick().repeat(max(delays) + 1)

    simulate(dut, drive)


def test_delays_must_not_be_negative():
    with pytest.raises(ValueError, match=r"0 or more, not \(3, -1\)"):
        DelayLine(8, cycles=(3, -1))
