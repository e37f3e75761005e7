# amaranth: UnusedElaboratable=no

"""The instruction cache against the memory behind it."""

import random

import pytest

from rtl.core.icache import InstructionCache
from tests.helpers import simulate
from tests.unit.core.axi_peer import AxiPeer

MEMORY_BYTES = 0x8000
LIMIT = 500


def cache(*, cache_bytes=1024, ways=2, words=1, block_bytes=4096, bus_width=128):
    return InstructionCache(addr_width=32, bus_width=bus_width, cache_bytes=cache_bytes, ways=ways,
                            words=words, block_bytes=block_bytes)


class Reader:
    """Asks the cache as the fetch stage does; one address after the other, or redirected."""

    def __init__(self, dut):
        self.dut = dut

    async def start(self, ctx, addr):
        """Look ``addr`` up for the first time, as after a redirection."""
        ctx.set(self.dut.fill, 0)
        ctx.set(self.dut.restart, 1)
        ctx.set(self.dut.addr, addr)
        await ctx.tick()
        ctx.set(self.dut.restart, 0)

    async def wait(self, ctx, following):
        """Wait for the address looked up last; then look up ``following``.

        Return the word, or None for an error, and how many cycles it took.
        """
        dut = self.dut
        ctx.set(dut.fill, 1)
        for cycles in range(LIMIT):
            hit, error, word = ctx.get(dut.hit), ctx.get(dut.error), ctx.get(dut.word)
            assert not (hit and error)
            if hit or error:
                ctx.set(dut.fill, hit)
                ctx.set(dut.addr, following)
                await ctx.tick()
                return (word if hit else None), cycles
            await ctx.tick()
        raise AssertionError("The instruction never came")

    async def fetch(self, ctx, addr):
        await self.start(ctx, addr)
        return await self.wait(ctx, addr)

    async def invalidate(self, ctx):
        dut = self.dut
        ctx.set(dut.fill, 0)
        ctx.set(dut.invalidate, 1)
        await ctx.tick()
        ctx.set(dut.invalidate, 0)
        for _ in range(LIMIT):
            if not ctx.get(dut.busy):
                return
            await ctx.tick()
        raise AssertionError("The invalidation never ended")


def group(memory, addr, words):
    start = addr // (4 * words) * 4 * words
    return int.from_bytes(memory[start:start + 4 * words], "little")


@pytest.mark.parametrize("cache_bytes, ways, words, bus_width", [
    (1024, 1, 1, 128), (1024, 2, 1, 128), (1024, 4, 1, 128), (1024, 8, 1, 128),
    (1024, 2, 2, 128), (4096, 2, 1, 64), (4096, 4, 2, 64), (16384, 2, 1, 128), (32768, 4, 2, 128),
])
def test_random_paths(cache_bytes, ways, words, bus_width):
    """Whatever is fetched, in whatever order, is what stands in memory."""
    dut = cache(cache_bytes=cache_bytes, ways=ways, words=words, bus_width=bus_width)
    memory = bytearray(random.Random(5).randbytes(MEMORY_BYTES))
    peer = AxiPeer(dut.m_axi, memory)

    async def testbench(ctx):
        rng = random.Random(6)
        reader = Reader(dut)
        places = [rng.randrange(0, MEMORY_BYTES - 256, 4) for _ in range(24)]
        for turn in range(30):
            if turn % 12 == 11:
                memory[:] = rng.randbytes(MEMORY_BYTES)
                await reader.invalidate(ctx)
            addr = rng.choice(places)
            await reader.start(ctx, addr)
            for _ in range(rng.randrange(1, 24)):
                following = addr + 4 if rng.random() < 0.9 else rng.choice(places)
                word, _ = await reader.wait(ctx, following)
                assert word == group(memory, addr, words), hex(addr)
                addr = following
            if rng.random() < 0.3:
                # A redirection leaves a fill to itself.
                ctx.set(dut.fill, 1)
                await ctx.tick().repeat(rng.randrange(1, 12))

    simulate(dut, testbench, processes=[peer.serve])
    beats = 512 // bus_width
    assert all(addr % 64 == 0 and length == beats - 1 for addr, length, _ in peer.reads)


def test_hit_takes_no_time_and_a_pair_of_lines_shares_a_set():
    dut = cache()
    peer = AxiPeer(dut.m_axi, bytearray(MEMORY_BYTES), slow=0)

    async def testbench(ctx):
        reader = Reader(dut)
        for addr in (0x0, 0x200):
            await reader.fetch(ctx, addr)
        before = len(peer.reads)
        for addr in (0x0, 0x200, 0x0, 0x200):
            assert (await reader.fetch(ctx, addr))[1] == 0
        assert len(peer.reads) == before
        # The third line of the set takes the place of the one that was not used last.
        await reader.fetch(ctx, 0x400)
        assert (await reader.fetch(ctx, 0x200))[1] == 0
        assert (await reader.fetch(ctx, 0x0))[1] > 0

    simulate(dut, testbench, processes=[peer.serve])


def test_execution_goes_on_with_the_first_beat():
    """The instructions of a beat are there before the beats behind it have come."""
    dut = cache(block_bytes=64)
    peer = AxiPeer(dut.m_axi, bytearray(MEMORY_BYTES), slow=0)
    cycles = []

    async def testbench(ctx):
        reader = Reader(dut)
        for addr in (0x400, 0x100, 0x1F0):
            cycles.append((await reader.fetch(ctx, addr))[1])

    simulate(dut, testbench, processes=[peer.serve])
    assert cycles[2] == cycles[1] + 3


@pytest.mark.parametrize("block_bytes, expected", [
    (4096, [0xFC0, 0x1000, 0x1040]), (128, [0xFC0, 0x1000, 0x1040]), (64, [0xFC0, 0x1000]),
])
def test_next_line_comes_unasked_inside_its_block(block_bytes, expected):
    dut = cache(cache_bytes=8192, block_bytes=block_bytes)
    peer = AxiPeer(dut.m_axi, bytearray(MEMORY_BYTES), slow=0)

    async def testbench(ctx):
        reader = Reader(dut)
        await reader.fetch(ctx, 0xFC0)
        await reader.fetch(ctx, 0x1000)
        await ctx.tick().repeat(20)
        await reader.fetch(ctx, 0x1000)

    simulate(dut, testbench, processes=[peer.serve])
    assert [addr for addr, _, _ in peer.reads] == expected


def test_next_line_is_not_fetched_twice():
    dut = cache()
    peer = AxiPeer(dut.m_axi, bytearray(MEMORY_BYTES), slow=0)

    async def testbench(ctx):
        reader = Reader(dut)
        for addr in (0x40, 0x80, 0x0):
            await reader.fetch(ctx, addr)
            await ctx.tick().repeat(20)

    simulate(dut, testbench, processes=[peer.serve])
    assert [addr for addr, _, _ in peer.reads] == [0x40, 0x80, 0x0]


def test_error_is_reported_until_restart_and_then_asked_again():
    dut = cache()
    peer = AxiPeer(dut.m_axi, bytearray(MEMORY_BYTES), failing=range(0x100, 0x140))

    async def testbench(ctx):
        reader = Reader(dut)
        assert (await reader.fetch(ctx, 0x108))[0] is None
        await ctx.tick().repeat(40)
        assert (await reader.wait(ctx, 0x108))[0] is None
        assert [addr for addr, _, _ in peer.reads].count(0x100) == 1
        assert (await reader.fetch(ctx, 0x104))[0] is None
        assert [addr for addr, _, _ in peer.reads].count(0x100) == 2
        peer.failing = range(0)
        await ctx.tick().repeat(40)
        assert (await reader.fetch(ctx, 0x108))[0] == 0

    simulate(dut, testbench, processes=[peer.serve])


@pytest.mark.parametrize("failing", [range(0x140, 0x180), range(0x170, 0x180)])
def test_error_of_the_line_behind_counts_only_when_it_is_executed(failing):
    """The line in front is executed to its end; the one behind faults, all of it at the latest."""
    dut = cache()
    memory = bytearray(random.Random(2).randbytes(MEMORY_BYTES))
    peer = AxiPeer(dut.m_axi, memory)

    async def testbench(ctx):
        peer.failing = failing
        reader = Reader(dut)
        await reader.start(ctx, 0x100)
        for addr in range(0x100, 0x180, 4):
            word, _ = await reader.wait(ctx, addr + 4)
            if word is None:
                break
            assert word == group(memory, addr, 1)
        assert 0x140 <= addr <= failing.start
        # Once as the line behind, once for itself.
        assert [addr for addr, _, _ in peer.reads].count(0x140) == 2
        peer.failing = range(0)
        await ctx.tick().repeat(40)
        assert (await reader.fetch(ctx, 0x170))[0] == group(memory, 0x170, 1)

    simulate(dut, testbench, processes=[peer.serve])


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 7, 10, 14, 20])
def test_invalidation_while_lines_are_on_their_way(delay):
    """What was asked for before an invalidation is not seen behind it."""
    dut = cache()
    memory = bytearray(random.Random(3).randbytes(MEMORY_BYTES))
    peer = AxiPeer(dut.m_axi, memory)

    async def testbench(ctx):
        reader = Reader(dut)
        await reader.fetch(ctx, 0x700)
        await reader.start(ctx, 0x100)
        ctx.set(dut.fill, 1)
        await ctx.tick().repeat(1 + delay)
        await reader.invalidate(ctx)
        memory[:] = random.Random(4).randbytes(MEMORY_BYTES)
        for addr in (0x100, 0x140, 0x17C):
            assert (await reader.fetch(ctx, addr))[0] == group(memory, addr, 1)

    simulate(dut, testbench, processes=[peer.serve])


def test_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="must have at least 2 sets, not 1"):
        cache(cache_bytes=256, ways=4)
    with pytest.raises(ValueError, match="must be 1 or 2, not 4"):
        cache(words=4)
