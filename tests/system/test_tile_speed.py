"""Cycles of products on the tile of the preset ``sim``: what the project promises."""

import numpy as np
import pytest

from sim.tile_bench import Shape, bench_tile, random_shapes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shape, utilisation", [
    (Shape(64, 64, 64), {"int8": 0.98, "bf16": 0.97}),
    (Shape(256, 256, 256), {"int8": 0.998, "bf16": 0.998}),
    (Shape(16, 16, 16, products=64), {"int8": 0.95, "bf16": 0.95}),
])
def test_utilisation(shape, utilisation):
    for row in bench_tile([shape], list(utilisation))["rows"]:
        assert row["bit_exact"]
        assert row["utilisation"] >= utilisation[row["type"]], row


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_a_vector_times_a_matrix_is_limited_by_the_loads(type):
    """256 tiles of weights, two cycles each."""
    row, = bench_tile([Shape(1, 128, 128)], [type])["rows"]
    assert row["bit_exact"] and row["cycles"] <= 560, row


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_mean_of_random_shapes(type):
    rows = bench_tile(random_shapes(200, 3), [type])["rows"]
    assert all(row["bit_exact"] for row in rows)
    assert np.mean([row["utilisation"] for row in rows]) >= 0.95
