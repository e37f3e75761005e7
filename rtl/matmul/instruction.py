"""Instructions as gateware sees them: the fields an engine uses, and whether they are right."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig

from .encoding import (
    ERROR_CAUSES,
    FIELDS,
    HEADER,
    INSTRUCTION_BYTES,
    OPCODES,
    OUTPUTS,
    TYPES,
)

__all__ = ["CheckedLayout", "Decoder", "ENGINE_FIELDS", "InstructionLayout"]

ENGINE_FIELDS = {
    engine: tuple(field.name for field in FIELDS
                  if field.name in HEADER
                  or any(op.engine in (engine, "any") and field.name in op.fields
                         for op in OPCODES.values()))
    for engine in ("tensor", "activation")
}
"""Fields that an engine looks at; its queue stores no others."""


class InstructionLayout(data.StructLayout):
    """The fields of one engine's instructions, side by side.

    Parameters
    ----------
    engine : :class:`str`
        ``tensor`` or ``activation``.
    """

    def __init__(self, engine: str):
        self.engine = engine
        super().__init__({field.name: field.width for field in FIELDS
                          if field.name in ENGINE_FIELDS[engine]})

    def extract(self, code):
        """Return the fields out of a 256-bit instruction, in the order of this layout."""
        assert len(code) == 8 * INSTRUCTION_BYTES
        return Cat(code[field.lsb:field.lsb + field.width] for field in FIELDS
                   if field.name in ENGINE_FIELDS[self.engine])


class CheckedLayout(data.StructLayout):
    """An instruction behind :class:`Decoder`.

    Members
    -------
    fields : :class:`InstructionLayout`
        The instruction.
    cause : :py:`4`
        Value of :data:`rtl.matmul.encoding.ERROR_CAUSES`; 0 if nothing is wrong.
    macs : :py:`9`
        K * M of a multiply, for the counter.
    """

    def __init__(self, engine: str):
        super().__init__({"fields": InstructionLayout(engine), "cause": 4, "macs": 9})


class Decoder(wiring.Component):
    """Checks instructions, one a cycle, on their way from a queue to its engine.

    Timing
    ------
    ``i`` to ``o`` takes 1 cycle.

    Parameters
    ----------
    config : :class:`TileConfig`
        Limits.
    engine : :class:`str`
        ``tensor`` or ``activation``.

    Members
    -------
    i : :py:`In(stream.Signature(InstructionLayout(engine)))`
        From the queue.
    o : :py:`Out(stream.Signature(CheckedLayout(engine)))`
        To the engine.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: TileConfig, engine: str):
        self.config = config
        self.engine = engine
        super().__init__({
            "i": In(stream.Signature(InstructionLayout(engine))),
            "o": Out(stream.Signature(CheckedLayout(engine))),
        })

    def elaborate(self, platform):
        m = Module()
        fields = self.i.payload

        held = Signal(CheckedLayout(self.engine), reset_less=True)
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), self.o.payload.eq(held)]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)

        wrong = self._tensor() if self.engine == "tensor" else self._activation()
        wrong["semaphore"] = (
            (fields.wait & (fields.wait_index >= self.config.semaphores))
            | ((fields.add_value != 0) & (fields.add_index >= self.config.semaphores)))
        cause = 0
        for name, (value, _) in reversed(ERROR_CAUSES.items()):
            if name != "none":
                cause = Mux(wrong[name], value, cause)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [held.fields.eq(fields), held.cause.eq(cause)]
            if self.engine == "tensor":
                m.d.sync += held.macs.eq(fields.k[:5] * fields.m[:5])
        return m

    def _is(self, *mnemonics: str):
        opcode, found = self.i.payload.opcode, 0
        for mnemonic in mnemonics:
            found |= opcode == OPCODES[mnemonic].value
        return found

    def _unknown_type(self):
        type, known = self.i.payload.type, 0
        for name in self.config.types:
            known |= type == TYPES[name]
        return ~known

    def _outside(self, address, count, log2_bytes):
        """Whether ``count`` elements from ``address`` on are misaligned or leave the SBUF."""
        return (address[:3] != 0) | (address + (count << log2_bytes) > self.config.sbuf_bytes)

    def _psum_outside(self):
        fields = self.i.payload
        return ((fields.bank >= self.config.psum_banks)
                | (fields.offset + fields.n > 4 * self.config.size))

    def _beyond(self, value, limit):
        return (value == 0) | (value > limit)

    def _tensor(self):
        fields, size = self.i.payload, self.config.size
        load, multiply = self._is("load_stationary"), self._is("multiply_moving")
        count = Mux(multiply, fields.n, fields.m)
        return {
            "opcode": ~self._is("nop", "fence", "loop", "load_stationary", "multiply_moving"),
            # What is right about a loop has been done before it comes here.
            "loop": self._is("loop"),
            "type": (load | multiply) & self._unknown_type(),
            "size": ((load | multiply) & (self._beyond(fields.k, size)
                                          | self._beyond(fields.m, size))
                     | multiply & self._beyond(fields.n, 4 * size)),
            "address": (load | multiply) & self._outside(
                fields.address, count, fields.type == TYPES["bf16"]),
            "psum": multiply & self._psum_outside(),
        }

    def _activation(self):
        fields, size = self.i.payload, self.config.size
        activate = self._is("activate")
        floating = fields.type == TYPES["bf16"]
        as_word = fields.output == OUTPUTS["word"]
        as_int8 = fields.output == OUTPUTS["int8"]
        as_bf16 = fields.output == OUTPUTS["bf16"]
        result_log2 = Mux(as_word, 2, as_bf16)
        return {
            "opcode": ~self._is("nop", "fence", "loop", "activate"),
            "loop": self._is("loop"),
            "type": activate & (self._unknown_type()
                                | ~(as_word | as_int8 & ~floating | as_bf16 & floating)),
            "size": activate & (self._beyond(fields.m, size) | (fields.n == 0)
                                | (~fields.from_sbuf & (fields.n > 4 * size))),
            "address": activate & (
                self._outside(fields.destination, fields.n, result_log2)
                | fields.from_sbuf & self._outside(fields.address, fields.n, 2)
                | fields.bias & self._outside(fields.bias_address, 1, 2)),
            "psum": activate & ~fields.from_sbuf & self._psum_outside(),
        }
