"""Transposes blocks of elements between the reads and the writes."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import DmaConfig
from rtl.lib import StreamFifo

from .descriptor import DataFault, beat_bits
from .realigner import RotatedLayout

__all__ = ["BlockRowLayout", "Transposer"]


class BlockRowLayout(data.StructLayout):
    """A row of a block on one side.

    Members
    -------
    lane : :py:`beat_bits`
        Lane of its first byte.
    length_m1 : :py:`log2(transpose)`
        Bytes, minus 1.
    row : :py:`log2(transpose)`
        Its number.
    element : :py:`2`
        Bytes of an element: 1 << ``element``.
    final : :py:`1`
        The last row of its block.
    """

    def __init__(self, config: DmaConfig):
        size = exact_log2(config.transpose)
        super().__init__({"lane": beat_bits(config), "length_m1": size, "row": size, "element": 2,
                          "final": 1})


class Transposer(wiring.Component):
    """Two blocks in memory: one is filled by rows while the other is emptied by columns.

    There is a memory for each of the L byte lanes. With elements of e bytes, byte x of row r of the
    source lies in memory (x + e r) modulo L, in word x / L of row r: the bytes of a beat of a row
    lie in different memories, and so do those of a beat of a column. What is rotated on the way
    in by r elements is rotated back on the way out by the number of the column. Rows of any
    alignment need no merging: each memory has its own address, and takes its byte or not.

    What is no block passes, in its order. If a beat of a block has a fault, all of it has.

    Timing
    ------
    One beat a cycle in and out. A block is emptied from the cycle after its last beat; its first
    beat shows on ``o`` 2 cycles later. What passes does so in the same cycle.

    Members
    -------
    rows, columns : :py:`In(stream.Signature(BlockRowLayout(config)))`
        Rows of the blocks as they are read, and as they are written.
    beat : :py:`In(stream.Signature(RotatedLayout(config)))`
        Beats; those of row r of a block are rotated up by e r lanes, less its first lane.
    o : :py:`Out(stream.Signature(RotatedLayout(config)))`
        Beats; those of blocks as they are written.
    taken : :py:`Out(1)`
        Strobe: a beat of a block has been taken.
    filled : :py:`Out(1)`
        Strobe: the last one of a block.
    """

    rows: stream.Interface
    columns: stream.Interface
    beat: stream.Interface
    o: stream.Interface
    taken: Signal
    filled: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        row, beat = BlockRowLayout(config), RotatedLayout(config)
        super().__init__({
            "rows":    In(stream.Signature(row)),
            "columns": In(stream.Signature(row)),
            "beat":    In(stream.Signature(beat)),
            "o":       Out(stream.Signature(beat)),
            "taken":   Out(1),
            "filled":  Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        depth = 2 * self.config.outstanding
        m.submodules.rows = rows = StreamFifo(BlockRowLayout(self.config), depth)
        m.submodules.columns = columns = StreamFifo(BlockRowLayout(self.config), depth)
        wiring.connect(m, wiring.flipped(self.rows), rows.i)
        wiring.connect(m, wiring.flipped(self.columns), columns.i)

        # Blocks that are full, which of the two is filled and which is emptied.
        full, filling, emptying = Signal(range(3)), Signal(), Signal()
        faults = Array(Signal(DataFault, name=f"fault_{i}") for i in range(2))
        emptied, shows, leaves, opens = Signal(), Signal(), Signal(), Signal(init=1)
        fetch, fault, shift = Signal(), Signal(DataFault), Signal(beat_bits(self.config))
        beat = self.beat.payload
        m.d.comb += [
            self.taken.eq(self.beat.valid & beat.block & rows.o.valid & (full != 2)),
            fetch.eq(columns.o.valid & (full != 0) & (~shows | self.o.ready)),
            leaves.eq(~shows & (full == 0) & ~beat.block),
            self.beat.ready.eq(self.taken | leaves & self.o.ready),
            self.o.valid.eq(shows | leaves & self.beat.valid),
            self.o.payload.eq(beat),
        ]
        m.d.sync += [
            full.eq(full + self.filled - emptied),
            filling.eq(filling ^ self.filled),
            emptying.eq(emptying ^ emptied),
        ]
        with m.If(self.taken):
            m.d.sync += opens.eq(self.filled)
            with m.If(opens | (faults[filling] == DataFault.NONE)):
                m.d.sync += faults[filling].eq(beat.fault)
        with m.If(self.o.ready):
            m.d.sync += shows.eq(0)
        with m.If(fetch):
            m.d.sync += [shows.eq(1), fault.eq(faults[emptying])]

        put = self._walk(m, "put", rows, self.taken, self.filled)
        get = self._walk(m, "get", columns, fetch, emptied)
        row, column = rows.o.payload, columns.o.payload
        lane, base = beat_bits(self.config), Signal(exact_log2(self.config.transpose))
        m.d.comb += base.eq(column.row << column.element)
        with m.If(fetch):
            m.d.sync += shift.eq(column.lane - base)
        image = []
        for j, ((to, inside), (source, _)) in enumerate(zip(put, get, strict=True)):
            # In lookup tables these memories would cost twice as much as all the rest.
            memory = Memory(shape=8, depth=2 * self.config.transpose ** 2 >> lane, init=[],
                            attrs={"ram_style": "block"})
            m.submodules[f"lane_{j}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.en.eq(self.taken & inside),
                write.addr.eq(Cat(to[lane:], row.row, filling)),
                write.data.eq(beat.data.word_select(j, 8)),
                read.en.eq(fetch),
                read.addr.eq(Cat(base[lane:], (source >> column.element)[:len(base)], emptying)),
            ]
            image.append(read.data)
        with m.If(shows):
            m.d.comb += [
                self.o.payload.data.eq(self._rotate(m, Cat(image), shift)),
                self.o.payload.fault.eq(fault),
                self.o.payload.ahead.eq(0),
            ]
        return m

    def _rotate(self, m, image, shift):
        """Return the bytes moved up by ``shift`` lanes."""
        for bit in range(len(shift)):
            rotated = Signal(self.config.data_width, name=f"rotated_{1 << bit}")
            m.d.comb += rotated.eq(Mux(shift[bit], image.rotate_left(8 << bit), image))
            image = rotated
        return image

    def _walk(self, m, name, rows, go, ends):
        """Step over the beats of the rows; return for each memory its byte of the beat.

        That is the number of the byte in its row, and whether it is one of the row.
        """
        row, lane = rows.o.payload, beat_bits(self.config)
        last = Signal(len(row.length_m1) + 1 - lane, name=f"{name}_last")
        index, before = (Signal.like(last, name=f"{name}_{what}") for what in ("index", "before"))
        row_ends, base = Signal(name=f"{name}_row_ends"), Signal(lane, name=f"{name}_base")
        m.d.comb += [
            last.eq((row.lane + row.length_m1) >> lane),
            base.eq(row.row << row.element),
            row_ends.eq(go & (index == last)),
            rows.o.ready.eq(row_ends),
            ends.eq(row_ends & row.final),
            before.eq(index - 1),
        ]
        with m.If(go):
            m.d.sync += index.eq(Mux(row_ends, 0, index + 1))

        found = []
        for j in range(1 << lane):
            # Bytes of the row that lie in this memory are `low` modulo the lanes.
            low, carry = Signal(lane, name=f"{name}_low_{j}"), Signal(name=f"{name}_carry_{j}")
            byte = Signal(len(row.length_m1) + 1, name=f"{name}_byte_{j}")
            m.d.comb += [
                low.eq(j - base),
                carry.eq((low + row.lane)[lane]),
                byte.eq(Cat(low, Mux(carry, before, index))),
            ]
            inside = ~(carry & (index == 0)) & (byte <= row.length_m1)
            found.append((byte[:-1], inside))
        return found
