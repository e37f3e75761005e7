"""The interrupt controller against its model."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.bus import Resp
from rtl.core.gic_port import IccRegister
from rtl.soc.gic import PPIS, REDISTRIBUTOR, Gic
from sim.models.gic import GICR, SGI_PAGE, SPURIOUS, GicModel

SETTLE = 5      # cycles after which port.irq follows everything
REGISTERS = [0x0, 0x4, 0x8, 0x40, 0x48, 0x80, 0x84, 0xC00, 0xC04, 0xC08, 0xC0C, 0x6100, 0xFFE8,
             GICR, GICR + 4, GICR + 8, GICR + 0xC, GICR + 0x14, GICR + 0xFFE8, SGI_PAGE + 0x80,
             SGI_PAGE + 0xC00, SGI_PAGE + 0xC04,
             *(page + base + 4 * word for page in (0, SGI_PAGE) for word in (0, 1)
               for base in (0x100, 0x180, 0x200, 0x280, 0x300, 0x380)),
             *(page + 0x400 + 4 * word for page in (0, SGI_PAGE) for word in range(16))]


class Bench:
    """The controller and its model, driven alike."""

    def __init__(self, ctx, dut, model):
        self.ctx, self.dut, self.model = ctx, dut, model
        ctx.set(dut.s_axil.bready, 1)
        ctx.set(dut.s_axil.rready, 1)

    async def settle(self):
        for _ in range(SETTLE):
            await self.ctx.tick()
        assert self.ctx.get(self.dut.port.irq) == (self.model.signalled != SPURIOUS)

    async def write(self, address, value, strobes=15):
        ctx, axil = self.ctx, self.dut.s_axil
        for wire, data in ((axil.awaddr, address), (axil.wdata, value), (axil.wstrb, strobes),
                           (axil.awvalid, 1), (axil.wvalid, 1)):
            ctx.set(wire, data)
        await ctx.tick().until(axil.awready & axil.wready)
        ctx.set(axil.awvalid, 0)
        ctx.set(axil.wvalid, 0)
        resp, = await ctx.tick().sample(axil.bresp).until(axil.bvalid)
        assert Resp(resp) is Resp.OKAY
        self.model.write(address, value, strobes)
        await self.settle()

    async def read(self, address):
        ctx, axil = self.ctx, self.dut.s_axil
        ctx.set(axil.araddr, address)
        ctx.set(axil.arvalid, 1)
        await ctx.tick().until(axil.arready)
        ctx.set(axil.arvalid, 0)
        data, resp = await ctx.tick().sample(axil.rdata, axil.rresp).until(axil.rvalid)
        assert Resp(resp) is Resp.OKAY
        assert data == self.model.read(address), hex(address)
        return data

    async def set_lines(self, lines):
        ctx, dut = self.ctx, self.dut
        ctx.set(dut.lines, sum(1 << intid - 32 for intid in lines if intid >= 32))
        ctx.set(dut.port.ppi, sum(1 << PPIS.index(intid) for intid in lines if intid < 32))
        self.model.set_lines(lines)
        await self.settle()

    async def write_icc(self, name, value):
        ctx, port = self.ctx, self.dut.port
        ctx.set(port.number, IccRegister[name])
        ctx.set(port.write_value, value)
        ctx.set(port.write, 1)
        await ctx.tick()
        ctx.set(port.write, 0)
        self.model.write_icc(name, value)
        await self.settle()

    async def read_icc(self, name):
        ctx, port = self.ctx, self.dut.port
        ctx.set(port.number, IccRegister[name])
        ctx.set(port.read, 1)
        value = ctx.get(port.value)
        await ctx.tick()
        ctx.set(port.read, 0)
        assert value == self.model.read_icc(name), name
        await self.settle()
        return value


def simulate(testbench, *, spis=16):
    dut, model = Gic(spis=spis), GicModel(spis)

    async def run(ctx):
        await testbench(Bench(ctx, dut, model))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(run)
    sim.run()


async def random_step(bench, rng, lines):
    """One access or change of lines, of a kind that keeps the interrupts coming."""
    model = bench.model
    kind = rng.choices(("line", "write", "read", "take", "end", "icc", "sgi", "enable"),
                       (20, 12, 15, 25, 20, 10, 6, 2))[0]
    if kind == "line":
        intid = rng.choice([*PPIS, *range(32, 32 + model.spis)])
        lines ^= {intid}
        await bench.set_lines(set(lines))
    elif kind == "write":
        value = rng.getrandbits(32)
        address = rng.choice(REGISTERS)
        if address in (0x40, 0x48):
            value = rng.randrange(28, 52)
        await bench.write(address, value, rng.choice((15, 15, 15, rng.getrandbits(4))))
    elif kind == "read":
        await bench.read(rng.choice(REGISTERS))
    elif kind == "take":
        await bench.read_icc("HPPIR1")
        return await bench.read_icc("IAR1") != SPURIOUS
    elif kind == "end":
        active = sorted(model.active) or [5]
        intid = rng.choice((*active, *active, rng.choice((1023, 20, 63, 0x10005))))
        await bench.write_icc("EOIR1", intid)
        if model.split:
            await bench.write_icc("DIR", intid)
    elif kind == "icc":
        name = rng.choice(("PMR", "BPR1", "CTLR", "IGRPEN1", "DIR", "RPR", "AP1R0", "SRE"))
        if rng.random() < 0.5:
            await bench.read_icc(name)
        elif name not in ("RPR", "SRE"):
            value = rng.getrandbits(8) | (0xC0 if name == "PMR" else 0)
            await bench.write_icc(name, value & ~2 if name == "CTLR" and value & 1 else value)
    elif kind == "sgi":
        elsewhere = rng.choice((0, 0, 0, 1 << 40, 1 << 16, 1 << 32, 1 << 48, 1 << 44))
        await bench.write_icc("SGI1R", rng.choice((1, 1, 1, 2)) | rng.randrange(16) << 24
                              | elsewhere)
    else:
        for address, value in ((0, 2), (GICR + 0x14, 0), (0x104, 0xffff_ffff),
                               (SGI_PAGE + 0x100, 0xffff_ffff)):
            await bench.write(address, value)
        await bench.write_icc("IGRPEN1", 1)
        await bench.write_icc("PMR", 0xF0)
        await bench.write_icc("AP1R0", 0)
    return False


@pytest.mark.parametrize(("seed", "spis"), [(1, 16), (2, 5), (3, 32)])
def test_random_traffic(seed, spis):
    async def testbench(bench):
        rng, lines, taken = random.Random(seed), set(), 0
        for _ in range(900):
            taken += await random_step(bench, rng, lines)
        assert taken > 30, taken

    simulate(testbench, spis=spis)


def test_reset_state_and_identification():
    async def testbench(bench):
        assert REDISTRIBUTOR == GICR
        for address in REGISTERS:
            await bench.read(address)
        assert await bench.read(0) == 0x50
        assert await bench.read(0xFFE8) == 0x3B
        assert await bench.read(GICR + 8) == 0x10

    simulate(testbench)


async def wake(bench):
    await bench.write(0, 2)
    await bench.write(GICR + 0x14, 0)
    await bench.write_icc("PMR", 0xF0)
    await bench.write_icc("IGRPEN1", 1)


def test_preemption_and_order():
    """A higher priority interrupts, an equal one does not; EOI gives back the one before."""
    async def testbench(bench):
        await wake(bench)
        for intid, priority in ((33, 0x80), (34, 0x40), (35, 0x80)):
            await bench.write(0x400 + intid - intid % 4, priority << 8 * (intid % 4),
                              1 << intid % 4)
        await bench.write(0x104, 0b1110)
        await bench.set_lines({33, 35})
        assert await bench.read_icc("IAR1") == 33
        assert await bench.read_icc("RPR") == 0x80
        assert await bench.read_icc("IAR1") == SPURIOUS
        await bench.set_lines({33, 34, 35})
        assert await bench.read_icc("IAR1") == 34
        assert await bench.read_icc("RPR") == 0x40
        await bench.set_lines({35})
        await bench.write_icc("EOIR1", 34)
        assert await bench.read_icc("RPR") == 0x80
        await bench.write_icc("EOIR1", 33)
        assert await bench.read_icc("IAR1") == 35
        # One and the same group of priorities does not preempt.
        await bench.write_icc("BPR1", 7)
        await bench.set_lines({34, 35})
        assert await bench.read_icc("IAR1") == 34
        await bench.write_icc("BPR1", 7)

    simulate(testbench)


def test_messages_and_split_end():
    async def testbench(bench):
        await wake(bench)
        await bench.write(0x104, 0xffff)
        await bench.write_icc("CTLR", 2)
        await bench.write(0x40, 45)
        assert await bench.read_icc("IAR1") == 45
        await bench.write_icc("EOIR1", 45)
        assert await bench.read(0x304) == 1 << 13       # still active
        await bench.write(0x40, 45)
        assert await bench.read_icc("IAR1") == SPURIOUS
        await bench.write_icc("DIR", 45)
        assert await bench.read_icc("IAR1") == 45
        await bench.write_icc("EOIR1", 45)
        await bench.write(0x40, 46)
        await bench.write(0x48, 46)
        assert await bench.read_icc("IAR1") == SPURIOUS

    simulate(testbench)
