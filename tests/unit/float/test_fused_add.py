"""Product and rounded addition against :mod:`sim.models.numerics`."""

import itertools
import random

import numpy as np
import pytest
from amaranth import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.float.formats import classify_fp32, fraction_bits, unpack_float
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import FloatMultiply, ProductToFloat, unpack_fp32
from sim.models import formats, numerics
from sim.models.formats import decode
from tests.helpers import simulate

CORNERS_16 = (0x0000, 0x8000, 0x0001, 0x0080, 0x80FF, 0x3F80, 0xBF80, 0x3F81, 0x4000, 0x7F7F,
              0xFF7F, 0x7F80, 0xFF80, 0x7F81)
CORNERS_32 = (0x0000_0000, 0x8000_0000, 0x0000_0001, 0x0080_0000, 0x80FF_FFFF, 0x3F80_0000,
              0xBF80_0000, 0x4B80_0000, 0xCB80_0001, 0x7F7F_FFFF, 0xFF7F_FFFF, 0x7F80_0000,
              0xFF80_0000, 0x7FC0_0000)


class MultiplyAdd(wiring.Component):
    """a * b + c, the product one stage ahead; ``types`` are those of a and b."""

    def __init__(self, *types):
        self.types = types
        super().__init__({"valid": In(1), "active": In(1), "a": In(16), "b": In(16), "c": In(32),
                          "o": Out(32), "flags": Out(2)})

    def elaborate(self, platform):
        m = Module()
        width = fraction_bits(self.types)
        m.submodules.multiply = multiply = FloatMultiply(fraction_bits=width)
        m.submodules.add = add = FusedAdd()
        m.d.sync += [add.valid.eq(self.valid), add.c.eq(Cat(self.c, *classify_fp32(self.c)))]
        m.d.comb += [
            multiply.valid.eq(self.valid), multiply.active.eq(self.active),
            multiply.a.eq(unpack_float(self.types[0], self.a, width)),
            multiply.b.eq(unpack_float(self.types[1], self.b, width)),
            add.x.eq(multiply.product),
            self.o.eq(add.o.bits), self.flags.eq(Cat(add.o.nan, add.o.infinite)),
        ]
        return m


class Multiply(wiring.Component):
    """a * b as FP32; ``types`` are those of a and b."""

    def __init__(self, *types):
        self.types = types
        super().__init__({"valid": In(1), "active": In(1), "a": In(16), "b": In(16),
                          "o": Out(32), "flags": Out(2)})

    def elaborate(self, platform):
        m = Module()
        width = fraction_bits(self.types)
        m.submodules.multiply = multiply = FloatMultiply(fraction_bits=width)
        m.submodules.convert = convert = ProductToFloat()
        m.d.sync += convert.valid.eq(self.valid)
        m.d.comb += [
            multiply.valid.eq(self.valid), multiply.active.eq(self.active),
            multiply.a.eq(unpack_float(self.types[0], self.a, width)),
            multiply.b.eq(unpack_float(self.types[1], self.b, width)),
            convert.x.eq(multiply.product),
            self.o.eq(convert.o.bits), self.flags.eq(Cat(convert.o.nan, convert.o.infinite)),
        ]
        return m


class Add(wiring.Component):
    """x + c, both FP32."""

    def __init__(self):
        super().__init__({"valid": In(1), "active": In(1), "x": In(32), "c": In(32),
                          "o": Out(32), "flags": Out(2)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.add = add = FusedAdd(fp32=True)
        m.d.comb += [
            add.valid.eq(self.valid), add.c.eq(Cat(self.c, *classify_fp32(self.c))),
            self.o.eq(add.o.bits), self.flags.eq(Cat(add.o.nan, add.o.infinite)),
        ]
        m.d.comb += [add.x[name].eq(value)
                     for name, value in unpack_fp32(self.x, self.active).items()]
        return m


def run_stream(dut, names, operands, expected, latency, seed=1):
    """Feed operands with random bubbles; every result must come ``latency`` cycles later."""
    rng = random.Random(seed)
    schedule = [None if rng.random() < 0.2 else 0 for _ in range(len(operands) * 2)]
    items = iter(zip(operands, expected, strict=True))
    schedule = [next(items, None) if slot == 0 else None for slot in schedule]

    async def drive(ctx):
        for cycle in range(len(schedule) + latency):
            slot = schedule[cycle] if cycle < len(schedule) else None
            ctx.set(dut.valid, slot is not None)
            values = slot[0] if slot else [rng.randrange(1 << 16) for _ in names]
            for name, value in zip(names, values, strict=True):
                ctx.set(getattr(dut, name), value)
            if cycle >= latency and (due := schedule[cycle - latency]):
                got = ctx.get(dut.o)
                assert got == due[1], (f"{[hex(v) for v in due[0]]}: {got:#010x}, "
                                       f"expected {due[1]:#010x}")
                kind = decode("fp32", got)[0]
                assert ctx.get(dut.flags) == {"nan": 1, "inf": 2}.get(kind, 0)
            await ctx.tick()

    simulate(dut, drive)
    assert next(items, None) is None, "not every operand was sent"


def test_multiply_add_equals_the_model():
    rng = random.Random(7)
    operands = list(itertools.product(CORNERS_16, CORNERS_16, CORNERS_32))
    for _ in range(4_000):
        a, b = (rng.randrange(1, 0xFF) << 7 | rng.randrange(1 << 7) | rng.randrange(2) << 15
                for _ in range(2))
        exponent = (a >> 7 & 0xFF) + (b >> 7 & 0xFF) - 127 + rng.randrange(-27, 28)
        fraction = rng.choice((rng.randrange(1 << 23), rng.randrange(1 << 8) << 15, 0, 0x7F_FFFF))
        c = min(max(exponent, 0), 255) << 23 | fraction | rng.randrange(2) << 31
        operands.append((a, b, c))
    expected = [numerics.fma(*values) for values in operands]
    run_stream(MultiplyAdd("bf16", "bf16"), ("a", "b", "c", "active"),
               [(*v, 1) for v in operands], expected, FloatMultiply.LATENCY + FusedAdd.LATENCY)


FP16_CORNERS = (0x0000, 0x8000, 0x0001, 0x83FF, 0x0200, 0x0400, 0x3C00, 0xBC01, 0x7BFF, 0xFBFF,
                0x7C00, 0xFC00, 0x7C01)


@pytest.mark.parametrize("other", ["fp16", "bf16"])
def test_fp16_equals_the_model(other):
    """Subnormals of FP16 are numbers; its products with BF16 too."""
    rng = random.Random(10)
    corners = {"fp16": FP16_CORNERS, "bf16": CORNERS_16}[other]
    operands = list(itertools.product(FP16_CORNERS, corners, CORNERS_32))
    for _ in range(1_000):
        a, b = rng.randrange(1 << 16), rng.randrange(1 << 16)
        product = numerics.fma(a, b, 0, "fp16", other)
        operands += [(a, b, rng.randrange(1 << 32)), (a, b, product ^ 0x8000_0000),
                     (a, b, (product ^ 0x8000_0000) + rng.randrange(-9, 10) & 0xFFFF_FFFF)]
    expected = [numerics.fma(*values, "fp16", other) for values in operands]
    run_stream(MultiplyAdd("fp16", other), ("a", "b", "c", "active"),
               [(*v, 1) for v in operands], expected, FloatMultiply.LATENCY + FusedAdd.LATENCY)


@pytest.mark.parametrize("types", [("bf16", "bf16"), ("fp16", "fp16"), ("fp16", "bf16")])
def test_product_alone_is_its_sum_with_zero(types):
    """Corner values, and products at both ends of the range."""
    rng = random.Random(11)
    corners = {"fp16": FP16_CORNERS, "bf16": CORNERS_16}
    operands = list(itertools.product(*(corners[type] for type in types)))
    operands += [(rng.randrange(1 << 16), rng.randrange(1 << 16)) for _ in range(1_000)]
    for _ in range(1_000):
        exponent, total = rng.randrange(1, 0xFF), rng.choice((126, 127, 128, 381, 382, 383))
        other = min(max(total - exponent, 0), 0xFF)
        operands.append(tuple(field << 7 | rng.randrange(1 << 7) | rng.randrange(2) << 15
                              for field in (exponent, other)))
    expected = [numerics.fma(a, b, 0, *types) for a, b in operands]
    run_stream(Multiply(*types), ("a", "b", "active"), [(*v, 1) for v in operands], expected,
               FloatMultiply.LATENCY + ProductToFloat.LATENCY)
    run_stream(Multiply(*types), ("a", "b", "active"), [(0x7F80, 0x7FC0, 0), (0x8000, 0x3F80, 0)],
               [0, 0], FloatMultiply.LATENCY + ProductToFloat.LATENCY)


def test_every_fp16_number_is_unpacked_exactly():
    """Times one, plus minus zero: the number itself."""
    operands = [(bits, 0x3C00, 0x8000_0000) for bits in range(0, 1 << 16, 31)]
    operands += [(bits, 0x3C00, 0x8000_0000) for bits in (*range(0x401), *range(0x8000, 0x8401))]
    values = formats.to_fp32_array("fp16", np.array([bits for bits, *_ in operands]))
    values = values.view(np.uint32) + np.zeros(len(operands), np.uint32)
    expected = [numerics.FP32_NAN if value & 0x7FFF_FFFF > 0x7F80_0000 else int(value)
                for value in values]
    run_stream(MultiplyAdd("fp16", "fp16"), ("a", "b", "c", "active"),
               [(*v, 1) for v in operands], expected, FloatMultiply.LATENCY + FusedAdd.LATENCY)


def test_exact_cancellation_and_ties():
    """Products against their own negation, one unit in the last place off, and half a unit off."""
    rng = random.Random(8)
    operands = []
    for _ in range(1_500):
        a, b = (rng.randrange(0x60, 0x9E) << 7 | rng.randrange(1 << 7) for _ in range(2))
        product = numerics.fma(a, b, 0) ^ 0x8000_0000
        operands += [(a, b, product), (a, b, product + 1), (a, b, product - 1),
                     (a, b, product ^ 0x8000_0000), (a, b, product - (1 << 23)),
                     (a, b, product + (24 << 23))]
    expected = [numerics.fma(*values) for values in operands]
    assert 0 in expected
    run_stream(MultiplyAdd("bf16", "bf16"), ("a", "b", "c", "active"),
               [(*v, 1) for v in operands], expected, FloatMultiply.LATENCY + FusedAdd.LATENCY)


def test_absent_operand_passes_the_other():
    sums = [bits for bits in CORNERS_32 if bits != 0x0000_0001]
    operands = [(0x7FC0, 0x7F80, bits, 0) for bits in sums]
    run_stream(MultiplyAdd("bf16", "bf16"), ("a", "b", "c", "active"), operands, sums,
               FloatMultiply.LATENCY + FusedAdd.LATENCY)


def test_fp32_addition_equals_the_model():
    rng = random.Random(9)
    operands = list(itertools.product(CORNERS_32, CORNERS_32))
    for _ in range(2_000):
        x = rng.randrange(1 << 32)
        operands += [(x, rng.randrange(1 << 32)),
                     (x, (x ^ 0x8000_0000) + rng.randrange(-(1 << 25), 1 << 25) & 0xFFFF_FFFF)]
    expected = [numerics.add(*values) for values in operands]
    run_stream(Add(), ("x", "c", "active"), [(*v, 1) for v in operands], expected,
               FusedAdd.LATENCY)
