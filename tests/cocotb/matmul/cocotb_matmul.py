"""cocotb: the emitted tile between bus models that are not the project's own."""

import itertools
import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, Timer
from cocotbext.axi import AxiBurstType, AxiBus, AxiLiteBus, AxiLiteMaster, AxiMaster, AxiResp

from rtl.matmul.encoding import Instruction, assemble
from rtl.matmul.registers import registers
from rtl.matmul.windows import PSUM_BASE, PSUM_STRIDE, QUEUE_BASE, QUEUE_STRIDE, SBUF_STRIDE
from sim.models.matmul import activate, tile_product
from tests.cocotb.matmul.monitored_tile import CONFIG

OFFSETS = {register.name: register.offset for register in registers(CONFIG).registers}
TENSOR, ACTIVATION = QUEUE_BASE, QUEUE_BASE + QUEUE_STRIDE


class Bench:
    """One AXI4 and one AXI4-Lite manager."""

    def __init__(self, dut):
        self.dut = dut
        self.axi = AxiMaster(AxiBus.from_prefix(dut, "s_axi", bus_separator="__"), dut.clk, dut.rst)
        self.axil = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil", bus_separator="__"),
                                  dut.clk, dut.rst)

    async def start(self, pause=0.0):
        Clock(self.dut.clk, 10, "ns").start()
        rng = random.Random(pause)
        for part in (self.axi.write_if.aw_channel, self.axi.write_if.w_channel,
                     self.axi.write_if.b_channel, self.axi.read_if.ar_channel,
                     self.axi.read_if.r_channel):
            if pause:
                part.set_pause_generator(rng.random() < pause for _ in itertools.count())
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def write(self, address, payload, **how):
        return (await self.axi.write(address, bytes(payload), **how)).resp

    async def read(self, address, count, **how):
        return await self.axi.read(address, count, **how)

    async def push(self, window, mnemonic, **fields):
        code = assemble(Instruction(mnemonic, **fields))
        assert await self.write(window, code) == AxiResp.OKAY

    async def register(self, name):
        return await self.axil.read_dword(OFFSETS[name])

    async def until(self, name, value, limit=200):
        for _ in range(limit):
            if await self.register(name) == value:
                return
        raise AssertionError(f"{name} has not become {value}")


async def memory_traffic(dut, pause):
    """Ranges of any start, length and beat size; every partition keeps what was written to it."""
    bench = Bench(dut)
    await bench.start(pause)
    rng = random.Random(1)
    reference = [bytearray(rng.randbytes(CONFIG.sbuf_bytes)) for _ in range(CONFIG.size)]
    for row, content in enumerate(reference):
        assert await bench.write(SBUF_STRIDE * row, content) == AxiResp.OKAY
    for _ in range(120):
        row = rng.randrange(CONFIG.size)
        start = rng.randrange(CONFIG.sbuf_bytes)
        count = rng.randrange(1, min(100, CONFIG.sbuf_bytes - start) + 1)
        how = {"size": rng.choice((0, 1, 2, 3, 4, 4, 4))}
        if rng.randrange(2):
            payload = rng.randbytes(count)
            reference[row][start:start + count] = payload
            assert await bench.write(SBUF_STRIDE * row + start, payload, **how) == AxiResp.OKAY
        else:
            read = await bench.read(SBUF_STRIDE * row + start, count, **how)
            assert read.resp == AxiResp.OKAY
            assert read.data == bytes(reference[row][start:start + count])
    for row, content in enumerate(reference):
        assert (await bench.read(SBUF_STRIDE * row, len(content))).data == bytes(content)


@cocotb.test(timeout_time=400, timeout_unit="us")
async def memory_traffic_at_full_speed(dut):
    await memory_traffic(dut, 0.0)


@cocotb.test(timeout_time=800, timeout_unit="us")
async def memory_traffic_with_pauses(dut):
    await memory_traffic(dut, 0.4)


@cocotb.test(timeout_time=100, timeout_unit="us")
async def refused_accesses(dut):
    """Each wrong access answers SLVERR and does nothing; the next right one works."""
    bench = Bench(dut)
    await bench.start()
    assert await bench.write(0, bytes(range(64)) + bytes(64)) == AxiResp.OKAY
    for address in (CONFIG.sbuf_bytes, SBUF_STRIDE * CONFIG.size, PSUM_BASE + 0x800,
                    QUEUE_BASE + 2 * QUEUE_STRIDE, TENSOR):
        assert (await bench.read(address, 16)).resp == AxiResp.SLVERR, hex(address)
    for address in (CONFIG.sbuf_bytes, SBUF_STRIDE * CONFIG.size, PSUM_BASE,
                    QUEUE_BASE + 2 * QUEUE_STRIDE):
        assert await bench.write(address, bytes(16)) == AxiResp.SLVERR, hex(address)
    fixed = {"burst": AxiBurstType.FIXED}
    assert await bench.write(64, bytes(range(48)), **fixed) == AxiResp.OKAY
    assert (await bench.read(64, 32)).data == bytes(range(32, 48)) + bytes(16)
    wrap = {"burst": AxiBurstType.WRAP}
    assert await bench.write(0, b"\xff" * 64, **wrap) == AxiResp.SLVERR
    assert await bench.write(TENSOR + 24, b"\xff" * 4) == AxiResp.SLVERR
    assert (await bench.read(0, 64)).data == bytes(range(64))
    assert await bench.register("TENSOR_FREE") == CONFIG.queue_depth
    assert (await bench.axil.read(0xFFC, 4)).resp == AxiResp.SLVERR


@cocotb.test(timeout_time=100, timeout_unit="us")
async def full_queue_holds_the_bus(dut):
    """Instructions arrive in single words too; a full queue stalls W until there is room."""
    bench = Bench(dut)
    await bench.start()
    code = assemble(Instruction("nop", wait=1, consume=1, wait_index=1, wait_value=1, add_index=2,
                                add_value=1))
    for word in range(4):
        await bench.write(TENSOR + 8 * word, code[8 * word:8 * word + 8], size=3)
    await bench.until("TENSOR_FREE", CONFIG.queue_depth)    # it waits in the engine
    burst = cocotb.start_soon(bench.write(TENSOR, code * (CONFIG.queue_depth + 3)))
    await First(burst, Timer(2, "us"))
    assert not burst.done() and await bench.register("TENSOR_FREE") == 0
    total = CONFIG.queue_depth + 4
    await bench.axil.write_dword(OFFSETS["SEMAPHORE_ADD"], 1 | total << 16)
    assert await burst == AxiResp.OKAY
    await bench.until("SEMAPHORE_2", total)
    assert await bench.register("SEMAPHORE_1") == 0
    assert await bench.register("STATUS") == 0


@cocotb.test(timeout_time=200, timeout_unit="us")
async def layer_of_a_network(dut):
    """Load, two multiplies that add up, bias, ReLU and requantisation; then the sums themselves."""
    bench = Bench(dut)
    await bench.start(0.2)
    rng = np.random.default_rng(2)
    weights = rng.integers(-128, 128, (2, 4, 3)).astype(np.int8)
    columns = rng.integers(-128, 128, (2, 4, 13)).astype(np.int8)
    bias = rng.integers(-20_000, 20_000, 3).astype(np.int32)
    for row in range(4):
        for tile in range(2):
            base = SBUF_STRIDE * row + 0x40 * tile
            await bench.write(base, weights[tile, row].tobytes())
            await bench.write(base + 8, columns[tile, row].tobytes())
    for row in range(3):
        await bench.write(SBUF_STRIDE * row + 0x100, bias[row].tobytes())
        await bench.write(SBUF_STRIDE * row + 0x200, b"\xa5" * 24)
    await bench.axil.write_dword(OFFSETS["IRQ_ENABLE"], 2)
    await bench.push(ACTIVATION, "activate", type="int8", output="int8", bias=1, relu=1, m=3, n=13,
                     bank=1, bias_address=0x100, destination=0x200, multiplier=700, shift=17,
                     wait=1, wait_index=3, wait_value=1, interrupt=1)
    for tile in range(2):
        await bench.push(TENSOR, "load_stationary", type="int8", k=4, m=3, address=0x40 * tile)
        await bench.push(TENSOR, "multiply_moving", type="int8", k=4, m=3, n=13,
                         address=0x40 * tile + 8, bank=1, accumulate=tile, add_index=3,
                         add_value=tile)
    await bench.until("IRQ_STATUS", 2)
    assert dut.irq.value == 1
    sums = sum(tile_product(weights[tile], columns[tile], "int8") for tile in range(2))
    want = activate(sums, type="int8", output="int8", bias=bias, relu=True, multiplier=700,
                    shift=17)
    assert len(np.unique(want)) > 5
    for row in range(3):
        got = await bench.read(SBUF_STRIDE * row + 0x200, 24)
        assert got.data == want[row].tobytes() + b"\xa5" * 11
        words = await bench.read(PSUM_BASE + PSUM_STRIDE * row + 64, 52)
        assert words.data == sums[row].astype(np.int32).tobytes()
