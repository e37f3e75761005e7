"""CRC-32 and CRC-32C of up to four bytes in one step."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CrcUnit", "POLYNOMIALS"]

POLYNOMIALS = (0xEDB8_8320, 0x82F6_3B78)
"""Reversed polynomials of CRC-32 and CRC-32C."""


WIDTH = 32


def _columns(polynomial: int) -> list[int]:
    """Return, for each bit in front of 32 steps, what it adds to the result."""
    columns = []
    for source in range(WIDTH):
        state = 1 << source
        for _ in range(WIDTH):
            state = (state >> 1) ^ (polynomial if state & 1 else 0)
        columns.append(state)
    return columns


def _sum(terms: list) -> Value:
    """Add terms modulo 2 in a balanced tree."""
    while len(terms) > 1:
        terms = [one ^ other for one, other in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


class CrcUnit(wiring.Component):
    """Remainder after a byte, halfword or word, combinational.

    A doubleword takes two steps.

    Members
    -------
    remainder : :py:`In(32)`, value : :py:`In(32)`
        Remainder so far and the data, least significant byte first.
    size_log2 : :py:`In(2)`
        Bytes of data as a power of two.
    castagnoli : :py:`In(1)`
        CRC-32C instead of CRC-32.
    result : :py:`Out(32)`
        Next remainder; neither end is inverted.
    """

    remainder: Signal
    value: Signal
    size_log2: Signal
    castagnoli: Signal
    result: Signal

    def __init__(self):
        super().__init__({"remainder": In(32), "value": In(32), "size_log2": In(2),
                          "castagnoli": In(1), "result": Out(32)})

    def elaborate(self, platform):
        m = Module()

        # Steps over zeros at the low end only shift: shorter data at the high end of 32 bits takes
        # the same 32 steps. Bits of the remainder above the data only move down.
        aligned, rest = Signal(WIDTH), Signal(32)
        mixed = self.value ^ self.remainder
        with m.Switch(self.size_log2):
            for size in range(2):
                bits = 8 << size
                with m.Case(size):
                    m.d.comb += [aligned.eq(Cat(Const(0, WIDTH - bits), mixed[:bits])),
                                 rest.eq(self.remainder >> bits)]
            with m.Default():
                m.d.comb += aligned.eq(mixed)
        # One 32-bit sum of columns, not 32 sums of bits: simulators add words.
        results = [_sum([Mux(aligned[bit], Const(column, 32), 0)
                         for bit, column in enumerate(_columns(polynomial))])
                   for polynomial in POLYNOMIALS]
        m.d.comb += self.result.eq(rest ^ Mux(self.castagnoli, results[1], results[0]))
        return m
