"""AXI4 crossbar: every manager reaches every subordinate, disjoint pairs at the same time."""

from collections.abc import Mapping, Sequence

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.lib import StreamArbiter, StreamBuffer, StreamFifo

from .axi import AXI4Signature
from .channel import (
    AddressLayout,
    AXI4Slice,
    WriteLayout,
    channel_from,
    channel_to,
    connect_axi4,
)
from .decode import address_matches
from .error import AXI4Error

__all__ = ["AXI4Crossbar", "downstream_signature"]

# Addresses that W may trail by at one subordinate.
W_ORDER_DEPTH = 4


def _select(chosen: Value, values: Sequence) -> Value:
    """Return the value whose bit of ``chosen``, at most one, is set; zero if none is."""
    result = Const(0)
    for bit, value in zip(chosen, values, strict=True):
        result = result | Mux(bit, Value.cast(value), 0)
    return result


class Lane(wiring.Component):
    """Address channel of one manager: decodes, and keeps the responses in order.

    All transactions in flight go to one subordinate. One for another subordinate waits until the
    last response has come, so responses of one ID return in the order of their addresses, and
    the beats of W need no order of their own.
    """

    i: stream.Interface
    o: stream.Interface
    target: Signal
    done: Signal

    def __init__(self, bus: AXI4Signature, ranges: Mapping[str, Sequence], outstanding: int):
        self.bus = bus
        self.ranges = ranges
        self.outstanding = outstanding
        super().__init__({
            "i":      In(stream.Signature(AddressLayout(bus))),
            "o":      Out(stream.Signature(AddressLayout(bus))),
            "target": Out(len(ranges) + 1),         # one-hot; belongs to `o`
            "done":   In(1),                        # a response ended in this cycle
        })

    def elaborate(self, platform):
        m = Module()

        m.d.comb += [
            self.target[index].eq(address_matches(self.i.payload.addr, ranges))
            for index, ranges in enumerate(self.ranges.values())
        ]
        m.d.comb += self.target[-1].eq(~self.target[:-1].any())

        target_prev = Signal.like(self.target)
        in_flight = Signal(range(self.outstanding + 1))
        allowed = Signal()
        issue = Signal()
        m.d.comb += [
            allowed.eq((in_flight == 0)
                       | ((self.target == target_prev) & (in_flight != self.outstanding))),
            self.o.valid.eq(self.i.valid & allowed),
            self.o.payload.eq(self.i.payload),
            self.i.ready.eq(self.o.ready & allowed),
            issue.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += in_flight.eq(in_flight + issue - self.done)
        with m.If(issue):
            m.d.sync += target_prev.eq(self.target)

        return m


def downstream_signature(managers: Mapping[str, AXI4Signature]) -> AXI4Signature:
    """Return the bus of the subordinates of a crossbar with these ``managers``.

    Its ID is the widest one of the managers with the index of the manager in front.

    Raises
    ------
    :exc:`ValueError`
        If the managers differ in address or data width.
    """
    buses = list(managers.values())
    widths = {(bus.addr_width, bus.data_width) for bus in buses}
    if len(widths) != 1:
        raise ValueError(f"Managers must agree in address and data width, not have {widths!r}")
    addr_width, data_width = widths.pop()
    return AXI4Signature(addr_width=addr_width, data_width=data_width,
                         id_width=max(bus.id_width for bus in buses) + ceil_log2(len(buses)),
                         user_width=max(bus.user_width for bus in buses))


class AXI4Crossbar(wiring.Component):
    """Joins managers and subordinates; reads and writes are switched independently.

    A transaction goes to the subordinate whose ranges hold its address; an address in no range is
    answered with DECERR. A subordinate sees the index of the manager in front of the manager's
    own ID and returns both, so it may answer different managers in any order.

    Each manager has up to ``outstanding`` reads and as many writes in flight, all of a direction
    at one subordinate at a time. W follows AW: a beat reaches a subordinate together with the
    address of its burst or later, in the order of the addresses.

    Timing
    ------
    Without slices AR, R and B are combinational from side to side. AW takes 1 cycle, and so does
    the first beat of W that comes with it; the beats behind it take none. No ``valid`` depends on
    a ``ready``. A ``ready`` depends on the ``valid`` of its own channel in all managers;
    ``slices`` cuts both. Requests for one subordinate are served in round-robin order.

    Parameters
    ----------
    managers : mapping of :class:`str` to :class:`AXI4Signature`
        Buses of the managers, which agree in address and data width; a manager may lack a
        direction.
    subordinates : mapping of :class:`str` to sequence of ranges
        Ranges, with ``base`` and ``size``, of each subordinate.
    outstanding : :class:`int`
        Transactions of a manager in flight in each direction.
    slices : mapping of :class:`str` to collection of :class:`str`
        Channels to register on the side of a manager, by its name.

    Members
    -------
    s_axi_<manager> : :py:`In(managers[manager])`
        Bus of a manager.
    m_axi_<subordinate> : :py:`Out(downstream)`
        Bus of a subordinate; :func:`downstream_signature` gives it.

    Raises
    ------
    :exc:`ValueError`
        If address or data widths differ, or two ranges overlap.
    """

    def __init__(self, *, managers: Mapping[str, AXI4Signature],
                 subordinates: Mapping[str, Sequence], outstanding: int = 16,
                 slices: Mapping[str, Sequence[str]] | None = None):
        self.managers = dict(managers)
        self.subordinates = {name: tuple(ranges) for name, ranges in subordinates.items()}
        self.outstanding = outstanding
        self.slices = dict(slices or {})
        self._check_ranges()
        self.downstream = downstream_signature(self.managers)
        # What a manager sends, brought to common ID and user widths.
        self._id_width = max(bus.id_width for bus in self.managers.values())
        self._upstream = AXI4Signature(
            addr_width=self.downstream.addr_width, data_width=self.downstream.data_width,
            id_width=self._id_width, user_width=self.downstream.user_width)
        super().__init__(
            {f"s_axi_{name}": In(bus) for name, bus in self.managers.items()}
            | {f"m_axi_{name}": Out(self.downstream) for name in self.subordinates})

    def _check_ranges(self):
        ranges = sorted((entry.base, entry.size, name)
                        for name, entries in self.subordinates.items() for entry in entries)
        for (base, size, name), (base_next, _, name_next) in zip(ranges, ranges[1:], strict=False):
            if base + size > base_next:
                raise ValueError(f"Ranges of {name} and {name_next} overlap at {base_next:#x}")

    def elaborate(self, platform):
        m = Module()

        uppers = [self._upper_bus(m, name) for name in self.managers]
        lowers = {name: getattr(self, f"m_axi_{name}") for name in self.subordinates}
        m.submodules.error = error = AXI4Error(self.downstream)
        lowers["error"] = error.s_axi

        done = self._switch_responses(m, "r", uppers, lowers)
        reads = self._switch_addresses(m, "ar", uppers, lowers, done)
        for name, merged in reads.items():
            channel_to(m, merged.o, lowers[name], "ar", self.downstream)

        done = self._switch_responses(m, "b", uppers, lowers)
        writes = self._switch_addresses(m, "aw", uppers, lowers, done)
        self._switch_write_data(m, uppers, lowers, writes)

        return m

    def _upper_bus(self, m, name):
        """Return the bus of a manager behind its slices, in the common widths."""
        bus = getattr(self, f"s_axi_{name}")
        if self.slices.get(name):
            m.submodules[f"slice_{name}"] = part = AXI4Slice(self.managers[name],
                                                             channels=self.slices[name])
            connect_axi4(m, bus, part.s_axi)
            bus = part.m_axi
        upper = self._upstream.create(path=(f"upper_{name}",))
        connect_axi4(m, bus, upper)
        return upper

    def _switch_addresses(self, m, channel, uppers, lowers, done):
        """Return the arbiter of each subordinate, fed with the addresses meant for it."""
        lanes = []
        for name, upper, ended in zip(self.managers, uppers, done, strict=True):
            lane = Lane(self._upstream, self.subordinates, self.outstanding)
            m.submodules[f"{channel}_lane_{name}"] = lane
            wiring.connect(m, channel_from(m, upper, channel, self._upstream), lane.i)
            m.d.comb += lane.done.eq(ended)
            lanes.append(lane)

        arbiters = {}
        ready = [Signal(len(lowers), name=f"{channel}_{name}_ready") for name in self.managers]
        for index, name in enumerate(lowers):
            arbiter = StreamArbiter(AddressLayout(self.downstream), len(lanes))
            m.submodules[f"{channel}_arbiter_{name}"] = arbiters[name] = arbiter
            for number, lane in enumerate(lanes):
                port = arbiter.i[number]
                m.d.comb += [
                    port.valid.eq(lane.o.valid & lane.target[index]),
                    ready[number][index].eq(port.ready & lane.target[index]),
                ]
                m.d.comb += [port.payload[key].eq(lane.o.payload[key])
                             for key, _ in AddressLayout(self._upstream)]
                tag = Const(number, ceil_log2(len(lanes)))
                m.d.comb += port.payload.id.eq(Cat(lane.o.payload.id, tag))
        for lane, bits in zip(lanes, ready, strict=True):
            m.d.comb += lane.o.ready.eq(bits.any())
        return arbiters

    def _switch_write_data(self, m, uppers, lowers, arbiters):
        """Connect AW with a note of whose it is, and W as the notes say."""
        shape = WriteLayout(self.downstream)
        beats = [channel_from(m, upper, "w", self._upstream) for upper in uppers]
        ready = [Signal(len(lowers), name=f"w_{name}_ready") for name in self.managers]
        for index, (name, lower) in enumerate(lowers.items()):
            m.submodules[f"w_order_{name}"] = order = StreamFifo(len(uppers), W_ORDER_DEPTH)
            # Registered, so that AW stands no later than the W that the note lets through: a
            # subordinate may wait for both, and W may not wait for the subordinate.
            m.submodules[f"aw_buffer_{name}"] = buffer = StreamBuffer(
                AddressLayout(self.downstream))
            chosen = arbiters[name]
            m.d.comb += [
                buffer.i.valid.eq(chosen.o.valid & order.i.ready),
                buffer.i.payload.eq(chosen.o.payload),
                order.i.valid.eq(chosen.o.valid & buffer.i.ready),
                order.i.payload.eq(chosen.grant),
                chosen.o.ready.eq(buffer.i.ready & order.i.ready),
            ]
            channel_to(m, buffer.o, lower, "aw", self.downstream)

            source = Signal(len(uppers), name=f"w_source_{name}")
            merged = stream.Signature(shape).create(path=(f"w_{name}",))
            m.d.comb += source.eq(Mux(order.o.valid, order.o.payload, 0))
            m.d.comb += [
                merged.valid.eq(_select(source, [port.valid for port in beats])),
                Value.cast(merged.payload).eq(_select(source, [port.payload for port in beats])),
                order.o.ready.eq(merged.valid & merged.ready & merged.payload.last),
            ]
            m.d.comb += [bits[index].eq(source[number] & merged.ready)
                         for number, bits in enumerate(ready)]
            channel_to(m, merged, lower, "w", self.downstream)
        for port, bits in zip(beats, ready, strict=True):
            m.d.comb += port.ready.eq(bits.any())

    def _switch_responses(self, m, channel, uppers, lowers):
        """Connect B or R by the index in the ID; return where a response ends, by manager."""
        beats = [channel_from(m, lower, channel, self.downstream) for lower in lowers.values()]
        meant = []
        for name, port in zip(lowers, beats, strict=True):
            hits = Signal(len(uppers), name=f"{channel}_{name}_meant")
            m.d.comb += [hits[number].eq(port.payload.id[self._id_width:] == number)
                         for number in range(len(uppers))]
            m.d.comb += port.ready.eq(_select(hits, [getattr(upper, f"{channel}ready")
                                                     for upper in uppers]))
            meant.append(hits)

        done = []
        for number, (name, upper) in enumerate(zip(self.managers, uppers, strict=True)):
            source = Signal(len(beats), name=f"{channel}_{name}_source")
            m.d.comb += source.eq(Cat(port.valid & hits[number]
                                      for port, hits in zip(beats, meant, strict=True)))
            chosen = Signal(beats[0].payload.shape(), name=f"{channel}_{name}_chosen")
            m.d.comb += Value.cast(chosen).eq(_select(source, [port.payload for port in beats]))
            m.d.comb += [
                getattr(upper, f"{channel}{key}").eq(chosen[key]) for key, _ in chosen.shape()
            ]
            valid, ready = (getattr(upper, f"{channel}{wire}") for wire in ("valid", "ready"))
            m.d.comb += valid.eq(source.any())
            last = chosen.last if channel == "r" else 1
            done.append(valid & ready & last)
        return done
