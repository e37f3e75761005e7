"""Execute stage: ALU, shifter, address, branch resolution."""

import functools
import operator

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.access import NextAccessLayout
from rtl.core.alu import Alu, BitUnit
from rtl.core.atomic import compares_first
from rtl.core.cause import CycleCause
from rtl.core.crc import CrcUnit
from rtl.core.dcache import Maintenance
from rtl.core.issue import Operands
from rtl.core.predictor import PC_BITS, BranchKind, PredictorUpdateLayout
from rtl.core.shifter import Shifter
from rtl.core.uop import AluOp, BranchOp, CarryIn, Slot, Unit

__all__ = ["ExecuteStage", "Executed", "branch_kind", "condition"]


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
    taken: 1                # the branch is taken
    wrong: 1                # and fetch went another way; both as far as is known
    # What the micro-op, if it is valid, can wait for in the memory stage.
    accesses: 1
    compares: 1             # in front of the access, for a cycle
    divides: 1
    system: 1
    sp_fault: 1             # in place of an access: its base, the stack pointer, is not aligned
    writes_flags: 1
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


def branch_kind(uop):
    """Return the :class:`BranchKind` of a branch, as a value."""
    jumps = (uop.branch == BranchOp.ALWAYS) | (uop.branch == BranchOp.REGISTER)
    return Mux(uop.return_, BranchKind.RETURN,
               Mux(uop.link, BranchKind.CALL,
                   Mux(jumps, BranchKind.JUMP, BranchKind.CONDITIONAL)))


class ExecuteStage(wiring.Component):
    """Computes results and addresses, and resolves branches.

    Members
    -------
    i : :py:`In(Slot)`, operands : :py:`In(Operands)`
        Micro-op and operands.
    check_sp : :py:`In(1)`
        Accesses relative to the stack pointer need it to be aligned.
    old_flags, new_flags : :py:`In(4)`, flags_new : :py:`In(1)`
        NZCV before the micro-op, unless it is a branch with ``late_flags``.
    late : :py:`In(64)`
        The value that ``late_a`` and ``late_b`` stand for, when the micro-op leaves.
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
        Fetch went the wrong way; set in the first cycle of the micro-op, which may stay for longer.
    resolved : :py:`Out(PredictorUpdateLayout())`
        What became of the branch.
    """

    def __init__(self):
        super().__init__({
            "i":           In(Slot),
            "operands":    In(Operands),
            "check_sp":    In(1),
            "old_flags":   In(4),
            "new_flags":   In(4),
            "flags_new":   In(1),
            "late":        In(64),
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
            "resolved":    Out(PredictorUpdateLayout()),
        })

    def elaborate(self, platform):
        m = Module()
        uop, a, b, c = self.i.uop, self.operands.a, self.operands.b, self.operands.c
        executed = Signal(Executed)

        memory = self.i.valid & ((uop.unit == Unit.LOAD) | (uop.unit == Unit.STORE))
        sp_fault = uop.a_sp & a[:4].any() & self.check_sp
        compares = (uop.unit == Unit.STORE) & (compares_first(uop.atomic) | uop.match)
        # The newest flags come late: nothing but the choice stands behind their condition.
        holds = Mux(self.flags_new, condition(m, uop.cond, self.new_flags, "new_holds"),
                    condition(m, uop.cond, self.old_flags, "old_holds"))
        total = self._address(m, uop, a, b)
        self._take_apart(m, uop)
        self._compute(m, uop, holds, total, executed)
        self._branch(m, uop, holds, executed)

        m.d.comb += [
            executed.result.eq(self.result),
            self.next.addr.eq(Mux(uop.post & ~self.behind, a, total)),
            executed.addr.eq(self.next.addr),
            self.next.size_log2.eq(uop.size_log2), self.next.two.eq(uop.two & ~self._parts),
            self.next.strict.eq(uop.aligned | uop.restricted | uop.exclusive),
            self.next.write.eq(uop.unit == Unit.STORE),
            self.next.plain.eq(~((uop.exclusive & self.next.write) | uop.pair | uop.if_match
                                 | (uop.maintenance != Maintenance.NONE))),
            self.next.release.eq(uop.release), self.next.behind.eq(self.behind),
            executed.a.eq(Mux(self.i.late_a, self.late, a)),
            executed.b.eq(Mux(self.i.late_b, self.late, b)), executed.behind.eq(self.i.pc + 4),
            executed.sp_fault.eq(memory & sp_fault),
            executed.accesses.eq(memory & ~sp_fault & ~compares),
            executed.compares.eq(memory & ~sp_fault & compares),
            executed.divides.eq(self.i.valid & (uop.unit == Unit.DIVIDE)),
            executed.system.eq(self.i.valid & (uop.unit == Unit.SYSTEM)),
            executed.writes_flags.eq(self.i.valid & uop.flags),
        ]
        # A store has no bits above its size: atomic operations add and compare all there are.
        stored, whole = Mux(self.behind, b, c), uop.unit != Unit.STORE
        m.d.comb += executed.c.eq(Cat(stored[:8], *(
            stored[8 << size:16 << size] & (whole | (uop.size_log2 > size)).replicate(8 << size)
            for size in range(3))))
        with m.If(self.executed.compares):
            m.d.sync += [self.executed.compares.eq(0), self.executed.accesses.eq(1)]
        with m.If(self.advance):
            m.d.sync += [self.o.eq(self.i), self.executed.eq(executed)]
            with m.If(self._parts):
                self._part(m, uop)
        with m.If(self.flush):
            m.d.sync += [self.o.valid.eq(0), self.o.cause.eq(self.flush_cause),
                         self.executed.accesses.eq(0), self.executed.compares.eq(0),
                         self.executed.divides.eq(0),
                         self.executed.system.eq(0)]
        return m

    def _address(self, m, uop, a, b):
        """Add base and extended, shifted index: an adder of its own, short in front."""
        base, index, pair, total = Signal(64), Signal(64), Signal(64), Signal(64)
        m.d.comb += base.eq(Cat(a[:6] & (~uop.line).replicate(6), a[6:]))
        # The offset of two elements is a multiple of their size: the second address needs no
        # other adder.
        offset = uop.imm[:11] & (~(self.behind & uop.post)).replicate(11)
        last_byte = Mux(uop.size_log2[0], 7, 3) & self.behind.replicate(3)
        m.d.comb += pair.eq(offset.as_signed() | last_byte)
        # What stands above a word is found first.
        upper, takes_all = b[31] & uop.extend[2], uop.b_imm | uop.extend[0]
        extended = Cat(b[:32], Mux(takes_all, b[32:], upper.replicate(32)))
        m.d.comb += [
            index.eq(functools.reduce(operator.or_, (
                (extended << amount)[:64] & selected.replicate(64)
                for amount, selected in enumerate(self.i.scales)),
                pair & uop.two.replicate(64))),
            total.eq(base + index + self.behind),
        ]
        return total

    def _take_apart(self, m, uop):
        """See whether two elements lie in one row, aligned to their size."""
        # An adder of its own, since the whole pipeline waits for it.
        lane = Signal(4)
        m.d.comb += lane.eq(self.operands.a[:4] + (uop.imm[:4] & (~uop.post).replicate(4)))
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
            alu.carry.eq(Mux(uop.carry == CarryIn.FLAG,
                             Mux(self.flags_new, self.new_flags[1], self.old_flags[1]),
                             uop.carry == CarryIn.ONE)),
            shifter.operation.eq(uop.shift), shifter.fill.eq(uop.fill), shifter.wide.eq(uop.wide),
            shifter.rotate.eq(uop.rotate), shifter.low.eq(uop.low), shifter.high.eq(uop.high),
            shifter.source.eq(b), shifter.other.eq(c),
            bits.operation.eq(uop.bits), bits.wide.eq(uop.wide), bits.value.eq(b),
            crc.remainder.eq(a[:32]), crc.value.eq(Mux(uop.high_half, b[32:], b[:32])),
            crc.size_log2.eq(uop.size_log2),
            crc.castagnoli.eq(uop.castagnoli),
        ]
        # Each source is zero unless it is chosen, so that the latest one passes one level of logic.
        legs = Const(0, 64)
        word = Cat(Const(-1, 32), uop.wide.replicate(32))
        in_alu = uop.unit == Unit.ALU
        for chosen, value in (
                (in_alu & (uop.alu == AluOp.BITS), bits.result & word),
                (in_alu & (uop.alu == AluOp.CRC), crc.result),
                (uop.unit == Unit.BRANCH, self.i.pc + 4),
                (in_alu & (uop.alu == AluOp.LEA), total & word),
                ((uop.unit == Unit.LOAD) | (uop.unit == Unit.STORE), total)):
            legs = legs | (value & chosen.replicate(64))
        m.d.comb += [
            alu.enable.eq(in_alu | (uop.unit == Unit.SYSTEM)),
            shifter.enable.eq(uop.unit == Unit.SHIFT),
            self.result.eq(alu.result | shifter.result | legs),
        ]

        m.d.comb += [executed.negative.eq(alu.negative), executed.carry.eq(alu.carry_out),
                     executed.overflow.eq(alu.overflow), executed.zero.eq(alu.zero)]
        with m.If(uop.conditional & ~holds):
            m.d.comb += [
                Cat(executed.overflow, executed.carry, executed.zero,
                    executed.negative).eq(uop.flags_else),
            ]

    def _branch(self, m, uop, holds, executed):
        """See where a branch goes, and send fetch there once, whether the micro-op leaves or not.

        What the condition decides comes last: the redirection and which target it takes.
        """
        a = self.operands.a
        prediction, resolved = self.i.prediction, self.resolved
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
                with m.Default():
                    m.d.comb += taken.eq(1)
        # The immediate of an indirect branch is where it was predicted to go.
        wrong, redirected = Signal(), Signal()
        goes, behind = Mux(indirect, a, uop.imm), self.i.pc + 4
        late = is_branch & (self.i.late_a | self.i.late_flags | (uop.branch == BranchOp.BIT))
        resolves = self.i.valid & self.i.last & ~redirected & ~late
        m.d.comb += [
            wrong.eq((taken != prediction.taken) | self.i.misled | (indirect & (a != uop.imm))),
            self.redirect.eq(resolves & wrong),
            self.target.eq(Mux(taken, goes, behind)),
            executed.taken.eq(taken), executed.wrong.eq(wrong),
            resolved.valid.eq(is_branch | prediction.taken), resolved.wrong.eq(wrong),
            resolved.branch.eq(is_branch), resolved.taken.eq(taken),
            resolved.pc.eq(self.i.pc), resolved.target.eq(goes),
            resolved.prediction.eq(prediction), resolved.kind.eq(branch_kind(uop)),
        ]
        m.d.sync += redirected.eq((redirected | self.redirect) & ~(self.advance & ~self.again)
                                  & ~self.flush)
