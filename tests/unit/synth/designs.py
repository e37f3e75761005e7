"""Small designs with known cells, for the tests of the synthesis flow."""

from amaranth import Module, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Doubler", "Pair", "Product", "Store", "TwoPorts"]


class Product(wiring.Component):
    """Registered signed product of bytes: one multiplier."""

    def __init__(self):
        super().__init__({"a": In(signed(8)), "b": In(signed(8)), "y": Out(signed(16))})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.a * self.b)
        return m


class Doubler(wiring.Component):
    """Combinational: eight exclusive ORs of one gate each."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "y": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.y.eq(self.a ^ self.b)
        return m


class Store(wiring.Component):
    """A single-port memory of 1024 x 32 bits: two block RAMs on ECP5."""

    def __init__(self):
        super().__init__({"address": In(10), "write": In(1), "data": In(32), "y": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=32, depth=1024, init=[])
        port, read = words.write_port(), words.read_port()
        m.d.comb += [
            port.addr.eq(self.address), port.data.eq(self.data), port.en.eq(self.write),
            read.addr.eq(self.address), read.en.eq(~self.write), self.y.eq(read.data),
        ]
        return m


class Pair(wiring.Component):
    """Two products, one of which passes through another part, and a memory."""

    def __init__(self):
        super().__init__({"a": In(signed(8)), "b": In(signed(8)), "address": In(10),
                          "write": In(1), "x": Out(8), "y": Out(signed(16)), "z": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.first = first = Product()
        m.submodules.mixed = mixed = Doubler()
        m.submodules.second = second = Product()
        m.submodules.store = store = Store()
        between = Signal(8)
        m.d.comb += [
            first.a.eq(self.a), first.b.eq(self.b),
            mixed.a.eq(first.y[:8]), mixed.b.eq(first.y[8:]),
            between.eq(mixed.y), self.x.eq(between),
            second.a.eq(self.b), second.b.eq(self.b), self.y.eq(second.y),
            store.address.eq(self.address), store.write.eq(self.write),
            store.data.eq(first.y), self.z.eq(store.y),
        ]
        return m


class TwoPorts(wiring.Component):
    """A memory of 512 x 32 bits with a port for each direction."""

    def __init__(self, attributes):
        self.attributes = attributes
        super().__init__({"read": In(9), "y": Out(32), "address": In(9), "data": In(32),
                          "write": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=32, depth=512, init=[],
                                                   attrs=self.attributes)
        reader, writer = words.read_port(), words.write_port()
        m.d.comb += [reader.addr.eq(self.read), self.y.eq(reader.data),
                     writer.addr.eq(self.address), writer.data.eq(self.data),
                     writer.en.eq(self.write)]
        return m
