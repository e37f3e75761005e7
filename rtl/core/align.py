"""The way of a loaded value from its lanes to the register."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LoadAligner"]


class LoadAligner(wiring.Component):
    """Takes 8 bytes out of a row of memory, moves them into place and extends the sign.

    Combinational. The row comes late and passes a choice of words, two steps of rotation and a
    mask; everything else is known before: the sign bit is looked for where it stands in the row.

    Parameters
    ----------
    bus_width, ways : :class:`int`
        Bits of a row, and how many there are to choose from.

    Members
    -------
    rows : :py:`In(bus_width).array(ways)`, way : :py:`In(ways - 1)`
        Rows out of the cache, and which one it is: bit by bit from the second one on, else the
        first.
    beat : :py:`In(bus_width)`, from_bus : :py:`In(1)`
        What to take instead of it.
    held : :py:`In(64)`, second : :py:`In(1)`
        The end of the row in front, and whether the value begins there and ends in this one.
    lane : :py:`In(range(bus_width // 8))`
        Byte of the row at which the value begins.
    size_log2 : :py:`In(2)`, signed : :py:`In(1)`, wide : :py:`In(1)`
        Bytes as a power of two; the sign is extended, to 64 bits instead of 32.
    enable : :py:`In(1)`
        Else ``result`` is zero.
    result, raw : :py:`Out(64)`
        The register value, and the bytes without the sign.
    upper_result, upper_raw : :py:`Out(64)`
        The same for the second of two elements in one row.
    """

    def __init__(self, *, bus_width: int, ways: int):
        self.bus_width = bus_width
        self.ways = ways
        super().__init__({
            "rows":         In(bus_width).array(ways),
            "way":          In(ways - 1),
            "beat":         In(bus_width),
            "from_bus":     In(1),
            "held":         In(64),
            "second":       In(1),
            "lane":         In(range(bus_width // 8)),
            "size_log2":    In(2),
            "signed":       In(1),
            "wide":         In(1),
            "enable":       In(1),
            "result":       Out(64),
            "raw":          Out(64),
            "upper_result": Out(64),
            "upper_raw":    Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        value, place = self._gather(m), self.lane[:3]
        bytes_less_1, last = Signal(3), Signal(3)
        m.d.comb += [bytes_less_1.eq((1 << self.size_log2) - 1), last.eq(place + bytes_less_1)]
        sign = Signal()
        tops = Cat(value[8 * octet + 7] for octet in range(8))
        m.d.comb += sign.eq(tops.bit_select(last, 1))
        for stage in range(3):
            step = Signal(64, name=f"rotated_{8 << stage}")
            m.d.comb += step.eq(Mux(place[stage], value.rotate_right(8 << stage), value))
            value = step

        keeps, fills, signs = Signal(8), Signal(8), self.enable & self.signed
        with m.Switch(self.size_log2):
            for size in range(4):
                with m.Case(size):
                    low, high = (1 << (1 << size)) - 1, (0xFF << (1 << size)) & 0xFF
                    m.d.comb += [keeps.eq(low), fills.eq(
                        high & Cat(Const(0xF, 4), self.wide.replicate(4)))]
        for octet in range(8):
            bits = value.word_select(octet, 8)
            keep, fill = Signal(name=f"keep_{octet}"), Signal(name=f"fill_{octet}")
            m.d.comb += [
                keep.eq(keeps[octet] & self.enable), fill.eq(fills[octet] & signs),
                self.result.word_select(octet, 8).eq((bits & keep.replicate(8))
                                                     | (sign & fill).replicate(8)),
                self.raw.word_select(octet, 8).eq(bits & keeps[octet].replicate(8)),
            ]
        # The second element stands in the upper word of the row, or of what was aligned as one.
        upper = self._choose([row[64:128] for row in self.rows])
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
        chosen = values[0]
        for way in range(1, self.ways):
            chosen = Mux(self.way[way - 1], values[way], chosen)
        return chosen

    def _gather(self, m):
        """Return the 8 bytes from ``lane`` on, each in its place in its word."""
        words = [[row.word_select(index, 64) for row in self.rows]
                 for index in range(self.bus_width // 64)]
        beats = [self.beat.word_select(index, 64) for index in range(self.bus_width // 64)]
        behind, value = Signal(8), Signal(64)
        m.d.comb += behind.eq(~(Const(0xFF, 8) << self.lane[:3])[:8])
        for octet in range(8):
            def at(word, octet=octet):
                return word.word_select(octet, 8)

            # In the second row the bytes of the first are those that `held` has kept.
            kept = Signal(name=f"kept_{octet}")
            m.d.comb += kept.eq(self.second & ~behind[octet])
            stored, taken = [at(row) for row in words[0]], at(beats[0])
            for index in range(1, len(words)):
                # A word is reached from its own lanes, or from those of the word below.
                here = Signal(name=f"in_word_{octet}_{index}")
                m.d.comb += here.eq(~self.second & Mux(
                    behind[octet], self.lane[3:] == index - 1, self.lane[3:] == index))
                stored = [Mux(here, at(row), other)
                          for row, other in zip(words[index], stored, strict=True)]
                taken = Mux(here, at(beats[index]), taken)
            early, cached = Signal(8, name=f"early_{octet}"), Signal(name=f"cached_{octet}")
            m.d.comb += [
                early.eq(Mux(kept, at(self.held), taken & self.from_bus.replicate(8))),
                cached.eq(~kept & ~self.from_bus),
                at(value).eq((self._choose(stored) & cached.replicate(8)) | early),
            ]
        return value
