"""The oracle: what Unicorn does not do by itself."""

import pytest

from sim.models.a64_oracle import IDENTITY, Oracle, OracleError, system_name

BASE = 0x4000_0000
DEVICE = 0x0900_0000
NOP = 0xd503201f


def words(*code):
    return b"".join(word.to_bytes(4, "little") for word in code)


class Machine:
    """Oracle that runs a number of instructions and notes what happens."""

    def __init__(self, code, at=BASE, **devices):
        self.oracle = Oracle(ram_base=BASE, ram_bytes=1 << 20, devices=[(DEVICE, 0x1000)],
                             **devices)
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
    machine.oracle.write_register(2, BASE + 0x1001)
    machine.oracle.load(BASE + 0x1001, memory.to_bytes(4, "little"))
    assert machine.run(1) == BASE + 4
    size = 1 << (insn >> 30)
    assert machine.oracle.state()[2] == memory & (1 << 8 * size) - 1
    assert machine.accesses == [(False, BASE + 0x1001, size, 0),
                                (True, BASE + 0x1001, size, result)]


def test_waiting_hints_are_skipped():
    machine = Machine(words(0xd503_207f, 0xd503_205f, 0xd503_203f, NOP))     # wfi, wfe, yield
    assert machine.run(4) == BASE + 16


def test_unknown_stop_is_an_error():
    with pytest.raises(OracleError, match=f"Unicorn takes exception .* at {BASE:#x}"):
        # A load from an address that no translation reaches.
        machine = Machine(words(0xf940_0020))
        machine.oracle.write_register(1, 1 << 62)
        machine.run(1)


def test_system_name():
    assert system_name(0xd538_00a3) in IDENTITY      # mrs x3, mpidr_el1
    assert system_name(0xd53b_d040) == (3, 3, 13, 0, 2)
