"""The random programs: every encoding is what a disassembler and an assembler take it for."""

import random
import re
import subprocess
import sys

import capstone
import pytest

from sim.models.a64_encodings import ENCODINGS, decode_bit_mask, find_encoding
from sim.models.a64_patterns import assemble, draw, fields_of
from sim.models.a64_random import generate

# Mnemonics by which an assembly listing names an encoding besides its own.
ALIASES = {
    "adds": "cmn", "subs": "cmp negs", "sub": "neg", "ands": "tst", "orr": "mov", "orn": "mvn",
    "add": "mov", "movn": "mov", "movz": "mov", "sbfm": "sbfiz sbfx asr sxtb sxth sxtw",
    "ubfm": "lsl lsr ubfiz ubfx uxtb uxth", "bfm": "bfi bfxil bfc", "extr": "ror",
    "lslv": "lsl", "lsrv": "lsr", "asrv": "asr", "rorv": "ror", "sbc": "ngc", "sbcs": "ngcs",
    "csinc": "cinc cset", "csinv": "cinv csetm", "csneg": "cneg", "rev": "rev32",
    "madd": "mul", "msub": "mneg", "smaddl": "smull", "smsubl": "smnegl", "umaddl": "umull",
    "umsubl": "umnegl", "rev64": "rev", "dc": "sys", "ic": "sys", "tlbi": "sys",
    "dsb": "dfb", "hint": "esb psb tsb csdb hint dgh gcsb",
    "pac": "xpaclri hint " + " ".join(f"{what}{key}{how}" for what in ("paci", "auti")
                                      for key in "ab" for how in ("1716", "sp", "z")),
}

CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
              "al", "nv")

# Capstone 5 knows these words as nothing when bits of the offset look like another instruction,
# or takes reserved bits, which are of no effect, for another one.
CAPSTONE_GAPS = re.compile(r"unprivileged|LDLAR|STLLR|UDF")


def expected_mnemonics(encoding):
    base, *rest = encoding.name.lower().split()
    names = {base, *ALIASES.get(base, "").split()}
    if "unscaled" in rest:
        names = {"prfum" if base == "prfm" else base[:2] + "ur" + base[3:]}
    if "unprivileged" in rest:
        names = {base[:2] + "tr" + base[3:]}
    if base == "b.cond":
        names = {f"b.{condition}" for condition in CONDITIONS}
    if encoding.group == "lse":
        size = {"b": "b", "h": "h"}.get(rest[0], "")
        names = {base + order + size for order in ("", "a", "l", "al")}
        names |= {"st" + base[2:] + order + size for order in ("", "l")}
    return names


@pytest.mark.parametrize("name", ENCODINGS)
def test_disassembler_agrees(name):
    encoding = ENCODINGS[name]
    rng = random.Random(name)
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    known = 0
    for _ in range(40):
        word, _ = draw(encoding, rng)
        found = list(disassembler.disasm(word.to_bytes(4, "little"), 0))
        if not found and CAPSTONE_GAPS.search(name):
            continue
        assert found, f"{word:#010x} is unknown"
        assert found[0].mnemonic in expected_mnemonics(encoding), f"{word:#010x}"
        known += 1
    assert known > 20


def test_assembler_agrees(tmp_path):
    """What capstone prints, clang assembles to the same word: fields stand where they belong."""
    rng = random.Random(1)
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    lines, words = [], []
    for encoding in ENCODINGS.values():
        if encoding.kind == "literal" or (
                encoding.name in ("ADR", "ADRP") or encoding.pattern.count("i") in (14, 19, 26)):
            continue        # printed as addresses, which depend on the place
        if encoding.name.startswith("PRFM"):
            continue        # printed without its hint where that has no name
        for _ in range(6):
            word, _ = draw(encoding, rng)
            for one in disassembler.disasm(word.to_bytes(4, "little"), 0):
                lines.append(f"{one.mnemonic} {one.op_str}")
                words.append(word)
    source = tmp_path / "all.s"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding",
                    "-mcpu=generic+v8_2a+rcpc+el3", "-c", source, "-o", tmp_path / "all.o"],
                   check=True)
    from elftools.elf.elffile import ELFFile
    with (tmp_path / "all.o").open("rb") as file:
        text = ELFFile(file).get_section_by_name(".text").data()
    assembled = [int.from_bytes(text[at:at + 4], "little") for at in range(0, len(text), 4)]
    differing = [(line, f"{word:#010x}", f"{other:#010x}") for line, word, other
                 in zip(lines, words, assembled, strict=True) if word != other]
    # One text may have several encodings: only those that mean another thing are wrong.
    assert [entry for entry in differing if not _same_meaning(*entry[1:])] == []
    assert len(differing) < len(words) // 8


def _same_meaning(word, other):
    """Fields that are not written, such as the shift of a zero immediate or an unused register."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    texts = [next(disassembler.disasm(int(value, 16).to_bytes(4, "little"), 0)).op_str
             for value in (word, other)]
    return texts[0] == texts[1]


def test_bit_masks():
    assert decode_bit_mask(1, 0, 0, 64) == 1
    assert decode_bit_mask(0, 0, 0b111100, 64) == 0x5555_5555_5555_5555
    assert decode_bit_mask(0, 1, 0b111100, 32) == 0xaaaa_aaaa
    assert decode_bit_mask(1, 4, 7, 64) == 0xf000_0000_0000_000f
    assert decode_bit_mask(1, 0, 63, 64) is None
    assert decode_bit_mask(1, 0, 0, 32) is None
    assert decode_bit_mask(0, 0, 0b111110, 64) is None
    count = sum(decode_bit_mask(n, r, s, 64) is not None
                for n in (0, 1) for r in range(64) for s in range(64))
    assert len({decode_bit_mask(n, r, s, 64) for n in (0, 1) for r in range(64)
                for s in range(64)} - {None}) == 5334
    assert count > 5334


def test_assemble_puts_fields_in_place():
    assert assemble("0001aabb00000000000000000000000c", {"a": 2, "b": 1, "c": 1}) == 0x1900_0001
    assert fields_of("01aab") == {"a": 2, "b": 1}


def test_same_seed_same_program():
    assert generate(5, 50) == generate(5, 50) != generate(6, 50)


def test_streams_hold_every_encoding():
    """All groups together, every encoding appears; without LSE none of it does."""
    words = {word for chunk in generate(3, 6000) for word in chunk}
    found = {encoding.name for encoding in map(find_encoding, words) if encoding}
    assert set(ENCODINGS) - found == set()
    plain = {word for chunk in generate(3, 2000, ("base", "crc", "exclusive")) for word in chunk}
    atomic = [encoding for encoding in ENCODINGS.values() if encoding.group == "lse"]
    assert not any(encoding.matches(word) for encoding in atomic for word in plain)


def test_encodings_do_not_overlap():
    rng = random.Random(2)
    for encoding in ENCODINGS.values():
        for _ in range(4):
            word, _ = draw(encoding, rng)
            assert [one.name for one in ENCODINGS.values() if one.matches(word)] == [encoding.name]
    assert find_encoding(0x1e60_4000) is None


# Integer instructions that capstone knows and the core does not have: later than v8.2, EL2, EL3 and
# debug, or the translation that needs an MMU.
OUT_OF_SCOPE = re.compile(
    r"""(pac|aut|xpac|ldra|bra|blra|reta|ereta|setf|rmif|cfinv|xaflag|axflag     # v8.3 to v8.5
    |stg|st2g|stz|ldg|irg|gmi|subp|addg|subg|cmpp|ldapur|stlur|ldaprs           # MTE, RCpc2
    |bc|cpy|set|dcps|drps|sys|at|cfp|dvp|cpp|sb|wfet|wfit|ld64|st64             # later still
    |msr|mrs)""", re.VERBOSE)


def test_no_encoding_is_left_out():
    """What the disassembler knows of the integer instructions is in the table, or out of scope."""
    rng = random.Random(4)
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    known, left_out = set(), {}
    patterns = [encoding.fixed for encoding in ENCODINGS.values()]
    for upper in range(1 << 11):
        word = upper << 21
        if word >> 25 & 15 < 4 or word >> 25 & 7 in (6, 7):
            continue            # reserved, SVE, floating point, SIMD
        for _ in range(24):
            word = upper << 21 | rng.getrandbits(21)
            # Fields that have to be all ones.
            word |= rng.choice((0, 0, 0x1f_0000, 0x1f_7c00, 0x1f_fc00, 0x7c00, 0x1f))
            for one in disassembler.disasm(word.to_bytes(4, "little"), 0):
                if OUT_OF_SCOPE.match(one.mnemonic):
                    continue
                if any(word & mask == value for mask, value in patterns):
                    known.add(one.mnemonic)
                else:
                    left_out[one.mnemonic] = f"{word:#010x} {one.op_str}"
    assert len(known) > 150
    # An unused field that should be all ones, and is not, leaves an instruction what it is.
    assert {name: words for name, words in left_out.items() if name not in known} == {}
