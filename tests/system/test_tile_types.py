"""Every number format in one tile, in Verilator, against the model."""

import itertools

import numpy as np
import pytest

from rtl.config import TILE_TYPES
from rtl.matmul.encoding import ERROR_CAUSES, TYPE_CLASS
from sim.bfm.tile_harness import TileHost
from sim.matmul import run_product
from tests.system.tile_programs import SMALL as CONFIG
from tests.system.tile_programs import RandomProgram, Session, clear_psum, operand

SHAPES = [(1, 1, 1), (4, 4, 16), (5, 9, 3), (3, 8, 17), (8, 7, 8), (2, 5, 1), (1, 12, 6)]


@pytest.fixture(scope="module")
def host():
    return TileHost(CONFIG)


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(host, seed):
    """Formats of a class meet in a product; every output format of the activation engine."""
    program = RandomProgram(CONFIG, seed, TILE_TYPES)
    clear_psum(host, program)
    program.steps(25)
    sbuf, psum = program.memories(host)
    assert np.array_equal(psum, program.state.psum), f"seed {seed}"
    assert np.array_equal(sbuf, program.state.sbuf), f"seed {seed}"


@pytest.mark.parametrize("type", TILE_TYPES)
def test_products(host, type):
    rng = np.random.default_rng(1)
    for m, k, n in SHAPES:
        run = run_product(host, operand(rng, type, (m, k)), operand(rng, type, (k, n)), type)
        assert run.bit_exact, f"{run.mismatches} elements of {m} x {k} x {n} differ"
        assert run.active + sum(run.stalls.values()) == run.cycles


@pytest.mark.slow
@pytest.mark.parametrize("type", TILE_TYPES)
def test_every_small_shape(host, type):
    rng = np.random.default_rng(2)
    for m, k, n in itertools.product(range(1, 2 * CONFIG.size + 1), repeat=3):
        run = run_product(host, operand(rng, type, (m, k)), operand(rng, type, (k, n)), type)
        assert run.bit_exact, f"{run.mismatches} elements of {m} x {k} x {n} differ"


@pytest.mark.parametrize("loaded, moving", [("int8", "bf16"), ("fp16", "fp8_e5m2"),
                                            ("fp8_e4m3", "int8")])
def test_formats_of_different_classes_do_not_meet(host, loaded, moving):
    assert TYPE_CLASS[loaded] != TYPE_CLASS[moving]
    s = Session(CONFIG)
    s.register(s.offset("COMMAND"), 3)
    s.push("tensor", "load_stationary", type=loaded, k=1, m=1)
    s.push("tensor", "multiply_moving", type=moving, k=1, m=1, n=1)
    s.poll(s.offset("STATUS"), 4, 4)
    s.poll(s.offset("TENSOR_ERROR"), 0xFFFF_FFFF, ERROR_CAUSES["weights"][0] | 1 << 8)
    s.register(s.offset("COMMAND"), 2)
    host.play(s, max_cycles=5_000)
