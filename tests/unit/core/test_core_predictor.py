# amaranth: UnusedElaboratable=no

"""Branch prediction against a second formulation, and what each part of it is for."""

import random

import pytest

from rtl.core.predictor import INDEX_BITS, TARGET_BITS, BranchKind, Predictor, predicted_target
from tests.helpers import simulate

CONDITIONAL, JUMP, CALL, RETURN = BranchKind
MASK = (1 << TARGET_BITS) - 1


class Reference:
    """The same predictor in Python: whole addresses, dictionaries, one branch after the other."""

    def __init__(self, *, entries, history_bits):
        self.entries = entries
        self.shift = INDEX_BITS - history_bits
        self.history_mask = (1 << history_bits) - 1
        self.buffer, self.varying, self.counters = {}, {}, {}
        self.stack, self.depth, self.history = [0] * 8, 0, 0

    def _entry(self, pc):
        tag, kind, target = self.buffer.get(pc // 4 % self.entries, (None, None, None))
        return (kind, target) if tag == pc // 4 // self.entries % 1024 else (None, None)

    def predict(self, pc):
        """Return where fetch goes behind ``pc``, and move on."""
        kind, target = self._entry(pc)
        self.index = (pc // 4 ^ (self.history << self.shift)) % (1 << INDEX_BITS)
        self.before = (self.history, self.depth)
        self.counter = self.counters.get(self.index, 2)
        taken = kind is not None and (kind is not CONDITIONAL or self.counter >= 2)
        if kind is RETURN:
            target = self.stack[self.depth]
        elif kind in (JUMP, CALL):
            tag, varying = self.varying.get(self.index >> 4, (None, None))
            target = varying if tag == pc // 4 % 1024 else target
        self._advance(kind, taken, pc, known=kind is not None)
        return pc // (4 << TARGET_BITS) * (4 << TARGET_BITS) + target * 4 if taken else pc + 4

    def _advance(self, kind, taken, pc, known):
        if kind is CONDITIONAL and known:
            self.history = (self.history << 1 | taken) & self.history_mask
        if kind is CALL and taken:
            self.depth = (self.depth + 1) % 8
            self.stack[self.depth] = pc // 4 + 1 & MASK
        elif kind is RETURN and taken:
            self.depth = (self.depth - 1) % 8

    def resolve(self, pc, kind, taken, target, wrong):
        """Take the outcome of the branch predicted last."""
        if kind is CONDITIONAL:
            self.counters[self.index] = (min(3, self.counter + 1) if taken
                                         else max(0, self.counter - 1))
        if not wrong:
            return
        place = pc // 4 % self.entries
        if kind is None:
            self.buffer.pop(place, None)
        elif taken:
            self.buffer[place] = (pc // 4 // self.entries % 1024, kind, target // 4 & MASK)
        if kind in (JUMP, CALL):
            self.varying[self.index >> 4] = (pc // 4 % 1024, target // 4 & MASK)
        if kind is not None:
            self.history, self.depth = self.before
            self._advance(kind, True if kind is not CONDITIONAL else taken, pc, known=True)


class Driver:
    """Fetches one instruction and resolves it before the next one."""

    def __init__(self, dut):
        self.dut = dut
        self.rng = random.Random(14)

    async def step(self, ctx, pc, kind, taken, target):
        """Run the instruction at ``pc``; return where it was predicted to go."""
        dut = self.dut
        ctx.set(dut.update, {"valid": 0})
        ctx.set(dut.repair, 0)
        ctx.set(dut.addr, pc)
        await ctx.tick()
        ctx.set(dut.pc, pc)
        lane = pc // 4 % dut.width
        ctx.set(dut.advance, 1 << lane)
        prediction = ctx.get(dut.o[lane])
        goes = ctx.get(predicted_target(dut.o[lane], dut.pc)) if prediction.taken else pc + 4
        await ctx.tick()
        ctx.set(dut.advance, 0)
        actual = target if taken else pc + 4
        resolved = {
            "valid": kind is not None or prediction.taken, "wrong": goes != actual,
            "branch": kind is not None, "kind": kind or JUMP, "taken": taken, "pc": pc,
            "target": target, "prediction": prediction}
        # A late branch is repaired one cycle behind its update.
        late = kind is CONDITIONAL and goes != actual and self.rng.random() < 0.5
        ctx.set(dut.update, resolved)
        ctx.set(dut.resolved, {} if late else resolved)
        ctx.set(dut.repair, goes != actual and not late)
        if late:
            await ctx.tick()
            ctx.set(dut.update, {})
            ctx.set(dut.rewind, 1)
            ctx.set(dut.recall, 1)
            ctx.set(dut.depth, prediction.depth)
        await ctx.tick()
        ctx.set(dut.update, {"valid": 0})
        ctx.set(dut.repair, 0)
        ctx.set(dut.rewind, 0)
        ctx.set(dut.recall, 0)
        return goes


@pytest.mark.parametrize("history_bits, width", [(0, 1), (6, 1), (12, 1), (12, 2)])
def test_random_branches_against_the_reference(history_bits, width):
    dut = Predictor(entries=16, history_bits=history_bits, width=width)
    right = []

    async def testbench(ctx):
        rng = random.Random(12 + history_bits)
        driver, reference = Driver(dut), Reference(entries=16, history_bits=history_bits)
        kinds = [None, CONDITIONAL, CONDITIONAL, JUMP, CALL, RETURN]
        program = {pc: (rng.choice(kinds), rng.randrange(0, 1 << 30, 4))
                   for pc in rng.sample(range(0x4000_0000, 0x4000_0400, 4), 40)}
        for _ in range(400):
            pc = rng.choice(list(program))
            kind, target = program[pc]
            if kind is RETURN or rng.random() < 0.1:
                target = rng.choice([reference.stack[reference.depth] * 4 | 0x4000_0000,
                                     rng.randrange(0, 1 << 30, 4)])
            taken = kind is not None and (kind is not CONDITIONAL or rng.random() < 0.6)
            expected = reference.predict(pc)
            assert await driver.step(ctx, pc, kind, taken, target) == expected
            actual = target if taken else pc + 4
            reference.resolve(pc, kind, taken, target, expected != actual)
            right.append(expected == actual and taken)

    simulate(dut, testbench)
    assert any(right)


def test_indirect_branch_follows_what_went_before():
    """A jump that goes where the branches in front of it say is learned, target by target."""
    dut = Predictor(entries=512, history_bits=12)

    async def testbench(ctx):
        driver, rng, right = Driver(dut), random.Random(13), []
        for _ in range(160):
            bits = rng.randrange(4)
            for place in range(2):
                pc = 0x1000 + 8 * place
                await driver.step(ctx, pc, CONDITIONAL, bits >> place & 1, pc + 0x100)
            # Enough outcomes that all say the same, so that the others reach the table's index.
            for place in range(4):
                await driver.step(ctx, 0x1040 + 8 * place, CONDITIONAL, 1, 0x2100)
            target = 0x8000 + 0x40 * bits
            right.append(await driver.step(ctx, 0x1080, JUMP, 1, target) == target)
        # Sixteen outcomes are possible, with those of the turn before.
        assert sum(right[100:]) >= 57

    simulate(dut, testbench)


def test_returns_of_nested_calls():
    dut = Predictor(entries=256, history_bits=12)

    async def testbench(ctx):
        driver = Driver(dut)
        for turn in range(3):
            calls = [0x1000 + 0x204 * depth for depth in range(8)]
            for pc in calls:
                await driver.step(ctx, pc, CALL, 1, pc + 0x100)
            for pc in reversed(calls):
                goes = await driver.step(ctx, pc + 0x110, RETURN, 1, pc + 4)
                assert goes == pc + 4 or turn == 0

    simulate(dut, testbench)


def test_target_beyond_the_window_is_mispredicted_and_nothing_worse():
    dut = Predictor(entries=64, history_bits=12)

    async def testbench(ctx):
        driver, far = Driver(dut), 0x10_0000_0000
        await driver.step(ctx, 0x1000, JUMP, 1, far)
        assert await driver.step(ctx, 0x1000, JUMP, 1, far) == far % (4 << TARGET_BITS)
        assert await driver.step(ctx, far, JUMP, 1, far + 0x40) == far + 4
        assert await driver.step(ctx, far, JUMP, 1, far + 0x40) == far + 0x40

    simulate(dut, testbench)
