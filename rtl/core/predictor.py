"""Branch prediction."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Predictor", "PredictorUpdateLayout"]


class PredictorUpdateLayout(data.StructLayout):
    """What became of a branch, for :class:`Predictor`.

    Members
    -------
    valid : 1
        A branch was resolved, or an instruction that is none was predicted taken.
    pc, target : 64
        Its address, and where it goes when taken.
    taken : 1
        It was taken.
    """

    def __init__(self):
        super().__init__({"valid": 1, "taken": 1, "pc": 64, "target": 64})


class Predictor(wiring.Component):
    """Branch target buffer with a two-bit counter in each entry.

    Direct mapped. An entry is made when a branch is taken for the first time. Since an entry is
    found by a part of the address, an instruction that is no branch may be predicted taken; the
    pipeline notices and reports it like a branch that was not taken.

    Timing
    ------
    ``addr`` is looked up at the clock edge; ``taken`` and ``target`` belong to it in the next
    cycle, in which ``pc`` must be the same address. An update is seen by lookups of later cycles.

    Parameters
    ----------
    entries : :class:`int`
        Entries, a power of two.

    Members
    -------
    addr : :py:`In(64)`, pc : :py:`In(64)`
        Address to look up, and the one looked up before.
    taken, target : :py:`Out`
        Prediction.
    update : :py:`In(PredictorUpdateLayout())`
        Outcome of a branch.
    """

    TAG_BITS = 10

    def __init__(self, *, entries: int):
        self.entries = entries
        super().__init__({
            "addr":    In(64),
            "pc":      In(64),
            "taken":   Out(1),
            "target":  Out(64),
            "update":  In(PredictorUpdateLayout()),
        })

    def elaborate(self, platform):
        m = Module()

        bits = (self.entries - 1).bit_length()
        layout = data.StructLayout({"counter": 2, "tag": self.TAG_BITS, "target": 62})
        m.submodules.entries = memory = Memory(shape=layout, depth=self.entries, init=[])
        m.submodules.counters = counters = Memory(shape=2, depth=self.entries, init=[])
        reader, writer = memory.read_port(), memory.write_port()
        old = counters.read_port(domain="comb")
        counter_writer = counters.write_port()

        def place(address):
            return address[2:2 + bits]

        def tag(address):
            return address[2 + bits:2 + bits + self.TAG_BITS]

        looked = Signal()
        entry = reader.data
        m.d.comb += [
            reader.addr.eq(place(self.addr)), reader.en.eq(1),
            self.taken.eq(looked & entry.counter[1] & (entry.tag == tag(self.pc))),
            self.target.eq(Cat(self.pc[:2], entry.target)),
        ]
        m.d.sync += looked.eq(1)

        counter = Signal(2)
        with m.If(self.update.taken):
            m.d.comb += counter.eq(Mux(old.data == 3, 3, Mux(old.data[1], 3, 2)))
        with m.Else():
            m.d.comb += counter.eq(Mux(old.data == 0, 0, old.data - 1))
        m.d.comb += [
            old.addr.eq(place(self.update.pc)),
            counter_writer.addr.eq(place(self.update.pc)),
            counter_writer.data.eq(counter), counter_writer.en.eq(self.update.valid),
            writer.addr.eq(place(self.update.pc)), writer.en.eq(self.update.valid),
            writer.data.counter.eq(counter), writer.data.tag.eq(tag(self.update.pc)),
            writer.data.target.eq(self.update.target[2:]),
        ]
        return m
