"""The performance monitors against their model, and on the core."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.core.cause import CycleCause
from rtl.core.pmu import PerformanceMonitors
from rtl.core.sysreg_table import SysReg
from sim.models.pmu import EVENT_NUMBERS, PmuModel

NAMES = [register.name for register in SysReg if 0x40 <= register.value < 0x60]
TYPES = [0x00, 0x01, 0x03, 0x08, 0x11, 0x1E, 0x1E, 0x3F, *range(0xC0, 0xD0), 0x1C0]


def written(rng, name):
    """A value that makes things happen: counters near their end, masks with many bits."""
    if "TYPER" in name:
        return rng.choice(TYPES) | rng.choice((0, 0, 0, 1, 2)) << 30
    if name == "PMCCNTR":
        return (1 << 64) - rng.randrange(1, 40)
    if "EVCNTR" in name:
        return (1 << 32) - rng.randrange(1, 20)
    if name == "PMSELR":
        return rng.choice((0, 1, 2, 3, 4, 5, 7, 31))
    if name == "PMCR":
        return rng.choice((0, 1, 1, 1, 1, 3, 5, 7))
    return rng.getrandbits(32) | rng.choice((0, 1 << 31, 0x3f))


@pytest.mark.parametrize("counters", [1, 2, 6])
def test_random_registers_and_events(counters):
    dut, model = PerformanceMonitors(counters=counters), PmuModel(counters)
    rng = random.Random(counters)

    async def testbench(ctx):
        overflows = 0
        for _ in range(2000):
            cause = rng.choice(list(CycleCause))
            events = [name for name in EVENT_NUMBERS if rng.random() < 0.3]
            el0 = rng.random() < 0.3
            ctx.set(dut.cause, cause)
            for name in EVENT_NUMBERS:
                ctx.set(dut.events[name], name in events)
            ctx.set(dut.el0, el0)
            name = rng.choice(NAMES)
            ctx.set(dut.number, SysReg[name])
            assert ctx.get(dut.value) == model.read(name), name
            write = None
            if rng.random() < 0.2:
                write = name, written(rng, name)
                ctx.set(dut.write_value, write[1])
            ctx.set(dut.write, write is not None)
            await ctx.tick()
            model.step(cause=cause.value, events=events, el0=el0, write=write)
            assert ctx.get(dut.irq) == model.irq
            assert ctx.get(dut.user) == model.user
            overflows += model.irq
        assert overflows > 30

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
