"""The matmul tile: queues, engines, array and memories."""

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from rtl.bus import AXI4LiteSignature, AXI4Signature
from rtl.config import TileConfig
from rtl.csr import RegisterBank
from rtl.lib import StreamFifo

from .activation import ActivationEngine
from .array import Array
from .counters import Counters
from .datapath import Datapaths
from .delay import DelayLine
from .encoding import TYPES
from .instruction import Decoder, InstructionLayout
from .operands import Operands
from .psum import PsumPartition, ResultLayout
from .registers import COUNTERS, registers
from .sbuf import Sbuf
from .semaphores import Semaphores, SignalLayout
from .sequencer import Sequencer
from .tensor import TensorEngine
from .vector import VectorUnit
from .watchdog import Watchdog
from .windows import ADDR_WIDTH, Windows

__all__ = ["MatmulTile"]

REGISTER_ADDR_WIDTH = 16


class MatmulTile(wiring.Component):
    """Matmul tile: an S x S array with its operand and result memories and two engines.

    Instructions (``docs/tile-isa.md``) are pushed through windows of ``s_axi``; operands and
    results are read and written through other windows of it; registers are on ``s_axil``.

    Parameters
    ----------
    config : :class:`TileConfig`
        Size, types, memories, queues.
    id_width : :class:`int`
        Width of the IDs of ``s_axi``.

    Members
    -------
    s_axi : :py:`In(AXI4Signature(addr_width=24, data_width=128, id_width=id_width))`
        Windows, see :class:`Windows`. A full instruction queue holds W back.
    s_axil : :py:`In(AXI4LiteSignature(addr_width=16))`
        Registers, see :func:`rtl.matmul.registers.registers`.
    irq : :py:`Out(1)`
        Level: an enabled bit of IRQ_STATUS is set.
    """

    s_axi: wiring.PureInterface
    s_axil: wiring.PureInterface
    irq: Signal

    def __init__(self, config: TileConfig, *, id_width: int = 4):
        if not isinstance(config, TileConfig):
            raise TypeError(f"Tile configuration must be a TileConfig, not {config!r}")
        self.config = config
        self.id_width = id_width
        super().__init__({
            "s_axi":  In(AXI4Signature(addr_width=ADDR_WIDTH, data_width=128, id_width=id_width)),
            "s_axil": In(AXI4LiteSignature(addr_width=REGISTER_ADDR_WIDTH)),
            "irq":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config

        m.submodules.registers = bank = RegisterBank(registers(config),
                                                     addr_width=REGISTER_ADDR_WIDTH)
        connect(m, flipped(self.s_axil), bank.s_axil)
        m.submodules.windows = windows = Windows(config, id_width=self.id_width)
        connect(m, flipped(self.s_axi), windows.s_axi)
        m.submodules.sbuf = sbuf = Sbuf(config)

        # One registered reset for everything that holds work; memories keep their contents.
        reset = Signal()
        m.d.sync += reset.eq(bank.command_write & bank.command_reset)
        resettable = ResetInserter(reset)

        tensor, tensor_level, tensor_more = self._engine(m, resettable, "tensor", windows)
        activation, activation_level, activation_more = self._engine(m, resettable, "activation",
                                                                     windows)
        semaphores = Semaphores(config.semaphores)
        m.submodules.semaphores = resettable(semaphores)
        finish = self._datapath(m, resettable, tensor, activation, windows, sbuf)
        self._synchronise(m, bank, semaphores, tensor, activation, finish)
        self._report(m, bank, tensor, activation)

        m.submodules.counters = counters = Counters()
        m.d.comb += [
            windows.discard.eq(reset),
            tensor.enable.eq(bank.ctrl_enable),
            tensor.more.eq(tensor_more),
            activation.enable.eq(bank.ctrl_enable),
            activation.seed_write.eq(bank.seed_write),
            activation.seed.eq(bank.seed_value),
            counters.clear.eq(bank.command_write & bank.command_clear_counters),
            counters.enable.eq(bank.ctrl_enable),
            counters.column.eq(tensor.column_valid),
            counters.nonempty.eq(tensor.nonempty),
            counters.start_load.eq(tensor.start_load),
            counters.start_multiply.eq(tensor.start_multiply),
            counters.activation_working.eq(activation.working),
            counters.start_any.eq(tensor.start_any | activation.start_any),
            counters.result_word.eq(sbuf.write_grant),
            counters.column_macs.eq(tensor.macs),
            counters.stall.eq(tensor.stall),
        ]
        for name in COUNTERS:
            value = getattr(counters, name.lower())
            m.d.comb += Cat(getattr(bank, f"{name.lower()}_lo_value"),
                            getattr(bank, f"{name.lower()}_hi_value")).eq(value)
        m.d.comb += [
            bank.status_tensor_busy.eq(tensor.busy | finish.valid),
            bank.status_activation_busy.eq(
                activation.working | activation.i.valid | activation_more
                | activation.signal.valid),
            bank.status_tensor_error.eq(tensor.error_cause != 0),
            bank.status_activation_error.eq(activation.error_cause != 0),
            bank.tensor_free_slots.eq(config.queue_depth - tensor_level),
            bank.activation_free_slots.eq(config.queue_depth - activation_level),
            bank.config_size.eq(config.size),
            bank.config_types.eq(sum(1 << TYPES[name] for name in config.types)),
            bank.config_sbuf_log2.eq(exact_log2(config.sbuf_bytes)),
            bank.config_psum_banks.eq(config.psum_banks),
            bank.config_semaphores.eq(config.semaphores),
        ]
        return m

    def _report(self, m, bank, tensor, activation):
        """Connect errors, the watchdog and the release of PSUM banks."""
        m.submodules.watchdog = watchdog = Watchdog()
        m.d.comb += [
            watchdog.limit.eq(bank.watchdog_limit),
            watchdog.waiting.eq(Cat(engine.wait.valid & ~engine.wait.ready
                                    for engine in (tensor, activation))),
            Cat(tensor.expired, activation.expired).eq(watchdog.expired),
            tensor.release.eq(activation.release),
            tensor.release_bank.eq(activation.release_bank),
            bank.psum_poison_banks.eq(tensor.poisoned),
        ]
        for name, engine in (("tensor", tensor), ("activation", activation)):
            m.d.comb += [
                getattr(bank, f"{name}_error_cause").eq(engine.error_cause),
                getattr(bank, f"{name}_error_index").eq(engine.error_index),
                getattr(bank, f"{name}_error_address_address").eq(engine.error_address),
            ]

    def _engine(self, m, resettable, name, windows):
        """Add a queue, a sequencer, a decoder and an engine.

        Returns the engine, the level of the queue, and whether there are instructions on the way.
        """
        engine = {"tensor": TensorEngine, "activation": ActivationEngine}[name](self.config)
        queue = StreamFifo(InstructionLayout(name), depth=self.config.queue_depth)
        sequencer = Sequencer(self.config, name)
        decoder = Decoder(self.config, name)
        m.submodules[f"{name}_queue"] = resettable(queue)
        m.submodules[f"{name}_sequencer"] = resettable(sequencer)
        m.submodules[f"{name}_decoder"] = resettable(decoder)
        m.submodules[f"{name}_engine"] = resettable(engine)
        connect(m, getattr(windows, name), queue.i)
        connect(m, queue.o, sequencer.i)
        connect(m, sequencer.o, decoder.i)
        connect(m, decoder.o, engine.i)
        return engine, queue.level, (queue.level != 0) | sequencer.busy

    def _datapath(self, m, resettable, tensor, activation, windows, sbuf):
        """Connect engines, memories and array; returns the line of multiplies' signals."""
        config = self.config
        array, operands = Array(config), Operands(config)
        m.submodules.array = resettable(array)
        m.submodules.operands = resettable(operands)
        datapaths = Datapaths(config)
        results = DelayLine(ResultLayout(config), cycles=datapaths.address_cycles())
        m.submodules.results = resettable(results)
        signals = DelayLine(SignalLayout(), cycles=datapaths.result_cycles())
        m.submodules.signals = resettable(signals)

        for port in ("moving_en", "moving_addr", "load_en", "load_addr"):
            m.d.comb += getattr(sbuf, port).eq(getattr(tensor, port))
        self._vector(m, resettable, activation, sbuf)
        for port in ("bus_en", "bus_write", "bus_partition", "bus_addr", "bus_strobe", "bus_data"):
            m.d.comb += getattr(sbuf, port).eq(getattr(windows, port))
        m.d.comb += [
            windows.bus_grant.eq(sbuf.bus_grant),
            windows.psum_free.eq(~activation.working),
            operands.column_valid.eq(tensor.column_valid),
            operands.column.eq(tensor.column),
            operands.load_valid.eq(tensor.load_valid),
            operands.load.eq(tensor.load),
            array.mode.eq(tensor.mode),
            array.column_valid.eq(operands.out_column_valid),
            array.column.eq(operands.out_column),
            array.load_valid.eq(operands.out_load_valid),
            array.load.eq(operands.out_load),
            results.mode.eq(tensor.mode),
            results.i_valid.eq(operands.out_column_valid),
            results.i_payload.eq(operands.out_issue.result),
            signals.mode.eq(tensor.mode),
            signals.i_valid.eq(operands.out_column_valid & operands.out_issue.signals),
            signals.i_payload.eq(operands.out_issue.signal),
        ]
        valid, result = results.o_valid, results.o_payload
        for row in range(config.size):
            psum = PsumPartition(config, row)
            m.submodules[f"psum_{row}"] = resettable(psum)
            m.d.comb += [
                psum.mode.eq(tensor.mode),
                psum.west_valid.eq(valid),
                psum.west.eq(result),
                psum.read_en.eq(activation.psum_en | windows.psum_en),
                psum.read_addr.eq(Mux(windows.psum_en, windows.psum_addr,
                                       activation.psum_addr)),
                activation.psum_data[row].eq(psum.read_data),
                windows.psum_data[row].eq(psum.read_data),
            ]
            m.d.comb += [getattr(psum, f"sum_{name}").eq(getattr(array, f"sum_{name}")[row])
                         for name in psum.sums]
            valid, result = psum.east_valid, psum.east
            for bank, word in enumerate(sbuf.data[row]):
                m.d.comb += [
                    windows.sbuf_data[row][bank].eq(word),
                    operands.sbuf_data[row][bank].eq(word),
                ]
        return _Finish(signals.o_valid, signals.o_payload)

    def _vector(self, m, resettable, activation, sbuf):
        """Connect activation engine and vector unit, of which one is at work, to the SBUF."""
        units = [activation]
        if self.config.vector:
            vector = VectorUnit(self.config)
            m.submodules.vector = resettable(vector)
            units.append(vector)
            m.d.comb += [
                vector.start.eq(activation.start_vector),
                vector.fields.eq(activation.i.payload.fields),
                activation.vector_done.eq(vector.done),
                activation.vector_fault.eq(vector.fault),
                activation.vector_fault_address.eq(vector.fault_address),
            ]
        writes = ("write_en", "write_addr", "write_strobe", "write_rows", *range(self.config.size))
        for enable, ports in (("write_en", writes), ("read_en", ("read_en", "read_addr"))):
            for port in ports:
                targets = [unit.write_data[port] if isinstance(port, int) else getattr(unit, port)
                           for unit in (sbuf, *units)]
                m.d.comb += targets[0].eq(Mux(getattr(units[-1], enable), targets[-1], targets[1]))
        for unit in units:
            m.d.comb += [unit.write_grant.eq(sbuf.write_grant),
                         unit.read_grant.eq(sbuf.read_grant)]
            m.d.comb += [unit.sbuf_data[row][bank].eq(word)
                         for row in range(self.config.size)
                         for bank, word in enumerate(sbuf.data[row])]

    def _synchronise(self, m, bank, semaphores, tensor, activation, finish):
        """Connect semaphores and interrupts."""
        for index, engine in enumerate((tensor, activation)):
            connect(m, engine.wait, semaphores.wait[index])
            connect(m, engine.signal, semaphores.signal[index])
        m.d.comb += [
            semaphores.host_write.eq(bank.semaphore_add_write),
            semaphores.host_index.eq(bank.semaphore_add_index),
            semaphores.host_amount.eq(bank.semaphore_add_amount),
            semaphores.finish_valid.eq(finish.valid),
            semaphores.finish_index.eq(finish.payload.index),
            semaphores.finish_amount.eq(finish.payload.amount),
        ]
        for index, value in enumerate(semaphores.values):
            m.d.comb += getattr(bank, f"semaphore_{index}_value").eq(value)

        def done(stream):
            return stream.valid & stream.ready & stream.payload.interrupt

        error = (tensor.error_cause != 0) | (activation.error_cause != 0)
        error_prev = Signal()
        m.d.sync += error_prev.eq(error)
        m.d.comb += [
            bank.irq_status_tensor_done_set.eq(
                done(tensor.signal) | finish.valid & finish.payload.interrupt),
            bank.irq_status_activation_done_set.eq(done(activation.signal)),
            bank.irq_status_error_set.eq(error & ~error_prev),
            self.irq.eq((Cat(bank.irq_status_tensor_done, bank.irq_status_activation_done,
                             bank.irq_status_error) & bank.irq_enable_mask).any()),
        ]


class _Finish:
    """Wires of a multiply's signal as it leaves the delay line."""

    def __init__(self, valid, payload):
        self.valid = valid
        self.payload = payload
