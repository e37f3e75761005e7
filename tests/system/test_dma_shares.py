# amaranth: UnusedElaboratable=no

"""Weights and rate limits, by the order of the requests on the bus."""

import random

import pytest

from rtl.nitro_dma.service import RATE_CYCLES, quantum
from sim.bench_dma import bench_config
from sim.dma import DmaModel
from sim.dma_cases import DmaCase
from sw.drivers.dma import DmaBus, DmaManager, DmaQueue, Strided

# Descriptors have a port of their own: they never wait, so that pairs always have work.
CONFIG = bench_config(DmaCase(queues=4))
BEAT = CONFIG.data_width // 8
ARENA, SOURCE, SINK = 0x10000, 0x40000, 0xA0000
DEPTH = 512


@pytest.fixture(scope="module")
def model():
    model = DmaModel(CONFIG, bytes=1 << 22)
    yield model
    model.close()


def start(model, number, **service):
    manager = DmaManager(model.bus, number)
    manager.own(number + 1)
    manager.serve(**service)
    queue = DmaQueue(model.bus, queue=number, depth=DEPTH, tenant=number + 1,
                     arena=ARENA + number * DmaQueue.arena_bytes(DEPTH))
    queue.start()
    return queue


def drain(model, queues):
    while any(queue.state() & 8 for queue in queues):
        model.sim.tick(100)


@pytest.mark.cocotb
@pytest.mark.parametrize("rows", [False, True], ids=["descriptors", "rows"])
@pytest.mark.parametrize("weights", [(1, 2, 4, 8), (16, 1, 1, 3), (1, 1, 1, 1)])
def test_dma_shares_follow_the_weights(model, weights, rows):
    """From when all have work, bytes by share differ by two rounds and what is owed at most.

    In k rounds a pair moves at least k shares less what it owed before and one that is not used up
    yet, and at most k shares, one that it had, and what it owes. Sizes differ from pair to pair.
    """
    model.reset()
    rng = random.Random(weights[0])
    queues = [start(model, i, weight=weight) for i, weight in enumerate(weights)]
    longest = [1000, 6000, 700, 6000]
    total = [0] * 4
    for number, queue in enumerate(queues):
        for _ in range(DEPTH // (2 if rows else 1)):
            length = rng.randrange(longest[number] // 2, longest[number])
            count = (40 if number == 0 else 3) if rows else 1
            total[number] += count * length
            if rows:
                queue.submit([Strided(SOURCE + 16 * number, length, [(count, 128)])],
                             [(SINK + 0x10000 * number, length * count)],
                             ring_doorbell=False)
            else:
                queue.submit([(SOURCE + rng.randrange(100), length)],
                             [(SINK + 0x8000 * number, length)], ring_doorbell=False)
    for queue in queues:
        queue.doorbell(m2s=0, s2m=queue.s2m.count)
    for queue in queues:
        queue.doorbell(m2s=queue.m2s.count, s2m=0)
    model.sim.tick(50_000)
    reads = [(request.tenant - 1, request.length) for request in model.requests()
             if not request.write and SOURCE <= request.address < SINK]
    assert {number for number, _ in reads} == {0, 1, 2, 3}
    # From when all have begun.
    begin = max(next(i for i, (owner, _) in enumerate(reads) if owner == number)
                for number in range(4))
    bytes_of = [0] * 4
    share = [weight * quantum(CONFIG) for weight in weights]
    # Beats at the edges are read in full. Of rows, one more is started before the last one counts.
    owed = [(1 + rows) * (longest[i] + 4 * BEAT) / share[i] for i in range(4)]
    rounds = 0
    for owner, length in reads[begin:]:
        bytes_of[owner] += length
        done = [bytes_of[i] / share[i] for i in range(4)]
        rounds = min(done)
        for i in range(4):
            for j in range(4):
                assert done[i] - done[j] <= 2 + owed[i] + owed[j], (
                    f"queue {i} has had {done[i]:.2f} rounds, queue {j} {done[j]:.2f}")
    print(f"weights {weights}: {rounds:.1f} rounds, bytes {bytes_of}")
    assert rounds > 1
    assert all(some < most for some, most in zip(bytes_of, total, strict=True)), "one ran out"


@pytest.mark.cocotb
@pytest.mark.parametrize("rate, burst, size", [(64, 512, 100), (1000, 3000, 700), (100, 1, 4000)])
def test_dma_rate_is_kept_and_reached(model, rate, burst, size):
    """The bytes of a time lie within one addition and one descriptor of the rate."""
    model.reset()
    count = 20
    queue = start(model, 1, rate=rate, burst=burst)
    model.sim.tick(RATE_CYCLES * (burst // rate + 2))       # until no more is saved up
    for i in range(count):
        queue.submit([(SOURCE, size)], [(SINK + 4096 * i, size)], ring_doorbell=False)
    queue.doorbell(m2s=count, s2m=count)
    drain(model, [queue])
    assert all(queue.wait(1).bytes == size for _ in range(count))
    cycles = model.sim.get("r_last") - model.sim.get("r_first") + 1
    total = count * size
    # The last descriptor starts when what is before it is paid for.
    paid = total - size - burst
    assert cycles >= (paid / rate - 1) * RATE_CYCLES
    assert cycles <= (paid / rate + 2) * RATE_CYCLES + 200 + 2 * size // BEAT


@pytest.mark.cocotb
def test_dma_rate_of_one_costs_the_others_nothing(model):
    """Three pairs fill the bus beside one that may do almost nothing."""
    model.reset()
    slow = start(model, 0, rate=1, burst=64)
    others = [start(model, number) for number in (1, 2, 3)]
    for queue in (slow, *others):
        for i in range(60):
            queue.submit([(SOURCE, 1024)], [(SINK + 1024 * i, 1024)], ring_doorbell=False)
        queue.doorbell(m2s=60, s2m=60)
    model.sim.tick(100)
    while any(queue.state() & 8 for queue in others):
        model.sim.tick(100)
    cycles = model.sim.get("r_last") - model.sim.get("r_first") + 1
    assert 180 * 1024 / BEAT / cycles > 0.95
    assert slow.state() & 8, "work that waits for tokens is work under way"
    slow._write("SW_CTRL", 1 << 8)
    assert any(not slow.state() & 4 for _ in range(10_000)), "the reset does not end"


def test_dma_driver_refuses_impossible_service():
    manager = DmaManager(DmaBus(*4 * [print]))
    for service, message in (({"weight": 17}, "Weight must be from 1 to 16, not 17"),
                             ({"weight": 0}, "Weight must be from 1 to 16, not 0"),
                             ({"rate": 65536}, "Rate must be from 0 to 65535, not 65536"),
                             ({"burst": 0}, "Burst must be from 1 to 65535, not 0")):
        with pytest.raises(ValueError, match=message):
            manager.serve(**service)
