"""Breaks AXI4 on purpose, one rule at a time, to see whether those who watch the bus notice."""

import dataclasses

from amaranth import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature, Burst
from rtl.bus.channel import CHANNELS, FORWARD, LAYOUTS

__all__ = ["AXI4Mutator", "Mutation", "mutations"]

FELL = "valid fell"
CHANGED = "payload changed"
NO_WRITE = "B without a complete write of its ID"
NO_READ = "R without a read of its ID"
WIDE = "beats are wider than the bus"
WLAST = "WLAST is not at the end of the burst"
RLAST = "RLAST is not at the end of the burst"

# What moves may break another rule in the same cycle, and that one be said first.
BROKEN_TOO = {("aw", "size"): (WIDE,), ("ar", "size"): (WIDE,), ("w", "last"): (WLAST,),
              ("b", "id"): (NO_WRITE,), ("r", "last"): (RLAST,), ("r", "id"): (NO_READ,)}


@dataclasses.dataclass(frozen=True)
class Mutation:
    """One way to break the protocol.

    Parameters
    ----------
    name : :class:`str`
        What goes wrong.
    channel : :class:`str`
        On which channel.
    when : :class:`str`
        ``always``; ``stalled``, in a cycle after one in which the offer was not taken; ``first``,
        on beats that open a burst; ``last``, on beats that close one; ``idle``, while nothing is
        offered; ``again``, in the cycle after a transfer that closed a burst.
    set : dict
        Members of the channel and the values they get then, or the name of a mutation that turns
        their lowest bit: ``flip``.
    noticed : tuple of :class:`str`
        What a monitor may say to it.
    """

    name: str
    channel: str
    when: str
    set: dict
    noticed: tuple[str, ...]


def mutations(signature: AXI4Signature) -> list[Mutation]:
    """Return every mutation of a bus with both directions."""
    found = []
    for channel in CHANNELS:
        title = channel.upper()
        found.append(Mutation(f"{title}VALID falls before the transfer", channel, "stalled",
                              {"valid": 0}, (FELL,)))
        for field, _ in LAYOUTS[channel](signature):
            found.append(Mutation(f"{title}{field.upper()} moves while it waits", channel,
                                  "stalled", {field: "flip"},
                                  (CHANGED, *BROKEN_TOO.get((channel, field), ()))))
    for channel in ("aw", "ar"):
        title = channel.upper()
        for name, wires, noticed in (
                ("burst crosses 4 KiB", {"addr": 0xFF0, "len": 3, "size": signature.size,
                                         "burst": Burst.INCR.value}, "the burst crosses 4 KiB"),
                ("beats are wider than the bus", {"size": 7, "len": 0}, WIDE),
                ("burst has the reserved type", {"burst": 3}, "the burst type is reserved"),
                ("fixed burst has 17 beats", {"burst": Burst.FIXED.value, "len": 16},
                 "a fixed burst is too long"),
                ("wrapping burst has 3 beats", {"burst": Burst.WRAP.value, "len": 2},
                 "no legal wrapping burst"),
                ("wrapping burst is not aligned", {"burst": Burst.WRAP.value, "len": 3, "size": 2,
                                                   "addr": 2}, "no legal wrapping burst")):
            found.append(Mutation(f"{title} {name}", channel, "always", wires, (noticed,)))
    found += [
        Mutation("WLAST is dropped", "w", "last", {"last": 0}, (WLAST,)),
        Mutation("WLAST comes with the first beat", "w", "first", {"last": 1}, (WLAST,)),
        Mutation("RLAST is dropped", "r", "last", {"last": 0}, (RLAST,)),
        Mutation("RLAST comes with the first beat", "r", "first", {"last": 1}, (RLAST,)),
        Mutation("B answers another ID", "b", "always", {"id": "flip"}, (NO_WRITE,)),
        Mutation("R answers another ID", "r", "always", {"id": "flip"}, (NO_READ,)),
        Mutation("B comes unasked", "b", "idle", {"valid": 1}, (NO_WRITE,)),
        Mutation("R comes unasked", "r", "idle", {"valid": 1}, (NO_READ,)),
        Mutation("B comes twice", "b", "again", {"valid": 1}, (NO_WRITE,)),
        Mutation("R goes on behind its burst", "r", "again", {"valid": 1}, (NO_READ,)),
    ]
    return found


class AXI4Mutator(wiring.Component):
    """Stands in a bus and passes it on, with one mutation that is chosen while it runs.

    Timing
    ------
    Combinational.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus, with both directions.

    Members
    -------
    s_axi, m_axi : :py:`In(signature)`, :py:`Out(signature)`
        Towards the manager and towards the subordinate.
    hold : :py:`In(5)`
        Nothing is transferred on these channels (AW, W, B, AR, R) in this cycle.
    select : :py:`In(...)`
        0 for none, n + 1 for number n of :func:`mutations`.
    seen : wires of the signature, all :py:`Out`
        What is offered on each channel, mutated, and whether it is taken.
    """

    s_axi: wiring.PureInterface
    m_axi: wiring.PureInterface
    hold: Signal
    select: Signal
    seen: wiring.PureInterface

    def __init__(self, signature: AXI4Signature):
        self.mutations = mutations(signature)
        wires = {name: Out(member.shape) for name, member in signature.members.items()}
        super().__init__({
            "s_axi":  In(signature),
            "m_axi":  Out(signature),
            "hold":   In(len(CHANNELS)),
            "select": In(range(len(self.mutations) + 1)),
            "seen":   Out(wiring.Signature(wires)),
        })

    def elaborate(self, platform):
        m = Module()
        for index, channel in enumerate(CHANNELS):
            self._channel(m, channel, self.hold[index])
        return m

    def _channel(self, m, channel, hold):
        """Pass on one channel, with its mutations."""
        source, sink = ((self.s_axi, self.m_axi) if channel in FORWARD
                        else (self.m_axi, self.s_axi))
        names = ["valid", *(name for name, _ in LAYOUTS[channel](self.m_axi.signature))]

        def wire(bus, name):
            return Value.cast(getattr(bus, channel + name))

        seen = self.seen
        offered, taken = wire(seen, "valid"), wire(seen, "ready")
        for name in names:
            m.d.comb += wire(seen, name).eq(wire(source, name))
        m.d.comb += [
            taken.eq(wire(sink, "ready") & ~hold),
            wire(sink, "valid").eq(offered & ~hold),
            wire(source, "ready").eq(taken & offered),
        ]
        m.d.comb += [wire(sink, name).eq(wire(seen, name)) for name in names[1:]]

        last = wire(source, "last") if channel in ("w", "r") else 1
        stalled, opens, again = (Signal(name=f"{channel}_{name}", init=name == "opens")
                                 for name in ("stalled", "opens", "again"))
        transfer = offered & taken
        m.d.sync += [stalled.eq(offered & ~taken), again.eq(transfer & last)]
        with m.If(transfer):
            m.d.sync += opens.eq(last)
        occasions = {"always": 1, "stalled": stalled, "first": opens, "last": last,
                     "idle": ~wire(source, "valid"), "again": again}
        for number, mutation in enumerate(self.mutations):
            if mutation.channel != channel:
                continue
            with m.If((self.select == number + 1) & occasions[mutation.when]):
                for name, value in mutation.set.items():
                    m.d.comb += wire(seen, name).eq(
                        wire(source, name) ^ 1 if value == "flip" else value)
