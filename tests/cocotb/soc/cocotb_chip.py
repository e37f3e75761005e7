"""cocotb: the whole chip between a host and a DRAM that are not the project's own."""

import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiMaster, AxiRam, AxiResp

from rtl.config import preset, preset_hash
from rtl.matmul.windows import PSUM_BASE, PSUM_STRIDE, SBUF_STRIDE
from rtl.nitro_dma import registers as dma
from rtl.soc import sysctl, uart
from rtl.soc.memory_map import region

CONFIG = preset("up5k")
DRAM_BYTES = 1 << 16


class Bench:
    """The chip, its DRAM, its host, and the characters that it has sent."""

    def __init__(self, dut):
        self.dut = dut
        # The memory model takes addresses modulo its size.
        self.ram = AxiRam(AxiBus.from_prefix(dut, "dram", bus_separator="__"), dut.clk, dut.rst,
                          size=DRAM_BYTES)
        self.host = AxiMaster(AxiBus.from_prefix(dut, "host", bus_separator="__"), dut.clk,
                              dut.rst)
        self.sent = bytearray()

    async def start(self, image=b""):
        self.ram.write(0, image)
        self.dut.uart_tx__ready.value = 1
        self.dut.uart_rx__valid.value = 0
        self.dut.uart_rx__payload.value = 0
        Clock(self.dut.clk, 10, "ns").start()
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        cocotb.start_soon(self._listen())
        await RisingEdge(self.dut.clk)

    async def _listen(self):
        while True:
            await RisingEdge(self.dut.clk)
            if self.dut.uart_tx__valid.value:
                self.sent.append(int(self.dut.uart_tx__payload.value))

    async def exit_code(self):
        if not self.dut.exited.value:
            await RisingEdge(self.dut.exited)
        return int(self.dut.exit_code.value)

    async def register(self, name, offset):
        return await self.host.read_dword(region(name).base + offset)

    async def check_memory(self, address, length, seed):
        data = bytes((seed + 7 * n) & 0xff for n in range(length))
        assert (await self.host.write(address, data)).resp == AxiResp.OKAY
        result = await self.host.read(address, length)
        assert (result.resp, result.data) == (AxiResp.OKAY, data)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def ends_with_126_without_an_image(dut):
    bench = Bench(dut)
    await bench.start(bytes(64))
    assert await bench.exit_code() == 126


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def boots_an_image_into_sram(dut):
    bench = Bench(dut)
    await bench.start(Path(os.environ["BOOT_IMAGE"]).read_bytes())
    assert await bench.exit_code() == 42
    assert bytes(bench.sent) == b"booted\n"


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def host_reaches_everything(dut):
    bench = Bench(dut)
    await bench.start(bytes(64))
    offsets = {entry.name: entry.offset for entry in sysctl.REGISTERS.registers}
    assert await bench.register("SYSCTL", offsets["IDENTITY"]) == sysctl.IDENTITY
    low = await bench.register("SYSCTL", offsets["PRESET_LO"])
    high = await bench.register("SYSCTL", offsets["PRESET_HI"])
    assert f"{high:04x}{low:08x}" == preset_hash(CONFIG)
    first = await bench.host.read_qword(region("SYSCTL").base + offsets["CYCLES_LO"])
    second = await bench.host.read_qword(region("SYSCTL").base + offsets["CYCLES_LO"])
    assert 0 < second - first < 100
    assert await bench.register("DMA", dma.GLOBAL_PAGE) == dma.IDENTITY
    assert await bench.register("TILE_REGS", 0x0c) & 0xff == CONFIG.tile.size
    assert await bench.register("UART", uart.REGISTERS.register("FR").offset) == 0x90
    for character in b"host":
        await bench.host.write_dword(region("UART").base, character)
    await ClockCycles(dut.clk, 10)
    assert bytes(bench.sent) == b"host"

    await bench.check_memory(region("DRAM").base + 0x123, 777, 1)
    await bench.check_memory(region("SRAM").base + 0x40, 300, 2)
    await bench.check_memory(region("SRAM").base + CONFIG.sram_bytes - 48, 48, 3)
    await bench.check_memory(region("TILE").base + 2 * SBUF_STRIDE, 64, 4)
    psum = region("TILE").base + PSUM_BASE + PSUM_STRIDE
    assert (await bench.host.read(psum, 32)).resp == AxiResp.OKAY
    assert (await bench.host.write(psum, bytes(32))).resp == AxiResp.SLVERR
    assert (await bench.host.write(0, bytes(4))).resp == AxiResp.SLVERR
    for nowhere in (0x0800_0000, region("SRAM").base + CONFIG.sram_bytes, 0x8000_0000, 1 << 39):
        assert (await bench.host.read(nowhere, 4)).resp == AxiResp.DECERR
        assert (await bench.host.write(nowhere, bytes(4))).resp == AxiResp.DECERR
    assert (await bench.host.read(region("SYSCTL").base + 0x800, 4)).resp == AxiResp.SLVERR
    assert (await bench.host.read(0, 16)).data[:4] == bytes.fromhex("091038d5")
