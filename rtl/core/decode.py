"""The decoder: the only place in the core that knows the instruction set."""

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.decode_atomic import AtomicDecoder
from rtl.core.decode_branch import BranchDecoder
from rtl.core.decode_immediate import ImmediateDecoder
from rtl.core.decode_memory import MemoryDecoder
from rtl.core.decode_register import RegisterDecoder
from rtl.core.predictor import PC_BITS
from rtl.core.syndrome import ExceptionClass, syndrome, trapped_move, trapped_wait
from rtl.core.sysreg_table import El0Controls
from rtl.core.uop import DecodedLayout, SystemOp, Unit, Uop

__all__ = ["Decoder"]


class Decoder(wiring.Component):
    """Turns one step of one instruction into a micro-op.

    Combinational, but what is :func:`~rtl.core.decode_system.is_looked_up` can come out of a
    register, one cycle behind the word, so that the lookup is not in the way of everything else.

    An encoding that no class decoder accepts becomes an exception of the class UNKNOWN, and what
    EL1 does not let EL0 execute one that tells which it is.

    Parameters
    ----------
    registered : :class:`bool`
        Such a register is there.

    Members
    -------
    insn : :py:`In(32)`, pc : :py:`In(PC_BITS)`
        Instruction and its address; offsets come out as absolute addresses.
    step : :py:`In(3)`
        Which micro-op of the instruction; 0 first.
    el0 : :py:`In(1)`
        The instruction runs at EL0.
    controls : :py:`In(El0Controls)`
        What EL0 may do.
    sp_el0 : :py:`In(1)`
        The stack pointer in use is SP_EL0.
    uop : :py:`Out(Uop)`
        The micro-op.
    more : :py:`Out(1)`
        The instruction has another micro-op, if it is ``legal``, which is known later.
    legal : :py:`Out(1)`
        The encoding is implemented and allowed.
    """

    insn: Signal
    pc: Signal
    step: Signal
    el0: Signal
    sp_el0: Signal
    more: Signal
    legal: Signal

    def __init__(self, *, registered: bool = False):
        self.registered = registered
        super().__init__({
            "insn":  In(32),
            "pc":    In(PC_BITS),
            "step":  In(3),
            "el0":   In(1),
            "controls": In(El0Controls),
            "sp_el0": In(1),
            "uop":   Out(Uop),
            "more":  Out(1),
            "legal": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.immediate = immediate = ImmediateDecoder()
        m.submodules.register = register = RegisterDecoder()
        m.submodules.branch = branch = BranchDecoder(registered=self.registered)
        m.submodules.memory = memory = MemoryDecoder()
        m.submodules.atomic = atomic = AtomicDecoder()
        for decoder in (immediate, register, branch, memory, atomic):
            m.d.comb += [decoder.insn.eq(self.insn), decoder.step.eq(self.step)]
        m.d.comb += [branch.el0.eq(self.el0), memory.el0.eq(self.el0),
                     branch.controls.eq(self.controls), branch.sp_el0.eq(self.sp_el0)]

        chosen = Signal(DecodedLayout())
        with m.Switch(self.insn[25:29]):
            with m.Case("100-"):
                m.d.comb += chosen.eq(immediate.o)
            with m.Case("101-"):
                m.d.comb += chosen.eq(branch.o)
            with m.Case("-1-0"):
                m.d.comb += chosen.eq(Mux(atomic.o.legal, atomic.o, memory.o))
            with m.Case("-101"):
                m.d.comb += chosen.eq(register.o)

        # Two bits more than the address: what leaves it at either end keeps its sign.
        relative = Signal(signed(PC_BITS + 2))
        base = Mux(chosen.page, Cat(Const(0, 12), self.pc[12:]), self.pc)
        m.d.comb += [
            self.legal.eq(chosen.legal),
            self.uop.eq(chosen.uop),
            relative.eq(base + self._offset(m)),
            self.more.eq(chosen.more),
        ]
        with m.If(chosen.relative):
            m.d.comb += self.uop.imm.eq(relative)
        with m.If(~chosen.legal):
            m.d.comb += [
                self.uop.eq(0),
                self.uop.unit.eq(Unit.SYSTEM),
                self.uop.system.eq(SystemOp.EXCEPTION),
                self.uop.b_imm.eq(1),
                self.uop.imm.eq(syndrome(ExceptionClass.UNKNOWN)),
            ]
            with m.If(chosen.trap):
                m.d.comb += self.uop.imm.eq(Mux(chosen.wait, trapped_wait(),
                                                trapped_move(self.insn)))
        return m

    def _offset(self, m):
        """Return the offset from the address, straight from the word: an adder stands behind."""
        insn = self.insn
        offset = Signal(signed(PC_BITS + 2))
        whole = Cat(insn[29:31], insn[5:24])
        with m.If(insn[24:29] == 0b10000):
            m.d.comb += offset.eq(Mux(insn[31], Cat(Const(0, 12), whole).as_signed(),
                                      whole.as_signed()))
        with m.Elif(insn[26:31] == 0b00101):
            m.d.comb += offset.eq(Cat(Const(0, 2), insn[0:26]).as_signed())
        with m.Elif(insn[25:31] == 0b011011):
            m.d.comb += offset.eq(Cat(Const(0, 2), insn[5:19]).as_signed())
        with m.Else():
            m.d.comb += offset.eq(Cat(Const(0, 2), insn[5:24]).as_signed())
        return offset
