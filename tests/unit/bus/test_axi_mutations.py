# amaranth: UnusedElaboratable=no

"""Every way to break AXI4 that the mutator knows is noticed by the monitor, in one build."""

import random
import re

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from rtl.bus import AXI4Monitor, AXI4Signature, Resp
from rtl.bus.memory import AXI4Sram
from sim.bfm.axi_mutator import AXI4Mutator, mutations
from tests.unit.bus.axi_driver import drive, random_read, random_write

BUS = AXI4Signature(addr_width=20, data_width=128, id_width=3, user_width=4)
MUTATIONS = mutations(BUS)
LIMIT = 4000


class Bench(wiring.Component):
    """Manager, mutator and memory, with a monitor on what the mutator lets be seen."""

    def __init__(self):
        self.mutator = AXI4Mutator(BUS)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.mutator = mutator = self.mutator
        m.submodules.sram = sram = AXI4Sram(BUS, size_bytes=4096)
        m.submodules.monitor = monitor = AXI4Monitor(BUS)
        wiring.connect(m, mutator.m_axi, sram.s_axi)
        m.d.comb += monitor.watch(mutator.seen)
        return m


@pytest.fixture(scope="module")
def bench():
    return Bench()


def run(bench, number):
    """Run some traffic with a mutation; return what the monitor says, or None."""
    mutator = bench.mutator
    sim = Simulator(bench)
    rng = random.Random(number)

    async def hold(ctx):
        while True:
            ctx.set(mutator.hold, rng.randrange(32))
            await ctx.tick()

    async def traffic(ctx):
        ctx.set(mutator.select, number)
        for batch in range(20):
            items = [random_write(rng, 0, 2048, tag=rng.randrange(8)) for _ in range(3)]
            items += [random_read(rng, 2048, 2048, tag=rng.randrange(8)) for _ in range(3)]
            results = await drive(ctx, mutator.s_axi, items, pause="random", seed=batch,
                                  limit=LIMIT)
            assert results.writes == [Resp.OKAY] * 3

    sim.add_clock(1e-8)
    sim.add_testbench(traffic)
    sim.add_testbench(hold, background=True)
    try:
        sim.run()
    except AssertionError as error:
        return str(error)
    return None


def test_axi_traffic_without_a_mutation_passes(bench):
    assert run(bench, 0) is None


@pytest.mark.parametrize("number", range(len(MUTATIONS)),
                         ids=[re.sub(r"\W+", "-", mutation.name) for mutation in MUTATIONS])
def test_axi_mutation_is_noticed(bench, number):
    said = run(bench, number + 1)
    assert said is not None, "nobody noticed"
    assert any(text in said for text in MUTATIONS[number].noticed), said


def test_axi_mutations_are_many_and_distinct():
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 50
