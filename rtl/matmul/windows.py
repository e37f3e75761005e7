"""The tile's AXI4 subordinate: SBUF, PSUM and instruction windows."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.bus import AXI4Signature, Burst, Resp
from rtl.config import TileConfig
from rtl.lib import StreamFifo

from .encoding import INSTRUCTION_BYTES
from .instruction import InstructionLayout
from .sbuf import BANKS

__all__ = ["ADDR_WIDTH", "PSUM_BASE", "PSUM_STRIDE", "QUEUE_BASE", "QUEUE_STRIDE", "SBUF_STRIDE",
           "Windows"]

ADDR_WIDTH = 24
SBUF_STRIDE = 0x1_0000
PSUM_BASE = 0x40_0000
PSUM_STRIDE = 0x1000
QUEUE_BASE = 0x80_0000
QUEUE_STRIDE = 0x1000
BEAT_BYTES = 16
WORDS_PER_BEAT = BEAT_BYTES // 4


class Target(enum.Enum, shape=3):
    """Where a beat goes."""

    NONE = 0
    SBUF = 1
    PSUM = 2
    TENSOR = 3
    ACTIVATION = 4


class _BurstLayout(data.StructLayout):
    """A burst in progress."""

    def __init__(self, id_width: int):
        super().__init__({"addr": ADDR_WIDTH, "id": id_width, "len": 8, "size": 3,
                          "fixed": 1, "wrong": 1})


class _BeatLayout(data.StructLayout):
    """A read beat on its way to R."""

    def __init__(self, id_width: int):
        super().__init__({"id": id_width, "data": 8 * BEAT_BYTES, "resp": Resp, "last": 1})


class Windows(wiring.Component):
    """AXI4 accesses to the memories and queues of the tile.

    One write burst and one read burst are at work at a time; each moves a beat a cycle to or from
    SBUF when its banks are free, PSUM gives a beat in four cycles. Reads and writes take turns at
    the SBUF port. Beats of any size, INCR or FIXED; wrapping bursts, unmapped addresses, writes to
    PSUM, reads of a queue and words of an instruction that are not written whole answer SLVERR.

    Timing
    ------
    An SBUF read beat stands on R 2 cycles after its grant. ``wready`` depends on ``wvalid``.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.
    id_width : :class:`int`
        Width of the bus IDs.

    Members
    -------
    s_axi : :py:`In(AXI4Signature(addr_width=24, data_width=128, id_width=id_width))`
        The bus.
    bus_en, bus_write, bus_partition, bus_addr, bus_strobe, bus_data, bus_grant : SBUF port
    sbuf_data : :py:`In(64).array(size, BANKS)`
        SBUF data, in the cycle behind a granted read.
    psum_en, psum_addr : :py:`Out`
        PSUM read in all partitions.
    psum_free : :py:`In(1)`
        The PSUM port is free in this cycle and the next.
    psum_data : :py:`In(32).array(size)`
        PSUM data, in the cycle behind the read.
    discard : :py:`In(1)`
        Forget instructions that are written in part.
    tensor, activation : :py:`Out(stream.Signature(InstructionLayout(...)))`
        Instructions written whole.
    """

    s_axi: wiring.PureInterface
    bus_en: Signal
    bus_write: Signal
    bus_partition: Signal
    bus_addr: Signal
    bus_strobe: Signal
    bus_data: Signal
    bus_grant: Signal
    psum_en: Signal
    psum_addr: Signal
    psum_free: Signal
    discard: Signal
    tensor: stream.Interface
    activation: stream.Interface

    def __init__(self, config: TileConfig, *, id_width: int):
        self.config = config
        self.id_width = id_width
        size = config.size
        self.psum_words = config.psum_banks * 4 * size
        super().__init__({
            "s_axi":         In(AXI4Signature(addr_width=ADDR_WIDTH, data_width=8 * BEAT_BYTES,
                                              id_width=id_width)),
            "bus_en":        Out(1),
            "bus_write":     Out(1),
            "bus_partition": Out(range(size)),
            "bus_addr":      Out(exact_log2(config.sbuf_bytes // BEAT_BYTES)),
            "bus_strobe":    Out(BEAT_BYTES),
            "bus_data":      Out(8 * BEAT_BYTES),
            "bus_grant":     In(1),
            "sbuf_data":     In(64).array(size, BANKS),
            "psum_en":       Out(1),
            "psum_addr":     Out(range(self.psum_words)),
            "psum_free":     In(1),
            "psum_data":     In(32).array(size),
            "discard":       In(1),
            "tensor":        Out(stream.Signature(InstructionLayout("tensor"))),
            "activation":    Out(stream.Signature(InstructionLayout("activation"))),
        })

    def elaborate(self, platform):
        m = Module()

        write = Signal(_BurstLayout(self.id_width))
        read = Signal(_BurstLayout(self.id_width))
        self._write_wants, self._read_wants = Signal(), Signal()
        read_turn = Signal()
        with m.If(self.bus_grant):
            m.d.sync += read_turn.eq(self.bus_write)
        m.d.comb += [
            self.bus_write.eq(self._write_wants & ~(self._read_wants & read_turn)),
            self.bus_en.eq(self._write_wants | self._read_wants),
        ]
        addr = Mux(self.bus_write, write.addr, read.addr)
        m.d.comb += [
            self.bus_partition.eq(addr[exact_log2(SBUF_STRIDE):]),
            self.bus_addr.eq(addr[exact_log2(BEAT_BYTES):]),
            self.bus_strobe.eq(self.s_axi.wstrb),
            self.bus_data.eq(self.s_axi.wdata),
        ]
        self._write_channel(m, write)
        self._read_channel(m, read)
        return m

    def _target(self, m, name, addr):
        """Decode an address."""
        target = Signal(Target, name=name)
        partition_bits = exact_log2(self.config.size)
        partition = exact_log2(SBUF_STRIDE)
        with m.If(addr < PSUM_BASE):
            with m.If((addr[partition + partition_bits:22] == 0)
                      & (addr[:partition] < self.config.sbuf_bytes)):
                m.d.comb += target.eq(Target.SBUF)
        with m.Elif(addr < QUEUE_BASE):
            partition = exact_log2(PSUM_STRIDE)
            with m.If((addr[partition + partition_bits:22] == 0)
                      & (addr[:partition] < 4 * self.psum_words)):
                m.d.comb += target.eq(Target.PSUM)
        with m.Elif(addr[exact_log2(QUEUE_STRIDE):] == QUEUE_BASE // QUEUE_STRIDE):
            m.d.comb += target.eq(Target.TENSOR)
        with m.Elif(addr[exact_log2(QUEUE_STRIDE):] == QUEUE_BASE // QUEUE_STRIDE + 1):
            m.d.comb += target.eq(Target.ACTIVATION)
        return target

    def _take_burst(self, m, prefix, burst):
        """Load ``burst`` from an address channel."""
        axi = self.s_axi
        m.d.sync += [
            getattr(burst, member).eq(getattr(axi, f"{prefix}{member}"))
            for member in ("addr", "id", "len", "size")
        ] + [
            burst.fixed.eq(getattr(axi, f"{prefix}burst") == Burst.FIXED),
            burst.wrong.eq((getattr(axi, f"{prefix}burst") == Burst.WRAP)
                           | (getattr(axi, f"{prefix}size") > exact_log2(BEAT_BYTES))),
        ]

    def _advance(self, m, burst):
        """Step ``burst`` to its next beat; beats after the first are aligned."""
        m.d.sync += burst.len.eq(burst.len - 1)
        with m.If(~burst.fixed):
            m.d.sync += burst.addr.eq(((burst.addr >> burst.size) + 1) << burst.size)

    def _write_channel(self, m, burst):
        axi = self.s_axi
        active, failed = Signal(), Signal()
        target = self._target(m, "write_target", burst.addr)

        done = Signal()
        halves = [axi.wstrb[8 * i:8 * i + 8] for i in range(2)]
        torn = Cat((half != 0) & (half != 0xFF) for half in halves).any()
        broken = Signal()
        accepted = Signal()
        with m.If(burst.wrong):
            m.d.comb += [broken.eq(1), accepted.eq(1)]
        with m.Elif(target == Target.SBUF):
            m.d.comb += accepted.eq(self.bus_grant & self.bus_write)
        with m.Elif((target == Target.TENSOR) | (target == Target.ACTIVATION)):
            m.d.comb += broken.eq(torn)
            with m.If(target == Target.TENSOR):
                m.d.comb += accepted.eq(self.tensor.ready)
            with m.Else():
                m.d.comb += accepted.eq(self.activation.ready)
        with m.Else():
            m.d.comb += [broken.eq(1), accepted.eq(1)]

        b_free = ~axi.bvalid | axi.bready
        offered = active & axi.wvalid & (~axi.wlast | b_free)
        m.d.comb += [
            self._write_wants.eq(offered & ~burst.wrong & (target == Target.SBUF)),
            axi.wready.eq(offered & accepted),
            done.eq(axi.wready & axi.wlast),
            axi.awready.eq(~active | done),
        ]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(axi.wready):
            self._advance(m, burst)
            m.d.sync += failed.eq(failed | broken)
        with m.If(done):
            m.d.sync += [active.eq(0), failed.eq(0), axi.bvalid.eq(1), axi.bid.eq(burst.id),
                         axi.bresp.eq(Mux(failed | broken, Resp.SLVERR, Resp.OKAY))]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += active.eq(1)
            self._take_burst(m, "aw", burst)

        for name, port, value in (("tensor", self.tensor, Target.TENSOR),
                                  ("activation", self.activation, Target.ACTIVATION)):
            self._collect(m, name, port, burst.addr,
                          offered & (target == value) & ~burst.wrong & ~torn)

    def _collect(self, m, name, port, addr, offered):
        """Put the words of an instruction together; the last one pushes it."""
        axi = self.s_axi
        words = [Signal(64, name=f"{name}_word_{i}") for i in range(3)]
        fresh = []
        for i in range(INSTRUCTION_BYTES // 8):
            half = i % 2
            fresh.append((addr[4] == i // 2) & (axi.wstrb[8 * half:8 * half + 8] == 0xFF))
        with m.If(self.discard):
            m.d.sync += [word.eq(0) for word in words]
        with m.Elif(offered & axi.wready):
            for i, word in enumerate(words):
                with m.If(fresh[i]):
                    m.d.sync += word.eq(axi.wdata.word_select(i % 2, 64))
        code = Cat(words[0], words[1], Mux(fresh[2], axi.wdata[:64], words[2]), axi.wdata[64:])
        m.d.comb += [
            port.valid.eq(offered & fresh[3]),
            port.payload.eq(port.payload.shape().extract(code)),
        ]

    def _read_channel(self, m, burst):
        axi = self.s_axi
        active = Signal()
        target = self._target(m, "read_target", burst.addr)
        m.submodules.r_fifo = r_fifo = StreamFifo(_BeatLayout(self.id_width), depth=4)

        # Beats issued and not yet taken by R: each has a place in the FIFO.
        pending = Signal(range(r_fifo.depth + 1))
        issue, beat_done, taken = Signal(), Signal(), Signal()
        part = Signal(2)
        room = active & (pending != r_fifo.depth)
        in_sbuf = ~burst.wrong & (target == Target.SBUF)
        in_psum = ~burst.wrong & (target == Target.PSUM)
        m.d.comb += [
            self._read_wants.eq(room & in_sbuf),
            self.psum_en.eq(room & in_psum & self.psum_free),
            self.psum_addr.eq(Cat(part, burst.addr[4:exact_log2(PSUM_STRIDE)])),
            issue.eq(Mux(in_sbuf, self.bus_grant & ~self.bus_write,
                         Mux(in_psum, self.psum_en, room))),
            beat_done.eq(issue & (~in_psum | (part == WORDS_PER_BEAT - 1))),
            taken.eq(axi.rvalid & axi.rready),
            axi.arready.eq(~active | beat_done & (burst.len == 0)),
        ]
        m.d.sync += pending.eq(pending + beat_done - taken)
        with m.If(issue & in_psum):
            m.d.sync += part.eq(part + 1)
        with m.If(beat_done):
            self._advance(m, burst)
            with m.If(burst.len == 0):
                m.d.sync += active.eq(0)
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += active.eq(1)
            self._take_burst(m, "ar", burst)

        # One cycle later the data is there.
        arrived = Signal()
        beat = Signal(_BeatLayout(self.id_width))
        from_sbuf, from_psum = Signal(), Signal()
        partition = Signal(range(self.config.size))
        part_arrived = Signal()
        earlier = Signal(32 * (WORDS_PER_BEAT - 1))
        m.d.sync += [arrived.eq(beat_done), part_arrived.eq(issue & in_psum)]
        with m.If(issue):
            m.d.sync += [
                beat.id.eq(burst.id),
                beat.last.eq(burst.len == 0),
                beat.resp.eq(Mux(in_sbuf | in_psum, Resp.OKAY, Resp.SLVERR)),
                from_sbuf.eq(in_sbuf),
                from_psum.eq(in_psum),
                partition.eq(Mux(in_sbuf, burst.addr[exact_log2(SBUF_STRIDE):],
                                 burst.addr[exact_log2(PSUM_STRIDE):])),
            ]
        psum_word = Signal(32)
        m.d.comb += psum_word.eq(Array(self.psum_data)[partition])
        with m.If(part_arrived):
            m.d.sync += earlier.eq(Cat(earlier, psum_word) >> 32)
        sbuf_beat = Array([Cat(banks) for banks in self.sbuf_data])[partition]
        m.d.comb += [
            r_fifo.i.valid.eq(arrived),
            r_fifo.i.payload.eq(beat),
            r_fifo.i.payload.data.eq(
                Mux(from_sbuf, sbuf_beat, Mux(from_psum, Cat(earlier, psum_word), 0))),
            axi.rvalid.eq(r_fifo.o.valid),
            r_fifo.o.ready.eq(axi.rready),
            axi.rid.eq(r_fifo.o.payload.id),
            axi.rdata.eq(r_fifo.o.payload.data),
            axi.rresp.eq(r_fifo.o.payload.resp),
            axi.rlast.eq(r_fifo.o.payload.last),
        ]
