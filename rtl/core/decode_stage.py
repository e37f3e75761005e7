"""Decode stage: cracks instructions into micro-ops and attaches what interrupts them."""

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.cause import CycleCause
from rtl.core.decode import Decoder
from rtl.core.decode_system import is_looked_up
from rtl.core.fetch import Fetched, FetchedLayout, FetchFault
from rtl.core.syndrome import ExceptionClass, FaultCode, syndrome
from rtl.core.sysreg_table import El0Controls
from rtl.core.uop import Slot, SystemOp, Unit

__all__ = ["DecodeStage"]


class DecodeStage(wiring.Component):
    """Turns fetched instructions into registers of ``width`` micro-ops.

    The micro-ops of a cycle are those of one instruction, or the last of one and the first of the
    next one, if both came in the same cycle. Interrupts, asynchronous errors and fetch faults
    become micro-ops that raise an exception in place of the instruction; they are attached to its
    first micro-op only.

    Parameters
    ----------
    width : :class:`int`
        Micro-ops in a cycle, 1 or 2.

    Members
    -------
    i : :py:`In(stream.Signature(FetchedLayout(width)))`
        Instructions.
    o : :py:`Out(Slot).array(width)`
        Micro-ops for issue in order, registers; none behind one that is not valid.
    advance : :py:`In(1)`
        Issue takes all slots in this cycle.
    flush : :py:`In(1)`, flush_cause : :py:`In(CycleCause)`
        Drop slots and instructions; the slots lost until the next one belong to the cause.
    missing : :py:`In(1)`
        The instruction cache is fetching a line.
    el0, irq, serror : :py:`In(1)`
        Exception level; unmasked interrupt; unmasked asynchronous error.
    illegal : :py:`In(1)`
        The state is illegal: no instruction executes.
    controls : :py:`In(El0Controls)`
        What EL0 may do.
    sp_el0 : :py:`In(1)`
        The stack pointer in use is SP_EL0.
    cracks : :py:`Out(1)`
        A micro-op goes into the registers, unless there is a flush.
    """

    def __init__(self, *, width: int = 1):
        if width not in (1, 2):
            raise ValueError(f"Micro-ops in a cycle must be 1 or 2, not {width!r}")
        self.width = width
        super().__init__({
            "i":           In(stream.Signature(FetchedLayout(width))),
            "o":           Out(Slot).array(width),
            "advance":     In(1),
            "flush":       In(1),
            "flush_cause": In(CycleCause),
            "missing":     In(1),
            "el0":         In(1),
            "irq":         In(1),
            "serror":      In(1),
            "illegal":     In(1),
            "controls":    In(El0Controls),
            "sp_el0":      In(1),
            "cracks":      Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        group = self.i.payload
        # The instruction whose micro-op comes first, and which of its micro-ops.
        lane, step = Signal(self.width - 1), Signal(3)
        slots = [Signal(Slot, name=f"slot_{index}") for index in range(self.width)]
        mores = [Signal(name=f"more_{index}") for index in range(self.width)]
        first = Signal(Fetched)
        # What a system instruction is comes one cycle behind it.
        found, waits = Signal(), Signal()
        m.d.comb += [
            first.eq(Mux(lane, group.lanes[-1], group.lanes[0])),
            waits.eq(is_looked_up(first.insn) & ~found),
        ]
        self._decode(m, 0, slots[0], mores[0], first, step)
        m.d.comb += [slots[0].valid.eq(self.i.valid & ~waits),
                     self.cracks.eq(slots[0].valid & self.advance)]
        raises = self._interrupt(m, slots[0], mores[0], first, step == 0)
        left = group.more & ~lane if self.width == 2 else Const(0, 1)
        ends, next_lane, next_step = ~mores[0] & ~left, lane | ~mores[0], step + 1
        if self.width == 2:
            self._decode(m, 1, slots[1], mores[1], group.lanes[1], 0)
            m.d.comb += slots[1].valid.eq(slots[0].valid & left & ~mores[0] & ~raises
                                          & ~is_looked_up(group.lanes[1].insn))
            ends = Mux(slots[1].valid, ~mores[1], ends)
            next_step = Mux(slots[1].valid, 1, Mux(mores[0], step + 1, 0))

        # Empty slots behind a flush belong to its cause until the first instruction comes.
        lost = Signal(CycleCause, init=CycleCause.RESET)
        recovering = Signal(init=1)
        cause = Mux(self.i.valid, CycleCause.SYSTEM,
                    Mux(self.missing & (lost != CycleCause.RESET), CycleCause.IMISS,
                        Mux(recovering, lost, CycleCause.FETCH)))
        m.d.comb += [self.i.ready.eq(self.advance & ends & ~waits), *(slot.cause.eq(cause)
                                                             for slot in slots)]
        with m.If(self.advance):
            m.d.sync += [register.eq(slot) for register, slot in zip(self.o, slots, strict=True)]
            with m.If(slots[0].valid):
                m.d.sync += [step.eq(Mux(ends, 0, next_step)), lane.eq(Mux(ends, 0, next_lane)),
                             recovering.eq(0), lost.eq(CycleCause.FETCH)]
        m.d.sync += found.eq(self.i.valid & ~(self.advance & ~waits & ~mores[0]) & ~self.flush)
        with m.If(self.flush):
            for register in self.o:
                m.d.sync += [register.valid.eq(0), register.cause.eq(self.flush_cause)]
            m.d.sync += [step.eq(0), lane.eq(0), lost.eq(self.flush_cause), recovering.eq(1)]
        return m

    def _decode(self, m, index, slot, more, fetched, step):
        """Fill a slot with a micro-op of an instruction; whether it is valid comes later.

        ``more`` does not wait for whether the encoding is legal: what follows one that is not is
        dropped with it.
        """
        m.submodules[f"decoder_{index}"] = decoder = Decoder(registered=True)
        m.d.comb += [
            decoder.insn.eq(fetched.insn), decoder.pc.eq(fetched.pc), decoder.step.eq(step),
            decoder.el0.eq(self.el0), decoder.controls.eq(self.controls),
            decoder.sp_el0.eq(self.sp_el0),
            slot.first.eq(decoder.step == 0), slot.last.eq(~(more & decoder.legal)),
            slot.pc.eq(fetched.pc),
            slot.insn.eq(fetched.insn), slot.prediction.eq(fetched.prediction),
            slot.uop.eq(decoder.uop), more.eq(decoder.more),
        ]

    def _interrupt(self, m, slot, more, fetched, first):
        """Put an exception in the place of an instruction; return whether there is one."""
        raises = Signal()
        with m.If(first & (self.irq | self.serror | self.illegal
                           | (fetched.fault != FetchFault.NONE))):
            m.d.comb += [
                raises.eq(1), more.eq(0), slot.uop.eq(0), slot.uop.unit.eq(Unit.SYSTEM),
                slot.uop.system.eq(SystemOp.EXCEPTION), slot.uop.b_imm.eq(1),
            ]
        with m.If(raises):
            with m.If(self.serror):
                m.d.comb += [slot.uop.serror.eq(1),
                             slot.uop.imm.eq(syndrome(ExceptionClass.SERROR))]
            with m.Elif(self.irq):
                m.d.comb += slot.uop.interrupt.eq(1)
            with m.Elif(fetched.fault == FetchFault.NONE):
                m.d.comb += slot.uop.imm.eq(syndrome(ExceptionClass.ILLEGAL_STATE))
            with m.Else():
                m.d.comb += slot.uop.fetch_fault.eq(1)
                kind = Mux(self.el0, ExceptionClass.FETCH_LOWER, ExceptionClass.FETCH_SAME)
                with m.Switch(fetched.fault):
                    with m.Case(FetchFault.ALIGNMENT):
                        m.d.comb += slot.uop.imm.eq(syndrome(ExceptionClass.PC_ALIGNMENT))
                    with m.Case(FetchFault.ADDRESS):
                        m.d.comb += slot.uop.imm.eq(
                            syndrome(kind, FaultCode.ADDRESS_SIZE.value))
                    with m.Default():
                        m.d.comb += slot.uop.imm.eq(syndrome(kind, FaultCode.EXTERNAL.value))
        return raises
