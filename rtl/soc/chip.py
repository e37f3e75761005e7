"""The chip: core, matmul tile and DMA engine on one crossbar, with memories and peripherals."""

import dataclasses

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import (
    AXI4Crossbar,
    AXI4LiteDecoder,
    AXI4Rom,
    AXI4Signature,
    AXI4Sram,
    AXI4ToLite,
    connect_axi4,
    connect_axi4lite,
    downstream_signature,
)
from rtl.bus.channel import CHANNELS
from rtl.config import ChipConfig
from rtl.core.cause import CycleCause
from rtl.core.core import Core, memory_regions
from rtl.core.retire import RetireLayout
from rtl.matmul.tile import MatmulTile
from rtl.nitro_dma.engine import NitroDma

from .boot_rom import BOOT_ROM
from .gic import Gic
from .memory_map import INTERRUPTS, MEMORY_MAP, SPIS, region
from .sysctl import SysCtl
from .timer import Timer
from .uart import Uart

__all__ = ["Chip"]

PERIPHERALS = {"gic": ("GICD", "GICR"), "uart": ("UART",), "sysctl": ("SYSCTL",),
               "timer": ("TIMER",), "dma": ("DMA",), "tile_regs": ("TILE_REGS",)}
HOST_ID_WIDTH = 4
BUS = {"data_width": 128}


class Chip(wiring.Component):
    """Core, tile and DMA engine on a 128-bit AXI4 crossbar.

    Managers are the core's instruction and data buses, the DMA engine, and the host. They reach
    boot ROM, SRAM, DRAM, the windows of the tile and, over a bridge, the registers, all at the
    addresses of :mod:`.memory_map`. The core starts in the boot ROM.

    Parameters
    ----------
    config : :class:`ChipConfig`
        Configuration.
    boot_image : :class:`bytes` or None
        Contents of the boot ROM, by default :data:`.boot_rom.BOOT_ROM`.

    Members
    -------
    dram : :py:`Out(AXI4Signature(...))`
        External memory, at addresses of the memory map. The ID names the manager.
    host : :py:`In(AXI4Signature(addr_width, data_width=128, id_width=4))`
        A host that reads and writes everything on the chip.
    uart_tx : :py:`Out(stream.Signature(8))`
        Characters that the UART transmits. While not ready they fill its FIFO.
    uart_rx : :py:`In(stream.Signature(8))`
        Characters for the UART to receive.
    exited : :py:`Out(1)`, exit_code : :py:`Out(31)`
        The program has ended, and how.
    cause : :py:`Out(CycleCause)`
        What the core spent this cycle on.
    retire : :py:`Out(RetireLayout())`
        Retire port of the core, if ``config.core.retire_port``.
    """

    dram: wiring.PureInterface
    host: wiring.PureInterface
    uart_tx: stream.Interface
    uart_rx: stream.Interface
    exited: Signal
    exit_code: Signal

    def __init__(self, config: ChipConfig, *, boot_image: bytes | None = None):
        self.config = config
        self.boot_words = BOOT_ROM if boot_image is None else _words(boot_image)
        self._managers = {
            "fetch": AXI4Signature(**BUS, addr_width=config.core.addr_width, id_width=1,
                                   write=False),
            "core":  AXI4Signature(**BUS, addr_width=config.core.addr_width, id_width=1),
            "dma":   AXI4Signature(**BUS, addr_width=config.core.addr_width,
                                   id_width=config.dma.id_width, user_width=16),
            "host":  AXI4Signature(**BUS, addr_width=config.core.addr_width,
                                   id_width=HOST_ID_WIDTH),
        }
        self._bus = downstream_signature(self._managers)
        members = {
            "dram":      Out(self._bus),
            "host":      In(self._managers["host"]),
            "uart_tx":   Out(stream.Signature(8)),
            "uart_rx":   In(stream.Signature(8)),
            "exited":    Out(1),
            "exit_code": Out(31),
            "cause":     Out(CycleCause),
        }
        if config.core.retire_port:
            members["retire"] = Out(RetireLayout())
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()

        m.submodules.crossbar = crossbar = self._crossbar()
        m.submodules.core = core = Core(self.config.core, regions=memory_regions(MEMORY_MAP))
        m.submodules.dma = dma = NitroDma(self.config.dma)
        m.submodules.tile = tile = MatmulTile(self.config.tile, id_width=self._bus.id_width)
        m.submodules.rom = rom = AXI4Rom(self._bus, words=self.boot_words)
        m.submodules.sram = sram = AXI4Sram(self._bus, size_bytes=self.config.sram_bytes)

        wiring.connect(m, core.ibus, crossbar.s_axi_fetch)
        wiring.connect(m, core.dbus, crossbar.s_axi_core)
        wiring.connect(m, dma.m_axi, crossbar.s_axi_dma)
        wiring.connect(m, wiring.flipped(self.host), crossbar.s_axi_host)
        wiring.connect(m, crossbar.m_axi_rom, rom.s_axi)
        wiring.connect(m, crossbar.m_axi_sram, sram.s_axi)
        wiring.connect(m, crossbar.m_axi_dram, wiring.flipped(self.dram))
        connect_axi4(m, crossbar.m_axi_tile, tile.s_axi)

        registers = self._peripherals(m, crossbar.m_axi_peripherals)
        connect_axi4lite(m, registers.m_axil_dma, dma.s_axil)
        connect_axi4lite(m, registers.m_axil_tile_regs, tile.s_axil)

        m.submodules.gic = gic = Gic(spis=SPIS)
        connect_axi4lite(m, registers.m_axil_gic, gic.s_axil)
        wiring.connect(m, core.gic, gic.port)
        for name, line in {"timer": m.submodules.timer.irq, "uart": m.submodules.uart.irq,
                           "tile": tile.irq, "dma": dma.irq}.items():
            m.d.comb += gic.lines[INTERRUPTS[name] - 32].eq(line)
        m.d.comb += [
            core.reset_pc.eq(region("ROM").base),
            self.cause.eq(core.cause),
        ]
        if self.config.core.retire_port:
            m.d.comb += self.retire.eq(core.retire)

        return m

    def _crossbar(self):
        """Return the crossbar."""
        sram = region("SRAM")
        return AXI4Crossbar(
            managers=self._managers,
            subordinates={
                "rom": [region("ROM")],
                "sram": [dataclasses.replace(sram, size=self.config.sram_bytes)],
                "dram": [region("DRAM")],
                "tile": [region("TILE")],
                "peripherals": [region(name) for names in PERIPHERALS.values() for name in names],
            },
            # The core's loads wait for each cycle of the way; the others have many in flight.
            slices={"dma": ("aw", "w", "ar"), "host": CHANNELS})

    def _peripherals(self, m, bus):
        """Add the small peripherals; return the decoder, whose other ports are still open."""
        m.submodules.bridge = bridge = AXI4ToLite(self._bus)
        m.submodules.decoder = decoder = AXI4LiteDecoder(
            addr_width=self.config.core.addr_width,
            subordinates={subordinate: [region(name) for name in names]
                          for subordinate, names in PERIPHERALS.items()})
        m.submodules.uart = uart = Uart()
        m.submodules.sysctl = sysctl = SysCtl(config=self.config)
        m.submodules.timer = timer = Timer()
        wiring.connect(m, bus, bridge.s_axi)
        wiring.connect(m, bridge.m_axil, decoder.s_axil)
        connect_axi4lite(m, decoder.m_axil_uart, uart.s_axil)
        connect_axi4lite(m, decoder.m_axil_sysctl, sysctl.s_axil)
        connect_axi4lite(m, decoder.m_axil_timer, timer.s_axil)
        wiring.connect(m, uart.tx, wiring.flipped(self.uart_tx))
        wiring.connect(m, wiring.flipped(self.uart_rx), uart.rx)
        m.d.comb += [
            self.exited.eq(sysctl.exited),
            self.exit_code.eq(sysctl.exit_code),
        ]
        return decoder


def _words(image: bytes) -> tuple[int, ...]:
    """Return the 32-bit words of ``image``, little endian, the last one filled with zeros."""
    image += bytes(-len(image) % 4)
    return tuple(int.from_bytes(image[offset:offset + 4], "little")
                 for offset in range(0, len(image), 4))
