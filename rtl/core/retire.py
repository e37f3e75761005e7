"""The retire port: what one instruction did to the architectural state."""

from amaranth.lib import data

__all__ = ["MemoryAccessLayout", "RegisterWriteLayout", "RetireLayout"]


class RegisterWriteLayout(data.StructLayout):
    """One general-register write.

    Members
    -------
    valid : 1
        The write happens.
    index : 5
        Register number; 31 names SP, never XZR (a write to XZR is not reported).
    value : 64
        All 64 bits of the register after the instruction.
    """

    def __init__(self):
        super().__init__({"valid": 1, "index": 5, "value": 64})


class MemoryAccessLayout(data.StructLayout):
    """One data memory access, as the program sees it.

    Members
    -------
    valid : 1
        The access happens.
    write : 1
        Store, else load.
    size_log2 : 3
        Bytes as a power of two, 0 to 3.
    device : 1
        The address has the Device attribute: the oracle takes loaded values from the core.
    addr : 64
        Byte address; need not be aligned.
    value : 64
        Bytes stored or loaded, right-aligned, the unused upper bits zero.
    """

    def __init__(self):
        super().__init__({"valid": 1, "write": 1, "size_log2": 3, "device": 1, "addr": 64,
                          "value": 64})


class RetireLayout(data.StructLayout):
    """One retired instruction, or one exception taken instead of it.

    At most one record is valid in a cycle. Records come in program order.

    Members
    -------
    valid : 1
        A record stands on the port in this cycle.
    pc : 64, insn : 32
        Address and encoding.
    exception : 1
        The instruction did not complete: it changed no general register and no memory; the next
        record is at the vector. Set for interrupts, too (``insn`` is then the one not executed).
    syndrome : 32
        ESR_EL1 after the exception; 0 without one, and for interrupts.
    interrupt : 1
        The exception is an interrupt.
    writes : 3 x :class:`RegisterWriteLayout`
        Registers written; entries that are not valid may stand between valid ones.
    nzcv : 4
        Condition flags after the instruction, N in bit 3.
    memory : 2 x :class:`MemoryAccessLayout`
        Data accesses; a pair has two.
    """

    def __init__(self):
        super().__init__({
            "valid": 1,
            "exception": 1,
            "interrupt": 1,
            "nzcv": 4,
            "insn": 32,
            "syndrome": 32,
            "pc": 64,
            "writes": data.ArrayLayout(RegisterWriteLayout(), 3),
            "memory": data.ArrayLayout(MemoryAccessLayout(), 2),
        })
