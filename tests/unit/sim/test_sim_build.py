# amaranth: UnusedElaboratable=no

"""The shared-library simulator: ports of any width, memories, batches, waves and the cache."""

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.bfm.ram import Log
from sim.build import BuildTimes, build_shared, build_workload
from sim.errors import UserError


class Adder(wiring.Component):
    """Registered sum that logs its results."""

    def __init__(self, width):
        super().__init__({"a__x": In(width), "b": In(width), "sum": Out(width + 1),
                          "count": Out(64), "at_seven": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.log = log = Log(width=len(self.sum), depth=16)
        m.d.sync += self.sum.eq(self.a__x + self.b)
        m.d.comb += [log.record.eq(self.sum), log.valid.eq(1), self.count.eq(log.count),
                     self.at_seven.eq(log.count == 7)]
        return m


@pytest.fixture(scope="module")
def model():
    model = build_shared(Adder(100), name="adder")
    yield model
    model.close()


def test_ports_memories_and_batches(model):
    model.reset()
    a, b = (1 << 100) - 3, (1 << 99) + 12345
    model.set("a__x", a)
    model.set("b", b)
    model.tick()
    assert model.get("sum") == a + b
    assert model.run(100, until="at_seven") == 6
    rows = model.memory("log")
    assert rows.shape == (16, 16)
    assert [int.from_bytes(row.tobytes(), "little") for row in rows[:8]] == [0] + [a + b] * 6 + [0]
    model.tick(20)
    assert model.get("count") == 27


def test_reset_returns_to_the_start(model):
    model.tick(3)
    model.reset()
    assert model.get("count") == 0


def test_wrong_names_are_named(model):
    with pytest.raises(KeyError, match="No port 'c': the top has clk, rst, a__x"):
        model.get("c")
    with pytest.raises(KeyError, match="No memory 'dram'"):
        model.memory("dram")
    with pytest.raises(ValueError, match="Port sum is an output"):
        model.set("sum", 1)
    with pytest.raises(UserError, match="Unknown wave format 'lxt'"):
        build_shared(Adder(8), name="adder", trace="lxt")


def test_second_build_comes_from_the_cache():
    times = BuildTimes()
    build_workload(lambda: Adder(100), name="adder", key="100").close()
    build_workload(lambda: pytest.fail("elaborated again"), name="adder", key="100",
                   times=times).close()
    assert times == BuildTimes(emission=0.0, compilation=0.0, cached=True)


def test_vcd_holds_the_changes(tmp_path):
    model = build_shared(Adder(8), name="adder", trace="vcd")
    model.trace(tmp_path / "adder.vcd")
    model.reset()
    model.set("b", 0xA5)
    model.tick(2)
    model.close()
    text = (tmp_path / "adder.vcd").read_text()
    assert " sum [8:0] $end" in text and "b010100101 " in text
