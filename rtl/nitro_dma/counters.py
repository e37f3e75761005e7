"""What each queue pair has done, and what it has waited for, in pages that are read."""

from amaranth import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.bus import AXI4LiteSignature, Resp
from rtl.config import DmaConfig

from .descriptor import CAUSE_WIDTH, TIME_WIDTH, queue_bits
from .encoding import BUCKETS, WAITS, Cause
from .registers import COUNTERS, PAGE_BYTES

__all__ = ["CounterPages"]

DENIALS = (Cause.TENANT, Cause.FETCH_WINDOW, Cause.READ_WINDOW, Cause.WRITE_WINDOW,
           Cause.COMPLETION_WINDOW)


class CounterPages(wiring.Component):
    """One page of counters a queue pair: :data:`~rtl.nitro_dma.registers.COUNTERS`.

    What the pairs do in a cycle is looked at in turn, one pair a cycle, and counts for as many
    cycles as there are pairs: the cycles of all causes of a pair add up to all cycles, and what
    lasts for less than a round may be missed. All else is counted exactly. Counters wrap; after
    reset they are cleared, and nothing is counted before.

    Timing
    ------
    R one cycle after AR is taken. An event shows 2 cycles later.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(12 + log2(queues)))`
        One page a pair. A write, and an offset without a register, answers SLVERR.
    now : :py:`Out(TIME_WIDTH)`
        The time in cycles, for ``start``.
    taken, taker : :py:`In(2)`, :py:`In(queue_bits)`
        Descriptors that the pair has used up in this cycle.
    done, owner, bytes, start : :py:`In`
        Strobe: a packet of the pair, of so many bytes, 0 if it failed, is complete; when it began.
    wait : ``queues`` x :py:`In(range(len(WAITS)))`
        What each pair does, its place in :data:`~rtl.nitro_dma.encoding.WAITS`.
    cause : ``queues`` x :py:`In(CAUSE_WIDTH)`
        Error of each pair.
    """

    s_axil: wiring.PureInterface
    now: Signal
    taken: Signal
    taker: Signal
    done: Signal
    owner: Signal
    bytes: Signal
    start: Signal

    def __init__(self, config: DmaConfig):
        self.config = config
        width = ceil_log2(PAGE_BYTES) + ceil_log2(config.queues)
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=width)),
            "now":    Out(TIME_WIDTH),
            "taken":  In(2),
            "taker":  In(queue_bits(config)),
            "done":   In(1),
            "owner":  In(queue_bits(config)),
            "bytes":  In(32),
            "start":  In(TIME_WIDTH),
            "wait":   In(range(len(WAITS))).array(config.queues),
            "cause":  In(CAUSE_WIDTH).array(config.queues),
        })

    def elaborate(self, platform):
        m = Module()
        count = self.config.queues
        turn = Signal(ceil_log2(count))
        m.d.sync += [turn.eq(turn + 1), self.now.eq(self.now + 1)]
        cause = Array(self.cause)[turn]
        failed = Signal(count)
        fails, denied = Signal(), Signal()
        m.d.comb += [
            fails.eq((cause != Cause.NONE) & ~failed.bit_select(turn, 1)),
            denied.eq(Cat(cause == denial for denial in DENIALS).any()),
        ]
        m.d.sync += failed.bit_select(turn, 1).eq(cause != Cause.NONE)

        age, bucket = Signal(TIME_WIDTH), Signal(range(BUCKETS))
        m.d.comb += age.eq(self.now - self.start)
        for i in range(1, BUCKETS):
            with m.If(age[i:].any()):
                m.d.comb += bucket.eq(i)

        # name of the first register: number of registers, which, pair, go, step
        groups = {
            "DESCRIPTORS": (1, 0, self.taker, self.taken != 0, self.taken),
            "PACKETS": (1, 0, self.owner, self.done & (self.bytes != 0), 1),
            "BYTES_LO": (1, 0, self.owner, self.done, self.bytes),
            "ERRORS": (2, denied, turn, fails, 1),
            f"CYCLES_{WAITS[0][0]}": (len(WAITS), Array(self.wait)[turn], turn, 1, count),
            "LATENCY_0": (BUCKETS, bucket, self.owner, self.done & (self.bytes != 0), 1),
        }
        sweep = Signal(max(ceil_log2(BUCKETS), ceil_log2(len(WAITS))) + ceil_log2(count) + 1)
        m.d.sync += sweep.eq(sweep + ~sweep[-1])
        self._read(m, sweep, {
            name: self._group(m, name.lower(), sweep, *group) for name, group in groups.items()})
        return m

    def _group(self, m, name, sweep, registers, which, pair, go, step):
        """Add counters in a memory; return a read port of it, and the bits that choose one."""
        width = 64 if name == "bytes_lo" else 32
        size, pairs = ceil_log2(registers), ceil_log2(self.config.queues)
        memory = Memory(shape=width, depth=max(2, 1 << size + pairs), init=[])
        m.submodules[name] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        place = Signal(max(1, size + pairs), name=f"{name}_place")
        strobe, added = Signal(name=f"{name}_strobe"), Signal(32, name=f"{name}_added")
        m.d.sync += [
            place.eq(Cat(Value.cast(which)[:size], Value.cast(pair)[:pairs])),
            strobe.eq(go),
            added.eq(step),
        ]
        m.d.comb += [
            read.addr.eq(place),
            write.addr.eq(Mux(sweep[-1], place, sweep)),
            write.en.eq(strobe | ~sweep[-1]),
            write.data.eq(Mux(sweep[-1], read.data + added, 0)),
        ]
        return memory.read_port(domain="comb"), size

    def _read(self, m, sweep, groups):
        """Answer reads, and refuse writes."""
        axil = self.s_axil
        number, word = axil.araddr[ceil_log2(PAGE_BYTES):], axil.araddr[2:ceil_log2(PAGE_BYTES)]
        found, value, take = Signal(), Signal(32), Signal()
        for name, (port, size) in groups.items():
            first = COUNTERS.register(name).offset // 4
            wide = len(port.data) == 64
            index = (word - first)[:size + wide]
            m.d.comb += port.addr.eq(Cat(index[wide:], number))
            with m.If((word >= first) & (word < first + (1 << size + wide))):
                m.d.comb += [found.eq(1), value.eq(port.data.word_select(index[0], 32) if wide
                                                   else port.data)]
        m.d.comb += [
            take.eq(sweep[-1] & axil.arvalid & (~axil.rvalid | axil.rready)),
            axil.arready.eq(take),
            axil.awready.eq(axil.awvalid & axil.wvalid & (~axil.bvalid | axil.bready)),
            axil.wready.eq(axil.awready),
            axil.bresp.eq(Resp.SLVERR),
        ]
        with m.If(axil.rready):
            m.d.sync += axil.rvalid.eq(0)
        with m.If(take):
            m.d.sync += [
                axil.rvalid.eq(1),
                axil.rdata.eq(value),
                axil.rresp.eq(Mux(found, Resp.OKAY, Resp.SLVERR)),
            ]
        with m.If(axil.bready):
            m.d.sync += axil.bvalid.eq(0)
        with m.If(axil.awready):
            m.d.sync += axil.bvalid.eq(1)
