"""Assembles retire records out of micro-ops."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.retire import MemoryAccessLayout, RegisterWriteLayout, RetireLayout

__all__ = ["RetireCollector", "RetiredUop"]


class RetiredUop(data.Struct):
    """What the write stage says about a micro-op that completes in this cycle."""

    valid: 1
    first: 1
    last: 1
    pc: 64
    insn: 32
    exception: 1
    interrupt: 1
    syndrome: 32
    half: 1         # not in the record: the first of two accesses of one micro-op
    registers: data.ArrayLayout(RegisterWriteLayout(), 3)
    memory: data.ArrayLayout(MemoryAccessLayout(), 2)


class RetireCollector(wiring.Component):
    """Collects the micro-ops of an instruction into one record.

    Timing
    ------
    The record stands on ``o`` one cycle after its last micro-op stood on ``i``.

    Members
    -------
    i : :py:`In(RetiredUop)`
        Micro-ops in program order.
    flags : :py:`In(4)`
        NZCV after the micro-op.
    o : :py:`Out(RetireLayout())`
        Records.
    """

    def __init__(self):
        super().__init__({"i": In(RetiredUop), "flags": In(4), "o": Out(RetireLayout())})

    def elaborate(self, platform):
        m = Module()

        i = self.i
        writes = data.ArrayLayout(RegisterWriteLayout(), 3)
        accesses = data.ArrayLayout(MemoryAccessLayout(), 2)
        held_writes, held_accesses = Signal(writes), Signal(accesses)
        seen = Signal(2)
        position = Mux(i.first, 0, seen)
        now_writes, now_accesses = Signal(writes), Signal(accesses)
        with m.If(~i.first):
            m.d.comb += [now_writes.eq(held_writes), now_accesses.eq(held_accesses)]
        for register in i.registers:
            for index in range(3):
                with m.If(register.valid & (position == index)):
                    m.d.comb += now_writes[index].eq(register)
            position = position + register.valid
        with m.If(i.memory[1].valid):
            m.d.comb += now_accesses.eq(i.memory)
        with m.Elif(i.memory[0].valid):
            with m.If(i.first | ~held_accesses[0].valid):
                m.d.comb += now_accesses[0].eq(i.memory[0])
            with m.Else():
                m.d.comb += now_accesses[1].eq(i.memory[0])

        m.d.sync += self.o.valid.eq(i.valid & (i.last | i.exception))
        with m.If(i.valid):
            m.d.sync += [
                held_writes.eq(now_writes), held_accesses.eq(now_accesses),
                seen.eq(position),
                self.o.pc.eq(i.pc), self.o.insn.eq(i.insn), self.o.nzcv.eq(self.flags),
                self.o.exception.eq(i.exception), self.o.interrupt.eq(i.interrupt),
                self.o.syndrome.eq(i.syndrome), self.o.writes.eq(now_writes),
                self.o.memory.eq(now_accesses),
            ]
            with m.If(i.exception):
                m.d.sync += [self.o.writes.eq(0), self.o.memory.eq(0)]
        return m
