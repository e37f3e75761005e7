"""Vector instructions in the tile, in Verilator: memories, cycles, errors, against the models."""

import numpy as np
import pytest

from rtl.matmul.encoding import ERROR_CAUSES, Instruction, assemble
from sim.bfm.tile_harness import TileHost
from tests.system.test_tile_cycles import DONE, FREE, HELD, HOST, check
from tests.system.tile_programs import QUEUES, SMALL, Session, clear_psum
from tests.system.vector_programs import VectorProgram


@pytest.fixture(scope="module")
def host():
    return TileHost(SMALL)


@pytest.mark.parametrize("seed", range(4))
def test_random_programs(host, seed):
    program = VectorProgram(SMALL, seed)
    clear_psum(host, program)
    program.fill()
    program.random(80)
    for instruction in program.instructions:
        program.script.write(QUEUES["activation"], assemble(instruction))
    program.hand_over("activation")
    sbuf, _ = program.memories(host)
    assert np.array_equal(sbuf, program.state.sbuf), f"seed {seed}"


def test_loop_transposes_a_matrix(host):
    """A matrix of 4 x 12 words, in three steps of a loop."""
    program = VectorProgram(SMALL, 9)
    program.fill()
    program.execute("activation", [
        Instruction("loop", n=3, k=1),
        Instruction("transpose", element="word", k=4, m=4, address=64, destination=2048,
                    address_step=2, destination_step=2)])
    program.hand_over("activation")
    source = program.state.sbuf[:, 64:112].copy().view(np.uint32)
    want = np.concatenate([source[:, 4 * i:4 * i + 4].T for i in range(3)], axis=1)
    assert np.array_equal(program.state.sbuf[:, 2048:2096].copy().view(np.uint32), want)
    sbuf, _ = program.memories(host)
    assert np.array_equal(sbuf, program.state.sbuf)


def test_cycles_equal_the_cost_model(host):
    """Beside multiplies that take SBUF banks: few enough instructions for the queues."""
    programs = []
    wait = {"wait": 1, "consume": 1, "wait_index": FREE, "wait_value": 1}
    for seed in range(60):
        program = VectorProgram(SMALL, seed)
        program.random(3)
        first, *rest = program.instructions[:6]
        activation = [Instruction(first.mnemonic, **first.fields, **wait), *rest]
        activation.append(Instruction("activate", type="int8", output="word", m=4, n=16,
                                      destination=3072, wait=1, consume=1, wait_index=DONE,
                                      wait_value=1, add_index=HOST, add_value=1))
        rng = program.rng
        type = program.choice(("int8", "bf16"))
        tensor = [Instruction("nop", **HELD),
                  Instruction("load_stationary", type=type, k=4, m=4, add_index=FREE, add_value=1),
                  Instruction("loop", n=int(rng.integers(1, 12)), k=2),
                  Instruction("load_stationary", type=type, k=4, m=4, address_step=1),
                  Instruction("multiply_moving", type=type, k=4, m=4, n=int(rng.integers(1, 16)),
                              address=8 * int(rng.integers(0, 9)), address_step=1),
                  Instruction("multiply_moving", type=type, k=4, m=4, n=16, add_index=DONE,
                              add_value=1)]
        programs.append((tensor, activation))
    check(host, programs)


WRONG = [
    ("tensor_tensor", {"operation": 10, "m": 1, "n": 1}, "opcode", 0),
    ("tensor_tensor", {"output": "bf16", "m": 1, "n": 1}, "type", 0),
    ("tensor_tensor", {"type": "fp16", "output": "fp16", "m": 1, "n": 1}, "type", 0),
    ("tensor_tensor", {"output": "word", "m": 5, "n": 1}, "size", 0),
    ("tensor_tensor", {"output": "word", "m": 1, "n": 3, "operation": "add",
                       "bias_address": 4088}, "address", 4088),
    ("tensor_tensor", {"output": "word", "m": 1, "n": 1, "address": 2}, "address", 2),
    ("memset", {"element": "half", "m": 1, "n": 9, "destination": 4080}, "address", 4080),
    ("memset", {"element": "half", "m": 1, "n": 1, "destination": 7}, "address", 7),
    ("memset", {"element": 3, "m": 1, "n": 1}, "type", 0),
    ("memset", {"m": 1}, "size", 0),
    ("transpose", {"element": "word", "k": 5, "m": 1}, "size", 0),
    ("transpose", {"element": "word", "k": 1, "m": 3, "address": 4092}, "address", 4092),
    ("pattern", {"slot": 3}, "size", 0),
]


@pytest.mark.parametrize("mnemonic, fields, cause, address", WRONG)
def test_wrong_instructions_stop_their_queue(host, mnemonic, fields, cause, address):
    s = Session(SMALL)
    s.register(s.offset("COMMAND"), 2)
    s.push("activation", "nop")
    s.push("activation", mnemonic, **fields)
    s.poll(s.offset("ACTIVATION_ERROR"), 0xFFFF_FFFF, ERROR_CAUSES[cause][0] | 1 << 8)
    s.poll(s.offset("ACTIVATION_ERROR_ADDRESS"), 0xFFFF_FFFF, address)
    s.register(s.offset("COMMAND"), 2)
    host.play(s, max_cycles=5_000)


@pytest.mark.parametrize("slot, fields, address", [
    ("source", {"address": 4096 - 8, "patterns": 1}, 4096),
    ("other", {"bias_address": 0, "patterns": 2, "stride": -1}, 0xFF_FFFC),
    ("destination", {"destination": 4080, "patterns": 4, "stride": 3}, 4104)])
def test_pattern_that_leaves_the_sbuf(host, slot, fields, address):
    """The engine stops at the element, and goes on after a reset."""
    fields = dict(fields)
    stride = fields.pop("stride", 1)
    s = Session(SMALL)
    s.register(s.offset("COMMAND"), 2)
    s.push("activation", "pattern", slot=slot, count0=100, stride0=stride)
    s.push("activation", "tensor_tensor", operation="add", type="int8", output="word", m=4, n=20,
           **fields)
    s.push("activation", "nop", add_index=HOST, add_value=1)
    s.poll(s.offset("ACTIVATION_ERROR"), 0xFFFF_FFFF, ERROR_CAUSES["address"][0] | 1 << 8)
    s.poll(s.offset("ACTIVATION_ERROR_ADDRESS"), 0xFFFF_FFFF, address)
    s.poll(s.offset(f"SEMAPHORE_{HOST}"), 0xFFFF, 0)
    s.register(s.offset("COMMAND"), 2)
    s.push("activation", "nop", add_index=HOST, add_value=1)
    s.await_semaphore(HOST)
    host.play(s, max_cycles=5_000)
