# amaranth: UnusedElaboratable=no

"""The arithmetic units of the core against Python integers."""

import random
import zlib

from rtl.core.alu import Alu, BitUnit
from rtl.core.atomic import AtomicOp, AtomicUnit
from rtl.core.crc import CrcUnit
from rtl.core.divider import Divider
from rtl.core.multiplier import Multiplier
from rtl.core.shifter import Shifter
from rtl.core.uop import AluOp, BitOp, Fill, ShiftOp
from sim.models.divider import divide
from tests.helpers import simulate

MASK = (1 << 64) - 1
CORNERS = [0, 1, 2, 0x7F, 0x80, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, (1 << 63) - 1,
           1 << 63, MASK - 1, MASK, 0x5555_5555_5555_5555, 0x8000_0000_8000_0000]


def draw(rng):
    return rng.choice(CORNERS) if rng.random() < 0.4 else rng.getrandbits(rng.choice((8, 32, 64)))


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def add(a, b, carry, bits):
    """Sum, N, C, V of an addition of ``bits`` bits."""
    mask = (1 << bits) - 1
    a, b = a & mask, b & mask
    result = (a + b + carry) & mask
    overflow = signed(a, bits) + signed(b, bits) + carry != signed(result, bits)
    return result, result >> bits - 1, a + b + carry > mask, overflow


def test_alu_results_and_flags():
    dut = Alu()

    async def testbench(ctx):
        rng = random.Random(1)
        for _ in range(1500):
            a, b, wide, invert, carry, select = (draw(rng), draw(rng), *rng.choices((0, 1), k=4))
            enable = rng.random() < 0.9
            ctx.set(dut.enable, enable)
            operation = rng.choice([AluOp.ADD, AluOp.ADD, AluOp.AND, AluOp.ORR, AluOp.EOR,
                                    AluOp.SELECT])
            bits = 64 if wide else 32
            mask = (1 << bits) - 1
            for port, value in (("a", a), ("b", b), ("wide", wide), ("invert", invert),
                                ("carry", carry), ("select", select), ("operation", operation)):
                ctx.set(getattr(dut, port), value)
            second = b ^ (MASK if invert else 0)
            negative, carries, overflows = None, 0, 0
            if operation is AluOp.ADD:
                result, negative, carries, overflows = add(a, second, carry, bits)
            elif operation is AluOp.SELECT:
                result = a & mask if select else (second + carry) & mask
            else:
                result = {AluOp.AND: a & second, AluOp.ORR: a | second,
                          AluOp.EOR: a ^ second}[operation] & mask
            assert ctx.get(dut.result) == (result if enable else 0)
            if operation is not AluOp.SELECT:
                expected = (result >> bits - 1 if negative is None else negative)
                assert ctx.get(dut.negative) == expected
                assert ctx.get(dut.carry_out) == carries
                assert ctx.get(dut.overflow) == overflows

    simulate(dut, testbench)


def bit_result(operation, value, bits):
    text = f"{value & ((1 << bits) - 1):0{bits}b}"
    octets = (value & ((1 << bits) - 1)).to_bytes(bits // 8, "little")
    if operation is BitOp.RBIT:
        return int(text[::-1], 2)
    if operation is BitOp.CLZ:
        return bits - len(text.lstrip("0"))
    if operation is BitOp.CLS:
        return bits - len(text.lstrip(text[0])) - 1
    size = {BitOp.REV16: 2, BitOp.REV32: 4, BitOp.REV64: 8}[operation]
    swapped = b"".join(octets[i:i + size][::-1] for i in range(0, len(octets), size))
    return int.from_bytes(swapped, "little")


def test_bit_operations():
    dut = BitUnit()

    async def testbench(ctx):
        rng = random.Random(2)
        for _ in range(1500):
            operation, wide = rng.choice(list(BitOp)), rng.randrange(2)
            if operation is BitOp.REV64 and not wide:
                continue
            value = draw(rng) >> rng.randrange(64)
            value ^= MASK * rng.randrange(2)
            bits = 64 if wide else 32
            ctx.set(dut.operation, operation)
            ctx.set(dut.wide, wide)
            ctx.set(dut.value, value)
            assert ctx.get(dut.result) & ((1 << bits) - 1) == bit_result(operation, value, bits)

    simulate(dut, testbench)


def rotate_right(value, amount, bits):
    value &= (1 << bits) - 1
    return (value >> amount | value << bits - amount) & ((1 << bits) - 1)


def test_shifts_by_register():
    dut = Shifter()

    async def testbench(ctx):
        rng = random.Random(3)
        for _ in range(1500):
            wide, value, amount = rng.randrange(2), draw(rng), draw(rng)
            bits = 64 if wide else 32
            operation = rng.choice([ShiftOp.LSL, ShiftOp.LSR, ShiftOp.ASR, ShiftOp.ROR])
            enable = rng.random() < 0.9
            ctx.set(dut.enable, enable)
            ctx.set(dut.operation, operation)
            ctx.set(dut.wide, wide)
            ctx.set(dut.source, value)
            ctx.set(dut.other, amount)
            mask, by = (1 << bits) - 1, amount % bits
            expected = {ShiftOp.LSL: value << by & mask, ShiftOp.LSR: (value & mask) >> by,
                        ShiftOp.ASR: signed(value, bits) >> by & mask,
                        ShiftOp.ROR: rotate_right(value, by, bits)}[operation]
            assert ctx.get(dut.result) == (expected if enable else 0)

    simulate(dut, testbench)


def test_bit_fields():
    dut = Shifter()

    async def testbench(ctx):
        rng = random.Random(4)
        for _ in range(2000):
            wide, value, other = rng.randrange(2), draw(rng), draw(rng)
            bits = 64 if wide else 32
            rotate, low = rng.randrange(bits), rng.randrange(bits)
            high = rng.randrange(low, bits)
            fill = rng.choice(list(Fill))
            enable = rng.random() < 0.9
            ctx.set(dut.enable, enable)
            ctx.set(dut.operation, ShiftOp.FIELD)
            for port, setting in (("wide", wide), ("source", value), ("other", other),
                                  ("rotate", rotate), ("low", low), ("high", high),
                                  ("fill", fill)):
                ctx.set(getattr(dut, port), setting)
            field = ((1 << high + 1) - 1) ^ ((1 << low) - 1)
            rotated = rotate_right(value, rotate, bits)
            above = ((1 << bits) - 1) ^ ((1 << high + 1) - 1)
            around = {Fill.ZERO: 0, Fill.KEEP: other & ~field & ((1 << bits) - 1),
                      Fill.SIGN: above if rotated >> high & 1 else 0}[fill]
            assert ctx.get(dut.result) == (rotated & field | around if enable else 0)

    simulate(dut, testbench)


def crc32c(remainder, octets):
    for octet in octets:
        remainder ^= octet
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F6_3B78 if remainder & 1 else 0)
    return remainder


def test_crc_against_zlib():
    dut = CrcUnit()

    async def testbench(ctx):
        rng = random.Random(5)
        for _ in range(300):
            remainder, value, size = rng.getrandbits(32), draw(rng), rng.randrange(3)
            octets = (value & ((1 << (8 << size)) - 1)).to_bytes(1 << size, "little")
            ctx.set(dut.remainder, remainder)
            ctx.set(dut.value, value & 0xFFFF_FFFF)
            ctx.set(dut.size_log2, size)
            ctx.set(dut.castagnoli, 0)
            inverted = zlib.crc32(octets, remainder ^ 0xFFFF_FFFF) ^ 0xFFFF_FFFF
            assert ctx.get(dut.result) == inverted
            ctx.set(dut.castagnoli, 1)
            assert ctx.get(dut.result) == crc32c(remainder, octets)

    simulate(dut, testbench)


def product(a, b, addend, *, wide, long, is_signed, high_half, subtract):
    if long:
        a, b = (signed(x, 32) if is_signed else x & 0xFFFF_FFFF for x in (a, b))
    elif is_signed:
        a, b = signed(a, 64), signed(b, 64)
    if high_half:
        return a * b >> 64 & MASK
    total = addend - a * b if subtract else addend + a * b
    return total & (MASK if wide else 0xFFFF_FFFF)


def test_multiplier_takes_one_operation_a_cycle():
    dut = Multiplier()

    async def testbench(ctx):
        rng = random.Random(6)
        ctx.set(dut.enable_1, 1)
        ctx.set(dut.enable_2, 1)
        expected = []
        for _ in range(600):
            kind = rng.choice(("word", "plain", "long", "high"))
            high = kind == "high"
            options = {"wide": int(kind != "word"), "long": int(kind == "long"),
                       "is_signed": rng.randrange(2) if kind in ("long", "high") else 0,
                       "subtract": rng.randrange(2) if not high else 0}
            a, b, addend = draw(rng), draw(rng), 0 if high else draw(rng)
            for port, value in (("a", a), ("b", b), ("addend", addend), *options.items()):
                ctx.set(getattr(dut, port.removeprefix("is_")), value)
            expected.append((high, product(a, b, addend, **options, high_half=int(high))))
            await ctx.tick()
            late, value = expected[-Multiplier.LATENCY_LOW]
            assert late or ctx.get(dut.low) == value
            if len(expected) >= Multiplier.LATENCY_HIGH:
                late, value = expected[-Multiplier.LATENCY_HIGH]
                assert not late or ctx.get(dut.high) == value

    simulate(dut, testbench)


def division(rng):
    """Return operands, size and signedness of a division: quotients of every length."""
    wide, is_signed = rng.randrange(2), rng.randrange(2)
    a, b = draw(rng) >> rng.randrange(64), draw(rng) >> rng.randrange(64)
    match rng.randrange(6):
        case 0:
            b = (1 << rng.randrange(64)) - rng.randrange(2)
        case 1:
            a = b * rng.getrandbits(rng.randrange(1, 64)) + rng.choice((-1, 0, 1))
        case 2:
            a, b = rng.choice(CORNERS), rng.choice(CORNERS)
    if rng.randrange(2):
        a = -a
    if rng.randrange(2):
        b = -b
    return a & MASK, b & MASK, wide, is_signed


async def start_division(ctx, dut, a, b, wide, is_signed):
    for port, value in (("a", a), ("b", b), ("wide", wide), ("signed", is_signed), ("start", 1)):
        ctx.set(getattr(dut, port), value)
    await ctx.tick()
    # The operands belong to the first cycle only.
    for port, value in (("a", ~a & MASK), ("b", 0), ("wide", ~wide & 1), ("signed", ~is_signed & 1),
                        ("start", 0)):
        ctx.set(getattr(dut, port), value)


def test_divider():
    dut = Divider()

    async def testbench(ctx):
        rng = random.Random(7)
        for _ in range(1500):
            a, b, wide, is_signed = division(rng)
            quotient, expected = divide(a, b, bits=64 if wide else 32, signed=bool(is_signed))
            await start_division(ctx, dut, a, b, wide, is_signed)
            for cycle in range(1, expected + 1):
                assert ctx.get(dut.done) == (cycle == expected)
                if cycle < expected:
                    await ctx.tick()
            assert ctx.get(dut.result) == quotient
            for _ in range(rng.randrange(1, 3)):
                await ctx.tick()
                assert not ctx.get(dut.done)

    simulate(dut, testbench)


def test_divider_forgets_what_is_dropped():
    dut = Divider()

    async def testbench(ctx):
        rng = random.Random(8)
        for _ in range(200):
            ctx.set(dut.drop, rng.randrange(2))
            await start_division(ctx, dut, *division(rng))
            ctx.set(dut.drop, ~ctx.get(dut.drop) & 1)
            await ctx.tick()
            ctx.set(dut.drop, 0)
            for _ in range(rng.choice((0, 1, 60))):
                assert not ctx.get(dut.done)
                await ctx.tick()
            a, b, wide, is_signed = division(rng)
            quotient, expected = divide(a, b, bits=64 if wide else 32, signed=bool(is_signed))
            await start_division(ctx, dut, a, b, wide, is_signed)
            for _ in range(1, expected):
                assert not ctx.get(dut.done)
                await ctx.tick()
            assert ctx.get(dut.done)
            assert ctx.get(dut.result) == quotient
            await ctx.tick()

    simulate(dut, testbench)


def test_atomic_operations():
    dut = AtomicUnit()

    async def testbench(ctx):
        rng = random.Random(8)
        for _ in range(800):
            operation, size = rng.choice(list(AtomicOp)), rng.randrange(4)
            bits = 8 << size
            mask = (1 << bits) - 1
            old, operand = draw(rng) & mask, draw(rng) & mask
            other = old ^ rng.choice((0, 1 << rng.randrange(64), draw(rng)))
            ctx.set(dut.b, other)
            ctx.set(dut.operation, operation)
            ctx.set(dut.size_log2, size)
            ctx.set(dut.old, old)
            ctx.set(dut.operand, operand)
            await ctx.tick()
            def by_sign(x, bits=bits):
                return (signed(x, bits))
            def by_value(x, mask=mask):
                return (x & mask)
            expected = {
                AtomicOp.NONE: operand, AtomicOp.SWAP: operand, AtomicOp.ADD: old + operand,
                AtomicOp.CLEAR: old & ~operand, AtomicOp.TOGGLE: old ^ operand,
                AtomicOp.SET: old | operand,
                AtomicOp.SIGNED_MAX: max(old, operand, key=by_sign),
                AtomicOp.SIGNED_MIN: min(old, operand, key=by_sign),
                AtomicOp.UNSIGNED_MAX: max(old, operand, key=by_value),
                AtomicOp.UNSIGNED_MIN: min(old, operand, key=by_value),
            }[operation]
            assert ctx.get(dut.result) & mask == expected & mask
            assert ctx.get(dut.differs) == ((old ^ other) & mask != 0)

    simulate(dut, testbench)
