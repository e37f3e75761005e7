"""Chunks of random A64 programs: a few instructions that stand for themselves.

A chunk sets up the addresses that it uses, branches only within itself and leaves the processor at
EL1, so that any chunk can be left out or repeated. It never writes the registers below, which the
rest of the program needs.
"""

import collections
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from .a64_encodings import ENCODINGS, REGISTER_FIELDS
from .a64_patterns import Encoding, draw, fields_of
from .a64_words import DSB, ISB, NOP, add, address_of, move, system_move

__all__ = ["CORNERS", "COUNTER", "DEVICE", "HANDLER", "PASSES", "RETURN_CODE", "SCRATCH",
           "WRITABLE", "ChunkGenerator"]

#: Passes left of a group of chunks, middle of the Device memory, loop counter of the chunk,
#: register of the exception handlers, middle of the scratch area.
PASSES, DEVICE, COUNTER, HANDLER, SCRATCH = 24, 25, 26, 27, 28
RESERVED = frozenset((PASSES, DEVICE, COUNTER, HANDLER, SCRATCH))
READABLE = tuple(range(32))
WRITABLE = tuple(number for number in READABLE if number not in RESERVED)
#: What an address can be put into: no operand of other kinds.
BASES = tuple(number for number in WRITABLE if number < 30)

#: SVC with this code returns to EL1.
RETURN_CODE = 0x5e1

CORNERS = (0, 1, 2, 3, 7, 8, 15, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
           0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
           (1 << 64) - 2, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0x0123_4567_89ab_cdef)

# Nothing stands at these encodings in the core: reserved ones, floating point, EL2, EL3.
ABSENT = (0x1e60_4000, 0x4ea1_1c20, 0x3dc0_0000, 0xffff_ffff, 0x5ac0_4000, 0xd51b_ff00)

# op0, op1, CRn, CRm, op2 of registers that keep all 64 bits, and of what is only read.
STORED = ((3, 3, 13, 0, 2), (3, 3, 13, 0, 3), (3, 0, 13, 0, 4), (3, 0, 6, 0, 0), (3, 0, 4, 0, 1))
SHOWN = ((3, 0, 4, 2, 2), (3, 0, 4, 2, 0), (3, 0, 4, 2, 3), (3, 3, 4, 2, 1), (3, 0, 4, 0, 0),
         (3, 0, 5, 2, 0), (3, 0, 12, 0, 0), (3, 3, 14, 0, 2), (3, 3, 9, 13, 0))
NZCV, DAIF = (3, 3, 4, 2, 0), (3, 3, 4, 2, 1)
TPIDR_EL0 = (3, 3, 13, 0, 2)
SCTLR, SPSR, ELR = (3, 0, 1, 0, 0), (3, 0, 4, 0, 0), (3, 0, 4, 0, 1)
CNTV_TVAL, CNTV_CTL = (3, 3, 14, 3, 0), (3, 3, 14, 3, 1)

# Refused at EL0; interrupt masks are not with SCTLR_EL1.UMA.
PRIVILEGED = ("MSR SPSel", "MSR PAN", "MSR DAIFSet", "MSR DAIFClr", "WFI", "TLBI",
              "IC IALLU", "IC IALLUIS", "DC IVAC", "DC ISW", "DC CSW", "DC CISW", "ERET")

HINTS = ("NOP", "YIELD", "SEV", "SEVL", "PAC hints", "BTI", "HINT", "DSB", "DMB", "ISB", "CLREX")
BY_ADDRESS = ("DC ZVA", "DC CVAC", "DC CVAU", "DC CVAP", "DC CIVAC", "IC IVAU")


class ChunkGenerator:
    """Draws chunks; of two instructions it rather takes the one that it has drawn less often.

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
        self.nearby = [encoding for encoding in self.memory if encoding.kind == "offset"]
        self.exclusive = "exclusive" in groups
        self.drawn: collections.Counter[str] = collections.Counter()
        anywhere = {self.compute: 30, self.value: 6, self.access: 20, self.burst: 6, self.skip: 8,
                    self.jump: 1, self.loop: 2, self.call: 3, self.quiet: 3, self.trap: 2,
                    self.monitor: 2.5, self.device: 3, self.refused: 2, self.wild: 1,
                    self.maintain: 1.5}
        self._at_el1 = anywhere | {self.state: 3, self.masks: 2, self.user: 3, self.leave: 1,
                                   self.set_way: 1, self.patch: 0.8, self.wait: 0.8,
                                   self.strict: 1, self.illegal: 0.6}
        self._at_el0 = anywhere | {self.forbidden: 3, self.user_state: 2}

    def chunk(self) -> list[int]:
        """Return one chunk."""
        return self._one_of(self._at_el1)

    def _one_of(self, weights: Mapping[Callable[[], list[int]], float]) -> list[int]:
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]()

    def _rarest(self, encodings: Sequence[Encoding]) -> Encoding:
        rng = self.rng
        chosen = min(rng.choice(encodings), rng.choice(encodings),
                     key=lambda encoding: self.drawn[encoding.name])
        self.drawn[chosen.name] += 1
        return chosen

    def straight(self, most: int) -> list[int]:
        """Return words without branches."""
        return [word for _ in range(self.rng.randint(1, most))
                for word in self.rng.choice((self.compute, self.compute, self.access))()]

    def compute(self) -> list[int]:
        return [self._draw(self._rarest(self.data))]

    def value(self) -> list[int]:
        """Put a corner value, or one near it, into a register."""
        rng = self.rng
        value = rng.choice((rng.choice(CORNERS), rng.getrandbits(64), 1 << rng.randrange(64)))
        value += rng.choice((0, 0, 0, -1, 1))
        return move(rng.choice(WRITABLE[:-1]), value & (1 << 64) - 1)

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
        words = self._base(base)
        for _ in range(rng.randint(2, 6)):
            encoding = self._rarest(self.nearby)
            width = encoding.pattern.count("i")
            # Negative offsets only where the field is signed: all but the twelve-bit one.
            offset = rng.randrange(4) if width == 12 else rng.randrange(-4, 12)
            data = rng.sample([n for n in WRITABLE if n != base], 2)
            word, _ = draw(encoding, rng, n=base, t=data[0], u=data[1],
                           i=offset & (1 << width) - 1)
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

    def skip(self) -> list[int]:
        """Branch forward over a few instructions."""
        rng = self.rng
        body = self.straight(4)
        offset = len(body) + 1
        register = rng.choice(READABLE)
        wide = rng.getrandbits(1) << 31
        branch = rng.choice((
            0x1400_0000 | offset,
            0x5400_0000 | offset << 5 | rng.randrange(16),
            0x5400_0000 | offset << 5 | rng.randrange(14),
            wide | 0x3400_0000 | rng.getrandbits(1) << 24 | offset << 5 | register,
            wide | 0x3600_0000 | rng.getrandbits(1) << 24 | rng.randrange(32) << 19 | offset << 5
            | register))
        return [branch, *body]

    def jump(self) -> list[int]:
        """Branch forward through a register."""
        body, register = self.straight(3), self.rng.choice(BASES)
        return [address_of(register, 8 + 4 * len(body)), 0xd61f_0000 | register << 5, *body]

    def loop(self) -> list[int]:
        rng = self.rng
        body = [word for _ in range(rng.randint(1, 3))
                for word in rng.choice((self.compute, self.access, self.skip))()]
        count = rng.randint(1, 9)
        back = -(len(body) + 1) & (1 << 19) - 1
        flags = rng.getrandbits(1)
        return [0xd280_0000 | count << 5 | COUNTER, *body,
                0xd100_0400 | flags << 29 | COUNTER << 5 | COUNTER,
                0x5400_0001 | back << 5 if flags else 0xb500_0000 | back << 5 | COUNTER]

    def call(self) -> list[int]:
        """Call a subroutine, directly or through a register."""
        rng = self.rng
        # It returns even if it has overwritten x30.
        body = [0xaa1e_03e0 | COUNTER, *self.straight(3), 0xaa00_03fe | COUNTER << 16]
        after = len(body) + 2
        back = -(len(body) + 1)
        # b over; sub: body; ret; over: bl sub, or adr and blr.
        if rng.getrandbits(1):
            return [0x1400_0000 | after, *body, 0xd65f_03c0, 0x9400_0000 | back & (1 << 26) - 1]
        register = rng.choice(BASES)
        return [0x1400_0000 | after, *body, 0xd65f_03c0, address_of(register, back * 4),
                0xd63f_0000 | register << 5]

    def wild(self) -> list[int]:
        """Branch to where nothing can be executed; the handler returns to x30."""
        rng = self.rng
        register = rng.choice(BASES)
        target = rng.choice((
            [address_of(register, rng.randint(1, 3) + 4 * rng.randrange(8))],
            [0xaa00_03e0 | DEVICE << 16 | register],
            [*move(register, 0x2000_0000)],
            [address_of(register, 0), 0xf2e0_0000 | rng.randint(1, 0xffff) << 5 | register]))
        if rng.getrandbits(1):
            return [*target, 0xd63f_0000 | register << 5]
        branch = rng.choice((0xd61f_0000, 0xd65f_0000)) | register << 5
        return [*target, address_of(30, 8), branch]

    def trap(self) -> list[int]:
        rng = self.rng
        if not rng.randrange(4):
            return [rng.choice(ABSENT)]
        encoding = self._rarest(self.traps)
        while True:
            word, fields = draw(encoding, rng)
            if fields["i"] != RETURN_CODE:
                return [word]

    def quiet(self) -> list[int]:
        """Hint or barrier."""
        return [self._draw(self._rarest([ENCODINGS[name] for name in HINTS]))]

    def maintain(self) -> list[int]:
        """Cache maintenance by address. What is invalidated has been written back before."""
        rng = self.rng
        base = rng.choice(BASES)
        encoding = self._rarest([ENCODINGS[name] for name in BY_ADDRESS])
        word, _ = draw(encoding, rng, t=base)
        return [*self._base(base), word]

    def set_way(self) -> list[int]:
        """Cache maintenance that EL0 may not do."""
        rng = self.rng
        base = rng.choice(BASES)
        encoding = self._rarest([ENCODINGS[name] for name in PRIVILEGED[5:-1]])
        word, _ = draw(encoding, rng, t=base)
        first = {"DC IVAC": "DC CIVAC", "DC ISW": "DC CISW"}.get(encoding.name)
        before = [draw(ENCODINGS[first], rng, t=base)[0]] if first else []
        if encoding.name == "DC IVAC":
            return [*self._base(base), *before, word]
        return [*move(base, rng.randrange(64) << 6), *before, word]

    def state(self) -> list[int]:
        """Move to and from system registers that all agree on."""
        rng = self.rng
        source, target = rng.choice(READABLE), rng.choice(WRITABLE)
        name = rng.choice((NZCV, *STORED))
        return rng.choice((
            [system_move(name, source, read=False), system_move(name, target, read=True)],
            [system_move(rng.choice(SHOWN), target, read=True)]))

    def user_state(self) -> list[int]:
        """Move to and from what EL0 may."""
        rng = self.rng
        name = rng.choice((NZCV, TPIDR_EL0))
        return [system_move(name, rng.choice(READABLE), read=False),
                system_move(name, rng.choice(WRITABLE), read=True)]

    def masks(self) -> list[int]:
        """Change the stack pointer in use, masks of interrupts, PAN."""
        rng = self.rng
        encoding = self._rarest([ENCODINGS[f"MSR {name}"]
                                 for name in ("SPSel", "PAN", "DAIFSet", "DAIFClr")])
        words = rng.choice(([self._draw(encoding)], [self._draw(encoding)],
                            [system_move(DAIF, rng.choice(READABLE), read=False)]))
        return [*words, *rng.choice(([], [0xd503_42ff]))]     # msr daifclr, #2

    def strict(self) -> list[int]:
        """Access with alignment checked, by SCTLR_EL1.A."""
        register = self.rng.choice(BASES)
        load, store = (system_move(SCTLR, register, read=read) for read in (True, False))
        set_bit = 0xb27f_0000 | register << 5 | register        # orr, #2
        clear_bit = 0x927e_f800 | register << 5 | register      # and, #~2
        return [load, set_bit, store, ISB, *self.access(), load, clear_bit, store, ISB]

    def wait(self) -> list[int]:
        """Wait for the timer's interrupt, or for an event that is there."""
        rng = self.rng
        if rng.getrandbits(1):
            return [0xd503_20bf, 0xd503_205f]
        register = rng.choice(BASES)
        return [*move(register, rng.randint(1, 200)),
                system_move(CNTV_TVAL, register, read=False), *move(register, 1),
                system_move(CNTV_CTL, register, read=False), 0xd503_207f,
                system_move(CNTV_CTL, 31, read=False)]

    def patch(self) -> list[int]:
        """Change an instruction that follows: it adds another number each time."""
        rng = self.rng
        address, word, changed = rng.sample(BASES, 3)
        code = [0xb940_0000 | address << 5 | word,
                # eor word, word, #bit
                0x5200_0000 | (32 - rng.randint(10, 21)) << 16 | word << 5 | word,
                0xb900_0000 | address << 5 | word, 0xd50b_7b20 | address, DSB,
                0xd50b_7520 | address, DSB, ISB]
        target = 0x9100_0000 | rng.getrandbits(12) << 10 | changed << 5 | changed
        return [address_of(address, 4 + 4 * len(code)), *code, target]

    def leave(self) -> list[int]:
        """Return from an exception that never was, to EL1."""
        return self._return_to(self.rng.choice((4, 5)))

    def illegal(self) -> list[int]:
        """Return to a state that there is not: the next instruction traps."""
        state = self.rng.choice((0x01, 0x08, 0x0d, 0x10, 1 << 20 | 4, 1 << 20 | 5))
        return [*self._return_to(state), NOP]

    def user(self) -> list[int]:
        """Run a few chunks at EL0."""
        body = [word for _ in range(self.rng.randint(1, 8)) for word in self._one_of(self._at_el0)]
        return [*self._return_to(0), *body, 0xd400_0001 | RETURN_CODE << 5]

    def forbidden(self) -> list[int]:
        """Try what is for EL1 only."""
        rng = self.rng
        if rng.getrandbits(1):
            return [self._draw(self._rarest([ENCODINGS[name] for name in PRIVILEGED]))]
        name = rng.choice((*STORED[2:], *SHOWN[:-1], SCTLR, CNTV_TVAL, CNTV_CTL))
        return [system_move(name, rng.choice(WRITABLE), read=bool(rng.getrandbits(1)))]

    def _return_to(self, mode: int) -> list[int]:
        rng = self.rng
        address, state = rng.sample(BASES, 2)
        saved = rng.getrandbits(4) << 28 | rng.getrandbits(1) << 22 | rng.getrandbits(4) << 6 | mode
        tail = [0xd503_42df, system_move(ELR, address, read=False),     # msr daifset, #2
                system_move(SPSR, state, read=False), 0xd69f_03e0]
        words = move(state, saved)
        return [address_of(address, 4 + 4 * len(words + tail)), *words, *tail]

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

    def _operands(self, encoding: Encoding) -> tuple[int, dict[str, int]]:
        """Choose registers that the encoding allows and that do not disturb the address."""
        rng = self.rng
        names = [name for name in REGISTER_FIELDS if name in fields_of(encoding.pattern)]
        while True:
            base = rng.choice(WRITABLE)
            others = {name: rng.choice(READABLE) for name in names if name != "n"}
            if "m" in others and others["m"] in (base, 31, *RESERVED):
                continue
            if encoding.rule(_Anything(others | {"n": base})) and not RESERVED & {
                    others.get(name) for name in "tus"}:
                return base, others


class _Anything(dict):
    """Fields that are not drawn yet: their rules are checked when they are."""

    def __missing__(self, key):
        return 2
