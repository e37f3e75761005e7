"""Issue stage: register read, bypass, hazards."""

import functools
import operator

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.cause import CycleCause
from rtl.core.predictor import PC_BITS, predicted_target
from rtl.core.uop import AluOp, BranchOp, CarryIn, Late, Operand, Slot, Unit

__all__ = ["IssueStage", "Operands", "ResultLayout", "announce", "writes_sp"]


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
    held : 1
        It does so behind the next micro-op of its instruction, which is still to be issued and
        does not see it.
    late : :class:`Late`, product : 1
        When the value exists; it comes from the multiplier.
    value, loaded : 64
        The value, if it exists, is the OR of both; ``loaded`` comes last, and zero but for loads
        in the memory stage.
    second_used, second_index, second_waits
        The stage holds a micro-op that writes this second register; its value does not exist yet.
    sp, sp_waits : 1
        The same for the stack pointer.
    """

    def __init__(self):
        super().__init__({"used": 1, "index": 5, "held": 1, "late": Late, "product": 1,
                          "value": 64, "loaded": 64,
                          "second_used": 1, "second_index": 5, "second_waits": 1,
                          "sp": 1, "sp_waits": 1})


def takes_late(uop):
    """Return whether a micro-op can do without operands in the execute stage.

    A comparison that leaves nothing but flags, or a branch on a register or a bit of it.
    """
    subtracts = (uop.alu == AluOp.ADD) & uop.invert & (uop.carry == CarryIn.ONE)
    compares = ((uop.unit == Unit.ALU) & uop.flags & ~uop.dest.used & ~uop.conditional
                & (subtracts | ((uop.alu == AluOp.AND) & ~uop.invert)))
    return compares | ((uop.unit == Unit.BRANCH) & ((uop.branch == BranchOp.ZERO)
                                                    | (uop.branch == BranchOp.BIT)))


def announce(m, result, slot, value, *, second_waits, sp_waits, behind=0, loaded=0):
    """Tell of the results of a stage that has one value so far.

    ``behind`` is set when only the second register is still to come from the stage.
    """
    uop, valid = slot.uop, slot.valid
    first = valid & (behind == 0)
    m.d.comb += [
        result.used.eq(first & uop.dest.used & ~uop.dest_sp), result.index.eq(uop.dest.index),
        result.held.eq(uop.hold),
        result.late.eq(slot.late), result.product.eq(uop.unit == Unit.MULTIPLY),
        result.value.eq(value), result.loaded.eq(loaded),
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
    """Reads operands and lets micro-ops go when they exist, in order.

    Lane 0 takes whatever comes. With two lanes, lane 1 takes the micro-op behind it in the same
    cycle when the ALU or the shifter does it without the flags, and it reads nothing that lane 0
    writes; else it goes through lane 0 in the next cycle.

    Parameters
    ----------
    width : :class:`int`
        Lanes, 1 or 2.

    Members
    -------
    i : :py:`In(Slot).array(width)`
        Micro-ops to issue in order; none behind one that is not valid.
    o : :py:`Out(Slot).array(width)`, operands : :py:`Out(Operands).array(width)`
        Micro-ops in the execute stage and their operands, registers.
    stall : :py:`In(1)`
        The execute stage cannot take a micro-op.
    flush : :py:`In(1)`, flush_cause : :py:`In(CycleCause)`
        The micro-ops are dropped.
    advance : :py:`Out(1)`
        All of ``i`` have gone at the end of the cycle, or there is none.
    stages : :py:`In(ResultLayout()).array(3 * width)`
        Lanes of the execute, memory and write stage, youngest first. In the first two stages
        ``value`` is what all registers get that do not have to wait.
    second, stack : :py:`In(64).array(width)`
        Second register and stack pointer of the write stage, by lane, youngest first.
    a_value, b_value, c_value : :py:`In(64).array(width)`
        Register file, read with the operands of ``i``.
    """

    def __init__(self, *, width: int = 1):
        if width not in (1, 2):
            raise ValueError(f"Lanes must be 1 or 2, not {width!r}")
        self.width = width
        super().__init__({
            "i":           In(Slot).array(width),
            "o":           Out(Slot).array(width),
            "operands":    Out(Operands).array(width),
            "stall":       In(1),
            "flush":       In(1),
            "flush_cause": In(CycleCause),
            "advance":     Out(1),
            "stages":      In(ResultLayout()).array(3 * width),
            "second":      In(64).array(width),
            "stack":       In(64).array(width),
            "a_value":     In(64).array(width),
            "b_value":     In(64).array(width),
            "c_value":     In(64).array(width),
        })

    def elaborate(self, platform):
        m = Module()
        # The first micro-op of `i` went in the cycle before.
        gone = Signal(self.width - 1)
        ahead = []
        # A comparison in the execute stage that will only be made in the memory stage.
        self._compares = Signal()
        m.d.comb += self._compares.eq(self.o[0].valid & self.o[0].uop.flags
                                      & (self.o[0].late_a | self.o[0].late_b))
        waits, causes = [], []
        for lane in range(self.width):
            if lane == 0 and self.width == 2:
                slot = Signal(Slot, name="slot")
                m.d.comb += slot.eq(Mux(gone, self.i[1], self.i[0]))
                stored = [Mux(gone, values[1], values[0])
                          for values in (self.a_value, self.b_value, self.c_value)]
            else:
                slot = self.i[lane]
                stored = [self.a_value[lane], self.b_value[lane], self.c_value[lane]]
            waiting, cause = self._lane(m, lane, slot, stored, ahead)
            waits.append(waiting)
            causes.append(cause)
            if self.width == 2 and lane == 0:
                ahead = [self._announce_lane(m, slot)]

        goes = Signal(self.width)
        m.d.comb += [goes[0].eq(~waits[0]), self.advance.eq(~self.stall & goes[0])]
        if self.width == 2:
            first, second = self.i
            m.d.comb += [
                goes[1].eq(~gone & ~waits[0] & first.valid & second.valid & ~waits[1]
                           & self._pairs(second.uop)),
                self.advance.eq(~self.stall & goes[0] & (gone | goes[1] | ~second.valid)),
            ]
            with m.If(~self.stall):
                m.d.sync += gone.eq((gone | goes[0]) & ~self.advance)
                with m.If(~goes[1]):
                    m.d.sync += self.o[1].valid.eq(0)
        with m.If(~self.stall & waits[0]):
            m.d.sync += [self.o[0].valid.eq(0), self.o[0].cause.eq(causes[0])]
        with m.If(self.flush):
            m.d.sync += gone.eq(0)
            for slot in self.o:
                m.d.sync += [slot.valid.eq(0), slot.cause.eq(self.flush_cause)]
        return m

    def _lane(self, m, lane, slot, stored, ahead):
        """Read the operands of one lane; return whether it waits, and what for."""
        uop, o, operands = slot.uop, self.o[lane], self.operands[lane]
        prefix = f"lane_{lane}_" if self.width > 1 else ""
        stages = [*ahead, *self.stages]
        # What a micro-op holds back is not for those of its own instruction.
        seen = [stage.used & (slot.first | ~stage.held) for stage in stages]
        # The second lane has no late stage.
        takes, waits = Signal(name=f"{prefix}takes_late"), Signal(name=f"{prefix}waits")
        divides = Signal(name=f"{prefix}divides")
        a, a_waits, a_product, a_late = self._operand(
            m, uop.a, uop.a_sp, stored[0], stages, seen, f"{prefix}a", takes)
        b, b_waits, b_product, b_late = self._operand(
            m, uop.b, Const(0), stored[1], stages, seen, f"{prefix}b", takes,
            immediate=(uop.b_imm, uop.imm))
        c, c_waits, c_product, _ = self._operand(
            m, uop.c, Const(0), stored[2], stages, seen, f"{prefix}c", Const(0))
        reads_flags = ((uop.unit == Unit.ALU)
                       & ((uop.alu == AluOp.SELECT) | uop.conditional
                          | (uop.carry == CarryIn.FLAG)))
        m.d.comb += [
            takes.eq(takes_late(uop) if self.width == 1 else 0),
            # The divider takes operands from the execute stage, but not while it ends a division.
            divides.eq((uop.unit == Unit.DIVIDE) & o.valid & (o.uop.unit == Unit.DIVIDE)),
            # No more than one operand of a comparison may come late.
            waits.eq(slot.valid & (a_waits | b_waits | c_waits | divides | (a_late & b_late)
                                   | (self._compares & reads_flags))),
        ]
        cause = Mux(divides, CycleCause.DIVIDE, Mux(a_product | b_product | c_product,
                                                    CycleCause.MULTIPLY, CycleCause.LOAD_USE))
        with m.If(~self.stall):
            m.d.sync += [o.eq(slot), operands.a.eq(a),
                         o.scales.eq(Mux(uop.two, 0, 1 << uop.scale)),
                         operands.b.eq(b), operands.c.eq(c),
                         o.late_a.eq(a_late), o.late_b.eq(b_late), o.late.eq(lateness(uop)),
                         o.late_flags.eq(self._compares & (uop.unit == Unit.BRANCH)
                                         & (uop.branch == BranchOp.COND))]
            self._compare_target(m, slot, o)
        return waits, cause

    def _announce_lane(self, m, slot):
        """Return the results of lane 0 as lane 1 sees them in the same cycle: all to come."""
        result = Signal(ResultLayout(), name="lane_0_result")
        announce(m, result, slot, 0, second_waits=1, sp_waits=1)
        m.d.comb += result.late.eq(Late.WRITE)
        return result

    @staticmethod
    def _pairs(uop):
        """Return whether lane 1 can do a micro-op."""
        return (((uop.unit == Unit.ALU) | (uop.unit == Unit.SHIFT)) & ~uop.flags & ~uop.conditional
                & (uop.carry != CarryIn.FLAG) & (uop.alu != AluOp.SELECT) & ~uop.combine)

    def _compare_target(self, m, slot, o):
        """Compare the predicted place with a direct branch's; hand on that of an indirect one."""
        uop, prediction = slot.uop, slot.prediction
        indirect = uop.branch == BranchOp.REGISTER
        target = predicted_target(prediction, slot.pc)
        m.d.sync += o.misled.eq(prediction.taken & ~indirect
                                & (target != uop.imm[:PC_BITS + 2]))
        with m.If(indirect):
            m.d.sync += o.uop.imm.eq(target)

    def _operand(self, m, operand: Operand, sp, stored, stages, seen, name, takes, *,
                 immediate=None):
        """Return the value; whether it is yet to come, from the multiplier, or just late.

        With ``takes``, what comes when the micro-op can leave the execute stage is just late, and
        not yet to come. The value is an OR of what is masked by its selection: a late one passes
        one level of logic.
        """
        first, second, stack, youngest = (
            Signal(len(stages), name=f"{name}_{kind}")
            for kind in ("first_matches", "second_matches", "stack_matches", "youngest"))
        general = operand.used & ~sp
        m.d.comb += [
            first.eq(Cat(general & used & (stage.index == operand.index)
                         for used, stage in zip(seen, stages, strict=True))),
            second.eq(Cat(general & stage.second_used & (stage.second_index == operand.index)
                          for stage in stages)),
            stack.eq(Cat(sp & stage.sp for stage in stages)),
        ]
        ahead = len(stages) - 3 * self.width
        found = first | second | stack
        m.d.comb += youngest.eq(found & Cat(1, *(~found[:index].any()
                                                 for index in range(1, len(stages)))))
        legs, waiting, late = [(operand.used & ~found.any(), stored)], [], Const(0)
        if immediate:
            legs.append(immediate)
        for index, stage in enumerate(stages):
            # Who is ahead in the same cycle has no result in any of the three stages.
            age, lane = divmod(index - ahead, self.width)
            too_late = stage.late.as_value() > age
            if age == 0:
                next_cycle = takes & (stage.late == Late.MEMORY)
                late = youngest[index] & first[index] & next_cycle
                too_late &= ~next_cycle
            # That a younger one writes the register, too, would be known too late. It seldom does
            # with nothing in between that reads what is waited for.
            waiting.append((first[index] & too_late) | (second[index] & stage.second_waits)
                           | (stack[index] & stage.sp_waits))
            if 0 <= age < 2:
                legs.append((youngest[index], stage.value))
                if age == 1:
                    legs.append((youngest[index], stage.loaded))
            elif age == 2:
                legs += [(youngest[index] & first[index], stage.value),
                         (youngest[index] & second[index], self.second[lane])]
                if name.endswith("a"):
                    legs.append((youngest[index] & stack[index], self.stack[lane]))
        value = Signal(64, name=f"{name}_bypassed")
        waits, product = Signal(name=f"{name}_waits"), Signal(name=f"{name}_product")
        m.d.comb += [
            value.eq(functools.reduce(operator.or_, (
                leg & selected.replicate(64) for selected, leg in legs))),
            waits.eq(Cat(waiting).any()),
            product.eq((youngest & first & Cat(stage.product for stage in stages)).any()),
        ]
        return value, waits, product, late
