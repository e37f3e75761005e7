# amaranth: UnusedElaboratable=no

"""One instruction of each class from an arbitrary state, on the retire port of the core."""

import pytest
from amaranth import Module, Signal
from amaranth.hdl import Assert, Assume
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from sim.formal import ProofError, Unrolled, prove
from tests.formal.core import (
    spec_atomic,
    spec_data,
    spec_fault,
    spec_flow,
    spec_memory,
    spec_pair,
    spec_shift,
    spec_system,
    spec_units,
)
from tests.formal.core.frame import COMPARED, InstructionProof
from tests.formal.core.spec import InstructionClass, cases

# The first test also waits for the translation.
pytestmark = [pytest.mark.formal, pytest.mark.timeout(1800)]

MODULES = (spec_data, spec_shift, spec_units, spec_flow, spec_memory, spec_pair, spec_atomic,
           spec_system, spec_fault)
CLASSES = [kind for module in MODULES for name in module.__all__
           if isinstance(kind := getattr(module, name), type)
           and issubclass(kind, InstructionClass) and cases(kind) != cases(InstructionClass)]
LONG = [spec_shift.AddExtended, spec_shift.AddShifted, spec_shift.Extract,
        spec_shift.LogicalImmediate, spec_shift.LogicalShifted, spec_memory.LoadUpdate,
        spec_pair.LoadPairTogether, spec_atomic.AtomicOperation, spec_fault.CacheMaintenance,
        spec_fault.LoadPairRefused, spec_fault.LoadPairSecondRefused]
LIMIT = 26
"""Cycle before which an instruction has retired, whatever its operands are."""
SETUP_LIMIT = 36
"""Cycles more, if the class has a setup."""
ALL_DOUBTS = (1 << len(COMPARED)) - 1


def limit(kind):
    return LIMIT + (SETUP_LIMIT + 8 * max(0, len(kind.SETUP) - 4) if kind.SETUP else 0)


def runs(proof, kind):
    """Return the constants of each case of a class."""
    return [{"chosen": number, "limit": limit(kind), **InstructionClass.CONSTANTS, **kind.CONSTANTS}
            for number in proof.proof.numbers(kind)]


@pytest.fixture(scope="module")
def proof():
    return Unrolled(InstructionProof(CLASSES, gap=6), name="core_instructions")


def check(proof, kind, constants):
    """Prove a case, and that it is not empty: of each comparison, the contrary is refuted."""
    proof.prove(limit(kind) + 1, timeout=1200, doubt=0, **constants)
    found = proof.violations(limit(kind) + 1, doubt=ALL_DOUBTS, **constants)
    assert found == len(COMPARED), constants


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=pytest.mark.slow) if kind in LONG else kind for kind in CLASSES
], ids=lambda kind: kind.__name__)
def test_core_instruction(proof, kind):
    for constants in runs(proof, kind):
        check(proof, kind, constants)


@pytest.mark.parametrize("kind", LONG, ids=lambda kind: kind.__name__)
def test_first_case_of_core_instruction(proof, kind):
    """Of the classes that take long, `make test` proves one case."""
    check(proof, kind, runs(proof, kind)[0])


def test_shifts_are_rotations():
    """The form in which the specification gives shifts is right."""
    prove(spec_shift.ShiftsAreRotations(), name="core_shifts", mode="bmc", depth=1)


@pytest.mark.parametrize("doubt", range(len(COMPARED)), ids=COMPARED)
@pytest.mark.parametrize("kind", [spec_data.AddImmediate, spec_flow.DirectBranch])
def test_core_instruction_proof_can_fail(proof, kind, doubt):
    """Of each thing that is compared, the contrary cannot be proved."""
    assert not proof.holds(limit(kind) + 1, doubt=1 << doubt, **runs(proof, kind)[0])


def test_core_instruction_proof_needs_a_verdict(proof, monkeypatch, tmp_path):
    """That ABC cannot do its work is an error, not a proof that failed."""
    (tmp_path / "design.map").touch()
    monkeypatch.setattr(proof, "folder", tmp_path)
    with pytest.raises(RuntimeError, match="no verdict: .*Cannot open"):
        proof.holds(LIMIT + 1, chosen=0)


class _Assumes(wiring.Component):
    """A claim that holds only where the assumption does."""

    a: In(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [Assume(self.a, "is set"), Assert(self.a, "is set")]
        return m


def test_unrolled_proof_refuses_assumptions():
    with pytest.raises(ValueError, match="no assumptions, not 1"):
        Unrolled(_Assumes(), name="assumes")


class _Counts(wiring.Component):
    """A claim that fails when enough has been counted."""

    a: In(1)

    def elaborate(self, platform):
        m = Module()
        count = Signal(4)
        m.d.sync += count.eq(count + self.a)
        m.d.comb += Assert(count != 5, "is not five")
        return m


def test_refuted_unrolled_proof_leaves_waves():
    proof = Unrolled(_Counts(), name="counts")
    proof.prove(5)
    with pytest.raises(ProofError, match=r"Assert failed .*; waves: .*\.vcd$"):
        proof.prove(6)
