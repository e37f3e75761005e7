"""Windows: where in memory the queue pairs may read and write."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.config import DmaConfig

from .descriptor import queue_bits
from .registers import WINDOWS

__all__ = ["PAGE_BITS", "WindowCheckSignature", "WindowPart", "WindowTable"]

PAGE_BITS = 12
"""Windows consist of pages of 4 KiB: a burst never crosses one, so its address tells its page."""


class WindowCheckSignature(wiring.Signature):
    """A question to the table, seen from who asks.

    Members
    -------
    queue, page, write : :py:`Out`
        The pair, the page of the burst (its address without the low 12 bits), and its direction.
    allowed : :py:`In(1)`
        The page lies in a window of the pair that permits this, in the same cycle.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"queue": Out(queue_bits(config)),
                          "page": Out(config.addr_width - PAGE_BITS), "write": Out(1),
                          "allowed": In(1)})


class WindowPart:
    """Registers of a window, by their word in it."""

    BASE_LO, BASE_HI, LIMIT_LO, LIMIT_HI, ACCESS = range(5)


class WindowTable(wiring.Component):
    """Bounds and permissions of the windows of all pairs, and whether a burst lies in one.

    The table is memory, which no reset empties: it has to be written with zeros before ``enable``
    is raised.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.
    checks : :class:`int`
        Questions that can be asked at a time.

    Timing
    ------
    Answers come in the same cycle. What is written in one cycle counts from the next.

    Members
    -------
    write, write_queue, write_window, write_part, write_data : :py:`In`
        Strobe: set a register of a window (:class:`WindowPart`) to a 32-bit word.
    enable : :py:`In(1)`
        While low nothing is allowed.
    check : ``checks`` x :py:`In(WindowCheckSignature(config))`
        Questions.
    """

    write: Signal
    write_queue: Signal
    write_window: Signal
    write_part: Signal
    write_data: Signal
    enable: Signal

    def __init__(self, config: DmaConfig, *, checks: int):
        self.config = config
        self.checks = checks
        super().__init__({
            "write":        In(1),
            "write_queue":  In(queue_bits(config)),
            "write_window": In(ceil_log2(WINDOWS)),
            "write_part":   In(3),
            "write_data":   In(32),
            "enable":       In(1),
            "check":        In(WindowCheckSignature(config)).array(checks),
        })

    def elaborate(self, platform):
        m = Module()

        hits = [Signal(WINDOWS, name=f"hits_{i}") for i in range(self.checks)]
        for window in range(WINDOWS):
            write = Signal(name=f"write_{window}")
            m.d.comb += write.eq(self.write & (self.write_window == window))
            base = self._bound(m, f"base_{window}", write, WindowPart.BASE_LO)
            limit = self._bound(m, f"limit_{window}", write, WindowPart.LIMIT_LO)
            access = self._memory(m, f"access_{window}", write, WindowPart.ACCESS, 0, 2)
            for i, check in enumerate(self.check):
                m.d.comb += hits[i][window].eq(
                    Mux(check.write, access[i][1], access[i][0])
                    & (check.page >= base[i]) & (check.page <= limit[i]))
        for i, check in enumerate(self.check):
            m.d.comb += check.allowed.eq(self.enable & hits[i].any())

        return m

    def _bound(self, m, name, write, low):
        """Return a bound of the window in every question: a page number."""
        parts = [self._memory(m, f"{name}_lo", write, low, PAGE_BITS, 32 - PAGE_BITS)]
        if self.config.addr_width > 32:
            parts.append(self._memory(m, f"{name}_hi", write, low + 1, 0,
                                      self.config.addr_width - 32))
        return [Cat(*words) for words in zip(*parts, strict=True)]

    def _memory(self, m, name, write, part, lsb, width):
        """Add bits of one register, of all pairs; return those of the pair of every question."""
        memory = Memory(shape=width, depth=max(2, self.config.queues), init=[])
        m.submodules[name] = memory
        port = memory.write_port()
        m.d.comb += [
            port.en.eq(write & (self.write_part == part)),
            port.addr.eq(self.write_queue),
            port.data.eq(self.write_data[lsb:lsb + width]),
        ]
        reads = []
        for check in self.check:
            read = memory.read_port(domain="comb")
            m.d.comb += read.addr.eq(check.queue)
            reads.append(read.data)
        return reads
