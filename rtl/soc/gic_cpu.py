"""CPU interface of the interrupt controller: masks, priorities at work, acknowledge and end."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.gic_port import GicPortSignature, IccRegister

__all__ = ["INTID_BITS", "CandidateLayout", "CpuInterface"]

INTID_BITS = 6
LEVELS = 16
SPURIOUS = 1023


class CandidateLayout(data.StructLayout):
    """An interrupt that is pending and enabled, or none.

    Members
    -------
    valid : 1
        There is one.
    priority : 4
        Upper four bits of its priority; the lower ones do not exist.
    intid : 6
        Its number.
    """

    def __init__(self):
        super().__init__({"valid": 1, "priority": 4, "intid": INTID_BITS})


class CpuInterface(wiring.Component):
    """Registers ICC_*_EL1 of group 1.

    Members
    -------
    port : :py:`In(GicPortSignature())`
        The core.
    best : :py:`In(CandidateLayout())`
        The interrupt of the highest priority. What the strobes below change shows in it later; an
        acknowledged interrupt that still stands here is not above the one at work: itself.
    activate, deactivate : :py:`Out(1)`, intid : :py:`Out(INTID_BITS)`
        The interrupt ``intid`` becomes active, and is no longer pending; or inactive.
    known : :py:`In(1)`
        There is an interrupt of the number that is written to EOIR1 or DIR.
    send : :py:`Out(1)`, send_intid : :py:`Out(4)`
        A software-generated interrupt becomes pending.
    """

    port: wiring.PureInterface

    def __init__(self):
        super().__init__({
            "port":       In(GicPortSignature()),
            "best":       In(CandidateLayout()),
            "activate":   Out(1),
            "deactivate": Out(1),
            "intid":      Out(INTID_BITS),
            "known":      In(1),
            "send":       Out(1),
            "send_intid": Out(4),
        })

    def elaborate(self, platform):
        m = Module()
        port, best, value = self.port, self.best, self.port.write_value

        mask, point = Signal(4), Signal(2)
        group, split = Signal(), Signal()
        active, lowest = Signal(LEVELS), Signal(LEVELS)
        m.d.comb += lowest.eq(active & -active)
        running = Cat(Cat(lowest[i] for i in range(LEVELS) if i >> bit & 1).any()
                      for bit in range(4))
        # The binary point takes bits from the end of the priority: 4 leaves all, 7 leaves one.
        grouping = Array([0b1111, 0b1110, 0b1100, 0b1000])[point]
        priority, signalled = Signal(4), Signal()
        m.d.comb += [
            priority.eq(best.priority & grouping),
            signalled.eq(best.valid & group & (best.priority < mask)
                         & (~active.any() | (priority < running))),
        ]
        m.d.sync += port.irq.eq(signalled)

        with m.Switch(port.number):
            for number, shown in {
                IccRegister.IAR1: Mux(signalled, best.intid, SPURIOUS),
                IccRegister.HPPIR1: Mux(best.valid, best.intid, SPURIOUS),
                IccRegister.PMR: mask << 4,
                IccRegister.BPR1: Cat(point, Const(1, 1)),
                # Four bits of priority, 16 of the number.
                IccRegister.CTLR: Cat(Const(0, 1), split, Const(0, 6), Const(3, 3)),
                IccRegister.SRE: 7, IccRegister.IGRPEN1: group,
                IccRegister.RPR: Mux(active.any(), running << 4, 0xFF),
                IccRegister.AP1R0: active,
            }.items():
                with m.Case(number):
                    m.d.comb += port.value.eq(shown)

        m.d.comb += [self.intid.eq(best.intid), self.send_intid.eq(value[24:28])]
        with m.If(port.read & (port.number == IccRegister.IAR1) & signalled):
            m.d.comb += self.activate.eq(1)
            m.d.sync += active.eq(active | (1 << priority)[:LEVELS])
        with m.If(port.write):
            with m.Switch(port.number):
                with m.Case(IccRegister.PMR):
                    m.d.sync += mask.eq(value[4:])
                with m.Case(IccRegister.BPR1):
                    m.d.sync += point.eq(Mux(value[2], value[:2], 0))
                with m.Case(IccRegister.CTLR):
                    m.d.sync += split.eq(value[1])
                with m.Case(IccRegister.IGRPEN1):
                    m.d.sync += group.eq(value[0])
                with m.Case(IccRegister.AP1R0):
                    m.d.sync += active.eq(value)
                with m.Case(IccRegister.EOIR1):
                    m.d.comb += [self.intid.eq(value), self.deactivate.eq(self.known & ~split)]
                    with m.If(self.known):
                        m.d.sync += active.eq(active & ~lowest)
                with m.Case(IccRegister.DIR):
                    m.d.comb += [self.intid.eq(value), self.deactivate.eq(self.known & split)]
                with m.Case(IccRegister.SGI1R):
                    # To this core: affinity 0.0.0.0, and not to all others.
                    m.d.comb += self.send.eq(value[0] & ~Cat(value[16:24], value[32:41],
                                                             value[44:56]).any())
        return m
