"""cocotb: the simulation memory against cocotbext-axi as an independent manager."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiMaster


async def start(dut, stall):
    dut.stall.value = stall
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    bus = AxiBus.from_prefix(dut, "s_axi_0", bus_separator="__")
    master = AxiMaster(bus, dut.clk, dut.rst)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 4)
    return master


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(stall=[0, 100])
async def keeps_what_was_written(dut, stall):
    """Random bursts of any alignment, against a byte array."""
    master = await start(dut, stall)
    model = bytearray(4096)
    await master.write(0x1000, bytes(model))
    rng = random.Random(7)
    for _ in range(40):
        addr, length = rng.randrange(4096), rng.randrange(1, 600)
        length = min(length, 4096 - addr)
        if rng.random() < 0.5:
            payload = rng.randbytes(length)
            model[addr:addr + length] = payload
            await master.write(0x1000 + addr, payload, size=rng.choice((0, 2, 4)))
        else:
            answer = await master.read(0x1000 + addr, length, size=rng.choice((0, 2, 4)))
            assert answer.data == bytes(model[addr:addr + length])
