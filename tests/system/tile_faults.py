"""Seeded faults in the tile, and the programs that notice them."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rtl.config import TileConfig
from rtl.matmul.encoding import ERROR_CAUSES, Instruction, assemble
from rtl.matmul.registers import STALLS
from sim.bfm.tile_harness import TileHost
from sim.errors import UserError
from sim.models.matmul_cycles import count_cycles
from sim.models.matmul_program import unroll
from sim.mutation import Fault
from tests.system.test_tile_cycles import random_program
from tests.system.tile_programs import QUEUES, RandomProgram, Session
from tests.system.vector_programs import VectorProgram

CONFIG = TileConfig(size=4, types=("int8", "bf16"), sbuf_bytes=4096, psum_banks=4, queue_depth=8,
                    semaphores=8)
"""The smallest tile with integers, floating-point numbers, loops and the vector unit."""

FAULTS = Path(__file__).with_name("tile_faults.toml")
START, DONE, FREE, HOST = range(4)
SLACK = 20_000
"""Cycles that a faulty tile may take beyond four times those of the one without fault."""


@dataclasses.dataclass(frozen=True)
class Stimulus:
    """A program, and what is wrong with its outcome.

    Parameters
    ----------
    name : :class:`str`
        For the list of verdicts.
    script : callable
        Returns the script, and a function that takes its log and says what is wrong, or nothing.
    """

    name: str
    script: Callable


def _memories(program):
    """Read all memories at the end of a program; compare them with the model's."""
    config, script, state = program.config, program.script, program.state
    reads = [(script.read_sbuf(row, 0, config.sbuf_bytes, np.uint8), state.sbuf[row])
             for row in range(config.size)]
    reads += [(script.read_psum(row, bank, 4 * config.size, np.uint32), state.psum[row, bank])
              for row in range(config.size) for bank in range(config.psum_banks)]

    def wrong(log):
        return "" if all(np.array_equal(read(log), want) for read, want in reads) else (
            "memories differ")

    return script, wrong


def _random(seed):
    """Multiplies and activations."""
    program = RandomProgram(CONFIG, seed, CONFIG.types)
    program.script.register(program.script.offset("COMMAND"), 3)
    _write_psum(program)
    program.steps(12)
    return _memories(program)


def _write_psum(program):
    """PSUM starts as zeros, written, as the model has it."""
    size, s = CONFIG.size, program.script
    program.state.written[:] = size
    for row in range(size):
        s.sbuf(row, 0, np.zeros(64, np.uint8))
    s.settle()
    s.push("tensor", "load_stationary", type="int8", k=size, m=size)
    for bank in range(CONFIG.psum_banks):
        s.push("tensor", "multiply_moving", type="int8", k=size, m=size, n=4 * size, bank=bank)
    program.hand_over("tensor")


def _vector(seed):
    """Vector instructions."""
    program = VectorProgram(CONFIG, seed)
    program.script.register(program.script.offset("COMMAND"), 3)
    _write_psum(program)
    program.fill()
    program.random(40)
    for instruction in program.instructions:
        program.script.write(QUEUES["activation"], assemble(instruction))
    program.hand_over("activation")
    return _memories(program)


def _measured(s, tensor, activation):
    """Queue a program that is held, let it go, wait for HOST; returns how to check its time."""
    s.register(s.offset("COMMAND"), 3)
    for engine, instructions in (("tensor", tensor), ("activation", activation)):
        for instruction in instructions:
            s.write(QUEUES[engine], assemble(instruction))
    s.settle()
    s.register(s.offset("SEMAPHORE_ADD"), START | 1 << 16)
    s.await_semaphore(HOST)
    s.register(s.offset("CTRL"), 0)
    names = ("SPAN", "TENSOR_ACTIVE", "CYCLES", "TENSOR_FIRST", "LOADS", "MULTIPLIES", "MACS",
             *(f"STALL_{name.upper()}" for name in STALLS))
    rows = {name: s.sample(s.offset(f"{name}_LO")) for name in names}
    s.register(s.offset("CTRL"), 1)
    count = count_cycles(tensor, activation, CONFIG, start=START)
    executed = list(unroll(tensor, size=CONFIG.size, psum_banks=CONFIG.psum_banks))
    multiplies = [item for item in executed if item.mnemonic == "multiply_moving"]
    want = {"SPAN": count.cycles, "TENSOR_ACTIVE": count.active, "TENSOR_FIRST": 0,
            "LOADS": sum(item.mnemonic == "load_stationary" for item in executed),
            "MULTIPLIES": len(multiplies),
            "MACS": sum(item["k"] * item["m"] * item["n"] for item in multiplies)}

    def wrong(log):
        got = {name: int.from_bytes(log[row, :4].tobytes(), "little")
               for name, row in rows.items()}
        for name, value in want.items():
            if got[name] != value:
                return f"{name} is {got[name]}, not {value}"
        lost = sum(value for name, value in got.items() if name.startswith("STALL"))
        return "" if got["CYCLES"] == got["TENSOR_ACTIVE"] + lost else "causes do not add up"

    return wrong


def _cycles(seed):
    """Loops of additions to few words, beside evictions, and an interrupt at the end."""
    rng = np.random.default_rng(seed)
    type, n = ("int8", "bf16")[seed % 2], int(rng.integers(1, 8))
    tensor = [Instruction("nop", wait=1, consume=1, wait_index=START, wait_value=1),
              Instruction("loop", n=int(rng.integers(3, 9)), k=2),
              Instruction("load_stationary", type=type, k=4, m=4, address_step=1, once=1,
                          add_index=FREE, add_value=1),
              Instruction("multiply_moving", type=type, k=4, m=4, n=n, address=96, fresh=1,
                          accumulate=1, address_step=int(rng.integers(0, 2)), once=1,
                          add_index=DONE, add_value=1)]
    activation = [Instruction("activate", type=type, output="word", from_sbuf=1, m=4, n=20,
                              address=1024, destination=2048, bias=1, wait=1, consume=1,
                              wait_index=FREE, wait_value=1),
                  Instruction("activate", type=type, output=type, m=4, n=n, destination=3072,
                              wait=1, consume=1, wait_index=DONE, wait_value=1, add_index=HOST,
                              add_value=1, multiplier=1, interrupt=1)]
    s = Session(CONFIG)
    wrong = _measured(s, tensor, activation)
    s.poll(s.offset("STATUS"), 0xF, 0)
    s.poll(s.offset("IRQ_STATUS"), 7, 2)
    s.register(s.offset("IRQ_STATUS"), 7)
    return s, wrong


def _programs(seed):
    """Loads, multiplies and activations that meet at the SBUF banks."""
    rng = random.Random(seed)
    s = Session(CONFIG)
    checks = [_measured(s, *random_program(rng, CONFIG)) for _ in range(20)]
    return s, lambda log: next(filter(None, (check(log) for check in checks)), "")


SPECIAL = (0x0000, 0x8000, 0x0001, 0x3F80, 0xBF80, 0x7F7F, 0xFF7F, 0x0080, 0x7F80, 0xFF80, 0x7FC0)


def _special(seed):
    """BF16 products of zeros, ones, numbers at both ends of the range, infinities and NaN."""
    program = RandomProgram(CONFIG, seed, CONFIG.types)
    program.script.register(program.script.offset("COMMAND"), 3)
    _write_psum(program)
    halves = program.state.sbuf.view(np.uint16)
    halves[:] = program.rng.choice(np.array(SPECIAL, np.uint16), halves.shape)
    for row in range(CONFIG.size):
        program.script.sbuf(row, 0, program.state.sbuf[row])
    program.script.settle()
    for _ in range(12):
        program.multiply("bf16")
    program.hand_over("tensor")
    return _memories(program)


def _meeting(seed):
    """Loads at every distance from columns that read the same bank, or the other one."""
    program = RandomProgram(CONFIG, seed, CONFIG.types)
    s, state = program.script, program.state
    s.register(s.offset("COMMAND"), 3)
    _write_psum(program)
    program.fill()
    for nops in range(4):
        for word in range(2):
            both = {"type": ("int8", "bf16")[seed % 2], "k": 4, "m": 4}
            work = [("load_stationary", {**both, "address": 256}),
                    ("multiply_moving", {**both, "n": 16, "address": 512, "bank": 0}),
                    *[("nop", {})] * nops,
                    ("load_stationary", {**both, "address": 1024 + 8 * word}),
                    ("multiply_moving", {**both, "n": 4, "address": 768, "bank": 2 * word + 1,
                                         "offset": 4 * nops})]
            s.push("tensor", "nop", wait=1, consume=1, wait_index=START, wait_value=1)
            for mnemonic, fields in work:
                s.push("tensor", mnemonic, **fields)
                if mnemonic != "nop":
                    getattr(state, mnemonic)(**fields)
            s.settle()
            s.register(s.offset("SEMAPHORE_ADD"), START | 1 << 16)
            program.hand_over("tensor")
    return _memories(program)


def _errors(_):
    """Each kind of error, and what it leaves."""
    s = Session(CONFIG)
    rows = []

    def expect(engine, cause, index, address):
        s.poll(s.offset(f"{engine}_ERROR"), 0xFFFF_FFFF, ERROR_CAUSES[cause][0] | index << 8)
        rows.append((s.sample(s.offset(f"{engine}_ERROR_ADDRESS")), address))
        s.register(s.offset("COMMAND"), 2)

    s.register(s.offset("COMMAND"), 2)
    s.push("tensor", "load_stationary", type="int8", k=4, m=4)
    s.push("tensor", "multiply_moving", type="int8", k=4, m=3, n=2, bank=2, offset=5)
    s.push("tensor", "multiply_moving", type="int8", k=4, m=4, n=2, bank=2, offset=5, accumulate=1)
    expect("TENSOR", "unwritten", 2, 2 * 16 + 5)
    s.push("tensor", "multiply_moving", type="int8", k=1, m=1, n=1)
    expect("TENSOR", "weights", 0, 0)
    s.push("tensor", "load_stationary", type="int8", k=1, m=1)
    s.push("tensor", "multiply_moving", type="int8", k=1, m=1, n=1, address=12)
    expect("TENSOR", "address", 1, 12)
    s.push("tensor", "load_stationary", type="fp16", k=1, m=1)
    expect("TENSOR", "type", 0, 0)
    s.push("activation", "activate", type="bf16", m=1, n=9, bank=3, offset=10)
    expect("ACTIVATION", "psum", 0, 3 * 16 + 10)
    s.push("activation", "memset", element="word", m=1, n=3, destination=4088)
    expect("ACTIVATION", "address", 0, 4088)
    s.push("activation", "pattern", slot="destination", count0=4, stride0=2)
    s.push("activation", "memset", element="word", m=1, n=3, destination=4088, patterns=4)
    expect("ACTIVATION", "address", 1, 4096)
    s.register(s.offset("WATCHDOG"), 100)
    s.push("activation", "nop", wait=1, wait_index=6, wait_value=2)
    expect("ACTIVATION", "deadlock", 0, 6)
    s.push("tensor", "nop", wait=1, wait_index=5, wait_value=2)
    expect("TENSOR", "deadlock", 0, 5)
    s.register(s.offset("WATCHDOG"), 0)
    s.push("tensor", "loop", n=1, k=0)
    expect("TENSOR", "loop", 0, 0)

    def wrong(log):
        return "" if all(int.from_bytes(log[row, :4].tobytes(), "little") == address
                         for row, address in rows) else "another error address"

    return s, wrong


STIMULI = [Stimulus(f"{script.__name__[1:]} {seed}", lambda script=script, seed=seed: script(seed))
           for script, seeds in ((_random, (1, 2)), (_cycles, range(8)), (_errors, (0,)),
                                 (_vector, (1, 2)), (_programs, range(4)), (_meeting, (1, 2)),
                                 (_special, (1, 2)),
                                 (_random, (3, 4, 5)), (_vector, (3, 4, 5, 6)))
           for seed in seeds]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a fault: the stimulus that showed it, if one did, and how."""

    fault: Fault
    found_by: str
    how: str

    @property
    def as_listed(self) -> bool:
        """The fault was found, or it was not and the list says why."""
        return bool(self.found_by) != bool(self.fault.equivalent)


def hunt(host: TileHost, faults: Sequence[Fault]) -> list[Verdict]:
    """Run the stimuli on each mutant of a tile built with ``faults``, until one shows the fault.

    Raises
    ------
    :exc:`RuntimeError`
        If a stimulus fails without a fault.
    """
    plays = [(stimulus.name, *stimulus.script()) for stimulus in STIMULI]
    usual, verdicts = [], []
    for number in range(len(faults) + 1):
        host.model.set("fault_select", number)
        verdict = None
        for index, (name, script, wrong) in enumerate(plays):
            host.model.reset()
            before = host.model.cycles
            try:
                how = wrong(host.play(script, max_cycles=(
                    4 * usual[index] + SLACK if number else 1_000_000)))
            except UserError as error:
                how = str(error)
            if number == 0:
                if how:
                    raise RuntimeError(f"{name} fails without a fault: {how}")
                usual.append(host.model.cycles - before)
            elif how:
                verdict = Verdict(faults[number - 1], name, how)
                break
        if number:
            verdicts.append(verdict or Verdict(faults[number - 1], "", "no difference"))
    return verdicts
