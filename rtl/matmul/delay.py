"""Delay of a sparse stream by a number of cycles that depends on the number format."""

from amaranth import Module, Mux, Shape, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

__all__ = ["DelayLine"]


class DelayLine(wiring.Component):
    """Delays payloads by a fixed number of cycles, one number for each setting of ``slow``.

    Payloads stand still in a small memory while a valid bit walks: a chain of registers of the
    same length would move every bit every cycle.

    Timing
    ------
    ``o_valid`` and ``o_payload`` follow by ``fast_cycles`` or ``slow_cycles``; 0 is combinational.
    The user changes ``slow`` only while the line is empty.

    Parameters
    ----------
    shape : shape-like
        Payload.
    fast_cycles, slow_cycles : :class:`int`
        Delay while ``slow`` is 0 and 1.

    Members
    -------
    slow : :py:`In(1)`
        Which delay.
    i_valid, i_payload : :py:`In`
        What enters.
    o_valid, o_payload : :py:`Out`
        What leaves; the payload is undefined while ``o_valid`` is 0.
    """

    slow: Signal
    i_valid: Signal
    o_valid: Signal

    def __init__(self, shape, *, fast_cycles: int, slow_cycles: int):
        if fast_cycles < 0 or slow_cycles < fast_cycles:
            raise ValueError(f"Delays must be 0 <= fast <= slow, not {fast_cycles!r} and "
                             f"{slow_cycles!r}")
        self.shape = shape
        self.fast_cycles = fast_cycles
        self.slow_cycles = slow_cycles
        super().__init__({
            "slow":      In(1),
            "i_valid":   In(1),
            "i_payload": In(shape),
            "o_valid":   Out(1),
            "o_payload": Out(shape),
        })

    def elaborate(self, platform):
        m = Module()

        if self.slow_cycles == 0:
            m.d.comb += [self.o_valid.eq(self.i_valid), self.o_payload.eq(self.i_payload)]
            return m

        walk = Signal(self.slow_cycles)
        m.d.sync += walk.eq(walk << 1 | self.i_valid)

        width = Shape.cast(self.shape).width
        depth = 1 << ceil_log2(self.slow_cycles + 1)
        m.submodules.payloads = payloads = memory.Memory(shape=width, depth=depth, init=[])
        write, read = payloads.write_port(), payloads.read_port(domain="comb")
        now = Signal(range(depth))
        m.d.sync += now.eq(now + 1)
        m.d.comb += [
            write.en.eq(self.i_valid),
            write.addr.eq(now),
            write.data.eq(self.i_payload),
            read.addr.eq(now - Mux(self.slow, self.slow_cycles, self.fast_cycles)),
        ]
        if self.fast_cycles == 0:
            with m.If(~self.slow):
                m.d.comb += [self.o_valid.eq(self.i_valid), self.o_payload.eq(self.i_payload)]
            with m.Else():
                m.d.comb += [self.o_valid.eq(walk[-1]), self.o_payload.eq(read.data)]
        else:
            m.d.comb += [
                self.o_valid.eq(Mux(self.slow, walk[self.slow_cycles - 1],
                                    walk[self.fast_cycles - 1])),
                self.o_payload.eq(read.data),
            ]

        return m
