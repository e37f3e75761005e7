"""The micro-op: what decode hands to the pipeline, and all that the pipeline knows."""

from amaranth.lib import data, enum

from rtl.core.atomic import AtomicOp
from rtl.core.cause import CycleCause
from rtl.core.dcache import Maintenance
from rtl.core.predictor import PC_BITS, Prediction
from rtl.core.sysreg_table import SysReg

__all__ = ["AluOp", "BitOp", "BranchOp", "CarryIn", "DecodedLayout", "Fill", "Late", "Operand",
           "ShiftOp", "Slot", "SystemOp", "TEMPORARY", "Unit", "Uop"]

TEMPORARY = 31
"""Register-file entry of the hidden register that joins the micro-ops of one instruction.

Neither the zero register nor a stack pointer lives in the register file, so entry 31 is free.
"""


class Unit(enum.Enum, shape=3):
    """Who computes the result."""

    ALU = 0
    SHIFT = 1
    MULTIPLY = 2
    DIVIDE = 3
    LOAD = 4
    STORE = 5
    BRANCH = 6
    SYSTEM = 7


class AluOp(enum.Enum, shape=3):
    """Result of the ALU; ``b`` is inverted first when ``invert`` is set."""

    ADD = 0
    AND = 1
    ORR = 2
    EOR = 3
    SELECT = 4      # a when the condition holds, else b plus carry
    LEA = 5         # a plus the extended, shifted index: the address adder's sum
    BITS = 6        # one-operand operations, see BitOp
    CRC = 7


class BitOp(enum.Enum, shape=3):
    """One-operand operations on ``b``."""

    RBIT = 0
    REV16 = 1
    REV32 = 2
    REV64 = 3
    CLZ = 4
    CLS = 5


class CarryIn(enum.Enum, shape=2):
    """Carry into the adder."""

    ZERO = 0
    ONE = 1
    FLAG = 2


class ShiftOp(enum.Enum, shape=3):
    """How the rotator and its mask are steered; all but FIELD take the amount from ``c``."""

    FIELD = 0
    LSL = 1
    LSR = 2
    ASR = 3
    ROR = 4


class Fill(enum.Enum, shape=2):
    """What stands outside the field of :attr:`ShiftOp.FIELD`."""

    ZERO = 0
    SIGN = 1        # copies of the field's top bit above it, zeros below
    KEEP = 2        # the bits of c


class BranchOp(enum.Enum, shape=3):
    """When a branch is taken; ``invert`` negates ZERO and BIT."""

    ALWAYS = 0
    COND = 1
    ZERO = 2        # a == 0
    BIT = 3         # bit `rotate` of a == 0
    REGISTER = 4    # always, to a


class SystemOp(enum.Enum, shape=4):
    """Operations that execute alone, with nothing older in flight."""

    EXCEPTION = 0       # the immediate is the syndrome
    READ = 1            # destination = system register
    WRITE = 2           # system register = a or imm
    DAIF_SET = 3
    DAIF_CLEAR = 4
    RETURN = 5
    BARRIER = 6         # waits until every earlier store has been answered
    SYNC = 7            # refetches what follows
    CLEAR_MONITOR = 8
    ICACHE_INVALIDATE = 9
    WAIT = 10           # until an interrupt or an asynchronous error asks, masked or not


class Late(enum.Enum, shape=2):
    """Stage at whose end a result exists."""

    EXECUTE = 0
    MEMORY = 1
    WRITE = 2


class Operand(data.Struct):
    """A register read; an operand that is not used reads as zero."""

    index: 5
    used: 1


class Uop(data.Struct):
    """One micro-op.

    Every field that a unit does not use is zero. Operand ``a`` is the only one that can name the
    stack pointer (``a_sp``), and ``b`` the only one that can be the immediate (``b_imm``).
    ``hold`` makes the register write wait for the next micro-op of the instruction, so that a
    fault of that one leaves the registers unchanged; that one reads the register as it was.

    A load may write ``second``, too: with its base, or, when it loads two registers (``two``),
    with the other one. These have numbers of different parity. A base that is the stack pointer
    may be written beside both (``base_sp``). A store of two takes ``b`` behind ``c``, and has a
    signed immediate of 11 bits as its offset.
    """

    unit: Unit
    alu: AluOp
    bits: BitOp
    shift: ShiftOp
    fill: Fill
    branch: BranchOp
    system: SystemOp
    sysreg: SysReg
    wide: 1             # 64-bit operation, else 32-bit and the upper half of the result is zero
    a: Operand
    a_sp: 1
    b: Operand
    b_imm: 1
    c: Operand
    dest: Operand       # `used`: the register is written
    dest_sp: 1
    second: Operand
    base_sp: 1          # a load writes the new base to the stack pointer
    imm: 64
    invert: 1
    carry: CarryIn
    flags: 1            # writes NZCV
    conditional: 1      # flags come from `flags_else` when the condition does not hold
    flags_else: 4
    cond: 4
    rotate: 6           # rotation to the right, or bit number
    low: 6              # lowest and highest bit of the field
    high: 6
    extend: 3           # of the index: option field of register-offset addressing
    scale: 3            # index is shifted left by this: 0 to 4
    size_log2: 2        # bytes of a memory access or a CRC operand
    signed: 1           # load extends the sign; multiply and divide are signed
    post: 1             # address is a alone, the sum is only the new base
    exclusive: 1
    aligned: 1          # an unaligned address faults, whatever the memory
    acquire: 1
    release: 1
    restricted: 1       # only aligned Normal memory will do
    pair: 1             # aligned to twice the size
    two: 1              # two elements of the size, at the address and behind it
    apart: 1            # these two are accessed one after the other, wherever they lie; behind the
                        # execute stage: the second one of such
    atomic: AtomicOp    # a store writes this of the value loaded and held in front, and c
    match: 1            # notes whether the result is zero, in the bytes of the size; a store is
                        # made only if b equals the value loaded and held in front
    match_also: 1       # and the one before was
    if_match: 1         # store only after a match
    unless_match: 1     # load, but c after a match
    high_half: 1        # upper 64 bits of the product; upper word of a CRC operand
    long: 1             # operands of the multiplication are 32 bits
    link: 1             # branch writes the return address
    return_: 1          # indirect branch that ends a function
    maintenance: Maintenance    # of the data cache, instead of a store
    by_set: 1           # the address names a set and a way
    line: 1             # base address is cut to its 64-byte line
    castagnoli: 1
    after: 1            # the exception returns behind this instruction
    interrupt: 1        # the exception is an interrupt
    serror: 1           # the exception is an asynchronous bus error
    fetch_fault: 1      # the exception reports the instruction's own address
    combine: 1          # the shifted value is the second operand of the ALU of the next stage
    hold: 1


SCALES = 5
"""Number of values of ``scale``."""


class Slot(data.Struct):
    """What a pipeline stage holds: a micro-op with its instruction, or the reason for none.

    The prediction belongs to the last micro-op. ``misled`` is set when a direct branch was
    predicted taken to another place than its own. ``late_a`` and ``late_b`` say of a comparison,
    and the first of a branch, that this operand comes from the memory stage when the micro-op
    goes there; ``late_flags`` that the flags of a branch are those of such a comparison. ``late``
    is when the result exists. ``scales`` is the scale of the index, one-hot, and zero for two
    elements. All five are known from the execute stage on.
    """

    valid: 1
    cause: CycleCause
    first: 1
    last: 1
    half: 1             # the first one of two elements that are accessed one after the other
    pc: PC_BITS
    insn: 32
    prediction: Prediction
    misled: 1
    late_a: 1
    late_b: 1
    late_flags: 1
    late: Late
    scales: SCALES
    uop: Uop


class DecodedLayout(data.StructLayout):
    """Answer of a decoder for one step of one instruction.

    Members
    -------
    uop : :class:`Uop`
        The micro-op.
    legal : 1
        The encoding is one that the decoder implements.
    more : 1
        Another micro-op follows.
    trap, wait : 1
        It is, but EL1 does not let EL0 execute it: not ``legal``, and a trap. ``wait`` tells WFI.
    relative, page : 1
        The immediate is the address that the word's offset gives, from the instruction's own
        address or from its 4 KiB page.
    """

    def __init__(self):
        super().__init__({"uop": Uop, "legal": 1, "trap": 1, "wait": 1, "more": 1,
                          "relative": 1, "page": 1})
