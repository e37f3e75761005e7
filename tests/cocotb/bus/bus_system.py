"""A small system of all bus parts, with monitors, as the top of cocotb tests."""

import types

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import (
    AXI4Crossbar,
    AXI4LiteDecoder,
    AXI4Monitor,
    AXI4Signature,
    AXI4Sram,
    AXI4ToLite,
    connect_axi4lite,
    downstream_signature,
)
from rtl.csr import Field, Register, RegisterBank, RegisterMap

__all__ = ["BusSystem", "RAM_BASE", "REGISTERS", "REGISTER_BASE", "SRAM_BASE"]

SRAM_BASE, REGISTER_BASE, RAM_BASE = 0x0000, 0x4000, 0x8000
REGISTERS = 12

MANAGERS = {
    "a": AXI4Signature(addr_width=16, data_width=128, id_width=4),
    "b": AXI4Signature(addr_width=16, data_width=128, id_width=2),
}
BANK = RegisterMap("bank", "Storage", [
    Register(f"R{index}", 4 * index, "Storage", [Field("value", 32, "rw", "Storage")])
    for index in range(REGISTERS)])


class BusSystem(wiring.Component):
    """Two managers; SRAM, a register bank behind the bridge, and a memory outside.

    Members
    -------
    s_axi_a, s_axi_b : :py:`In(AXI4Signature(...))`
        The managers.
    m_axi_ram : :py:`Out(AXI4Signature(...))`
        The memory.
    """

    def __init__(self):
        self.bus = downstream_signature(MANAGERS)
        super().__init__({f"s_axi_{name}": In(bus) for name, bus in MANAGERS.items()}
                         | {"m_axi_ram": Out(self.bus)})

    def elaborate(self, platform):
        m = Module()

        def part(base, size):
            return [types.SimpleNamespace(base=base, size=size)]

        m.submodules.crossbar = crossbar = AXI4Crossbar(
            managers=MANAGERS, slices={"b": ("aw", "w", "b", "ar", "r")}, subordinates={
                "sram": part(SRAM_BASE, 4096), "registers": part(REGISTER_BASE, 4096),
                "ram": part(RAM_BASE, 4096)})
        m.submodules.sram = sram = AXI4Sram(self.bus, size_bytes=4096)
        m.submodules.bridge = bridge = AXI4ToLite(self.bus)
        m.submodules.decoder = decoder = AXI4LiteDecoder(
            addr_width=16, subordinates={"bank": part(REGISTER_BASE, 256)})
        m.submodules.bank = bank = RegisterBank(BANK)
        wiring.connect(m, crossbar.m_axi_sram, sram.s_axi)
        wiring.connect(m, crossbar.m_axi_registers, bridge.s_axi)
        wiring.connect(m, crossbar.m_axi_ram, wiring.flipped(self.m_axi_ram))
        wiring.connect(m, bridge.m_axil, decoder.s_axil)
        connect_axi4lite(m, decoder.m_axil_bank, bank.s_axil)
        for name, signature in MANAGERS.items():
            port = getattr(self, f"s_axi_{name}")
            wiring.connect(m, wiring.flipped(port), getattr(crossbar, f"s_axi_{name}"))
            self._monitor(m, name, signature, port)
        for name in ("registers", "ram"):
            self._monitor(m, name, self.bus, getattr(crossbar, f"m_axi_{name}"))

        return m

    def _monitor(self, m, name, signature, port):
        m.submodules[f"monitor_{name}"] = monitor = AXI4Monitor(signature, outstanding=8)
        m.d.comb += monitor.watch(port)
