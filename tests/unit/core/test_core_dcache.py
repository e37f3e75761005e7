# amaranth: UnusedElaboratable=no

"""The data cache, driven as the pipeline does: the next access is looked up during each access."""

import random

import pytest

from rtl.core.dcache import DataCache, Maintenance
from rtl.core.replacement import Replacement
from tests.helpers import simulate
from tests.unit.core.axi_peer import AxiPeer

MEMORY_BYTES = 0x1_0000
LIMIT = 2000


def cache(*, cache_bytes=1024, ways=1, bus_width=128):
    return DataCache(addr_width=32, bus_width=bus_width, cache_bytes=cache_bytes, ways=ways)


class Pipeline:
    """Makes accesses one behind the other, and those that missed again.

    An access is ``(address, None)``, a load of a row, or ``(address, (data, strobe))``. Evicted
    rows go straight into ``memory``, so that the store queue is always empty.
    """

    def __init__(self, dut, memory):
        self.dut = dut
        self.memory = memory
        self.row_bytes = dut.bus_width // 8
        self.cycles = 0

    def _evict(self, ctx):
        request = self.dut.evicted.payload
        if ctx.get(self.dut.evicted.valid):
            addr, value = ctx.get(request.addr), ctx.get(request.data)
            self.memory[addr:addr + self.row_bytes] = value.to_bytes(self.row_bytes, "little")

    async def tick(self, ctx):
        self._evict(ctx)
        self.cycles += 1
        assert self.cycles < LIMIT, "An access never ended"
        await ctx.tick()

    async def run(self, ctx, accesses):
        """Make all accesses; return the rows that loads found and the cycles it took."""
        dut, rows, done, self.cycles = self.dut, [], 0, 0
        ctx.set(dut.empty, 1)
        ctx.set(dut.evicted.ready, 1)
        ctx.set(dut.lookup, 1)
        while done < len(accesses):
            # As after a miss: the pipeline begins anew with this access.
            ctx.set(dut.lookup_addr, accesses[done][0])
            ctx.set(dut.lookup_write, accesses[done][1] is not None)
            ctx.set(dut.lookup, 1)
            await self.tick(ctx)
            missed = False
            while done < len(accesses) and not missed:
                addr, write = accesses[done]
                following, store = accesses[done + 1] if done + 1 < len(accesses) else (0, None)
                ctx.set(dut.addr, addr)
                ctx.set(dut.request, 1)
                ctx.set(dut.stays, 1)
                ctx.set(dut.write, write is not None)
                if write is not None:
                    ctx.set(dut.data, write[0])
                    ctx.set(dut.strobe, write[1])
                ctx.set(dut.lookup_addr, following)
                ctx.set(dut.lookup_write, store is not None)
                ready = ctx.get(dut.ready)
                ctx.set(dut.lookup, ready)
                row = ctx.get(dut.row)
                await self.tick(ctx)
                missed = ctx.get(dut.missed)
                if ready and not missed:
                    done += 1
                    if write is None:
                        rows.append(row)
            ctx.set(dut.request, 0)
            ctx.set(dut.stays, 0)
            ctx.set(dut.lookup, 0)
        return rows, self.cycles

    async def maintain(self, ctx, addr, what, *, by_set=0):
        dut = self.dut
        ctx.set(dut.lookup_addr, addr)
        ctx.set(dut.lookup, 1)
        await self.tick(ctx)
        ctx.set(dut.lookup, 0)
        ctx.set(dut.request, 1)
        ctx.set(dut.stays, 1)
        ctx.set(dut.addr, addr)
        ctx.set(dut.maintenance, what)
        ctx.set(dut.by_set, by_set)
        while not ctx.get(dut.done):
            await self.tick(ctx)
        ctx.set(dut.request, 0)
        ctx.set(dut.stays, 0)
        await self.tick(ctx)
        ctx.set(dut.maintenance, Maintenance.NONE)


@pytest.mark.parametrize("cache_bytes, ways, bus_width", [
    (1024, 1, 128), (1024, 2, 128), (1024, 4, 128), (1024, 8, 128), (4096, 2, 64),
    (8192, 2, 128), (32768, 4, 128), (65536, 1, 128),
])
def test_random_streams(cache_bytes, ways, bus_width):
    """Loads see the stores in front of them; clean by set and way leaves all of it in memory."""
    dut = cache(cache_bytes=cache_bytes, ways=ways, bus_width=bus_width)
    row_bytes = bus_width // 8
    memory = bytearray(random.Random(9).randbytes(MEMORY_BYTES))
    expected = bytearray(memory)
    peer = AxiPeer(dut.fill, memory, slow=0.1)

    async def testbench(ctx):
        rng = random.Random(10)
        pipeline = Pipeline(dut, memory)
        places = [rng.randrange(0, MEMORY_BYTES, 64) for _ in range(3 * ways)]
        # Some that share a set, and some of them the bits by which the ways are told apart.
        places += [(places[0] + k * cache_bytes // ways) % MEMORY_BYTES for k in range(ways + 2)]
        places += [(places[0] + k * (cache_bytes // ways << 6)) % MEMORY_BYTES for k in range(3)]
        for _ in range(8):
            accesses, found = [], []
            for _ in range(40):
                addr = rng.choice(places) + rng.randrange(0, 64, row_bytes)
                if accesses and rng.random() < 0.4:
                    addr = accesses[-1][0]
                if rng.random() < 0.5:
                    data, strobe = rng.getrandbits(bus_width), rng.getrandbits(row_bytes)
                    accesses.append((addr, (data, strobe)))
                    for lane in range(row_bytes):
                        if strobe >> lane & 1:
                            expected[addr + lane] = data >> 8 * lane & 0xFF
                else:
                    accesses.append((addr, None))
                    found.append(int.from_bytes(expected[addr:addr + row_bytes], "little"))
            rows, _ = await pipeline.run(ctx, accesses)
            assert rows == found
            pipeline.cycles = 0
            if rng.random() < 0.5:
                await pipeline.maintain(ctx, rng.choice(places), Maintenance.CLEAN_INVALIDATE)
        way_bits = (ways - 1).bit_length()
        for way in range(ways):
            for set_index in sorted({place // 64 % dut.sets for place in places}):
                pipeline.cycles = 0
                await pipeline.maintain(ctx, way << 32 - way_bits | set_index << 6,
                                        Maintenance.CLEAN, by_set=1)
        assert memory == expected

    simulate(dut, testbench, processes=[peer.serve], max_cycles=100_000)


def test_cycles_of_hits():
    """One each; one more for a load of the row just stored, and behind a line's first store."""
    dut = cache()
    peer = AxiPeer(dut.fill, bytearray(MEMORY_BYTES), slow=0)
    store = (0x55, 0xFF)

    async def testbench(ctx):
        pipeline = Pipeline(dut, bytearray(MEMORY_BYTES))
        await pipeline.run(ctx, [(0x100, None), (0x200, None), (0x240, None)])
        cycles = [(await pipeline.run(ctx, accesses))[1] for accesses in (
            [(0x100, None), (0x200, None), (0x100, None)],
            [(0x100, store), (0x200, None), (0x110, None)],
            [(0x100, store), (0x200, None), (0x110, None)],
            [(0x100, store), (0x100, None), (0x110, None)],
            [(0x100, store), (0x100, store), (0x110, store)],
        )]
        # The first lookup, three accesses, and what was lost.
        assert cycles == [4, 5, 4, 5, 4]

    simulate(dut, testbench, processes=[peer.serve])


def test_line_used_less_recently_goes():
    dut = cache(ways=2)
    peer = AxiPeer(dut.fill, bytearray(MEMORY_BYTES), slow=0)

    async def testbench(ctx):
        pipeline = Pipeline(dut, bytearray(MEMORY_BYTES))
        await pipeline.run(ctx, [(0x000, None), (0x200, None), (0x000, None), (0x400, None)])
        assert [addr for addr, _, _ in peer.reads] == [0x000, 0x200, 0x400]
        await pipeline.run(ctx, [(0x000, None)])
        assert len(peer.reads) == 3
        await pipeline.run(ctx, [(0x200, None)])
        assert len(peer.reads) == 4

    simulate(dut, testbench, processes=[peer.serve])


def test_lines_that_agree_in_the_bits_of_the_selection_take_each_others_place():
    """Behind both ways, and whichever way they stand in; the other line of the set stays."""
    dut = cache(ways=2)
    memory = bytearray(random.Random(14).randbytes(MEMORY_BYTES))
    far = 0x200 << 6
    peer = AxiPeer(dut.fill, memory + bytearray(random.Random(15).randbytes(4 * far)), slow=0)

    async def testbench(ctx):
        pipeline = Pipeline(dut, peer.memory)
        for order in ((0x000, 0x200, far), (0x200, 0x000, far), (0x000, 0x200, 0x200 + far)):
            pipeline.cycles = 0
            accesses = [*order, *(order[index] for index in (1, 2, 0, 2, 1, 0, 1, 2))]
            rows, _ = await pipeline.run(ctx, [(addr, None) for addr in accesses])
            assert rows == [int.from_bytes(peer.memory[addr:addr + 16], "little")
                            for addr in accesses]

    simulate(dut, testbench, processes=[peer.serve])


@pytest.mark.parametrize("ways", [2, 4, 8])
def test_victim_is_never_the_way_used_last(ways):
    dut = Replacement(sets=8, ways=ways)

    async def testbench(ctx):
        rng = random.Random(11)
        latest, victims = {}, set()
        ctx.set(dut.look, 1)
        for _ in range(300):
            used_set, way, looked = rng.randrange(8), rng.randrange(ways), rng.randrange(8)
            ctx.set(dut.used, 1)
            ctx.set(dut.used_set, used_set)
            ctx.set(dut.used_ways, 1 << way)
            ctx.set(dut.set, looked)
            await ctx.tick()
            latest[used_set] = way
            victims.add(ctx.get(dut.victim))
            assert ctx.get(dut.victim) != latest.get(looked)
        assert victims == set(range(ways))

    simulate(dut, testbench)
