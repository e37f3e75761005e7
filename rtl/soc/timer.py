"""64-bit timer with a compare interrupt."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature
from rtl.csr import Field, Register, RegisterBank, RegisterMap
from rtl.lib import SplitCounter

__all__ = ["REGISTERS", "Timer"]

REGISTERS = RegisterMap("timer", "64-bit timer", [
    Register("CTRL", 0x00, "Control.", [
        Field("enable", 1, "rw", "The counter counts cycles", reset=1),
        Field("irq_enable", 1, "rw", "Interrupt while COUNT >= COMPARE"),
    ]),
    Register("STATUS", 0x04, "Status.",
             [Field("reached", 1, "ro", "COUNT >= COMPARE")]),
    Register("COUNT_LO", 0x08, "Counter, low word; reading it holds the high word.",
             [Field("value", 32, "ro", "Bits 31:0")], read_strobe=True),
    Register("COUNT_HI", 0x0C, "Counter, high word, as of the last read of COUNT_LO.",
             [Field("value", 32, "ro", "Bits 63:32")]),
    Register("COMPARE_LO", 0x10, "Compare value, low word.",
             [Field("value", 32, "rw", "Bits 31:0", reset=0xffff_ffff)]),
    Register("COMPARE_HI", 0x14, "Compare value, high word. Write it with the interrupt off.",
             [Field("value", 32, "rw", "Bits 63:32", reset=0xffff_ffff)]),
])


class Timer(wiring.Component):
    """Counts cycles from reset on and compares.

    Timing
    ------
    ``irq`` rises two cycles after COUNT reaches COMPARE and stands until software moves COMPARE or
    clears an enable.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width=12))`
        Registers, :data:`REGISTERS`.
    irq : :py:`Out(1)`
        The interrupt, a level.
    """

    s_axil: wiring.PureInterface
    irq: Signal

    def __init__(self):
        super().__init__({"s_axil": In(AXI4LiteSignature(addr_width=12)), "irq": Out(1)})

    def elaborate(self, platform):
        m = Module()

        m.submodules.bank = bank = RegisterBank(REGISTERS, addr_width=12)
        wiring.connect(m, wiring.flipped(self.s_axil), bank.s_axil)

        m.submodules.count = count = SplitCounter()
        reached = Signal()
        m.d.comb += [
            count.enable.eq(bank.ctrl_enable),
            count.hold.eq(bank.count_lo_read),
            bank.count_lo_value.eq(count.low),
            bank.count_hi_value.eq(count.high),
            bank.status_reached.eq(reached),
        ]
        m.d.sync += [
            reached.eq(count.value >= Cat(bank.compare_lo_value, bank.compare_hi_value)),
            self.irq.eq(reached & bank.ctrl_irq_enable & bank.ctrl_enable),
        ]

        return m
