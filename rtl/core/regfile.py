"""Register file and stack pointers."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.core.uop import Operand

__all__ = ["RegisterFile", "RegisterWrite"]


class RegisterWrite(data.Struct):
    """One write port."""

    valid: 1
    index: 5
    value: 64


class RegisterFile(wiring.Component):
    """31 general registers, the temporary, and both stack pointers.

    The registers are memories that are read without a clock, one copy a port (distributed RAM on
    an FPGA), in two banks: even and odd numbers. They cannot be reset, so ``clear`` writes zeros
    to one entry of each bank a cycle. Port ``a`` alone reads a stack pointer.

    Timing
    ------
    Reads are combinational and see writes of earlier cycles.

    Members
    -------
    a, b, c : :py:`In(Operand)`
        Registers to read.
    a_sp : :py:`In(1)`
        ``a`` is the stack pointer.
    sp_el1 : :py:`In(1)`
        The stack pointer in use is SP_EL1.
    a_value, b_value, c_value : :py:`Out(64)`
        What they hold.
    write : :py:`In(RegisterWrite).array(2)`
        Write ports; when both write, their registers are of different parity.
    write_sp : :py:`In(1)`, sp_value : :py:`In(64)`
        Write the stack pointer in use.
    sp_el0_write : :py:`In(1)`, sp_el0_value : :py:`In(64)`
        Second write port of SP_EL0, which wins.
    sp_el0 : :py:`Out(64)`
        SP_EL0.
    clear : :py:`In(1)`, clear_index : :py:`In(4)`
        Write zeros to entry ``clear_index`` of both banks.
    """

    def __init__(self):
        super().__init__({
            "a":            In(Operand),
            "b":            In(Operand),
            "c":            In(Operand),
            "a_sp":         In(1),
            "sp_el1":       In(1),
            "a_value":      Out(64),
            "b_value":      Out(64),
            "c_value":      Out(64),
            "write":        In(RegisterWrite).array(2),
            "write_sp":     In(1),
            "sp_value":     In(64),
            "sp_el0_write": In(1),
            "sp_el0_value": In(64),
            "sp_el0":       Out(64),
            "clear":        In(1),
            "clear_index":  In(4),
        })

    def elaborate(self, platform):
        m = Module()

        sp_el1 = Signal(64)
        banks = [self._bank(m, parity) for parity in range(2)]
        stored = {}
        for port in "abc":
            operand = getattr(self, port)
            stored[port] = Mux(operand.index[0], banks[1][port], banks[0][port])
        m.d.comb += [
            self.a_value.eq(Mux(self.a_sp, Mux(self.sp_el1, sp_el1, self.sp_el0), stored["a"])),
            self.b_value.eq(stored["b"]),
            self.c_value.eq(stored["c"]),
        ]

        with m.If(self.write_sp):
            with m.If(self.sp_el1):
                m.d.sync += sp_el1.eq(self.sp_value)
            with m.Else():
                m.d.sync += self.sp_el0.eq(self.sp_value)
        with m.If(self.sp_el0_write):
            m.d.sync += self.sp_el0.eq(self.sp_el0_value)
        return m

    def _bank(self, m, parity):
        """Return what each port reads in the registers of one parity."""
        first, second = self.write
        writes_first, writes_second = Signal(), Signal()
        number, value = Signal(4), Signal(64)
        m.d.comb += [
            writes_first.eq(first.valid & (first.index[0] == parity)),
            writes_second.eq(second.valid & (second.index[0] == parity)),
            number.eq(Mux(writes_second, second.index[1:], first.index[1:])),
            value.eq(Mux(writes_second, second.value, first.value)),
        ]
        read = {}
        for port in "abc":
            m.submodules[f"copy_{port}_{parity}"] = memory = Memory(shape=64, depth=16, init=[])
            writer, reader = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                writer.en.eq(self.clear | writes_first | writes_second),
                writer.addr.eq(Mux(self.clear, self.clear_index, number)),
                writer.data.eq(value & (~self.clear).replicate(64)),
                reader.addr.eq(getattr(self, port).index[1:]),
            ]
            read[port] = reader.data
        return read
