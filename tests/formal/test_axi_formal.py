"""Bounded proofs that the bus parts keep AXI4 if those around them do."""

import types

import pytest
from amaranth import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Crossbar, AXI4Monitor, AXI4Signature, Burst
from rtl.bus.crossbar import Lane
from rtl.bus.decode import address_matches
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal


class BusProof(wiring.Component):
    """A part with every AXI4 port free, the far side of each port assumed to keep the rules."""

    def __init__(self, dut, *, outstanding):
        self.dut = dut
        self.outstanding = outstanding
        self.buses = {}
        for name, member in dut.signature.members.items():
            signature = member.signature
            subordinate = isinstance(signature, wiring.FlippedSignature)
            plain = signature.flip() if subordinate else signature
            self.buses[name] = (plain, subordinate)
        super().__init__({name: In(plain) if subordinate else Out(plain)
                          for name, (plain, subordinate) in self.buses.items()})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        for name, (plain, subordinate) in self.buses.items():
            port, free = getattr(self.dut, name), getattr(self, name)
            for member, info in plain.members.items():
                driven = info.flow is (Out if subordinate else In)
                source, sink = (free, port) if driven else (port, free)
                value = Value.cast(getattr(source, member))
                if driven:
                    value = self._choices(member, value)
                m.d.comb += Value.cast(getattr(sink, member)).eq(value)
            monitor = AXI4Monitor(plain, outstanding=self.outstanding,
                                  assume="manager" if subordinate else "subordinate")
            m.submodules[f"monitor_{name}"] = monitor
            m.d.comb += monitor.watch(port)
        return m

    def _choices(self, member, value):
        """Return what the solver may choose: enough for every decision that the part makes."""
        match member[2:]:
            case "len":
                return value & 1
            case "size":
                return 2
            case "burst":
                return Burst.INCR.value
            case "addr":
                return value & 0x1800
            case "lock" | "cache" | "prot":
                return 0
        if member in ("wdata", "rdata", "wstrb"):
            return value & 1
        return value


def crossbar(direction):
    """Two by two, one transaction at a time: the smallest one with every kind of conflict."""
    bus = AXI4Signature(addr_width=13, data_width=32, id_width=1,
                        read=direction == "read", write=direction == "write")
    ranges = [types.SimpleNamespace(base=base, size=0x800) for base in (0x0, 0x1000)]
    return AXI4Crossbar(managers={"a": bus, "b": bus}, outstanding=1,
                        subordinates={"x": ranges[:1], "y": ranges[1:]})


@pytest.mark.parametrize("direction, depth", [
    ("read", 5),
    ("write", 5),
    pytest.param("read", 7, marks=pytest.mark.slow),
    pytest.param("write", 7, marks=pytest.mark.slow),
])
def test_crossbar_keeps_axi4(direction, depth):
    prove(BusProof(crossbar(direction), outstanding=2), name=f"crossbar_{direction}_{depth}",
          mode="bmc", depth=depth, timeout=3600 if depth > 5 else 300)


class _Careless(Lane):
    """A lane that does not wait for the responses of one subordinate before it asks another."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.target[index].eq(address_matches(self.i.payload.addr, ranges))
                     for index, ranges in enumerate(self.ranges.values())]
        m.d.comb += self.target[-1].eq(~self.target[:-1].any())
        wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        return m


def test_proof_notices_responses_out_of_order(monkeypatch):
    monkeypatch.setattr("rtl.bus.crossbar.Lane", _Careless)
    with pytest.raises(ProofError, match="FAIL.*monitor_s_axi"):
        prove(BusProof(crossbar("read"), outstanding=2), name="crossbar_careless", mode="bmc",
              depth=5)
