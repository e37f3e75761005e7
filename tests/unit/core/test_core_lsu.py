# amaranth: UnusedElaboratable=no

"""The load/store unit and its cache against a byte array."""

import random

import pytest

from rtl.config import CoreConfig
from rtl.core.dcache import DataCache, Maintenance
from rtl.core.lsu import LoadStoreUnit
from rtl.core.regions import CoreRegion
from rtl.core.syndrome import FaultCode
from tests.helpers import simulate
from tests.unit.core.axi_peer import AxiPeer

NORMAL = range(0x1000, 0x2000)
LIMIT = 4000


def unit(*, ways=1):
    config = CoreConfig(dcache_bytes=1024, dcache_ways=ways)
    return LoadStoreUnit(config, regions=[CoreRegion(NORMAL.start, len(NORMAL))])


async def access(ctx, dut, **fields):
    """Make one access; return ``(fault code or None, result)``."""
    ctx.set(dut.lookup, 1)
    # A store in the cache that may be skipped is a quick one, too.
    slow = {"exclusive", "pair", "maintenance"} | ({"skip"} if not fields.get("cached") else set())
    plain = not slow & {name for name, value in fields.items() if value}
    ctx.set(dut.next, {"addr": fields["addr"], "size_log2": fields.get("size_log2", 0),
                       "write": fields.get("write", 0), "plain": plain,
                       "strict": fields.get("aligned", 0) | fields.get("restricted", 0),
                       "release": fields.get("release", 0)})
    # The attribute of the program state holds already.
    ctx.set(dut.access, {"valid": 0, "cached": fields.get("cached", 0)})
    await ctx.tick()
    ctx.set(dut.lookup, 0)
    ctx.set(dut.access, {"valid": 1, **fields})
    for _ in range(LIMIT):
        done, fault = ctx.get(dut.done), ctx.get(dut.fault)
        code, result = ctx.get(dut.fault_code), ctx.get(dut.result | dut.loaded)
        assert not (done and fault)
        if done or fault:
            await ctx.tick()
            ctx.set(dut.access, {"valid": 0})
            if ctx.get(dut.missed):
                return await access(ctx, dut, **fields)
            return (code, None) if fault else (None, result)
        await ctx.tick()
    raise AssertionError(f"No end of {fields}")


async def drain(ctx, dut):
    for _ in range(LIMIT):
        if ctx.get(dut.drained):
            return
        await ctx.tick()
    raise AssertionError("Stores never drained")


def extend(value, size, signed, wide):
    bits = 8 << size
    if signed and value >> bits - 1:
        value |= ((1 << 64) - 1) ^ ((1 << bits) - 1)
    return value & ((1 << 64) - 1 if wide or size == 3 else 0xFFFF_FFFF)


@pytest.mark.parametrize("cached, ways", [(0, 1), (1, 1), (1, 2)])
def test_random_accesses(cached, ways):
    """Loads see what stores left, at every size and alignment; memory agrees when cleaned."""
    dut = unit(ways=ways)
    rng = random.Random(20 + cached + ways)
    memory = bytearray(rng.randbytes(0x2000))
    expected = bytearray(memory)
    peer = AxiPeer(dut.m_axi, memory)
    lines = rng.sample(range(NORMAL.start, NORMAL.stop, 64), 12)
    maintained = []

    async def testbench(ctx):
        for _ in range(700 if cached else 300):
            device = rng.random() < 0.1
            size = rng.randrange(4)
            if device:
                addr = rng.randrange(0, 0x1000, 1 << size)
            else:
                addr = rng.choice(lines) + rng.randrange(64)
                addr = min(addr, NORMAL.stop - 8)
            if cached and rng.random() < 0.05:
                what = rng.choice([Maintenance.CLEAN, Maintenance.CLEAN_INVALIDATE])
                fault, _ = await access(ctx, dut, addr=addr, write=1, cached=1, maintenance=what)
                assert fault is None
                maintained.append(what)
            elif rng.random() < 0.5:
                value, skip = rng.getrandbits(64), not device and rng.random() < 0.1
                fault, _ = await access(ctx, dut, addr=addr, write=1, size_log2=size, data=value,
                                        cached=cached, skip=skip, release=rng.randrange(2))
                assert fault is None
                if not skip:
                    expected[addr:addr + (1 << size)] = value.to_bytes(8, "little")[:1 << size]
            else:
                signed, wide = rng.randrange(2), rng.randrange(2)
                fault, result = await access(ctx, dut, addr=addr, size_log2=size, signed=signed,
                                             wide=wide, cached=cached,
                                             release=rng.randrange(2))
                stored = int.from_bytes(expected[addr:addr + (1 << size)], "little")
                assert (fault, result) == (None, extend(stored, size, signed, wide)), hex(addr)
        for addr in range(NORMAL.start, NORMAL.stop, 64):
            await access(ctx, dut, addr=addr, write=1, cached=cached, maintenance=Maintenance.CLEAN)
        await drain(ctx, dut)
        assert memory == expected

    simulate(dut, testbench, processes=[peer.serve], max_cycles=200_000)
    if cached:
        assert set(maintained) == {Maintenance.CLEAN, Maintenance.CLEAN_INVALIDATE}
        assert any(length == 3 for _, length, _ in peer.writes), "no line was evicted"
    else:
        assert all(length == 0 for _, length, _ in peer.writes + peer.reads)


def test_two_elements_in_one_row():
    """Both elements at once in the cache; elsewhere the access comes to nothing."""
    dut = unit()
    rng = random.Random(5)
    memory = bytearray(rng.randbytes(0x2000))
    expected = bytearray(memory)
    peer = AxiPeer(dut.m_axi, memory)

    async def two(ctx, **fields):
        ctx.set(dut.lookup, 1)
        ctx.set(dut.next, {"addr": fields["addr"], "size_log2": fields["size_log2"],
                           "write": fields["write"], "plain": 1, "two": 1})
        ctx.set(dut.access, {"valid": 0, "cached": fields["cached"]})
        await ctx.tick()
        ctx.set(dut.lookup, 0)
        ctx.set(dut.access, {"valid": 1, "two": 1, **fields})
        while not ctx.get(dut.done):
            await ctx.tick()
        assert not ctx.get(dut.fault)
        results = ctx.get(dut.result | dut.loaded), ctx.get(dut.second_result)
        await ctx.tick()
        ctx.set(dut.access, {"valid": 0, "cached": fields["cached"]})
        return None if ctx.get(dut.missed) else results

    async def testbench(ctx):
        for _ in range(200):
            size = rng.choice((2, 3))
            count = 1 << size
            addr = 0x1000 + 16 * rng.randrange(40) + (rng.choice((0, 4, 8)) if size == 2 else 0)
            write, signed = rng.randrange(2), rng.randrange(2)
            values = rng.getrandbits(64), rng.getrandbits(64)
            results = None
            while results is None:      # the line is fetched in between
                results = await two(ctx, addr=addr, size_log2=size, write=write, wide=1, cached=1,
                                    signed=signed, data=values[0], second=values[1])
            for index, at in enumerate((addr, addr + count)):
                if write:
                    expected[at:at + count] = values[index].to_bytes(8, "little")[:count]
                else:
                    stored = int.from_bytes(expected[at:at + count], "little")
                    assert results[index] == extend(stored, size, signed, 1), (hex(addr), index)
        assert not ctx.get(dut.apart)
        writes = len(peer.writes)
        for write in range(2):
            assert await two(ctx, addr=0x100, size_log2=3, write=write, cached=1) is None
            assert ctx.get(dut.apart)
        assert len(peer.writes) == writes and (0x100, 0, 3) not in peer.reads
        # A cached access of such a pair shows that two at once are possible again.
        await access(ctx, dut, addr=0x1000, size_log2=3, cached=1, behind=1)
        ctx.set(dut.access, {"valid": 0, "cached": 1})
        assert not ctx.get(dut.apart)
        assert await two(ctx, addr=0x1000, size_log2=3, write=0, cached=0) is None
        for addr in range(NORMAL.start, NORMAL.stop, 64):
            await access(ctx, dut, addr=addr, write=1, cached=1, maintenance=Maintenance.CLEAN)
        await drain(ctx, dut)
        assert memory == expected

    simulate(dut, testbench, processes=[peer.serve], max_cycles=200_000)


def test_device_stores_are_single_narrow_and_in_order():
    dut = unit()
    memory = bytearray(0x2000)
    peer = AxiPeer(dut.m_axi, memory)
    stores = [(0x100, 0, 0xAB), (0x104, 2, 0x1234_5678), (0x10A, 1, 0xBEEF), (0x118, 3, 1 << 63)]

    async def testbench(ctx):
        for addr, size, value in stores:
            assert (await access(ctx, dut, addr=addr, write=1, size_log2=size, data=value,
                                 cached=1))[0] is None
        # A load waits for the answers to all of them.
        assert (await access(ctx, dut, addr=0x104, size_log2=2, cached=1)) == (None, 0x1234_5678)

    simulate(dut, testbench, processes=[peer.serve])
    assert peer.writes == [(addr, 0, size) for addr, size, _ in stores]
    assert peer.reads == [(0x104, 0, 2)]
    for (value, strobe), (addr, size, expected) in zip(peer.data, stores, strict=True):
        lane = addr % 16
        assert strobe == ((1 << (1 << size)) - 1) << lane
        assert value >> 8 * lane & ((1 << (8 << size)) - 1) == expected


def test_posted_device_stores_take_a_cycle_each():
    dut = unit()
    peer = AxiPeer(dut.m_axi, bytearray(0x2000), slow=0)

    async def testbench(ctx):
        cycles = 0
        ctx.set(dut.lookup, 1)
        ctx.set(dut.next, {"size_log2": 3, "write": 1, "plain": 1})
        await ctx.tick()
        for index in range(16):
            ctx.set(dut.access, {"valid": 1, "write": 1, "addr": 8 * index, "size_log2": 3,
                                 "data": index})
            while not ctx.get(dut.done):
                await ctx.tick()
                cycles += 1
            await ctx.tick()
            cycles += 1
        assert cycles == 16

    simulate(dut, testbench, processes=[peer.serve])


@pytest.mark.parametrize("write", [0, 1])
@pytest.mark.parametrize("gap", range(12))
def test_release_waits_for_posted_stores(write, gap):
    """It takes a cycle in the cache when there is none, whenever the last one was answered."""
    dut = unit()
    peer = AxiPeer(dut.m_axi, bytearray(0x2000), slow=0)
    store = {"write": 1, "addr": 0x100, "size_log2": 3}
    release = {"write": write, "addr": 0x1000, "size_log2": 3, "release": 1}

    async def testbench(ctx):
        await access(ctx, dut, addr=0x1000, write=1, size_log2=3, cached=1)
        ctx.set(dut.lookup, 1)
        ctx.set(dut.next, {**store, "plain": 1})
        await ctx.tick()
        ctx.set(dut.access, {"valid": 1, "cached": 1, **store})
        ctx.set(dut.next, {**release, "plain": 1})
        assert ctx.get(dut.done)
        await ctx.tick()
        ctx.set(dut.access, {"valid": 0, "cached": 1})
        for _ in range(gap):
            await ctx.tick()
        answered = ctx.get(dut.drained)
        ctx.set(dut.lookup, 0)
        ctx.set(dut.access, {"valid": 1, "cached": 1, **release})
        cycles = 1
        while not ctx.get(dut.done):
            await ctx.tick()
            cycles += 1
        assert ctx.get(dut.drained)
        assert peer.writes == [(0x100, 0, 3)]
        if gap == 11:
            assert answered
            assert cycles == 1

    simulate(dut, testbench, processes=[peer.serve])


@pytest.mark.parametrize("fields, code", [
    ({"addr": 0x101, "size_log2": 1}, FaultCode.ALIGNMENT),
    ({"addr": 0x104, "size_log2": 3, "write": 1}, FaultCode.ALIGNMENT),
    ({"addr": 0x1001, "size_log2": 2, "aligned": 1}, FaultCode.ALIGNMENT),
    ({"addr": 0x1004, "size_log2": 3, "exclusive": 1}, FaultCode.ALIGNMENT),
    ({"addr": 0x1008, "size_log2": 3, "exclusive": 1, "pair": 1}, FaultCode.ALIGNMENT),
    ({"addr": 0x100, "size_log2": 3, "exclusive": 1}, FaultCode.EXCLUSIVE),
    ({"addr": 0x100, "size_log2": 2, "restricted": 1}, FaultCode.EXCLUSIVE),
    ({"addr": 1 << 40, "size_log2": 2}, FaultCode.ADDRESS_SIZE),
    ({"addr": 0x1F00, "size_log2": 2, "cached": 0}, FaultCode.EXTERNAL),
    ({"addr": 0x1F08, "size_log2": 2, "cached": 1}, FaultCode.EXTERNAL),
    ({"addr": 0x1F08, "size_log2": 2, "cached": 1, "write": 1}, FaultCode.EXTERNAL),
    ({"addr": 0x1EFC, "size_log2": 3, "cached": 1}, FaultCode.EXTERNAL),
    ({"addr": 0x1F3C, "size_log2": 3, "cached": 1}, FaultCode.EXTERNAL),
    ({"addr": 0x1EFC, "size_log2": 3, "cached": 1, "write": 1}, FaultCode.EXTERNAL),
])
def test_faults(fields, code):
    """Each refusal has its code, reaches no memory, and the next access works."""
    dut = unit()
    memory = bytearray(random.Random(1).randbytes(0x2000))
    before = bytes(memory)
    peer = AxiPeer(dut.m_axi, memory, failing=range(0x1F00, 0x1F40))

    async def testbench(ctx):
        assert (await access(ctx, dut, **fields))[0] is code
        expected = int.from_bytes(memory[0x1010:0x1014], "little")
        assert await access(ctx, dut, addr=0x1010, size_log2=2, cached=1) == (None, expected)
        if code is FaultCode.EXTERNAL:
            assert (await access(ctx, dut, **fields))[0] is code

    simulate(dut, testbench, processes=[peer.serve])
    assert bytes(memory) == before
    assert not peer.writes


def test_error_answer_to_a_posted_store_is_reported():
    dut = unit()
    peer = AxiPeer(dut.m_axi, bytearray(0x2000), failing=range(0x200, 0x204))

    async def testbench(ctx):
        assert (await access(ctx, dut, addr=0x200, write=1, size_log2=2))[0] is None
        for _ in range(LIMIT):
            if ctx.get(dut.store_error):
                return
            await ctx.tick()
        raise AssertionError("The error was not reported")

    simulate(dut, testbench, processes=[peer.serve])


def test_exclusive_monitor():
    dut = unit()
    memory = bytearray(0x2000)
    peer = AxiPeer(dut.m_axi, memory)

    async def testbench(ctx):
        async def exclusive(addr, write):
            return await access(ctx, dut, addr=addr, write=write, size_log2=3, exclusive=1,
                                cached=1, data=0x55)

        assert await exclusive(0x1000, 1) == (None, 1)
        await exclusive(0x1000, 0)
        assert await exclusive(0x1000, 1) == (None, 0)
        assert await exclusive(0x1000, 1) == (None, 1)
        await exclusive(0x1000, 0)
        assert await exclusive(0x1040, 1) == (None, 1)
        await exclusive(0x1000, 0)
        ctx.set(dut.clear_monitor, 1)
        await ctx.tick()
        ctx.set(dut.clear_monitor, 0)
        assert await exclusive(0x1000, 1) == (None, 1)

    simulate(dut, testbench, processes=[peer.serve])


def test_cache_needs_two_sets():
    with pytest.raises(ValueError, match="must have at least 2 sets, not 1"):
        DataCache(addr_width=40, bus_width=128, cache_bytes=256, ways=4)
