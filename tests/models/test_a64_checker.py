"""The lockstep checker: it passes a right stream, and notices every kind of wrong one."""

import copy

import pytest

from sim.models.a64_checker import Access, Checker, MismatchError, Record, disassemble
from sim.models.a64_oracle import Oracle
from sim.models.a64_random import DEVICE_BYTES, generate, link

RAM = {"ram_base": 0x4000_0000, "ram_bytes": 32 << 20}
EXIT = 0x0a00_0000
DEVICES = [(EXIT, 0x1000)]
MEMORY = 0x1000_0000
PLACE = {"ram_base": RAM["ram_base"], "exit_address": EXIT, "device": MEMORY}
SELECT = (0xd500_40bf, 0xd500_41bf)     # msr spsel, #0 and #1
MACHINE = {**RAM, "devices": DEVICES, "device_memory": [(MEMORY, DEVICE_BYTES)]}


def records_of(program):
    """A second machine plays the core: what it retires when it is right."""
    oracle = Oracle(**MACHINE)
    for address, contents in program.segments:
        oracle.load(address, contents)
    records, accesses, last = [], [], [list(oracle.state())]

    def settle():
        state = list(oracle.state())
        record = records[-1]
        # That another stack pointer is in use is no write.
        switches = oracle.exception is not None or record.insn in (0xd69f_03e0, *SELECT)
        record.writes = [(i, state[i]) for i in range(31 if switches else 32)
                         if state[i] != last[0][i]]
        record.nzcv = state[32] >> 28
        record.exception = oracle.exception is not None
        record.syndrome = oracle.exception or 0
        record.accesses = [] if record.exception else [
            Access(write, addr, size, value, addr < RAM["ram_base"])
            for write, addr, size, value in accesses]
        last[0] = state

    def before(address):
        if records:
            settle()
        if len(records) > 3 and any(access.addr == EXIT for access in records[-1].accesses):
            oracle.stop()
            return True
        accesses.clear()
        oracle.exception = None
        records.append(Record(address, oracle.word(address), False, False, 0, 0, [], []))
        return False

    oracle.hook(on_instruction=before, on_access=lambda *access: accesses.append(access))
    oracle.run(program.entry)
    return records, oracle


@pytest.fixture(scope="module")
def stream():
    program = link(generate(11, 300), seed=11, **PLACE)
    records, oracle = records_of(program)
    return program, records, oracle


def checker_for(program):
    checker = Checker(**MACHINE, reproduce="the command")
    for address, contents in program.segments:
        checker.load(address, contents)
    return checker


def test_right_stream_passes_in_any_batches(stream):
    program, records, oracle = stream
    checker = checker_for(program)
    for start, end in ((0, 1), (1, 7), (7, 7), (7, 400), (400, len(records))):
        checker.check(records[start:end])
    assert checker.checked == len(records) > 700
    checker.check_memory(oracle.ram)


def find(records, wanted):
    index = next(i for i, record in enumerate(records) if i > 200 and wanted(record))
    return index, copy.deepcopy(records[index])


def tampered(stream, wanted, change):
    """Check the stream with one record changed; return the index and the error."""
    program, records, _ = stream
    index, record = find(records, wanted)
    change(record)
    checker = checker_for(program)
    with pytest.raises(MismatchError) as caught:
        checker.check([*records[:index], record, *records[index + 1:]])
    assert checker.checked == index
    return record, str(caught.value)


def flip_value(record):
    record.writes[0] = (record.writes[0][0], record.writes[0][1] ^ 1 << 63)


def move_write(record):
    record.writes[0] = ((record.writes[0][0] + 1) % 31, record.writes[0][1])


def store(record):
    return record.accesses and record.accesses[0].write


def change_access(**fields):
    def change(record):
        record.accesses[0] = record.accesses[0]._replace(**fields)
    return change


def is_load(record):
    # Not an exclusive store, whose reads are the oracle's own affair.
    return record.accesses and not store(record) and record.insn & 0x3f00_0000 != 0x0800_0000


CHANGES = {
    "value": (lambda r: r.writes, flip_value, "core 0x"),
    "register": (lambda r: r.writes, move_write, "core 0x"),
    "missing write": (lambda r: r.writes, lambda r: r.writes.clear(), "oracle 0x"),
    "flags": (lambda r: not r.exception, lambda r: setattr(r, "nzcv", r.nzcv ^ 4), "nzcv: core"),
    "store value": (store, change_access(value=0x77), "stores: core"),
    "store address": (store, change_access(addr=0x4000_0100), "stores: core"),
    "missing store": (store, lambda r: r.accesses.clear(), "stores: core none"),
    "load address": (is_load, change_access(addr=0x4000_0100), "loads: core"),
    "instruction": (lambda r: not r.exception, lambda r: setattr(r, "insn", 0xd503201f),
                    "the core fetched 0xd503201f"),
    "pc": (lambda r: True, lambda r: setattr(r, "pc", r.pc + 4), "the core is at"),
    "syndrome": (lambda r: r.exception, lambda r: setattr(r, "syndrome", 1), "syndrome: core"),
    "no exception": (lambda r: r.exception, lambda r: setattr(r, "exception", False),
                     "the core takes no exception"),
    "exception": (lambda r: not r.exception, lambda r: setattr(r, "exception", True),
                  "the core takes an exception"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_wrong_record_is_noticed(stream, name):
    wanted, change, text = CHANGES[name]
    record, message = tampered(stream, wanted, change)
    first, *rest = message.splitlines()
    assert text in first
    assert disassemble(record.insn, record.pc) in rest[0]
    assert sum(line.startswith("  0x") for line in rest) == 20
    assert rest[-1] == "reproduce: the command"


def test_wrong_memory_is_noticed(stream):
    program, records, oracle = stream
    checker = checker_for(program)
    checker.check(records)
    ram = oracle.ram.copy()
    ram[0x1234567] ^= 1
    with pytest.raises(MismatchError, match="memory differs in 1 bytes, the first at 0x41234567"):
        checker.check_memory(ram)


def test_lines_in_a_cache_may_differ(stream):
    program, records, oracle = stream
    checker = checker_for(program)
    checker.check(records)
    ram = oracle.ram.copy()
    ram[64 * 16 * 3] ^= 1
    ram[64 * 17 * 3:64 * 17 * 3 + 64] ^= 1
    checker.check_memory(ram, sets=16, ways=1)
    ram[0] ^= 1         # the set of the first one, again
    checker.check_memory(ram, sets=16, ways=2)
    with pytest.raises(MismatchError, match="memory differs in 66 bytes"):
        checker.check_memory(ram, sets=16, ways=1)


def test_pairs_may_be_split():
    # stp w0, w1, [sp]; then a store of eight bytes at once says the same.
    program = link([[0x2900_07e0]], seed=1, **PLACE)
    records, _ = records_of(program)
    index, record = find([None] * 201 + records, lambda r: r.insn == 0x2900_07e0)
    low, high = record.accesses
    record.accesses = [low._replace(size=8, value=low.value | high.value << 32)]
    checker = checker_for(program)
    records[index - 201] = record
    checker.check(records)
    assert checker.checked == len(records)
