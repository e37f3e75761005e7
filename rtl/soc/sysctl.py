"""System control: how a program ends, and what it runs on."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature
from rtl.config import ChipConfig, preset_hash
from rtl.csr import Field, Register, RegisterBank, RegisterMap
from rtl.lib import SplitCounter

__all__ = ["IDENTITY", "REGISTERS", "SysCtl", "VERSION"]

IDENTITY = int.from_bytes(b"TLCH", "big")
VERSION = 2

REGISTERS = RegisterMap("sysctl", "System control", [
    Register("EXIT", 0x00, "End of the program.", [
        Field("stop", 1, "wo", "1 ends the simulation"),
        Field("code", 31, "wo", "Exit code; kept when `stop` is written as 1"),
    ]),
    Register("CYCLES_LO", 0x08, "Cycles since reset, low word; reading it holds the high word.",
             [Field("value", 32, "ro", "Bits 31:0")], read_strobe=True),
    Register("CYCLES_HI", 0x0C, "Cycles since reset, high word, as of the last read of CYCLES_LO.",
             [Field("value", 32, "ro", "Bits 63:32")]),
    Register("IDENTITY", 0x10, "Names the chip.",
             [Field("value", 32, "ro", "0x544c4348, ASCII TLCH")]),
    Register("VERSION", 0x14, "Version of this register map.", [Field("value", 32, "ro", "2")]),
    Register("PRESET_LO", 0x18, "Hash of the chip's configuration, low word.",
             [Field("value", 32, "ro", "Bits 31:0")]),
    Register("PRESET_HI", 0x1C, "Hash of the chip's configuration, high word.",
             [Field("value", 16, "ro", "Bits 47:32")]),
    Register("PARAMS", 0x20, "What the chip was built with.", [
        Field("tile_size", 8, "ro", "Rows and columns of the array"),
        Field("dma_queues", 8, "ro", "Queue pairs of the DMA engine"),
        Field("sram_kib", 16, "ro", "On-chip SRAM in KiB"),
    ]),
])


class SysCtl(wiring.Component):
    """System control registers.

    Parameters
    ----------
    config : :class:`ChipConfig`
        Configuration that the identity registers tell.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width=12))`
        Registers, :data:`REGISTERS`.
    exited : :py:`Out(1)`
        The program has ended; stays set. Rises one cycle after the write to EXIT.
    exit_code : :py:`Out(31)`
        Its exit code, valid with ``exited``.
    """

    s_axil: wiring.PureInterface
    exited: Signal
    exit_code: Signal

    def __init__(self, *, config: ChipConfig):
        self.config = config
        super().__init__({
            "s_axil":     In(AXI4LiteSignature(addr_width=12)),
            "exited":     Out(1),
            "exit_code":  Out(31),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.bank = bank = RegisterBank(REGISTERS, addr_width=12)
        wiring.connect(m, wiring.flipped(self.s_axil), bank.s_axil)

        with m.If(bank.exit_write & bank.exit_stop & ~self.exited):
            m.d.sync += [self.exited.eq(1), self.exit_code.eq(bank.exit_code)]

        m.submodules.cycles = cycles = SplitCounter()
        m.d.comb += [
            cycles.enable.eq(1),
            cycles.hold.eq(bank.cycles_lo_read),
            bank.cycles_lo_value.eq(cycles.low),
            bank.cycles_hi_value.eq(cycles.high),
        ]

        names = int(preset_hash(self.config), 16)
        m.d.comb += [
            bank.identity_value.eq(IDENTITY),
            bank.version_value.eq(VERSION),
            bank.preset_lo_value.eq(names & 0xffff_ffff),
            bank.preset_hi_value.eq(names >> 32),
            bank.params_tile_size.eq(self.config.tile.size),
            bank.params_dma_queues.eq(self.config.dma.queues),
            bank.params_sram_kib.eq(self.config.sram_bytes // 1024),
        ]

        return m
