# amaranth: UnusedElaboratable=no

"""What the decoder accepts, against a disassembler that is not ours."""

import itertools
import random
import re
from collections import Counter
from pathlib import Path

import capstone
import pytest
from amaranth import Module
from amaranth.sim import Simulator

from rtl.config import CoreConfig
from rtl.core.decode import Decoder
from rtl.core.sysreg_table import (
    SYSTEM_REGISTERS,
    El0Controls,
    SysReg,
    system_register_table,
)
from rtl.core.sysregs import SystemRegisters
from rtl.core.uop import SystemOp, Unit

# Later extensions that the disassembler knows and the core, of the level of v8.2, does not.
NOT_IMPLEMENTED = (
    # Branches, loads and stores, and arithmetic of v8.3 and later.
    "bc.", "ldapur", "stlur", "ldraa", "ldrab", "braa", "brab", "blraa", "blrab", "reta", "ereta",
    "pac", "aut", "xpac", "rmif", "setf", "cfinv", "axflag", "xaflag", "ld64b", "st64b", "rprfm",
    "abs", "cnt", "ctz", "smax", "smin", "umax", "umin", "sb", "wfet", "wfit", "cpy", "set",
    # Memory tags, transactions, read-check-write.
    "stg", "st2g", "stz", "ldg", "irg", "gmi", "subp", "addg", "subg", "tstart", "ttest",
    "tcommit", "tcancel", "rcw", "swpp", "ldclrp", "ldsetp",
    # Limited ordering regions; levels above EL1; debug state.
    "ldlar", "stllr", "hvc", "smc", "hlt", "dcps", "drps",
    # System instructions: test_system_registers_by_exception_level and its neighbours.
    "sysl", "sys", "mrs", "msr", "at ", "dc ", "ic ", "tlbi", "cfp", "cpp", "dvp", "udf",
)

CLASSES = {"immediate": (0b1000, 0b1001), "branch": (0b1010, 0b1011), "memory": (0b0100, 0b1100),
           "register": (0b0101, 0b1101)}


def words(rng, count):
    """Random words of the integer classes, with registers and small fields often all ones."""
    for _ in range(count):
        word = rng.getrandbits(32)
        for low, width in ((0, 5), (5, 5), (10, 5), (16, 5)):
            if rng.random() < 0.2:
                word |= ((1 << width) - 1) << low
        group = rng.choice([code for codes in CLASSES.values() for code in codes])
        yield word & ~(0xF << 25) | group << 25


def disassemble(disassembler, word):
    for one in disassembler.disasm(word.to_bytes(4, "little"), 0):
        return f"{one.mnemonic} {one.op_str}"
    return None


def classify(check, total):
    """Run ``check(decoder, ctx, word)`` over random words of all classes."""
    dut = Decoder()
    sim = Simulator(dut)

    async def testbench(ctx):
        for word in words(random.Random(11), total):
            ctx.set(dut.insn, word)
            check(dut, ctx, word)

    sim.add_testbench(testbench)
    sim.run()


def test_accepts_what_the_disassembler_knows():
    """An encoding that the disassembler knows and that is in scope is never undefined."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    missed, seen = Counter(), Counter()

    def check(dut, ctx, word):
        text = disassemble(disassembler, word)
        if text is None or text.startswith(NOT_IMPLEMENTED):
            return
        seen[text.split()[0]] += 1
        if not ctx.get(dut.legal):
            missed[f"{word:#010x} {text}"] += 1

    classify(check, 12_000)
    assert not missed, list(missed)[:20]
    assert len(seen) > 150, len(seen)


def unpredictable(word):
    """Loads of a pair into one register, or write-back to a register that is transferred."""
    rt, rt2, rn = word & 31, word >> 10 & 31, word >> 5 & 31
    load = word >> 22 & 1
    if word & 0x3E00_0000 == 0x2800_0000:
        updates = word >> 23 & 1
        return bool((load and rt == rt2) or (updates and rn != 31 and rn in (rt, rt2)))
    if word & 0x3F20_0C00 in (0x3800_0400, 0x3800_0C00):
        return rn != 31 and rn == rt
    return False


def test_refuses_what_is_not_allocated():
    """An encoding that the disassembler refuses is undefined, with two kinds of exceptions.

    The disassembler also refuses exclusives whose unused fields are not all ones or that name a
    register twice, and transfers that the architecture leaves open.
    """
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    wrong = Counter()

    def check(dut, ctx, word):
        if disassemble(disassembler, word) is not None or not ctx.get(dut.legal):
            return
        exclusive = word & 0x3F00_0000 == 0x0800_0000
        barrier = word & 0xFFFF_F000 == 0xD503_3000
        if not (exclusive or barrier or unpredictable(word)):
            wrong[f"{word:#010x}"] += 1

    classify(check, 12_000)
    assert not wrong, list(wrong)[:20]


def test_undefined_words_raise_an_exception():
    dut = Decoder()
    sim = Simulator(dut)
    undefined = [0x0000_0000, 0x0000_FFFF, 0x1E60_2800, 0x4E20_1C00, 0x0420_0000, 0xFFFF_FFFF,
                 0x1280_0000 | 1 << 22, 0x5280_0000 | 2 << 21, 0x8B00_0000 | 3 << 22,
                 0x3200_0000 | 0x3F << 10]

    async def testbench(ctx):
        for word in undefined:
            ctx.set(dut.insn, word)
            assert not ctx.get(dut.legal), f"{word:#010x}"
            assert not ctx.get(dut.more)
            assert ctx.get(dut.uop.unit) is Unit.SYSTEM
            assert ctx.get(dut.uop.system) is SystemOp.EXCEPTION
            assert ctx.get(dut.uop.imm) == 0x0200_0000

    sim.add_testbench(testbench)
    sim.run()


def trap_syndrome(word):
    """ESR_EL1 of a trapped MSR, MRS or SYS, by the fields of the word."""
    def field(low, width):
        return word >> low & (1 << width) - 1
    return (0x18 << 26 | 1 << 25 | field(19, 2) << 20 | field(5, 3) << 17 | field(16, 3) << 14
            | field(12, 4) << 10 | field(0, 5) << 5 | field(8, 4) << 1 | field(21, 1))


def test_system_registers_by_exception_level():
    """Every register can be moved exactly as its access says, at EL0 if its control is set."""
    dut = Decoder()
    sim = Simulator(dut)

    async def testbench(ctx):
        names = list(El0Controls.as_shape().members)
        for register in SYSTEM_REGISTERS:
            for el0, access in enumerate(register.access.split("/")):
                ctx.set(dut.el0, el0)
                for reading, control in itertools.product((0, 1), (0, 1)):
                    word = 0xD500_0000 | reading << 21 | register.word << 5 | 7
                    ctx.set(dut.insn, word)
                    needed = register.control.split("/")[-1 if not reading else 0]
                    # All controls but this one, or this one alone.
                    for name in names:
                        ctx.set(dut.controls[name], control ^ (name != needed))
                    allowed = access == "rw" or access == ("wo", "ro")[reading]
                    traps = allowed and el0 and register.control and not control
                    case = (register.name, el0, reading, control)
                    assert ctx.get(dut.legal) == (allowed and not traps), case
                    if not ctx.get(dut.legal):
                        expected = trap_syndrome(word) if traps else 0x0200_0000
                        assert ctx.get(dut.uop.imm) == expected, case

    sim.add_testbench(testbench)
    sim.run()


# Instructions that EL1 has to allow EL0, with the member of El0Controls.
CONTROLLED = [
    (0xD50B_7A20, "UCI"), (0xD50B_7B21, "UCI"), (0xD50B_7C22, "UCI"), (0xD50B_7E23, "UCI"),
    (0xD50B_7524, "UCI"), (0xD50B_7425, "DZE"), (0xD503_42DF, "UMA"), (0xD503_4FFF, "UMA"),
    (0xD503_207F, "NTWI"),
]


@pytest.mark.parametrize(("word", "control"), CONTROLLED)
def test_controlled_instructions_trap_at_el0(word, control):
    dut = Decoder()
    sim = Simulator(dut)

    async def testbench(ctx):
        ctx.set(dut.insn, word)
        assert ctx.get(dut.legal)
        ctx.set(dut.el0, 1)
        for name in El0Controls.as_shape().members:
            ctx.set(dut.controls[name], name != control)
        assert not ctx.get(dut.legal)
        expected = 0x07E0_0000 if control == "NTWI" else trap_syndrome(word)
        assert ctx.get(dut.uop.imm) == expected, hex(ctx.get(dut.uop.imm))
        ctx.set(dut.controls[control], 1)
        assert ctx.get(dut.legal)

    sim.add_testbench(testbench)
    sim.run()


def test_identification_tells_what_the_decoder_accepts():
    """Each field of a feature is as the decoder says about the feature's first encoding."""
    features = {
        "CRC32": (0x9AC3_4C41, SysReg.ID_ISAR0, 16, 1),
        "LDADD": (0xF822_0041, SysReg.ID_ISAR0, 20, 2),
        "SQRDMLAH": (0x2E82_8420, SysReg.ID_ISAR0, 28, 1),
        "CFINV": (0xD500_401F, SysReg.ID_ISAR0, 52, 1),
        "DC CVAP": (0xD50B_7C20, SysReg.ID_ISAR1, 0, 1),
        "PACGA": (0x9AC2_3020, SysReg.ID_ISAR1, 24, 1),
        "LDAPR": (0xF8BF_C020, SysReg.ID_ISAR1, 20, 1),
        "SB": (0xD503_30FF, SysReg.ID_ISAR1, 36, 1),
        "MSR PAN": (0xD500_419F, SysReg.ID_MMFR1, 20, 1),
        "MSR UAO": (0xD500_407F, SysReg.ZERO, 4, 1),
    }
    decoder, registers = Decoder(), SystemRegisters(CoreConfig())
    both = Module()
    both.submodules += [decoder, registers]
    sim = Simulator(both)

    async def testbench(ctx):
        for name, (word, register, low, value) in features.items():
            ctx.set(decoder.insn, word)
            ctx.set(registers.number, register)
            field = ctx.get(registers.value) >> low & 15
            assert field == (value if ctx.get(decoder.legal) else 0), name
        # GICv3's registers. No floating point, no SIMD: all ones, and such words are undefined.
        ctx.set(registers.number, SysReg.ID_PFR0)
        assert ctx.get(registers.value) & 0xFFFF_FFFF == 0x01FF_0011
        ctx.set(registers.number, SysReg.MIDR)
        assert ctx.get(registers.value) >> 24 == 0
        ctx.set(registers.number, SysReg.ID_MMFR0)
        assert ctx.get(registers.value) == 0xFF00_0002

    sim.add_testbench(testbench)
    sim.run()


def test_names_of_system_registers():
    """The table's encodings have the names that the disassembler gives them."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    for register in SYSTEM_REGISTERS:
        reads = not register.access.startswith("wo")
        text = disassemble(disassembler, 0xD500_0000 | reads << 21 | register.word << 5)
        assert register.name.lower() in re.split(r"[ ,]+", text.lower()), (register.name, text)


def test_readme_lists_the_system_registers():
    readme = Path(__file__).resolve().parents[3] / "rtl" / "core" / "README.md"
    assert system_register_table() in readme.read_text()


def test_logical_immediates_against_enumeration():
    """All 8,192 encodings against the values made by rotating and repeating runs of ones."""
    values = {}
    for k in range(1, 7):
        size = 1 << k
        for ones in range(1, size):
            for rotate in range(size):
                run = (1 << ones) - 1
                element = (run >> rotate | run << size - rotate) & (1 << size) - 1
                value = sum(element << i for i in range(0, 64, size))
                imms = (ones - 1) | (0x3F ^ (2 * size - 1)) & 0x3F
                values[(int(k == 6), rotate, imms)] = value
    dut = Decoder()
    sim = Simulator(dut)

    async def testbench(ctx):
        for n in (0, 1):
            for immr in range(64):
                for imms in range(64):
                    ctx.set(dut.insn, 0x9200_0000 | n << 22 | immr << 16 | imms << 10)
                    size = 64 if n else next((s for s in (32, 16, 8, 4, 2)
                                              if (imms ^ 0x3F) & s), 0)
                    expected = values.get((n, immr % size if size else 0, imms))
                    assert ctx.get(dut.legal) == (expected is not None), (n, immr, imms)
                    if expected is not None:
                        assert ctx.get(dut.uop.imm) == expected, (n, immr, imms)

    sim.add_testbench(testbench)
    sim.run()
