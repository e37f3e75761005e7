"""The way of a loaded value from its lanes to the register."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LoadAligner", "gather"]


def gather(row, *, here):
    """Return 8 bytes out of a row of 64-bit words, each in its place in its word.

    ``here`` holds, for each word behind the first, a value with a bit for each byte that comes
    from it.
    """
    octets = []
    for octet in range(8):
        chosen = row.word_select(octet, 8)
        for index, bits in enumerate(here, 1):
            chosen = Mux(bits[octet], row.word_select(8 * index + octet, 8), chosen)
        octets.append(chosen)
    return Cat(octets)


class LoadAligner(wiring.Component):
    """Takes 8 bytes out of a row of memory, moves them into place and extends the sign.

    Combinational. The rows come late and pass a choice of ways and words, three steps of rotation
    and a mask; everything else is known before: the sign bit is looked for where it stands.

    Parameters
    ----------
    bus_width, ways : :class:`int`
        Bits of a row, and how many rows there are to choose from.

    Members
    -------
    rows : :py:`In(bus_width).array(ways)`, way : :py:`In(range(ways))`
        What is in memory, and which of it is meant.
    lane : :py:`In(range(bus_width // 8))`
        Byte of the row at which the value begins.
    here : :py:`In(8).array(bus_width // 64 - 1)`
        Bytes to take from a word behind the first, as for :func:`gather`.
    size_log2 : :py:`In(2)`, signed : :py:`In(1)`
        Bytes as a power of two; for the second of two elements, whether the sign is extended.
    keeps, fills : :py:`In(8)`
        Bytes of ``result`` that come from the row, and that are copies of the sign; the others are
        zero.
    moved : :py:`Out(64)`
        8 bytes from ``lane`` on, those of other words than ``here`` tells undefined.
    result : :py:`Out(64)`
        The register value.
    upper_result, upper_raw : :py:`Out(64)`
        The second of two elements in one row, and the same without the sign.
    """

    def __init__(self, *, bus_width: int, ways: int):
        self.bus_width = bus_width
        self.ways = ways
        super().__init__({
            "rows":         In(bus_width).array(ways),
            "way":          In(range(ways)),
            "lane":         In(range(bus_width // 8)),
            "here":         In(8).array(bus_width // 64 - 1),
            "size_log2":    In(2),
            "signed":       In(1),
            "keeps":        In(8),
            "fills":        In(8),
            "moved":        Out(64),
            "result":       Out(64),
            "upper_result": Out(64),
            "upper_raw":    Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        value, place = Signal(64), self.lane[:3]
        bytes_less_1, last, sign = Signal(3), Signal(3), Signal()
        m.d.comb += [
            value.eq(self._choose([gather(row, here=self.here) for row in self.rows])),
            bytes_less_1.eq((1 << self.size_log2) - 1), last.eq(place + bytes_less_1),
            sign.eq(Cat(value[8 * octet + 7] for octet in range(8)).bit_select(last, 1)),
        ]
        for stage in range(3):
            step = Signal(64, name=f"rotated_{8 << stage}")
            m.d.comb += step.eq(Mux(place[stage], value.rotate_right(8 << stage), value))
            value = step
        m.d.comb += self.moved.eq(value)
        for octet in range(8):
            m.d.comb += self.result.word_select(octet, 8).eq(
                (value.word_select(octet, 8) & self.keeps[octet].replicate(8))
                | (sign & self.fills[octet]).replicate(8))
        # The second element stands in the upper word of the row, or of what was aligned as one.
        upper = self._choose([row[-64:] for row in self.rows])
        m.d.comb += [self.upper_raw.eq(upper), self.upper_result.eq(upper)]
        with m.If(~self.size_log2[0]):
            word = value[32:]
            m.d.comb += [
                self.upper_raw.eq(word),
                self.upper_result.eq(Cat(word, (word[31] & self.signed).replicate(32))),
            ]
        return m

    def _choose(self, values):
        """Return the value of the way."""
        if self.ways == 2:
            return Mux(self.way, values[1], values[0])
        return Array(values)[self.way]
