"""Seeded faults in a small design: each acts alone, and none while the port is 0."""

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.emit import emit_rtlil
from sim.build import build_shared
from sim.errors import UserError
from sim.mutation import FAULT_PORT, Fault, apply_faults, draw_faults, load_faults


class Inner(wiring.Component):
    """A sum, in the same cycle."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "total": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.total.eq(self.a + self.b)
        return m


class Outer(wiring.Component):
    """The sum, one cycle later."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Inner()
        m.d.comb += [inner.a.eq(self.a), inner.b.eq(self.b)]
        m.d.sync += self.o.eq(inner.total)
        return m


FAULTS = [Fault(module="inner", signal="total", bit=2, mode="inv"),
          Fault(module="inner", signal="total", bit=7, mode="const0"),
          Fault(module="inner", signal="total", bit=0, mode="const1")]


def test_each_fault_acts_alone():
    model = build_shared(Outer(), name="mutation", faults=FAULTS)
    model.reset()
    expected = {0: 0xF0, 1: 0xF4, 2: 0x70, 3: 0xF1, 4: 0xF0}
    model.set("a", 0xE0)
    model.set("b", 0x10)
    for number, total in expected.items():
        model.set(FAULT_PORT.name, number)
        model.tick(2)
        assert model.get("o") == total, number
    model.close()


@pytest.mark.parametrize(("fault", "message"), [
    (Fault(module="nowhere", signal="total", mode="inv"), "no module 'nowhere'"),
    (Fault(module="inner", signal="nothing", mode="inv"), "no such signal"),
    (Fault(module="inner", signal="total", bit=8, mode="inv"), "no such signal or bit"),
    (Fault(module="inner", signal="a", mode="inv"), "no cell of the module drives"),
])
def test_a_fault_that_does_not_fit_is_named(fault, message):
    text, _, _ = emit_rtlil(Outer(), "top")
    with pytest.raises(UserError, match=message):
        apply_faults(text, [fault])


def test_drawing_is_repeatable_and_what_it_draws_can_be_put_in():
    text, _, _ = emit_rtlil(Outer(), "top")
    drawn = draw_faults(text, 2, 5, "inner")
    assert drawn == draw_faults(text, 2, 5, "inner")
    assert {fault.module for fault in drawn} == {"inner"}
    assert {fault.origin for fault in drawn} == {"yosys"}
    assert apply_faults(text, drawn).count(f"\\{FAULT_PORT.name}") > len(drawn)
    with pytest.raises(UserError, match="ask for fewer"):
        draw_faults(text, 500, 5, "inner")


def write(path, text):
    path.write_text(text)
    return path


def test_lists_are_checked(tmp_path):
    file = tmp_path / "faults.toml"
    with pytest.raises(UserError, match="No file"):
        load_faults(file)
    good = '[[fault]]\nmodule = "m"\nsignal = "s"\nmode = "inv"\n'
    assert load_faults(write(file, good)) == [Fault(module="m", signal="s", mode="inv")]
    for text, message in ((good + "colour = 1\n", "fault 1: .*colour"),
                          (good.replace("inv", "maybe"), "mode must be one of"),
                          (good * 256, "holds 256 faults"),
                          ("x = 1\n", "must hold tables"), ("[", "not a list of faults")):
        with pytest.raises(UserError, match=message):
            load_faults(write(file, text))
