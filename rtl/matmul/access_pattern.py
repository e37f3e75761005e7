"""Addresses of tensors in SBUF: up to four dimensions with strides."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "AccessPattern", "DIMENSIONS", "PatternLayout"]

DIMENSIONS = 4
ADDRESS_BITS = 24


class PatternLayout(data.StructLayout):
    """Counts and strides of an access pattern, the innermost dimension first.

    Members
    -------
    last : :py:`ArrayLayout(16, 4)`
        Elements along each dimension, minus one.
    stride : :py:`ArrayLayout(16, 4)`
        Signed distance of neighbours along each dimension, in elements.
    """

    def __init__(self):
        super().__init__({"last": data.ArrayLayout(16, DIMENSIONS),
                          "stride": data.ArrayLayout(16, DIMENSIONS)})


class AccessPattern(wiring.Component):
    """Byte address of one element after the other.

    Behind the last element of the pattern comes its first again. Addresses wrap modulo 2**24.

    Timing
    ------
    ``address`` is that of the first element in the cycle after ``start``, and of the next one in
    the cycle after ``step``.

    Members
    -------
    start, base : :py:`In(1)`, :py:`In(24)`
        Begin at the byte address ``base``.
    patterned, pattern : :py:`In(1)`, :py:`In(PatternLayout())`
        Follow the pattern; otherwise the elements are neighbours. Sampled with ``start``.
    log2_bytes : :py:`In(2)`
        Size of an element; sampled with ``start``.
    step : :py:`In(1)`
        The element has been dealt with.
    address : :py:`Out(24)`
        Address of the element.
    """

    start: Signal
    base: Signal
    patterned: Signal
    pattern: data.View
    log2_bytes: Signal
    step: Signal
    address: Signal

    def __init__(self):
        super().__init__({"start": In(1), "base": In(ADDRESS_BITS), "patterned": In(1),
                          "pattern": In(PatternLayout()), "log2_bytes": In(2), "step": In(1),
                          "address": Out(ADDRESS_BITS)})

    def elaborate(self, platform):
        m = Module()
        used = Signal(PatternLayout(), reset_less=True)
        size = Signal(2, reset_less=True)
        first = Signal(ADDRESS_BITS, reset_less=True)
        # Where each dimension stands: the element there, all inner dimensions at their first.
        places = [Signal(ADDRESS_BITS, reset_less=True, name=f"place_{i}")
                  for i in range(DIMENSIONS)]
        indices = [Signal(16, reset_less=True, name=f"index_{i}") for i in range(DIMENSIONS)]
        m.d.comb += self.address.eq(places[0])

        # An outer dimension moves when all inner ones are at their end; then they start there.
        target, moved = Signal(ADDRESS_BITS), Signal(DIMENSIONS)
        m.d.comb += target.eq(first)
        ended = Const(1, 1)
        for i in range(DIMENSIONS):
            last = indices[i] == used.last[i]
            m.d.comb += moved[i].eq(ended & ~last)
            with m.If(moved[i]):
                m.d.comb += target.eq(places[i] + (used.stride[i].as_signed() << size))
            ended = ended & last
        with m.If(self.step):
            for i in range(DIMENSIONS):
                with m.If(moved[i:].any() | ended):
                    m.d.sync += places[i].eq(target)
                with m.If(moved[i]):
                    m.d.sync += indices[i].eq(indices[i] + 1)
                with m.Elif(moved[i + 1:].any() | ended if i + 1 < DIMENSIONS else ended):
                    m.d.sync += indices[i].eq(0)
        with m.If(self.start):
            neighbours = Cat(Const(0xFFFF, 16), Const(0, 48), Const(1, 16), Const(0, 48))
            m.d.sync += [
                used.eq(Mux(self.patterned, self.pattern.as_value(), neighbours)),
                size.eq(self.log2_bytes),
                first.eq(self.base),
                *(place.eq(self.base) for place in places),
                *(index.eq(0) for index in indices),
            ]
        return m
