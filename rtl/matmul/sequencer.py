"""Hardware loops: a stream of instructions with its loops unrolled."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

from .encoding import OPCODES
from .instruction import InstructionLayout

__all__ = ["Sequencer"]

STEP_BYTES_LOG2 = 3


class Sequencer(wiring.Component):
    """Executes the ``loop`` instructions of an engine's queue.

    The body of a loop is kept in a small memory while its first iteration passes; the others come
    from there, one instruction a cycle, each stored back with its step fields added. What
    ``once`` and ``fresh`` mean is done here, so that nobody behind knows of loops. A loop that is
    wrong passes as it is, and the decoder refuses it. :func:`sim.models.matmul_program.unroll` is
    this component.

    Timing
    ------
    ``i`` to ``o`` takes 1 cycle. A ``loop`` takes a cycle of its own. One instruction a cycle.

    Parameters
    ----------
    config : :class:`TileConfig`
        Longest body; size of PSUM.
    engine : :class:`str`
        ``tensor`` or ``activation``.

    Members
    -------
    i : :py:`In(stream.Signature(InstructionLayout(engine)))`
        From the queue.
    o : :py:`Out(stream.Signature(InstructionLayout(engine)))`
        To the decoder.
    busy : :py:`Out(1)`
        An instruction is at ``o``, or iterations are still to come.
    """

    i: stream.Interface
    o: stream.Interface
    busy: Signal

    def __init__(self, config: TileConfig, engine: str):
        self.config = config
        self.engine = engine
        super().__init__({
            "i":    In(stream.Signature(InstructionLayout(engine))),
            "o":    Out(stream.Signature(InstructionLayout(engine))),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        layout = self.o.payload.shape()
        room, take = Signal(), Signal()
        held = Signal(layout, reset_less=True)
        m.d.comb += [room.eq(~self.o.valid | self.o.ready), self.o.payload.eq(held)]
        with m.If(room):
            m.d.sync += self.o.valid.eq(take)
        if not self.config.loop_body:
            m.d.comb += [take.eq(self.i.valid & room), self.i.ready.eq(room),
                         self.busy.eq(self.o.valid)]
            with m.If(take):
                m.d.sync += held.eq(self.i.payload)
            return m

        source = Signal(layout)
        capturing, replaying = Signal(), Signal()
        index, final = (Signal(exact_log2(self.config.loop_body), name=name)
                        for name in ("index", "final"))
        left = Signal(16)
        begins = Signal()
        m.d.comb += [
            begins.eq(self.i.valid & ~capturing & ~replaying & self._sound_loop()),
            take.eq(room & (replaying | self.i.valid & ~begins)),
            self.i.ready.eq(begins | room & ~replaying),
            self.busy.eq(self.o.valid | capturing | replaying),
        ]
        self._body(m, index, take & (capturing | replaying), replaying, source)

        with m.If(begins):
            m.d.sync += [capturing.eq(1), index.eq(0), left.eq(self.i.payload.n - 1),
                         final.eq(self.i.payload.k - 1)]
        with m.Elif(take & (capturing | replaying)):
            m.d.sync += index.eq(index + 1)
            with m.If(index == final):
                m.d.sync += [index.eq(0), capturing.eq(0), replaying.eq(left != 0),
                             left.eq(left - 1)]
        with m.If(take):
            m.d.sync += held.eq(source)
            with m.If(source.once & replaying):
                m.d.sync += [held.wait.eq(0), held.consume.eq(0)]
            with m.If(source.once & (capturing | replaying) & (left != 0)):
                m.d.sync += [held.add_value.eq(0), held.interrupt.eq(0)]
            if self.engine == "tensor":
                m.d.sync += held.accumulate.eq(source.accumulate & (replaying | ~source.fresh))
        return m

    def _sound_loop(self):
        """Whether the instruction at ``i`` is a loop with which nothing is wrong."""
        fields = self.i.payload
        return ((fields.opcode == OPCODES["loop"].value) & (fields.n != 0)
                & (fields.k != 0) & (fields.k <= self.config.loop_body)
                & ~fields.wait & ~fields.interrupt & (fields.add_value == 0))

    def _body(self, m, index, store, replaying, source):
        """Add the memory of the body; ``source`` is the instruction that goes on."""
        layout = source.shape()
        body = memory.Memory(shape=layout, depth=self.config.loop_body, init=[])
        m.submodules.body = body
        write, read = body.write_port(), body.read_port(domain="comb")
        stepped = Signal(layout)
        m.d.comb += [
            read.addr.eq(index),
            Value.cast(source).eq(Mux(replaying, Value.cast(read.data),
                                      Value.cast(self.i.payload))),
            write.addr.eq(index),
            write.en.eq(store),
            write.data.eq(stepped),
            stepped.eq(source),
            stepped.address.eq(source.address + (source.address_step.as_signed()
                                                 << STEP_BYTES_LOG2)),
        ]
        column_bits = exact_log2(4 * self.config.size)
        bank_bits = exact_log2(self.config.psum_banks)
        position = Signal(column_bits + bank_bits)
        m.d.comb += [
            position.eq(Cat(source.offset[:column_bits], source.bank[:bank_bits])
                        + source.column_step),
            stepped.offset.eq(position[:column_bits]),
            stepped.bank.eq(position[column_bits:]),
        ]
        if self.engine == "activation":
            m.d.comb += [
                stepped.destination.eq(source.destination + (source.destination_step.as_signed()
                                                             << STEP_BYTES_LOG2)),
                stepped.bias_address.eq(source.bias_address + (source.bias_step
                                                               << STEP_BYTES_LOG2)),
            ]
            # Its counts and strides stand where others have what steps.
            with m.If(source.opcode == OPCODES["pattern"].value):
                m.d.comb += stepped.eq(source)
