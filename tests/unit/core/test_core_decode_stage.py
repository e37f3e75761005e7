# amaranth: UnusedElaboratable=no

"""The decode stage: micro-ops in order, at one and at two a cycle."""

import random

import pytest

from rtl.core.cause import CycleCause
from rtl.core.decode_stage import DecodeStage
from rtl.core.fetch import FetchFault
from rtl.core.uop import SystemOp, Unit
from tests.helpers import simulate

ADD, MOVZ, B, UNDEFINED = 0x8B02_0020, 0xD280_0020, 0x1400_0004, 0x0000_0000
PRE_INDEXED_PAIR, CASP, ADDS_SHIFTED = 0xA9BF_07E0, 0x4820_7C82, 0xAB02_1420
WORDS = (ADD, MOVZ, B, UNDEFINED, PRE_INDEXED_PAIR, CASP, ADDS_SHIFTED)


async def decode(ctx, dut, words, *, pause=0.0):
    """Run a program of words from address 0; return its micro-ops and the cycles it took."""
    rng, taken, cycles, at = random.Random(30), [], 0, 0
    while at < len(words) or ctx.get(dut.o[0].valid):
        group = words[at:at + 2] if dut.width == 2 and at % 2 == 0 else words[at:at + 1]
        ctx.set(dut.i.valid, bool(group))
        lanes = [{"pc": 4 * (at + lane), "insn": word} for lane, word in enumerate(group)]
        ctx.set(dut.i.payload, {"lanes": lanes, "more": len(group) - 1})
        advance = rng.random() >= pause
        ctx.set(dut.advance, advance)
        slots = [ctx.get(slot) for slot in dut.o]
        assert not (dut.width == 2 and slots[1].valid and not slots[0].valid)
        if advance:
            taken += [(slot.pc, slot.insn, slot.first, slot.last, slot.uop.as_value().value)
                      for slot in slots if slot.valid]
        at += len(group) if group and ctx.get(dut.i.ready) else 0
        cycles += 1
        assert cycles < 10 * len(words), "The stage takes no more instructions"
        await ctx.tick()
    return taken, cycles


@pytest.mark.parametrize("pause", [0.0, 0.4])
def test_two_at_a_time_are_the_same_micro_ops_as_one_at_a_time(pause):
    rng = random.Random(31)
    words = [rng.choice(WORDS) for _ in range(200)]
    results = []

    async def testbench(ctx):
        results.append(await decode(ctx, dut, words, pause=pause))

    for width in (1, 2):
        dut = DecodeStage(width=width)
        simulate(dut, testbench)
    (one, cycles_one), (two, cycles_two) = results
    assert one == two
    assert {pc for pc, *_ in one} == set(range(0, 800, 4))
    assert any(not last for _, _, _, last, _ in one)
    assert cycles_two < cycles_one


@pytest.mark.parametrize("width", [1, 2])
def test_simple_instructions_take_a_slot_each(width):
    dut = DecodeStage(width=width)

    async def testbench(ctx):
        _, cycles = await decode(ctx, dut, [ADD] * 64)
        # The last slots are seen one cycle after they were decoded.
        assert cycles == 64 // width + 1

    simulate(dut, testbench)


@pytest.mark.parametrize("width", [1, 2])
def test_interrupt_takes_the_place_of_the_first_instruction(width):
    dut = DecodeStage(width=width)

    async def testbench(ctx):
        ctx.set(dut.irq, 1)
        ctx.set(dut.advance, 1)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, {"lanes": [{"pc": 8, "insn": ADD}] * width, "more": width - 1})
        await ctx.tick()
        slot = ctx.get(dut.o[0])
        assert (slot.valid, slot.pc, slot.uop.interrupt) == (1, 8, 1)
        assert (slot.uop.unit, slot.uop.system) == (Unit.SYSTEM, SystemOp.EXCEPTION)
        assert not any(ctx.get(other.valid) for other in dut.o[1:])

    simulate(dut, testbench)


@pytest.mark.parametrize("width", [1, 2])
def test_fault_is_raised_and_a_flush_drops_what_was_begun(width):
    dut = DecodeStage(width=width)

    async def testbench(ctx):
        ctx.set(dut.advance, 1)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, {"lanes": [{"insn": CASP}] * width, "more": 0})
        await ctx.tick()
        assert not ctx.get(dut.o[0].last)
        ctx.set(dut.flush, 1)
        ctx.set(dut.flush_cause, CycleCause.BRANCH)
        await ctx.tick()
        assert not any(ctx.get(slot.valid) for slot in dut.o)
        assert ctx.get(dut.o[0].cause) is CycleCause.BRANCH
        ctx.set(dut.flush, 0)
        ctx.set(dut.i.payload, {"lanes": [{"pc": 16, "fault": FetchFault.EXTERNAL}] * width,
                                "more": 0})
        await ctx.tick()
        slot = ctx.get(dut.o[0])
        assert (slot.valid, slot.first, slot.last, slot.uop.fetch_fault) == (1, 1, 1, 1)

    simulate(dut, testbench)


def test_refuses_other_widths():
    with pytest.raises(ValueError, match="must be 1 or 2, not 3"):
        DecodeStage(width=3)
