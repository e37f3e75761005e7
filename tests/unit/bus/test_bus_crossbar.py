# amaranth: UnusedElaboratable=no

"""Unit tests of :class:`AXI4Crossbar`: three managers, three memories, a monitor on each port."""

import random
import types

import pytest
from amaranth import Module

from rtl.bus import AXI4Signature, Resp
from rtl.bus.channel import connect_axi4
from rtl.bus.crossbar import AXI4Crossbar
from rtl.bus.memory import AXI4Sram
from rtl.bus.monitor import AXI4Monitor
from tests.helpers import simulate
from tests.unit.bus.axi_driver import Read, Reference, Write, drive, random_read, random_write

MANAGERS = {
    "core": AXI4Signature(addr_width=32, data_width=128, id_width=1),
    "dma": AXI4Signature(addr_width=32, data_width=128, id_width=4, user_width=8),
    "fetch": AXI4Signature(addr_width=32, data_width=128, id_width=2, write=False),
}
BASES = {"low": [0x0], "high": [0x8000_0000], "split": [0x2000, 0x4000_0000]}
ALL = ("aw", "w", "b", "ar", "r")


def ranges(bases, size=4096):
    return [types.SimpleNamespace(base=base, size=size) for base in bases]


class Bench:
    """The crossbar with memories behind it and monitors everywhere."""

    def __init__(self, slices=None):
        self.dut = AXI4Crossbar(
            managers=MANAGERS, subordinates={name: ranges(bases) for name, bases in BASES.items()},
            outstanding=4, slices=slices)
        self.module = m = Module()
        m.submodules.dut = self.dut
        self.ports = {name: getattr(self.dut, f"s_axi_{name}") for name in MANAGERS}
        for name, port in self.ports.items():
            monitor = AXI4Monitor(MANAGERS[name], outstanding=8)
            m.submodules[f"monitor_{name}"] = monitor
            m.d.comb += monitor.watch(port)
        for name in BASES:
            port = getattr(self.dut, f"m_axi_{name}")
            m.submodules[f"monitor_{name}"] = monitor = AXI4Monitor(self.dut.downstream)
            m.d.comb += monitor.watch(port)
            m.submodules[name] = memory = AXI4Sram(
                AXI4Signature(addr_width=16, data_width=128, id_width=self.dut.downstream.id_width,
                              user_width=8), size_bytes=4096)
            connect_axi4(m, port, memory.s_axi)


@pytest.mark.parametrize("pause, slices", [
    ("always", None), ("random", None), ("bursty", None), ("random", dict.fromkeys(MANAGERS, ALL)),
    ("always", {"dma": ("ar", "w")}),
])
def test_every_manager_reaches_every_memory(pause, slices):
    bench = Bench(slices)
    # Managers own separate parts of each memory, so their traffic is checked independently.
    parts = {"core": 0x000, "dma": 0x800}

    def manager(name):
        async def run(ctx):
            rng = random.Random(name)
            bases = [base for entry in BASES.values() for base in entry]
            references = {base: Reference(4096) for base in (0x0, 0x8000_0000, 0x2000)}
            references[0x4000_0000] = references[0x2000]        # one memory in two ranges
            ids = 1 << MANAGERS[name].id_width
            for batch in range(2):
                targets = [rng.choice(bases) for _ in range(8)]
                writes = [random_write(rng, base + parts[name], 2048, tag=rng.randrange(ids))
                          for base in targets]
                for base, item in zip(targets, writes, strict=True):
                    references[base].write(item)
                results = await drive(ctx, bench.ports[name], writes, pause=pause, seed=batch)
                assert results.writes == [Resp.OKAY] * len(writes)
                targets = [rng.choice(bases) for _ in range(8)]
                reads = [random_read(rng, base + parts[name], 2048, tag=rng.randrange(ids))
                         for base in targets]
                expected = [[(Resp.OKAY, word) for word in references[base].read(item)]
                            for base, item in zip(targets, reads, strict=True)]
                results = await drive(ctx, bench.ports[name], reads, pause=pause, seed=batch)
                assert results.reads == expected
        return run

    async def fetch(ctx):
        rng = random.Random(7)
        reads = [random_read(rng, rng.choice((0x0, 0x8000_0000)), 4096, tag=rng.randrange(4))
                 for _ in range(16)]
        results = await drive(ctx, bench.ports["fetch"], reads, pause=pause)
        assert [len(beats) for beats in results.reads] == [item.count for item in reads]

    simulate(bench.module, manager("core"), manager("dma"), fetch)


def test_unmapped_addresses_answer_decerr():
    bench = Bench()

    async def testbench(ctx):
        items = [Read(0x1000, 3), Write(0x7000_0000, [(1, 0xffff)] * 2), Read(0x10), Read(0x3000)]
        results = await drive(ctx, bench.ports["core"], items)
        assert results.writes == [Resp.DECERR]
        codes = [[resp for resp, _ in beats] for beats in results.reads]
        assert codes == [[Resp.DECERR] * 3, [Resp.OKAY], [Resp.DECERR]]

    simulate(bench.module, testbench)


async def read_forever(ctx, port, addr, cycles):
    """Return in which of ``cycles`` cycles a beat came, with AR offered all the time."""
    for name, value in (("araddr", addr), ("arsize", 4), ("arvalid", 1), ("rready", 1)):
        ctx.set(getattr(port, name), value)
    beats = []
    for _ in range(cycles):
        beats.append(ctx.get(port.rvalid))
        await ctx.tick()
    return beats


def test_disjoint_pairs_run_at_full_rate_without_added_latency():
    bench = Bench()

    def manager(name, addr):
        async def run(ctx):
            assert await read_forever(ctx, bench.ports[name], addr, 30) == [0] + [1] * 29
        return run

    simulate(bench.module, manager("core", 0x0), manager("fetch", 0x8000_0000),
             manager("dma", 0x2000))


def test_managers_share_one_memory_fairly():
    bench = Bench()
    counts = {}

    def manager(name):
        async def run(ctx):
            counts[name] = sum(await read_forever(ctx, bench.ports[name], 0x40, 91))
        return run

    simulate(bench.module, *(manager(name) for name in MANAGERS))
    assert counts == {"core": 30, "dma": 30, "fetch": 30}


def test_subordinate_sees_the_manager_in_the_id_and_its_user():
    bench = Bench()
    port = bench.ports["dma"]

    async def testbench(ctx):
        for name, value in (("arid", 9), ("aruser", 0x5a), ("araddr", 0x44), ("arvalid", 1)):
            ctx.set(getattr(port, name), value)
        assert ctx.get(bench.dut.m_axi_low.arid) == 1 << 4 | 9
        assert ctx.get(bench.dut.m_axi_low.aruser) == 0x5a
        assert not ctx.get(bench.dut.m_axi_high.arvalid)

    simulate(bench.module, testbench)


def test_refuses_overlapping_ranges_and_unequal_widths():
    with pytest.raises(ValueError, match="Ranges of a and b overlap at 0x800"):
        AXI4Crossbar(managers=MANAGERS, subordinates={"a": ranges([0]), "b": ranges([0x800])})
    other = AXI4Signature(addr_width=32, data_width=64)
    with pytest.raises(ValueError, match="agree in address and data width"):
        AXI4Crossbar(managers=MANAGERS | {"x": other}, subordinates={"a": ranges([0])})
