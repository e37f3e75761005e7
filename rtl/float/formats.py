"""Floating-point values between unpacking and rounding."""

from amaranth import Mux
from amaranth.lib import data

__all__ = ["EXPONENT_OFFSET", "ExactLayout", "FP32_NAN", "OperandLayout", "SumLayout",
           "classify_bf16", "classify_fp32"]

FP32_NAN = 0x7FC0_0000

EXPONENT_OFFSET = 126
"""An :class:`ExactLayout` exponent minus this is the exponent field of FP32."""


class OperandLayout(data.StructLayout):
    """A BF16 operand with its class, found once and carried to wherever it multiplies.

    Members
    -------
    bits : :py:`16`
        BF16 pattern.
    special : :py:`1`
        Infinity or NaN.
    empty : :py:`1`
        Zero (subnormals included), or with ``special`` infinity: no fraction counts.
    """

    def __init__(self):
        super().__init__({"bits": 16, "special": 1, "empty": 1})


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


def classify_bf16(bits):
    """Return ``special`` and ``empty`` of a BF16 pattern, see :class:`OperandLayout`."""
    special = bits[7:15] == 0xFF
    return special, Mux(special, bits[:7] == 0, bits[7:15] == 0)


def classify_fp32(bits):
    """Return ``nan`` and ``infinite`` of an FP32 pattern."""
    special, fraction = bits[23:31] == 0xFF, bits[:23].any()
    return special & fraction, special & ~fraction
