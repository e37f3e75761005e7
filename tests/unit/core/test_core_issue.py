# amaranth: UnusedElaboratable=no

"""The issue stage at one and at two a cycle, in front of a pipeline of the test bench."""

import random

import pytest

from rtl.core.issue import IssueStage
from rtl.core.uop import AluOp, Late, Unit
from tests.helpers import simulate

MASK = (1 << 64) - 1


def program(rng, length, *, registers=6, holds=False):
    """Return random micro-ops as fields: few registers, so that they depend on each other.

    Some loads hold their result until the micro-op behind them has gone.
    """
    uops = []
    for _ in range(length):
        unit = rng.choice([Unit.ALU, Unit.ALU, Unit.ALU, Unit.SHIFT, Unit.LOAD, Unit.MULTIPLY,
                           Unit.DIVIDE])
        uop = {"unit": unit, "alu": AluOp.ADD,
               "flags": unit is Unit.ALU and rng.random() < 0.2,
               "high_half": unit is Unit.MULTIPLY and rng.random() < 0.5,
               "hold": (holds and unit is Unit.LOAD and len(uops) < length - 1
                        and not (uops and uops[-1]["hold"])),
               "dest": {"index": rng.randrange(registers), "used": rng.random() < 0.8}}
        for name in "abc":
            uop[name] = {"index": rng.randrange(registers), "used": rng.random() < 0.4}
        uops.append(uop)
    return uops


def result(position, operands):
    """Return what the micro-op at ``position`` makes of its operands."""
    return (operands[0] * 3 + operands[1] * 5 + operands[2] * 7 + position + 1) & MASK


def lateness(uop):
    if uop["unit"] is Unit.MULTIPLY:
        return Late.WRITE if uop["high_half"] else Late.MEMORY
    return Late.MEMORY if uop["unit"] in (Unit.LOAD, Unit.DIVIDE) else Late.EXECUTE


def in_order(uops):
    """Return the operands of each micro-op, one executed after the other."""
    registers, operands, held = [0] * 32, [], {}
    for position, uop in enumerate(uops):
        values = [registers[uop[name]["index"]] if uop[name]["used"] else 0 for name in "abc"]
        operands.append(values)
        registers = [held.get(index, value) for index, value in enumerate(registers)]
        held = {uop["dest"]["index"]: result(position, values)} if uop["dest"]["used"] else {}
        if not uop.get("hold"):
            registers = [held.get(index, value) for index, value in enumerate(registers)]
            held = {}
    return operands


class Back:
    """Execute, memory and write stage of ``width`` lanes, and the register file."""

    def __init__(self, dut, uops, *, pause):
        self.dut = dut
        self.uops = uops
        self.rng = random.Random(40)
        self.pause = pause
        self.registers = [0] * 32
        # (position, value) of each lane, or None; the youngest stage first.
        self.stages = [[None] * dut.width for _ in range(3)]
        self.issued, self.cycles, self.both = [], 0, 0

    def _is_held(self, age, position):
        """Return whether the result is not for the micro-op behind, still to be issued."""
        follows = any(other is not None and other[0] == position + 1 for other in self.stages[1])
        return bool(self.uops[position].get("hold")) and not (age == 2 and follows)

    def _show_stages(self, ctx):
        """Announce what is on its way."""
        width = self.dut.width
        for age, lanes in enumerate(self.stages):
            for lane, held in enumerate(lanes):
                fields = {}
                if held is not None:
                    uop = self.uops[held[0]]
                    late = lateness(uop)
                    fields = {"used": uop["dest"]["used"], "index": uop["dest"]["index"],
                              "late": late, "product": uop["unit"] is Unit.MULTIPLY,
                              "held": self._is_held(age, held[0]),
                              # What does not exist yet must not be used.
                              "value": held[1] if late.value <= age else 0xBAD}
                ctx.set(self.dut.stages[width * age + width - 1 - lane], fields)

    def _show_next(self, ctx, at):
        for lane in range(self.dut.width):
            there = at + lane < len(self.uops)
            uop = self.uops[at + lane] if there else {}
            first = not (there and at + lane and self.uops[at + lane - 1].get("hold"))
            ctx.set(self.dut.i[lane], {"valid": there, "pc": 4 * (at + lane), "uop": uop,
                                       "first": first})
            for name in "abc":
                read = there and uop[name]["used"]
                ctx.set(getattr(self.dut, f"{name}_value")[lane],
                        self.registers[uop[name]["index"]] if read else 0)

    def _execute(self, ctx):
        """Take what stands in the execute stage."""
        taken = []
        for slot, operands in zip(self.dut.o, self.dut.operands, strict=True):
            if not ctx.get(slot.valid):
                taken.append(None)
                continue
            position = ctx.get(slot.pc) // 4
            values = [ctx.get(getattr(operands, name)) if self.uops[position][name]["used"] else 0
                      for name in "abc"]
            taken.append((position, result(position, values)))
            self.issued.append((position, values))
            if self.uops[position]["unit"] is Unit.DIVIDE:
                before = [self.uops[other[0]]["unit"] for other in self.stages[1]
                          if other is not None]
                assert Unit.DIVIDE not in before, "The divider may end one now"
        self.both += all(held is not None for held in taken) and len(taken) == 2
        return taken

    async def run(self, ctx):
        dut, at = self.dut, 0
        fresh = True
        while len(self.issued) < len(self.uops):
            self.cycles += 1
            assert self.cycles < 20 * len(self.uops), "Nothing goes"
            if fresh:
                self.stages[0] = self._execute(ctx)
            self._show_stages(ctx)
            self._show_next(ctx, at)
            stall = self.rng.random() < self.pause
            ctx.set(dut.stall, stall)
            if ctx.get(dut.advance):
                at += dut.width
            kept = [held if held is not None and self._is_held(2, held[0]) else None
                    for held in self.stages[2]]
            for held, stays in zip(self.stages[2], kept, strict=True):
                if held is not None and not stays and self.uops[held[0]]["dest"]["used"]:
                    self.registers[self.uops[held[0]]["dest"]["index"]] = held[1]
            await ctx.tick()
            fresh = not stall
            empty = [None] * dut.width
            self.stages[2] = kept
            if fresh:
                assert kept == empty or self.stages[1] == empty
                self.stages[1:] = [self.stages[0], self.stages[1] if kept == empty else kept]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_every_micro_op_goes_once_in_order_with_its_operands(width, pause):
    dut = IssueStage(width=width)
    uops = program(random.Random(width), 400, holds=width == 1)
    back = Back(dut, uops, pause=pause)

    async def testbench(ctx):
        await back.run(ctx)

    simulate(dut, testbench)
    assert back.issued == list(enumerate(in_order(uops)))
    assert (back.both > 20) == (width == 2)


@pytest.mark.parametrize("width", [1, 2])
def test_independent_operations_go_at_full_width(width):
    dut = IssueStage(width=width)
    uops = [{"unit": Unit.ALU, "alu": AluOp.ADD, "dest": {"index": index % 8, "used": 1},
             **{name: {"index": 0, "used": 0} for name in "abc"}} for index in range(64)]
    back = Back(dut, uops, pause=0.0)

    async def testbench(ctx):
        await back.run(ctx)

    simulate(dut, testbench)
    assert back.cycles == 64 // width + 1


def test_second_lane_waits_for_the_first():
    """What reads the result of the micro-op in front of it goes one cycle later."""
    dut = IssueStage(width=2)
    uops = [{"unit": Unit.ALU, "alu": AluOp.ADD, "dest": {"index": 1, "used": 1},
             "a": {"index": 1, "used": 1}, "b": {"index": 0, "used": 0},
             "c": {"index": 0, "used": 0}} for _ in range(16)]
    back = Back(dut, uops, pause=0.0)

    async def testbench(ctx):
        await back.run(ctx)

    simulate(dut, testbench)
    assert back.issued == list(enumerate(in_order(uops)))
    assert (back.both, back.cycles) == (0, 17)


def test_refuses_other_widths():
    with pytest.raises(ValueError, match="must be 1 or 2, not 4"):
        IssueStage(width=4)
