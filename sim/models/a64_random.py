"""Random A64 programs that end: chunks, what they need around them, and their end."""

import dataclasses
import random
from collections.abc import Iterable, Sequence

from .a64_access_chunks import DEVICE, HANDLER, PASSES, SCRATCH
from .a64_chunks import CORNERS, RETURN_CODE, ChunkGenerator
from .a64_words import move, system_move

__all__ = ["DEVICE_BYTES", "RandomProgram", "generate", "link"]

VECTORS = 0x0000
CODE = 0x1000
SCRATCH_OFFSET = 0x0100_0000
SCRATCH_BYTES = 0x2_0000
DEVICE_BYTES = 1024

SA, SA0, UMA, DZE, UCT, SPAN, UCI = (1 << bit for bit in (3, 4, 9, 14, 15, 23, 26))

#: Chunks that are run several times together.
GROUP = 40

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


def _handler() -> list[int]:
    """Return past the instruction that trapped: to x30 if it was fetched from nowhere."""
    x, esr, elr, spsr = HANDLER, 0xd538_5200, 0xd538_4020, 0xd538_4000
    far = 0xd538_6000
    return [
        far | x, spsr | x, esr | x,
        0xd35a_fc00 | x << 5 | x,                       # lsr x, x, #26
        0xf100_001f | 0x15 << 10 | x << 5,              # cmp x, #0x15: SVC
        0x5400_0000 | 13 << 5,                          # b.eq svc
        0xd100_0000 | 0x20 << 10 | x << 5 | x,          # sub x, x, #0x20
        0xf100_001f | 2 << 10 | x << 5,                 # cmp x, #2: a fetch
        0x5400_0009 | 8 << 5,                           # b.ls fetch
        spsr | x,
        0x9240_0000 | 43 << 16 | 62 << 10 | x << 5 | x,     # and x, x, #~(1 << 20): IL
        spsr & ~(1 << 21) | x,
        elr | x,
        0x9100_1000 | x << 5 | x,                       # add x, x, #4
        elr & ~(1 << 21) | x,                           # msr elr_el1, x
        0xd69f_03e0,                                    # eret
        elr & ~(1 << 21) | 30,                          # fetch: msr elr_el1, x30
        0xd69f_03e0,
        esr | x,                                        # svc:
        0x9240_3c00 | x << 5 | x,                       # and x, x, #0xffff
        0xf100_001f | RETURN_CODE << 10 | x << 5,       # cmp
        0x5400_0001 | 5 << 5,                           # b.ne out
        spsr | x,
        0xb240_0000 | x << 5 | x,                       # orr x, x, #1
        0xb27e_0000 | x << 5 | x,                       # orr x, x, #4
        spsr & ~(1 << 21) | x,
        0xd69f_03e0,                                    # out: eret
    ]


def _interrupt_handler(acknowledge: int) -> list[int]:
    x = HANDLER
    return [*move(x, acknowledge), 0xb900_001f | x << 5,        # str wzr, [x]
            0xd51b_e33f,                                        # msr cntv_ctl_el0, xzr
            0xd503_3f9f,                                        # dsb sy
            0xd69f_03e0]


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


def _device_loop(device: int, access: int, step: Sequence[int] = ()) -> list[int]:
    """Access each doubleword of the Device memory, with its offset in x0, from the last one on."""
    return [*move(DEVICE, device), *move(0, DEVICE_BYTES),
            0xd100_2000,                                # sub x0, x0, #8
            access | DEVICE << 5, *step,                # str or ldr x1, [DEVICE, x0]
            0xb500_0000 | (-2 - len(step) & (1 << 19) - 1) << 5]


def _let_timer_through(distributor: int, redistributor: int) -> list[int]:
    """Set up the interrupt controller: the timer's level ends a WFI and interrupts."""
    return [*move(0, distributor), *move(1, 2), 0xb900_0001,        # str w1, [x0]: GICD_CTLR
            *move(0, redistributor + 0x14), 0xb900_001f,            # str wzr, [x0]: GICR_WAKER
            *move(0, redistributor + 0x10100), *move(1, 1 << 27),   # GICR_ISENABLER0
            0xb900_0001,
            *move(1, 0xf0), system_move((3, 0, 4, 6, 0), 1, read=False),        # ICC_PMR_EL1
            *move(1, 1), system_move((3, 0, 12, 12, 7), 1, read=False)]         # ICC_IGRPEN1_EL1


def _start(rng: random.Random, seed: int, *, ram_base: int, device: int) -> list[int]:
    """Set up vectors, caches by the seed, Device memory and registers."""
    words = [*move(0, ram_base + VECTORS), 0xd518_c000]             # msr vbar_el1, x0
    # Every other program runs with the caches on: C and I. EL0 may do this and that.
    control = 0x3050_0800 | (seed & 1) * 0x1004 | rng.choice((SA | SA0, SA | SA0, SA0, 0))
    control |= rng.choice((0, SPAN)) | rng.choice((UCI | UCT | DZE, UCI | UCT | DZE, 0, UCI, DZE))
    words += [*move(0, control | rng.choice((0, UMA))), 0xd518_1000]
    words += [*move(1, rng.getrandbits(64)),
              *_device_loop(device, 0xf820_6801, [0x8b01_0421])]    # add x1, x1, x1, lsl #1
    for register in range(31):
        words += move(register, rng.choice((rng.choice(CORNERS), rng.getrandbits(64))))
    words += [*move(SCRATCH, ram_base + SCRATCH_OFFSET), *move(DEVICE, device + DEVICE_BYTES // 2)]
    return [*words, 0x9100_0000 | SCRATCH << 5 | 31,                # mov sp, x28
            0xd503_42ff]                                            # msr daifclr, #2


def _passes(chunks: Sequence[Sequence[int]], rng: random.Random) -> list[int]:
    """Run the chunks in groups, one to three times each."""
    words = []
    for first in range(0, len(chunks), GROUP):
        body = [word for chunk in chunks[first:first + GROUP] for word in chunk]
        back = -(len(body) + 1) & (1 << 19) - 1
        words += [*move(PASSES, rng.randint(1, 3)), *body,
                  0xd100_0400 | PASSES << 5 | PASSES, 0xb500_0000 | back << 5 | PASSES]
    return words


def link(chunks: Sequence[Sequence[int]], *, seed: int, ram_base: int, exit_address: int,
         device: int, gic: tuple[int, int] | None = None) -> RandomProgram:
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
        A store of 1 there ends the program; one 16 bytes on acknowledges an interrupt.
    device : :class:`int`
        Device memory, of :data:`DEVICE_BYTES`.
    gic : tuple of two :class:`int` or None
        Distributor and redistributor; without them nothing ends a WFI of the chunks.
    """
    rng = random.Random(seed)
    code = [*(_let_timer_through(*gic) if gic else ()),
            *_start(rng, seed, ram_base=ram_base, device=device),
            *_passes(chunks, rng),
            0xd503_42df,                                            # msr daifset, #2
            *_device_loop(device, 0xf860_6801),
            *move(0, exit_address), *move(1, 1), 0xb900_0001, *_WRITE_BACK]
    scratch = rng.randbytes(SCRATCH_BYTES)
    vectors = [(ram_base + VECTORS + offset + at, _bytes(words))
               for offset in (0x000, 0x200, 0x400)
               for at, words in ((0, _handler()), (0x80, _interrupt_handler(exit_address + 16)))]
    return RandomProgram(
        entry=ram_base + CODE,
        segments=(*vectors, (ram_base + CODE, _bytes(code)),
                  (ram_base + SCRATCH_OFFSET - len(scratch) // 2, scratch)),
        chunks=tuple(map(tuple, chunks)))


def generate(seed: int, count: int,
             groups: Iterable[str] = ("base", "crc", "exclusive", "lse")) -> list[list[int]]:
    """Return ``count`` random chunks, always the same for one seed."""
    generator = ChunkGenerator(random.Random(seed), groups)
    return [generator.chunk() for _ in range(count)]
