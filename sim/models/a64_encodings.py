"""Encodings of the A64 subset: every class of instructions that the core has, once.

Capstone and clang have been asked about each; ``tests/models/test_a64_random.py`` asks them again.
"""

from functools import lru_cache

from .a64_patterns import Encoding

__all__ = ["ENCODINGS", "REGISTER_FIELDS", "decode_bit_mask", "find_encoding"]

#: Fields that hold register numbers: destination, operands, data of accesses, status.
REGISTER_FIELDS = "dnmatus"


def decode_bit_mask(n: int, immr: int, imms: int, width: int) -> int | None:
    """Return the value of a logical immediate, or None if it is reserved."""
    length = (n << 6 | ~imms & 0x3f).bit_length() - 1
    if length < 1 or (1 << length) > width:
        return None
    size = 1 << length
    ones, rotation = (imms & size - 1) + 1, immr & size - 1
    if ones == size:
        return None
    element = (1 << ones) - 1
    element = (element >> rotation | element << size - rotation) & (1 << size) - 1
    return sum(element << at for at in range(0, width, size))


def _shift_fits(f):
    return f["z"] or f["i"] < 32


def _field_fits(f):
    return f["N"] == f["z"] and (f["z"] or (f["r"] < 32 and f["q"] < 32))


def _mask_fits(f):
    return decode_bit_mask(f["N"], f["r"], f["q"], 64 if f["z"] else 32) is not None


def _data_immediate():
    for name, code in (("ADD", "00"), ("ADDS", "01"), ("SUB", "10"), ("SUBS", "11")):
        yield Encoding(f"{name} immediate", f"z{code}100010hiiiiiiiiiiiinnnnnddddd")
    for name, code in (("AND", "00"), ("ORR", "01"), ("EOR", "10"), ("ANDS", "11")):
        yield Encoding(f"{name} immediate", f"z{code}100100Nrrrrrrqqqqqqnnnnnddddd", _mask_fits)
    for name, code in (("MOVN", "00"), ("MOVZ", "10"), ("MOVK", "11")):
        yield Encoding(name, f"z{code}100101hhiiiiiiiiiiiiiiiiddddd",
                       lambda f: f["z"] or f["h"] < 2)
    for name, code in (("SBFM", "00"), ("BFM", "01"), ("UBFM", "10")):
        yield Encoding(name, f"z{code}100110Nrrrrrrqqqqqqnnnnnddddd", _field_fits)
    yield Encoding("EXTR", "z00100111N0mmmmmiiiiiinnnnnddddd",
                   lambda f: f["N"] == f["z"] and _shift_fits(f))
    yield Encoding("ADR", "0ii10000iiiiiiiiiiiiiiiiiiiddddd")
    yield Encoding("ADRP", "1ii10000iiiiiiiiiiiiiiiiiiiddddd")


def _data_register():
    for index, name in enumerate(("AND", "BIC", "ORR", "ORN", "EOR", "EON", "ANDS", "BICS")):
        yield Encoding(f"{name} shifted",
                       f"z{index >> 1:02b}01010hh{index & 1}mmmmmiiiiiinnnnnddddd", _shift_fits)
    for name, code in (("ADD", "00"), ("ADDS", "01"), ("SUB", "10"), ("SUBS", "11")):
        yield Encoding(f"{name} shifted", f"z{code}01011hh0mmmmmiiiiiinnnnnddddd",
                       lambda f: _shift_fits(f) and f["h"] != 3)
        yield Encoding(f"{name} extended", f"z{code}01011001mmmmmooohhhnnnnnddddd",
                       lambda f: f["h"] <= 4)
        carry = {"ADD": "ADC", "ADDS": "ADCS", "SUB": "SBC", "SUBS": "SBCS"}[name]
        yield Encoding(carry, f"z{code}11010000mmmmm000000nnnnnddddd")
    for name, code in (("CCMN", "0"), ("CCMP", "1")):
        yield Encoding(f"{name} register", f"z{code}111010010mmmmmcccc00nnnnn0ffff")
        yield Encoding(f"{name} immediate", f"z{code}111010010iiiiicccc10nnnnn0ffff")
    for name, code, low in (("CSEL", 0, 0), ("CSINC", 0, 1), ("CSINV", 1, 0), ("CSNEG", 1, 1)):
        yield Encoding(name, f"z{code}011010100mmmmmcccc0{low}nnnnnddddd")
    for name, code in (("UDIV", 2), ("SDIV", 3), ("LSLV", 8), ("LSRV", 9), ("ASRV", 10),
                       ("RORV", 11)):
        yield Encoding(name, f"z0011010110mmmmm{code:06b}nnnnnddddd")
    for castagnoli in (0, 1):
        for size, letter in enumerate("BHWX"):
            yield Encoding(f"CRC32{'C' * castagnoli}{letter}",
                           f"{int(size == 3)}0011010110mmmmm010{castagnoli}{size:02b}nnnnnddddd",
                           group="crc")
    for name, code in (("RBIT", 0), ("REV16", 1), ("REV", 2), ("CLZ", 4), ("CLS", 5)):
        yield Encoding(name, f"z101101011000000{code:06b}nnnnnddddd")
    yield Encoding("REV64", "1101101011000000000011nnnnnddddd")
    for name, code, low in (("MADD", "000", 0), ("MSUB", "000", 1)):
        yield Encoding(name, f"z0011011{code}mmmmm{low}aaaaannnnnddddd")
    for name, code, low in (("SMADDL", "001", 0), ("SMSUBL", "001", 1), ("UMADDL", "101", 0),
                            ("UMSUBL", "101", 1)):
        yield Encoding(name, f"10011011{code}mmmmm{low}aaaaannnnnddddd")
    for name, code in (("SMULH", "010"), ("UMULH", "110")):
        yield Encoding(name, f"10011011{code}mmmmm011111nnnnnddddd")


def _base_differs(f):
    """Tell whether a base that is written back is not among the data."""
    return f["n"] == 31 or f["n"] not in (f["t"], f.get("u"))


def _data_differ(f):
    """Tell whether a pair is loaded into two registers."""
    return f["t"] != f["u"]


def _pair_rule(*, load, update):
    def rule(f):
        return not (load and f["t"] == f["u"]) and (not update or _base_differs(f))
    return rule


_SINGLE = {
    "STRB": (0, 0), "LDRB": (0, 1), "LDRSB X": (0, 2), "LDRSB W": (0, 3),
    "STRH": (1, 0), "LDRH": (1, 1), "LDRSH X": (1, 2), "LDRSH W": (1, 3),
    "STR W": (2, 0), "LDR W": (2, 1), "LDRSW": (2, 2), "STR X": (3, 0), "LDR X": (3, 1),
    "PRFM": (3, 2),
}


def _single_accesses():
    for name, (size, opc) in _SINGLE.items():
        head = f"{size:02b}111001{opc:02b}"
        yield Encoding(f"{name} offset", f"{head}iiiiiiiiiiiinnnnnttttt", kind="offset")
        head = f"{size:02b}111000{opc:02b}"
        yield Encoding(f"{name} unscaled", f"{head}0iiiiiiiii00nnnnnttttt", kind="offset")
        yield Encoding(f"{name} register", f"{head}1mmmmmoooh10nnnnnttttt",
                       lambda f: f["o"] & 2, kind="index")
        if name == "PRFM":
            continue
        yield Encoding(f"{name} post-index", f"{head}0iiiiiiiii01nnnnnttttt", _base_differs,
                       kind="update")
        yield Encoding(f"{name} pre-index", f"{head}0iiiiiiiii11nnnnnttttt", _base_differs,
                       kind="update")
        yield Encoding(f"{name} unprivileged", f"{head}0iiiiiiiii10nnnnnttttt", kind="offset")
    for code, name in enumerate(("LDR W", "LDR X", "LDRSW", "PRFM")):
        yield Encoding(f"{name} literal", f"{code:02b}011000iiiiiiiiiiiiiiiiiiittttt",
                       kind="literal")


def _pair_accesses():
    modes = (("post-index", "001", "update"), ("pre-index", "011", "update"),
             ("offset", "010", "offset"))
    for size, letter in (("00", "W"), ("10", "X")):
        for load, name in (("0", "ST"), ("1", "LD")):
            for mode, code, kind in (*modes, ("no allocate", "000", "offset")):
                rule = _pair_rule(load=load == "1", update=kind == "update")
                yield Encoding(f"{name}{'N' * (code == '000')}P {letter} {mode}",
                               f"{size}1010{code}{load}iiiiiiiuuuuunnnnnttttt", rule, kind=kind)
    for mode, code, kind in modes:
        yield Encoding(f"LDPSW {mode}", f"011010{code}1iiiiiiiuuuuunnnnnttttt",
                       _pair_rule(load=True, update=kind == "update"), kind=kind)


def _ordered_accesses():
    for size, letter in enumerate(("B", "H", " W", " X")):
        head = f"{size:02b}001000"
        yield Encoding(f"LDAR{letter}", f"{head}110" + "1" * 11 + "nnnnnttttt", kind="aligned")
        yield Encoding(f"STLR{letter}", f"{head}100" + "1" * 11 + "nnnnnttttt", kind="aligned")
        for name, load in (("LDLAR", 1), ("STLLR", 0)):
            yield Encoding(f"{name}{letter}", f"{head}1{load}0111110" + "1" * 5 + "nnnnnttttt",
                           kind="aligned")
        yield Encoding(f"LDAPR{letter}", f"{size:02b}111000101" + "11111110000" + "nnnnnttttt",
                       kind="aligned")
        for order, acquire, release in ((0, "", ""), (1, "A", "L")):
            yield Encoding(f"LD{acquire}XR{letter}", f"{head}01011111{order}11111nnnnnttttt",
                           kind="exclusive", group="exclusive")
            yield Encoding(f"ST{release}XR{letter}", f"{head}000sssss{order}11111nnnnnttttt",
                           lambda f: f["s"] != f["t"] and (f["s"] != f["n"] or f["n"] == 31),
                           kind="exclusive", group="exclusive")


def _exclusive_pairs():
    for size, letter in enumerate("WX"):
        head = f"1{size}001000"
        for order, acquire, release in ((0, "", ""), (1, "A", "L")):
            yield Encoding(f"LD{acquire}XP {letter}", f"{head}01111111{order}uuuuunnnnnttttt",
                           _data_differ, kind="exclusive", group="exclusive")
            yield Encoding(f"ST{release}XP {letter}", f"{head}001sssss{order}uuuuunnnnnttttt",
                           lambda f: f["s"] not in (f["t"], f["u"])
                           and (f["s"] != f["n"] or f["n"] == 31),
                           kind="exclusive", group="exclusive")


def _atomic_accesses():
    operations = ("LDADD", "LDCLR", "LDEOR", "LDSET", "LDSMAX", "LDSMIN", "LDUMAX", "LDUMIN")
    for size, letter in enumerate("BHWX"):
        for code, name in enumerate(operations):
            yield Encoding(f"{name} {letter}", f"{size:02b}111000xy1sssss0{code:03b}00nnnnnttttt",
                           kind="aligned", group="lse")
        yield Encoding(f"SWP {letter}", f"{size:02b}111000xy1sssss100000nnnnnttttt",
                       kind="aligned", group="lse")
        yield Encoding(f"CAS {letter}", f"{size:02b}0010001x1sssssy11111nnnnnttttt",
                       kind="aligned", group="lse")
    for size, letter in enumerate("WX"):
        yield Encoding(f"CASP {letter}", f"0{size}0010000x1sssssy11111nnnnnttttt",
                       lambda f: not f["s"] & 1 and not f["t"] & 1 and f["s"] < 30 and f["t"] < 30,
                       kind="aligned", group="lse")


def _branches():
    for name, code in (("B", 0), ("BL", 1)):
        yield Encoding(name, f"{code}00101" + "i" * 26, kind="branch")
    yield Encoding("B.cond", "01010100" + "i" * 19 + "0cccc", kind="branch")
    for name, code in (("CBZ", 0), ("CBNZ", 1)):
        yield Encoding(name, f"z011010{code}" + "i" * 19 + "ttttt", kind="branch")
        yield Encoding(f"T{name[1:]}", f"z011011{code}bbbbb" + "i" * 14 + "ttttt", kind="branch")
    for name, code in (("BR", "00"), ("BLR", "01"), ("RET", "10")):
        yield Encoding(name, f"110101100{code}11111000000nnnnn00000",
                       kind="branch")


def _traps():
    for name, code, low in (("SVC", "000", "01"), ("HVC", "000", "10"), ("SMC", "000", "11"),
                            ("BRK", "001", "00"), ("HLT", "010", "00")):
        yield Encoding(name, f"11010100{code}" + "i" * 16 + f"000{low}", kind="trap")
    yield Encoding("UDF", "0" * 16 + "i" * 16, kind="trap")


def _hints():
    """Hint space; what has an effect elsewhere has a row of its own."""
    head = "11010101000000110010"
    for number, name in enumerate(("NOP", "YIELD", "WFE", "WFI", "SEV", "SEVL")):
        yield Encoding(name, f"{head}{number:07b}11111", kind="system")
    signing = {7, 8, 10, 12, 14, *range(24, 32)}
    landing = {32, 34, 36, 38}
    yield Encoding("PAC hints", f"{head}hhhhhhh11111", lambda f: f["h"] in signing, kind="system")
    yield Encoding("BTI", f"{head}hhhhhhh11111", lambda f: f["h"] in landing, kind="system")
    yield Encoding("HINT", f"{head}hhhhhhh11111",
                   lambda f: f["h"] > 5 and f["h"] not in signing | landing, kind="system")


#: Maintenance operations by their op1, CRn, CRm, op2.
_MAINTENANCE = {
    "IC IALLUIS": (0, 7, 1, 0), "IC IALLU": (0, 7, 5, 0), "IC IVAU": (3, 7, 5, 1),
    "DC IVAC": (0, 7, 6, 1), "DC ISW": (0, 7, 6, 2), "DC CSW": (0, 7, 10, 2),
    "DC CISW": (0, 7, 14, 2), "DC ZVA": (3, 7, 4, 1), "DC CVAC": (3, 7, 10, 1),
    "DC CVAU": (3, 7, 11, 1), "DC CVAP": (3, 7, 12, 1), "DC CIVAC": (3, 7, 14, 1),
}


def _system():
    yield from _hints()
    for name, code in (("CLREX", "010"), ("DSB", "100"), ("DMB", "101"), ("ISB", "110")):
        yield Encoding(name, f"11010101000000110011cccc{code}11111",
                       # CRm 0 and 4 of DSB are SSBB and PSSBB.
                       (lambda f: f["c"] not in (0, 4)) if name == "DSB" else lambda f: True,
                       kind="system")
    for name, op1, op2 in (("SPSel", "000", "101"), ("PAN", "000", "100"),
                           ("DAIFSet", "011", "110"), ("DAIFClr", "011", "111")):
        immediate = "cccc" if name.startswith("DAIF") else "000c"
        yield Encoding(f"MSR {name}", f"1101010100000{op1}0100{immediate}{op2}11111",
                       kind="system")
    for name, (op1, crn, crm, op2) in _MAINTENANCE.items():
        registers = "11111" if "ALLU" in name else "ttttt"
        yield Encoding(name, f"1101010100001{op1:03b}{crn:04b}{crm:04b}{op2:03b}{registers}",
                       kind="system")
    # VMALLE1, VAE1, ASIDE1, VAAE1, VALE1, VAALE1, each for this core or for all.
    yield Encoding("TLBI", "11010101000010001000ccccoooxxxxx",
                   lambda f: f["c"] in (3, 7) and f["o"] in (0, 1, 2, 3, 5, 7)
                   and (f["o"] or f["x"] == 31), kind="system")
    yield Encoding("MSR", "110101010001pqqqrrrrccccooottttt", kind="system")
    yield Encoding("MRS", "110101010011pqqqrrrrccccooottttt", kind="system")
    yield Encoding("ERET", f"{0xd69f_03e0:032b}", kind="system")


ENCODINGS: dict[str, Encoding] = {
    encoding.name: encoding
    for source in (_data_immediate, _data_register, _single_accesses, _pair_accesses,
                   _ordered_accesses, _exclusive_pairs, _atomic_accesses, _branches, _traps,
                   _system)
    for encoding in source()
}

_BY_TOP: dict[int, list[Encoding]] = {
    top: [encoding for encoding in ENCODINGS.values()
          if all(letter not in "01" or int(letter) == top >> 7 - place & 1
                 for place, letter in enumerate(encoding.pattern[:8]))]
    for top in range(256)
}


@lru_cache(maxsize=1 << 16)
def find_encoding(word: int) -> Encoding | None:
    """Return the class of an instruction, or None if the core has none such."""
    return next((encoding for encoding in _BY_TOP[word >> 24] if encoding.matches(word)), None)
