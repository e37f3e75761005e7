# amaranth: UnusedElaboratable=no

"""The front end, with a test bench that resolves branches in place of the pipeline."""

import random
from collections import deque

import pytest

from rtl.config import CoreConfig
from rtl.core.fetch import Fetch, FetchFault
from rtl.core.predictor import TARGET_BITS, BranchKind
from rtl.core.regions import CoreRegion
from tests.helpers import simulate
from tests.unit.core.axi_peer import AxiPeer

CONDITIONAL, JUMP, CALL, RETURN = BranchKind
BASE, SIZE = 0x1000, 0x1000
LIMIT = 30_000
WINDOW = 4 << TARGET_BITS


def front_end(*, width, ways=2):
    config = CoreConfig(icache_bytes=1024, icache_ways=ways, btb_entries=64)
    return Fetch(config, regions=[CoreRegion(BASE, SIZE)], width=width)


class Program:
    """A path through random code: branches stand at fixed places, and go where chance says.

    Parameters
    ----------
    rng
        Chance.
    wild : :class:`float`
        Probability that an indirect branch leaves the memory.
    """

    def __init__(self, rng, *, wild):
        self.rng = rng
        self.wild = wild
        self.branches = {
            pc: (rng.choice([CONDITIONAL, CONDITIONAL, JUMP, CALL, RETURN]),
                 rng.randrange(BASE, BASE + SIZE - 0x40, 4))
            for pc in rng.sample(range(BASE, BASE + SIZE, 4), 160)}
        # The last word of the memory goes back, so that nobody runs out of it.
        self.branches[BASE + SIZE - 4] = (JUMP, BASE)

    def outcome(self, pc):
        """Return kind, whether taken, and target of the instruction at ``pc``."""
        kind, target = self.branches.get(pc, (None, 0))
        if kind is RETURN:
            target = self.rng.choice([BASE + 0x100, BASE + 0x404, BASE + 0x80C])
            if self.rng.random() < self.wild:
                target = self.rng.choice([0x40, BASE + SIZE, 0x3000, BASE + 2, 1 << 41])
        taken = kind is not None and (kind is not CONDITIONAL or self.rng.random() < 0.6)
        return kind, taken, target


class Back:
    """What stands behind the front end: takes instructions, and resolves one branch a cycle."""

    def __init__(self, dut, memory, program, *, pause):
        self.dut = dut
        self.memory = memory
        self.program = program
        self.pause = pause
        # Instead of a reset.
        self.updates = deque([({"valid": 0, "prediction": {"depth": 0}}, BASE)])
        self.taken = self.faults = self.cycles = self.right = 0
        self.expected = BASE

    def _take(self, ctx, fetched):
        """Check one instruction; return whether the one behind it is on the right way."""
        assert fetched.pc == self.expected % (1 << 40), hex(fetched.pc)
        self.taken += 1
        if self.expected % 4 or not BASE <= self.expected < BASE + SIZE:
            fault = (FetchFault.ALIGNMENT if self.expected % 4 else
                     FetchFault.ADDRESS if self.expected >> 40 else FetchFault.EXTERNAL)
            assert fetched.fault is fault
            assert ctx.get(self.dut.beyond) == self.expected >> 40
            self.faults += 1
            self._redirect(fetched, BASE + 0x200)
            return False
        assert fetched.fault is FetchFault.NONE
        assert fetched.insn == int.from_bytes(self.memory[fetched.pc:fetched.pc + 4], "little")
        kind, taken, target = self.program.outcome(fetched.pc)
        prediction = fetched.prediction
        goes = (fetched.pc // WINDOW * WINDOW + 4 * prediction.target if prediction.taken
                else fetched.pc + 4)
        actual = target if taken else fetched.pc + 4
        if kind is not None or prediction.taken:
            update = {"valid": 1, "branch": kind is not None, "kind": kind or JUMP,
                      "taken": taken, "pc": fetched.pc, "target": target % (1 << 40),
                      "prediction": prediction}
            self.updates.append((update, actual if goes != actual else None))
            self.right += goes == actual
        self.expected = actual
        return goes == actual

    def _redirect(self, fetched, target):
        self.updates.append(({"valid": 0, "prediction": fetched.prediction}, target))
        self.expected = target

    async def run(self, ctx, instructions):
        dut, rng = self.dut, random.Random(20)
        while self.taken < instructions:
            self.cycles += 1
            assert self.cycles < LIMIT
            update, target = self.updates.popleft() if self.updates else ({"valid": 0}, None)
            ctx.set(dut.update, update | {"wrong": target is not None})
            ctx.set(dut.resolved, update)
            ctx.set(dut.redirect, target is not None)
            ctx.set(dut.repair, update["valid"])
            if target is not None:
                ctx.set(dut.target, target)
                if not update["valid"]:
                    ctx.set(dut.depth, update["prediction"]["depth"])
            ready = not self.updates and target is None and rng.random() >= self.pause
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                payload = ctx.get(dut.o.payload)
                lanes = [payload.lanes[0]]
                if dut.width == 2 and payload.more:
                    lanes.append(payload.lanes[1])
                for fetched in lanes:
                    if not self._take(ctx, fetched):
                        break
            await ctx.tick()


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("pause, slow", [(0, 0), (0.4, 0.3)])
def test_random_paths(width, pause, slow):
    """Every instruction on the way of the program comes once; nothing else is ever fetched."""
    dut = front_end(width=width)
    memory = bytearray(random.Random(21).randbytes(BASE + SIZE))
    peer = AxiPeer(dut.m_axi, memory, slow=slow)
    back = Back(dut, memory, Program(random.Random(22), wild=0.1), pause=pause)

    async def testbench(ctx):
        await back.run(ctx, 2500)

    simulate(dut, testbench, processes=[peer.serve])
    assert back.faults > 5
    assert back.right > 200
    assert all(BASE <= addr < BASE + SIZE for addr, _, _ in peer.reads)


@pytest.mark.parametrize("width", [1, 2])
def test_straight_code_comes_at_full_width(width):
    """A loop of 64 instructions takes 64 / width cycles a turn; its branch costs nothing."""
    dut = front_end(width=width)
    memory = bytearray(random.Random(23).randbytes(BASE + SIZE))
    peer = AxiPeer(dut.m_axi, memory, slow=0)
    program = Program(random.Random(24), wild=0)
    program.branches = {BASE + 0xFC: (JUMP, BASE)}
    back = Back(dut, memory, program, pause=0)

    async def testbench(ctx):
        await back.run(ctx, 64 * 3)
        before = back.cycles
        await back.run(ctx, 64 * 13)
        assert back.cycles - before <= 10 * (64 // width + 1)

    simulate(dut, testbench, processes=[peer.serve])


def test_lanes_behind_a_taken_branch_are_not_there():
    """The second instruction of a group comes only when the first does not leave it."""
    dut = front_end(width=2)
    memory = bytearray(random.Random(25).randbytes(BASE + SIZE))
    peer = AxiPeer(dut.m_axi, memory, slow=0)
    program = Program(random.Random(26), wild=0)
    # Both places of a group, entered at both.
    program.branches = {BASE + 0x40: (JUMP, BASE + 0x84), BASE + 0x84: (JUMP, BASE + 0x40)}
    back = Back(dut, memory, program, pause=0)

    async def testbench(ctx):
        await back.run(ctx, 16 + 40)

    simulate(dut, testbench, processes=[peer.serve])
    assert back.right > 30
