"""FP8: exact sums in fixed point and their one rounding, against :mod:`sim.models.numerics`."""

import itertools
import random

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.float.fixed import FixedLayout, FixedToFloat, Fp8MultiplyAdd
from rtl.float.formats import Fp8Geometry, unpack_fp8
from sim.models import numerics
from tests.helpers import simulate

FP8 = ("fp8_e4m3", "fp8_e4m3fn", "fp8_e5m2")
PAIRS = list(itertools.product(FP8, FP8))
TERMS = 4


class DotProduct(wiring.Component):
    """Adds products to a sum of its own, which ``first`` starts; the sum rounded, delayed."""

    LATENCY = Fp8MultiplyAdd.PRODUCT_LATENCY + 1 + FixedToFloat.LATENCY

    def __init__(self, *types):
        self.types = types
        super().__init__({"valid": In(1), "first": In(1), "active": In(1), "a": In(8), "b": In(8),
                          "o": Out(32), "nan": Out(1), "infinite": Out(1)})

    def elaborate(self, platform):
        m = Module()
        geometry = Fp8Geometry(tuple(dict.fromkeys(self.types)), TERMS)
        m.submodules.multiply_add = multiply_add = Fp8MultiplyAdd(geometry)
        m.submodules.rounding = rounding = FixedToFloat(geometry)
        first = Signal(Fp8MultiplyAdd.PRODUCT_LATENCY)
        m.d.sync += first.eq(first << 1 | self.first)
        m.d.comb += [
            multiply_add.valid.eq(self.valid), multiply_add.active.eq(self.active),
            multiply_add.a.eq(unpack_fp8(self.types[0], self.a, geometry)),
            multiply_add.b.eq(unpack_fp8(self.types[1], self.b, geometry)),
            rounding.i.eq(multiply_add.o),
            self.o.eq(rounding.o.bits), self.nan.eq(rounding.o.nan),
            self.infinite.eq(rounding.o.infinite),
        ]
        start = Signal(FixedLayout(geometry))
        with m.If(~first[-1]):
            m.d.comb += start.eq(multiply_add.o)
        m.d.comb += multiply_add.c.eq(start)
        return m


def run(types, sums):
    """Compute sums of (a, b, active) terms, one term a cycle, and compare each with the model."""
    dut = DotProduct(*types)
    expected = [numerics.dot(*zip(*[term[:2] for term in terms if term[2]], strict=True), *types)
                if any(term[2] for term in terms) else 0 for terms in sums]
    stream = [(index == 0, *term, want if index == len(terms) - 1 else None)
              for terms, want in zip(sums, expected, strict=True)
              for index, term in enumerate(terms)]

    async def drive(ctx):
        ctx.set(dut.valid, 1)
        for cycle in range(len(stream) + dut.LATENCY):
            if cycle < len(stream):
                first, a, b, active, _ = stream[cycle]
                ctx.set(dut.first, first)
                ctx.set(dut.a, a)
                ctx.set(dut.b, b)
                ctx.set(dut.active, active)
            if cycle >= dut.LATENCY and stream[cycle - dut.LATENCY][-1] is not None:
                want = stream[cycle - dut.LATENCY][-1]
                got = ctx.get(dut.o)
                assert got == want, (f"sum ending with {stream[cycle - dut.LATENCY]}: {got:#010x}, "
                                     f"expected {want:#010x}")
                assert ctx.get(dut.nan) == (want == numerics.FP32_NAN)
                assert ctx.get(dut.infinite) == (want & 0x7FFF_FFFF == 0x7F80_0000)
            await ctx.tick()

    simulate(dut, drive)


@pytest.mark.parametrize("types", PAIRS)
def test_every_pattern_meets_some(types):
    """Each pattern of either side with every 16th of the other: a part of the test below."""
    run(types, [[(a, b, 1)] for a in range(256) for b in range(a % 16, 256, 64)])


@pytest.mark.slow
@pytest.mark.parametrize("types", PAIRS)
def test_every_product(types):
    run(types, [[(a, b, 1)] for a in range(256) for b in range(256)])


@pytest.mark.parametrize("types", PAIRS)
def test_random_sums(types):
    """Any patterns; sums that cancel; sums whose ends are far apart; rows that are not active."""
    rng = random.Random(str(types))
    sums = []
    for _ in range(120):
        terms = [(rng.randrange(256), rng.randrange(256), rng.random() < 0.9)
                 for _ in range(rng.randint(1, TERMS))]
        sums.append(terms)
        a, b = rng.randrange(256), rng.randrange(256)
        c, d = rng.randrange(256), rng.randrange(256)
        sums.append([(a, b, 1), (c, d, 1), (a ^ 0x80, b, 1)])
        tiny, large = rng.randrange(1, 8), rng.randrange(0x60, 0x78)
        sums.append([(large, large, 1), (tiny, 1 | rng.randrange(2) << 7, 1)])
    run(types, sums)


def test_widths():
    """The bits of the table in the numerics page."""
    assert [Fp8Geometry((name,)).product_bits for name in FP8] == [35, 37, 65]
    assert Fp8Geometry(("fp8_e4m3fn",), 8).sum_bits == 40
    assert Fp8Geometry(FP8).product_bits == 67
    assert [Fp8Geometry((name,)).base for name in FP8] == [-9, -9, -16]
