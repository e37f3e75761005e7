"""Chunks of random A64 programs that access memory, and what all chunks are made with."""

import collections
import random
from collections.abc import Iterable, Sequence

from .a64_encodings import ENCODINGS, REGISTER_FIELDS
from .a64_patterns import Encoding, draw, fields_of
from .a64_words import NOP, add, move

__all__ = ["BASES", "COUNTER", "DEVICE", "HANDLER", "PASSES", "READABLE", "SCRATCH", "WRITABLE",
           "AccessChunks"]

#: Passes left of a group of chunks, middle of the Device memory, loop counter of the chunk,
#: register of the exception handlers, middle of the scratch area.
PASSES, DEVICE, COUNTER, HANDLER, SCRATCH = 24, 25, 26, 27, 28
RESERVED = frozenset((PASSES, DEVICE, COUNTER, HANDLER, SCRATCH))
READABLE = tuple(range(32))
WRITABLE = tuple(number for number in READABLE if number not in RESERVED)
#: What an address can be put into: no operand of other kinds.
BASES = tuple(number for number in WRITABLE if number < 30)

BY_ADDRESS = ("DC ZVA", "DC CVAC", "DC CVAU", "DC CVAP", "DC CIVAC", "IC IVAU")


class AccessChunks:
    """Draws chunks of loads and stores; of two instructions it takes the one less often drawn.

    Parameters
    ----------
    rng : :class:`random.Random`
        Source of randomness.
    groups : iterable of :class:`str`
        Groups of encodings to draw from.
    """

    def __init__(self, rng: random.Random, groups: Iterable[str]):
        self.rng = rng
        groups = frozenset(groups)
        chosen = [encoding for encoding in ENCODINGS.values() if encoding.group in groups]
        self.data = [encoding for encoding in chosen if encoding.kind == "data"]
        self.traps = [encoding for encoding in chosen if encoding.kind == "trap"]
        self.memory = [encoding for encoding in chosen if encoding.kind in (
            "offset", "index", "update", "literal", "aligned", "exclusive")]
        self.ordered = [encoding for encoding in self.memory if encoding.kind == "aligned"]
        self.nearby = [encoding for encoding in self.memory if encoding.kind == "offset"]
        self.exclusive = "exclusive" in groups
        self.drawn: collections.Counter[str] = collections.Counter()

    def _rarest(self, encodings: Sequence[Encoding]) -> Encoding:
        rng = self.rng
        chosen = min(rng.choice(encodings), rng.choice(encodings),
                     key=lambda encoding: self.drawn[encoding.name])
        self.drawn[chosen.name] += 1
        return chosen

    def compute(self) -> list[int]:
        return [self._draw(self._rarest(self.data))]

    def access(self) -> list[int]:
        """Load or store in the scratch area, at an address that the instruction takes."""
        encoding = self._rarest(self.memory)
        rng = self.rng
        if encoding.kind == "literal":
            # Within the chunk: the word after the branch that jumps over the data.
            return [self._draw(encoding, i=2), 0x1400_0003, rng.getrandbits(32),
                    rng.getrandbits(32)]
        base, fixed = self._operands(encoding)
        words = self._base(base, 16 if encoding.kind in ("aligned", "exclusive") else 1)
        if encoding.kind == "index":
            words += self._index(fixed, rng.choice((rng.getrandbits(12), rng.getrandbits(4))))
        word, _ = draw(encoding, rng, n=base, **fixed)
        return [*words, word]

    def burst(self) -> list[int]:
        """Access a few neighbouring bytes at once, with nothing in between."""
        rng = self.rng
        base = rng.choice(BASES)
        aligned = rng.getrandbits(1)
        words = self._base(base, 16 if aligned else 1)
        for _ in range(rng.randint(2, 6)):
            encoding = self._rarest(self.nearby + self.ordered if aligned else self.nearby)
            width = encoding.pattern.count("i")
            # Negative offsets only where the field is signed: all but the twelve-bit one.
            offset = rng.randrange(4) if width == 12 else rng.randrange(-4, 12)
            _, fixed = self._operands(encoding, base)
            word, _ = draw(encoding, rng, n=base, i=offset & (1 << width) - 1, **fixed)
            words.append(word)
        return words

    def device(self) -> list[int]:
        """Load or store in the Device memory, or load a counter that only the core knows."""
        rng = self.rng
        if not rng.randrange(5):
            base, size = rng.choice(BASES), rng.randrange(4)
            target = rng.choice([n for n in WRITABLE if n != base])
            offset = 8 + (rng.randrange(8) >> size << size)
            return [*move(base, 0x0a00_0000),
                    size << 30 | 0x3840_0000 | offset << 12 | base << 5 | target]
        encoding = self._rarest([one for one in self.memory if one.group == "base"
                                 and one.kind != "literal"])
        base, fixed = self._operands(encoding)
        width = encoding.pattern.count("i")
        words = [add(base, DEVICE, rng.randrange(-8, 8) * 16)]
        if encoding.kind == "index":
            words += self._index(fixed, 0)
        elif width == 9:
            fixed["i"] = rng.randrange(-4, 5) * 16 & 0x1ff
        elif width:
            fixed["i"] = rng.randrange(8)
        word, _ = draw(encoding, rng, n=base, **fixed)
        return [*words, word]

    def refused(self) -> list[int]:
        """Access what faults: its place, its alignment, or the stack pointer's."""
        rng = self.rng
        encoding = self._rarest([one for one in self.memory if one.kind != "literal"
                                 and not one.name.startswith("PRFM")])
        base, fixed = self._operands(encoding)
        ordered = encoding.kind in ("aligned", "exclusive")
        way = rng.choice(("device", "device", "high", "stack", "nothing"))
        odd = rng.choice((1, 2, 3, 4, 5, 7, 8, 9, 15))
        # Where a store's error comes back late, it is none of its instruction.
        stores = encoding.name.startswith("ST") and encoding.kind != "exclusive"
        if way == "stack":
            base, words = 31, [add(31, SCRATCH, rng.randrange(-64, 64) * 16 + odd)]
            if encoding.kind == "update" and 31 in (fixed["t"], fixed.get("u")):
                return self.refused()
        elif way == "nothing" and not stores:
            words = move(base, 0x2000_0000 + rng.choice((0, odd)))
        elif way == "high":
            base = base if base != 31 else 0
            words = [*self._base(base), 0xf2e0_0000 | rng.randint(1, 0xffff) << 5 | base]
        elif ordered and rng.getrandbits(1):
            words = [add(base, SCRATCH, rng.randrange(-64, 64) * 16 + odd)]
        else:
            words = [add(base, DEVICE, rng.randrange(-8, 8) * 16 + odd)]
        if base in (fixed["t"], fixed.get("u"), fixed.get("m"), fixed.get("s")):
            return self.refused()
        if encoding.kind == "index":
            words += self._index(fixed, 0)
        elif "i" in encoding.pattern:
            fixed["i"] = 0
        word, _ = draw(encoding, rng, n=base, **fixed)
        return [*words, word]

    def monitor(self) -> list[int]:
        """Load and store exclusive, with the reservation still there, or lost, or elsewhere."""
        if not self.exclusive:
            return self.compute()
        rng = self.rng
        kind = rng.choice(("XRB", "XRH", "XR W", "XR X", "XP W", "XP X"))
        base, first, second, status = rng.sample([n for n in WRITABLE if n < 31], 4)
        load, _ = draw(ENCODINGS[rng.choice(("LD", "LDA")) + kind], rng, n=base, t=first, u=second)
        store, _ = draw(ENCODINGS[rng.choice(("ST", "STL")) + kind], rng, n=base, s=status,
                        **{name: rng.choice([n for n in READABLE if n not in (status, base)])
                           for name in "tu"})
        between = rng.choice(([], [], [NOP], [0xd503_305f], [0xd400_0001],
                              [add(base, base, rng.choice((16, 32, 64, -64)))],
                              [0x3900_0000 | base << 5 | rng.choice(READABLE)]))
        return [*self._base(base, 16), load, *between, store]

    def maintain(self) -> list[int]:
        """Cache maintenance by address. What is invalidated has been written back before."""
        rng = self.rng
        base = rng.choice(BASES)
        encoding = self._rarest([ENCODINGS[name] for name in BY_ADDRESS])
        word, _ = draw(encoding, rng, t=base)
        words = self._base(base)
        if not rng.randrange(6):
            # Beyond the address space, or Device memory, which cannot be zeroed at once.
            words = rng.choice(([*words, 0xf2e0_0000 | rng.randint(1, 0xffff) << 5 | base],
                                [add(base, DEVICE, rng.randrange(-8, 8))]))
        return [*words, word]

    def _draw(self, encoding: Encoding, **fixed: int) -> int:
        """Draw an instruction that writes none of the reserved registers."""
        while True:
            word, values = draw(encoding, self.rng, **fixed)
            written = {values[name] for name in "dtus" if name in values}
            if not RESERVED & written:
                return word

    def _base(self, register: int, alignment: int = 1) -> list[int]:
        """Point a register into the scratch area, mostly near its middle, where a page begins."""
        rng = self.rng
        offset = rng.choice((rng.getrandbits(12), rng.getrandbits(6), rng.getrandbits(6)))
        offset &= -(16 if register == 31 else alignment)
        words = [add(register, SCRATCH, rng.choice((offset, -offset)))]
        if not rng.randrange(4):
            # Pages apart: other lines of the same set.
            words.append(rng.choice((0x9140_0000, 0xd140_0000)) | rng.randrange(1, 12) << 10
                         | register << 5 | register)
        return words

    def _index(self, fields: dict[str, int], index: int) -> list[int]:
        """Put an index into its register, and choose its extension."""
        rng = self.rng
        option = rng.choice((2, 3, 6, 7))
        negative = option >= 6 and index and rng.getrandbits(1)
        words = [(0x9280_0000 if negative else 0xd280_0000) | index << 5 | fields["m"]]
        if option == 2 and rng.getrandbits(1):
            # The upper half of an index that is extended from a word is of no effect.
            words.append(0xf2c0_0000 | rng.getrandbits(16) << 5 | fields["m"])
        fields["o"] = option
        return words

    def _operands(self, encoding: Encoding, keep: int | None = None
                  ) -> tuple[int, dict[str, int]]:
        """Choose registers that the encoding allows and that do not disturb the address.

        With ``keep``, this is the base, and is not overwritten.
        """
        rng = self.rng
        names = [name for name in REGISTER_FIELDS if name in fields_of(encoding.pattern)]
        while True:
            base = rng.choice(WRITABLE) if keep is None else keep
            others = {name: rng.choice(READABLE) for name in names if name != "n"}
            if keep in others.values() or (
                    keep is not None and encoding.name.startswith("CASP")
                    and keep in (others["s"] + 1, others["t"] + 1)):
                continue
            if "m" in others and others["m"] in (base, 31, *RESERVED):
                continue
            if encoding.rule(_Anything(others | {"n": base})) and not RESERVED & {
                    others.get(name) for name in "tus"}:
                return base, others


class _Anything(dict):
    """Fields that are not drawn yet: their rules are checked when they are."""

    def __missing__(self, key):
        return 2
