"""Execute stage: ALU, shifter, address, branch resolution."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.access import NextAccessLayout
from rtl.core.alu import Alu, BitUnit
from rtl.core.cause import CycleCause
from rtl.core.crc import CrcUnit
from rtl.core.dcache import Maintenance
from rtl.core.issue import Operands
from rtl.core.predictor import PC_BITS, BranchKind, PredictorUpdateLayout
from rtl.core.shifter import Shifter
from rtl.core.uop import AluOp, BranchOp, CarryIn, Slot, Unit

__all__ = ["ExecuteStage", "Executed", "condition"]


class Executed(data.Struct):
    """What the execute stage hands to the memory stage beside the micro-op."""

    result: 64
    addr: 64
    a: 64
    b: 64
    c: 64
    negative: 1
    carry: 1
    overflow: 1
    zero: 1
    sp_unaligned: 1
    behind: PC_BITS + 1     # address of the next instruction in memory


def condition(m, cond, flags, name):
    """Return whether the condition ``cond`` holds for ``flags`` (NZCV, N in bit 3)."""
    negative, zero, carry, overflow = flags[3], flags[2], flags[1], flags[0]
    plain, holds = Signal(name=f"{name}_plain"), Signal(name=name)
    with m.Switch(cond[1:]):
        with m.Case(0):
            m.d.comb += plain.eq(zero)
        with m.Case(1):
            m.d.comb += plain.eq(carry)
        with m.Case(2):
            m.d.comb += plain.eq(negative)
        with m.Case(3):
            m.d.comb += plain.eq(overflow)
        with m.Case(4):
            m.d.comb += plain.eq(carry & ~zero)
        with m.Case(5):
            m.d.comb += plain.eq(negative == overflow)
        with m.Case(6):
            m.d.comb += plain.eq((negative == overflow) & ~zero)
        with m.Case(7):
            m.d.comb += plain.eq(1)
    m.d.comb += holds.eq(plain ^ (cond[0] & (cond[1:] != 7)))
    return holds


class ExecuteStage(wiring.Component):
    """Computes results and addresses, and resolves branches.

    Members
    -------
    i : :py:`In(Slot)`, operands : :py:`In(Operands)`
        Micro-op and operands.
    flags : :py:`In(4)`
        NZCV before the micro-op.
    advance : :py:`In(1)`
        The micro-op leaves for the memory stage.
    apart : :py:`In(1)`
        Two elements are not accessed together.
    again : :py:`Out(1)`
        The micro-op stays for another cycle: its two elements leave one after the other.
    behind : :py:`Out(1)`
        What leaves is the second of two elements.
    flush : :py:`In(1)`, flush_cause : :py:`In(CycleCause)`
        The micro-op is dropped.
    o : :py:`Out(Slot)`, executed : :py:`Out(Executed)`
        Micro-op in the memory stage, registers.
    result : :py:`Out(64)`
        Result in this cycle, for the bypass.
    next : :py:`Out(NextAccessLayout())`
        Memory access of the micro-op, for the lookup in the data cache.
    redirect : :py:`Out(1)`, target : :py:`Out(64)`
        Fetch went the wrong way; set only while the micro-op leaves.
    update : :py:`Out(PredictorUpdateLayout())`
        What became of a branch.
    """

    def __init__(self):
        super().__init__({
            "i":           In(Slot),
            "operands":    In(Operands),
            "flags":       In(4),
            "advance":     In(1),
            "apart":       In(1),
            "again":       Out(1),
            "behind":      Out(1),
            "flush":       In(1),
            "flush_cause": In(CycleCause),
            "o":           Out(Slot),
            "executed":    Out(Executed),
            "result":      Out(64),
            "next":        Out(NextAccessLayout()),
            "redirect":    Out(1),
            "target":      Out(64),
            "update":      Out(PredictorUpdateLayout()),
        })

    def elaborate(self, platform):
        m = Module()
        uop, a, b, c = self.i.uop, self.operands.a, self.operands.b, self.operands.c
        executed = Signal(Executed)

        holds = condition(m, uop.cond, self.flags, "holds")
        total = self._address(m, uop, a, b)
        self._take_apart(m, uop)
        self._compute(m, uop, holds, total, executed)
        self._branch(m, uop, holds)

        m.d.comb += [
            executed.result.eq(self.result),
            self.next.addr.eq(Mux(uop.post & ~self.behind, a, total)),
            executed.addr.eq(self.next.addr),
            self.next.size_log2.eq(uop.size_log2), self.next.two.eq(uop.two & ~self._parts),
            self.next.strict.eq(uop.aligned | uop.restricted | uop.exclusive),
            self.next.write.eq(uop.unit == Unit.STORE),
            self.next.plain.eq(~((uop.exclusive & self.next.write) | uop.pair | uop.if_match
                                 | (uop.maintenance != Maintenance.NONE))),
            self.next.release.eq(uop.release),
            executed.a.eq(a), executed.b.eq(b), executed.behind.eq(self.i.pc + 4),
            executed.c.eq(Mux(self.behind, b, c)),
            executed.sp_unaligned.eq(uop.a_sp & a[:4].any()),
        ]
        with m.If(self.advance):
            m.d.sync += [self.o.eq(self.i), self.executed.eq(executed)]
            with m.If(self._parts):
                self._part(m, uop)
        with m.If(self.flush):
            m.d.sync += [self.o.valid.eq(0), self.o.cause.eq(self.flush_cause)]
        return m

    def _address(self, m, uop, a, b):
        """Add base and extended, shifted index: an adder of its own, short in front."""
        base, index, total = Signal(64), Signal(64), Signal(64)
        m.d.comb += base.eq(Cat(a[:6] & (~uop.line).replicate(6), a[6:]))
        # What stands above the bits of the offset or of the word is found first.
        offset, takes_none = uop.imm[:11], self.behind & uop.post
        takes_offset = uop.two & ~uop.b_imm
        takes_b = ~takes_none & ~takes_offset
        sign = takes_offset & ~takes_none & offset[-1]
        upper = sign | (takes_b & b[31] & uop.extend[2])
        takes_all = takes_b & (uop.b_imm | uop.extend[0])
        m.d.comb += index.eq(Cat(
            Mux(takes_b, b[:11], offset & (~takes_none).replicate(11)),
            Mux(takes_b, b[11:32], sign.replicate(21)),
            Mux(takes_all, b[32:], upper.replicate(32))))
        # The offset of two elements is a multiple of their size: the second address needs no
        # other adder.
        last_byte = Mux(uop.size_log2[0], 7, 3) & self.behind.replicate(3)
        m.d.comb += total.eq(base + ((index << uop.scale)[:64] | last_byte) + self.behind)
        return total

    def _take_apart(self, m, uop):
        """See whether two elements lie in one row, aligned to their size."""
        lane = self.next.addr[:4]
        together = Mux(uop.size_log2[0], ~lane.any(), ~lane[:2].any() & ~lane[2:].all())
        self._parts = Signal()
        m.d.comb += [
            self._parts.eq(self.behind
                           | (self.i.valid & uop.two & (uop.apart | self.apart | ~together))),
            self.again.eq(self._parts & ~self.behind),
        ]
        with m.If(self.advance):
            m.d.sync += self.behind.eq(self.again)
        with m.If(self.flush):
            m.d.sync += self.behind.eq(0)

    def _part(self, m, uop):
        """Make an access of one element out of that of two."""
        part = self.o.uop
        m.d.sync += [part.two.eq(0), part.second.used.eq(0), part.apart.eq(self.behind)]
        with m.If(self.behind):
            m.d.sync += [self.o.first.eq(0), part.dest.eq(uop.second), part.base_sp.eq(0)]
        with m.Else():
            m.d.sync += [self.o.last.eq(0), self.o.half.eq(1),
                         part.hold.eq(uop.dest.used | uop.base_sp)]

    def _compute(self, m, uop, holds, total, executed):
        a, b, c = self.operands.a, self.operands.b, self.operands.c
        m.submodules.alu = alu = Alu()
        m.submodules.shifter = shifter = Shifter()
        m.submodules.bits = bits = BitUnit()
        m.submodules.crc = crc = CrcUnit()
        m.d.comb += [
            # What a system operation takes is the sum of a register and an immediate: one is zero.
            alu.operation.eq(uop.alu), alu.wide.eq(uop.wide | (uop.unit == Unit.SYSTEM)),
            alu.invert.eq(uop.invert),
            alu.select.eq(holds), alu.a.eq(a), alu.b.eq(b),
            alu.carry.eq(Mux(uop.carry == CarryIn.FLAG, self.flags[1],
                             uop.carry == CarryIn.ONE)),
            shifter.operation.eq(uop.shift), shifter.fill.eq(uop.fill), shifter.wide.eq(uop.wide),
            shifter.rotate.eq(uop.rotate), shifter.low.eq(uop.low), shifter.high.eq(uop.high),
            shifter.source.eq(b), shifter.other.eq(c),
            bits.operation.eq(uop.bits), bits.wide.eq(uop.wide), bits.value.eq(b),
            crc.remainder.eq(a[:32]), crc.value.eq(Mux(uop.high_half, b[32:], b[:32])),
            crc.size_log2.eq(uop.size_log2),
            crc.castagnoli.eq(uop.castagnoli),
        ]
        with m.Switch(uop.unit):
            with m.Case(Unit.ALU):
                with m.Switch(uop.alu):
                    with m.Case(AluOp.LEA):
                        m.d.comb += self.result.eq(
                            Cat(total[:32], total[32:] & uop.wide.replicate(32)))
                    with m.Case(AluOp.BITS):
                        m.d.comb += self.result.eq(
                            Cat(bits.result[:32], bits.result[32:] & uop.wide.replicate(32)))
                    with m.Case(AluOp.CRC):
                        m.d.comb += self.result.eq(crc.result)
                    with m.Default():
                        m.d.comb += self.result.eq(alu.result)
            with m.Case(Unit.SYSTEM):
                m.d.comb += self.result.eq(alu.result)
            with m.Case(Unit.SHIFT):
                m.d.comb += self.result.eq(shifter.result)
            with m.Case(Unit.BRANCH):
                m.d.comb += self.result.eq(self.i.pc + 4)
            with m.Case(Unit.LOAD, Unit.STORE):
                m.d.comb += self.result.eq(total)

        m.d.comb += [executed.negative.eq(alu.negative), executed.carry.eq(alu.carry_out),
                     executed.overflow.eq(alu.overflow), executed.zero.eq(alu.zero)]
        with m.If(uop.conditional & ~holds):
            m.d.comb += [
                Cat(executed.overflow, executed.carry, executed.zero,
                    executed.negative).eq(uop.flags_else),
            ]

    def _branch(self, m, uop, holds):
        a = self.operands.a
        prediction, update = self.i.prediction, self.update
        taken, is_branch, indirect = Signal(), Signal(), Signal()
        m.d.comb += [is_branch.eq(uop.unit == Unit.BRANCH),
                     indirect.eq(uop.branch == BranchOp.REGISTER)]
        zero = Cat(a[:32], a[32:] & uop.wide.replicate(32)) == 0
        with m.If(is_branch):
            with m.Switch(uop.branch):
                with m.Case(BranchOp.COND):
                    m.d.comb += taken.eq(holds)
                with m.Case(BranchOp.ZERO):
                    m.d.comb += taken.eq(zero ^ uop.invert)
                with m.Case(BranchOp.BIT):
                    m.d.comb += taken.eq(~a.bit_select(uop.rotate, 1) ^ uop.invert)
                with m.Default():
                    m.d.comb += taken.eq(1)
        # The immediate of an indirect branch is where it was predicted to go.
        wrong = ((taken != prediction.taken) | self.i.misled | (indirect & (a != uop.imm)))
        resolves = self.i.valid & self.i.last & self.advance & ~self.flush & ~self.again
        goes, behind = Mux(indirect, a, uop.imm), self.i.pc + 4
        m.d.comb += [
            self.redirect.eq(resolves & wrong),
            self.target.eq(Mux(taken, goes, behind)),
            update.valid.eq(resolves & (is_branch | prediction.taken)),
            update.branch.eq(is_branch), update.taken.eq(taken),
            update.pc.eq(self.i.pc), update.target.eq(goes), update.prediction.eq(prediction),
            update.kind.eq(BranchKind.JUMP),
        ]
        with m.If(uop.return_):
            m.d.comb += update.kind.eq(BranchKind.RETURN)
        with m.Elif(uop.link):
            m.d.comb += update.kind.eq(BranchKind.CALL)
        with m.Elif((uop.branch != BranchOp.ALWAYS) & ~indirect):
            m.d.comb += update.kind.eq(BranchKind.CONDITIONAL)
