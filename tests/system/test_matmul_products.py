"""Products through compiler, host and RTL; the model only checks."""

import random

import numpy as np
import pytest

from rtl.config import TileConfig
from sim.bfm.tile_harness import TileHost
from sim.matmul import run_product
from sim.models.formats import patterns

# The tile of test_matmul_tile.py: one simulator for both files.
CONFIG = TileConfig(size=8, sbuf_bytes=4096, psum_banks=4, queue_depth=8, semaphores=8)


@pytest.fixture(scope="module")
def host():
    return TileHost(CONFIG)


def operand(rng, type, shape):
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return patterns("bf16", (rng.standard_normal(shape) * 8).astype(np.float32))


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_products_of_many_shapes(host, type):
    rng, sizes = np.random.default_rng(1), random.Random(2)
    shapes = [(1, 1, 1), (1, 1, 40), (1, 40, 1), (40, 1, 1), (1, 3000, 2), (130, 37, 65)]
    shapes += [tuple(sizes.randrange(1, 25) for _ in range(3)) for _ in range(15)]
    for m, k, n in shapes:
        run = run_product(host, operand(rng, type, (m, k)), operand(rng, type, (k, n)), type)
        assert run.bit_exact, f"{run.mismatches} elements of {m} x {k} x {n} differ"
        assert run.cycles >= run.ideal_cycles
        assert run.counters["macs"] == m * k * n


@pytest.mark.parametrize("type, lost", [("int8", 64), ("bf16", 100)])
def test_the_array_stays_busy(host, type, lost):
    """Operands that fit into SBUF: only the first load and the way through array and lanes cost."""
    rng = np.random.default_rng(3)
    run = run_product(host, operand(rng, type, (32, 64)), operand(rng, type, (64, 32)), type)
    assert run.bit_exact
    stalls = {name: count for name, count in run.counters.items() if name.startswith("stall")}
    assert run.cycles <= run.ideal_cycles + lost, stalls
    assert run.counters["tensor_active"] + sum(stalls.values()) == run.counters["cycles"]
