"""Vector unit: element by element between SBUF tensors."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

from .access_pattern import ADDRESS_BITS, DIMENSIONS, AccessPattern, PatternLayout
from .encoding import OPCODES, OPERATIONS, OUTPUTS, TYPES
from .instruction import InstructionLayout
from .sbuf import BANKS, WORD_BYTES
from .vector_lane import VectorLane

__all__ = ["SLOTS", "VECTOR_OPCODES", "VectorUnit"]

VECTOR_OPCODES = ("pattern", "tensor_tensor", "memset", "transpose")
SLOTS = ("source", "other", "destination")
"""Operands that have an access pattern of their own."""


class Source(enum.Enum, shape=2):
    """Where the elements that are written come from."""

    LANES = 0
    VALUE = 1
    BUFFER = 2


class VectorUnit(wiring.Component):
    """Executes ``pattern``, ``tensor_tensor``, ``memset`` and ``transpose``.

    All partitions work in step, an element at a time. An element of ``tensor_tensor`` takes two
    cycles, one for each operand, whether it has two or not; one of ``memset`` takes one. A
    ``transpose`` reads M columns, two cycles each, into S x S registers and writes K columns. A
    write that waits for its bank stops everything, a read that waits leaves a bubble.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.

    Members
    -------
    start, fields : :py:`In(1)`, :py:`In(InstructionLayout("activation"))`
        Begin an instruction; its fields hold in this cycle.
    done : :py:`Out(1)`
        Its last element is in SBUF: for one cycle, the one behind ``start`` at the earliest.
    fault, fault_address : :py:`Out(1)`, :py:`Out(24)`
        For one cycle instead of ``done``: the pattern of an operand leaves the SBUF there. What
        came before has been written or is abandoned.
    read_en, read_addr, read_grant : SBUF read, as in :class:`Sbuf`
    sbuf_data : :py:`In(64).array(size, BANKS)`
        Its data, in the cycle behind the grant.
    write_en, write_addr, write_strobe, write_rows, write_data, write_grant : SBUF write
    """

    start: Signal
    fields: data.View
    done: Signal
    fault: Signal
    fault_address: Signal
    read_en: Signal
    read_addr: Signal
    read_grant: Signal
    write_en: Signal
    write_addr: Signal
    write_strobe: Signal
    write_rows: Signal
    write_grant: Signal

    def __init__(self, config: TileConfig):
        self.config = config
        self.addr_width = exact_log2(config.sbuf_bytes // WORD_BYTES)
        size = config.size
        super().__init__({
            "start":         In(1),
            "fields":        In(InstructionLayout("activation")),
            "done":          Out(1),
            "fault":         Out(1),
            "fault_address": Out(ADDRESS_BITS),
            "read_en":       Out(1),
            "read_addr":     Out(self.addr_width),
            "read_grant":    In(1),
            "sbuf_data":     In(64).array(size, BANKS),
            "write_en":      Out(1),
            "write_addr":    Out(self.addr_width),
            "write_strobe":  Out(WORD_BYTES),
            "write_rows":    Out(size),
            "write_data":    Out(64).array(size),
            "write_grant":   In(1),
        })

    def elaborate(self, platform):
        m = Module()

        self._operation, self._floating = Signal(4), Signal()
        self._log2_bytes = Signal(2)
        self._rows = Signal(self.config.size)
        self._value = Signal(32)
        self._source = Signal(Source)
        self._busy, self._step = Signal(), Signal()
        self._reads_left, self._writes_left = Signal(16), Signal(17)
        self._arrived = Signal()
        self._taken = Signal()

        self._begin(m)
        places = self._addresses(m)
        valid = self._read(m, places)
        pairs = self._catch(m)
        results, keeps = self._compute(m, valid, pairs)
        self._write(m, places, results, keeps)
        outside = [(self.read_en & self._second & (places[1] >= self.config.sbuf_bytes), places[1]),
                   (self.read_en & ~self._second & (places[0] >= self.config.sbuf_bytes),
                    places[0]),
                   (self._taken & (places[2] >= self.config.sbuf_bytes), places[2])]
        for wrong, place in outside:
            with m.If(wrong):
                m.d.comb += [self.fault.eq(1), self.fault_address.eq(place)]
        m.d.comb += self.done.eq(self._busy & (self._writes_left == 0) & ~self.write_en)
        with m.If(self.done | self.fault):
            m.d.sync += [self._busy.eq(0), self._reads_left.eq(0), valid.eq(0),
                         self._arrived.eq(0)]
        return m

    def _is(self, opcode, *mnemonics):
        found = 0
        for mnemonic in mnemonics:
            found |= opcode == OPCODES[mnemonic].value
        return found

    def _begin(self, m):
        """Take an instruction."""
        fields = self.fields
        ones = Const((1 << self.config.size) - 1, self.config.size)
        tensor = self._is(fields.opcode, "tensor_tensor")
        transpose = self._is(fields.opcode, "transpose")
        with m.If(self.start):
            m.d.sync += [
                self._busy.eq(1),
                self._operation.eq(fields.operation),
                self._floating.eq(fields.type != TYPES["int8"]),
                self._log2_bytes.eq(self._size(m)),
                self._rows.eq(~(ones << fields.m[:5])),
                self._value.eq(fields.value),
                self._source.eq(Mux(tensor, Source.LANES,
                                    Mux(transpose, Source.BUFFER, Source.VALUE))),
                self._reads_left.eq(Mux(transpose, fields.m, Mux(tensor, fields.n, 0))),
                self._writes_left.eq(Mux(self._is(fields.opcode, "pattern"), 0,
                                         Mux(transpose, fields.k, fields.n))),
            ]

    def _size(self, m):
        """Return the binary logarithm of an element's bytes."""
        fields, size = self.fields, Signal(2)
        m.d.comb += size.eq(fields.element)
        with m.If(self._is(fields.opcode, "tensor_tensor")):
            with m.Switch(fields.output):
                with m.Case(OUTPUTS["word"]):
                    m.d.comb += size.eq(2)
                with m.Case(OUTPUTS["int8"]):
                    m.d.comb += size.eq(0)
                with m.Default():
                    m.d.comb += size.eq(1)
        return size

    def _addresses(self, m):
        """Add the patterns of the operands; returns the address of each."""
        fields = self.fields
        bases = (fields.address, fields.bias_address, fields.destination)
        places = []
        size = self._size(m)
        self._advance = [Signal(name=f"advance_{name}") for name in SLOTS]
        for index, (name, base) in enumerate(zip(SLOTS, bases, strict=True)):
            kept = Signal(PatternLayout(), name=f"pattern_{name}")
            with m.If(self.start & self._is(fields.opcode, "pattern") & (fields.slot == index)):
                for i in range(DIMENSIONS):
                    count = getattr(fields, f"count{i}")
                    m.d.sync += [kept.last[i].eq(Mux(count == 0, 0, count - 1)),
                                 kept.stride[i].eq(getattr(fields, f"stride{i}"))]
            m.submodules[name] = walk = AccessPattern()
            m.d.comb += [
                walk.start.eq(self.start), walk.base.eq(base), walk.pattern.eq(kept),
                walk.patterned.eq(fields.patterns.bit_select(index, 1)),
                walk.log2_bytes.eq(size), walk.step.eq(self._advance[index]),
            ]
            places.append(walk.address)
        return places

    def _read(self, m, places):
        """Read operands in turns; returns the valid bits of the lanes."""
        self._second = second = Signal()
        two = Signal()
        with m.If(self.start):
            m.d.sync += [second.eq(0), two.eq(self._is(self.fields.opcode, "tensor_tensor")
                                              & (self.fields.operation != OPERATIONS["copy"]))]
        wanted = self._busy & (self._reads_left != 0) & self._step
        wants_word = wanted & (~second | two)
        turned = wanted & (~wants_word | self.read_grant)
        issued = turned & second
        place = Mux(second, places[1], places[0])
        m.d.comb += [
            self.read_en.eq(wants_word),
            self.read_addr.eq(place[exact_log2(WORD_BYTES):]),
            self._advance[0].eq(turned & ~second),
            self._advance[1].eq(issued),
        ]
        self._first_arrives, self._second_arrives = Signal(), Signal()
        self._bank, self._lane = Signal(), Signal(3)
        m.d.sync += [self._first_arrives.eq(turned & ~second), self._second_arrives.eq(issued)]
        with m.If(turned):
            m.d.sync += [second.eq(~second), self._bank.eq(place[exact_log2(WORD_BYTES)]),
                         self._lane.eq(place[:3])]
        with m.If(issued):
            m.d.sync += self._reads_left.eq(self._reads_left - 1)

        valid = Signal(VectorLane.LATENCY)
        with m.If(self._second_arrives):
            m.d.sync += self._arrived.eq(1)
        with m.Elif(self._step):
            m.d.sync += self._arrived.eq(0)
        with m.If(self._step):
            m.d.sync += valid.eq(Cat(self._arrived & (self._source == Source.LANES), valid))
        return valid

    def _catch(self, m):
        """Keep the two operands of each partition, as 32-bit values."""
        pairs = []
        for row in range(self.config.size):
            word, element = Signal(64, name=f"word_{row}"), Signal(32, name=f"element_{row}")
            m.d.comb += [
                word.eq(Mux(self._bank, self.sbuf_data[row][1], self.sbuf_data[row][0])),
                element.eq(word.word_select(self._lane[2], 32)),
            ]
            half, byte = word.word_select(self._lane[1:], 16), word.word_select(self._lane, 8)
            with m.If(self._log2_bytes == 1):
                m.d.comb += element.eq(Mux(self._source == Source.LANES, half << 16, half))
            with m.If(self._log2_bytes == 0):
                m.d.comb += element.eq(byte.as_signed())
            first, a, b = (Signal(32, reset_less=True, name=f"{name}_{row}")
                           for name in ("first", "a", "b"))
            with m.If(self._first_arrives):
                m.d.sync += first.eq(element)
            with m.If(self._second_arrives):
                m.d.sync += [a.eq(first), b.eq(element)]
            pairs.append((a, b))
        return pairs

    def _compute(self, m, valid, pairs):
        """Add lanes and the registers of a transposition; returns results and what to keep."""
        size = self.config.size
        arrived = self._arrived & (self._source == Source.LANES)
        lanes = []
        for row, (a, b) in enumerate(pairs):
            m.submodules[f"lane_{row}"] = lane = VectorLane(self.config)
            lanes.append(lane)
            m.d.comb += [
                lane.step.eq(self._step), lane.valid.eq(Cat(arrived, valid)),
                lane.operation.eq(self._operation), lane.floating.eq(self._floating),
                lane.a.eq(a), lane.b.eq(b),
            ]
        column, place = Signal(range(size)), Signal(range(size))
        held = [[Signal(32, reset_less=True, name=f"held_{i}_{row}") for row in range(size)]
                for i in range(size)]
        store = self._arrived & self._step & (self._source == Source.BUFFER)
        with m.If(self.start):
            m.d.sync += [column.eq(0), place.eq(0)]
        with m.Elif(store):
            m.d.sync += column.eq(column + 1)
        with m.If(self._taken):
            m.d.sync += place.eq(place + 1)
        for i in range(size):
            with m.If(store & (column == i)):
                m.d.sync += [register.eq(a) for register, (a, _)
                             in zip(held[i], pairs, strict=True)]
        filled = (self._reads_left == 0) & ~self._second_arrives & ~self._arrived
        m.d.comb += self._taken.eq(self._step & self._busy & Mux(
            self._source == Source.LANES, valid[-1],
            (self._writes_left != 0) & ((self._source == Source.VALUE) | filled)))
        results = []
        for row, lane in enumerate(lanes):
            result = Signal(32, name=f"result_{row}")
            m.d.comb += result.eq(self._narrow(lane.result))
            with m.If(self._source == Source.VALUE):
                m.d.comb += result.eq(self._value)
            with m.If(self._source == Source.BUFFER):
                m.d.comb += result.eq(data.View(data.ArrayLayout(32, size), Cat(held[row]))[place])
            results.append(result)
        return results, Cat(lane.keep for lane in lanes)

    def _narrow(self, value):
        """Return a lane's result in an element's low bits."""
        rounded = value + 0x7FFF + value[16]
        number = value.as_signed()
        limited = Mux(number > 127, 127, Mux(number < -128, 0x80, value[:8]))
        return Mux(self._log2_bytes == 2, value,
                   Mux(self._log2_bytes == 1, rounded[16:32], limited))

    def _write(self, m, places, results, keeps):
        """Write the element that is taken."""
        place = places[2]
        m.d.comb += [
            self._step.eq(~self.write_en | self.write_grant),
            self._advance[2].eq(self._taken),
        ]
        with m.If(self.write_grant):
            m.d.sync += self.write_en.eq(0)
        with m.If(self._taken & ~self.fault):
            ones = Mux(self._log2_bytes == 2, 0xF, Mux(self._log2_bytes == 1, 3, 1))
            kept = Mux(self._source == Source.LANES, keeps, 0)
            m.d.sync += [
                self._writes_left.eq(self._writes_left - 1),
                self.write_en.eq(1),
                self.write_addr.eq(place[exact_log2(WORD_BYTES):]),
                self.write_strobe.eq(ones << place[:3]),
                self.write_rows.eq(self._rows & ~kept),
            ]
            for row, result in enumerate(results):
                repeated = Mux(self._log2_bytes == 2, result.replicate(2), Mux(
                    self._log2_bytes == 1, result[:16].replicate(4), result[:8].replicate(8)))
                m.d.sync += self.write_data[row].eq(repeated)
