"""Managers' pages: owner, windows and service of every queue pair."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.bus import AXI4LiteSignature, Resp
from rtl.config import DmaConfig

from .registers import MANAGER, PAGE_BYTES, WINDOW_BASE, WINDOW_BYTES, WINDOWS
from .service import ServiceContext
from .windows import WindowCheckSignature, WindowPart, WindowTable

__all__ = ["ManagerPages"]

PAGE = ceil_log2(PAGE_BYTES)
WORDS = WINDOWS * WINDOW_BYTES // 4
"""Words of the windows of one pair."""

SINGLE = ("TENANT", "WEIGHT", "RATE")
"""Registers of a pair that are no windows."""


class ManagerPages(wiring.Component):
    """Registers of :data:`~rtl.nitro_dma.registers.MANAGER` for all pairs, kept in memory.

    After reset every word is 0, so that nothing is allowed: the memory is cleared first, a word a
    cycle, and the bus waits for that.

    Timing
    ------
    One transaction a direction at a time; B and R one cycle after the request is taken. A write
    counts from the next cycle.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.
    checks : :class:`int`
        As in :class:`~rtl.nitro_dma.windows.WindowTable`.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(12 + log2(queues)))`
        One page a pair. An offset without a register, a write of part of a word, and a write while
        the pair is locked answer SLVERR and change nothing.
    locked : :py:`In(queues)`
        Pairs whose registers must not change.
    tenant : ``queues`` x :py:`Out(16)`
        Owner of each pair.
    service : ``queues`` x :py:`In(ServiceContext())`
        What each pair is entitled to.
    check : ``checks`` x :py:`In(WindowCheckSignature(config))`
        Questions to the windows.
    """

    s_axil: wiring.PureInterface
    locked: Signal

    def __init__(self, config: DmaConfig, *, checks: int):
        self.config = config
        self.checks = checks
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=PAGE + ceil_log2(config.queues))),
            "locked": In(config.queues),
            "tenant": Out(16).array(config.queues),
            "service": In(ServiceContext()).array(config.queues),
            "check":  In(WindowCheckSignature(config)).array(checks),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.windows = windows = WindowTable(self.config, checks=self.checks)
        for inner, outer in zip(windows.check, self.check, strict=True):
            wiring.connect(m, wiring.flipped(outer), inner)
        m.submodules.words = words = Memory(shape=32, depth=WORDS * self.config.queues, init=[])
        write = words.write_port()

        # The position of the sweep that clears the memory; its top bit stays when it is done.
        sweep = Signal(range(WORDS * self.config.queues + 1))
        cleared = sweep[-1]
        m.d.sync += sweep.eq(sweep + ~cleared)
        m.d.comb += [
            windows.enable.eq(cleared),
            write.addr.eq(sweep),
            windows.write.eq(write.en),
            windows.write_data.eq(write.data),
            windows.write_part.eq(write.addr[:3]),
            windows.write_window.eq(write.addr[3:]),
            windows.write_queue.eq(write.addr[ceil_log2(WORDS):]),
        ]
        self._write(m, cleared, write)
        self._read(m, cleared, words.read_port())
        return m

    def _decode(self, address):
        """Return the pair, whether a window is meant, which of :data:`SINGLE`, and the word."""
        offset, queue = address[:PAGE], address[PAGE:]
        block = ceil_log2(4 * WORDS)
        in_window = ((offset[block:] == WINDOW_BASE >> block) & (offset[:2] == 0)
                     & (offset[2:5] <= WindowPart.ACCESS))
        single = [offset == MANAGER.register(name).offset for name in SINGLE]
        return queue, in_window, single, Cat(offset[2:block], queue)

    def _fields(self, queue):
        """Return the wires of each of :data:`SINGLE` for a pair."""
        service = self.service[queue]
        return [self.tenant[queue], service.weight_m1, Cat(service.rate, service.burst)]

    def _write(self, m, cleared, port):
        axil = self.s_axil
        queue, in_window, single, word = self._decode(axil.awaddr)
        take, good = Signal(), Signal()
        m.d.comb += [
            take.eq(cleared & axil.awvalid & axil.wvalid & (~axil.bvalid | axil.bready)),
            axil.awready.eq(take),
            axil.wready.eq(take),
            good.eq(take & (in_window | Cat(single).any()) & axil.wstrb.all()
                    & ~self.locked.bit_select(queue, 1)),
            port.en.eq(~cleared | (good & in_window)),
        ]
        with m.If(cleared):
            m.d.comb += port.addr.eq(word)
            with m.Switch(axil.awaddr[2:5]):
                for part, name in ((WindowPart.BASE_LO, "BASE_LO"), (WindowPart.BASE_HI, "BASE_HI"),
                                   (WindowPart.LIMIT_LO, "LIMIT_LO"),
                                   (WindowPart.LIMIT_HI, "LIMIT_HI"),
                                   (WindowPart.ACCESS, "ACCESS")):
                    register = MANAGER.register(f"WINDOW0_{name}")
                    with m.Case(part):
                        m.d.comb += port.data.eq(
                            axil.wdata & sum(field.mask for field in register.fields))
        with m.If(axil.bready):
            m.d.sync += axil.bvalid.eq(0)
        with m.If(take):
            m.d.sync += [axil.bvalid.eq(1), axil.bresp.eq(Mux(good, Resp.OKAY, Resp.SLVERR))]
        for i in range(self.config.queues):
            for chosen, wires in zip(single, self._fields(i), strict=True):
                with m.If(good & chosen & (queue == i)):
                    m.d.sync += wires.eq(axil.wdata)

    def _read(self, m, cleared, port):
        axil = self.s_axil
        queue, in_window, single, word = self._decode(axil.araddr)
        take, from_window = Signal(), Signal()
        value, sampled = Signal(32), Signal(32)
        m.d.comb += [
            take.eq(cleared & axil.arvalid & (~axil.rvalid | axil.rready)),
            axil.arready.eq(take),
            port.addr.eq(word),
            port.en.eq(take),
            axil.rdata.eq(Mux(from_window, port.data, sampled)),
        ]
        for i in range(self.config.queues):
            for chosen, wires in zip(single, self._fields(i), strict=True):
                with m.If(chosen & (queue == i)):
                    m.d.comb += value.eq(wires)
        with m.If(axil.rready):
            m.d.sync += axil.rvalid.eq(0)
        with m.If(take):
            m.d.sync += [
                axil.rvalid.eq(1),
                axil.rresp.eq(Mux(in_window | Cat(single).any(), Resp.OKAY, Resp.SLVERR)),
                from_window.eq(in_window),
                sampled.eq(value),
            ]
