# amaranth: UnusedElaboratable=no

"""What the decoder accepts, over the whole encoding space, against a disassembler.

Bits 31:10 are enumerated without a gap. Below them, outside branches and the system space, stand
two register numbers: ``tests/formal/test_decoder_formal.py`` proves that the decoder looks at bits
0 and 4 of them only, and at a pair's first register. They take a few values here; in the two pages
of exceptions, system instructions and indirect branches all 24 bits below the page are enumerated.
"""

import functools
import re

import numpy as np
import pytest

from rtl.core.sysreg_table import SYSTEM_REGISTERS
from tests.unit.core.decoder_sweep import Disassembler, Sweep

HIGH = 0xFFFF_FC00

# What the disassembler knows and a core of the level of v8.2 without EL2 and EL3 does not.
BEYOND = {
    "v8.3: pointer authentication outside the hints":
        r"(br|blr)a[ab]z?|e?reta[ab]|ldra[ab]|pac[id]z?[ab]|aut[id]z?[ab]|pacga|xpac[id]",
    "v8.4: flag manipulation, unscaled LDAPR": r"rmif|setf(8|16)|cfinv|(ldapur|stlur)(s?[bhw])?",
    "v8.5: flags, speculation barrier": r"axflag|xaflag|sb",
    "v8.5: memory tags": r"stz?2?g|stz?gm|ldgm?|irg|gmi|subps?|addg|subg",
    "v8.7: 64-byte transfers, timed waits": r"ld64b|st64bv?0?|wfet .*|wfit .*",
    "v8.8: copy and set, conditional hints": r"cpyf?[pme].*|setg?[pme]t?n?|bc\.\w+",
    "v8.9: common short sequences": r"abs|cnt|ctz|[su](max|min)",
    "transactions": r"tstart|ttest|tcommit|tcancel",
    "levels above EL1, debug state": r"hvc|smc|hlt|dcps[123]|drps",
}
# The system space, where the disassembler names whatever it finds.
OPERATIONS = {"dc ivac", "dc isw", "dc csw", "dc cisw", "dc cvac", "dc cvau", "dc cvap", "dc civac",
              "dc zva", "ic ialluis", "ic iallu", "ic ivau",
              "msr pan", "msr spsel", "msr daifset", "msr daifclr"}


@functools.cache
def tools():
    return Sweep(), Disassembler()


def spread(fixed, mask):
    """The words of a range, in order."""
    index = np.arange(1 << mask.bit_count(), dtype=np.uint32)
    words = np.full(len(index), fixed, np.uint32)
    for place, bit in enumerate(bit for bit in range(32) if mask >> bit & 1):
        words |= (index >> np.uint32(place) & np.uint32(1)) << np.uint32(bit)
    return words


def matches(words, pattern):
    """Whether the words have the bits of a pattern such as ``--01 1000``."""
    digits = pattern.replace(" ", "")
    mask = int(digits.translate(str.maketrans("01-", "110")), 2)
    return words & np.uint32(mask) == int(digits.replace("-", "0"), 2)


def integer(words):
    """The groups without floating point, vectors, and unallocated space."""
    group, vector = words >> 25 & 15, words >> 26 & 1
    return np.isin(group, (8, 9, 10, 11, 5, 13)) | (np.isin(group, (4, 12)) & (vector == 0))


def field(words, low, width=5):
    return words >> np.uint32(low) & np.uint32((1 << width) - 1)


def open_encodings(words):
    """What the disassembler refuses and the core executes: all but the last are left open.

    Loads of limited ordering regions need no place here: they are those of acquire and release.
    """
    rt, rn, rt2, rs = (field(words, low) for low in (0, 5, 10, 16))
    load = field(words, 22, 1) == 1
    exclusive = matches(words, "--00 1000 0-0- ---- ---- ---- ---- ----")
    ordered = matches(words, "--00 1000 1-0- ---- ---- ---- ---- ----")
    exclusive_pair = matches(words, "1-00 1000 0-1- ---- ---- ---- ---- ----")
    pair = matches(words, "--10 100- ---- ---- ---- ---- ---- ----")
    indexed = matches(words, "--11 1000 --0- ---- ---- -1-- ---- ----")
    unprivileged = matches(words, "--11 1000 --0- ---- ---- 10-- ---- ----")
    writes_back = field(words, 23, 1) == 1
    return {
        "fields that should be ones": ((exclusive | ordered) & (rt2 != 31))
        | (((exclusive & load) | ordered | (exclusive_pair & load)) & (rs != 31)),
        "two loads into one register": (pair | exclusive_pair) & load & (rt == rt2),
        "write-back to a register transferred":
        (rn != 31) & ((pair & writes_back & ((rn == rt) | (rn == rt2))) | (indexed & (rn == rt))),
        "mistake of the disassembler: an unprivileged access writes no base":
        unprivileged & (rn == rt) & (rn != 31),
    }


def known(words, numbers, names):
    """What the disassembler knows, without what is beyond this core."""
    beyond = re.compile("|".join(BEYOND.values()))
    refused = [number for number, name in names.items() if number and beyond.fullmatch(name)]
    return (numbers != 0) & integer(words) & ~np.isin(numbers, refused)


def report(words, numbers, names, wrong):
    return [f"{words[place]:#010x} {names[numbers[place]]}" for place in np.flatnonzero(wrong)[:20]]


def check(fixed, mask):
    """Compare a range outside the system space; return how many names and legal words."""
    sweep, disassembler = tools()
    words = spread(fixed, mask)
    el0, el1 = sweep.legal(fixed, mask)
    numbers, names = disassembler.names(fixed, mask)
    expected = known(words, numbers, names)
    system = words >> 24 == 0xD5
    allowed = expected | np.logical_or.reduce(list(open_encodings(words).values()))
    assert not (wrong := expected & ~el1 & ~system).any(), report(words, numbers, names, wrong)
    assert not (wrong := el1 & ~allowed & ~system).any(), report(words, numbers, names, wrong)
    privileged = matches(words, "1101 0110 1001 1111 0000 0011 1110 0000") | system
    assert not (wrong := (el0 != el1) & ~privileged).any(), report(words, numbers, names, wrong)
    return len(names), int(el1.sum())


def low_patterns():
    """Values of bits 9:0: every choice of bits 0 and 4, with the rest zeros, ones, mixed."""
    return [rest & 0b11_1110_1110 | bit_0 | bit_4 << 4
            for rest in (0, 0x3FF, 0b01_1010_0110) for bit_0 in (0, 1) for bit_4 in (0, 1)]


@pytest.mark.parametrize("low", [0x000, 0x3FF])
def test_every_word_of_the_upper_bits(low):
    names, legal = check(low, HIGH)
    assert names > 250
    assert legal > 900_000


@pytest.mark.slow
@pytest.mark.parametrize("low", low_patterns())
def test_every_word_of_the_upper_bits_with_other_registers(low):
    check(low, HIGH)


@pytest.mark.parametrize("page", [0xD4, 0xD6])
def test_exceptions_and_indirect_branches(page):
    """All 2^24 words of the page; of SVC and its kind, of the immediate only the lower half."""
    for part in range(1 if page == 0xD4 else 0, 8, 2 if page == 0xD4 else 1):
        check(page << 24 | part << 21, 0x1F_FFFF)


def expected_in_system_space(words, numbers, names):
    """Return legality at EL1 by the register table, the names of operations, and the hints."""
    moves = field(words, 20, 1) == 1
    reads = field(words, 21, 1) == 1
    place = field(words, 5, 16)
    readable = np.zeros(1 << 16, bool)
    readable[[3 << 14 | crm << 3 | op2 for crm in range(8) for op2 in range(8)]] = True
    writable = np.zeros(1 << 16, bool)
    for register in SYSTEM_REGISTERS:
        at_el1 = register.access.split("/")[0]
        readable[register.word], writable[register.word] = at_el1 != "wo", at_el1 != "ro"
    registers = moves & (words >> 22 == 0xD5 << 2) & np.where(reads, readable[place],
                                                              writable[place])
    # A barrier with nXS is of v8.7.
    barrier = re.compile(r"(dsb|dmb|isb|clrex|ssbb|pssbb|dfb)\b(?!.*nxs)")
    plain = [number for number, name in names.items()
             if name in OPERATIONS or barrier.match(name)]
    # There is nothing to forget without an MMU: the whole space of EL1's TLBI is accepted.
    tlbi = matches(words, "1101 0101 0000 1000 1000 ---- ---- ----")
    hints = matches(words, "1101 0101 0000 0011 0010 ---- ---1 1111")
    # Of the immediate for one bit, the disassembler wants the upper three to be zero.
    bits = (matches(words, "1101 0101 0000 0000 0100 ---- 1001 1111")
            | matches(words, "1101 0101 0000 0000 0100 ---- 1011 1111"))
    return registers | np.isin(numbers, plain) | tlbi | hints | bits


def test_system_space():
    """All 2^24 words; bits 4:0 decide whether a word is a hint."""
    sweep, disassembler = tools()
    seen = set()
    for part in range(8):
        fixed, mask = 0xD500_0000 | part << 21, 0x1F_FFFF
        words = spread(fixed, mask)
        _, el1 = sweep.legal(fixed, mask)
        numbers, names = disassembler.names(fixed, mask)
        wrong = el1 != expected_in_system_space(words, numbers, names)
        assert not wrong.any(), report(words, numbers, names, wrong)
        seen |= {names[number] for number in np.unique(numbers[el1]).tolist()}
    assert seen >= OPERATIONS, OPERATIONS - seen


def test_exceptions_of_the_rules_exist():
    """Each reason to differ from the disassembler is there in the space, or it must go."""
    _, disassembler = tools()
    words = spread(0x000, HIGH)
    numbers, names = disassembler.names(0x000, HIGH)
    refused = (numbers == 0) & integer(words)
    for reason, where in open_encodings(words).items():
        assert (where & refused).any(), reason
    numbers, page = disassembler.names(0xD500_0000, 0x1F_FFFF)
    found = {*names.values(), *page.values(),
             *disassembler.names(0x0000_001F, 0x001F_FC00 | 0xFF00_0000)[1].values()}
    for reason, pattern in BEYOND.items():
        assert any(re.fullmatch(pattern, name) for name in found), reason
