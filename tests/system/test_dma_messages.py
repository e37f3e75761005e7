# amaranth: UnusedElaboratable=no

"""Interrupts that are messages: order, moderation, windows, errors."""

import pytest

from rtl.nitro_dma.encoding import Cause
from sw.drivers.dma import DmaManager, DmaQueue
from tests.system.dma_configs import WIDE
from tests.system.dma_system import ARENA, SINK, SOURCE, fixtures, start

model, idle = fixtures({"wide": WIDE}, seed=10)

INBOX = 0x60000


def messages(model, number=0, **options):
    """Return a pair that writes ``number + 1`` into its word of the inbox."""
    queue = DmaQueue(model.bus, queue=number, arena=ARENA + 0x2000 * number)
    queue.disable()
    queue.send_messages(INBOX + 4 * number, number + 1, **options)
    queue.enable_interrupts(m2s=True)
    queue.start()
    model.write_memory(INBOX, bytes(64))
    return queue


def word(model, number=0):
    return int.from_bytes(model.read_memory(INBOX + 4 * number, 4), "little")


def writes_of(model):
    return sum(request.write and request.address // 64 == INBOX // 64
               for request in model.requests())


@pytest.mark.cocotb
@pytest.mark.parametrize("stall", [0, 100])
def test_dma_message_comes_after_its_completion(model, stall):
    model.sim.set("stall", stall)
    queues = [messages(model, number) for number in range(4)]
    for number, queue in enumerate(queues):
        queue.submit([(SOURCE, 200)], [(SINK + 0x400 * number, 200)], interrupt=True)
    for number, queue in enumerate(queues):
        assert any(model.sim.tick() or word(model, number) for _ in range(5000))
        assert word(model, number) == number + 1
        assert queue.poll() is not None, "the message came before the completion"
        assert (model.read_memory(SINK + 0x400 * number, 200) == model.read_memory(SOURCE, 200))
    inbox = model.read_memory(INBOX, 32)
    assert inbox == b"".join(i.to_bytes(4, "little") for i in (1, 2, 3, 4)) + bytes(16)


@pytest.mark.cocotb
def test_dma_messages_are_moderated_by_count(model):
    """16 packets with an interrupt of each half: a message for 8 of them, and none too few."""
    queue = messages(model, count=8, cycles=60_000)
    for i in range(16):
        queue.submit([(SOURCE, 64)], [(SINK + 64 * i, 64)], interrupt=True)
        queue.wait()
        queue.poll_m2s()
    while queue.state() & 8 and writes_of(model) < 4:
        model.sim.tick(10)
    assert writes_of(model) == 4
    assert not queue.state() & 8


@pytest.mark.cocotb
def test_dma_message_waits_no_longer_than_it_may(model):
    queue = messages(model, count=100, cycles=700)
    queue.submit([(SOURCE, 64)], [(SINK, 64)], interrupt=True)
    queue.wait()
    begun = model.sim.cycles
    assert word(model) == 0
    assert any(model.sim.tick() or word(model) for _ in range(2000))
    assert 600 < model.sim.cycles - begun <= 720


@pytest.mark.cocotb
@pytest.mark.parametrize("how", ["disable", "reset", "error"])
def test_dma_drained_pair_owes_no_message(model, how):
    """A message that is being gathered is written before the pair counts as drained."""
    queue = messages(model, count=100, cycles=60_000)
    queue.submit([(SOURCE, 64)], [(SINK, 64)], interrupt=True)
    queue.wait()
    queue.poll_m2s()
    model.sim.tick(300)
    assert word(model) == 0
    if how == "disable":
        queue.disable()
    elif how == "reset":
        queue._write("SW_CTRL", 1 << 8)
        assert any(not queue.state() & 4 for _ in range(1000))
    else:
        queue._write("TAIL_INC", 1)
        queue._write("TAIL_INC", 1, 0x400)
        model.settle(queue)
    assert word(model) == 1
    count = writes_of(model)
    model.sim.tick(500)
    assert writes_of(model) == count == 1


@pytest.mark.cocotb
@pytest.mark.parametrize("denied", [True, False])
def test_dma_message_that_fails_stops_its_pair(model, denied):
    """Outside of the windows nothing is written; an error response is noticed, too."""
    other = messages(model, 1)
    queue = messages(model)
    if denied:
        queue.disable()
        DmaManager(model.bus).open_window(0, 0, INBOX)
        DmaManager(model.bus).open_window(1, SINK, 0x10000)
        queue.resume()
    else:
        model.inject(completion=2)      # the responses before are those of the two completions
    queue.submit([(SOURCE, 64)], [(SINK, 64)], interrupt=True)
    assert queue.wait().bytes == 64
    state = model.settle(queue)
    assert state >> 8 & 0xFF == (Cause.MESSAGE_WINDOW if denied else Cause.MESSAGE_RESPONSE)
    assert state & 2
    assert not denied or word(model) == 0
    model.inject()
    other.submit([(SOURCE, 64)], [(SINK + 0x100, 64)], interrupt=True)
    assert other.wait().bytes == 64
    model.settle(other)
    assert word(model, 1) == 2


@pytest.mark.cocotb
def test_dma_without_messages_only_the_level(model):
    queue = start(model)
    queue.enable_interrupts()
    model.write_memory(INBOX, bytes(64))
    queue.submit([(SOURCE, 64)], [(SINK, 64)], interrupt=True)
    model.sim.run(1000, until="irq")
    model.settle(queue)
    assert word(model) == 0


def test_dma_driver_refuses_impossible_messages():
    queue = DmaQueue(None, arena=0)
    with pytest.raises(ValueError, match="Messages are written to multiples of 4, not to 0x2"):
        queue.send_messages(2, 0)
    with pytest.raises(ValueError, match="Count must be from 1 to 127, not 128"):
        queue.send_messages(0, 0, count=128)
