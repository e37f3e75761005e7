"""Random programs for a tile in the simulator, and the model that they must agree with."""

import numpy as np

from rtl.config import TILE_TYPES, TileConfig
from rtl.matmul.encoding import (
    ELEMENT_BYTES,
    FIELDS,
    OUTPUTS,
    TYPE_CLASS,
    Instruction,
    assemble,
)
from rtl.matmul.registers import registers
from rtl.matmul.windows import PSUM_BASE, PSUM_STRIDE, QUEUE_BASE, QUEUE_STRIDE, SBUF_STRIDE
from sim.bfm.player import Script
from sim.models.formats import patterns
from sim.models.matmul_program import unroll
from sim.models.matmul_state import TileState

SMALL = TileConfig(size=4, types=TILE_TYPES, sbuf_bytes=4096, psum_banks=4, queue_depth=8,
                   semaphores=8)
"""The smallest array, with every format: a simulator that several files share."""
QUEUES = {"tensor": QUEUE_BASE, "activation": QUEUE_BASE + QUEUE_STRIDE}
NAMES = {field.name: {value: name for name, value in field.values.items()}
         for field in FIELDS if field.values}


def operand(rng, type, shape):
    """Return any INT8 numbers, or patterns of numbers of all sizes that a format has."""
    if type == "int8":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return patterns(type, (rng.standard_normal(shape) * 2.0 ** rng.integers(-4, 5, shape)
                           ).astype(np.float32))


class Session(Script):
    """A script in terms of a tile."""

    def __init__(self, config: TileConfig):
        super().__init__()
        self.config = config
        self.registers = registers(config)

    def offset(self, name):
        return self.registers.register(name).offset

    def sbuf(self, row, address, values):
        self.write(SBUF_STRIDE * row + address, np.ascontiguousarray(values).tobytes())

    def push(self, engine, mnemonic, **fields):
        self.write(QUEUES[engine], assemble(Instruction(mnemonic, **fields)))

    def read_sbuf(self, row, address, count, dtype):
        beats = -(-(address % 16 + count * np.dtype(dtype).itemsize) // 16)
        rows = self.read(SBUF_STRIDE * row + address // 16 * 16, beats)
        return lambda log: log[rows].reshape(-1)[address % 16:].view(dtype)[:count]

    def read_psum(self, row, bank, count, dtype):
        stride = 16 * self.config.size
        rows = self.read(PSUM_BASE + PSUM_STRIDE * row + stride * bank, -(-count * 4 // 16))
        return lambda log: log[rows].reshape(-1).view(dtype)[:count]

    def await_semaphore(self, index):
        self.poll(self.offset(f"SEMAPHORE_{index}"), 0xFFFF, 1, at_least=True)
        self.register(self.offset("SEMAPHORE_ADD"), index | 0xFFFF << 16)


class RandomProgram:
    """Instructions that are right but otherwise random, and the memories that they must leave.

    The host serialises the two engines with a semaphore where one reads what the other writes;
    inside an engine nothing waits.
    """

    def __init__(self, config: TileConfig, seed: int, types):
        self.config = config
        self.rng = np.random.default_rng(seed)
        self.types = types
        self.state = TileState(size=config.size, sbuf_bytes=config.sbuf_bytes,
                               psum_banks=config.psum_banks, chain=config.chain)
        self.script = Session(config)

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def choice(self, names):
        return str(self.rng.choice(names))

    def address(self, size_bytes):
        return 8 * self.integer(0, (self.config.sbuf_bytes - size_bytes) // 8)

    def fill(self):
        """Random SBUF: INT8 anywhere, and patterns that are BF16 and FP32 of all kinds."""
        raw = self.rng.integers(0, 256, self.state.sbuf.shape).astype(np.uint8)
        halves = self.state.sbuf.view(np.uint16)
        halves[:] = raw.view(np.uint16)
        plain = self.rng.random(halves.shape) < 0.95
        halves[plain] = halves[plain] & 0x83FF | 0x3C00
        for row in range(self.config.size):
            self.script.sbuf(row, 0, self.state.sbuf[row])
        self.script.settle()
        seed = self.integer(0, 2 ** 32 - 1)
        self.script.register(self.script.offset("SEED"), seed)
        self.state.random.seed(seed)

    def _relative(self, type):
        """A format that may meet ``type`` in a product."""
        return self.choice([name for name in self.types if TYPE_CLASS[name] == TYPE_CLASS[type]])

    def multiply(self, type):
        size = self.config.size
        k, m = self.integer(1, size), self.integer(1, size)
        load = {"type": self._relative(type), "k": k, "m": m}
        load["address"] = self.address(m * ELEMENT_BYTES[load["type"]])
        self.state.load_stationary(**load)
        self.script.push("tensor", "load_stationary", **load)
        for _ in range(self.integer(0, 3)):
            n = self.integer(1, 4 * size)
            fields = {"type": self._relative(type), "k": self.integer(1, k),
                      "m": self.integer(1, m), "n": n,
                      "address": self.address(n * ELEMENT_BYTES[type]),
                      "bank": self.integer(0, self.config.psum_banks - 1),
                      "offset": self.integer(0, 4 * size - n)}
            written = self.state.written[fields["bank"]][fields["offset"]:fields["offset"] + n]
            fields["accumulate"] = self.integer(0, 1) * int(written.min() >= fields["m"])
            self.state.multiply_moving(**fields)
            self.script.push("tensor", "multiply_moving", **fields)

    def requantisation(self):
        """Any factor, or a power of two that hits ties."""
        if self.rng.random() < 0.5:
            return {"multiplier": self.integer(0, 65535), "shift": self.integer(0, 47)}
        return {"multiplier": 1, "shift": self.integer(0, 9)}

    def outputs(self, type):
        """Outputs that go with a type."""
        small = ["int8"] if type == "int8" else [name for name in self.config.types
                                                 if name != "int8"]
        return [name for name in OUTPUTS if name == "word" or name in small]

    def activate(self, type):
        m = self.integer(1, self.config.size)
        from_sbuf = self.integer(0, 1)
        n = self.integer(1, 40 if from_sbuf else 4 * self.config.size)
        fields = {"type": type, "output": self.choice(self.outputs(type)), "m": m, "n": n,
                  "from_sbuf": from_sbuf, "bias": self.integer(0, 1),
                  "bias_address": self.address(4), "relu": self.integer(0, 1),
                  "destination": self.address(4 * n), "address": self.address(4 * n),
                  "bank": self.integer(0, self.config.psum_banks - 1),
                  "offset": 0 if from_sbuf else self.integer(0, 4 * self.config.size - n),
                  "release": int(self.rng.random() < 0.3),
                  **self.requantisation()}
        if fields["output"] in ("int8", "bf16"):
            fields["stochastic"] = self.integer(0, 1)
        if from_sbuf and abs(fields["destination"] - fields["address"]) < 4 * n:
            return      # the engine reads ahead of its writes
        self.state.activate(**fields)
        self.script.push("activation", "activate", **fields)

    def execute(self, engine, instructions):
        """Push instructions, loops among them; the model executes them unrolled."""
        for instruction in instructions:
            self.script.write(QUEUES[engine], assemble(instruction))
        for instruction in unroll(instructions, size=self.config.size,
                                  psum_banks=self.config.psum_banks):
            fields = {name: NAMES[name][value] if name in NAMES else value
                      for name, value in instruction.fields.items()}
            getattr(self.state, instruction.mnemonic)(**fields)

    def hand_over(self, engine):
        """Wait until ``engine`` has finished what was pushed."""
        self.script.push(engine, "fence", add_index=1, add_value=1)
        self.script.await_semaphore(1)

    def steps(self, count):
        """Multiply and activate in turns."""
        self.fill()
        for _ in range(count):
            type = self.choice(self.types)
            for _ in range(self.integer(1, 5)):
                self.multiply(type)
            self.hand_over("tensor")
            for _ in range(self.integer(1, 3)):
                self.activate(type if self.rng.random() < 0.8 else self.choice(self.types))
            self.hand_over("activation")

    def memories(self, host):
        """Play the script; returns SBUF and PSUM as they are then."""
        config, script = self.config, self.script
        reads = [script.read_sbuf(row, 0, config.sbuf_bytes, np.uint8)
                 for row in range(config.size)]
        words = [[script.read_psum(row, bank, 4 * config.size, np.uint32)
                  for bank in range(config.psum_banks)] for row in range(config.size)]
        log = host.play(script, max_cycles=2_000_000)
        return (np.stack([read(log) for read in reads]),
                np.stack([[word(log) for word in row] for row in words]))


def clear_psum(host, program):
    """PSUM starts as the model has it: zeros, by overwriting it with products of zeros."""
    size = host.config.size
    program.state.written[:] = size
    s = Session(host.config)
    for row in range(size):
        s.sbuf(row, 0, np.zeros(64, np.uint8))
    s.settle()
    s.push("tensor", "load_stationary", type="int8", address=0, k=size, m=size)
    for bank in range(host.config.psum_banks):
        s.push("tensor", "multiply_moving", type="int8", address=0, k=size, m=size, n=4 * size,
               bank=bank)
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    host.play(s, max_cycles=20_000)
