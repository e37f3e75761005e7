"""What must not pass silently: unwritten PSUM, deadlocks, and what errors say."""

import numpy as np
import pytest

from rtl.matmul.encoding import ERROR_CAUSES
from sim.bfm.tile_harness import TileHost
from sim.models.matmul_state import TileState, UnwrittenError
from sim.models.numerics import FP32_NAN
from tests.system.tile_programs import SMALL as CONFIG
from tests.system.tile_programs import Session, operand

WIDTH = 4 * CONFIG.size


@pytest.fixture(scope="module")
def host():
    return TileHost(CONFIG)


def reset():
    """A session that begins with an empty tile."""
    s = Session(CONFIG)
    s.register(s.offset("COMMAND"), 3)
    return s


def await_error(s, engine, cause, index, address):
    """Wait until an engine shows this error."""
    s.poll(s.offset(f"{engine.upper()}_ERROR"), 0xFFFF_FFFF, ERROR_CAUSES[cause][0] | index << 8)
    s.poll(s.offset(f"{engine.upper()}_ERROR_ADDRESS"), 0xFFFF_FFFF, address)


def fill(s, state, type, rng):
    for row in range(CONFIG.size):
        values = operand(rng, type, 64)
        s.sbuf(row, 0, values)
        raw = values.view(np.uint8)
        state.sbuf[row, :len(raw)] = raw
    s.settle()


def state():
    return TileState(size=CONFIG.size, sbuf_bytes=CONFIG.sbuf_bytes, psum_banks=CONFIG.psum_banks,
                     chain=CONFIG.chain)


@pytest.mark.parametrize("type", CONFIG.types)
@pytest.mark.parametrize("written, m, column", [(5, 4, 5), (12, 3, 12), (16, 4, 0)])
def test_addition_to_unwritten_words_poisons_and_reports(host, type, written, m, column):
    """``written`` columns of 3 partitions, then an addition of 14 columns in ``m`` partitions."""
    rng, model, s = np.random.default_rng(1), state(), reset()
    fill(s, model, type, rng)
    program = [("load_stationary", {"type": type, "k": 4, "m": 4}),
               ("multiply_moving", {"type": type, "k": 4, "m": 3, "n": written, "bank": 2}),
               ("multiply_moving", {"type": type, "k": 2, "m": m, "n": 14, "bank": 2,
                                    "accumulate": 1, "address": 8})]
    expected = 0 if m == 4 else written
    for mnemonic, fields in program:
        s.push("tensor", mnemonic, **fields)
    for mnemonic, fields in program[:2]:
        getattr(model, mnemonic)(address=0, **fields)
    with pytest.raises(UnwrittenError) as error:
        model.multiply_moving(**program[2][1])
    assert error.value.column == 2 * WIDTH + expected
    await_error(s, "tensor", "unwritten", 2, 2 * WIDTH + expected)
    s.poll(s.offset("STATUS"), 0xF, 4)
    s.push("tensor", "nop", add_index=3, add_value=1)
    s.push("activation", "nop", add_index=2, add_value=1)
    s.await_semaphore(2)
    s.poll(s.offset("STATUS"), 0xF, 5)
    behind = s.sample(s.offset("SEMAPHORE_3"))
    poison = s.sample(s.offset("PSUM_POISON"))
    words = [s.read_psum(row, 2, WIDTH, np.uint32) for row in range(CONFIG.size)]
    log = host.play(s, max_cycles=20_000)
    assert not log[behind, 0]
    assert log[poison, 0] == (4 if type == "int8" else 0)
    for row, word in enumerate(words):
        count = (expected + 1 if row < m else 0) if row >= 3 else max(written, expected + 1)
        assert np.array_equal(word(log)[:count], model.psum[row, 2, :count])
    assert words[0](log)[expected] == (0x8000_0000 if type == "int8" else FP32_NAN)


def test_release_forgets_a_bank_and_its_poison(host):
    s = reset()
    for row in range(CONFIG.size):
        s.sbuf(row, 0, np.ones(64, np.int8))
    s.settle()
    load = {"type": "int8", "k": 1, "m": 1}
    multiply = {"type": "int8", "k": 1, "m": 1, "n": 2}
    s.push("tensor", "load_stationary", **load)
    for bank in (0, 1):
        s.push("tensor", "multiply_moving", **multiply, bank=bank)
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    s.push("activation", "activate", type="int8", m=1, n=1, bank=1, release=1, add_index=1,
           add_value=1)
    s.await_semaphore(1)
    s.push("tensor", "multiply_moving", **multiply, bank=0, accumulate=1)
    s.push("tensor", "multiply_moving", **multiply, bank=1, accumulate=1)
    await_error(s, "tensor", "unwritten", 5, WIDTH)
    s.poll(s.offset("PSUM_POISON"), 0xF, 2)
    s.push("activation", "activate", type="int8", m=1, n=1, bank=1, release=1, add_index=1,
           add_value=1)
    s.await_semaphore(1)
    s.poll(s.offset("PSUM_POISON"), 0xF, 0)
    host.play(s, max_cycles=20_000)


def test_a_reset_forgets_everything(host):
    s = reset()
    multiply = {"type": "int8", "k": 1, "m": 1, "n": 2}
    s.push("tensor", "load_stationary", type="int8", k=1, m=1)
    s.push("tensor", "multiply_moving", **multiply)
    s.push("tensor", "fence", add_index=1, add_value=1)
    s.await_semaphore(1)
    s.register(s.offset("COMMAND"), 2)
    s.push("tensor", "load_stationary", type="int8", k=1, m=1)
    s.push("tensor", "multiply_moving", **multiply, accumulate=1)
    await_error(s, "tensor", "unwritten", 1, 0)
    host.play(s, max_cycles=20_000)


@pytest.mark.parametrize("engine", ["tensor", "activation"])
def test_the_watchdog_names_engine_and_semaphore(host, engine):
    """Both engines wait for ever; with a limit, each says for what. The host can go on."""
    s = reset()
    other = {"tensor": "activation", "activation": "tensor"}[engine]
    s.register(s.offset("WATCHDOG"), 300)
    s.push(engine, "nop", add_index=4, add_value=1)
    s.push(engine, "nop", wait=1, wait_index=6, wait_value=2)
    s.push(other, "nop", add_index=5, add_value=1)
    s.await_semaphore(5)
    await_error(s, engine, "deadlock", 1, 6)
    error = s.sample(s.offset(f"{other.upper()}_ERROR"))
    s.register(s.offset("WATCHDOG"), 0)
    log = host.play(s, max_cycles=20_000)
    assert not log[error, 0]


WRONG = [
    ("tensor", "load_stationary", {"type": "int8", "k": 1, "m": 1, "address": 0xF0004}, "address",
     0xF0004),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 9, "destination": 4080}, "address",
     4080),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 9, "from_sbuf": 1, "address": 4088},
     "address", 4088),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 9, "bias": 1, "bias_address": 4},
     "address", 4),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 9, "bank": 3, "offset": 10}, "psum",
     3 * WIDTH + 10),
    ("activation", "activate", {"type": "int8", "m": 1, "n": 1, "stochastic": 1}, "type", 0),
    ("tensor", "nop", {"wait": 1, "wait_index": 9}, "semaphore", 9),
    ("tensor", "nop", {"add_value": 1, "add_index": 33}, "semaphore", 33),
    ("tensor", "load_stationary", {"type": 9, "k": 1, "m": 1, "address": 4}, "type", 0),
]


@pytest.mark.parametrize("engine, mnemonic, fields, cause, address", WRONG)
def test_an_error_says_where(host, engine, mnemonic, fields, cause, address):
    s = reset()
    s.push(engine, mnemonic, **fields)
    await_error(s, engine, cause, 0, address)
    host.play(s, max_cycles=5_000)
