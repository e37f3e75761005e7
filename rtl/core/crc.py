"""CRC-32 and CRC-32C of up to eight bytes in one step."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CrcUnit", "POLYNOMIALS"]

POLYNOMIALS = (0xEDB8_8320, 0x82F6_3B78)
"""Reversed polynomials of CRC-32 and CRC-32C."""


def _matrix(polynomial: int, bits: int) -> list[int]:
    """Return, for each bit of the result, the mask of the remainder bits that it sums."""
    columns = []
    for source in range(64):
        state = 1 << source
        for _ in range(bits):
            state = (state >> 1) ^ (polynomial if state & 1 else 0)
        columns.append(state)
    return [sum(1 << source for source in range(64) if columns[source] >> bit & 1)
            for bit in range(64)]


class CrcUnit(wiring.Component):
    """Remainder after a byte, halfword, word or doubleword, combinational.

    Members
    -------
    remainder : :py:`In(32)`, value : :py:`In(64)`
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
        super().__init__({"remainder": In(32), "value": In(64), "size_log2": In(2),
                          "castagnoli": In(1), "result": Out(32)})

    def elaborate(self, platform):
        m = Module()

        results = []
        for polynomial in POLYNOMIALS:
            for size in range(4):
                bits = 8 << size
                state = Signal(64, name=f"state_{polynomial:x}_{bits}")
                m.d.comb += state.eq((self.value & ((1 << bits) - 1)) ^ self.remainder)
                rows = _matrix(polynomial, bits)
                result = Signal(32, name=f"result_{polynomial:x}_{bits}")
                m.d.comb += [result[bit].eq((state & rows[bit]).xor()) for bit in range(32)]
                results.append(result)
        with m.Switch(self.size_log2):
            for size in range(4):
                with m.Case(size):
                    m.d.comb += self.result.eq(Mux(self.castagnoli, results[4 + size],
                                                   results[size]))
        return m
