"""Datapath of the vector unit for one partition."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig
from rtl.float.formats import FP32_NAN, classify_fp32
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import unpack_fp32
from rtl.float.multiply_fp32 import Fp32Multiply

from .encoding import OPERATIONS

__all__ = ["VectorLane"]

FP32_ONE = 0x3F80_0000


class VectorLane(wiring.Component):
    """One element of ``tensor_tensor`` a step, 32 bits wide.

    Timing
    ------
    ``result`` and ``keep`` follow ``a`` and ``b`` by :attr:`LATENCY` steps; a step is a cycle with
    ``step`` set.

    Parameters
    ----------
    config : :class:`TileConfig`
        Types: with ``int8`` there are integers, with any other floating-point numbers.

    Members
    -------
    step : :py:`In(1)`
        Move on; everything holds otherwise.
    valid : :py:`In(LATENCY)`
        Bit 0: ``a`` and ``b`` are operands; bit i: operands entered i steps ago.
    operation : :py:`In(4)`
        A value of :data:`rtl.matmul.encoding.OPERATIONS`; stable while operands are in the lane.
    floating : :py:`In(1)`
        They are FP32, otherwise INT32; stable too.
    a, b : :py:`In(32)`
        Operands.
    result : :py:`Out(32)`
        Result.
    keep : :py:`Out(1)`
        The result must not be written: ``select``, and ``a`` is zero.
    """

    step: Signal
    valid: Signal
    operation: Signal
    floating: Signal
    a: Signal
    b: Signal
    result: Signal
    keep: Signal

    LATENCY = FusedAdd.LATENCY

    def __init__(self, config: TileConfig):
        self.integers = "int8" in config.types
        self.floats = config.types != ("int8",)
        super().__init__({"step": In(1), "valid": In(self.LATENCY), "operation": In(4),
                          "floating": In(1), "a": In(32), "b": In(32), "result": Out(32),
                          "keep": Out(1)})

    def _is(self, *names: str):
        found = 0
        for name in names:
            found |= self.operation == OPERATIONS[name]
        return found

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        floating = self.floating if self.integers and self.floats else Const(self.floats, 1)
        moves = Signal(self.LATENCY)
        m.d.comb += moves.eq(Mux(self.step, self.valid, 0))

        numbers = [value[23:31] != 0 for value in (a, b)]
        nans = [classify_fp32(value)[0] & floating for value in (a, b)]
        flushed = [Signal(32, name=f"flushed_{name}") for name in "ab"]
        for value, number, source in zip(flushed, numbers, (a, b), strict=True):
            m.d.comb += value.eq(Mux(floating & ~number, source & 0x8000_0000, source))
        greater, equal = self._compare(m, flushed, floating)
        unordered = nans[0] | nans[1]
        zero = Mux(floating, ~numbers[0], a == 0)

        early = Signal(32)
        m.d.comb += early.eq(b)
        with m.If(self._is("copy")):
            m.d.comb += early.eq(a)
        with m.If(self._is("maximum", "minimum")):
            m.d.comb += early.eq(Mux(greater == self._is("maximum"), flushed[0], flushed[1]))
            with m.If(unordered):
                m.d.comb += early.eq(FP32_NAN)
        with m.If(self._is("greater", "greater_equal", "equal")):
            holds = (Mux(self._is("equal"), equal, greater | equal & self._is("greater_equal"))
                     & ~unordered)
            m.d.comb += early.eq(Mux(holds, Mux(floating, FP32_ONE, 1), 0))
        if self.integers:
            with m.If(~floating & self._is("add")):
                m.d.comb += early.eq(a + b)
            with m.If(~floating & self._is("subtract")):
                m.d.comb += early.eq(a - b)
            with m.If(~floating & self._is("multiply")):
                m.d.comb += early.eq((a * b)[:32])
        self._late(m, moves, early, self._is("select") & zero, floating)
        return m

    @staticmethod
    def _compare(m, operands, floating):
        """Return whether the first operand is greater, and whether both are equal."""
        keys = []
        for index, operand in enumerate(operands):
            # Floating-point numbers are sign and magnitude; both zeros are 0.
            key = Signal(signed(33), name=f"key_{index}")
            m.d.comb += key.eq(operand.as_signed())
            with m.If(floating):
                m.d.comb += key.eq(Mux(operand[31], -operand[:31], operand[:31]))
            keys.append(key)
        return keys[0] > keys[1], keys[0] == keys[1]

    def _late(self, m, moves, early, keep, floating):
        """Carry early results along, and let the later ones join."""
        values = [Signal(32, reset_less=True, name=f"value_{i}") for i in range(self.LATENCY)]
        keeps = [Signal(reset_less=True, name=f"keep_{i}") for i in range(self.LATENCY)]
        for index in range(self.LATENCY):
            with m.If(moves[index]):
                m.d.sync += [values[index].eq(values[index - 1] if index else early),
                             keeps[index].eq(keeps[index - 1] if index else keep)]
        m.d.comb += [self.result.eq(values[-1]), self.keep.eq(keeps[-1])]
        if not self.floats:
            return
        m.submodules.multiply = multiply = Fp32Multiply()
        m.submodules.add = add = FusedAdd(enable=True, fp32=True)
        multiplies = floating & self._is("multiply")
        adds = floating & self._is("add", "subtract")
        addend = Signal(32)
        m.d.comb += [
            multiply.enable.eq(Mux(multiplies, moves, 0)),
            multiply.a.eq(self.a),
            multiply.b.eq(self.b),
            add.enable.eq(self.step),
            add.valid.eq(self.valid[0] & adds),
            add.c.eq(Cat(self.a, *classify_fp32(self.a))),
            addend.eq(Cat(self.b[:31], self.b[31] ^ self._is("subtract"))),
            add.x.eq(Cat(unpack_fp32(addend, 1).values())),
        ]
        with m.If(multiplies & moves[Fp32Multiply.LATENCY]):
            m.d.sync += values[Fp32Multiply.LATENCY].eq(multiply.o)
        with m.If(adds):
            m.d.comb += self.result.eq(add.o.bits)
