"""Patterns of bits from which instructions are drawn, and by which they are told apart.

A pattern has one letter a bit, the most significant first. Letters are fields, filled with random
bits unless they are register fields or the caller fixes them; a rule refuses reserved values.
"""

import dataclasses
import random
from collections.abc import Callable, Mapping
from functools import cached_property

__all__ = ["Encoding", "Rule", "assemble", "draw", "fields_of"]

Rule = Callable[[Mapping[str, int]], bool | int]

@dataclasses.dataclass(frozen=True)
class Encoding:
    """One encoding class.

    Parameters
    ----------
    name : :class:`str`
        Unique name.
    pattern : :class:`str`
        32 letters and digits.
    rule : callable
        Tells whether field values are allocated and have defined behaviour.
    kind : :class:`str`
        ``data`` for an instruction that only computes; for accesses the addressing: ``offset``,
        ``index`` (register), ``update``, ``literal``; ``aligned`` and ``exclusive`` need a
        naturally aligned address at the base; ``branch``; ``system``; ``trap`` for what does
        nothing but raise an exception.
    group : :class:`str`
        ``base``, ``crc``, ``exclusive`` or ``lse``.
    """

    name: str
    pattern: str
    rule: Rule = lambda f: True
    kind: str = "data"
    group: str = "base"

    def __post_init__(self):
        if len(self.pattern) != 32:
            raise ValueError(f"Pattern of {self.name} has {len(self.pattern)} bits")

    @cached_property
    def fixed(self) -> tuple[int, int]:
        """Mask of the fixed bits, and their values."""
        return (int("".join("01"[letter in "01"] for letter in self.pattern), 2),
                int("".join("01"[letter == "1"] for letter in self.pattern), 2))

    def matches(self, word: int) -> bool:
        """Tell whether ``word`` is one of this class."""
        mask, value = self.fixed
        return word & mask == value and bool(self.rule(take_apart(self.pattern, word)))


def fields_of(pattern: str) -> dict[str, int]:
    """Return the width of each field."""
    return {letter: pattern.count(letter) for letter in pattern if letter not in "01"}


def assemble(pattern: str, values: Mapping[str, int]) -> int:
    """Put field values into a pattern."""
    left = dict(values)
    word = 0
    for position, letter in enumerate(reversed(pattern)):
        if letter in "01":
            bit = int(letter)
        else:
            bit = left[letter] & 1
            left[letter] >>= 1
        word |= bit << position
    return word


def take_apart(pattern: str, word: int) -> dict[str, int]:
    """Return the field values of a word."""
    values = {}
    for position, letter in enumerate(pattern):
        if letter not in "01":
            values[letter] = values.get(letter, 0) << 1 | word >> 31 - position & 1
    return values


def draw(encoding: Encoding, rng: random.Random, **fixed: int) -> tuple[int, dict[str, int]]:
    """Return a random legal instruction and its fields.

    Parameters
    ----------
    fixed : :class:`int`
        Values of some fields. They must leave something legal.
    """
    widths = fields_of(encoding.pattern)
    while True:
        values = {letter: rng.getrandbits(width) for letter, width in widths.items()}
        values |= {letter: value for letter, value in fixed.items() if letter in widths}
        if encoding.rule(values):
            return assemble(encoding.pattern, values), values
