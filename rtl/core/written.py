"""What the memory stage hands to the write stage."""

from amaranth import Cat, Mux
from amaranth.lib import data

from rtl.core.dcache import Maintenance
from rtl.core.issue import writes_sp
from rtl.core.predictor import PC_BITS, RETURN_BITS
from rtl.core.retire_collector import RetiredUop

__all__ = ["Written", "fill_record"]


class Written(data.Struct):
    """Register of the write stage."""

    valid: 1
    hold: 1
    write: 1
    odd_line: 1
    pc: PC_BITS
    depth: RETURN_BITS
    product: 1
    half: 1
    dest_used: 1
    dest_index: 5
    value: 64
    second_used: 1
    second_index: 5
    second_value: 64
    sp_used: 1
    sp_value: 64
    counts: 1           # as a cached access
    retired: RetiredUop


def fill_record(m, retired, slot, executed, lsu, *, memory, fault, syndrome, beyond):
    """Fill in the retire record; the register's value comes later."""
    uop = slot.uop
    failed = (uop.exclusive & lsu.access.write & lsu.result[0]) | lsu.access.skip
    temporary = (uop.dest.index == 31) & ~uop.dest_sp
    m.d.sync += [
        retired.first.eq(slot.first), retired.last.eq(slot.last),
        retired.pc.eq(Cat(slot.pc, beyond)), retired.insn.eq(slot.insn),
        retired.exception.eq(fault), retired.interrupt.eq(fault & uop.interrupt),
        retired.syndrome.eq(Mux(fault & ~uop.interrupt, syndrome, 0)),
        retired.registers[0].valid.eq(uop.dest.used & ~temporary & ~uop.dest_sp),
        retired.registers[0].index.eq(uop.dest.index),
        retired.registers[1].valid.eq(uop.second.used),
        retired.registers[1].index.eq(uop.second.index),
        retired.registers[2].valid.eq(writes_sp(uop)), retired.registers[2].index.eq(31),
    ]
    valid = memory & ~failed & ~uop.line & (uop.maintenance == Maintenance.NONE)
    addr = executed.addr
    for access, happens, at, read, stored in (
            (retired.memory[0], valid, addr, lsu.raw, lsu.stored),
            (retired.memory[1], valid & uop.two, addr + Mux(uop.size_log2[0], 8, 4),
             lsu.second_raw, lsu.second_stored)):
        m.d.sync += [
            access.valid.eq(happens), access.write.eq(lsu.access.write),
            access.size_log2.eq(uop.size_log2), access.device.eq(lsu.device),
            access.addr.eq(at), access.value.eq(Mux(lsu.access.write, stored, read)),
        ]
