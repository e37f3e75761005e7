"""On-chip memories behind AXI4."""

from collections.abc import Sequence

from amaranth import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from .axi import AXI4Signature, Resp
from .burst import BurstSequencer
from .channel import channel_from, connect_axi4
from .error import AXI4Error

__all__ = ["AXI4Rom", "AXI4Sram"]


class AXI4Sram(wiring.Component):
    """Memory with byte strobes in one single-port block RAM.

    Reads and writes share the port beat by beat, in turns while both want it. The address is cut
    to the size of the memory.

    Timing
    ------
    The first beat of R rises one cycle after AR, B one cycle after the last beat of W; bursts
    proceed at one beat a cycle while the other direction is idle. AWREADY may wait for WVALID, as
    AXI4 allows. Before B rises the data is in the memory.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus, with both directions.
    size_bytes : :class:`int`
        Size, a power of two of at least two beats.

    Members
    -------
    s_axi : :py:`In(signature)`
        The bus.

    Raises
    ------
    :exc:`ValueError`
        If ``size_bytes`` is not such a power of two.
    """

    s_axi: wiring.PureInterface

    def __init__(self, signature: AXI4Signature, *, size_bytes: int):
        beat_bytes = signature.data_width // 8
        if size_bytes & (size_bytes - 1) or size_bytes < 2 * beat_bytes:
            raise ValueError(f"SRAM size must be a power of two of at least {2 * beat_bytes} "
                             f"bytes, not {size_bytes!r}")
        self.bus = signature
        self.size_bytes = size_bytes
        super().__init__({"s_axi": In(signature)})

    def elaborate(self, platform):
        m = Module()
        bus = self.s_axi

        m.submodules.reads = reads = BurstSequencer(self.bus)
        m.submodules.writes = writes = BurstSequencer(self.bus)
        wiring.connect(m, channel_from(m, bus, "ar", self.bus), reads.i)
        wiring.connect(m, channel_from(m, bus, "aw", self.bus), writes.i)

        depth = self.size_bytes * 8 // self.bus.data_width
        m.submodules.storage = storage = memory.Memory(shape=self.bus.data_width, depth=depth,
                                                       init=[])
        # Both ports get one address, which is how a single-port block RAM is inferred.
        read_port = storage.read_port()
        write_port = storage.write_port(granularity=8)

        read_wanted = Signal()
        write_wanted = Signal()
        read = Signal()
        write = Signal()
        read_next = Signal()
        b_free = ~bus.bvalid | bus.bready
        m.d.comb += [
            read_wanted.eq(reads.o.valid & (~bus.rvalid | bus.rready)),
            write_wanted.eq(writes.o.valid & bus.wvalid & (~writes.o.payload.last | b_free)),
            read.eq(read_wanted & (read_next | ~write_wanted)),
            write.eq(write_wanted & ~read),
            reads.o.ready.eq(read),
            writes.o.ready.eq(write),
            bus.wready.eq(write),
        ]
        with m.If(read | write):
            m.d.sync += read_next.eq(write)

        beat_addr = Mux(write, writes.o.payload.addr, reads.o.payload.addr)
        addr = Signal(range(depth))
        m.d.comb += [
            addr.eq(beat_addr >> self.bus.size),
            read_port.addr.eq(addr),
            read_port.en.eq(read),
            write_port.addr.eq(addr),
            write_port.data.eq(bus.wdata),
            write_port.en.eq(Mux(write, bus.wstrb, 0)),
            bus.rdata.eq(read_port.data),
            bus.rresp.eq(Resp.OKAY),
            bus.bresp.eq(Resp.OKAY),
        ]

        # The read port holds its output while R waits.
        with m.If(read):
            m.d.sync += [
                bus.rvalid.eq(1),
                bus.rid.eq(reads.o.payload.id),
                bus.rlast.eq(reads.o.payload.last),
            ]
        with m.Elif(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        with m.If(write & writes.o.payload.last):
            m.d.sync += [
                bus.bvalid.eq(1),
                bus.bid.eq(writes.o.payload.id),
            ]
        with m.Elif(bus.bready):
            m.d.sync += bus.bvalid.eq(0)

        return m


class AXI4Rom(wiring.Component):
    """Read-only memory.

    The address is cut to the size of the memory; behind the words it reads as zero. A write is
    answered with SLVERR.

    Timing
    ------
    The first beat of R rises one cycle after AR, one beat a cycle follows.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus.
    words : sequence of :class:`int`
        Contents, as 32-bit words in ascending order.

    Members
    -------
    s_axi : :py:`In(signature)`
        The bus.
    """

    s_axi: wiring.PureInterface

    def __init__(self, signature: AXI4Signature, *, words: Sequence[int]):
        self.bus = signature
        self.words = tuple(words)
        super().__init__({"s_axi": In(signature)})

    @property
    def size_bytes(self) -> int:
        """Size of the memory, the next power of two."""
        beat_bytes = self.bus.data_width // 8
        return max(2 * beat_bytes, 1 << (4 * len(self.words) - 1).bit_length())

    def _rows(self) -> list[int]:
        """Return the contents as full-width words."""
        per_row = self.bus.data_width // 32
        return [sum(word << 32 * lane for lane, word in enumerate(self.words[base:base + per_row]))
                for base in range(0, len(self.words), per_row)]

    def elaborate(self, platform):
        m = Module()
        bus = self.s_axi

        m.submodules.reads = reads = BurstSequencer(self.bus)
        wiring.connect(m, channel_from(m, bus, "ar", self.bus), reads.i)
        depth = self.size_bytes * 8 // self.bus.data_width
        m.submodules.storage = storage = memory.Memory(shape=self.bus.data_width, depth=depth,
                                                       init=self._rows())
        port = storage.read_port()
        m.d.comb += [
            reads.o.ready.eq(~bus.rvalid | bus.rready),
            port.addr.eq(reads.o.payload.addr >> self.bus.size),
            port.en.eq(reads.o.valid & reads.o.ready),
            bus.rdata.eq(port.data),
            bus.rresp.eq(Resp.OKAY),
        ]
        with m.If(reads.o.ready):
            m.d.sync += [
                bus.rvalid.eq(reads.o.valid),
                bus.rid.eq(reads.o.payload.id),
                bus.rlast.eq(reads.o.payload.last),
            ]

        if self.bus.write:
            m.submodules.refuse = refuse = AXI4Error(AXI4Signature(
                addr_width=self.bus.addr_width, data_width=self.bus.data_width,
                id_width=self.bus.id_width, user_width=self.bus.user_width, read=False),
                resp=Resp.SLVERR)
            connect_axi4(m, bus, refuse.s_axi)

        return m
