"""The DMA engine on a memory, with counters of its data beats; the host holds the registers."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature, Resp
from rtl.config import DmaConfig
from rtl.nitro_dma.engine import NitroDma
from rtl.nitro_dma.reader import DATA_ID

from .axi_memory import AXI4Memory
from .ram import Log

__all__ = ["IDEAL_LATENCY", "LOGGED", "DmaHarness"]

IDEAL_LATENCY = 2
"""Latency of a memory with a registered address and a registered answer."""

LOGGED = 16384
"""Requests that the log of a channel holds."""


class DmaHarness(wiring.Component):
    """Engine, memory ``memory`` and counters of one simulation.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.
    bytes : :class:`int`
        As in :class:`~sim.bfm.axi_memory.AXI4Memory`; addresses start at 0.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width=20))`
        Registers.
    stall : :py:`In(8)`
        Back-pressure of the memory.
    latency : :py:`In(16)`
        Of the memory, on R and on B; at least :data:`IDEAL_LATENCY`.
    arm : :py:`In(1)`
        While high, the responses named below count from 0.
    fail_read, fail_fetch, fail_write, fail_completion : :py:`In(16)`
        The data beat on R, descriptor beat on R, data response on B, completion response on B
        with this number is SLVERR; 0xffff for none.
    irq : :py:`Out(1)`
        Interrupt.
    r_beats, w_beats : :py:`Out(32)`
        Beats of data read and written; no descriptors, no completions.
    r_first, r_last, w_first, w_last : :py:`Out(32)`
        Cycles of the first and last of them.
    w_gaps : :py:`Out(32)`
        Cycles in which the engine had begun a burst of data on W and offered no beat of it.
    request : :py:`Out(32)`
        Cycle in which the latest read of data was first requested.
    bell : :py:`Out(32)`
        Cycle in which the latest register write was accepted.
    reads_0, writes_0, reads_1, writes_1 : :py:`Out(64)`
        Requests accepted on the port, and on that of the descriptors if there is one. The memory
        ``log_reads_0`` and so on holds the latest :data:`LOGGED`: 6 bytes of address, 2 of AxUSER,
        1 of AxLEN.
    lines, line : :py:`Out(32)`
        Bursts of completions, and the cycle in which the address of the latest was accepted.
    """

    def __init__(self, config: DmaConfig, *, bytes: int = 1 << 20):
        self.config = config
        self.bytes = bytes
        counters = ("r_beats", "w_beats", "r_first", "r_last", "w_first", "w_last", "w_gaps",
                    "request", "bell", "lines", "line")
        self.ports = 2 if config.descriptor_port else 1
        super().__init__({
            "s_axil":  In(AXI4LiteSignature(addr_width=20)),
            "stall":   In(8),
            "latency": In(16),
            "arm":     In(1),
            **{f"fail_{name}": In(16) for name in ("read", "fetch", "write", "completion")},
            "irq":    Out(1),
            **{name: Out(32) for name in counters},
            **{f"{kind}_{i}": Out(64) for i in range(self.ports) for kind in ("reads", "writes")},
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.dma = dma = NitroDma(self.config)
        buses = [dma.m_axi, *([dma.m_axi_desc] if self.config.descriptor_port else [])]
        m.submodules.memory = memory = AXI4Memory([bus.signature for bus in buses],
                                                  bytes=self.bytes, latency=self.latency)
        for i, bus in enumerate(buses):
            self._faults(m, bus, getattr(memory, f"s_axi_{i}"))
            for kind, channel in (("reads", "ar"), ("writes", "aw")):
                self._log(m, f"{kind}_{i}", *(getattr(bus, f"{channel}{name}") for name in
                                              ("valid", "ready", "addr", "user", "len")))
        wiring.connect(m, wiring.flipped(self.s_axil), dma.s_axil)
        m.d.comb += [memory.stall.eq(self.stall), self.irq.eq(dma.irq)]

        self._count(m, dma.m_axi, buses[-1])
        return m

    def _faults(self, m, axi, memory):
        """Connect engine and memory, with the responses that are asked for replaced."""
        for name, member in axi.signature.members.items():
            if member.flow is Out:
                m.d.comb += getattr(memory, name).eq(getattr(axi, name))
            else:
                m.d.comb += getattr(axi, name).eq(getattr(memory, name))
        for name, channel, owned in (("read", "r", axi.rid == DATA_ID),
                                     ("fetch", "r", axi.rid != DATA_ID),
                                     ("write", "b", axi.bid == DATA_ID),
                                     ("completion", "b", axi.bid != DATA_ID)):
            count = Signal(16, name=f"{name}_count")
            with m.If(owned & getattr(axi, f"{channel}valid") & getattr(axi, f"{channel}ready")):
                m.d.sync += count.eq(count + 1)
            with m.If(self.arm):
                m.d.sync += count.eq(0)
            with m.If(owned & (count == getattr(self, f"fail_{name}")) & ~count.all()):
                m.d.comb += getattr(axi, f"{channel}resp").eq(Resp.SLVERR)

    def _log(self, m, name, valid, ready, address, user, length):
        """Log the requests of a channel."""
        log = Log(width=72, depth=LOGGED)
        m.submodules[f"log_{name}"] = log
        m.d.comb += [
            log.valid.eq(valid & ready),
            log.record.eq(Cat(address, Const(0, 48 - len(address)), user, length)),
            getattr(self, name).eq(log.count),
        ]

    def _count(self, m, axi, descriptors):
        """Add the counters."""
        m.submodules.owners = owners = fifo.SyncFIFO(width=len(axi.awid), depth=128)
        now = Signal(32)
        m.d.sync += now.eq(now + 1)
        m.d.comb += [
            owners.w_data.eq(axi.awid),
            owners.w_en.eq(axi.awvalid & axi.awready),
            owners.r_en.eq(axi.wvalid & axi.wready & axi.wlast),
        ]
        beats = {
            "r": axi.rvalid & axi.rready & (axi.rid == DATA_ID),
            "w": axi.wvalid & axi.wready & (owners.r_data == DATA_ID),
        }
        for name, beat in beats.items():
            count = getattr(self, f"{name}_beats")
            with m.If(beat):
                m.d.sync += [
                    count.eq(count + 1),
                    getattr(self, f"{name}_last").eq(now),
                    getattr(self, f"{name}_first").eq(
                        Mux(count == 0, now, getattr(self, f"{name}_first"))),
                ]
        begun = Signal()
        with m.If(beats["w"]):
            m.d.sync += begun.eq(~axi.wlast)
        with m.If(begun & ~axi.wvalid):
            m.d.sync += self.w_gaps.eq(self.w_gaps + 1)
        requested = Signal()
        m.d.sync += requested.eq(axi.arvalid & ~axi.arready)
        with m.If(axi.arvalid & ~requested & (axi.arid == DATA_ID)):
            m.d.sync += self.request.eq(now)
        with m.If(self.s_axil.awvalid & self.s_axil.awready):
            m.d.sync += self.bell.eq(now)
        with m.If(descriptors.awvalid & descriptors.awready & (descriptors.awid != DATA_ID)):
            m.d.sync += [self.lines.eq(self.lines + 1), self.line.eq(now)]
