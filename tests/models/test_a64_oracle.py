"""The oracle: what Unicorn does not do by itself."""

import random

import pytest

from sim.models.a64_accesses import access_plan
from sim.models.a64_encodings import ENCODINGS
from sim.models.a64_oracle import Oracle, OracleError
from sim.models.a64_patterns import draw
from sim.models.a64_registers import IDENTITY, system_name

BASE = 0x4000_0000
DEVICE = 0x0900_0000
MEMORY = 0x1000_0000
NOP = 0xd503201f
DATA, ODD, NOTHING, HIGH = BASE + 0x4000, BASE + 0x5001, 0x2000_0000, 1 << 50 | BASE


def words(*code):
    return b"".join(word.to_bytes(4, "little") for word in code)


class Machine:
    """Oracle that runs a number of instructions and notes what happens."""

    def __init__(self, code, at=BASE, **devices):
        self.oracle = Oracle(ram_base=BASE, ram_bytes=1 << 20, devices=[(DEVICE, 0x1000)],
                             device_memory=[(MEMORY, 0x400)], **devices)
        self.oracle.load(at, code)
        self.oracle.hook(on_instruction=self.before, on_access=lambda *a: self.accesses.append(a))
        self.trace, self.accesses = [], []

    def before(self, address):
        if self.left == 0:
            self.oracle.stop()
            return True
        self.left -= 1
        self.trace.append(address)
        return False

    def run(self, count, pc=BASE):
        self.left = count
        return self.oracle.run(pc)


def test_stops_before_the_instruction_and_goes_on():
    machine = Machine(words(0x9100_0400, 0x9100_0400, 0x9100_0400))     # add x0, x0, #1
    assert machine.run(2) == BASE + 8
    assert machine.oracle.state()[0] == 2
    assert machine.run(1, BASE + 8) == BASE + 12
    assert machine.oracle.state()[0] == 3


@pytest.mark.parametrize(("insn", "syndrome", "returns"), [
    (0xd400_00a1, 0x5600_0005, 4),      # svc #5
    (0xd420_0060, 0xf200_0003, 0),      # brk #3
    (0x0000_0000, 0x0200_0000, 0),      # udf
    (0xd400_0002, 0x0200_0000, 0),      # hvc
    (0xd400_0003, 0x0200_0000, 0),      # smc
    (0xd440_0000, 0x0200_0000, 0),      # hlt
    (0x1e60_4000, 0x0200_0000, 0),      # fmov d0, d0
    (0x3dc0_0000, 0x0200_0000, 0),      # ldr q0, [x0]
    (0x4ea1_1c20, 0x0200_0000, 0),      # mov v0.16b, v1.16b
])
def test_exception_entry_and_return(insn, syndrome, returns):
    machine = Machine(words(insn, NOP))
    machine.oracle.load(BASE + 0x800, b"")
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.oracle.load(BASE + 0xa00, words(0xd69f_03e0))                # eret
    machine.run(2)
    assert machine.trace == [BASE, BASE + 0xa00]
    assert machine.oracle.exception == syndrome
    assert machine.oracle.read_system((3, 0, 5, 2, 0)) == syndrome
    assert machine.oracle.read_system((3, 0, 4, 0, 1)) == BASE + returns
    assert machine.oracle.read_system((3, 0, 4, 0, 0)) == 0x3c5
    assert machine.oracle.pc == BASE + returns


def test_exception_from_el0_uses_the_other_stack():
    # msr sp_el0, x1; msr elr, x2; msr spsr, xzr; eret; at EL0: add sp, sp, #16; svc #0
    machine = Machine(words(0xd518_4101, 0xd518_4022, 0xd518_401f, 0xd69f_03e0,
                            0x9100_43ff, 0xd400_0001))
    oracle = machine.oracle
    oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    oracle.load(BASE + 0xc00, words(0xd538_5203))                       # mrs x3, esr_el1
    oracle.write_register(1, BASE + 0x5000)
    oracle.write_register(2, BASE + 16)
    oracle.write_register(31, BASE + 0x9000)
    machine.run(5)
    assert oracle.state()[31] == BASE + 0x5010
    machine.run(1, oracle.pc)
    assert oracle.pc == BASE + 0xc00
    assert oracle.state()[31] == BASE + 0x9000
    assert oracle.read_system((3, 0, 4, 1, 0)) == BASE + 0x5010
    assert oracle.read_system((3, 0, 4, 0, 0)) == 0
    # At EL1 again: its registers can be reached.
    machine.run(1, oracle.pc)
    assert oracle.pc == BASE + 0xc04
    assert oracle.state()[3] == 0x5600_0000


@pytest.mark.parametrize(("insn", "syndrome"), [
    (0xd53b_0023, 0x6232_c061),         # mrs x3, ctr_el0
    (0xd53b_4224, 0x6232_d085),         # mrs x4, daif
    (0xd503_42df, 0x620c_d3e4),         # msr daifset, #2
    (0xd53b_e047, 0x6234_f8e1),         # mrs x7, cntvct_el0
    (0xd51b_e007, 0x0200_0000),         # msr cntfrq_el0, x7
    (0xd51b_e33f, 0x6232_fbe6),         # msr cntv_ctl_el0, xzr
    (0xd50b_7b26, 0x6212_dcd6),         # dc cvau, x6
    (0xd503_207f, 0x07e0_0000),         # wfi
    (0xd538_4240, 0x0200_0000),         # mrs x0, currentel
])
def test_what_el1_does_not_allow_el0(insn, syndrome):
    # msr elr_el1, x2; msr spsr_el1, xzr; eret
    machine = Machine(words(0xd518_4022, 0xd518_401f, 0xd69f_03e0, insn))
    machine.oracle.write_register(2, BASE + 12)
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.run(4)
    assert machine.oracle.exception == syndrome
    assert machine.oracle.pc == BASE + 0xc00


@pytest.mark.parametrize(("spsr", "saved"), [
    (0x9000_03c8, 0x9010_03c5), (0x3c1, 0x10_03c5), (0x3d0, 0x10_03c5), (0x10_03c5, 0x10_03c5),
    (0x10_03c0, 0x10_03c0)])
def test_illegal_return(spsr, saved):
    # msr elr_el1, x2; msr spsr_el1, x3; eret; svc #0
    machine = Machine(words(0xd518_4022, 0xd518_4003, 0xd69f_03e0, 0xd400_0001))
    machine.oracle.write_register(2, BASE + 12)
    machine.oracle.write_register(3, spsr)
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.run(4)
    assert machine.oracle.exception == 0x3a00_0000
    assert machine.oracle.read_system((3, 0, 4, 0, 1)) == BASE + 12
    assert machine.oracle.read_system((3, 0, 4, 0, 0)) == saved


@pytest.mark.parametrize(("sctlr", "pan"), [(0x30d0_0800, 0), (0x3050_0800, 1)])
def test_pan_is_set_without_span(sctlr, pan):
    # msr sctlr_el1, x1; svc #0; at the vector: svc #1
    machine = Machine(words(0xd518_1001, 0xd400_0001))
    machine.oracle.load(BASE + 0xa00, words(0xd400_0021))
    machine.oracle.write_register(1, sctlr)
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.run(3)
    assert machine.oracle.read_system((3, 0, 4, 0, 0)) >> 22 & 1 == pan


def test_interrupt_enters_its_vector():
    machine = Machine(words(NOP))
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.oracle.write_system((3, 0, 5, 2, 0), 0x1234)
    machine.oracle.take_exception(BASE, None)
    assert machine.oracle.pc == BASE + 0xa80
    assert machine.oracle.read_system((3, 0, 5, 2, 0)) == 0x1234


def test_access_outside_memory_is_an_external_abort():
    machine = Machine(words(0xf940_0020, 0xf900_0020))      # ldr x0, [x1]; str x0, [x1]
    machine.oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    machine.oracle.write_register(1, 0x2000_0000)
    machine.run(1)
    assert machine.oracle.exception == 0x9600_0010
    assert machine.oracle.read_system((3, 0, 6, 0, 0)) == 0x2000_0000
    machine.run(1, BASE + 4)
    assert machine.oracle.exception == 0x9600_0050


# x1 is in RAM, x2 the device, x3 the Device memory, x4 nothing, x5 high, x6 odd in RAM; sp is odd.
@pytest.mark.parametrize(("insn", "syndrome", "address"), [
    (0xf940_0021, None, None),                  # ldr x1, [x1]
    (0xf940_04c1, None, None),                  # ldr x1, [x6, #8]
    (0xc8df_fcc1, 0x9600_0021, ODD),            # ldar x1, [x6]
    (0xf8bf_c0c1, 0x9600_0021, ODD),            # ldapr x1, [x6]
    (0x089f_fcc1, None, None),                  # stlrb w1, [x6]
    (0xc89f_fcc1, 0x9600_0061, ODD),            # stlr x1, [x6]
    (0xf821_00c1, 0x9600_0021, ODD),            # ldadd x1, x1, [x6]
    (0xc85f_7cc1, 0x9600_0021, ODD),            # ldxr x1, [x6]
    (0xc800_7cc1, 0x9600_0061, ODD),            # stxr w0, x1, [x6]
    (0xc87f_7821, 0x9600_0021, DATA + 8),       # ldxp x1, x30, [x1], aligned to a half only
    (0xb840_0061, None, None),                  # ldur w1, [x3]
    (0xb840_1061, 0x9600_0021, MEMORY + 1),     # ldur w1, [x3, #1]
    (0xb800_1061, 0x9600_0061, MEMORY + 1),     # stur w1, [x3, #1]
    (0xa9c0_0861, None, None),                  # ldp x1, x2, [x3]!
    (0xa9c0_8841, None, None),                  # ldp x1, x2, [x2, #8]!
    (0xb821_0061, 0x9600_0035, MEMORY),         # ldadd w1, w1, [x3]
    (0x885f_7c61, 0x9600_0035, MEMORY),         # ldxr w1, [x3]
    (0x8800_7c61, 0x9600_0075, MEMORY),         # stxr w0, w1, [x3]
    (0xf940_0081, 0x9600_0010, NOTHING),        # ldr x1, [x4]
    (0xf940_00a1, 0x9600_0000, HIGH),           # ldr x1, [x5]
    (0xf900_00a1, 0x9600_0040, HIGH),           # str x1, [x5]
    (0xf980_00a1, None, None),                  # prfm #1, [x5]
    (0xf940_03e1, 0x9a00_0000, None),           # ldr x1, [sp]
    (0xf980_03e1, None, None),                  # prfm #1, [sp]
])
@pytest.mark.parametrize("el0", [False, True])
def test_accesses_that_fault(insn, syndrome, address, el0):
    machine = Machine(words(insn, NOP), on_device_read=lambda address, size: 0)
    oracle = machine.oracle
    oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    oracle.write_system((3, 0, 1, 0, 0), 0x30d0_0818)
    oracle.write_system((3, 0, 6, 0, 0), 0x1234)
    for index, value in enumerate((DATA + 8, DEVICE, MEMORY, NOTHING, HIGH, ODD), 1):
        oracle.write_register(index, value)
    if el0:
        # msr spsr_el1, xzr; adr x0, .+12; msr elr_el1, x0; eret, in front of the instruction.
        machine.oracle.load(BASE, words(0xd518_401f, 0x1000_0060, 0xd518_4020, 0xd69f_03e0, insn))
        oracle.write_system((3, 0, 4, 1, 0), ODD)
        machine.run(4)
    else:
        oracle.write_register(31, ODD)
    at = oracle.pc if el0 else BASE
    machine.run(1, at)
    lower = 0x0400_0000 if el0 and syndrome and syndrome >> 26 == 0x25 else 0
    assert oracle.exception == (syndrome - lower if syndrome else None)
    if syndrome:
        assert oracle.pc == BASE + 0x800 + (0x400 if el0 else 0x200)
        assert oracle.read_system((3, 0, 4, 0, 1)) == at
        assert oracle.read_system((3, 0, 6, 0, 0)) == (address or 0x1234)


@pytest.mark.parametrize(("target", "syndrome"), [
    (BASE + 0x101, 0x8a00_0000), (NOTHING, 0x8600_0010), (DEVICE, 0x8600_0010),
    (MEMORY, 0x8600_0010), (HIGH, 0x8600_0000), (HIGH + 2, 0x8a00_0000),
])
@pytest.mark.parametrize("insn", [0xd61f_0020, 0xd63f_0020, 0xd65f_0020, 0xd69f_03e0])
def test_branches_to_nowhere(insn, target, syndrome):
    """BR, BLR, RET x1 and ERET: the exception belongs to the instruction that is not there."""
    machine = Machine(words(insn, NOP))
    oracle = machine.oracle
    oracle.write_system((3, 0, 12, 0, 0), BASE + 0x800)
    oracle.write_system((3, 0, 4, 0, 1), target)
    oracle.write_system((3, 0, 4, 0, 0), 0x3c5)
    oracle.write_register(1, target)
    assert machine.run(1) == target
    assert oracle.exception is None
    assert oracle.state()[30] == (BASE + 4 if insn == 0xd63f_0020 else 0)
    machine.run(1, target)
    assert machine.trace == [BASE, target]
    assert oracle.exception == syndrome
    assert oracle.read_system((3, 0, 4, 0, 1)) == oracle.read_system((3, 0, 6, 0, 0)) == target


@pytest.mark.parametrize(("between", "address", "status"), [
    (NOP, 0, 0), (NOP, 32, 0), (NOP, 64, 1),
    (0xd503_3f5f, 0, 1),            # clrex
    (0x3900_003f, 0, 0),            # strb wzr, [x1]: a store of its own does not matter
    (0x8802_7c20, 0, 1),            # stxr w2, w0, [x1]: there is one store to a load
    (0xd400_0001, 0, 1),            # svc
])
def test_monitor_covers_a_line_and_is_lost_by_exceptions(between, address, status):
    # ldxr w0, [x1]; ...; stxr w3, w4, [x5]
    machine = Machine(words(0x885f_7c20, between, 0x8803_7ca4))
    oracle = machine.oracle
    oracle.load(BASE + 0x200, words(0xd69f_03e0))
    oracle.write_system((3, 0, 12, 0, 0), BASE)
    oracle.write_register(1, DATA)
    oracle.write_register(4, 0x77)
    oracle.write_register(5, DATA + address)
    machine.run(4 if between == 0xd400_0001 else 3)
    assert oracle.state()[3] == status
    written = int.from_bytes(oracle.ram[DATA + address - BASE:][:4].tobytes(), "little")
    assert written == (0 if status else 0x77)


def test_addresses_are_those_of_unicorn():
    """The address that is checked is the one that is then accessed."""
    machine = Machine(words(NOP))
    oracle, rng = machine.oracle, random.Random(5)
    drawn = [(encoding, *draw(encoding, rng)) for encoding in ENCODINGS.values() for _ in range(8)
             if encoding.kind in ("offset", "index", "update", "literal", "aligned")
             and not encoding.name.startswith("PRFM")]
    # All at once: what Unicorn has translated does not change.
    oracle.load(BASE, words(*(word for _, word, _ in drawn), NOP))
    checked = 0
    for place, (encoding, word, fields) in enumerate(drawn):
        pc, base = BASE + 4 * place, fields.get("n", 31)
        registers = [rng.choice((rng.getrandbits(11), -rng.getrandbits(11) & (1 << 64) - 1))
                     for _ in range(31)] + [0]
        registers[base] = BASE + 0x8_0000 + 16 * rng.getrandbits(8)
        for index, value in enumerate(registers):
            oracle.write_register(index, value)
        plan = access_plan(word)
        address = plan.address(oracle.state(), pc)
        if not BASE + 4 * len(drawn) <= address < BASE + (1 << 20) - 16:
            continue
        machine.accesses.clear()
        machine.run(1, pc)
        assert oracle.exception is None
        touched = {one[1] + i for one in machine.accesses for i in range(one[2])}
        assert touched == set(range(address, address + plan.size * plan.count)), encoding.name
        assert plan.write in {one[0] for one in machine.accesses}
        checked += 1
    assert checked > 1000


def test_device_accesses_are_passed_on():
    written = []
    machine = Machine(words(0xb940_1822, 0x3900_0022),      # ldr w2, [x1, #24]; strb w2, [x1]
                      on_device_read=lambda address, size: 0x8000_0000 + (address & 0xff) + size,
                      on_device_write=lambda *access: written.append(access))
    machine.oracle.write_register(1, DEVICE)
    machine.run(2)
    assert machine.oracle.state()[2] == 0x8000_001c
    assert written == [(DEVICE, 1, 0x1c)]


@pytest.mark.parametrize(("insn", "memory", "result"), [
    (0x3821_4042, 0x00, 0x00),      # ldsmaxb w1, w2, [x2]: 0, -16
    (0x3821_5042, 0x00, 0xf0),      # ldsminb
    (0x3821_6042, 0x00, 0xf0),      # ldumaxb
    (0x38e1_7042, 0x00, 0x00),      # lduminalb
    (0x7821_5042, 0x7fff, 0xbbf0),  # ldsminh: 0x7fff, -0x4410
    (0x7821_6042, 0x8000, 0xbbf0),  # ldumaxh
    (0xb821_4042, 0x7fff_ffff, 0x7fff_ffff),    # ldsmax w: 2**31 - 1, negative
])
def test_narrow_minimum_and_maximum_extend_their_operands(insn, memory, result):
    machine = Machine(words(insn))
    machine.oracle.write_register(1, 0x1234_5678_9aaa_bbf0)
    machine.oracle.write_register(2, BASE + 0x1004)
    machine.oracle.load(BASE + 0x1004, memory.to_bytes(4, "little"))
    assert machine.run(1) == BASE + 4
    size = 1 << (insn >> 30)
    assert machine.oracle.state()[2] == memory & (1 << 8 * size) - 1
    assert machine.accesses == [(False, BASE + 0x1004, size, 0),
                                (True, BASE + 0x1004, size, result)]


def test_waiting_hints_are_skipped():
    machine = Machine(words(0xd503_207f, 0xd503_205f, 0xd503_203f, NOP))     # wfi, wfe, yield
    assert machine.run(4) == BASE + 16


def test_unknown_stop_is_an_error():
    # msr sctlr_el1, x0 with M set, and no page tables.
    machine = Machine(words(0xd518_1000, NOP, NOP))
    machine.oracle.write_register(0, 0x30d0_0801)
    with pytest.raises(OracleError, match="Unicorn (takes exception|stops)"):
        machine.run(3)


def test_system_name():
    assert system_name(0xd538_00a3) in IDENTITY      # mrs x3, mpidr_el1
    assert system_name(0xd53b_d040) == (3, 3, 13, 0, 2)
