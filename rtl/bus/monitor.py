"""Protocol monitor of AXI4: assertions only, shared by simulation and proof."""

from amaranth import Cat, Module, Mux, ResetSignal, Signal, Value
from amaranth.hdl import Assert, Assume
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.lib import StreamContract

from .axi import AXI4Signature, Burst
from .channel import CHANNELS, FORWARD, LAYOUTS

__all__ = ["AXI4Monitor"]


class _Pending(wiring.Component):
    """Transactions that await their response, oldest first; the oldest of an ID is served first.

    Members
    -------
    push, push_id, push_len
        A transaction begins.
    query_id, found, len, beats
        Oldest transaction of an ID, with the beats that it has received.
    beat, last
        The transaction found receives a beat, which may be its last.
    full
        Another push would be lost.
    """

    def __init__(self, id_width: int, depth: int):
        self.id_width = id_width
        self.depth = depth
        super().__init__({
            "push":     In(1),
            "push_id":  In(id_width),
            "push_len": In(8),
            "query_id": In(id_width),
            "found":    Out(1),
            "len":      Out(8),
            "beats":    Out(8),
            "beat":     In(1),
            "last":     In(1),
            "full":     Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        layout = data.StructLayout({"valid": 1, "id": self.id_width, "len": 8, "beats": 8})
        entries = [Signal(layout, name=f"entry_{index}") for index in range(self.depth)]
        hits = Signal(self.depth)
        first = Signal(self.depth)
        m.d.comb += [hits[index].eq(entry.valid & (entry.id == self.query_id))
                     for index, entry in enumerate(entries)]
        m.d.comb += [
            first.eq(hits & -hits),
            self.found.eq(hits.any()),
            self.full.eq(entries[-1].valid),
        ]
        for index, entry in enumerate(entries):
            with m.If(first[index]):
                m.d.comb += [self.len.eq(entry.len), self.beats.eq(entry.beats)]

        # After a removal everything younger moves down by one; a push goes behind the youngest.
        removed = self.beat & self.last & self.found
        kept = [Signal(layout, name=f"kept_{index}") for index in range(self.depth)]
        for index, entry in enumerate(entries):
            younger = entries[index + 1] if index + 1 < self.depth else 0
            moved = removed & (first[:index + 1] != 0)
            m.d.comb += Value.cast(kept[index]).eq(Value.cast(entry))
            with m.If(self.beat & first[index]):
                m.d.comb += kept[index].beats.eq(entry.beats + 1)
            with m.If(moved):
                m.d.comb += Value.cast(kept[index]).eq(Value.cast(younger))
            m.d.sync += Value.cast(entry).eq(Value.cast(kept[index]))
            below = kept[index - 1].valid if index else 1
            with m.If(self.push & below & ~kept[index].valid):
                m.d.sync += [
                    entry.valid.eq(1),
                    entry.id.eq(self.push_id),
                    entry.len.eq(self.push_len),
                    entry.beats.eq(0),
                ]

        return m


class AXI4Monitor(wiring.Component):
    """Observer that fails when one side of an AXI4 bus breaks the protocol.

    The rules are those of the AMBA AXI4 specification (IHI 0022):

    * manager: AW, W and AR hold until taken (A3.2.1); no burst crosses 4 KiB, has a reserved
      type or beats wider than the bus; a wrapping burst has 2, 4, 8 or 16 aligned beats, a fixed
      one at most 16 (A3.4.1); WLAST marks the last beat of the burst, also when W leads AW
      (A3.4.1);
    * subordinate: B and R hold until taken; B and R carry an ID that is awaited, B only after AW
      and the last W of its burst were taken (A3.3.1); RLAST marks the last beat; responses of one
      ID keep their order (A5.3).

    Timing
    ------
    A violation fails at the clock edge that ends its cycle: before the edge the wires have settled.
    While the domain is in reset nothing is checked.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus.
    outstanding : :class:`int`
        Transactions of a direction that the monitor can follow, a power of two. More of them
        count as a violation by the manager.
    assume : :class:`str` or None
        In a proof, the side whose rules are assumed instead of asserted: ``manager`` or
        ``subordinate``.

    Members
    -------
    axi : :py:`In(...)`
        The wires of the bus, all inputs; :meth:`watch` connects them.

    Raises
    ------
    :exc:`ValueError`
        If ``outstanding`` is not a power of two of at least 2, or ``assume`` names no side.
    """

    axi: wiring.PureInterface

    def __init__(self, signature: AXI4Signature, *, outstanding: int = 16,
                 assume: str | None = None):
        if outstanding & (outstanding - 1) or outstanding < 2:
            raise ValueError(f"Outstanding transactions must be a power of two of at least 2, "
                             f"not {outstanding!r}")
        if assume not in (None, "manager", "subordinate"):
            raise ValueError(f"The side to assume must be manager or subordinate, not {assume!r}")
        self.bus = signature
        self.outstanding = outstanding
        self.assume = assume
        wires = {name: Out(member.shape) for name, member in signature.members.items()}
        super().__init__({"axi": In(wiring.Signature(wires))})

    def watch(self, bus):
        """Return the statements that connect this observer to a bus of its signature."""
        return [Value.cast(getattr(self.axi, name)).eq(Value.cast(getattr(bus, name)))
                for name in self.bus.members]

    def elaborate(self, platform):
        m = Module()

        self._statements = {
            side: Assume if self.assume == side else Assert for side in ("manager", "subordinate")
        }
        self._hold(m)
        if self.bus.read:
            self._burst(m, "ar")
            self._reads(m)
        if self.bus.write:
            self._burst(m, "aw")
            self._write_data(m)

        return m

    def _check(self, m, side, condition, message):
        """Require ``condition`` of ``side`` outside reset."""
        with m.If(~ResetSignal()):
            m.d.sync += self._statements[side](condition, message, src_loc_at=1)

    def _transfer(self, channel):
        return getattr(self.axi, f"{channel}valid") & getattr(self.axi, f"{channel}ready")

    def _hold(self, m):
        """Require every channel to hold what it offers."""
        for channel in CHANNELS:
            if f"{channel}valid" not in self.bus.members:
                continue
            side = "manager" if channel in FORWARD else "subordinate"
            layout = LAYOUTS[channel](self.bus)
            contract = StreamContract(layout, assume=self.assume == side)
            m.submodules[f"{channel}_hold"] = contract
            beats = stream.Signature(layout).create(path=(f"{channel}_wires",))
            m.d.comb += [beats.payload[name].eq(getattr(self.axi, f"{channel}{name}"))
                         for name, _ in layout]
            m.d.comb += [
                beats.valid.eq(getattr(self.axi, f"{channel}valid")),
                beats.ready.eq(getattr(self.axi, f"{channel}ready")),
                contract.watch(beats),
            ]

    def _burst(self, m, channel):
        """Require bursts that AXI4 allows."""
        valid, addr, length, size, burst = (
            getattr(self.axi, channel + name) for name in ("valid", "addr", "len", "size", "burst"))
        offset = addr[:12]
        last_byte = Signal(20, name=f"{channel}_last_byte")
        container = Signal(12, name=f"{channel}_container")
        m.d.comb += [
            last_byte.eq((((offset >> size) + length + 1) << size) - 1),
            container.eq(((length + 1) << size) - 1),
        ]
        with m.If(valid):
            self._check(m, "manager", size <= self.bus.size, "beats are wider than the bus")
            with m.Switch(burst):
                with m.Case(Burst.INCR):
                    self._check(m, "manager", last_byte < 4096, "the burst crosses 4 KiB")
                with m.Case(Burst.WRAP):
                    legal = (length == 1) | (length == 3) | (length == 7) | (length == 15)
                    aligned = (offset >> size) << size == offset
                    self._check(m, "manager", legal & aligned, "no legal wrapping burst")
                with m.Case(Burst.FIXED):
                    self._check(m, "manager", length <= 15, "a fixed burst is too long")
                with m.Default():
                    self._check(m, "manager", 0, "the burst type is reserved")

    def _reads(self, m):
        """Require R to answer AR."""
        axi = self.axi
        m.submodules.reads = reads = _Pending(self.bus.id_width, self.outstanding)
        m.d.comb += [
            reads.push.eq(self._transfer("ar")),
            reads.push_id.eq(axi.arid),
            reads.push_len.eq(axi.arlen),
            reads.query_id.eq(axi.rid),
            reads.beat.eq(self._transfer("r")),
            reads.last.eq(axi.rlast),
        ]
        with m.If(axi.arvalid & axi.arready):
            self._check(m, "manager", ~reads.full, "more reads than the monitor can follow")
        with m.If(axi.rvalid):
            self._check(m, "subordinate", reads.found, "R without a read of its ID")
            with m.If(reads.found):
                self._check(m, "subordinate", axi.rlast == (reads.beats == reads.len),
                            "RLAST is not at the end of the burst")

    def _write_data(self, m):
        """Require W to match AW, in either order, and B to answer both."""
        axi = self.axi
        width = ceil_log2(self.outstanding)
        lengths = [Signal(8, name=f"aw_len_{n}") for n in range(self.outstanding)]
        ids = [Signal(self.bus.id_width, name=f"aw_id_{n}") for n in range(self.outstanding)]
        ends = [Signal(8, name=f"w_end_{n}") for n in range(self.outstanding)]

        # Numbers of addresses and of complete data bursts taken; the difference, which may be
        # negative while W leads, tells which of the two runs ahead.
        addresses, bursts = Signal(width + 1), Signal(width + 1)
        beats = Signal(9)
        ahead = Signal(range(-self.outstanding, self.outstanding + 1))
        aw, w, w_end = self._transfer("aw"), self._transfer("w"), self._transfer("w") & axi.wlast
        m.d.sync += [ahead.eq(ahead + aw - w_end), addresses.eq(addresses + aw),
                     bursts.eq(bursts + w_end)]
        with m.If(w):
            m.d.sync += beats.eq(Mux(axi.wlast, 0, beats + 1))
        for n in range(self.outstanding):
            with m.If(aw & (addresses[:width] == n)):
                m.d.sync += [lengths[n].eq(axi.awlen), ids[n].eq(axi.awid)]
            with m.If(w_end & (bursts[:width] == n)):
                m.d.sync += ends[n].eq(beats)

        with m.If(aw):
            self._check(m, "manager", ahead < self.outstanding, "AW is too far ahead to follow")
        with m.If(w_end):
            self._check(m, "manager", ahead > -self.outstanding, "W is too far ahead to follow")
        expected, known = Signal(8), Signal()
        with m.If(ahead > 0):
            m.d.comb += [known.eq(1), expected.eq(_pick(lengths, bursts[:width]))]
        with m.Elif((ahead == 0) & axi.awvalid):
            m.d.comb += [known.eq(1), expected.eq(axi.awlen)]
        with m.If(axi.wvalid & known):
            self._check(m, "manager", axi.wlast == (beats == expected),
                        "WLAST is not at the end of the burst")
        with m.If(axi.awvalid & (ahead < 0)):
            self._check(m, "manager", axi.awlen == _pick(ends, addresses[:width]),
                        "the data that came before had another length")
        with m.If(axi.awvalid & (ahead == 0)):
            self._check(m, "manager", axi.awlen >= beats, "the data that came before is longer")

        # A write awaits B from the transfer on that completes both its address and its data.
        m.submodules.writes = writes = _Pending(self.bus.id_width, self.outstanding)
        with m.If(ahead > 0):
            m.d.comb += [writes.push.eq(w_end), writes.push_id.eq(_pick(ids, bursts[:width]))]
        with m.Else():
            m.d.comb += [writes.push.eq(aw & ((ahead < 0) | w_end)),
                         writes.push_id.eq(axi.awid)]
        m.d.comb += [
            writes.query_id.eq(axi.bid),
            writes.beat.eq(self._transfer("b")),
            writes.last.eq(1),
        ]
        with m.If(writes.push):
            self._check(m, "manager", ~writes.full, "more writes than the monitor can follow")
        with m.If(axi.bvalid):
            self._check(m, "subordinate", writes.found, "B without a complete write of its ID")


def _pick(values, index):
    """Return ``values[index]``."""
    bits = Cat(values)
    return bits.word_select(index, len(values[0]))
