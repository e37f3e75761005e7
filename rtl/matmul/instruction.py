"""Instructions as gateware sees them: the fields an engine uses, and whether they are right."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

from .datapath import Datapaths
from .encoding import (
    ELEMENT_BYTES,
    ERROR_CAUSES,
    FIELDS,
    HEADER,
    INSTRUCTION_BYTES,
    OPCODES,
    OPERATIONS,
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


class InstructionLayout(data.FlexibleLayout):
    """The bits of an instruction that one engine uses, and the fields in them.

    Parameters
    ----------
    engine : :class:`str`
        ``tensor`` or ``activation``.
    """

    def __init__(self, engine: str):
        self.engine = engine
        fields = [field for field in FIELDS if field.name in ENGINE_FIELDS[engine]]
        self.bits = sorted({field.lsb + i for field in fields for i in range(field.width)})
        super().__init__(len(self.bits), {
            field.name: data.Field(field.width, self.bits.index(field.lsb)) for field in fields})

    def extract(self, code):
        """Return what this layout keeps of a 256-bit instruction."""
        assert len(code) == 8 * INSTRUCTION_BYTES
        return Cat(code[bit] for bit in self.bits)


class CheckedLayout(data.StructLayout):
    """An instruction behind :class:`Decoder`.

    Members
    -------
    fields : :class:`InstructionLayout`
        The instruction.
    cause : :py:`4`
        Value of :data:`rtl.matmul.encoding.ERROR_CAUSES`; 0 if nothing is wrong.
    where : :py:`24`
        What is wrong, if anything: the SBUF address of an operand, the PSUM column, the semaphore.
    macs : :py:`9`
        K * M of a multiply, for the counter.
    format, mode : :attr:`Datapaths.formats`, :attr:`Datapaths.modes`
        Type of the instruction as gateware names it.
    wide : :py:`1`
        Elements take two bytes.
    """

    def __init__(self, engine: str, config: TileConfig):
        datapaths = Datapaths(config)
        super().__init__({"fields": InstructionLayout(engine), "cause": 4, "where": 24,
                          "macs": 9,
                          "format": datapaths.formats, "mode": datapaths.modes, "wide": 1})


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
    o : :py:`Out(stream.Signature(CheckedLayout(engine, config)))`
        To the engine.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, config: TileConfig, engine: str):
        self.config = config
        self.engine = engine
        self.datapaths = Datapaths(config)
        super().__init__({
            "i": In(stream.Signature(InstructionLayout(engine))),
            "o": Out(stream.Signature(CheckedLayout(engine, config))),
        })

    def elaborate(self, platform):
        m = Module()
        fields = self.i.payload

        held = Signal(CheckedLayout(self.engine, self.config), reset_less=True)
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), self.o.payload.eq(held)]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)

        format, mode, wide = self._type(m)
        wrong, address = (self._tensor(m, mode, wide) if self.engine == "tensor"
                          else self._activation())
        no_semaphore = fields.wait & (fields.wait_index >= self.config.semaphores)
        wrong["semaphore"] = no_semaphore | ((fields.add_value != 0)
                                             & (fields.add_index >= self.config.semaphores))
        places = {
            "address":   address,
            "psum":      (fields.bank << exact_log2(4 * self.config.size)) + fields.offset,
            "semaphore": Mux(no_semaphore, fields.wait_index, fields.add_index),
        }
        cause, where = 0, 0
        for name in reversed(wrong):
            cause = Mux(wrong[name], ERROR_CAUSES[name][0], cause)
            where = Mux(wrong[name], places.get(name, 0), where)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [held.fields.eq(fields), held.cause.eq(cause), held.where.eq(where),
                         held.format.eq(format),
                         held.mode.eq(mode), held.wide.eq(wide)]
            if self.engine == "tensor":
                m.d.sync += held.macs.eq(fields.k[:5] * fields.m[:5])
        return m

    def _is(self, *mnemonics: str):
        opcode, found = self.i.payload.opcode, 0
        for mnemonic in mnemonics:
            found |= opcode == OPCODES[mnemonic].value
        return found

    def _type(self, m):
        """Return format, mode and width of the instruction's type."""
        format, mode, wide = (Signal(self.datapaths.formats), Signal(self.datapaths.modes),
                              Signal())
        with m.Switch(self.i.payload.type):
            for index, name in enumerate(self.config.types):
                with m.Case(TYPES[name]):
                    m.d.comb += [format.eq(index), mode.eq(self.datapaths.mode(name)),
                                 wide.eq(ELEMENT_BYTES[name] == 2)]
        return format, mode, wide

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

    def _unfounded(self, m, mode):
        """Whether a multiply does not go with the load before it."""
        fields = self.i.payload
        loaded, loaded_mode = Signal(), Signal.like(mode)
        k, columns = Signal(8), Signal(8)
        with m.If(self.i.valid & self.i.ready & self._is("load_stationary")):
            m.d.sync += [loaded.eq(1), loaded_mode.eq(mode), k.eq(fields.k), columns.eq(fields.m)]
        return ~loaded | (mode != loaded_mode) | (fields.k > k) | (fields.m > columns)

    def _tensor(self, m, mode, wide):
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
                fields.address, count, wide),
            "psum": multiply & self._psum_outside(),
            "weights": multiply & self._unfounded(m, mode),
        }, fields.address

    def _activation(self):
        fields, size = self.i.payload, self.config.size
        activate = self._is("activate")
        integers = fields.type == TYPES["int8"]
        as_word = fields.output == OUTPUTS["word"]
        as_int8 = fields.output == OUTPUTS["int8"]
        as_float, as_wide = Const(0, 1), Const(0, 1)
        for name in self.config.types:
            if name != "int8":
                as_float |= fields.output == OUTPUTS[name]
                as_wide |= (fields.output == OUTPUTS[name]) & (ELEMENT_BYTES[name] == 2)
        bad_source = fields.from_sbuf & self._outside(fields.address, fields.n, 2)
        bad_result = self._outside(fields.destination, fields.n, Mux(as_word, 2, as_wide))
        bad_bias = fields.bias & self._outside(fields.bias_address, 1, 2)
        wrong = {
            "opcode": ~self._is("nop", "fence", "loop", "activate"),
            "loop": self._is("loop"),
            "type": activate & (self._unknown_type()
                                | ~(as_word | as_int8 & integers | as_float & ~integers)
                                | fields.stochastic & ~self._rounds_at_random()),
            "size": activate & (self._beyond(fields.m, size) | (fields.n == 0)
                                | (~fields.from_sbuf & (fields.n > 4 * size))),
            "address": activate & (bad_result | bad_source | bad_bias),
            "psum": activate & ~fields.from_sbuf & self._psum_outside(),
        }
        address = Mux(bad_result, fields.destination, Mux(bad_source, fields.address,
                                                          fields.bias_address))
        return self._vector(wrong, address) if self.config.vector else (wrong, address)

    def _rounds_at_random(self):
        """Whether the result has a format that can be rounded stochastically."""
        if not self.config.stochastic:
            return Const(0, 1)
        output = self.i.payload.output
        return (output == OUTPUTS["int8"]) | (output == OUTPUTS["bf16"])

    def _vector(self, wrong, address):
        """Add what can be wrong about vector instructions."""
        fields, size = self.i.payload, self.config.size
        tensor, transpose = self._is("tensor_tensor"), self._is("transpose")
        vector = tensor | transpose | self._is("memset")
        as_word, as_byte = (fields.output == OUTPUTS[name] for name in ("word", "int8"))
        integers = fields.type == TYPES["int8"]
        as_half = (fields.output == OUTPUTS["bf16"]) & int("bf16" in self.config.types)
        log2_bytes = Mux(tensor, Mux(as_word, 2, ~as_byte), fields.element)

        def outside(index, place, count):
            end = place + (Mux(fields.patterns[index], 1, count) << log2_bytes)
            misaligned = (log2_bytes != 0) & place[0] | log2_bytes[1] & place[1]
            return misaligned | (end > self.config.sbuf_bytes)

        bad_result = outside(2, fields.destination, Mux(transpose, fields.k, fields.n))
        bad_source = (tensor | transpose) & outside(0, fields.address,
                                                    Mux(transpose, fields.m, fields.n))
        bad_other = (tensor & (fields.operation != OPERATIONS["copy"])
                     & outside(1, fields.bias_address, fields.n))
        wrong["opcode"] = (wrong["opcode"] & ~vector & ~self._is("pattern")
                           | tensor & (fields.operation >= len(OPERATIONS)))
        wrong["type"] |= (tensor & (self._unknown_type()
                                    | ~(as_word | as_byte & integers | as_half & ~integers))
                          | vector & ~tensor & (fields.element == 3))
        wrong["size"] |= (vector & (self._beyond(fields.m, size)
                                    | ~transpose & (fields.n == 0)
                                    | transpose & self._beyond(fields.k, size))
                          | self._is("pattern") & (fields.slot == 3))
        wrong["address"] |= vector & (bad_result | bad_source | bad_other)
        return wrong, Mux(vector, Mux(bad_result, fields.destination, Mux(
            bad_source, fields.address, fields.bias_address)), address)
