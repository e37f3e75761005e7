"""The whole tile in Verilator, instruction by instruction, against the model."""

import random

import numpy as np
import pytest

from rtl.config import TileConfig
from rtl.matmul.encoding import ERROR_CAUSES, FIELDS, Instruction, assemble
from rtl.matmul.registers import COUNTERS, registers
from rtl.matmul.windows import PSUM_BASE, PSUM_STRIDE, QUEUE_BASE, QUEUE_STRIDE, SBUF_STRIDE
from sim.bfm.player import Script
from sim.bfm.tile_harness import TileHost
from sim.models import matmul as model
from sim.models.matmul_program import unroll
from sim.models.matmul_state import TileState
from sim.models.numerics import bf16_bits

# Eight rows: a load has two groups then, and its second one can be late.
CONFIG = TileConfig(size=8, sbuf_bytes=4096, psum_banks=4, queue_depth=8, semaphores=8)
REGISTERS = registers(CONFIG)
QUEUES = {"tensor": QUEUE_BASE, "activation": QUEUE_BASE + QUEUE_STRIDE}


def offset(name: str) -> int:
    return REGISTERS.register(name).offset


@pytest.fixture(scope="module")
def host():
    return TileHost(CONFIG)


class Session(Script):
    """A script in terms of the tile."""

    def sbuf(self, row, address, values):
        self.write(SBUF_STRIDE * row + address, np.ascontiguousarray(values).tobytes())

    def push(self, engine, mnemonic, **fields):
        self.write(QUEUES[engine], assemble(Instruction(mnemonic, **fields)))

    def read_sbuf(self, row, address, count, dtype):
        beats = -(-(address % 16 + count * np.dtype(dtype).itemsize) // 16)
        rows = self.read(SBUF_STRIDE * row + address // 16 * 16, beats)
        return lambda log: log[rows].reshape(-1)[address % 16:].view(dtype)[:count]

    def read_psum(self, row, bank, count, dtype):
        stride = 16 * CONFIG.size
        rows = self.read(PSUM_BASE + PSUM_STRIDE * row + stride * bank, -(-count * 4 // 16))
        return lambda log: log[rows].reshape(-1).view(dtype)[:count]

    def await_semaphore(self, index):
        self.poll(offset(f"SEMAPHORE_{index}"), 0xFFFF, 1, at_least=True)
        self.register(offset("SEMAPHORE_ADD"), index | 0xFFFF << 16)


def operand(rng, type, shape):
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return bf16_bits((rng.standard_normal(shape) * 2.0 ** rng.integers(-4, 5, shape)
                      ).astype(np.float32))


@pytest.mark.parametrize("type", ["int8", "bf16"])
def test_one_product(host, type):
    rng = np.random.default_rng(1)
    size = CONFIG.size
    weights, columns = operand(rng, type, (size, size)), operand(rng, type, (size, 4 * size))
    s = Session()
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
    want = model.tile_product(weights, columns, type)
    assert np.array_equal(result.view(np.uint32), want.view(np.uint32))


class RandomProgram:
    """Instructions that are right but otherwise random, and the memories that they must leave.

    The host serialises the two engines with a semaphore where one reads what the other writes;
    inside an engine nothing waits.
    """

    SAMPLES = 512

    def __init__(self, seed: int, types=("int8", "bf16")):
        self.rng = np.random.default_rng(seed)
        self.types = types
        self.state = TileState(size=CONFIG.size, sbuf_bytes=CONFIG.sbuf_bytes,
                               psum_banks=CONFIG.psum_banks)
        self.script = Session()
        self.signals = 0

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def address(self, size_bytes):
        return 8 * self.integer(0, (CONFIG.sbuf_bytes - size_bytes) // 8)

    def fill(self):
        """Random SBUF: INT8 anywhere, and patterns that are BF16 and FP32 of all kinds."""
        raw = self.rng.integers(0, 256, self.state.sbuf.shape).astype(np.uint8)
        halves = self.state.sbuf.view(np.uint16)
        halves[:] = raw.view(np.uint16)
        plain = self.rng.random(halves.shape) < 0.95
        halves[plain] = halves[plain] & 0x83FF | 0x3C00
        for row in range(CONFIG.size):
            self.script.sbuf(row, 0, self.state.sbuf[row])
        self.script.settle()

    def multiply(self, type):
        size = CONFIG.size
        element = {"int8": 1, "bf16": 2}[type]
        k, m, n = self.integer(1, size), self.integer(1, size), self.integer(1, 4 * size)
        load = {"type": type, "address": self.address(m * element), "k": k, "m": m}
        self.state.load_stationary(**load)
        self.script.push("tensor", "load_stationary", **load)
        for _ in range(self.integer(0, 3)):
            n = self.integer(1, 4 * size)
            fields = {"type": type, "address": self.address(n * element), "k": k, "m": m, "n": n,
                          "bank": self.integer(0, CONFIG.psum_banks - 1),
                          "offset": self.integer(0, 4 * size - n), "accumulate": self.integer(0, 1)}
            self.state.multiply_moving(**fields)
            self.script.push("tensor", "multiply_moving", **fields)

    def requantisation(self):
        """Any factor, or a power of two that hits ties."""
        if self.rng.random() < 0.5:
            return {"multiplier": self.integer(0, 65535), "shift": self.integer(0, 47)}
        return {"multiplier": 1, "shift": self.integer(0, 9)}

    def activate(self, type):
        m = self.integer(1, CONFIG.size)
        from_sbuf = self.integer(0, 1)
        n = self.integer(1, 40 if from_sbuf else 4 * CONFIG.size)
        output = self.rng.choice(["word", "int8"] if type == "int8" else ["word", "bf16"])
        fields = {"type": type, "output": str(output), "m": m, "n": n, "from_sbuf": from_sbuf,
                      "bias": self.integer(0, 1), "bias_address": self.address(4),
                      "relu": self.integer(0, 1), "destination": self.address(4 * n),
                      "address": self.address(4 * n),
                      "bank": self.integer(0, CONFIG.psum_banks - 1),
                      "offset": 0 if from_sbuf else self.integer(0, 4 * CONFIG.size - n),
                      **self.requantisation()}
        if from_sbuf and abs(fields["destination"] - fields["address"]) < 4 * n:
            return      # the engine reads ahead of its writes
        self.state.activate(**fields)
        self.script.push("activation", "activate", **fields)

    def hand_over(self, engine):
        """Wait until ``engine`` has finished what was pushed."""
        self.script.push(engine, "fence", add_index=self.integer(1, 1), add_value=1)
        self.script.await_semaphore(1)

    def play(self, host, steps):
        self.fill()
        for _ in range(steps):
            type = str(self.rng.choice(self.types))
            for _ in range(self.integer(1, 5)):
                self.multiply(type)
            self.hand_over("tensor")
            for _ in range(self.integer(1, 3)):
                self.activate(type if self.rng.random() < 0.8 else str(self.rng.choice(self.types)))
            self.hand_over("activation")
        return self.memories(host)

    def memories(self, host):
        """Play the script; returns SBUF and PSUM as they are then."""
        reads = [self.script.read_sbuf(row, 0, CONFIG.sbuf_bytes, np.uint8)
                 for row in range(CONFIG.size)]
        words = [[self.script.read_psum(row, bank, 4 * CONFIG.size, np.uint32)
                  for bank in range(CONFIG.psum_banks)] for row in range(CONFIG.size)]
        log = host.play(self.script, max_cycles=2_000_000)
        return (np.stack([read(log) for read in reads]),
                np.stack([[word(log) for word in row] for row in words]))


def clear_psum(host):
    """PSUM starts as the model has it: zeros, by overwriting it with products of zeros."""
    s = Session()
    for row in range(CONFIG.size):
        s.sbuf(row, 0, np.zeros(64, np.uint8))
    s.settle()
    size = CONFIG.size
    s.push("tensor", "load_stationary", type="int8", address=0, k=size, m=size)
    for bank in range(CONFIG.psum_banks):
        s.push("tensor", "multiply_moving", type="int8", address=0, k=size, m=size, n=4 * size,
               bank=bank)
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    host.play(s, max_cycles=20_000)


@pytest.mark.parametrize("types", [("int8",), ("bf16",), ("int8", "bf16")])
@pytest.mark.parametrize("seed", range(4))
def test_random_programs(host, types, seed):
    clear_psum(host)
    program = RandomProgram(seed, types)
    sbuf, psum = program.play(host, 25)
    assert np.array_equal(psum, program.state.psum), f"seed {seed}"
    assert np.array_equal(sbuf, program.state.sbuf), f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_loops_leave_the_same_memories(host, seed):
    """Random loops of products, and of activations; the model executes them unrolled."""
    clear_psum(host)
    program = RandomProgram(seed)
    program.fill()
    state, s = program.state, program.script
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
            for instruction in instructions:
                s.write(QUEUES[engine], assemble(instruction))
            for instruction in unroll(instructions, size=CONFIG.size,
                                      psum_banks=CONFIG.psum_banks):
                names = {field.name: field.values for field in FIELDS if field.values}
                fields = {name: {v: key for key, v in names[name].items()}[value]
                          if name in names else value
                          for name, value in instruction.fields.items()}
                getattr(state, instruction.mnemonic)(**fields)
            program.hand_over(engine)
    sbuf, psum = program.memories(host)
    assert np.array_equal(psum, state.psum) and np.array_equal(sbuf, state.sbuf)


def test_engines_and_bus_at_work_together(host):
    """Disjoint data, no order between the engines: everybody meets everybody at the SBUF banks."""
    clear_psum(host)
    program = RandomProgram(99)
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
    s = Session()
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
    ("tensor", "loop", {"n": 0, "k": 1}, "loop"),
    ("activation", "loop", {"n": 2, "k": 17}, "loop"),
]


@pytest.mark.parametrize("engine, mnemonic, fields, cause", WRONG)
def test_wrong_instructions_stop_their_queue(host, engine, mnemonic, fields, cause):
    other = {"tensor": "activation", "activation": "tensor"}[engine]
    s = Session()
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

    s = Session()
    s.register(offset("COMMAND"), 2)
    s.register(offset("IRQ_STATUS"), 7)
    s.register(offset("IRQ_ENABLE"), 0)
    s.push(engine, "nop", add_index=1, add_value=1)
    s.await_semaphore(1)
    s.poll(offset("STATUS"), 0xFFFF_FFFF, 0)
    host.play(s, max_cycles=5_000)
    assert not host.model.get("irq")


def test_interrupts_when_done(host):
    s = Session()
    s.register(offset("IRQ_ENABLE"), 3)
    for engine in QUEUES:
        s.push(engine, "nop", interrupt=1)
    s.push("tensor", "multiply_moving", type="int8", k=1, m=1, n=1, interrupt=1)
    s.poll(offset("IRQ_STATUS"), 7, 3)
    s.poll(offset("STATUS"), 0xF, 0)
    host.play(s, max_cycles=5_000)
    assert host.model.get("irq")
    s = Session()
    s.register(offset("IRQ_STATUS"), 3)
    s.poll(offset("IRQ_STATUS"), 7, 0)
    s.register(offset("IRQ_ENABLE"), 0)
    host.play(s, max_cycles=5_000)
    assert not host.model.get("irq")
