"""Delay of a sparse stream by a number of cycles that depends on the number format."""

from amaranth import Const, Module, Shape, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .datapath import select

__all__ = ["DelayLine"]


class DelayLine(wiring.Component):
    """Delays payloads by a fixed number of cycles, one number for each ``mode``.

    Payloads stand still in a small memory while a valid bit walks: a chain of registers of the
    same length would move every bit every cycle.

    Timing
    ------
    ``o_valid`` and ``o_payload`` follow by ``cycles[mode]``; 0 is combinational. The user changes
    ``mode`` only while the line is empty.

    Parameters
    ----------
    shape : shape-like
        Payload.
    cycles : tuple of :class:`int`
        Delay in each mode.

    Members
    -------
    mode : :py:`In(range(max(2, len(cycles))))`
        Which delay.
    i_valid, i_payload : :py:`In`
        What enters.
    o_valid, o_payload : :py:`Out`
        What leaves; the payload is undefined while ``o_valid`` is 0.
    """

    mode: Signal
    i_valid: Signal
    o_valid: Signal

    def __init__(self, shape, *, cycles: tuple[int, ...]):
        if not cycles or min(cycles) < 0:
            raise ValueError(f"Delays must be 0 or more, not {cycles!r}")
        self.shape = shape
        self.cycles = cycles
        super().__init__({
            "mode":      In(range(max(2, len(cycles)))),
            "i_valid":   In(1),
            "i_payload": In(shape),
            "o_valid":   Out(1),
            "o_payload": Out(shape),
        })

    def elaborate(self, platform):
        m = Module()

        longest = max(self.cycles)
        if longest == 0:
            m.d.comb += [self.o_valid.eq(self.i_valid), self.o_payload.eq(self.i_payload)]
            return m

        walk = Signal(longest)
        m.d.sync += walk.eq(walk << 1 | self.i_valid)

        width = Shape.cast(self.shape).width
        depth = 1 << ceil_log2(longest + 1)
        m.submodules.payloads = payloads = memory.Memory(shape=width, depth=depth, init=[])
        write, read = payloads.write_port(), payloads.read_port(domain="comb")
        now = Signal(range(depth))
        m.d.sync += now.eq(now + 1)
        m.d.comb += [
            write.en.eq(self.i_valid),
            write.addr.eq(now),
            write.data.eq(self.i_payload),
            read.addr.eq(now - select(self.mode, [Const(count) for count in self.cycles])),
            self.o_valid.eq(select(self.mode, [walk[count - 1] if count else self.i_valid
                                               for count in self.cycles])),
            self.o_payload.eq(read.data),
        ]
        if 0 in self.cycles:
            direct = select(self.mode, [Const(count == 0, 1) for count in self.cycles])
            with m.If(direct):
                m.d.comb += self.o_payload.eq(self.i_payload)

        return m
