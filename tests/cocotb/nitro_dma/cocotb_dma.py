"""cocotb: the engine against cocotbext-axi as memory and as manager of the registers."""

import itertools
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiSlave, MemoryRegion

from rtl.nitro_dma.encoding import Cause
from sim.models.dma import Memory, QueueModel, Ring
from sw.drivers.dma import DmaBus, DmaError, DmaManager, DmaQueue

BYTES = 1 << 18
ARENA, SOURCE, SINK, BAD = 0x1000, 0x4000, 0x20000, 0x3F000
DEPTH = 16


class FaultyRegion(MemoryRegion):
    """Memory whose last page answers every access with an error."""

    async def _read(self, address, length, **kwargs):
        if address >= BAD:
            raise ValueError("faulty page")
        return await super()._read(address, length, **kwargs)

    async def _write(self, address, data, **kwargs):
        if address >= BAD:
            raise ValueError("faulty page")
        await super()._write(address, data, **kwargs)


class Bench:
    """Engine, memory, registers and the host driver's bus."""

    def __init__(self, dut):
        self.dut = dut
        self.region = FaultyRegion(BYTES)
        prefixes = ["m_axi", *(["m_axi_desc"] if hasattr(dut, "m_axi_desc__araddr") else [])]
        self.slaves = [AxiSlave(AxiBus.from_prefix(dut, prefix, bus_separator="__"), dut.clk,
                                dut.rst, target=self.region) for prefix in prefixes]
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil", bus_separator="__"),
                                       dut.clk, dut.rst)
        self.bus = DmaBus(self.read, self.write, resume(self.registers.read_dword),
                          resume(self.registers.write_dword))

    def read(self, address, length):
        return self.region.mem[address:address + length]

    def write(self, address, payload):
        self.region.mem[address:address + len(payload)] = payload

    async def start(self, pause):
        Clock(self.dut.clk, 10, "ns").start()
        if pause:
            rng = random.Random(pause)
            for slave in self.slaves:
                writes, reads = slave.write_if, slave.read_if
                for channel in (writes.aw_channel, writes.w_channel, writes.b_channel,
                                reads.ar_channel, reads.r_channel):
                    channel.set_pause_generator(rng.random() < pause for _ in itertools.count())
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 4)


def golden(queue, image):
    rings = (queue.m2s, queue.s2m, queue.m2s_done, queue.s2m_done)
    return QueueModel(Memory(bytearray(image)), *(Ring(ring.base, ring.depth) for ring in rings),
                      fails=lambda kind, address, length: address + length > BAD)


def split(rng, total):
    cuts = sorted(rng.sample(range(1, total), min(rng.randrange(4), total - 1)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]


def start(bench, depth=DEPTH):
    """Open all of memory to the pair and start it."""
    DmaManager(bench.bus).open_window(0, 0, BYTES)
    queue = DmaQueue(bench.bus, arena=ARENA, depth=depth)
    queue.start()
    return queue


def exercise(bench, seed, packets):
    """Run random packets, in the thread of the driver, and compare all of memory."""
    rng = random.Random(seed)
    bench.write(0, rng.randbytes(BYTES))
    queue = start(bench)
    model = golden(queue, bench.read(0, BYTES))
    sink = SINK
    for _ in range(packets):
        total = rng.choice((rng.randrange(1, 40), rng.randrange(1, 900)))
        sources = [(rng.randrange(SOURCE, SINK - n), n) for n in split(rng, total)]
        destinations = []
        for n in split(rng, total):
            destinations.append((sink, n))
            sink += n + rng.randrange(3)
        queue.submit(sources, destinations, interrupt=rng.random() < 0.3)
        model.memory.data[:SOURCE] = bench.read(0, SOURCE)
        model.doorbell(m2s=len(sources), s2m=len(destinations))
        model.run()
        assert queue.wait().bytes == total
    while queue.state() & 8:
        pass
    assert bench.read(0, BYTES) == bytes(model.memory.data)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(pause=[0, 0.3, 0.7])
async def copies_random_packets(dut, pause):
    """Random lengths, alignments and numbers of buffers; rings wrap several times."""
    bench = Bench(dut)
    await bench.start(pause)
    await bridge(exercise)(bench, seed=int(os.environ["COCOTB_RANDOM_SEED"]), packets=40)


def fail_and_recover(bench, source, sink, cause):
    rng = random.Random(4)
    bench.write(0, rng.randbytes(BYTES))
    queue = start(bench)
    queue.submit([(SOURCE, 200)], [(SINK + 512, 200)])
    assert queue.wait().bytes == 200
    queue.submit([(source, 300)], [(sink, 300)])
    try:
        queue.wait()
    except DmaError as error:
        assert error.cause == cause
    else:
        raise AssertionError("no error")
    while queue.state() & 8:
        pass
    assert queue.state() >> 8 == cause and queue.state() & 2
    assert bench.read(SINK + 512, 200) == bench.read(SOURCE, 200)
    queue.start()
    queue.submit([(SOURCE, 300)], [(SINK, 300)])
    assert queue.wait().bytes == 300
    assert bench.read(SINK, 300) == bench.read(SOURCE, 300)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=["read", "write", "both"])
async def stops_at_an_error_response(dut, case):
    """A response other than OKAY stops the pair with its cause; a reset starts it again."""
    bench = Bench(dut)
    await bench.start(0.2)
    source = SOURCE if case == "write" else BAD - 100
    sink = SINK if case == "read" else BAD - 40
    cause = Cause.WRITE_RESPONSE if case == "write" else Cause.READ_RESPONSE
    await bridge(fail_and_recover)(bench, source, sink, cause)


def stale_descriptor(bench):
    queue = start(bench, depth=4)
    for _ in range(4):
        queue.submit([(SOURCE, 16)], [(SINK, 16)])
        assert queue.wait().bytes == 16
    queue.doorbell(m2s=1, s2m=1)        # the descriptors of the first pass, with their ring id
    try:
        queue.wait()
    except DmaError as error:
        assert error.cause == Cause.RING_ID
    else:
        raise AssertionError("no error")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def refuses_a_stale_descriptor(dut):
    """Descriptors of the ring's last pass are not executed again."""
    bench = Bench(dut)
    await bench.start(0)
    await bridge(stale_descriptor)(bench)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def refuses_unmapped_registers(dut):
    """A page or an offset without a register answers SLVERR, and the next access works."""
    bench = Bench(dut)
    await bench.start(0)
    for address in (0x100, 0x70000, 0xFF000, 0x1FFC):
        assert (await bench.registers.read(address, 4)).resp == 2
        assert (await bench.registers.write(address, bytes(4))).resp == 2
        assert (await bench.registers.read(0, 4)).resp == 0
