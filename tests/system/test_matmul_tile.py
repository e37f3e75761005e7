"""The whole tile in Verilator, instruction by instruction, against the model."""

import random

import numpy as np
import pytest

from rtl.config import TileConfig
from rtl.matmul.encoding import ERROR_CAUSES, Instruction
from rtl.matmul.registers import COUNTERS, registers
from sim.bfm.tile_harness import TileHost
from sim.models import matmul as model
from tests.system.tile_programs import QUEUES, RandomProgram, Session, clear_psum, operand

# Eight rows: a load has two groups then, and its second one can be late.
CONFIG = TileConfig(size=8, sbuf_bytes=4096, psum_banks=4, queue_depth=8, semaphores=8)
REGISTERS = registers(CONFIG)


def offset(name: str) -> int:
    return REGISTERS.register(name).offset


@pytest.fixture(scope="module")
def host():
    return TileHost(CONFIG)


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_one_product(host, type):
    rng = np.random.default_rng(1)
    size = CONFIG.size
    weights, columns = operand(rng, type, (size, size)), operand(rng, type, (size, 4 * size))
    s = Session(CONFIG)
    for row in range(size):
        s.sbuf(row, 0x40, weights[row])
        s.sbuf(row, 0x80, columns[row])
    s.settle()
    s.push("tensor", "load_stationary", type=type, address=0x40, k=size, m=size)
    s.push("tensor", "multiply_moving", type=type, address=0x80, k=size, m=size, n=4 * size,
           bank=1, add_index=2, add_value=1)
    s.await_semaphore(2)
    dtype = np.int32 if type == "int8" else np.float32
    got = [s.read_psum(row, 1, 4 * size, dtype) for row in range(size)]
    log = host.play(s, max_cycles=20_000)
    result = np.stack([row(log) for row in got])
    want = model.tile_product(weights, columns, type, size=size, chain=CONFIG.chain)
    assert np.array_equal(result.view(np.uint32), want.view(np.uint32))


@pytest.mark.parametrize("types", [("int8",), ("bf16",), ("int8", "bf16")])
@pytest.mark.parametrize("seed", range(4))
def test_random_programs(host, types, seed):
    program = RandomProgram(CONFIG, seed, types)
    clear_psum(host, program)
    program.steps(25)
    sbuf, psum = program.memories(host)
    assert np.array_equal(psum, program.state.psum), f"seed {seed}"
    assert np.array_equal(sbuf, program.state.sbuf), f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_loops_leave_the_same_memories(host, seed):
    """Random loops of products, and of activations; the model executes them unrolled."""
    program = RandomProgram(CONFIG, seed, CONFIG.types)
    clear_psum(host, program)
    program.fill()
    state = program.state
    rng = random.Random(seed)
    for _ in range(12):
        type = rng.choice(("int8", "bf16"))
        count, pairs = rng.randint(1, 6), rng.randint(1, 8)
        n = rng.randint(1, 6)
        tensor = [Instruction("loop", n=count, k=2 * pairs)]
        for _ in range(pairs):
            k, m = rng.randint(1, 8), rng.randint(1, 8)
            tensor += [
                Instruction("load_stationary", type=type, k=k, m=m,
                            address=8 * rng.randint(100, 200), address_step=rng.randint(-9, 9)),
                Instruction("multiply_moving", type=type, k=k, m=m, n=n, accumulate=1,
                            fresh=rng.randint(0, 1), bank=rng.randint(0, 3), offset=2 * n,
                            column_step=32 * rng.randint(-3, 3),
                            address=8 * rng.randint(100, 200), address_step=rng.randint(-9, 9))]
        activation = [
            Instruction("loop", n=count, k=1),
            Instruction("activate", type="int8", output="int8", m=8, n=n, bias=1,
                        bias_address=512, bias_step=rng.randint(0, 3), bank=rng.randint(0, 3),
                        column_step=8 * rng.randint(-8, 8),
                        destination=2048 + 8 * rng.randint(0, 40),
                        destination_step=rng.randint(-9, 9), multiplier=1, shift=4)]
        for engine, instructions in (("tensor", tensor), ("activation", activation)):
            program.execute(engine, instructions)
            program.hand_over(engine)
    sbuf, psum = program.memories(host)
    assert np.array_equal(psum, state.psum) and np.array_equal(sbuf, state.sbuf)


def test_engines_and_bus_at_work_together(host):
    """Disjoint data, no order between the engines: everybody meets everybody at the SBUF banks."""
    program = RandomProgram(CONFIG, 99, CONFIG.types)
    clear_psum(host, program)
    program.fill()
    state, s, rng = program.state, program.script, program.rng
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    reads = []
    for step in range(60):
        type = ("int8", "bf16")[step // 20 % 2]
        load = {"type": type, "address": 8 * program.integer(0, 100), "k": 8, "m": 8}
        state.load_stationary(**load)
        s.push("tensor", "load_stationary", **load)
        multiply = {"type": type, "address": 8 * program.integer(0, 100), "k": 8, "m": 8,
                    "n": program.integer(1, 32), "bank": step % 2, "accumulate": 0}
        state.multiply_moving(**multiply)
        s.push("tensor", "multiply_moving", **multiply)
        activate = {"type": "int8", "output": ("word", "int8")[step % 2], "from_sbuf": 1, "m": 8,
                    "n": program.integer(1, 60), "address": 1024 + 8 * program.integer(0, 60),
                    "destination": 2048 + 8 * program.integer(0, 60), "bias": 1,
                    "bias_address": 1024, "multiplier": 1, "shift": 20}
        state.activate(**activate)
        s.push("activation", "activate", **activate)
        row, address = program.integer(0, 7), 3072 + 16 * program.integer(0, 50)
        payload = rng.integers(0, 256, program.integer(1, 100)).astype(np.uint8)
        state.sbuf[row, address:address + len(payload)] = payload
        s.sbuf(row, address, payload)
        reads.append((s.read_sbuf(row, address, len(payload), np.uint8), payload))
    for engine in QUEUES:
        program.hand_over(engine)
    finals = [s.read_sbuf(row, 0, CONFIG.sbuf_bytes, np.uint8) for row in range(CONFIG.size)]
    words = [s.read_psum(row, bank, 32, np.uint32) for row in range(8) for bank in range(2)]
    rows = sample_counters(s)
    log = host.play(s, max_cycles=100_000)
    assert all(np.array_equal(read(log), payload) for read, payload in reads)
    assert np.array_equal(np.stack([read(log) for read in finals]), state.sbuf)
    assert np.array_equal(np.stack([word(log) for word in words]).reshape(8, 2, 32),
                          state.psum[:, :2])
    assert counters(log, rows)["STALL_SBUF_BANK"], "no load met a column at a bank"


def counters(log, rows):
    return {name: int.from_bytes(log[low, :4].tobytes() + log[high, :4].tobytes(), "little")
            for name, (low, high) in rows.items()}


def sample_counters(script):
    return {name: tuple(script.sample(offset(f"{name}_{half}")) for half in ("LO", "HI"))
            for name in COUNTERS}


def test_counters_add_up(host):
    s = Session(CONFIG)
    s.register(offset("COMMAND"), 3)
    for row in range(CONFIG.size):
        s.sbuf(row, 0, np.ones(256, np.uint8))
    s.settle()
    for index in range(6):
        type = "int8" if index < 3 else "bf16"
        s.push("tensor", "load_stationary", type=type, address=0, k=3, m=2)
        for _ in range(2):
            s.push("tensor", "multiply_moving", type=type, address=64, k=3, m=2, n=5, bank=1,
                   accumulate=int(index > 0))
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    s.register(offset("CTRL"), 0)
    rows = sample_counters(s)
    s.register(offset("CTRL"), 1)
    values = counters(host.play(s, max_cycles=20_000), rows)
    stalls = {name: value for name, value in values.items() if name.startswith("STALL_")}
    assert values["TENSOR_ACTIVE"] == 12 * 5
    assert values["MACS"] == 12 * 5 * 3 * 2
    assert (values["LOADS"], values["MULTIPLIES"]) == (6, 12)
    assert values["TENSOR_ACTIVE"] + sum(stalls.values()) == values["CYCLES"]
    # Two products of 5 columns to the same words: each column of the second waits in BF16.
    assert stalls["STALL_PSUM_HAZARD"] and stalls["STALL_DRAIN"] and stalls["STALL_IDLE"]


WRONG = [
    ("tensor", "activate", {"type": "int8", "m": 1, "n": 1}, "opcode"),
    ("activation", "load_stationary", {"type": "int8", "k": 1, "m": 1}, "opcode"),
    ("tensor", "load_stationary", {"type": 7, "k": 1, "m": 1}, "type"),
    ("activation", "activate", {"type": "int8", "output": "bf16", "m": 1, "n": 1}, "type"),
    ("activation", "activate", {"type": "bf16", "output": "int8", "m": 1, "n": 1}, "type"),
    ("tensor", "load_stationary", {"type": "int8", "k": 0, "m": 1}, "size"),
    ("tensor", "load_stationary", {"type": "int8", "k": 1, "m": 9}, "size"),
    ("tensor", "multiply_moving", {"type": "int8", "k": 1, "m": 1, "n": 33}, "size"),
    ("tensor", "load_stationary", {"type": "int8", "k": 1, "m": 1, "address": 4}, "address"),
    ("tensor", "load_stationary", {"type": "bf16", "k": 1, "m": 1, "address": 4096}, "address"),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 3, "destination": 4088}, "address"),
    ("tensor", "multiply_moving", {"type": "int8", "k": 1, "m": 1, "n": 9, "offset": 24}, "psum"),
    ("tensor", "multiply_moving", {"type": "int8", "k": 1, "m": 1, "n": 1, "bank": 4}, "psum"),
    ("tensor", "nop", {"add_index": 8, "add_value": 1}, "semaphore"),
    ("activation", "nop", {"wait": 1, "wait_index": 63}, "semaphore"),
    ("tensor", "multiply_moving", {"type": "int8", "k": 1, "m": 1, "n": 1}, "weights"),
    ("tensor", "loop", {"n": 0, "k": 1}, "loop"),
    ("activation", "loop", {"n": 2, "k": 17}, "loop"),
]


@pytest.mark.parametrize("engine, mnemonic, fields, cause", WRONG)
def test_wrong_instructions_stop_their_queue(host, engine, mnemonic, fields, cause):
    other = {"tensor": "activation", "activation": "tensor"}[engine]
    s = Session(CONFIG)
    s.register(offset("COMMAND"), 3)
    s.register(offset("IRQ_ENABLE"), 4)
    s.push(engine, "nop")
    s.push(engine, mnemonic, **fields)
    s.push(engine, "nop", add_index=1, add_value=1)
    s.push(other, "nop", add_index=2, add_value=1)
    s.await_semaphore(2)
    s.poll(offset("STATUS"), 0xC, 4 if engine == "tensor" else 8)
    error = s.sample(offset(f"{engine.upper()}_ERROR"))
    other_error = s.sample(offset(f"{other.upper()}_ERROR"))
    behind = s.sample(offset("SEMAPHORE_1"))
    log = host.play(s, max_cycles=5_000)
    assert host.model.get("irq")
    value = int.from_bytes(log[error, :4].tobytes(), "little")
    assert (value & 0xFF, value >> 8) == (ERROR_CAUSES[cause][0], 1)
    assert not log[other_error, 0] and not log[behind, 0]

    s = Session(CONFIG)
    s.register(offset("COMMAND"), 2)
    s.register(offset("IRQ_STATUS"), 7)
    s.register(offset("IRQ_ENABLE"), 0)
    s.push(engine, "nop", add_index=1, add_value=1)
    s.await_semaphore(1)
    s.poll(offset("STATUS"), 0xFFFF_FFFF, 0)
    host.play(s, max_cycles=5_000)
    assert not host.model.get("irq")


def test_interrupts_when_done(host):
    s = Session(CONFIG)
    s.register(offset("IRQ_ENABLE"), 3)
    for engine in QUEUES:
        s.push(engine, "nop", interrupt=1)
    s.push("tensor", "load_stationary", type="int8", k=1, m=1)
    s.push("tensor", "multiply_moving", type="int8", k=1, m=1, n=1, interrupt=1)
    s.poll(offset("IRQ_STATUS"), 7, 3)
    s.poll(offset("STATUS"), 0xF, 0)
    host.play(s, max_cycles=5_000)
    assert host.model.get("irq")
    s = Session(CONFIG)
    s.register(offset("IRQ_STATUS"), 3)
    s.poll(offset("IRQ_STATUS"), 7, 0)
    s.register(offset("IRQ_ENABLE"), 0)
    host.play(s, max_cycles=5_000)
    assert not host.model.get("irq")
