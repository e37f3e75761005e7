"""Register file and stack pointers."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.core.uop import Operand

__all__ = ["RegisterFile"]


class RegisterFile(wiring.Component):
    """31 general registers, the temporary, and both stack pointers.

    The registers are memories that are read without a clock, one copy a port (distributed RAM on
    an FPGA). They cannot be reset, so ``clear`` writes zeros to one entry a cycle. Port ``a``
    alone reads a stack pointer.

    Timing
    ------
    Reads are combinational and see writes of earlier cycles.

    Members
    -------
    a, b, c : :py:`In(Operand)`
        Registers to read; one that is not used reads as zero.
    a_sp : :py:`In(1)`
        ``a`` is the stack pointer.
    sp_el1 : :py:`In(1)`
        The stack pointer in use is SP_EL1.
    a_value, b_value, c_value : :py:`Out(64)`
        What they hold.
    write, write_sp : :py:`In(1)`, write_index : :py:`In(5)`, write_value : :py:`In(64)`
        Write port; ``write_sp`` sends the value to the stack pointer in use.
    sp_el0_write : :py:`In(1)`, sp_el0_value : :py:`In(64)`
        Second write port of SP_EL0, which wins.
    sp_el0 : :py:`Out(64)`
        SP_EL0.
    clear : :py:`In(1)`, clear_index : :py:`In(5)`
        Write a zero.
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
            "write":        In(1),
            "write_sp":     In(1),
            "write_index":  In(5),
            "write_value":  In(64),
            "sp_el0_write": In(1),
            "sp_el0_value": In(64),
            "sp_el0":       Out(64),
            "clear":        In(1),
            "clear_index":  In(5),
        })

    def elaborate(self, platform):
        m = Module()

        sp_el1 = Signal(64)
        stored = {}
        for port in "abc":
            operand = getattr(self, port)
            m.submodules[f"copy_{port}"] = memory = Memory(shape=64, depth=32, init=[])
            writer = memory.write_port()
            reader = memory.read_port(domain="comb")
            m.d.comb += [
                writer.en.eq(self.clear | (self.write & ~self.write_sp)),
                writer.addr.eq(Mux(self.clear, self.clear_index, self.write_index)),
                writer.data.eq(Mux(self.clear, 0, self.write_value)),
                reader.addr.eq(operand.index),
            ]
            stored[port] = reader.data & operand.used.replicate(64)
        m.d.comb += [
            self.a_value.eq(Mux(self.a_sp, Mux(self.sp_el1, sp_el1, self.sp_el0), stored["a"])),
            self.b_value.eq(stored["b"]),
            self.c_value.eq(stored["c"]),
        ]

        with m.If(self.write & self.write_sp):
            with m.If(self.sp_el1):
                m.d.sync += sp_el1.eq(self.write_value)
            with m.Else():
                m.d.sync += self.sp_el0.eq(self.write_value)
        with m.If(self.sp_el0_write):
            m.d.sync += self.sp_el0.eq(self.sp_el0_value)
        return m
