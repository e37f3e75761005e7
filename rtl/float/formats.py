"""Floating-point values between unpacking and rounding."""

from amaranth.lib import data

__all__ = ["EXPONENT_OFFSET", "ExactLayout", "FP32_NAN"]

FP32_NAN = 0x7FC0_0000

EXPONENT_OFFSET = 126
"""An :class:`ExactLayout` exponent minus this is the exponent field of FP32."""


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
        Not a number, or infinity; the significand does not matter.
    """

    def __init__(self):
        super().__init__({"significand": 24, "exponent": 9, "sign": 1, "active": 1, "nan": 1,
                          "infinite": 1})
