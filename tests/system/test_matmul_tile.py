"""The whole tile in Verilator, instruction by instruction, against the model."""

import numpy as np
import pytest

from rtl.config import TileConfig
from rtl.matmul.encoding import Instruction, assemble
from rtl.matmul.registers import registers
from rtl.matmul.windows import PSUM_BASE, PSUM_STRIDE, QUEUE_BASE, QUEUE_STRIDE, SBUF_STRIDE
from sim.bfm.player import Script
from sim.bfm.tile_harness import TileHost
from sim.models import matmul as model
from sim.models.numerics import bf16_bits

CONFIG = TileConfig(size=4, sbuf_bytes=4096, psum_banks=4, queue_depth=8, semaphores=8)
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
    weights, columns = operand(rng, type, (4, 4)), operand(rng, type, (4, 16))
    s = Session()
    for row in range(4):
        s.sbuf(row, 0x40, weights[row])
        s.sbuf(row, 0x80, columns[row])
    s.settle()
    s.push("tensor", "load_stationary", type=type, address=0x40, k=4, m=4)
    s.push("tensor", "multiply_moving", type=type, address=0x80, k=4, m=4, n=16, bank=1,
           add_index=2, add_value=1)
    s.await_semaphore(2)
    dtype = np.int32 if type == "int8" else np.float32
    got = [s.read_psum(row, 1, 16, dtype) for row in range(4)]
    log = host.play(s, max_cycles=20_000)
    result = np.stack([row(log) for row in got])
    want = model.tile_product(weights, columns, type)
    assert np.array_equal(result.view(np.uint32), want.view(np.uint32))
