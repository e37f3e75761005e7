"""Tensor engine: starts loads and multiplies so that the array takes a column every cycle."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

from .array import GROUP
from .datapath import Datapaths, select
from .encoding import ERROR_CAUSES, OPCODES
from .instruction import CheckedLayout
from .issue import ColumnIssueLayout, LoadIssueLayout
from .registers import STALLS
from .sbuf import WORD_BYTES
from .semaphores import SignalLayout, WaitLayout
from .stalls import give_cause
from .written import PsumWritten

__all__ = ["TensorEngine"]


class TensorEngine(wiring.Component):
    """In-order dispatcher with a load unit and a multiply unit behind it.

    Instructions start in order, one a cycle at most. A load runs beside the multiply before it, a
    multiply starts in the cycle after the last column of the one before it. Once a column is
    issued nothing can hold it up: whatever could go wrong is checked here, before.

    * A load waits until the last column that uses its target registers is 3 cycles old
      (:class:`Array` says why); a multiply waits until its own load has started.
    * While the load of the running multiply is still at work it has the first right to an SBUF
      bank, so that the weights stay ahead of the columns; otherwise columns come first.
    * A column that adds to a PSUM word waits until the previous sum of that word can be read.
    * A change of mode waits until the array is empty: rows have different delays.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.

    Members
    -------
    i : :py:`In(stream.Signature(CheckedLayout("tensor", config)))`
        Instructions.
    more : :py:`In(1)`
        Further instructions are in the queue behind ``i``; for the counters.
    enable : :py:`In(1)`
        Start instructions.
    wait : :py:`Out(stream.Signature(WaitLayout()))`
        Semaphore to wait for.
    signal : :py:`Out(stream.Signature(SignalLayout()))`
        Signals of all instructions but multiplies, whose signal travels with the column.
    mode : :py:`Out(Datapaths.modes)`
        Datapath of what is in the array.
    moving_en, moving_addr, load_en, load_addr : :py:`Out`
        SBUF reads.
    column_valid, column : :py:`Out(1)`, :py:`Out(ColumnIssueLayout(config))`
        Column issued in this cycle.
    load_valid, load : :py:`Out(1)`, :py:`Out(LoadIssueLayout(config))`
        Weights issued in this cycle.
    busy, nonempty : :py:`Out(1)`
        Work anywhere, results under way included; an instruction queued or being issued.
    error_cause, error_index, error_address : :py:`Out(4)`, :py:`Out(24)`, :py:`Out(24)`
        First error; the engine has stopped while the cause is not 0. The address is that of the
        SBUF operand, the PSUM column or the semaphore, as the cause has it; else 0.
    expired : :py:`In(1)`
        The wait at ``wait`` has lasted too long.
    release, release_bank : :py:`In(1)`, :py:`In`
        A PSUM bank is released, as in :class:`PsumWritten`.
    poisoned : :py:`Out(psum_banks)`
        Banks in which words of integers were added to before they were written.
    start_load, start_multiply, start_any : :py:`Out(1)`
        An instruction starts.
    macs : :py:`Out(9)`
        Useful multiply-accumulates of the column issued; 0 without one.
    stall : :py:`Out(len(STALLS))`
        Why no column is issued, one-hot by the order of :data:`STALLS`; 0 with one.
    """

    i: stream.Interface
    more: Signal
    enable: Signal
    wait: stream.Interface
    signal: stream.Interface
    mode: Signal
    moving_en: Signal
    moving_addr: Signal
    load_en: Signal
    load_addr: Signal
    column_valid: Signal
    column: data.View
    load_valid: Signal
    load: data.View
    busy: Signal
    nonempty: Signal
    error_cause: Signal
    error_index: Signal
    error_address: Signal
    expired: Signal
    release: Signal
    release_bank: Signal
    poisoned: Signal
    start_load: Signal
    start_multiply: Signal
    start_any: Signal
    macs: Signal
    stall: Signal

    def __init__(self, config: TileConfig):
        self.config = config
        self.datapaths = Datapaths(config)
        self.addr_width = exact_log2(config.sbuf_bytes // WORD_BYTES)
        super().__init__({
            "i":              In(stream.Signature(CheckedLayout("tensor", config))),
            "more":           In(1),
            "enable":         In(1),
            "wait":           Out(stream.Signature(WaitLayout())),
            "signal":         Out(stream.Signature(SignalLayout())),
            "mode":           Out(self.datapaths.modes),
            "moving_en":      Out(1),
            "moving_addr":    Out(self.addr_width),
            "load_en":        Out(1),
            "load_addr":      Out(self.addr_width),
            "column_valid":   Out(1),
            "column":         Out(ColumnIssueLayout(config)),
            "load_valid":     Out(1),
            "load":           Out(LoadIssueLayout(config)),
            "busy":           Out(1),
            "nonempty":       Out(1),
            "error_cause":    Out(4),
            "error_index":    Out(24),
            "error_address":  Out(24),
            "expired":        In(1),
            "release":        In(1),
            "release_bank":   In(exact_log2(config.psum_banks)),
            "poisoned":       Out(config.psum_banks),
            "start_load":     Out(1),
            "start_multiply": Out(1),
            "start_any":      Out(1),
            "macs":           Out(9),
            "stall":          Out(len(STALLS)),
        })

    def elaborate(self, platform):
        m = Module()

        self._dispatch(m)
        self._load_unit(m)
        self._multiply_unit(m)
        self._drain(m)
        give_cause(m, self)
        return m

    def _drain(self, m):
        """Count down from the last issue until every result has been written."""
        cycles = [cycles + 3 for cycles in self.datapaths.result_cycles()]
        remaining = Signal(range(max(cycles) + 1))
        with m.If(self.column_valid | self.load_valid):
            m.d.sync += remaining.eq(select(self.mode, [Const(count) for count in cycles]))
        with m.Elif(remaining != 0):
            m.d.sync += remaining.eq(remaining - 1)
        m.d.comb += [
            self._empty.eq((remaining == 0) & ~self._load_active & ~self._multiply_active),
            self.nonempty.eq(self.i.valid | self.more | self._load_active | self._multiply_active),
            self.busy.eq(self.nonempty | ~self._empty | self.signal.valid),
        ]

    def _dispatch(self, m):
        """Decide whether the oldest instruction starts in this cycle."""
        head = self.i.payload.fields
        self._head = head
        self._empty = Signal()
        self._load_active, self._load_last, self._load_started = Signal(), Signal(), Signal()
        self._load_signals = Signal()
        self._multiply_active, self._multiply_last = Signal(), Signal()
        self._newest = Signal()
        self._in_use = Signal()

        is_op = {name: Signal(name=f"is_{name}") for name in
                 ("nop", "fence", "load_stationary", "multiply_moving")}
        for name, flag in is_op.items():
            m.d.comb += flag.eq(head.opcode == OPCODES[name].value)
        self._is_load, self._is_multiply = is_op["load_stationary"], is_op["multiply_moving"]
        self._is_fence = is_op["fence"]
        operates = self._is_load | self._is_multiply

        running = Signal()
        m.d.comb += running.eq(self.i.valid & self.enable & (self.error_cause == 0))
        sound = Signal()
        m.d.comb += sound.eq(running & (self.i.payload.cause == 0))
        with m.If(running & (self.i.payload.cause != 0)):
            m.d.sync += [self.error_cause.eq(self.i.payload.cause),
                         self.error_address.eq(self.i.payload.where)]
        with m.Elif(self.wait.valid & self.expired):
            m.d.sync += [self.error_cause.eq(ERROR_CAUSES["deadlock"][0]),
                         self.error_address.eq(head.wait_index)]

        waited, self._waiting = Signal(), Signal()
        m.d.comb += [
            self._waiting.eq(head.wait & ~waited),
            self.wait.valid.eq(sound & self._waiting),
            self.wait.payload.index.eq(head.wait_index),
            self.wait.payload.value.eq(head.wait_value),
            self.wait.payload.consume.eq(head.consume),
        ]
        with m.If(self.wait.valid & self.wait.ready):
            m.d.sync += waited.eq(1)

        self._mode_change = Signal()
        m.d.comb += self._mode_change.eq(operates & (self.i.payload.mode != self.mode))
        with m.If(sound & ~self._waiting & self._mode_change & self._empty):
            m.d.sync += self.mode.eq(self.i.payload.mode)

        signals = Signal()
        m.d.comb += signals.eq((head.add_value != 0) | head.interrupt)
        signal_free = ~self.signal.valid & ~(self._load_active & self._load_signals)
        self._ready = Signal()
        with m.If(self._is_load):
            # The signal's register must be free when the load ends: once the load has started,
            # nothing may hold it up, because its multiply relies on that.
            m.d.comb += self._ready.eq(~self._mode_change & ~self._in_use
                                       & (~self._load_active | self._load_last)
                                       & (signal_free | ~signals))
        with m.Elif(self._is_multiply):
            m.d.comb += self._ready.eq(~self._mode_change
                                       & (~self._multiply_active | self._multiply_last)
                                       & (~self._load_active | self._load_started))
        with m.Elif(self._is_fence):
            m.d.comb += self._ready.eq(self._empty & ~self.signal.valid)
        with m.Else():
            m.d.comb += self._ready.eq(signal_free | ~signals)

        start = sound & ~self._waiting & self._ready
        m.d.comb += [
            self.start_any.eq(start),
            self.start_load.eq(start & self._is_load),
            self.start_multiply.eq(start & self._is_multiply),
            self.i.ready.eq(start),
        ]
        with m.If(self.signal.ready):
            m.d.sync += self.signal.valid.eq(0)
        with m.If(start):
            m.d.sync += [waited.eq(0), self.error_index.eq(self.error_index + 1)]
            with m.If(~operates & signals):
                m.d.sync += self.signal.valid.eq(1)
                self._put_signal(m, self.signal.payload, head)
        self._head_signals = signals

    @staticmethod
    def _put_signal(m, payload, fields):
        m.d.sync += [payload.index.eq(fields.add_index), payload.amount.eq(fields.add_value),
                     payload.interrupt.eq(fields.interrupt)]

    def _load_unit(self, m):
        """Read the words of a load and send its groups of weights."""
        groups = self.config.size // GROUP
        head = self._head
        address = Signal(self.addr_width)
        group = Signal(range(max(2, groups)))
        final = Signal(range(max(2, groups)))
        register, wide = Signal(), Signal()
        format = Signal(self.datapaths.formats)
        pending = Signal(SignalLayout())
        self._load_address = address
        # A word of single bytes holds two groups.
        fetch = wide | ~group[0]
        self._load_wants = Signal()
        self._load_conflict = Signal()
        m.d.comb += [
            self._load_wants.eq(self._load_active & fetch),
            self._load_conflict.eq(self._load_wants & self.moving_en
                                   & (self.moving_addr[0] == address[0])),
            self.load_valid.eq(self._load_active & ~self._load_conflict),
            self.load_en.eq(self.load_valid & fetch),
            self.load_addr.eq(address),
            self.load.fetch.eq(fetch),
            self.load.bank.eq(address[0]),
            self.load.group.eq(group),
            self.load.select.eq(register),
            self.load.format.eq(format),
            self._load_last.eq(self.load_valid & (group == final)),
            self._load_started.eq(self.load_valid | (group != 0)),
        ]
        with m.If(self.load_valid):
            m.d.sync += [
                group.eq(group + 1),
                address.eq(address + (wide | group[0])),
            ]
        with m.If(self._load_last):
            m.d.sync += self._load_active.eq(0)
            with m.If(self._load_signals):
                m.d.sync += [self.signal.valid.eq(1), self.signal.payload.eq(pending)]
        with m.If(self.start_load):
            m.d.sync += [
                self._load_active.eq(1),
                self._load_signals.eq(self._head_signals),
                self._newest.eq(~self._newest),
                register.eq(~self._newest),
                format.eq(self.i.payload.format),
                wide.eq(self.i.payload.wide),
                address.eq(head.address[3:]),
                group.eq(0),
                final.eq((head.m - 1) >> exact_log2(GROUP)),
            ]
            self._put_signal(m, pending, head)

    def _multiply_unit(self, m):
        """Issue the columns of a multiply."""
        head, size = self._head, self.config.size
        address = Signal(self.addr_width)
        lane = Signal(3)
        self._remaining = remaining = Signal(exact_log2(4 * size) + 1)
        self._multiply_index = Signal(24)
        current = Signal(ColumnIssueLayout(self.config))
        macs, wide = Signal(9), Signal()
        self._hazard = Signal()
        self._multiply_conflict = Signal()
        # The load that this multiply depends on is still at work: it must not fall behind.
        urgent = self._load_active & (current.select == self._newest)
        fetch = lane == 0
        m.d.comb += [
            self._multiply_conflict.eq(fetch & urgent & self._load_wants
                                       & (self._load_address[0] == address[0])),
            self.column_valid.eq(self._multiply_active & ~self._hazard
                                 & ~self._multiply_conflict),
            self.moving_en.eq(self.column_valid & fetch),
            self.moving_addr.eq(address),
            self._multiply_last.eq(self.column_valid & (remaining == 1)),
            self.column.eq(current),
            self.column.fetch.eq(fetch),
            self.column.bank.eq(address[0]),
            self.column.lane.eq(lane),
            self.macs.eq(Mux(self.column_valid, macs, 0)),
        ]
        last_lane = Mux(wide, lane[:2] == 3, lane == 7)
        with m.If(self.column_valid):
            m.d.sync += [
                lane.eq(Mux(last_lane, 0, lane + 1)),
                address.eq(address + last_lane),
                remaining.eq(remaining - 1),
                current.result.address.eq(current.result.address + 1),
            ]
        with m.If(self._multiply_last):
            m.d.sync += self._multiply_active.eq(0)
        with m.If(self.start_multiply):
            ones = Const((1 << size) - 1, size)
            m.d.sync += [
                self._multiply_active.eq(1),
                address.eq(head.address[3:]),
                lane.eq(0),
                remaining.eq(head.n),
                self._multiply_index.eq(self.error_index),
                macs.eq(self.i.payload.macs),
                current.active.eq(~(ones << head.k[:5])[:size]),
                current.select.eq(self._newest),
                current.format.eq(self.i.payload.format),
                wide.eq(self.i.payload.wide),
                current.result.address.eq(Cat(head.offset[:exact_log2(4 * size)], head.bank)),
                current.result.accumulate.eq(head.accumulate),
                current.result.mask.eq(~(ones << head.m[:5])[:size]),
                current.signals.eq(self._head_signals),
            ]
            self._put_signal(m, current.signal, head)
        self._follow_up(m, current)
        self._check(m, current)

    def _check(self, m, current):
        """Poison a column that adds to words that nobody has written, and stop."""
        m.submodules.written = written = PsumWritten(self.config)
        rows = Signal(range(self.config.size + 1))
        with m.If(self.start_multiply):
            m.d.sync += rows.eq(self._head.m)
        poison = Signal()
        m.d.comb += [
            written.address.eq(current.result.address),
            written.count.eq(rows),
            written.write.eq(self.column_valid),
            written.release.eq(self.release),
            written.release_bank.eq(self.release_bank),
            poison.eq(current.result.accumulate & written.missing),
            self.column.result.poison.eq(poison),
            self.column.signals.eq(current.signals & (self._remaining == 1) & ~poison),
        ]
        integers = select(self.mode, [Const(kind == "int8", 1) for kind in self.datapaths.classes])
        bank = current.result.address[exact_log2(4 * self.config.size):]
        for index in range(self.config.psum_banks):
            with m.If(self.release & (self.release_bank == index)):
                m.d.sync += self.poisoned[index].eq(0)
            with m.If(self.column_valid & poison & integers & (bank == index)):
                m.d.sync += self.poisoned[index].eq(1)
        with m.If(self.column_valid & poison):
            m.d.sync += [self._multiply_active.eq(0),
                         self.error_cause.eq(ERROR_CAUSES["unwritten"][0]),
                         self.error_address.eq(current.result.address),
                         self.error_index.eq(self._multiply_index)]

    def _follow_up(self, m, current):
        """Remember recent columns, for PSUM words in flight and weight registers in use."""
        ages = [self.datapaths.psum_cycles(kind) - 1 for kind in self.datapaths.classes]
        depth = max(ages)
        width = len(current.result.address)
        recent = Signal(depth * (width + 1))
        m.d.sync += recent.eq(Cat(self.column_valid, current.result.address, recent))
        hits = []
        for age in range(depth):
            entry = recent.word_select(age, width + 1)
            hit = entry[0] & (entry[1:] == current.result.address)
            hits.append(hit & select(self.mode, [Const(age < count, 1) for count in ages]))
        m.d.comb += self._hazard.eq(current.result.accumulate & Cat(hits).any())

        used_prev, used_select = Signal(), Signal()
        m.d.sync += [used_prev.eq(self.column_valid), used_select.eq(current.select)]
        target = ~self._newest
        m.d.comb += self._in_use.eq(self._multiply_active & (current.select == target)
                                    | used_prev & (used_select == target))
