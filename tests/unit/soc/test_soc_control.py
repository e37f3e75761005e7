# amaranth: UnusedElaboratable=no

"""Unit tests of system control and of the timer."""

from rtl.config import preset, preset_hash
from rtl.soc import sysctl, timer
from tests.helpers import simulate
from tests.unit.soc.axil_driver import read_register, write_register


def test_exit_needs_the_stop_bit_and_happens_once():
    dut = sysctl.SysCtl(config=preset("sim"))

    async def testbench(ctx):
        await write_register(ctx, dut.s_axil, sysctl.REGISTERS, "EXIT", 7 << 1)
        await ctx.tick()
        assert not ctx.get(dut.exited)
        await write_register(ctx, dut.s_axil, sysctl.REGISTERS, "EXIT", 42 << 1 | 1)
        assert (ctx.get(dut.exited), ctx.get(dut.exit_code)) == (1, 42)
        await write_register(ctx, dut.s_axil, sysctl.REGISTERS, "EXIT", 1)
        await ctx.tick()
        assert (ctx.get(dut.exited), ctx.get(dut.exit_code)) == (1, 42)

    simulate(dut, testbench)


def test_cycle_counter_is_read_in_one_piece():
    dut = sysctl.SysCtl(config=preset("sim"))

    async def testbench(ctx):
        low = await read_register(ctx, dut.s_axil, sysctl.REGISTERS, "CYCLES_LO")
        await ctx.tick().repeat(100)
        # The read before took 2 cycles, the sampling of this one is 102 cycles behind the first.
        assert await read_register(ctx, dut.s_axil, sysctl.REGISTERS, "CYCLES_LO") == low + 102
        assert await read_register(ctx, dut.s_axil, sysctl.REGISTERS, "CYCLES_HI") == 0

    simulate(dut, testbench)


def test_identity_tells_the_configuration():
    config = preset("ulx3s")
    dut = sysctl.SysCtl(config=config)

    async def testbench(ctx):
        async def read(name):
            return await read_register(ctx, dut.s_axil, sysctl.REGISTERS, name)
        assert await read("IDENTITY") == 0x544c_4348
        digits = f"{await read('PRESET_HI'):04x}{await read('PRESET_LO'):08x}"
        assert digits == preset_hash(config)
        params = await read("PARAMS")
        assert params == 8 | 4 << 8 | 64 << 16

    simulate(dut, testbench)


def test_timer_interrupts_when_the_count_reaches_compare():
    dut = timer.Timer()

    async def testbench(ctx):
        async def write(name, value):
            await write_register(ctx, dut.s_axil, timer.REGISTERS, name, value)
        await write("COMPARE_LO", 40)
        await write("COMPARE_HI", 0)
        await write("CTRL", 0b11)
        cycles = 6                      # three writes of two cycles each
        while not ctx.get(dut.irq):
            assert cycles < 60, "the interrupt is missing"
            await ctx.tick()
            cycles += 1
        assert cycles == 42
        assert await read_register(ctx, dut.s_axil, timer.REGISTERS, "STATUS") == 1
        await write("COMPARE_HI", 1)
        await ctx.tick().repeat(2)
        assert not ctx.get(dut.irq)

    simulate(dut, testbench)


def test_timer_stops_when_disabled():
    dut = timer.Timer()

    async def testbench(ctx):
        await write_register(ctx, dut.s_axil, timer.REGISTERS, "CTRL", 0)
        first = await read_register(ctx, dut.s_axil, timer.REGISTERS, "COUNT_LO")
        await ctx.tick().repeat(10)
        assert await read_register(ctx, dut.s_axil, timer.REGISTERS, "COUNT_LO") == first
        assert await read_register(ctx, dut.s_axil, timer.REGISTERS, "COUNT_HI") == 0

    simulate(dut, testbench)
