# amaranth: UnusedElaboratable=no

"""What stands in for the parts that proofs cut out of the core.

Fetch gives a program of the proof's own, the load/store unit finds any bytes, multiplier, divider
and CRC unit compute a function that tells their operands apart. Decode, issue, execute, commit,
registers, system registers and the retire port are the core's own.
"""

from contextlib import ExitStack
from unittest import mock

from amaranth import Cat, Const, Module, Signal
from amaranth.hdl import Fragment
from amaranth.lib import wiring

from rtl.config import PRESETS
from rtl.core.core import Core
from rtl.core.crc import CrcUnit
from rtl.core.divider import Divider
from rtl.core.fetch import Fetch
from rtl.core.lsu import LoadStoreUnit
from rtl.core.multiplier import Multiplier

__all__ = ["core_without", "find", "product", "quotient", "remainder",
           "replaced"]


class _StandIn(wiring.Component):
    """Component with the ports of another one, and something simpler behind them."""

    def __init__(self, replaced, behave):
        self.behave = behave
        super().__init__(replaced.signature)

    def elaborate(self, platform):
        m = Module()
        self.behave(m, self)
        return m


def _mixed(*values):
    """Return 64 bits that change with each of the values and with their order."""
    total = Const(0, 64)
    for index, value in enumerate(values):
        total = total ^ Cat(value, Const(0, 64))[:64].rotate_left(7 * index)
    return total


def product(a, b, addend, *, wide, long, signed, high_half, subtract):
    """Return what the proofs take for the result of the multiplier."""
    return _mixed(a, b, addend, Cat(wide, long, signed, Const(high_half, 1)
                                         if isinstance(high_half, int) else high_half, subtract))


def quotient(a, b, *, wide, signed):
    """Return what the proofs take for the result of the divider."""
    return _mixed(a, b, Cat(wide, signed))


def remainder(before, value, *, size_log2, castagnoli):
    """Return what the proofs take for the result of the CRC unit."""
    return _mixed(before[:32], value[:32], Cat(size_log2, castagnoli))[:32]


def _multiply(m, unit):
    def computed(high_half):
        return product(unit.a, unit.b, unit.addend, wide=unit.wide, long=unit.long,
                       signed=unit.signed, high_half=high_half, subtract=unit.subtract)

    high = Signal(64)
    with m.If(unit.enable_1):
        m.d.sync += [unit.low.eq(computed(0)), high.eq(computed(1))]
    with m.If(unit.enable_2):
        m.d.sync += unit.high.eq(high)


def _divide(m, unit):
    m.d.sync += unit.done.eq(unit.start)
    with m.If(unit.start):
        m.d.sync += unit.result.eq(quotient(unit.a, unit.b, wide=unit.wide, signed=unit.signed))


def _take_remainder(m, unit):
    m.d.comb += unit.result.eq(remainder(unit.remainder, unit.value, size_log2=unit.size_log2,
                                         castagnoli=unit.castagnoli))


def find(raw, second_raw, *, status, apart, drained, error, watch):
    """Return a load/store unit that finds these bytes in memory, and makes each access at once.

    ``status`` is what a store-exclusive answers; ``apart`` asks for one element after the other;
    ``drained`` and ``error`` are of posted stores. ``watch`` is called with the module and the
    unit: it drives the fault and its code, and sees what is asked for.
    """
    def behave(m, unit):
        access = unit.access
        watch(m, unit)
        for prefix, found, stored in (("", raw, access.data), ("second_", second_raw,
                                                               access.second)):
            result, shown, kept = (getattr(unit, prefix + name)
                                   for name in ("result", "raw", "stored"))
            with m.Switch(access.size_log2):
                for size in range(4):
                    bits = 8 << size
                    sign = found[bits - 1] & access.signed
                    with m.Case(size):
                        m.d.comb += [
                            shown.eq(found[:bits]), kept.eq(stored[:bits]),
                            result.eq(Cat(found[:bits], (
                                sign & (access.wide | (bit < 32)) for bit in range(bits, 64)))),
                        ]
        with m.If(~access.valid | access.ignored | access.write):
            m.d.comb += unit.result.eq(access.write & access.exclusive & status)
        m.d.comb += [unit.done.eq(access.valid & ~unit.fault), unit.settled.eq(unit.done),
                     unit.drained.eq(drained), unit.store_error.eq(error), unit.apart.eq(apart)]
    return behave


def replaced(component, behave):
    """Return a class whose instances have the ports of a component and do something else."""
    return lambda *args, **kwargs: _StandIn(component(*args, **kwargs), behave)


def core_without(*, fetch, memory, also=()):
    """Return a core in which ``fetch`` and ``memory`` stand for these parts, and its fragment.

    Both are functions that describe their part in a module, given an object with its ports;
    ``also`` replaces further parts, by module and class. The registers of this core are cleared in
    two cycles.
    """
    parts = {
        "core.Fetch": replaced(Fetch, fetch),
        "core.Multiplier": replaced(Multiplier, _multiply),
        "core.REGISTERS": 4,
        "commit.LoadStoreUnit": replaced(LoadStoreUnit, memory),
        "core.Divider": replaced(Divider, _divide),
        "execute.CrcUnit": replaced(CrcUnit, _take_remainder),
    } | dict(also)
    core = Core(PRESETS["sim"].core)
    with ExitStack() as stack:
        for name, part in parts.items():
            stack.enter_context(mock.patch(f"rtl.core.{name}", part))
        return core, Fragment.get(core, None)
