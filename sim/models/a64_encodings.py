"""Encodings of the A64 subset, as patterns from which legal instructions are drawn.

A pattern has one letter a bit, the most significant first. Letters are fields, filled with random
bits unless they are register fields or the caller fixes them; a rule refuses reserved values.
"""

import dataclasses
import random
from collections.abc import Callable, Mapping

__all__ = ["ENCODINGS", "Encoding", "MEMORY", "decode_bit_mask", "draw", "fields_of"]

Rule = Callable[[Mapping[str, int]], bool]

#: Fields that hold register numbers: destination, operands, data of accesses, status.
REGISTER_FIELDS = "dnmatus"


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
        ``data`` for an instruction that only computes; for accesses the addressing: ``base``,
        ``offset``, ``index`` (register), ``update``, ``literal``; ``aligned`` and ``exclusive``
        need a naturally aligned address at the base.
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


def _distinct(f):
    """Write-back and pairs leave nothing undefined: the registers differ."""
    used = [f[letter] for letter in "tu" if letter in f]
    return len(set(used)) == len(used) and (f["n"] == 31 or f["n"] not in used)


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
        yield Encoding(f"{name} post-index", f"{head}0iiiiiiiii01nnnnnttttt", _distinct,
                       kind="update")
        yield Encoding(f"{name} pre-index", f"{head}0iiiiiiiii11nnnnnttttt", _distinct,
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
                rule = _distinct if kind == "update" or load == "1" else lambda f: True
                yield Encoding(f"{name}{'N' * (code == '000')}P {letter} {mode}",
                               f"{size}1010{code}{load}iiiiiiiuuuuunnnnnttttt", rule, kind=kind)
    for mode, code, kind in modes:
        yield Encoding(f"LDPSW {mode}", f"011010{code}1iiiiiiiuuuuunnnnnttttt", _distinct,
                       kind=kind)


def _ordered_accesses():
    for size, letter in enumerate(("B", "H", " W", " X")):
        head = f"{size:02b}001000"
        yield Encoding(f"LDAR{letter}", f"{head}110" + "1" * 11 + "nnnnnttttt", kind="aligned")
        yield Encoding(f"STLR{letter}", f"{head}100" + "1" * 11 + "nnnnnttttt", kind="aligned")
        yield Encoding(f"LDAPR{letter}", f"{size:02b}111000101" + "11111110000" + "nnnnnttttt",
                       kind="aligned")
        for order, acquire, release in ((0, "", ""), (1, "A", "L")):
            yield Encoding(f"LD{acquire}XR{letter}", f"{head}01011111{order}11111nnnnnttttt",
                           kind="exclusive", group="exclusive")
            yield Encoding(f"ST{release}XR{letter}", f"{head}000sssss{order}11111nnnnnttttt",
                           lambda f: f["s"] != f["t"] and (f["s"] != f["n"] or f["n"] == 31),
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


ENCODINGS: dict[str, Encoding] = {
    encoding.name: encoding
    for source in (_data_immediate, _data_register, _single_accesses, _pair_accesses,
                   _ordered_accesses, _atomic_accesses)
    for encoding in source()
}

MEMORY = tuple(encoding for encoding in ENCODINGS.values() if encoding.kind != "data")
