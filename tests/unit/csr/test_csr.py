# amaranth: UnusedElaboratable=no

"""Unit tests of the register declaration and its AXI4-Lite bank."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.bus import Resp
from rtl.csr import Field, Register, RegisterBank, RegisterMap
from rtl.csr.export import c_defines, json_object, markdown_table

MAP = RegisterMap("block", "A block", [
    Register("CTRL", 0x00, "Control", [Field("enable", 1, "rw", "Enable", reset=1),
                                       Field("mode", 12, "rw", "Mode", lsb=4)]),
    Register("STATUS", 0x04, "Status", [Field("busy", 1, "ro", "Busy"),
                                        Field("level", 8, "ro", "Level", lsb=8)]),
    Register("DOORBELL", 0x10, "Doorbell", [Field("count", 16, "wo", "Added")]),
    Register("ERROR", 0x14, "Errors", [Field("cause", 8, "w1c", "Cause")]),
])


async def write(ctx, axil, addr, value, strobe=0xF):
    ctx.set(axil.awaddr, addr)
    ctx.set(axil.wdata, value)
    ctx.set(axil.wstrb, strobe)
    ctx.set(axil.awvalid, 1)
    ctx.set(axil.wvalid, 1)
    ctx.set(axil.bready, 1)
    await ctx.tick().until(axil.awready & axil.wready)
    ctx.set(axil.awvalid, 0)
    ctx.set(axil.wvalid, 0)
    assert ctx.get(axil.bvalid)
    response = ctx.get(axil.bresp)
    await ctx.tick()
    return response


async def read(ctx, axil, addr):
    ctx.set(axil.araddr, addr)
    ctx.set(axil.arvalid, 1)
    ctx.set(axil.rready, 1)
    await ctx.tick().until(axil.arready)
    ctx.set(axil.arvalid, 0)
    assert ctx.get(axil.rvalid)
    result = ctx.get(axil.rdata), ctx.get(axil.rresp)
    await ctx.tick()
    return result


def simulate(dut, testbench):
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(testbench)
    sim.run()


def test_fields_by_access():
    dut = RegisterBank(MAP)

    async def testbench(ctx):
        axil = dut.s_axil
        assert await read(ctx, axil, 0x00) == (1, Resp.OKAY)
        assert await write(ctx, axil, 0x00, 0xFFFF_FFFF) == Resp.OKAY
        assert await read(ctx, axil, 0x00) == (0xFFF1, Resp.OKAY)
        assert ctx.get(dut.ctrl_mode) == 0xFFF
        await write(ctx, axil, 0x00, 0, strobe=0b0010)
        assert await read(ctx, axil, 0x00) == (0x00F1, Resp.OKAY)
        ctx.set(dut.status_busy, 1)
        ctx.set(dut.status_level, 0xA5)
        await write(ctx, axil, 0x04, 0)
        assert await read(ctx, axil, 0x04) == (0xA501, Resp.OKAY)
        ctx.set(dut.error_cause_set, 0x81)
        await ctx.tick()
        ctx.set(dut.error_cause_set, 0)
        assert await read(ctx, axil, 0x14) == (0x81, Resp.OKAY)
        await write(ctx, axil, 0x14, 0x80)
        assert await read(ctx, axil, 0x14) == (0x01, Resp.OKAY)
        assert ctx.get(dut.error_cause) == 1

    simulate(dut, testbench)


def test_lockable_registers_refuse_writes_while_locked():
    dut = RegisterBank(RegisterMap("block", "A block", [
        Register("FREE", 0x00, "Never locked", [Field("value", 8, "rw", "Value", reset=3)]),
        Register("HELD", 0x04, "Locked", [Field("value", 8, "rw", "Value", reset=5)],
                 lockable=True),
        Register("GO", 0x08, "Locked command", [Field("count", 8, "wo", "Count")],
                 lockable=True)]))
    strobes = []

    async def monitor(ctx):
        async for _, _, strobe in ctx.tick().sample(dut.go_write):
            strobes.append(strobe)

    async def testbench(ctx):
        ctx.set(dut.locked, 1)
        assert await write(ctx, dut.s_axil, 0x00, 7) == Resp.OKAY
        for address in (0x04, 0x08):
            assert await write(ctx, dut.s_axil, address, 7) == Resp.SLVERR
        assert await read(ctx, dut.s_axil, 0x04) == (5, Resp.OKAY)
        assert ctx.get(dut.free_value) == 7 and not any(strobes)
        ctx.set(dut.locked, 0)
        for address in (0x04, 0x08):
            assert await write(ctx, dut.s_axil, address, 9) == Resp.OKAY
        assert await read(ctx, dut.s_axil, 0x04) == (9, Resp.OKAY)
        assert sum(strobes) == 1

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(monitor, background=True)
    sim.add_testbench(testbench)
    sim.run()
    assert not hasattr(RegisterBank(MAP), "locked")


def test_write_only_field_strobes_once():
    dut = RegisterBank(MAP)
    strobes = []

    async def monitor(ctx):
        async for _, _, strobe, count in ctx.tick().sample(dut.doorbell_write, dut.doorbell_count):
            if strobe:
                strobes.append(count)

    async def testbench(ctx):
        rng = random.Random(1)
        counts = [rng.randrange(1 << 16) for _ in range(20)]
        for count in counts:
            await write(ctx, dut.s_axil, 0x10, count)
        assert await read(ctx, dut.s_axil, 0x10) == (0, Resp.OKAY)
        assert strobes == counts

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(monitor, background=True)
    sim.add_testbench(testbench)
    sim.run()


@pytest.mark.parametrize("addr", [0x08, 0x0C, 0x18, 0x1C])
def test_unmapped_address_answers_slverr(addr):
    dut = RegisterBank(MAP)

    async def testbench(ctx):
        assert await write(ctx, dut.s_axil, addr, 0xFFFF_FFFF) == Resp.SLVERR
        assert await read(ctx, dut.s_axil, addr) == (0, Resp.SLVERR)
        assert await read(ctx, dut.s_axil, 0x00) == (1, Resp.OKAY)

    simulate(dut, testbench)


def test_declaration_errors():
    with pytest.raises(ValueError, match="overlaps another"):
        Register("R", 0, "", [Field("a", 8, "rw", ""), Field("b", 8, "rw", "", lsb=4)])
    with pytest.raises(ValueError, match="multiple of 4, not 2"):
        Register("R", 2, "", [])
    with pytest.raises(ValueError, match="Access of field a must be one of"):
        Field("a", 1, "rx", "")
    with pytest.raises(ValueError, match="must differ in offset"):
        RegisterMap("m", "", [Register("A", 0, "", []), Register("B", 0, "", [])])
    with pytest.raises(ValueError, match="at least 5, not 3"):
        RegisterBank(MAP, addr_width=3)


def test_exports_agree_with_declaration():
    header = c_defines(MAP)
    assert "#define BLOCK_CTRL_MODE_SHIFT 4\n#define BLOCK_CTRL_MODE_MASK 0xfff0u" in header
    assert "| 0x14 | `ERROR` | 7:0 | `cause` | w1c | 0x0 | Cause |" in markdown_table(MAP)
    assert json_object(MAP)["registers"][1]["fields"][1]["lsb"] == 8
