# amaranth: UnusedElaboratable=no

"""Hardware loops against the model, with stalls on both sides."""

import random

import pytest

from rtl.config import TileConfig
from rtl.matmul.encoding import FIELDS, HEADER, OPCODES, Instruction, assemble
from rtl.matmul.instruction import InstructionLayout
from rtl.matmul.sequencer import Sequencer
from sim.models.matmul_program import unroll
from tests.helpers import simulate

CONFIG = TileConfig(size=4, psum_banks=4, loop_body=8)
WIDTH = {field.name: field.width for field in FIELDS}
SIGNED = {field.name for field in FIELDS if field.signed}


def payload(engine, instruction):
    """Return the bits of ``instruction`` that the layout of an engine keeps."""
    code = int.from_bytes(assemble(instruction), "little")
    return sum((code >> bit & 1) << index
               for index, bit in enumerate(InstructionLayout(engine).bits))


def random_instruction(rng, engine):
    mnemonic = rng.choice([name for name, op in OPCODES.items()
                           if op.engine in (engine, "any") and name != "loop"])
    fields = {}
    for name in HEADER[1:] + OPCODES[mnemonic].fields:
        low = -(1 << WIDTH[name] - 1) if name in SIGNED else 0
        fields[name] = rng.randrange(low, low + (1 << WIDTH[name]))
    if "bank" in fields:
        fields["bank"] %= CONFIG.psum_banks
        fields["offset"] %= 4 * CONFIG.size
    return Instruction(mnemonic, **fields)


def random_program(rng, engine):
    program = []
    for _ in range(12):
        if rng.random() < 0.6:
            body = rng.randint(1, CONFIG.loop_body)
            program.append(Instruction("loop", n=rng.choice((1, 2, 3, 7)), k=body))
            program += [random_instruction(rng, engine) for _ in range(body)]
        else:
            program.append(random_instruction(rng, engine))
    return program


def run(config, engine, program, expected, *, idle, stall, seed=1):
    """Feed ``program``, take what comes; ``idle`` and ``stall`` are shares of the cycles."""
    dut = Sequencer(config, engine)
    rng = random.Random(seed)
    got = []

    async def feed(ctx):
        for instruction in program:
            while rng.random() < idle:
                await ctx.tick()
            ctx.set(dut.i.payload.as_value(), payload(engine, instruction))
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)

    async def take(ctx):
        cycles = 0
        while len(got) < len(expected):
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            _, _, valid, code = await ctx.tick().sample(dut.o.valid, dut.o.payload.as_value())
            if valid and ready:
                got.append(code)
            cycles += 1
            assert cycles < 100 * len(expected) + 100, "instructions are missing"
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.busy) and not ctx.get(dut.o.valid)

    simulate(dut, feed, take)
    for index, (have, want) in enumerate(zip(got, expected, strict=True)):
        layout, bits = InstructionLayout(engine), payload(engine, want)
        for name in HEADER + OPCODES[want.mnemonic].fields:
            if name not in ("once", "fresh") and not name.endswith("_step"):
                offset, ones = layout[name].offset, (1 << WIDTH[name]) - 1
                assert have >> offset & ones == bits >> offset & ones, (index, name)


@pytest.mark.parametrize("engine", ["tensor", "activation"])
@pytest.mark.parametrize("idle, stall", [(0, 0), (0.3, 0), (0, 0.4), (0.5, 0.5)])
def test_random_programs(engine, idle, stall):
    program = random_program(random.Random(f"{engine} {idle} {stall}"), engine)
    expected = list(unroll(program, size=CONFIG.size, psum_banks=CONFIG.psum_banks))
    run(CONFIG, engine, program, expected, idle=idle, stall=stall)


def test_one_instruction_a_cycle():
    """300 iterations of a pair take 600 cycles, and one for the loop."""
    dut = Sequencer(CONFIG, "tensor")
    program = [Instruction("loop", n=300, k=2), Instruction("load_stationary", address_step=2),
               Instruction("multiply_moving", address_step=-1, column_step=3)]

    async def feed(ctx):
        ctx.set(dut.o.ready, 1)
        for instruction in program:
            ctx.set(dut.i.payload.as_value(), payload("tensor", instruction))
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        cycles = 0
        while ctx.get(dut.busy):
            await ctx.tick()
            cycles += 1
        assert cycles == 2 * 300 - 2 + 1

    simulate(dut, feed)


WRONG_LOOPS = [{"n": 0, "k": 1}, {"n": 1, "k": 0}, {"n": 1, "k": 9}, {"n": 1, "k": 1, "wait": 1},
               {"n": 1, "k": 1, "add_value": 1}, {"n": 1, "k": 1, "interrupt": 1}]


@pytest.mark.parametrize("fields", WRONG_LOOPS)
def test_wrong_loops_pass(fields):
    program = [Instruction("loop", **fields), Instruction("nop", add_value=3)]
    run(CONFIG, "tensor", program, program, idle=0, stall=0)


def test_a_loop_in_a_loop_passes():
    inner = Instruction("loop", n=2, k=1)
    program = [Instruction("loop", n=2, k=2), inner, Instruction("nop", add_value=3)]
    run(CONFIG, "activation", program, 2 * program[1:], idle=0, stall=0.3)


def test_without_loops_everything_passes():
    program = [Instruction("loop", n=2, k=1), Instruction("fence", add_value=3)]
    run(TileConfig(size=4, loop_body=0), "tensor", program, program, idle=0.3, stall=0.3)


def test_model_by_hand():
    program = [Instruction("loop", n=3, k=1),
               Instruction("multiply_moving", accumulate=1, fresh=1, once=1, wait=1, wait_value=2,
                           add_value=1, address=16, address_step=-1, bank=3, offset=10,
                           column_step=9)]
    first, second, third = unroll(program, size=4, psum_banks=4)
    assert str(first) == ("multiply_moving wait=1 wait_value=2 address=0x10 bank=3 offset=10")
    assert str(second) == "multiply_moving accumulate=1 wait_value=2 address=0x8 offset=3"
    assert str(third) == "multiply_moving accumulate=1 wait_value=2 add_value=1 offset=12"
