# amaranth: UnusedElaboratable=no

"""What fails stops its queue pair, with the right cause, and nothing else."""

import pytest

from rtl.nitro_dma.encoding import Cause
from sw.drivers.dma import S2M
from tests.system.dma_configs import WIDE
from tests.system.dma_system import SINK, SOURCE, fixtures, start

STOPPED = 2
BURSTS = 4 * 256

model, idle = fixtures({"wide": WIDE}, seed=1)


def place(i, offset=0):
    """Source and sink of packet ``i``, 64 bytes of guard around the sink."""
    return (SOURCE + 2048 * i + offset, BURSTS), (SINK + 2048 * i + 64 + offset, BURSTS)


def copied(model, i, offset=0):
    (src, length), (dst, _) = place(i, offset)
    return model.read_memory(src, length) == model.read_memory(dst, length)


def check_failed(model, i, offset=0):
    """Every byte of a failed packet is the right one or untouched; the guards are untouched."""
    (src, length), (dst, _) = place(i, offset)
    for good, found in zip(model.read_memory(src, length), model.read_memory(dst, length),
                           strict=True):
        assert found in (good, 0xEE)
    guards = model.read_memory(dst - 64, 64) + model.read_memory(dst + length, 64)
    assert guards == b"\xee" * 128


def run_three(model, queue, offset=0):
    """Submit three packets at once; return the completions and the final STATE."""
    for i in range(3):
        queue.submit([place(i, offset)[0]], [place(i, offset)[1]], ring_doorbell=False)
    queue.doorbell(m2s=3, s2m=3)
    state = model.settle(queue)
    completions = []
    while (completion := queue.poll()) is not None:
        completions.append(completion)
    return completions, state


def check_stopped(model, queue, completions, state, cause, good=1, offset=0):
    """The packets before the failed one are whole, it has the cause, and nothing follows."""
    assert [c.cause for c in completions] == [Cause.NONE] * good + [cause]
    assert completions[-1].bytes == 0
    assert state & STOPPED and state >> 8 & 0xFF == cause
    for i in range(good):
        assert copied(model, i, offset)
    check_failed(model, good, offset)
    model.inject()
    queue.start()
    queue.submit([place(3)[0]], [place(3)[1]])
    assert queue.wait().bytes == BURSTS and copied(model, 3)


@pytest.mark.cocotb
@pytest.mark.parametrize("offset", [0, 5])
def test_dma_read_error_at_every_beat(model, offset):
    per_packet = BURSTS // 16 + (offset > 0)
    for beat in range(per_packet):
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        queue = start(model)
        model.inject(read=per_packet + beat)
        completions, state = run_three(model, queue, offset)
        check_stopped(model, queue, completions, state, Cause.READ_RESPONSE, offset=offset)
        dst = place(2, offset)[1][0]
        assert model.read_memory(dst, BURSTS) == b"\xee" * BURSTS, "a later packet was written"


@pytest.mark.cocotb
@pytest.mark.parametrize("kind, count", [("read", 64), ("write", 5)])
def test_dma_packet_that_fails_gets_nothing_that_it_asked_for(model, kind, count):
    """Wherever an error comes, the failed packet has no M2S completion and no interrupt but that
    of the error, whether its end was under way or not."""
    for beat in range(0, count, 3):
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        queue = start(model)
        model.inject(**{kind: count + beat})
        for i in range(3):
            queue.submit(*([buffer] for buffer in place(i)), interrupt=True, ring_doorbell=False)
        queue.doorbell(m2s=3, s2m=3)
        model.settle(queue)
        assert [queue.poll_m2s().bytes, queue.poll_m2s()] == [BURSTS, None]
        good, failed = queue.poll(), queue.poll()
        assert (good.cause, good.interrupt) == (Cause.NONE, True)
        assert failed.cause in (Cause.READ_RESPONSE, Cause.WRITE_RESPONSE) and not failed.interrupt
        assert queue.poll() is None


@pytest.mark.cocotb
def test_dma_write_error_at_every_burst(model):
    for burst in range(5):
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        queue = start(model)
        model.inject(write=5 + burst)       # 1024 bytes from an address of 64 modulo 256: 5 bursts
        completions, state = run_three(model, queue)
        check_stopped(model, queue, completions, state, Cause.WRITE_RESPONSE)


@pytest.mark.cocotb
def test_dma_fetch_error_at_every_descriptor(model):
    for beat in range(6):
        queue = start(model)
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        model.inject(fetch=beat)
        completions, state = run_three(model, queue)
        check_stopped(model, queue, completions, state, Cause.FETCH_RESPONSE, good=beat % 3)


@pytest.mark.cocotb
def test_dma_completion_error_stops(model):
    queue = start(model)
    model.inject(completion=1)
    _, state = run_three(model, queue)
    assert state & STOPPED and state >> 8 & 0xFF == Cause.COMPLETION_RESPONSE
    model.inject()
    queue.start()
    queue.submit([place(3)[0]], [place(3)[1]])
    assert queue.wait().bytes == BURSTS


MALFORMED = {
    "m2s ring id": ("m2s", {"ring_id": 2}, Cause.RING_ID),
    "s2m ring id": ("s2m", {"ring_id": 0}, Cause.RING_ID),
    "m2s meta": ("m2s", {"meta": 1}, Cause.META),
    "s2m meta": ("s2m", {"meta": 1}, Cause.META),
    "m2s reserved": ("m2s", {"reserved": 0x40}, Cause.RESERVED),
    "s2m reserved": ("s2m", {"reserved": 1}, Cause.RESERVED),
    "m2s concat": ("m2s", {"concat": 1}, Cause.RESERVED),
    "s2m barrier": ("s2m", {"barrier": 1}, Cause.RESERVED),
    "m2s tenant": ("m2s", {"tenant": 1}, Cause.TENANT),
    "s2m tenant": ("s2m", {"tenant": 0x8000}, Cause.TENANT),
    "m2s beyond": ("m2s", {"address": 1 << 40}, Cause.ADDRESS),
    "s2m end": ("s2m", {"address": (1 << 40) - 1023}, Cause.ADDRESS),
    "no first": ("m2s", {"first": 0}, Cause.FIRST),
    "too long": ("s2m", {"length": 1000}, Cause.OVERFLOW),
}


@pytest.mark.cocotb
@pytest.mark.parametrize("case", MALFORMED)
def test_dma_malformed_descriptor(model, case):
    half, change, cause = MALFORMED[case]
    queue = start(model)
    for i in range(3):
        (src, n), (dst, _) = place(i)
        fields = {"m2s": {"address": src, "length": n, "first": 1, "last": 1},
                  "s2m": {"address": dst, "length": n, "last": 1}}
        if i == 1:
            fields[half] |= change
        queue.put(queue.m2s, **fields["m2s"])
        queue.put(queue.s2m, **fields["s2m"])
    queue.doorbell(m2s=3, s2m=3)
    state = model.settle(queue)
    completions = []
    while (completion := queue.poll()) is not None:
        completions.append(completion)
    check_stopped(model, queue, completions, state, cause)


@pytest.mark.cocotb
def test_dma_packet_without_last(model):
    queue = start(model)
    (src, n), (dst, _) = place(0)
    queue.put(queue.m2s, address=src, length=n // 2, first=1)
    queue.put(queue.m2s, address=src, length=n // 2, first=1, last=1)
    queue.put(queue.s2m, address=dst, length=n)
    queue.doorbell(m2s=2, s2m=1)
    assert model.settle(queue) >> 8 & 0xFF == Cause.LAST
    assert queue.poll().cause == Cause.LAST
    check_failed(model, 0)


@pytest.mark.cocotb
@pytest.mark.parametrize("half", [0, S2M])
def test_dma_too_many_announced(model, half):
    queue = start(model)
    queue._write("TAIL_INC", queue.depth + 1, half)
    assert model.settle(queue) >> 8 & 0xFF == Cause.DOORBELL
    assert queue.poll().cause == Cause.DOORBELL


@pytest.mark.cocotb
def test_dma_error_leaves_other_queues_alone(model):
    queues = [start(model, i) for i in range(4)]
    model.inject(read=300)      # hits one of the four
    for i, queue in enumerate(queues):
        for j in range(3):
            src, dst = place(3 * i + j)
            queue.submit([src], [dst], ring_doorbell=False)
    for queue in queues:
        queue.doorbell(m2s=3, s2m=3)
    states = [model.settle(queue) for queue in queues]
    assert sum(bool(state & STOPPED) for state in states) == 1
    for i, (queue, state) in enumerate(zip(queues, states, strict=True)):
        completions = [queue.poll() for _ in range(3)]
        if state & STOPPED:
            assert state >> 8 & 0xFF == Cause.READ_RESPONSE
        else:
            assert [c.bytes for c in completions] == [BURSTS] * 3
            assert all(copied(model, 3 * i + j) for j in range(3))


@pytest.mark.cocotb
def test_dma_reset_at_every_cycle_of_a_packet(model):
    """Nothing is written after a reset is done, and the pair works again."""
    for delay in range(120):
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        queue = start(model)
        src, dst = place(0, 3)
        queue.submit([src, place(1)[0]], [dst, place(1)[1]])
        model.sim.tick(delay)
        queue._write("SW_CTRL", 1 << 8)
        assert any(not queue.state() & 4 for _ in range(10_000)), "the reset does not end"
        before = model.memory.copy()
        model.sim.tick(200)
        assert (model.memory == before).all(), f"reset after {delay}: a write after the drain"
        check_failed(model, 0, 3)
        queue.start()
        queue.submit([place(3)[0]], [place(3)[1]])
        assert queue.wait().bytes == BURSTS and copied(model, 3)


@pytest.mark.cocotb
def test_dma_disable_at_every_cycle_of_a_packet(model):
    """A disabled pair drains, then writes nothing; enabled again it ends what it had begun."""
    busy = 0
    for delay in range(120):
        model.memory[SINK - 64:SINK + 0x4000] = 0xEE
        queue = start(model)
        for i in range(2):
            src, dst = place(i, 3)
            queue.submit([(src[0], 500), (src[0] + 500, BURSTS - 500)], [dst],
                         ring_doorbell=False)
        queue.doorbell(m2s=4, s2m=2)
        model.sim.tick(delay)
        queue.disable()
        before = model.memory.copy()
        model.sim.tick(200)
        assert (model.memory == before).all(), f"disabled after {delay}: a write after the drain"
        busy += not (copied(model, 0, 3) and copied(model, 1, 3))
        queue.resume()
        assert [queue.wait().bytes for _ in range(2)] == [BURSTS] * 2
        assert copied(model, 0, 3) and copied(model, 1, 3)
    assert busy >= 8, "hardly ever disabled in the middle"
