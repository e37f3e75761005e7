"""Unit tests of :mod:`synth.hierarchy`: who drives a net, from RTLIL alone."""

import pytest

from rtl.emit import emit_rtlil
from synth.hierarchy import read_hierarchy
from tests.unit.synth.designs import Pair


@pytest.fixture(scope="module")
def hierarchy():
    text, _, _ = emit_rtlil(Pair(), "pair")
    return read_hierarchy(text, "pair")


def test_finds_every_part(hierarchy):
    assert set(hierarchy.paths) == {(), ("first",), ("mixed",), ("second",), ("store",)}


@pytest.mark.parametrize("name, owner", [
    ("first.y", "first"),       # a register
    ("mixed.y", "mixed"),       # logic
    ("x", "mixed"),             # an output of the top that a part drives
    ("between", "mixed"),       # a name of the top for the same net
    ("mixed.a", "first"),       # an input is driven where it comes from
    ("second.a", None),         # an input of the top has no driver
    ("store.y", "store"),       # what a memory reads
    ("made_up_by_mapping", None),
    ("$flatten\\first.$3", "first"),
    ("$flatten\\nowhere.$3", None),
])
def test_driver(hierarchy, name, owner):
    assert hierarchy.driver(name, 0) == owner


def test_words_are_followed_bit_by_bit(hierarchy):
    # Sixteen bits of the product are extended to the 32 of the memory with its sign.
    assert {hierarchy.driver("store.data", bit) for bit in range(32)} == {"first"}


def test_memory_owner(hierarchy):
    assert hierarchy.memory_owner("store.words.0.1") == "store"
    assert hierarchy.memory_owner("first.words.0.1") is None
