# amaranth: UnusedElaboratable=no

"""The managers' pages and their windows, over the bus, against the model's windows."""

import random

import pytest

from rtl.bus import Resp
from rtl.config import DmaConfig
from rtl.nitro_dma.manager import ManagerPages
from rtl.nitro_dma.registers import MANAGER, WINDOW_BYTES, WINDOWS
from sim.models.dma import Window
from tests.helpers import simulate

BASE_LO = MANAGER.register("WINDOW0_BASE_LO").offset
ACCESS = MANAGER.register("WINDOW0_ACCESS").offset


async def write(ctx, bus, address, value, strobes=15):
    for name, port in (("awaddr", address), ("wdata", value), ("wstrb", strobes), ("awvalid", 1),
                       ("wvalid", 1), ("bready", 1)):
        ctx.set(getattr(bus, name), port)
    await ctx.tick().until(bus.awready)
    ctx.set(bus.awvalid, 0)
    ctx.set(bus.wvalid, 0)
    resp, = await ctx.tick().sample(bus.bresp).until(bus.bvalid)
    return resp


async def read(ctx, bus, address):
    ctx.set(bus.araddr, address)
    ctx.set(bus.arvalid, 1)
    ctx.set(bus.rready, 1)
    await ctx.tick().until(bus.arready)
    ctx.set(bus.arvalid, 0)
    resp, value = await ctx.tick().sample(bus.rresp, bus.rdata).until(bus.rvalid)
    return resp, value


async def open_window(ctx, bus, queue, number, window):
    base = 0x1000 * queue + BASE_LO + WINDOW_BYTES * number
    for offset, value in ((0, window.base & 0xFFFF_FFFF), (4, window.base >> 32),
                          (8, window.limit & 0xFFFF_FFFF), (12, window.limit >> 32),
                          (16, window.read | window.write << 1)):
        assert await write(ctx, bus, base + offset, value) == Resp.OKAY


@pytest.mark.parametrize("queues, addr_width", [(1, 32), (4, 40)])
def test_dma_windows_allow_what_the_model_allows(queues, addr_width):
    dut = ManagerPages(DmaConfig(queues=queues, addr_width=addr_width), checks=2)
    rng = random.Random(queues)
    top = 1 << addr_width

    def address():
        # Close to each other, so that bounds are hit, and now and then far away.
        return (rng.choice((0, 1 << 31, top - 0x8000)) + rng.randrange(8) * 4096) % top

    async def testbench(ctx):
        table = {}
        answers = set()
        for _ in range(6):
            for queue in range(queues):
                for number in range(WINDOWS):
                    low, high = sorted((address(), address()))
                    if rng.random() < 0.1:
                        low, high = high, low       # an empty window
                    window = Window(low, high + 4095, bool(rng.randrange(2)),
                                    bool(rng.randrange(2)))
                    table[queue, number] = window
                    await open_window(ctx, dut.s_axil, queue, number, window)
            for _ in range(150):
                for check in dut.check:
                    queue, page, out = rng.randrange(queues), address(), rng.randrange(2)
                    ctx.set(check.queue, queue)
                    ctx.set(check.page, page >> 12)
                    ctx.set(check.write, out)
                    allowed = any(table[queue, number].allows(page, write=bool(out))
                                  for number in range(WINDOWS))
                    assert ctx.get(check.allowed) == allowed
                    answers.add(allowed)
        assert answers == {True, False}

    simulate(dut, testbench)


def test_dma_manager_registers():
    """Reset values, what can be read back, and what is refused."""
    dut = ManagerPages(DmaConfig(queues=2), checks=1)
    bus = dut.s_axil

    async def testbench(ctx):
        for register in MANAGER.registers:
            for queue in range(2):
                assert await read(ctx, bus, 0x1000 * queue + register.offset) == (Resp.OKAY, 0)
        for queue in range(2):
            for number, register in enumerate(MANAGER.registers):
                value = 0x9E37_79B9 * (number + 1 + 40 * queue) & 0xFFFF_FFFF
                assert await write(ctx, bus, 0x1000 * queue + register.offset, value) == Resp.OKAY
        for queue in range(2):
            for number, register in enumerate(MANAGER.registers):
                value = 0x9E37_79B9 * (number + 1 + 40 * queue) & sum(
                    field.mask for field in register.fields)
                assert await read(ctx, bus, 0x1000 * queue + register.offset) == (Resp.OKAY, value)
        tenant = ctx.get(dut.tenant[1])
        assert tenant == 0x9E37_79B9 * 41 & 0xFFFF and tenant != ctx.get(dut.tenant[0])

        for address in (0xC, 0x20, 0x100 - 4, ACCESS + 4, 0x180, 0x1180, 0x1FFC):
            assert await write(ctx, bus, address, 7) == Resp.SLVERR
            assert (await read(ctx, bus, address))[0] == Resp.SLVERR
        assert await write(ctx, bus, ACCESS, 0, strobes=3) == Resp.SLVERR
        ctx.set(dut.locked, 2)
        assert await write(ctx, bus, 0x1000, 5) == Resp.SLVERR
        assert await write(ctx, bus, 0x1000 + ACCESS, 0) == Resp.SLVERR
        assert ctx.get(dut.tenant[1]) == tenant
        assert await write(ctx, bus, 0, 5) == Resp.OKAY
        ctx.set(dut.locked, 0)
        assert await write(ctx, bus, 0x1000, 5) == Resp.OKAY
        assert ctx.get(dut.tenant[1]) == 5

    simulate(dut, testbench)


def test_dma_windows_are_closed_by_a_reset():
    """Windows are memory: after a reset nothing is allowed, from the first cycle on."""
    from amaranth.hdl import ResetInserter, Signal

    inner = ManagerPages(DmaConfig(queues=2), checks=1)
    reset = Signal()
    dut = ResetInserter({"sync": reset})(inner)

    async def testbench(ctx):
        check = inner.check[0]
        ctx.set(check.queue, 1)
        ctx.set(check.page, 5)
        await open_window(ctx, inner.s_axil, 1, 3, Window(0, 0xFFFF_FFFF))
        assert ctx.get(check.allowed)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(200):
            assert not ctx.get(check.allowed)
            await ctx.tick()
        assert await read(ctx, inner.s_axil, 0x1000 + ACCESS + 3 * WINDOW_BYTES) == (Resp.OKAY, 0)

    simulate(dut, testbench)
