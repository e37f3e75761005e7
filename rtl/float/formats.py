"""Floating-point values between unpacking and rounding."""

from amaranth import Cat, Const, Mux
from amaranth.lib import data
from amaranth.utils import ceil_log2

__all__ = ["EXPONENT_OFFSET", "ExactLayout", "FP32_NAN", "Fp8Geometry", "Fp8Layout",
           "OperandLayout", "SumLayout", "classify_fp32", "fraction_bits", "unpack_float",
           "unpack_fp8"]

FP32_NAN = 0x7FC0_0000

EXPONENT_OFFSET = 126
"""An :class:`ExactLayout` exponent minus this is the exponent field of FP32."""


class OperandLayout(data.StructLayout):
    """A BF16 or FP16 operand with its class, found once and carried to wherever it multiplies.

    Members
    -------
    fraction : :py:`fraction_bits`
        Fraction of a normalised number, the leading one not among it.
    exponent : :py:`8`
        Exponent field as that of FP32.
    sign : :py:`1`
        Also of a zero.
    special : :py:`1`
        Infinity or NaN.
    empty : :py:`1`
        Zero (BF16 subnormals included), or with ``special`` infinity: no fraction counts.
    """

    def __init__(self, fraction_bits: int):
        super().__init__({"fraction": fraction_bits, "exponent": 8, "sign": 1, "special": 1,
                          "empty": 1})


class SumLayout(data.StructLayout):
    """An FP32 number with its class, which whoever made it knows.

    Members
    -------
    bits : :py:`32`
        FP32 pattern.
    nan, infinite : :py:`1`
        What the pattern is.
    """

    def __init__(self):
        super().__init__({"bits": 32, "nan": 1, "infinite": 1})


class ExactLayout(data.StructLayout):
    """One exact operand of an addition.

    A number is ``significand / 2**23 * 2**(exponent - 253)``: the exponent has a range in which
    every product of two BF16 numbers has its place, and the significand's top bit may be 0 once.

    Members
    -------
    significand : :py:`24`
        0 for zero.
    exponent : :py:`9`
        0 for zero, so that zero never decides an alignment.
    sign : :py:`1`
        Also of a zero.
    active : :py:`1`
        Clear: there is no operand, the other one passes unchanged. The rest is then 0.
    nan, infinite : :py:`1`
        Not a number, or infinity; the significand does not matter. NaN wins if both are set.
    """

    def __init__(self):
        super().__init__({"significand": 24, "exponent": 9, "sign": 1, "active": 1, "nan": 1,
                          "infinite": 1})


class Fp8Geometry:
    """Where the bits of FP8 numbers, of their products and of sums of products stand.

    A number is ``significand * 2**(exponent + base)``, a product or a sum an integer times
    ``2**(2 * base)``: fixed point, wide enough for the largest.

    Parameters
    ----------
    types : tuple of :class:`str`
        FP8 formats that can meet.
    terms : :class:`int`
        Products in a sum.

    Attributes
    ----------
    significand_bits : :class:`int`
        3 for E5M2 alone, else 4.
    base : :class:`int`
        Exponent of the smallest subnormal of the formats.
    exponent_bits, product_bits, sum_bits : :class:`int`
        Widths; product and sum have a sign.
    infinity : :class:`bool`
        A format has infinities.
    """

    def __init__(self, types: tuple[str, ...], terms: int = 1):
        e4m3 = [name for name in types if name != "fp8_e5m2"]
        self.types = types
        self.significand_bits = 4 if e4m3 else 3
        self._lowest = {"fp8_e4m3": -9, "fp8_e4m3fn": -9,
                        "fp8_e5m2": -13 - self.significand_bits}
        self.base = min(self._lowest[name] for name in types)
        fields = {"fp8_e4m3": 14, "fp8_e4m3fn": 15, "fp8_e5m2": 30}
        highest = max(fields[name] - 1 + self.offset(name) for name in types)
        self.exponent_bits = ceil_log2(highest + 1)
        self.product_bits = 2 * self.significand_bits + 2 * highest + 1
        self.sum_bits = self.product_bits + ceil_log2(terms)
        self.infinity = any(name != "fp8_e4m3fn" for name in types)

    def offset(self, type: str) -> int:
        """Return the exponent of the smallest numbers of a format."""
        return self._lowest[type] - self.base


class Fp8Layout(data.StructLayout):
    """An FP8 operand of any format as :class:`Fp8Geometry` has it.

    Members
    -------
    significand, exponent, sign
        The number; a significand of 0 is zero.
    nan, infinite : :py:`1`
        What it is, if it is no number; the significand is then not 0.
    """

    def __init__(self, geometry: Fp8Geometry):
        super().__init__({"significand": geometry.significand_bits,
                          "exponent": geometry.exponent_bits, "sign": 1, "nan": 1, "infinite": 1})


def fraction_bits(types: tuple[str, ...]) -> int:
    """Return the fraction bits of an :class:`OperandLayout` for ``types``."""
    return 10 if "fp16" in types else 7


def classify_fp32(bits):
    """Return ``nan`` and ``infinite`` of an FP32 pattern."""
    special, fraction = bits[23:31] == 0xFF, bits[:23].any()
    return special & fraction, special & ~fraction


def unpack_float(type: str, bits, width: int):
    """Return a BF16 or FP16 pattern as the bits of an :class:`OperandLayout`.

    Parameters
    ----------
    type : :class:`str`
        ``bf16`` or ``fp16``.
    bits : value of 16 bits
        Pattern.
    width : :class:`int`
        Fraction bits of the layout. FP16 needs 10; its subnormals are normalised here.
    """
    if type == "bf16":
        fraction, exponent = bits[:7], bits[7:15]
        special = exponent == 0xFF
        empty = Mux(special, fraction == 0, exponent == 0)
        return Cat(Const(0, width - 7), fraction, exponent, bits[15], special, empty)
    fraction, field = bits[:10], bits[10:15]
    special = field == 0x1F
    normal = field != 0
    exponent = Mux(special, 0xFF, field + 112)
    # Leading zeros of a subnormal's fraction, and the one behind them, move into the exponent.
    shifted, lower = Const(0, 10), Const(0, 8)
    for zeros in reversed(range(10)):
        leading = fraction[9 - zeros]
        shifted = Mux(leading, (fraction << zeros + 1)[:10], shifted)
        lower = Mux(leading, 112 - zeros, lower)
    return Cat(Mux(normal, fraction, shifted)[:10], Mux(normal, exponent, lower)[:8], bits[15],
               special, ~fraction.any() & (special | ~normal))


def unpack_fp8(type: str, bits, geometry: Fp8Geometry):
    """Return an FP8 pattern as the bits of an :class:`Fp8Layout`."""
    fraction_width = 2 if type == "fp8_e5m2" else 3
    fraction, field = bits[:fraction_width], bits[fraction_width:7]
    normal = field != 0
    padding = Const(0, geometry.significand_bits - 1 - fraction_width)
    significand = Cat(padding, fraction, normal)
    exponent = Mux(normal, field - 1, 0) + geometry.offset(type)
    if type == "fp8_e4m3fn":
        nan, infinite = bits[:7].all(), Const(0, 1)
    else:
        nan, infinite = field.all() & fraction.any(), field.all() & ~fraction.any()
    return Cat(significand, exponent[:geometry.exponent_bits], bits[7], nan, infinite)
