"""The core's port to its interrupt controller: registers of the CPU interface, private lines."""

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["GicPortSignature", "IccRegister"]


class IccRegister(enum.Enum, shape=4):
    """Registers of the CPU interface that do something."""

    PMR = 0
    IAR1 = 1
    EOIR1 = 2
    HPPIR1 = 3
    BPR1 = 4
    CTLR = 5
    SRE = 6
    IGRPEN1 = 7
    DIR = 8
    RPR = 9
    SGI1R = 10
    AP1R0 = 11


class GicPortSignature(wiring.Signature):
    """Accesses to the CPU interface and interrupt lines, seen from the core.

    Members
    -------
    number : :class:`IccRegister`
        Register of an access.
    read, write : 1
        The access happens in this cycle.
    write_value : 64, value : 32
        ``value`` belongs to ``number`` in the same cycle and does not depend on ``read``.
    ppi : 3
        Levels of the private interrupts: virtual timer, physical timer, performance monitors.
    irq : 1
        Interrupt request to the core, a level.
    """

    def __init__(self):
        super().__init__({
            "number":      Out(IccRegister),
            "read":        Out(1),
            "write":       Out(1),
            "write_value": Out(64),
            "value":       In(32),
            "ppi":         Out(3),
            "irq":         In(1),
        })

    def __eq__(self, other):
        return type(self) is type(other)

    def __repr__(self):
        return "GicPortSignature()"
