"""cocotb: the emitted core between independent AXI4 memories."""

import itertools
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotbext.axi import AxiBus, AxiRam, AxiRamRead, AxiReadBus

BASE = 0x4000_0000
SIZE = 1 << 16
RESULTS = 0x8000
WORDS = 64
DONE = RESULTS + 8 * WORDS


def expected_results() -> list[int]:
    """The squares and quotients that the program leaves in memory."""
    mask = (1 << 64) - 1
    state, results = 0x1234_5678_9ABC_DEF1, []
    for index in range(WORDS):
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
        results.append((state // (index + 1) + state * state) & mask)
    return results


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(pauses=[False, True])
async def runs_a_program(dut, pauses):
    """A program computes into its cache and writes the lines back; memory holds what it must."""
    dut.gic__irq.value = 0
    dut.gic__value.value = 0
    dut.reset_pc.value = BASE
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    data = AxiRam(AxiBus.from_prefix(dut, "dbus", bus_separator="__"), dut.clk, dut.rst, size=SIZE)
    instructions = AxiRamRead(AxiReadBus.from_prefix(dut, "ibus", bus_separator="__"), dut.clk,
                              dut.rst, size=SIZE, mem=data.mem)
    if pauses:
        rng = random.Random(5)
        for channel in (data.write_if.aw_channel, data.write_if.w_channel,
                        data.write_if.b_channel, data.read_if.ar_channel,
                        data.read_if.r_channel, instructions.ar_channel, instructions.r_channel):
            channel.set_pause_generator(itertools.cycle(rng.choices((0, 0, 1), k=97)))
    image = Path(os.environ["CORE_IMAGE"]).read_bytes()
    data.write(0, image)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    while not data.read(DONE, 1)[0]:
        await Timer(10, "us")
        await RisingEdge(dut.clk)
    results = [int.from_bytes(data.read(RESULTS + 8 * index, 8), "little")
               for index in range(WORDS)]
    assert results == expected_results()
