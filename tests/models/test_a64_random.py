"""The random programs: every encoding is what a disassembler and an assembler take it for."""

import random
import re
import subprocess
import sys

import capstone
import pytest

from sim.models.a64_encodings import ENCODINGS, assemble, decode_bit_mask, draw, fields_of
from sim.models.a64_random import generate, link

# Mnemonics by which an assembly listing names an encoding besides its own.
ALIASES = {
    "adds": "cmn", "subs": "cmp negs", "sub": "neg", "ands": "tst", "orr": "mov", "orn": "mvn",
    "add": "mov", "movn": "mov", "movz": "mov", "sbfm": "sbfiz sbfx asr sxtb sxth sxtw",
    "ubfm": "lsl lsr ubfiz ubfx uxtb uxth", "bfm": "bfi bfxil bfc", "extr": "ror",
    "lslv": "lsl", "lsrv": "lsr", "asrv": "asr", "rorv": "ror", "sbc": "ngc", "sbcs": "ngcs",
    "csinc": "cinc cset", "csinv": "cinv csetm", "csneg": "cneg", "rev": "rev32",
    "madd": "mul", "msub": "mneg", "smaddl": "smull", "smsubl": "smnegl", "umaddl": "umull",
    "umsubl": "umnegl", "rev64": "rev",
}

# Capstone 5 knows these words as nothing when bits of the offset look like another instruction.
CAPSTONE_GAPS = re.compile(r"unprivileged")


def expected_mnemonics(encoding):
    base, *rest = encoding.name.lower().split()
    names = {base, *ALIASES.get(base, "").split()}
    if "unscaled" in rest:
        names = {"prfum" if base == "prfm" else base[:2] + "ur" + base[3:]}
    if "unprivileged" in rest:
        names = {base[:2] + "tr" + base[3:]}
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
        if encoding.kind == "literal" or encoding.name in ("ADR", "ADRP"):
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
                    "-mcpu=generic+lse+crc+rcpc+pan", "-c", source, "-o", tmp_path / "all.o"],
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
    programs = link(generate(3, 6000), seed=3, ram_base=0x4000_0000, exit_address=0)
    code = programs.segments[1][1]
    words = {int.from_bytes(code[at:at + 4], "little") for at in range(0, len(code), 4)}
    missing = [name for name, encoding in ENCODINGS.items()
               if not any(_matches(encoding, word) for word in words)]
    assert missing == []
    plain = {word for chunk in generate(3, 2000, ("base", "crc", "exclusive")) for word in chunk}
    atomic = [encoding for encoding in ENCODINGS.values() if encoding.group == "lse"]
    assert not any(_matches(encoding, word) for encoding in atomic for word in plain)


def _matches(encoding, word):
    mask = int("".join("1" if letter in "01" else "0" for letter in encoding.pattern), 2)
    value = int("".join(letter if letter in "01" else "0" for letter in encoding.pattern), 2)
    return word & mask == value
