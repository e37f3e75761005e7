"""Gateware of a register map, behind AXI4-Lite."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature, Resp

from .declaration import RegisterMap

__all__ = ["RegisterBank"]


class RegisterBank(wiring.Component):
    """Registers of a map as wires, read and written over AXI4-Lite.

    Parameters
    ----------
    registers : :class:`RegisterMap`
        The declaration.
    addr_width : :class:`int` or None
        Address bits of the bus, by default as many as the map needs.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width))`
        The bus. An address without a register answers SLVERR and changes nothing.
    <register>_<field> : :py:`Out(width)` for ``rw``, ``wo`` and ``w1c``, :py:`In(width)` for ``ro``
        Value of an ``rw`` or ``w1c`` field; data of a ``wo`` field in the cycle of its strobe.
    <register>_write : :py:`Out(1)`
        Strobe of a register that has a ``wo`` field: asserted for the one cycle in which software
        writes it.
    <register>_read : :py:`Out(1)`
        Strobe of a register declared with ``read_strobe``: asserted for the one cycle in which a
        read samples its ``ro`` fields.
    locked : :py:`In(1)`
        Refuse writes of registers declared with ``lockable``; only if there are any.
    <register>_<field>_set : :py:`In(width)`
        Bits to set in a ``w1c`` field in this cycle; a set wins over a clear.

    Timing
    ------
    One transaction a direction at a time. A write takes effect at the edge after AW and W have
    both arrived, where B rises; R rises one cycle after AR and samples ``ro`` fields at that edge.
    Byte strobes are honoured for ``rw`` fields; a ``wo`` or ``w1c`` register acts on the bytes
    strobed, others read as 0.
    """

    s_axil: wiring.PureInterface

    def __init__(self, registers: RegisterMap, *, addr_width: int | None = None):
        self.registers = registers
        self.addr_width = registers.addr_width if addr_width is None else addr_width
        if self.addr_width < registers.addr_width:
            raise ValueError(f"Address width of {registers.name} must be at least "
                             f"{registers.addr_width}, not {addr_width!r}")
        members = {"s_axil": In(AXI4LiteSignature(addr_width=self.addr_width))}
        if any(register.lockable for register in registers.registers):
            members["locked"] = In(1)
        for register in registers.registers:
            name = register.name.lower()
            if any(field.access == "wo" for field in register.fields):
                members[f"{name}_write"] = Out(1)
            if register.read_strobe:
                members[f"{name}_read"] = Out(1)
            for field in register.fields:
                flow = In if field.access == "ro" else Out
                init = {"init": field.reset} if field.access == "rw" else {}
                members[f"{name}_{field.name}"] = flow(field.width, **init)
                if field.access == "w1c":
                    members[f"{name}_{field.name}_set"] = In(field.width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        axil = self.s_axil

        write = Signal()
        m.d.comb += [
            write.eq(axil.awvalid & axil.wvalid & (~axil.bvalid | axil.bready)),
            axil.awready.eq(write),
            axil.wready.eq(write),
            axil.arready.eq(~axil.rvalid | axil.rready),
        ]
        with m.If(axil.bready):
            m.d.sync += axil.bvalid.eq(0)
        with m.If(write):
            m.d.sync += [axil.bvalid.eq(1), axil.bresp.eq(Resp.SLVERR)]
        with m.If(axil.rready):
            m.d.sync += axil.rvalid.eq(0)
        with m.If(axil.arvalid & axil.arready):
            m.d.sync += [axil.rvalid.eq(1), axil.rresp.eq(Resp.SLVERR), axil.rdata.eq(0)]

        strobed = Signal(32)
        m.d.comb += strobed.eq(sum(axil.wstrb[i].replicate(8) << 8 * i for i in range(4)))
        for register in self.registers.registers:
            self._register(m, register, write, strobed)
        return m

    def _register(self, m, register, write, strobed):
        """Add the logic of one register."""
        axil, name = self.s_axil, register.name.lower()
        written = Signal(name=f"{name}_written")
        open_ = ~self.locked if register.lockable else 1
        m.d.comb += written.eq(write & (axil.awaddr[2:] == register.offset // 4) & open_)
        with m.If(written):
            m.d.sync += axil.bresp.eq(Resp.OKAY)
        value = 0
        for field in register.fields:
            port = getattr(self, f"{name}_{field.name}")
            bits = slice(field.lsb, field.lsb + field.width)
            data, mask = axil.wdata[bits], strobed[bits]
            if field.access == "rw":
                with m.If(written):
                    m.d.sync += port.eq(data & mask | port & ~mask)
            elif field.access == "w1c":
                clear = Signal(field.width, name=f"{name}_{field.name}_clear")
                with m.If(written):
                    m.d.comb += clear.eq(data & mask)
                m.d.sync += port.eq(port & ~clear | getattr(self, f"{name}_{field.name}_set"))
            elif field.access == "wo":
                m.d.comb += [port.eq(data & mask), getattr(self, f"{name}_write").eq(written)]
            if field.access != "wo":
                value = value | port << field.lsb
        read = Signal(name=f"{name}_sampled")
        m.d.comb += read.eq(axil.arvalid & axil.arready
                            & (axil.araddr[2:] == register.offset // 4))
        if register.read_strobe:
            m.d.comb += getattr(self, f"{name}_read").eq(read)
        with m.If(read):
            m.d.sync += [axil.rdata.eq(value), axil.rresp.eq(Resp.OKAY)]
