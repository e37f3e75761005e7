# amaranth: UnusedElaboratable=no

"""A short free stream of instructions: consistency of the registers, liveness of the pipeline."""

import pytest

from sim.formal import Unrolled
from tests.formal.core.stream import TEMPLATES, StreamProof

# The first test also waits for the translation.
pytestmark = [pytest.mark.formal, pytest.mark.timeout(1800)]

PATIENCE = 12
"""Cycles in which something retires, if neither fetch nor memory hold the core up."""
DEPTH = 12
LONG_DEPTH = 14
STEADY_DEPTH = 24


@pytest.fixture(scope="module")
def proof():
    return Unrolled(StreamProof(length=3, patience=PATIENCE), name="core_pipeline")


@pytest.mark.parametrize("apart", [0, 1])
def test_core_reads_what_was_written_last(proof, apart):
    """Three instructions of any kinds."""
    assert proof.searched(DEPTH, timeout=1200, apart=apart, endless=0, doubt=0)


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0, 1])
@pytest.mark.parametrize("kind", range(len(TEMPLATES)), ids=TEMPLATES)
def test_core_reads_what_was_written_last_for_longer(proof, kind, apart):
    assert proof.searched(LONG_DEPTH, timeout=1200, kinds__0=kind, apart=apart, endless=0, doubt=0)


@pytest.mark.parametrize("depth", [STEADY_DEPTH, pytest.param(
    STEADY_DEPTH + 4, marks=pytest.mark.slow)])
def test_core_retires_in_time(proof, depth):
    """Three instructions of any kinds again and again, and memory at will."""
    assert proof.searched(depth, timeout=1200, apart=0, endless=1, doubt=0)


@pytest.mark.parametrize("doubt", [1, 2], ids=["registers", "liveness"])
def test_core_pipeline_proof_can_fail(proof, doubt):
    assert not proof.searched(DEPTH, apart=0, endless=0, doubt=doubt)
