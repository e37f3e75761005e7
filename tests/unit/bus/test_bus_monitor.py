# amaranth: UnusedElaboratable=no

"""Unit tests of :class:`AXI4Monitor`: legal traffic passes, each broken rule is noticed."""

import pytest
from amaranth import Value

from rtl.bus import AXI4Monitor, AXI4Signature, Burst
from tests.helpers import simulate

BUS = AXI4Signature(addr_width=16, data_width=32, id_width=2)
FIXED, INCR, WRAP = (kind.value for kind in (Burst.FIXED, Burst.INCR, Burst.WRAP))
RESERVED = 3


def address(channel, *, ready=1, **fields):
    """Wires of an address of one full beat at 0, unless `fields` say otherwise."""
    values = {"valid": 1, "ready": ready, "size": 2, "burst": INCR} | fields
    return {f"{channel}{name}": value for name, value in values.items()}


def aw(**fields):
    return address("aw", **fields)


def ar(**fields):
    return address("ar", **fields)


def w(*, last=1, data=0, ready=1):
    return {"wvalid": 1, "wready": ready, "wlast": last, "wdata": data}


def b(*, tag=0, ready=1):
    return {"bvalid": 1, "bready": ready, "bid": tag}


def r(*, tag=0, last=1, data=0, ready=1):
    return {"rvalid": 1, "rready": ready, "rid": tag, "rlast": last, "rdata": data}


def play(*cycles, outstanding=4):
    """Show the monitor one set of wires after another; what is not named is 0."""
    dut = AXI4Monitor(BUS, outstanding=outstanding)

    async def testbench(ctx):
        for wires in (*cycles, {}):
            for name in BUS.members:
                value = wires.get(name, INCR if name.endswith("burst") else 0)
                ctx.set(Value.cast(getattr(dut.axi, name)), value)
            await ctx.tick()

    simulate(dut, testbench)


LEGAL = {
    "a write": [aw(len=1), w(last=0), w(), b()],
    "W before AW": [w(last=0), w(), aw(len=1), b()],
    "W and AW together": [aw(len=1) | w(last=0), w(), b()],
    "two bursts of W before AW": [w(), w(last=0), w(), aw(id=1), aw(id=2, len=1), b(tag=2),
                                  b(tag=1)],
    "AW far ahead": [aw(id=1), aw(id=2, len=1), aw(), w(), w(last=0), w(), w(), b(tag=2), b(tag=1),
                     b()],
    "a read": [ar(len=1), r(last=0), r()],
    "interleaved reads": [ar(id=1, len=1), ar(id=2, len=1), r(tag=2, last=0), r(tag=1, last=0),
                          r(tag=1), r(tag=2)],
    "reads of one ID in order": [ar(len=1), ar(len=0), r(last=0), r(), r()],
    "to the end of a page": [ar(addr=0x0ff0, len=3), *[r(last=0)] * 3, r()],
    "wrapping": [ar(addr=0x0ffc, len=3, burst=WRAP), *[r(last=0)] * 3, r()],
    "stalls": [ar(ready=0, addr=4), ar(addr=4), r(ready=0, data=3), r(data=3), aw(ready=0), aw(),
               w(ready=0), w(), b(ready=0), b()],
    "a response as the next one begins": [ar(), r() | ar(), r() | ar(), r()],
    "as many as it follows": [ar(), ar(), ar(), ar(), *[r()] * 4],
}

BROKEN = {
    "the burst crosses 4 KiB": [[ar(addr=0x0ff0, len=4)], [aw(addr=0x0ffe, len=1)]],
    "beats are wider than the bus": [[ar(size=3)], [aw(size=4)]],
    "no legal wrapping burst": [[ar(len=2, burst=WRAP)],
                                [aw(len=3, addr=2, burst=WRAP)]],
    "a fixed burst is too long": [[ar(len=16, burst=FIXED)]],
    "the burst type is reserved": [[aw(burst=RESERVED)]],
    "valid fell": [[ar(ready=0), {}], [aw(ready=0), {}], [aw(), w(ready=0), {}],
                   [ar(), r(ready=0), {}], [aw() | w(), b(ready=0), {}]],
    "payload changed": [[ar(ready=0), ar(addr=4)], [aw(ready=0), aw(id=1)],
                        [aw(), w(ready=0), w(data=1)], [ar(), r(ready=0), r(data=1)],
                        [aw() | w(), aw(id=1) | w() | b(ready=0), b(tag=1)]],
    "WLAST is not at the end": [[aw(len=1), w()], [aw(), w(last=0)], [aw(len=1) | w()]],
    "the data that came before had another length": [[w(last=0), w(), aw()]],
    "the data that came before is longer": [[w(last=0), w(last=0), aw(len=1)]],
    "B without a complete write of its ID": [[b()], [aw(), b()], [w(), b()],
                                             [aw(len=1), w(last=0), b()], [aw(id=1) | w(), b()],
                                             [aw() | w(), b(), b()], [aw() | w() | b()]],
    "R without a read of its ID": [[r()], [ar(id=1), r()], [ar(), r(), r()], [ar() | r()]],
    "RLAST is not at the end": [[ar(len=1), r()], [ar(), r(last=0)],
                                [ar(len=1), ar(id=1), r(last=0), r(tag=1), r(last=0)]],
    "more reads than the monitor can follow": [[ar()] * 5],
    "AW is too far ahead": [[aw()] * 5],
    "W is too far ahead": [[w()] * 5],
    "more writes than the monitor can follow": [[aw() | w()] * 5],
}


@pytest.mark.parametrize("name", LEGAL)
def test_legal_traffic_passes(name):
    play(*LEGAL[name])


@pytest.mark.parametrize("message, cycles", [
    (message, cycles) for message, cases in BROKEN.items() for cycles in cases])
def test_broken_rule_is_noticed(message, cycles):
    with pytest.raises(AssertionError, match=f"Assertion violated: .*{message}"):
        play(*cycles)


@pytest.mark.parametrize("arguments, message", [
    ({"outstanding": 3}, "power of two of at least 2, not 3"),
    ({"assume": "both"}, "must be manager or subordinate, not 'both'"),
])
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        AXI4Monitor(BUS, **arguments)
