"""Decode stage: cracks instructions into micro-ops and attaches what interrupts them."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.cause import CycleCause
from rtl.core.decode import Decoder
from rtl.core.fetch import Fetched, FetchFault
from rtl.core.syndrome import ExceptionClass, FaultCode, syndrome
from rtl.core.sysreg_table import El0Controls
from rtl.core.uop import Slot, SystemOp, Unit

__all__ = ["DecodeStage"]


class DecodeStage(wiring.Component):
    """Turns fetched instructions into a register of one micro-op.

    Interrupts, asynchronous errors and fetch faults become micro-ops that raise an exception in
    place of the instruction; they are attached to its first micro-op only.

    Members
    -------
    i : :py:`In(stream.Signature(Fetched))`
        Instructions.
    o : :py:`Out(Slot)`
        Micro-op for issue, a register.
    advance : :py:`In(1)`
        Issue takes the slot in this cycle.
    flush : :py:`In(1)`, flush_cause : :py:`In(CycleCause)`
        Drop the slot and the instruction; the slots lost until the next one belong to the cause.
    missing : :py:`In(1)`
        The instruction cache is fetching a line.
    el0, irq, serror : :py:`In(1)`
        Exception level; unmasked interrupt; unmasked asynchronous error.
    illegal : :py:`In(1)`
        The state is illegal: no instruction executes.
    controls : :py:`In(El0Controls)`
        What EL0 may do.
    """

    def __init__(self):
        super().__init__({
            "i":           In(stream.Signature(Fetched)),
            "o":           Out(Slot),
            "advance":     In(1),
            "flush":       In(1),
            "flush_cause": In(CycleCause),
            "missing":     In(1),
            "el0":         In(1),
            "irq":         In(1),
            "serror":      In(1),
            "illegal":     In(1),
            "controls":    In(El0Controls),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.decoder = decoder = Decoder()
        step = Signal(3)
        fetched = self.i.payload
        m.d.comb += [decoder.insn.eq(fetched.insn), decoder.pc.eq(fetched.pc),
                     decoder.step.eq(step), decoder.el0.eq(self.el0),
                     decoder.controls.eq(self.controls)]

        slot = Signal(Slot)
        more = Signal()
        m.d.comb += [
            slot.valid.eq(self.i.valid), slot.first.eq(step == 0), slot.last.eq(~more),
            slot.pc.eq(fetched.pc), slot.insn.eq(fetched.insn),
            slot.prediction.eq(fetched.prediction), slot.uop.eq(decoder.uop), more.eq(decoder.more),
        ]
        self._interrupt(m, slot, more, fetched, step == 0)

        # Empty slots behind a flush belong to its cause until the first instruction comes.
        lost = Signal(CycleCause, init=CycleCause.RESET)
        recovering = Signal(init=1)
        m.d.comb += slot.cause.eq(
            Mux(self.missing & (lost != CycleCause.RESET), CycleCause.IMISS,
                Mux(recovering, lost, CycleCause.FETCH)))
        m.d.comb += self.i.ready.eq(self.advance & ~more)
        with m.If(self.advance):
            m.d.sync += self.o.eq(slot)
            with m.If(self.i.valid):
                m.d.sync += [step.eq(Mux(more, step + 1, 0)), recovering.eq(0),
                             lost.eq(CycleCause.FETCH)]
        with m.If(self.flush):
            m.d.sync += [self.o.valid.eq(0), self.o.cause.eq(self.flush_cause), step.eq(0),
                         lost.eq(self.flush_cause), recovering.eq(1)]
        return m

    def _interrupt(self, m, slot, more, fetched, first):
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
