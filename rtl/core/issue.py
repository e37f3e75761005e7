"""Issue stage: register read, bypass, hazards."""

import functools
import operator

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.cause import CycleCause
from rtl.core.predictor import PC_BITS, predicted_target
from rtl.core.uop import BranchOp, Operand, Slot, Unit

__all__ = ["IssueStage", "Late", "Operands", "ResultLayout", "announce", "writes_sp"]


class Late(enum.Enum, shape=2):
    """Stage at whose end a result exists."""

    EXECUTE = 0
    MEMORY = 1
    WRITE = 2


def lateness(uop):
    """Return the :class:`Late` of a micro-op, as a value."""
    memory = ((uop.unit == Unit.LOAD) | (uop.unit == Unit.DIVIDE) | (uop.unit == Unit.SYSTEM)
              | (uop.unit == Unit.MULTIPLY) | ((uop.unit == Unit.STORE) & uop.exclusive)
              | uop.combine)
    write = (uop.unit == Unit.MULTIPLY) & uop.high_half
    return Mux(write, Late.WRITE, Mux(memory, Late.MEMORY, Late.EXECUTE))


def writes_sp(uop):
    """Return whether a micro-op writes the stack pointer: with its sum, in each case."""
    return (uop.dest.used & uop.dest_sp) | uop.base_sp


class ResultLayout(data.StructLayout):
    """Register result in a later stage.

    Members
    -------
    used, index
        The stage holds a micro-op that writes this general register.
    late : :class:`Late`, product : 1
        When the value exists; it comes from the multiplier.
    value : 64
        The value, if it exists.
    second_used, second_index, second_waits
        The stage holds a micro-op that writes this second register; its value does not exist yet.
    sp, sp_waits : 1
        The same for the stack pointer.
    """

    def __init__(self):
        super().__init__({"used": 1, "index": 5, "late": Late, "product": 1, "value": 64,
                          "second_used": 1, "second_index": 5, "second_waits": 1,
                          "sp": 1, "sp_waits": 1})


def announce(m, result, uop, value, *, valid, second_waits, sp_waits, behind=0):
    """Tell of the results of a stage that has one value so far.

    ``behind`` is set when only the second register is still to come from the stage.
    """
    first = valid & (behind == 0)
    m.d.comb += [
        result.used.eq(first & uop.dest.used & ~uop.dest_sp), result.index.eq(uop.dest.index),
        result.late.eq(lateness(uop)), result.product.eq(uop.unit == Unit.MULTIPLY),
        result.value.eq(value),
        result.second_used.eq(valid & uop.second.used), result.second_index.eq(uop.second.index),
        result.second_waits.eq(second_waits),
        result.sp.eq(first & writes_sp(uop)), result.sp_waits.eq(sp_waits),
    ]


class Operands(data.Struct):
    """Operand values on their way into the execute stage."""

    a: 64
    b: 64
    c: 64


class IssueStage(wiring.Component):
    """Reads operands and lets a micro-op go when they exist.

    Members
    -------
    i : :py:`In(Slot)`
        Micro-op to issue.
    o : :py:`Out(Slot)`, operands : :py:`Out(Operands)`
        Micro-op in the execute stage and its operands, registers.
    stall : :py:`In(1)`
        The execute stage cannot take a micro-op.
    flush : :py:`In(1)`, flush_cause : :py:`In(CycleCause)`
        The micro-op is dropped.
    advance : :py:`Out(1)`
        The micro-op goes, or there is none.
    stages : :py:`In(ResultLayout()).array(3)`
        Execute, memory and write stage, youngest first. In the first two ``value`` is what all
        registers get that do not have to wait.
    second, stack : :py:`In(64)`
        Second register and stack pointer of the write stage.
    a_value, b_value, c_value : :py:`In(64)`
        Register file, read with the operands of ``i``.
    """

    def __init__(self):
        super().__init__({
            "i":           In(Slot),
            "o":           Out(Slot),
            "operands":    Out(Operands),
            "stall":       In(1),
            "flush":       In(1),
            "flush_cause": In(CycleCause),
            "advance":     Out(1),
            "stages":      In(ResultLayout()).array(3),
            "second":      In(64),
            "stack":       In(64),
            "a_value":     In(64),
            "b_value":     In(64),
            "c_value":     In(64),
        })

    def elaborate(self, platform):
        m = Module()

        uop = self.i.uop
        a, a_waits, a_product = self._operand(m, uop.a, uop.a_sp, self.a_value, "a")
        b, b_waits, b_product = self._operand(m, uop.b, Const(0), self.b_value, "b")
        c, c_waits, c_product = self._operand(m, uop.c, Const(0), self.c_value, "c")
        waits, product = Signal(), Signal()
        m.d.comb += [
            waits.eq(self.i.valid & (a_waits | b_waits | c_waits)),
            product.eq(a_product | b_product | c_product),
            self.advance.eq(~self.stall & ~waits),
        ]
        with m.If(~self.stall):
            m.d.sync += [self.o.eq(self.i), self.operands.a.eq(a),
                         self.operands.b.eq(Mux(uop.b_imm, uop.imm, b)), self.operands.c.eq(c)]
            self._compare_target(m)
            with m.If(waits):
                m.d.sync += [
                    self.o.valid.eq(0),
                    self.o.cause.eq(Mux(product, CycleCause.MULTIPLY, CycleCause.LOAD_USE)),
                ]
        with m.If(self.flush):
            m.d.sync += [self.o.valid.eq(0), self.o.cause.eq(self.flush_cause)]
        return m

    def _compare_target(self, m):
        """Compare the predicted place with a direct branch's; hand on that of an indirect one."""
        uop, prediction = self.i.uop, self.i.prediction
        indirect = uop.branch == BranchOp.REGISTER
        target = predicted_target(prediction, self.i.pc)
        m.d.sync += self.o.misled.eq(prediction.taken & ~indirect
                                     & (target != uop.imm[:PC_BITS + 2]))
        with m.If(indirect):
            m.d.sync += self.o.uop.imm.eq(target)

    def _operand(self, m, operand: Operand, sp, stored, name):
        """Return the value, whether it is yet to come, and whether from the multiplier.

        The value is an OR of what is masked by its selection: a late one passes one level of logic.
        """
        first, second, stack = (Signal(3, name=f"{name}_{kind}_matches")
                                for kind in ("first", "second", "stack"))
        general = operand.used & ~sp
        m.d.comb += [
            first.eq(Cat(general & stage.used & (stage.index == operand.index)
                         for stage in self.stages)),
            second.eq(Cat(general & stage.second_used & (stage.second_index == operand.index)
                          for stage in self.stages)),
            stack.eq(Cat(sp & stage.sp for stage in self.stages)),
        ]
        found = first | second | stack
        youngest = Signal(3, name=f"{name}_youngest")
        m.d.comb += youngest.eq(found & Cat(1, ~found[0], ~found[:2].any()))
        execute, memory, write = self.stages
        legs = [(youngest[0], execute.value), (youngest[1], memory.value),
                (youngest[2] & first[2], write.value),
                (youngest[2] & second[2], self.second),
                (operand.used & ~found.any(), stored)]
        if name == "a":
            legs.append((youngest[2] & stack[2], self.stack))
        value = Signal(64, name=f"{name}_bypassed")
        waits, product = Signal(name=f"{name}_waits"), Signal(name=f"{name}_product")
        m.d.comb += [
            value.eq(functools.reduce(operator.or_, (
                leg & selected.replicate(64) for selected, leg in legs))),
            waits.eq(Cat(
                youngest[index] & ((first[index] & (stage.late.as_value() > index))
                                   | (second[index] & stage.second_waits)
                                   | (stack[index] & stage.sp_waits))
                for index, stage in enumerate(self.stages)).any()),
            product.eq((youngest & first & Cat(stage.product for stage in self.stages)).any()),
        ]
        return value, waits, product
