"""What is done in the memory stage with operands that the execute stage did not have yet."""

from amaranth import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.alu import Alu
from rtl.core.cause import CycleCause
from rtl.core.execute import Executed, branch_kind, condition
from rtl.core.predictor import PredictorUpdateLayout
from rtl.core.uop import BranchOp, CarryIn, Slot, SystemOp, Unit

__all__ = ["LateUnit", "waiting_cause"]


class LateUnit(wiring.Component):
    """Second operation of the memory stage, late comparisons and late branches, combinational.

    Members
    -------
    i : :py:`In(Slot)`, executed : :py:`In(Executed)`
        Micro-op in the memory stage. An operand that came late stands in ``executed`` like any
        other.
    flags : :py:`In(4)`
        NZCV before the micro-op.
    result : :py:`Out(64)`
        Of a micro-op with ``combine``: the ALU's operation on ``a`` and what the shifter made.
    new_flags : :py:`Out(4)`
        Of a comparison with a late operand.
    update : :py:`Out(PredictorUpdateLayout())`
        What became of the branch.
    late_branch : :py:`Out(1)`
        It is one that the execute stage could not resolve, or would have taken too long for.
    """

    def __init__(self):
        super().__init__({
            "i":           In(Slot),
            "executed":    In(Executed),
            "flags":       In(4),
            "result":      Out(64),
            "new_flags":   Out(4),
            "update":      Out(PredictorUpdateLayout()),
            "late_branch": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        uop, executed, update = self.i.uop, self.executed, self.update
        branches = uop.unit == Unit.BRANCH
        m.submodules.alu = alu = Alu()
        m.d.comb += [
            # One of the first four: the rest of the unit falls away.
            alu.enable.eq(1), alu.operation.eq(uop.alu.as_value()[:2]), alu.wide.eq(uop.wide),
            alu.invert.eq(uop.invert), alu.carry.eq(uop.carry == CarryIn.ONE),
            alu.a.eq(executed.a), alu.b.eq(Mux(uop.combine, executed.result, executed.b)),
            self.result.eq(alu.result),
            self.new_flags.eq(Cat(alu.overflow, alu.carry_out, alu.zero, alu.negative)),
        ]
        holds = condition(m, uop.cond, self.flags, "holds")
        zero = Cat(executed.a[:32], executed.a[32:] & uop.wide.replicate(32)) == 0
        clear = ~executed.a.bit_select(uop.rotate, 1)
        tests = uop.branch == BranchOp.BIT
        taken = Mux(uop.branch == BranchOp.COND, holds, Mux(tests, clear, zero) ^ uop.invert)
        m.d.comb += [
            self.late_branch.eq(branches & (self.i.late_a | self.i.late_flags | tests)),
            update.valid.eq(self.i.valid & self.i.last & (branches | self.i.prediction.taken)),
            update.taken.eq(Mux(self.late_branch, taken, executed.taken)),
            update.wrong.eq(Mux(self.late_branch,
                                (taken != self.i.prediction.taken) | self.i.misled,
                                executed.wrong)),
            update.branch.eq(branches), update.kind.eq(branch_kind(uop)),
            update.pc.eq(self.i.pc), update.prediction.eq(self.i.prediction),
            update.target.eq(Mux(uop.branch == BranchOp.REGISTER, executed.a, uop.imm)),
        ]
        return m


def waiting_cause(uop, *, waiting):
    """Return what a micro-op that stays in the memory stage waits for, as a value."""
    system = Mux(uop.system == SystemOp.BARRIER, CycleCause.BARRIER,
                 Mux(uop.system == SystemOp.WAIT, CycleCause.WAIT, CycleCause.SYSTEM))
    store = Mux(waiting, CycleCause.BARRIER, CycleCause.STORE)
    return Mux(uop.unit == Unit.LOAD, CycleCause.LOAD,
               Mux(uop.unit == Unit.STORE, store,
                   Mux(uop.unit == Unit.DIVIDE, CycleCause.DIVIDE, system)))
