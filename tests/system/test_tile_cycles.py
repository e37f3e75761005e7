"""The cost model of the tile agrees with the RTL to the cycle."""

import itertools
import random

import pytest

from rtl.matmul.encoding import TYPE_CLASS, Instruction, assemble
from sim.bfm.tile_harness import TileHost
from sim.models.matmul_cycles import count_cycles
from tests.system.tile_programs import QUEUES, SMALL, Session

START, DONE, FREE, HOST = range(4)
HELD = {"wait": 1, "consume": 1, "wait_index": START, "wait_value": 1}
AFTER = {"wait": 1, "consume": 1, "wait_index": DONE, "wait_value": 1}


@pytest.fixture(scope="module")
def host():
    return TileHost(SMALL)


def measure(host, programs):
    """Run programs one after the other; return SPAN and TENSOR_ACTIVE of each."""
    s = Session(SMALL)
    rows = []
    for tensor, activation in programs:
        s.register(s.offset("COMMAND"), 3)
        for engine, instructions in (("tensor", tensor), ("activation", activation)):
            for instruction in instructions:
                s.write(QUEUES[engine], assemble(instruction))
        s.settle()
        s.register(s.offset("SEMAPHORE_ADD"), START | 1 << 16)
        s.await_semaphore(HOST)
        rows.append([s.sample(s.offset(f"{name}_LO")) for name in ("SPAN", "TENSOR_ACTIVE")])
    log = host.play(s, max_cycles=5_000_000)
    return [tuple(int.from_bytes(log[row, :4].tobytes(), "little") for row in pair)
            for pair in rows]


def check(host, programs):
    measured = measure(host, programs)
    for (tensor, activation), got in zip(programs, measured, strict=True):
        count = count_cycles(tensor, activation, SMALL, start=START)
        assert (count.cycles, count.active) == got, [str(i) for i in (*tensor, *activation)]


def product(type, k, m, n, output="word"):
    """A load, a multiply, and what takes the result to SBUF."""
    return ([Instruction("nop", **HELD),
             Instruction("load_stationary", type=type, k=k, m=m),
             Instruction("multiply_moving", type=type, k=k, m=m, n=n, address=64, add_index=DONE,
                         add_value=1)],
            [Instruction("activate", type=type, output=output, m=m, n=n, destination=256, **AFTER,
                         add_index=HOST, add_value=1)])


@pytest.mark.parametrize("type", SMALL.types)
def test_every_legal_shape(host, type):
    """Every K, M and N that an instruction of a 4 x 4 array may have."""
    size = SMALL.size
    check(host, [product(type, *shape) for shape in itertools.product(
        range(1, size + 1), range(1, size + 1), range(1, 4 * size + 1))])


def random_program(rng, config=SMALL):
    """Up to as many instructions as the queues hold: loops, additions, all formats, conflicts."""
    tensor, activation = [Instruction("nop", **HELD)], []
    types = config.types
    loaded, written = None, False
    while len(tensor) < config.queue_depth - 2:
        type = rng.choice(types)
        if loaded is None or rng.random() < 0.4:
            tensor.append(Instruction("load_stationary", type=type, k=4, m=rng.randint(1, 4),
                                      address=8 * rng.randint(0, 30)))
            loaded = tensor[-1]
            continue
        kind = TYPE_CLASS[config.types[loaded["type"]]]
        type = rng.choice([name for name in types if TYPE_CLASS[name] == kind])
        n = rng.randint(1, 16)
        multiply = {"type": type, "k": 4, "m": loaded["m"], "n": n,
                    "address": 8 * rng.randint(0, 30)}
        if written and rng.random() < 0.3 and len(tensor) < config.queue_depth - 4:
            count = rng.randint(2, 4)
            tensor.append(Instruction("loop", n=count, k=1))
            multiply |= {"address_step": rng.randint(0, 3), "accumulate": 1, "fresh": 1}
        else:
            multiply["bank"] = rng.randint(0, 1)
            again = [i for i in tensor if i.mnemonic == "multiply_moving"
                     and (i["n"], i["bank"], i["m"]) >= (n, multiply["bank"], loaded["m"])
                     and i["bank"] == multiply["bank"] and i["m"] >= loaded["m"] and i["n"] >= n]
            multiply["accumulate"] = int(bool(again) and rng.random() < 0.7)
        tensor.append(Instruction("multiply_moving", **multiply))
        written = True
    tensor.append(Instruction("load_stationary", type="int8", k=4, m=4))
    tensor.append(Instruction("multiply_moving", type="int8", k=4, m=4, n=16, add_index=DONE,
                              add_value=1))
    # The first activation waits for a load's end, so that it meets the columns at the banks.
    first = next(i for i, item in enumerate(tensor) if item.mnemonic == "load_stationary")
    tensor[first] = Instruction("load_stationary", **(tensor[first].fields | {
        "add_index": FREE, "add_value": 1}))
    wait = {"wait": 1, "consume": 1, "wait_index": FREE, "wait_value": 1}
    for _ in range(rng.randint(1, 4)):
        from_sbuf = rng.randint(0, 1)
        n = rng.randint(1, 40 if from_sbuf else 16)
        type = rng.choice(types)
        output = rng.choice(["word", "int8"] if type == "int8"
                            else ["word", *(name for name in types if name != "int8")])
        activation.append(Instruction(
            "activate", type=type, output=output, m=4, n=n, from_sbuf=from_sbuf, bank=1,
            address=1024, destination=2048 + 8 * rng.randint(0, 20), bias=rng.randint(0, 1),
            bias_address=8 * rng.randint(0, 3), **wait))
        wait = {}
    activation.append(Instruction("activate", type="int8", output="word", m=4, n=16,
                                  destination=3072, **AFTER, add_index=HOST, add_value=1))
    return tensor, activation


@pytest.mark.parametrize("seed", range(4))
def test_random_programs(host, seed):
    rng = random.Random(seed)
    check(host, [random_program(rng) for _ in range(50)])
