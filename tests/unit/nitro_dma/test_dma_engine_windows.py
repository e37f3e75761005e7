# amaranth: UnusedElaboratable=no

"""The whole engine, small, in Amaranth's simulator: bursts that no window allows."""

import random

import pytest

from rtl.config import DmaConfig
from rtl.nitro_dma.encoding import COMPLETION, DESCRIPTOR, Cause, pack, unpack
from rtl.nitro_dma.engine import NitroDma
from rtl.nitro_dma.registers import MANAGER, MANAGER_PAGE, PAGE_BYTES, QUEUE, QUEUE_PAGE
from sim.models.dma import Window
from tests.helpers import simulate

CONFIG = DmaConfig(queues=2, addr_width=32, data_width=64, buffer_bytes=256, max_burst=8,
                   outstanding=4, packets=4, prefetch=8, id_width=1)
PAGE, STEP, DEPTH = 4096, 0x8000, 4
ARENA, SOURCE, SINK = 0x1000, 0x2000, 0x5000      # of queue 0; those of queue 1 lie STEP further on
DONE = 0x80
RINGS = {"m2s": 0x00, "s2m": 0x40}


class Bus:
    """Memory behind the engine's port: in order, three cycles late, one beat a cycle."""

    def __init__(self, dut):
        self.axi = dut.m_axi
        self.bytes = bytearray(random.Random(1).randbytes(2 * STEP))
        self.requests = []      # (write, address, beats, user)

    async def serve(self, ctx):
        axi = self.axi
        beats, writes, answers, now = [], [], [], 0
        ctx.set(axi.arready, 1)
        ctx.set(axi.awready, 1)
        while True:
            ready = bool(beats) and beats[0][0] <= now
            ctx.set(axi.rvalid, ready)
            if ready:
                _, address, tag, last = beats[0]
                ctx.set(axi.rdata, int.from_bytes(self.bytes[address:address + 8], "little"))
                ctx.set(axi.rid, tag)
                ctx.set(axi.rlast, last)
            answer = bool(answers) and answers[0][0] <= now
            ctx.set(axi.bvalid, answer)
            if answer:
                ctx.set(axi.bid, answers[0][1])
            ctx.set(axi.wready, bool(writes))
            if ready and ctx.get(axi.rready):
                beats.pop(0)
            if answer and ctx.get(axi.bready):
                answers.pop(0)
            if writes and ctx.get(axi.wvalid):
                self._beat(ctx, writes, answers, now)
            if ctx.get(axi.arvalid):
                self._request(ctx, "ar")
                address, count, tag = ctx.get(axi.araddr), ctx.get(axi.arlen) + 1, ctx.get(axi.arid)
                beats += [(now + 3, (address & ~7) + 8 * i, tag, i == count - 1)
                          for i in range(count)]
            if ctx.get(axi.awvalid):
                self._request(ctx, "aw")
                writes.append([ctx.get(axi.awaddr) & ~7, ctx.get(axi.awid)])
            await ctx.tick()
            now += 1

    def _request(self, ctx, channel):
        address, length, user = (ctx.get(getattr(self.axi, channel + name))
                                 for name in ("addr", "len", "user"))
        self.requests.append((channel == "aw", address, length + 1, user))

    def _beat(self, ctx, writes, answers, now):
        address, tag = writes[0]
        data, strobes = ctx.get(self.axi.wdata).to_bytes(8, "little"), ctx.get(self.axi.wstrb)
        for i in range(8):
            if strobes >> i & 1:
                self.bytes[address + i] = data[i]
        writes[0][0] += 8
        if ctx.get(self.axi.wlast):
            writes.pop(0)
            answers.append((now + 3, tag))


class Software:
    """Registers and rings of one queue pair, and what its manager has decided."""

    def __init__(self, dut, bus, queue, windows):
        self.bus, self.axil, self.queue, self.windows = bus, dut.s_axil, queue, windows
        self.tenant = 0x70 + queue
        self.base = STEP * queue
        self.count = 0

    async def write(self, ctx, offset, value):
        axil = self.axil
        for name, port in (("awaddr", offset), ("wdata", value), ("wstrb", 15), ("awvalid", 1),
                           ("wvalid", 1), ("bready", 1)):
            ctx.set(getattr(axil, name), port)
        await ctx.tick().until(axil.awready)
        ctx.set(axil.awvalid, 0)
        ctx.set(axil.wvalid, 0)
        resp, = await ctx.tick().sample(axil.bresp).until(axil.bvalid)
        assert resp.value == 0, f"Write of register {offset:#x} was refused"

    async def read(self, ctx, offset):
        axil = self.axil
        ctx.set(axil.araddr, offset)
        ctx.set(axil.arvalid, 1)
        ctx.set(axil.rready, 1)
        await ctx.tick().until(axil.arready)
        ctx.set(axil.arvalid, 0)
        value, = await ctx.tick().sample(axil.rdata).until(axil.rvalid)
        return value

    async def queue_write(self, ctx, name, value):
        await self.write(ctx, QUEUE_PAGE + PAGE_BYTES * self.queue + QUEUE.register(name).offset,
                         value)

    async def state(self, ctx):
        return await self.read(ctx, QUEUE_PAGE + PAGE_BYTES * self.queue
                               + QUEUE.register("STATE").offset)

    async def start(self, ctx, windows=None):
        """Reset the pair, open its windows and enable it."""
        self.windows = self.windows if windows is None else windows
        self.count = 0
        for half in ("M2S", "S2M"):
            await self.queue_write(ctx, f"{half}_CFG", 0)
        await self.queue_write(ctx, "SW_CTRL", 1 << 8)
        await self.settle(ctx, flag=4)
        page = MANAGER_PAGE + PAGE_BYTES * self.queue
        await self.write(ctx, page + MANAGER.register("TENANT").offset, self.tenant)
        for number, window in enumerate(self.windows):
            for name, value in (("BASE_LO", window.base), ("LIMIT_LO", window.limit),
                                ("ACCESS", window.read | window.write << 1)):
                register = MANAGER.register(f"WINDOW{number}_{name}")
                await self.write(ctx, page + register.offset, value)
        arena = self.base + ARENA
        self.bus.bytes[arena:arena + PAGE] = bytes(PAGE)
        for half, offset in RINGS.items():
            for name, value in (("RING_BASE_LO", arena + offset), ("RING_LENGTH", DEPTH),
                                ("COMP_BASE_LO", arena + DONE + offset)):
                await self.queue_write(ctx, f"{half.upper()}_{name}", value)
        for half in ("M2S", "S2M"):
            await self.queue_write(ctx, f"{half}_CFG", 3 << 16)

    async def copy(self, ctx, length, source=SOURCE, sink=SINK):
        """Announce a copy."""
        for half, address in (("m2s", source), ("s2m", sink)):
            place = self.base + ARENA + RINGS[half] + 16 * self.count
            self.bus.bytes[place:place + 16] = pack(
                DESCRIPTOR, length=length, address=self.base + address, ring_id=1, first=1, last=1,
                tenant=self.tenant)
        self.count += 1
        for half in ("S2M", "M2S"):
            await self.queue_write(ctx, f"{half}_TAIL_INC", 1)

    async def settle(self, ctx, flag=8):
        """Wait until a flag of STATE is 0, by default `busy`; return STATE."""
        for _ in range(300):
            state = await self.state(ctx)
            if not state & flag:
                return state
        raise AssertionError(f"Queue {self.queue} does not settle: STATE {state:#x}")

    def completion(self, number):
        place = self.base + ARENA + DONE + RINGS["s2m"] + 16 * number
        return unpack(COMPLETION, bytes(self.bus.bytes[place:place + 16]))

    def copied(self, length, source=SOURCE, sink=SINK):
        image = self.bus.bytes
        return (image[self.base + source:self.base + source + length]
                == image[self.base + sink:self.base + sink + length])


def pages(base, count=1, **access):
    return Window(base, base + PAGE * count - 1, **access)


OPEN = [pages(ARENA), pages(SOURCE, 2), pages(SINK, 2)]

# Windows, and where a copy of 200 bytes comes from and goes to; the cause; bytes written of it.
CASES = {
    "read":        ([OPEN[0], pages(SOURCE, 2, read=False), OPEN[2]], {}, Cause.READ_WINDOW, 0),
    "write":       ([OPEN[0], OPEN[1], pages(SINK, 2, write=False)], {}, Cause.WRITE_WINDOW, 0),
    "descriptors": ([pages(ARENA, read=False), *OPEN[1:]], {}, Cause.FETCH_WINDOW, 0),
    "completions": ([pages(ARENA, write=False), *OPEN[1:]], {}, Cause.COMPLETION_WINDOW, 200),
    "nothing":     ([], {}, Cause.FETCH_WINDOW, 0),
    "read on":     ([OPEN[0], pages(SOURCE), OPEN[2]], {"source": SOURCE + PAGE - 64},
                    Cause.READ_WINDOW, None),
    "write on":    ([OPEN[0], OPEN[1], pages(SINK)], {"sink": SINK + PAGE - 64},
                    Cause.WRITE_WINDOW, 64),
    "write askew": ([OPEN[0], OPEN[1], pages(SINK)],
                    {"sink": SINK + PAGE - 61, "source": SOURCE + 6}, Cause.WRITE_WINDOW, 61),
}


@pytest.mark.parametrize("case", CASES)
def test_dma_engine_denies(case):
    """The pair stops with its cause; another pair's copy is right; opened, the pair runs."""
    windows, place, cause, written = CASES[case]
    dut = NitroDma(CONFIG)
    bus = Bus(dut)
    bad = Software(dut, bus, 0, windows)
    good = Software(dut, bus, 1, [pages(STEP, STEP // PAGE)])

    async def testbench(ctx):
        await bad.start(ctx)
        await good.start(ctx)
        before = bytes(bus.bytes)
        await bad.copy(ctx, 200, **place)
        await good.copy(ctx, 300, sink=SINK + 3)
        await good.copy(ctx, 100, sink=SINK + 1000)
        state = await bad.settle(ctx)
        assert state & 2 and state >> 8 & 0xFF == cause
        if cause != Cause.COMPLETION_WINDOW and windows:
            completion = bad.completion(0)
            assert (completion["cause"], completion["error"]) == (cause, 1)
        sink, source = place.get("sink", SINK), place.get("source", SOURCE)
        if written is not None:
            assert bus.bytes[sink:sink + written] == before[source:source + written]
            assert bus.bytes[sink + written:sink + 300] == before[sink + written:sink + 300]
        assert await good.settle(ctx) & 2 == 0
        assert good.copied(300, sink=SINK + 3) and good.copied(100, sink=SINK + 1000)
        check(bus, bad, good)

        await bad.start(ctx, OPEN)
        await bad.copy(ctx, 200)
        assert await bad.settle(ctx) & 2 == 0
        assert bad.completion(0)["bytes"] == 200 and bad.copied(200)

    def check(bus, *pairs):
        for write, address, beats, user in bus.requests:
            owner, = (pair for pair in pairs if pair.tenant == user)
            page = address // PAGE * PAGE
            assert address + 8 * beats <= page + PAGE
            assert any(window.allows(page, write=write) for window in owner.windows), hex(address)
        assert {user for *_, user in bus.requests} >= {good.tenant}

    simulate(dut, testbench, processes=[bus.serve])
