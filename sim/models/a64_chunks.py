"""Chunks of random A64 programs: a few instructions that stand for themselves.

A chunk sets up the addresses that it uses, branches only within itself and leaves the processor at
EL1, so that any chunk can be left out or repeated. It never writes the registers that the rest of
the program needs.
"""

import random
from collections.abc import Callable, Iterable, Mapping

from .a64_access_chunks import BASES, COUNTER, DEVICE, READABLE, SCRATCH, WRITABLE, AccessChunks
from .a64_encodings import ENCODINGS
from .a64_patterns import draw
from .a64_words import DSB, ISB, NOP, add, address_of, move, system_move

__all__ = ["CORNERS", "RETURN_CODE", "ChunkGenerator"]

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
TPIDR_EL0, SP_EL0, CNTKCTL = (3, 3, 13, 0, 2), (3, 0, 4, 1, 0), (3, 0, 14, 1, 0)
SCTLR, SPSR, ELR = (3, 0, 1, 0, 0), (3, 0, 4, 0, 0), (3, 0, 4, 0, 1)
CNTV_TVAL, CNTV_CTL = (3, 3, 14, 3, 0), (3, 3, 14, 3, 1)

# Refused at EL0; interrupt masks are not with SCTLR_EL1.UMA.
PRIVILEGED = ("MSR SPSel", "MSR PAN", "MSR DAIFSet", "MSR DAIFClr", "WFI", "TLBI",
              "IC IALLU", "IC IALLUIS", "DC IVAC", "DC ISW", "DC CSW", "DC CISW", "ERET")

HINTS = ("NOP", "YIELD", "SEV", "SEVL", "PAC hints", "BTI", "HINT", "DSB", "DMB", "ISB", "CLREX")


class ChunkGenerator(AccessChunks):
    """Draws chunks; of two instructions it rather takes the one that it has drawn less often.

    Parameters
    ----------
    rng : :class:`random.Random`
        Source of randomness.
    groups : iterable of :class:`str`
        Groups of encodings to draw from.
    """

    def __init__(self, rng: random.Random, groups: Iterable[str]):
        super().__init__(rng, groups)
        anywhere = {self.compute: 30, self.value: 6, self.access: 20, self.burst: 6, self.skip: 8,
                    self.jump: 1, self.loop: 2, self.call: 3, self.recurse: 0.5, self.quiet: 3,
                    self.trap: 2, self.monitor: 2.5, self.device: 3, self.refused: 2,
                    self.wild: 1, self.maintain: 1.5}
        self._at_el1 = anywhere | {self.state: 3, self.masks: 2, self.user: 3, self.leave: 1,
                                   self.set_way: 1, self.patch: 0.8, self.wait: 0.8,
                                   self.strict: 1, self.illegal: 0.6}
        self._at_el0 = anywhere | {self.forbidden: 3, self.user_state: 2}

    def chunk(self) -> list[int]:
        """Return one chunk."""
        return self._one_of(self._at_el1)

    def _one_of(self, weights: Mapping[Callable[[], list[int]], float]) -> list[int]:
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]()

    def straight(self, most: int) -> list[int]:
        """Return words without branches."""
        return [word for _ in range(self.rng.randint(1, most))
                for word in self.rng.choice((self.compute, self.compute, self.access))()]

    def value(self) -> list[int]:
        """Put a corner value, or one near it, into a register."""
        rng = self.rng
        value = rng.choice((rng.choice(CORNERS), rng.getrandbits(64), 1 << rng.randrange(64)))
        value += rng.choice((0, 0, 0, -1, 1))
        return move(rng.choice(WRITABLE[:-1]), value & (1 << 64) - 1)

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

    def recurse(self) -> list[int]:
        """Call a subroutine that calls itself, deeper than the return stack."""
        rng = self.rng
        # str and ldr x30, [SCRATCH, COUNTER, lsl #3]
        link = 0xf800_7800 | COUNTER << 16 | SCRATCH << 5 | 30
        body = [0x0020_0000 | link, *self.compute(),
                add(COUNTER, COUNTER, -1), 0xb400_0040 | COUNTER, 0,     # cbz over bl
                add(COUNTER, COUNTER, 1), 0x0060_0000 | link, *self.compute_but(30), 0xd65f_03c0]
        place = body.index(0)
        body[place] = 0x9400_0000 | -place & (1 << 26) - 1
        return [*move(COUNTER, rng.randint(1, 20)), 0x1400_0000 | len(body) + 1, *body,
                0x9400_0000 | -len(body) & (1 << 26) - 1]

    def compute_but(self, register: int) -> list[int]:
        """Compute without writing a register."""
        while True:
            word, = self.compute()
            if word & 31 != register:
                return [word]

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
        counters = rng.choice(BASES)
        return rng.choice((
            [system_move(name, source, read=False), system_move(name, target, read=True)],
            [system_move(rng.choice(SHOWN), target, read=True)],
            # Undefined while it is the stack pointer in use.
            [system_move(SP_EL0, target, read=bool(rng.getrandbits(1)))],
            # What EL0 may read of the counters.
            [*move(counters, rng.randrange(4)), system_move(CNTKCTL, counters, read=False)]))

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
        # Masked: the handler would put an end to it before WFI.
        return [0xd503_42df, *move(register, rng.randint(1, 200)),
                system_move(CNTV_TVAL, register, read=False), *move(register, 1),
                system_move(CNTV_CTL, register, read=False), 0xd503_207f,
                *rng.choice(([], [0xd503_42ff])), system_move(CNTV_CTL, 31, read=False)]

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
        name = rng.choice((*STORED[2:], *SHOWN, SCTLR, CNTV_TVAL, CNTV_CTL, CNTKCTL))
        return [system_move(name, rng.choice(WRITABLE), read=bool(rng.getrandbits(1)))]

    def _return_to(self, mode: int) -> list[int]:
        rng = self.rng
        address, state = rng.sample(BASES, 2)
        saved = rng.getrandbits(4) << 28 | rng.getrandbits(1) << 22 | rng.getrandbits(4) << 6 | mode
        tail = [0xd503_42df, system_move(ELR, address, read=False),     # msr daifset, #2
                system_move(SPSR, state, read=False), 0xd69f_03e0]
        words = move(state, saved)
        return [address_of(address, 4 + 4 * len(words + tail)), *words, *tail]
