"""Random A64 programs that end: legal streams with corner values, accesses, branches and traps.

A program is a list of chunks. A chunk stands for itself: it sets up the addresses that it uses and
branches only within itself, so that any chunk can be left out when a failure is made smaller.
"""

import dataclasses
import random
from collections.abc import Iterable, Sequence

from .a64_encodings import ENCODINGS, REGISTER_FIELDS, Encoding, draw, fields_of

__all__ = ["RandomProgram", "generate", "link"]

#: Never written by a chunk: loop counter of the chunk, middle of the scratch area.
COUNTER, SCRATCH = 26, 28
WRITABLE = tuple(number for number in range(32) if number not in (COUNTER, SCRATCH))
READABLE = tuple(range(32))

VECTORS = 0x0000
CODE = 0x1000
SCRATCH_OFFSET = 0x0100_0000

NOP = 0xd503201f
CORNERS = (0, 1, 2, 3, 7, 8, 15, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
           0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
           (1 << 64) - 2, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0x0123_4567_89ab_cdef)

# Hints, barriers and what else neither computes nor depends on anything.
QUIET = (NOP, 0xd503203f, 0xd50320ff, 0xd503233f, 0xd503245f, 0xd5033fdf, 0xd5033f9f, 0xd5033bbf,
         0xd5033f5f, 0xd503309f)

# Nothing stands at these encodings in the core: reserved ones, floating point, debug, EL2, EL3.
TRAPS = (0x0000_0000, 0x0000_1234, 0x1e60_4000, 0x4ea1_1c20, 0x3dc0_0000, 0xd440_0000,
         0xd400_0002, 0xd400_0003, 0xffff_ffff, 0x5ac0_4000, 0xd51b_ff00)


@dataclasses.dataclass(frozen=True)
class RandomProgram:
    """A linked program.

    Parameters
    ----------
    entry : :class:`int`
        First instruction.
    segments : tuple of (address, bytes)
        Contents of the RAM.
    chunks : tuple of tuple of :class:`int`
        What :func:`link` made it of.
    """

    entry: int
    segments: tuple[tuple[int, bytes], ...]
    chunks: tuple[tuple[int, ...], ...]


def _move(register: int, value: int) -> list[int]:
    """Return MOVZ and MOVK that load ``value``."""
    words = [0xd280_0000 | (value & 0xffff) << 5 | register]
    for half in (1, 2, 3):
        part = value >> 16 * half & 0xffff
        if part:
            words.append(0xf280_0000 | half << 21 | part << 5 | register)
    return words


class _Generator:
    """Draws chunks.

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
        self.memory = [encoding for encoding in chosen
                       if encoding.kind not in ("data", "exclusive")]
        self.nearby = [encoding for encoding in self.memory if encoding.kind == "offset"]
        self.exclusive = "exclusive" in groups

    def chunk(self) -> list[int]:
        """Return one chunk."""
        return self.rng.choices(
            (self.compute, self.value, self.access, self.burst, self.skip, self.loop, self.call,
             self.state, self.quiet, self.trap, self.monitor),
            (40, 8, 24, 6, 10, 2, 3, 2, 2, 1.5, 1.5))[0]()

    def straight(self, most: int) -> list[int]:
        """Return words without branches."""
        return [word for _ in range(self.rng.randint(1, most))
                for word in self.rng.choice((self.compute, self.compute, self.access))()]

    def compute(self) -> list[int]:
        return [self._draw(self.rng.choice(self.data))]

    def value(self) -> list[int]:
        """Put a corner value, or one near it, into a register."""
        rng = self.rng
        value = rng.choice((rng.choice(CORNERS), rng.getrandbits(64), 1 << rng.randrange(64)))
        value += rng.choice((0, 0, 0, -1, 1))
        return _move(rng.choice(WRITABLE[:-1]), value & (1 << 64) - 1)

    def access(self) -> list[int]:
        return self._access(self.rng.choice(self.memory))

    def burst(self) -> list[int]:
        """Access a few neighbouring bytes at once, with nothing in between."""
        rng = self.rng
        base = rng.choice([number for number in WRITABLE if number < 29])
        words = self._base(base)
        for _ in range(rng.randint(2, 6)):
            encoding = rng.choice(self.nearby)
            width = encoding.pattern.count("i")
            # Negative offsets only where the field is signed: all but the twelve-bit one.
            offset = rng.randrange(4) if width == 12 else rng.randrange(-4, 12)
            others = [n for n in WRITABLE if n != base]
            data = rng.sample(others, 2)
            word, _ = draw(encoding, rng, n=base, t=data[0], u=data[1],
                           i=offset & (1 << width) - 1)
            words.append(word)
        return words

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

    def loop(self) -> list[int]:
        rng = self.rng
        body = [word for _ in range(rng.randint(1, 3))
                for word in rng.choice((self.compute, self.access, self.skip))()]
        count = rng.randint(1, 9)
        back = -(len(body) + 1) & (1 << 19) - 1
        return [0xd280_0000 | count << 5 | COUNTER, *body,
                0xd100_0400 | COUNTER << 5 | COUNTER, 0xb500_0000 | back << 5 | COUNTER]

    def call(self) -> list[int]:
        """Call a subroutine, directly or through a register."""
        rng = self.rng
        body = self._keeping_link(self.straight(3))
        after = len(body) + 2
        # b over; sub: body; ret; over: bl sub, or adr and blr.
        if rng.getrandbits(1):
            return [0x1400_0000 | after, *body, 0xd65f_03c0,
                    0x9400_0000 | -(len(body) + 1) & (1 << 26) - 1]
        register = rng.choice([number for number in WRITABLE if number < 30])
        back = -(len(body) + 1) * 4
        adr = 0x1000_0000 | (back & 3) << 29 | (back >> 2 & (1 << 19) - 1) << 5 | register
        return [0x1400_0000 | after, *body, 0xd65f_03c0, adr, 0xd63f_0000 | register << 5]

    def state(self) -> list[int]:
        """Move to and from system registers that all agree on."""
        rng = self.rng
        register = rng.choice(WRITABLE)
        return rng.choice((
            [0xd51b_4200 | rng.choice(READABLE)], [0xd53b_4200 | register],
            [0xd51b_d040 | rng.choice(READABLE), 0xd53b_d040 | register],
            [0xd518_d080 | rng.choice(READABLE), 0xd538_d080 | register],
            [0xd538_4240 | register], [0xd53b_4220 | register], [0xd538_4200 | register],
            [0xd503_4fdf, 0xd53b_4220 | register, 0xd503_4fff]))

    def quiet(self) -> list[int]:
        return [self.rng.choice(QUIET)]

    def trap(self) -> list[int]:
        rng = self.rng
        code = rng.getrandbits(16)
        return [rng.choice((0xd400_0001 | code << 5, 0xd400_0001 | code << 5,
                            0xd420_0000 | code << 5, rng.choice(TRAPS)))]

    def monitor(self) -> list[int]:
        """Load and store exclusive, with the monitor still set, or cleared in between."""
        if not self.exclusive:
            return self.compute()
        rng = self.rng
        size = rng.choice(("B", "H", " W", " X"))
        base, value, status = rng.sample([n for n in WRITABLE if n < 31], 3)
        load, _ = draw(ENCODINGS[rng.choice(("LDXR", "LDAXR")) + size], rng, n=base, t=value)
        store, _ = draw(ENCODINGS[rng.choice(("STXR", "STLXR")) + size], rng, n=base,
                        t=rng.choice([n for n in READABLE if n not in (status, base)]), s=status)
        between = rng.choice(([], [], [NOP], [0xd503_305f]))
        return [*self._base(base, 16), load, *between, store]

    def _keeping_link(self, words: Sequence[int]) -> list[int]:
        """Wrap a subroutine body so that it returns even if it has overwritten x30."""
        save, restore = 0xaa1e_03e0 | COUNTER, 0xaa00_03fe | COUNTER << 16
        return [save, *words, restore]

    def _draw(self, encoding: Encoding, **fixed: int) -> int:
        """Draw an instruction that writes none of the reserved registers."""
        while True:
            word, values = draw(encoding, self.rng, **fixed)
            written = [values[name] for name in "dtus" if name in values]
            if not {COUNTER, SCRATCH} & set(written):
                return word

    def _base(self, register: int, alignment: int = 1) -> list[int]:
        """Point a register somewhere into the scratch area, mostly near its middle."""
        rng = self.rng
        offset = rng.choice((rng.getrandbits(12), rng.getrandbits(6), rng.getrandbits(6)))
        offset &= -(16 if register == 31 else alignment)
        return [rng.choice((0x9100_0000, 0xd100_0000)) | offset << 10 | SCRATCH << 5 | register]

    def _access(self, encoding: Encoding) -> list[int]:
        rng = self.rng
        if encoding.kind == "literal":
            # Within the chunk: the word after the branch that jumps over the data.
            return [self._draw(encoding, i=2), 0x1400_0003, rng.getrandbits(32),
                    rng.getrandbits(32)]
        fields = fields_of(encoding.pattern)
        while True:
            base = rng.choice([number for number in WRITABLE if number != 29])
            others = {name: rng.choice(READABLE) for name in REGISTER_FIELDS
                      if name in fields and name != "n"}
            if "m" in others and (others["m"] in (base, 31, COUNTER, SCRATCH)):
                continue
            if encoding.rule(_Anything(others | {"n": base})) and not {
                    COUNTER, SCRATCH} & {others.get(name) for name in "tus"}:
                break
        alignment = 16 if encoding.kind == "aligned" else 1
        words = self._base(base, alignment)
        if encoding.kind == "index":
            index = rng.choice((rng.getrandbits(12), rng.getrandbits(4)))
            option = rng.choice((2, 3, 6, 7))
            negative = option >= 6 and rng.getrandbits(1)
            words.append((0x9280_0000 if negative else 0xd280_0000) | index << 5 | others["m"])
            if option == 2 and rng.getrandbits(1):
                # The upper half of an index that is extended from a word is of no effect.
                words.append(0xf2c0_0000 | rng.getrandbits(16) << 5 | others["m"])
            others["o"] = option
        word, _ = draw(encoding, rng, n=base, **others)
        return [*words, word]


class _Anything(dict):
    """Fields that are not drawn yet: their rules are checked when they are."""

    def __missing__(self, key):
        return 2


def _handler() -> list[int]:
    """Return past the instruction that trapped, or to where SVC says."""
    return [
        0xd538_5200 | 24,                   # mrs x24, esr_el1
        0xd538_4020 | 23,                   # mrs x23, elr_el1
        0xd538_4000 | 22,                   # mrs x22, spsr_el1
        0xd35a_fc00 | 24 << 5 | 24,         # lsr x24, x24, #26
        0xf100_001f | 0x15 << 10 | 24 << 5,     # cmp x24, #0x15
        0x5400_0000 | 3 << 5,               # b.eq .+12
        0x9100_1000 | 23 << 5 | 23,         # add x23, x23, #4
        0xd518_4020 | 23,                   # msr elr_el1, x23
        0xd69f_03e0,                        # eret
    ]


# Runs after the exit, out of sight: every dirty line goes to the memory, where it is compared.
_WRITE_BACK = (
    0xd503_3f9f,                        # dsb sy, until the exit has arrived
    0xd539_0002,                        # mrs x2, ccsidr_el1
    0xd34d_6c43,                        # ubfx x3, x2, #13, #15
    0xd343_3044,                        # ubfx x4, x2, #3, #10
    0x5ac0_1085,                        # clz w5, w4
    0xd280_0006,                        # mov x6, #0
    0xd280_0007,                        # way: mov x7, #0
    0x9ac5_20c8,                        # set: lsl x8, x6, x5
    0xaa07_1908,                        # orr x8, x8, x7, lsl #6
    0xd508_7e48,                        # dc cisw, x8
    0x9100_04e7,                        # add x7, x7, #1
    0xeb03_00ff,                        # cmp x7, x3
    0x54ff_ff69,                        # b.ls set
    0x9100_04c6,                        # add x6, x6, #1
    0xeb04_00df,                        # cmp x6, x4
    0x54ff_fee9,                        # b.ls way
    0xd503_3f9f,                        # dsb sy
    0x1400_0000,                        # b .
)


def _bytes(words: Iterable[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def link(chunks: Sequence[Sequence[int]], *, seed: int, ram_base: int,
         exit_address: int) -> RandomProgram:
    """Put start-up code, chunks, scratch data and the exit together.

    Parameters
    ----------
    chunks : sequence of words
        From :func:`generate`.
    seed : :class:`int`
        Of the initial registers and data.
    ram_base : :class:`int`
        Where to put all.
    exit_address : :class:`int`
        A store of 1 there ends the program.
    """
    rng = random.Random(seed)
    start = _move(0, ram_base + VECTORS) + [0xd518_c000]             # msr vbar_el1, x0
    # Every other program runs with the caches on: SCTLR_EL1.C and I.
    start += _move(0, 0x30d0_0800 | (seed & 1) * 0x1004) + [0xd518_1000]
    for register in range(31):
        start += _move(register, rng.choice((rng.choice(CORNERS), rng.getrandbits(64))))
    start += _move(SCRATCH, ram_base + SCRATCH_OFFSET)
    start += [0x9100_0000 | SCRATCH << 5 | 31]                       # mov sp, x28
    end = [*_move(0, exit_address), *_move(1, 1), 0xb900_0001, *_WRITE_BACK]
    code = [*start, *(word for chunk in chunks for word in chunk), *end]
    scratch = rng.randbytes(0x3000)
    return RandomProgram(
        entry=ram_base + CODE,
        segments=((ram_base + VECTORS + 0x200, _bytes(_handler())),
                  (ram_base + CODE, _bytes(code)),
                  (ram_base + SCRATCH_OFFSET - len(scratch) // 2, scratch)),
        chunks=tuple(map(tuple, chunks)))


def generate(seed: int, count: int,
             groups: Iterable[str] = ("base", "crc", "exclusive", "lse")) -> list[list[int]]:
    """Return ``count`` random chunks, always the same for one seed."""
    generator = _Generator(random.Random(seed), groups)
    return [generator.chunk() for _ in range(count)]
