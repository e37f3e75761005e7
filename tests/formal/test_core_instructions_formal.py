# amaranth: UnusedElaboratable=no

"""One instruction of each class from an arbitrary state, on the retire port of the core."""

import pytest

from sim.formal import Unrolled
from tests.formal.core import spec_data, spec_flow
from tests.formal.core.frame import COMPARED, InstructionProof

# The first test also waits for the translation.
pytestmark = [pytest.mark.formal, pytest.mark.timeout(1800)]

CLASSES = [getattr(module, name) for module in (spec_data, spec_flow)
           for name in module.__all__]
LIMIT = 26


@pytest.fixture(scope="module")
def proof():
    return Unrolled(InstructionProof(CLASSES, limit=LIMIT, gap=6), name="core_instructions")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_core_instruction(proof, kind):
    for number in proof.proof.numbers(kind):
        proof.prove(LIMIT + 1, chosen=number, doubt=0, **kind.CONSTANTS)


@pytest.mark.parametrize("doubt", range(1, len(COMPARED) + 1), ids=COMPARED)
@pytest.mark.parametrize("kind", [spec_data.AddImmediate, spec_flow.DirectBranch])
def test_core_instruction_proof_can_fail(proof, kind, doubt):
    """Of each thing that is compared, the contrary cannot be proved."""
    number = proof.proof.numbers(kind)[0]
    assert not proof.holds(LIMIT + 1, chosen=number, doubt=doubt, **kind.CONSTANTS)


def test_core_instruction_proof_needs_a_verdict(proof, monkeypatch, tmp_path):
    """That ABC cannot do its work is an error, not a proof that failed."""
    (tmp_path / "design.map").touch()
    monkeypatch.setattr(proof, "folder", tmp_path)
    with pytest.raises(RuntimeError, match="no verdict: Cannot open"):
        proof.holds(LIMIT + 1, chosen=0)
