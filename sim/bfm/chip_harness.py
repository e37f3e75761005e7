"""The chip with DRAM, and its characters in a log: what the demo simulates."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from rtl.config import ChipConfig
from rtl.soc.chip import Chip
from rtl.soc.memory_map import region

from .axi_memory import AXI4Memory
from .ram import Log

__all__ = ["ChipHarness", "DRAM_BYTES", "OUTPUT_DEPTH"]

DRAM_BYTES = 16 << 20
OUTPUT_DEPTH = 1 << 16


class ChipHarness(wiring.Component):
    """Chip, the first 16 MiB of its DRAM, and a log of the characters that the UART sends.

    Parameters
    ----------
    config : :class:`ChipConfig`
        The chip.
    latency : :class:`int`
        Cycles from a request at the DRAM to its first beat.

    Members
    -------
    exited : :py:`Out(1)`, exit_code : :py:`Out(31)`
        The firmware has ended.
    sent : :py:`Out(64)`
        Characters in the log ``output``, one a row.
    cycles : :py:`Out(64)`
        Cycles since reset.
    """

    exited: Signal
    exit_code: Signal
    sent: Signal
    cycles: Signal

    def __init__(self, config: ChipConfig, *, latency: int = 20):
        self.config = config
        self.latency = latency
        super().__init__({"exited": Out(1), "exit_code": Out(31), "sent": Out(64),
                          "cycles": Out(64)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.chip = chip = Chip(self.config)
        m.submodules.dram = dram = AXI4Memory([chip.dram.signature], bytes=DRAM_BYTES,
                                              base=region("DRAM").base, latency=self.latency)
        wiring.connect(m, chip.dram, dram.s_axi_0)
        m.submodules.output = output = Log(width=8, depth=OUTPUT_DEPTH)
        m.d.comb += [
            output.record.eq(chip.uart_tx.payload),
            output.valid.eq(chip.uart_tx.valid),
            chip.uart_tx.ready.eq(1),
            self.sent.eq(output.count),
            self.exited.eq(chip.exited),
            self.exit_code.eq(chip.exit_code),
        ]
        m.d.sync += self.cycles.eq(self.cycles + 1)
        return m
