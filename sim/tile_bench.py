"""Benchmark of the tile: cycles of matrix products, and where those without a column went."""

import dataclasses
import random
from collections.abc import Callable, Sequence

import numpy as np

from rtl.config import preset, preset_hash
from sim.bfm.tile_harness import TileHost
from sim.matmul import ProductRun, run_product
from sim.models.formats import patterns

__all__ = ["LARGEST_RANDOM", "SHAPES", "Shape", "bench_tile", "random_operand", "random_shapes"]

@dataclasses.dataclass(frozen=True)
class Shape:
    """Independent products of one shape, which make one run."""

    m: int
    k: int
    n: int
    products: int = 1


SHAPES = (Shape(64, 64, 64), Shape(256, 256, 256), Shape(16, 16, 16, 64), Shape(1, 128, 128))
"""What is measured by default."""

LARGEST_RANDOM = 300
"""Random sizes are uniform from 1 to this."""


def random_shapes(count: int, seed: int) -> list[Shape]:
    """Return ``count`` shapes, uniform in each size."""
    rng = random.Random(seed)
    return [Shape(*(rng.randint(1, LARGEST_RANDOM) for _ in range(3))) for _ in range(count)]


def random_operand(rng: np.random.Generator, type: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a matrix of any INT8 numbers, or patterns of normally distributed numbers."""
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return patterns(type, rng.standard_normal(shape).astype(np.float32))


def _row(run: ProductRun, shape: Shape, type: str, size: int) -> dict:
    """Return the figures of a run."""
    m, k, n, products = dataclasses.astuple(shape)
    if run.active + sum(run.stalls.values()) != run.cycles or min(run.stalls.values()) < 0:
        raise RuntimeError(f"{m} x {k} x {n}: the causes {run.stalls} and {run.active} columns do "
                           f"not add up to {run.cycles} cycles")
    macs = products * m * k * n
    return {"m": m, "k": k, "n": n, "products": products, "type": type, "source": "sbuf",
            "cycles": run.cycles, "active": run.active, "ideal_cycles": run.ideal_cycles,
            "utilisation": run.utilisation, "useful_share": macs / (size ** 2 * run.cycles),
            "stalls": run.stalls, "bit_exact": run.bit_exact}


def bench_tile(shapes: Sequence[Shape], types: Sequence[str], *,
               preset_name: str = "sim", seed: int = 1,
               progress: Callable[[str], None] = lambda step: None) -> dict:
    """Measure each product in each type and return the figures of ``tilicho bench tile``.

    Operands are in SBUF when the first instruction leaves its queue, as far as they fit, and
    results end there. Every result is compared with the model.

    Parameters
    ----------
    shapes : sequence of :class:`Shape`
        Products, one run each.
    types : sequence of :class:`str`
        Number formats of the preset's tile.
    seed : :class:`int`
        Of the operands' values.

    Raises
    ------
    :exc:`RuntimeError`
        If the causes do not add up to the cycles: a defect of the tile.
    """
    config = preset(preset_name)
    host = TileHost(config.tile, progress=progress)
    rng = np.random.default_rng(seed)
    rows = []
    for type in types:
        for shape in shapes:
            m, k, n, products = dataclasses.astuple(shape)
            progress(f"{type} {m} x {k} x {n}")
            several = (products,) if products > 1 else ()
            run = run_product(host, random_operand(rng, type, (*several, m, k)),
                              random_operand(rng, type, (*several, k, n)), type)
            rows.append(_row(run, shape, type, config.tile.size))
    return {
        "preset": preset_name, "preset_hash": preset_hash(config), "size": config.tile.size,
        "seed": seed, "rows": rows,
        "mean_utilisation": float(np.mean([row["utilisation"] for row in rows])),
    }
