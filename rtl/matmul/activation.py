"""Activation engine: results out of PSUM, or values out of SBUF, into SBUF."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

from .activation_lane import ActivationLane, FunctionLayout, ResultSize
from .encoding import ELEMENT_BYTES, ERROR_CAUSES, OPCODES, OUTPUTS, TYPES
from .instruction import CheckedLayout
from .sbuf import BANKS, WORD_BYTES
from .semaphores import SignalLayout, WaitLayout
from .vector import VECTOR_OPCODES

__all__ = ["ActivationEngine"]


class ActivationEngine(wiring.Component):
    """One instruction at a time; of ``activate`` one column of values a cycle.

    All partitions work in step. A column is issued (its source is read), passes the lanes, and is
    packed into a word of 64 bits; a word that waits for its SBUF bank stops the lanes, an SBUF
    source that waits for its bank leaves a bubble. Writes come before reads, so both go on.
    Vector instructions are executed by a :class:`~rtl.matmul.vector.VectorUnit` beside the engine.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.

    Members
    -------
    i : :py:`In(stream.Signature(CheckedLayout("activation", config)))`
        Instructions.
    enable : :py:`In(1)`
        Start instructions.
    wait : :py:`Out(stream.Signature(WaitLayout()))`
        Semaphore to wait for.
    signal : :py:`Out(stream.Signature(SignalLayout()))`
        Signals of finished instructions.
    psum_en, psum_addr : :py:`Out`
        PSUM read in all partitions.
    psum_data : :py:`In(32).array(size)`
        Its data, from the next cycle on and until the next read.
    read_en, read_addr, read_grant : SBUF read, as in :class:`Sbuf`
    sbuf_data : :py:`In(64).array(size, BANKS)`
        Its data, in the cycle behind the grant.
    write_en, write_addr, write_strobe, write_rows, write_data, write_grant : SBUF write
    working : :py:`Out(1)`
        An ``activate`` is at work; the bus must keep off PSUM.
    error_cause, error_index, error_address : :py:`Out(4)`, :py:`Out(24)`, :py:`Out(24)`
        First error, as in :class:`TensorEngine`; the engine has stopped while the cause is not 0.
    expired : :py:`In(1)`
        The wait at ``wait`` has lasted too long.
    release, release_bank : :py:`Out(1)`, :py:`Out`
        The PSUM bank that has been read is free, and its contents are forgotten.
    seed_write, seed : :py:`In(1)`, :py:`In(32)`
        Start the generators of stochastic rounding.
    start_any : :py:`Out(1)`
        An instruction starts.
    start_vector : :py:`Out(1)`
        It is one for the vector unit.
    vector_done, vector_fault, vector_fault_address : :py:`In(1)`, :py:`In(1)`, :py:`In(24)`
        The vector unit has finished, or met an address outside of the SBUF.
    """

    i: stream.Interface
    enable: Signal
    wait: stream.Interface
    signal: stream.Interface
    psum_en: Signal
    psum_addr: Signal
    read_en: Signal
    read_addr: Signal
    read_grant: Signal
    write_en: Signal
    write_addr: Signal
    write_strobe: Signal
    write_rows: Signal
    write_grant: Signal
    working: Signal
    error_cause: Signal
    error_index: Signal
    error_address: Signal
    expired: Signal
    release: Signal
    release_bank: Signal
    seed_write: Signal
    seed: Signal
    start_any: Signal
    start_vector: Signal
    vector_done: Signal
    vector_fault: Signal
    vector_fault_address: Signal

    def __init__(self, config: TileConfig):
        self.config = config
        self.addr_width = exact_log2(config.sbuf_bytes // WORD_BYTES)
        self.psum_width = exact_log2(config.psum_banks * 4 * config.size)
        size = config.size
        super().__init__({
            "i":            In(stream.Signature(CheckedLayout("activation", config))),
            "enable":       In(1),
            "wait":         Out(stream.Signature(WaitLayout())),
            "signal":       Out(stream.Signature(SignalLayout())),
            "psum_en":      Out(1),
            "psum_addr":    Out(self.psum_width),
            "psum_data":    In(32).array(size),
            "read_en":      Out(1),
            "read_addr":    Out(self.addr_width),
            "read_grant":   In(1),
            "sbuf_data":    In(64).array(size, BANKS),
            "write_en":     Out(1),
            "write_addr":   Out(self.addr_width),
            "write_strobe": Out(WORD_BYTES),
            "write_rows":   Out(size),
            "write_data":   Out(64).array(size),
            "write_grant":  In(1),
            "working":      Out(1),
            "error_cause":  Out(4),
            "error_index":  Out(24),
            "error_address": Out(24),
            "expired":      In(1),
            "release":      Out(1),
            "release_bank": Out(exact_log2(config.psum_banks)),
            "seed_write":   In(1),
            "seed":         In(32),
            "start_any":    Out(1),
            "start_vector": Out(1),
            "vector_done":  In(1),
            "vector_fault": In(1),
            "vector_fault_address": In(24),
        })

    def elaborate(self, platform):
        m = Module()

        self._function = Signal(FunctionLayout())
        self._step = Signal()
        self._issue = Signal()
        self._running = Signal()
        self._finished = Signal()
        self._bias_fresh = Signal()
        self._from_sbuf = Signal()
        self._bank = Signal()
        self._results_left = Signal(17)
        self._lane = Signal(3)
        self._taken = Signal()

        self._control(m)
        valid = self._source(m)
        self._sink(m, valid)
        return m

    def _control(self, m):
        """Start instructions, read the bias, wait for the end."""
        head = self.i.payload.fields
        is_activate = head.opcode == OPCODES["activate"].value
        is_vector = Const(0, 1)
        if self.config.vector:
            for name in VECTOR_OPCODES:
                is_vector |= head.opcode == OPCODES[name].value
        waited = Signal()
        bias_address = Signal(self.addr_width)
        pending = Signal(SignalLayout())
        signals, releases = Signal(), Signal()
        start = Signal()
        m.d.comb += [
            self.wait.payload.index.eq(head.wait_index),
            self.wait.payload.value.eq(head.wait_value),
            self.wait.payload.consume.eq(head.consume),
            self.start_any.eq(start),
            self.i.ready.eq(start),
            self.signal.payload.eq(pending),
        ]
        self._read_bias = Signal()
        self._bias_address = bias_address
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.i.valid & self.enable & (self.error_cause == 0)):
                    with m.If(self.i.payload.cause != 0):
                        m.d.sync += [self.error_cause.eq(self.i.payload.cause),
                                     self.error_address.eq(self.i.payload.where)]
                    with m.Elif(head.wait & ~waited):
                        m.d.comb += self.wait.valid.eq(1)
                        with m.If(self.wait.ready):
                            m.d.sync += waited.eq(1)
                        with m.Elif(self.expired):
                            m.d.sync += [self.error_cause.eq(ERROR_CAUSES["deadlock"][0]),
                                         self.error_address.eq(head.wait_index)]
                    with m.Else():
                        m.d.comb += start.eq(1)
                        m.d.sync += [
                            waited.eq(0),
                            self.error_index.eq(self.error_index + 1),
                            signals.eq((head.add_value != 0) | head.interrupt),
                            pending.index.eq(head.add_index),
                            pending.amount.eq(head.add_value),
                            pending.interrupt.eq(head.interrupt),
                            bias_address.eq(head.bias_address[3:]),
                            releases.eq(is_activate & head.release & ~head.from_sbuf),
                            self.release_bank.eq(head.bank),
                        ]
                        with m.If(is_activate & head.bias):
                            m.next = "BIAS"
                        with m.Elif(is_activate):
                            m.next = "RUN"
                        with m.Elif(is_vector):
                            m.d.comb += self.start_vector.eq(1)
                            m.next = "VECTOR"
                        with m.Else():
                            m.next = "SIGNAL"
            with m.State("BIAS"):
                m.d.comb += [self.working.eq(1), self._read_bias.eq(1)]
                with m.If(self.read_grant):
                    m.d.sync += self._bank.eq(bias_address[0])
                    m.next = "BIAS-DATA"
            with m.State("BIAS-DATA"):
                m.d.comb += [self.working.eq(1), self._bias_fresh.eq(1)]
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [self.working.eq(1), self._running.eq(1)]
                with m.If(self._finished):
                    m.d.comb += self.release.eq(releases)
                    m.next = "SIGNAL"
            with m.State("VECTOR"):
                self._await_vector(m)
            with m.State("SIGNAL"):
                m.d.comb += self.signal.valid.eq(signals)
                with m.If(self.signal.ready | ~signals):
                    m.next = "IDLE"
        self._start = start

    def _await_vector(self, m):
        """Wait for the vector unit."""
        m.d.comb += self.working.eq(1)
        with m.If(self.vector_fault):
            m.d.sync += [self.error_cause.eq(ERROR_CAUSES["address"][0]),
                         self.error_address.eq(self.vector_fault_address),
                         self.error_index.eq(self.error_index - 1)]
            m.next = "IDLE"
        with m.Elif(self.vector_done):
            m.next = "SIGNAL"

    def _source(self, m):
        """Issue columns; returns the valid bits of the lanes."""
        head = self.i.payload.fields
        left = Signal(16)
        half = Signal()
        address = Signal(self.addr_width)
        psum_address = Signal(self.psum_width)
        wants_word = Signal()
        wanted = Signal()
        m.d.comb += [
            wanted.eq(self._running & (left != 0)),
            wants_word.eq(wanted & self._from_sbuf & ~half),
            self.read_en.eq(self._read_bias | wants_word & self._step),
            self.read_addr.eq(Mux(self._read_bias, self._bias_address, address)),
            self._issue.eq(wanted & self._step & (~wants_word | self.read_grant)),
            self.psum_en.eq(self._issue & ~self._from_sbuf),
            self.psum_addr.eq(psum_address),
        ]
        with m.If(self._issue):
            m.d.sync += [left.eq(left - 1), half.eq(~half), address.eq(address + half),
                         psum_address.eq(psum_address + 1)]
        with m.If(self._start):
            m.d.sync += [
                left.eq(head.n),
                self._results_left.eq(head.n),
                half.eq(0),
                self._from_sbuf.eq(head.from_sbuf),
                address.eq(head.address[3:]),
                psum_address.eq(Cat(head.offset[:exact_log2(4 * self.config.size)], head.bank)),
                self._function.floating.eq(head.type != TYPES["int8"]),
                self._function.bias.eq(head.bias),
                self._function.relu.eq(head.relu),
                self._function.stochastic.eq(head.stochastic),
                self._function.output.eq(head.output),
                self._function.size.eq(ResultSize.BYTE),
                self._function.multiplier.eq(head.multiplier),
                self._function.shift.eq(head.shift),
            ]
            with m.Switch(head.output):
                with m.Case(OUTPUTS["word"]):
                    m.d.sync += self._function.size.eq(ResultSize.WORD)
                with m.Case(*(OUTPUTS[name] for name, size in ELEMENT_BYTES.items() if size == 2)):
                    m.d.sync += self._function.size.eq(ResultSize.HALF)

        # An SBUF word is there for one cycle, but serves two columns, and the lanes may stand.
        word_fresh, word_half, bank = Signal(), Signal(), Signal()
        lanes = [ActivationLane(self.config, row) for row in range(self.config.size)]
        valid = Signal(lanes[0].latency + 1)
        m.d.sync += word_fresh.eq(wants_word & self._issue)
        with m.If(self._issue):
            m.d.sync += [word_half.eq(half), bank.eq(address[0])]
        with m.If(self._step):
            m.d.sync += valid.eq(Cat(self._issue, valid))
        for row in range(self.config.size):
            fetched, held, word = (Signal(64, name=f"{name}_{row}")
                                   for name in ("fetched", "held", "word"))
            m.d.comb += [
                fetched.eq(Mux(bank, self.sbuf_data[row][1], self.sbuf_data[row][0])),
                word.eq(Mux(word_fresh, fetched, held)),
            ]
            with m.If(word_fresh):
                m.d.sync += held.eq(fetched)
            bias = Signal(32, name=f"bias_{row}")
            with m.If(self._bias_fresh):
                m.d.sync += bias.eq(Mux(self._bank, self.sbuf_data[row][1],
                                        self.sbuf_data[row][0]))
            m.submodules[f"lane_{row}"] = lane = lanes[row]
            m.d.comb += [
                lane.seed_write.eq(self.seed_write),
                lane.seed.eq(self.seed),
                lane.step.eq(self._step),
                lane.valid.eq(valid[:-1]),
                lane.function.eq(self._function),
                lane.bias.eq(bias),
                lane.value.eq(Mux(self._from_sbuf, word.word_select(word_half, 32),
                                  self.psum_data[row])),
            ]
            self._pack(m, row, lane.result)
        return valid

    def _pack(self, m, row, result):
        """Put results side by side; the write data is the word under construction."""
        function, lane = self._function, self._lane
        packed = self.write_data[row]
        with m.If(self._taken):
            with m.If(function.size == ResultSize.BYTE):
                m.d.sync += packed.word_select(lane, 8).eq(result)
            with m.Elif(function.size == ResultSize.HALF):
                m.d.sync += packed.word_select(lane[:2], 16).eq(result)
            with m.Else():
                m.d.sync += packed.word_select(lane[0], 32).eq(result)

    def _sink(self, m, valid):
        """Count results into words and write the words."""
        head, function = self.i.payload.fields, self._function
        lane, taken = self._lane, self._taken
        last_lane = Signal(3)
        with m.If(function.size == ResultSize.BYTE):
            m.d.comb += last_lane.eq(7)
        with m.Elif(function.size == ResultSize.HALF):
            m.d.comb += last_lane.eq(3)
        with m.Else():
            m.d.comb += last_lane.eq(1)
        full = (lane == last_lane) | (self._results_left == 1)
        strobe = Signal(WORD_BYTES)
        ones = Const((1 << WORD_BYTES) - 1, WORD_BYTES)
        # Bytes of the lanes filled so far, this one included.
        filled = Mux(function.size == ResultSize.BYTE, lane + 1,
                     Mux(function.size == ResultSize.HALF, (lane + 1) << 1, (lane + 1) << 2))
        m.d.comb += [
            self._step.eq(~self.write_en | self.write_grant),
            taken.eq(self._step & valid[-1]),
            strobe.eq(~(ones << filled[:4])[:WORD_BYTES]),
            self._finished.eq((self._results_left == 0) & ~self.write_en),
        ]
        next_address = Signal(self.addr_width)
        with m.If(self.write_grant):
            m.d.sync += self.write_en.eq(0)
        with m.If(taken):
            m.d.sync += [
                lane.eq(Mux(full, 0, lane + 1)),
                self._results_left.eq(self._results_left - 1),
            ]
            with m.If(full):
                m.d.sync += [
                    self.write_en.eq(1),
                    self.write_strobe.eq(strobe),
                    self.write_addr.eq(next_address),
                    next_address.eq(next_address + 1),
                ]
        with m.If(self._start):
            size_ones = Const((1 << self.config.size) - 1, self.config.size)
            m.d.sync += [
                lane.eq(0),
                next_address.eq(head.destination[3:]),
                self.write_rows.eq(~(size_ones << head.m[:5])[:self.config.size]),
            ]
