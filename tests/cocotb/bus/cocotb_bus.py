"""cocotb: the bus parts between managers and a memory that are not the project's own."""

import itertools
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiMaster, AxiRam, AxiResp

from tests.cocotb.bus.bus_system import RAM_BASE, REGISTER_BASE, REGISTERS, SRAM_BASE

SIZE = 4096


class Bench:
    """Two managers and the outer memory."""

    def __init__(self, dut):
        self.dut = dut
        self.ram = AxiRam(AxiBus.from_prefix(dut, "m_axi_ram", bus_separator="__"), dut.clk,
                          dut.rst, size=1 << 16)
        self.managers = [AxiMaster(AxiBus.from_prefix(dut, f"s_axi_{name}", bus_separator="__"),
                                   dut.clk, dut.rst) for name in "ab"]

    async def start(self, pause):
        Clock(self.dut.clk, 10, "ns").start()
        rng = random.Random(pause)
        for end in (self.ram, *self.managers):
            for channel in (end.write_if.aw_channel, end.write_if.w_channel,
                            end.write_if.b_channel, end.read_if.ar_channel,
                            end.read_if.r_channel):
                if pause:
                    channel.set_pause_generator(rng.random() < pause for _ in itertools.count())
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 4)


async def exercise(manager, number, rng, rounds):
    """Write and read back random ranges in the half of each target that belongs to a manager."""
    targets = {SRAM_BASE: SIZE, RAM_BASE: SIZE, REGISTER_BASE: 4 * REGISTERS}
    parts = {base + number * size // 2: bytearray(size // 2) for base, size in targets.items()}
    for base, reference in parts.items():
        await manager.write(base, bytes(reference))
    for _ in range(rounds):
        writes = []
        for base in rng.choices(list(parts), k=3):
            reference = parts[base]
            start = rng.randrange(len(reference))
            data = rng.randbytes(rng.randrange(1, min(200, len(reference) - start) + 1))
            reference[start:start + len(data)] = data
            writes.append(cocotb.start_soon(manager.write(base + start, data)))
        for write in writes:
            assert (await write).resp == AxiResp.OKAY
        reads = []
        for base in rng.choices(list(parts), k=3):
            start = rng.randrange(len(parts[base]))
            length = rng.randrange(1, min(200, len(parts[base]) - start) + 1)
            expected = bytes(parts[base][start:start + length])
            reads.append((expected, cocotb.start_soon(manager.read(base + start, length))))
        for expected, read in reads:
            result = await read
            assert result.resp == AxiResp.OKAY
            assert result.data == expected


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(pause=[0, 0.3, 0.8])
async def random_traffic_of_two_managers(dut, pause):
    bench = Bench(dut)
    await bench.start(pause)
    rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
    running = [cocotb.start_soon(exercise(manager, number, rng, 30))
               for number, manager in enumerate(bench.managers)]
    for task in running:
        await task


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def errors_come_back(dut):
    bench = Bench(dut)
    await bench.start(0)
    for manager in bench.managers:
        assert (await manager.read(0xc000, 40)).resp == AxiResp.DECERR
        assert (await manager.write(0xc008, bytes(40))).resp == AxiResp.DECERR
        assert (await manager.read(REGISTER_BASE + 4 * REGISTERS, 4)).resp == AxiResp.SLVERR
        assert (await manager.write(REGISTER_BASE + 0x100, bytes(8))).resp == AxiResp.DECERR
        assert (await manager.read(REGISTER_BASE, 4)).resp == AxiResp.OKAY
