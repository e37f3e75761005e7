"""Datapath of the activation engine for one partition."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig
from rtl.float.formats import classify_fp32
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import unpack_fp32
from rtl.float.narrow import Narrow

from .encoding import OUTPUTS
from .random_bits import RandomBits

__all__ = ["ActivationLane", "FunctionLayout", "ResultSize"]


RANDOM_BITS = 16


class ResultSize(enum.Enum, shape=2):
    """Bytes of a result in SBUF."""

    BYTE = 0
    HALF = 1
    WORD = 2


class FunctionLayout(data.StructLayout):
    """What an ``activate`` does to each value; stable while values are in the lane.

    Members
    -------
    floating : :py:`1`
        The values are FP32.
    bias, relu : :py:`1`
        Add the bias; replace negative values by zero.
    stochastic : :py:`1`
        Round by random numbers, not to nearest.
    output : :py:`3`
        A value of :data:`rtl.matmul.encoding.OUTPUTS`.
    size : :class:`ResultSize`
        Bytes of a result.
    multiplier, shift : :py:`16`, :py:`6`
        Requantisation.
    """

    def __init__(self):
        super().__init__({"floating": 1, "bias": 1, "relu": 1, "stochastic": 1,
                          "output": 3,
                          "size": ResultSize, "multiplier": 16, "shift": 6})


class ActivationLane(wiring.Component):
    """Bias, ReLU and conversion of one value a step.

    Timing
    ------
    ``result`` follows ``value`` by :attr:`latency` steps; a step is a cycle with ``step`` set.

    Parameters
    ----------
    config : :class:`TileConfig`
        Types.
    index : :class:`int`
        Partition.

    Members
    -------
    seed_write, seed : :py:`In(1)`, :py:`In(32)`
        Start the generator, as in :class:`RandomBits`.
    step : :py:`In(1)`
        Move on; everything holds otherwise.
    valid : :py:`In(latency)`
        Bit 0: ``value`` is one; bit i: a value entered i steps ago.
    function : :py:`In(FunctionLayout())`
        What to do.
    value, bias : :py:`In(32)`
        INT32 or FP32.
    result : :py:`Out(32)`
        Result in the low 8, 16 or 32 bits.
    """

    seed_write: Signal
    seed: Signal
    step: Signal
    valid: Signal
    function: data.View
    value: Signal
    bias: Signal
    result: Signal

    def __init__(self, config: TileConfig, index: int = 0):
        self.config = config
        self.index = index
        self.small = tuple(name for name in config.types if name != "int8")
        # Rounding to BF16 alone is an addition, and has its place behind the last register.
        self._narrows = self.small not in ((), ("bf16",))
        self.latency = FusedAdd.LATENCY + (Narrow.LATENCY if self._narrows else 0)
        super().__init__({
            "seed_write": In(1),
            "seed":     In(32),
            "step":     In(1),
            "valid":    In(self.latency),
            "function": In(FunctionLayout()),
            "value":    In(32),
            "bias":     In(32),
            "result":   Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        results = {}
        if self.config.stochastic:
            m.submodules.random = self._random = random = RandomBits(self.index)
            m.d.comb += [
                random.seed_write.eq(self.seed_write), random.seed.eq(self.seed),
                # As a value leaves the addition, and as an integer is rounded.
                random.step.eq(self.step & self.valid[FusedAdd.LATENCY - 1]
                               & self.function.stochastic),
            ]
        if "int8" in self.config.types:
            results["int8"] = self._integer(m)
        if self.small:
            results["float"] = self._floating(m)
        if len(results) == 2:
            m.d.comb += self.result.eq(
                Mux(self.function.floating, results["float"], results["int8"]))
        else:
            m.d.comb += self.result.eq(*results.values())
        return m

    def _integer(self, m):
        """Stages: add bias, ReLU, multiply, shift, round; then as many as the other path has."""
        function = self.function
        as_word = function.output == OUTPUTS["word"]

        biased = Signal(signed(32), reset_less=True)
        rectified = Signal(signed(32), reset_less=True)
        product = Signal(signed(48), reset_less=True)
        with m.If(self.step & self.valid[0]):
            m.d.sync += biased.eq(self.value + Mux(function.bias, self.bias, 0))
        with m.If(self.step & self.valid[1]):
            m.d.sync += rectified.eq(Mux(function.relu & biased[31], 0, biased))
        with m.If(self.step & self.valid[2]):
            m.d.sync += product.eq(rectified * Mux(as_word, 1, function.multiplier))

        # Bits below the quotient are kept: the half, or enough to compare with a random number.
        places = RANDOM_BITS if self.config.stochastic else 1
        longer = Cat(Const(0, places), product).as_signed()
        below = Signal(48)
        m.d.comb += below.eq(~(Const((1 << 48) - 1, 48) << function.shift)[:48] >> 1)
        shifted = Signal(signed(48 + places))
        m.d.comb += shifted.eq(longer >> Mux(as_word, 0, function.shift))
        quotient = shifted[places:].as_signed()
        half = shifted[places - 1]
        kept = Signal(32, reset_less=True)
        round_up, high, low = (Signal(reset_less=True, name=name)
                               for name in ("round_up", "high", "low"))
        with m.If(self.step & self.valid[3]):
            m.d.sync += [
                kept.eq(quotient),
                round_up.eq(half & ((product & below).any() | quotient[0])),
                high.eq(quotient > 127),
                low.eq(quotient < -128),
            ]

        up = Signal()
        m.d.comb += up.eq(round_up)
        if self.config.stochastic:
            fraction = Signal(RANDOM_BITS, reset_less=True)
            with m.If(self.step & self.valid[3]):
                m.d.sync += fraction.eq(shifted[:places])
            with m.If(function.stochastic):
                m.d.comb += up.eq((fraction + self._random.following)[RANDOM_BITS])

        result = Signal(32, reset_less=True)
        with m.If(self.step & self.valid[4]):
            m.d.sync += result.eq(kept + up)
            with m.If(as_word):
                m.d.sync += result.eq(kept)
            with m.Elif(high | (kept[:8] == 127) & up & ~low):
                m.d.sync += result.eq(127)
            with m.Elif(low):
                m.d.sync += result.eq(0x80)
        return self._late(m, result, 5)

    def _late(self, m, value, stage):
        """Delay what stands behind ``stage`` registers until the lane's end."""
        for index in range(stage, self.latency):
            held = Signal(32, reset_less=True, name=f"late_{index}")
            with m.If(self.step & self.valid[index]):
                m.d.sync += held.eq(value)
            value = held
        return value

    def _floating(self, m):
        """Add the bias in FP32, then ReLU and rounding to a smaller format."""
        function = self.function
        m.submodules.add = add = FusedAdd(enable=True, fp32=True)
        m.d.comb += [
            add.enable.eq(self.step),
            add.valid.eq(self.valid[0] & function.floating),
            add.c.eq(Cat(self.value, *classify_fp32(self.value))),
            add.x.eq(Cat(unpack_fp32(self.bias, function.bias).values())),
        ]
        total = add.o.bits
        rectified = Signal(32)
        m.d.comb += rectified.eq(Mux(function.relu & total[31] & ~add.o.nan, 0, total))
        if self.config.stochastic:
            # What is a BF16 number then, the roundings to nearest behind leave as it is.
            value, rectified = rectified, Signal(32, name="chosen")
            drawn = Signal(32)
            m.d.comb += [drawn.eq(value + self._random.now),
                         rectified.eq(Mux(function.stochastic, Cat(Const(0, 16), drawn[16:]),
                                          value))]
        if not self._narrows:
            # Infinity and the canonical NaN have no fraction below, so they stay what they are.
            rounded = rectified + 0x7FFF + rectified[16]
            return Mux(function.output == OUTPUTS["bf16"], rounded[16:32], rectified)
        m.submodules.narrow = narrow = Narrow(self.small)
        m.d.comb += [
            narrow.step.eq(self.step),
            narrow.i.bits.eq(rectified),
            narrow.i.nan.eq(add.o.nan),
            narrow.i.infinite.eq(~add.o.nan & (rectified[23:31] == 0xFF)),
        ]
        with m.Switch(function.output):
            for index, name in enumerate(self.small):
                with m.Case(OUTPUTS[name]):
                    m.d.comb += narrow.format.eq(index)
        as_word = function.output == OUTPUTS["word"]
        return Mux(as_word, self._late(m, rectified, FusedAdd.LATENCY), narrow.o)
