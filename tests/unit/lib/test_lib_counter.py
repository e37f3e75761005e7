# amaranth: UnusedElaboratable=no

"""Unit test of :class:`SplitCounter`."""

from rtl.lib import SplitCounter
from tests.helpers import simulate


def test_both_words_belong_to_the_moment_of_the_first_read():
    dut = SplitCounter(init=0x7_ffff_fffe)

    async def testbench(ctx):
        await ctx.tick()
        assert ctx.get(dut.value) == 0x7_ffff_fffe, "counted while disabled"
        ctx.set(dut.enable, 1)
        await ctx.tick()
        ctx.set(dut.hold, 1)
        assert ctx.get(dut.low) == 0xffff_ffff
        await ctx.tick()
        ctx.set(dut.hold, 0)
        await ctx.tick()
        assert ctx.get(dut.high) == 7, "the high word has moved on"
        assert ctx.get(dut.value) == 0x8_0000_0001
        ctx.set(dut.hold, 1)
        await ctx.tick()
        assert ctx.get(dut.high) == 8

    simulate(dut, testbench)
