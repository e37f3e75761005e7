# amaranth: UnusedElaboratable=no

"""What has been written in PSUM, and the watchdog."""

import random

from rtl.config import TileConfig
from rtl.matmul.watchdog import Watchdog
from rtl.matmul.written import PsumWritten
from tests.helpers import simulate

CONFIG = TileConfig(size=4, psum_banks=4)
COLUMNS = 4 * 4 * CONFIG.size


def test_random_writes_and_releases():
    dut = PsumWritten(CONFIG)
    rng = random.Random(1)
    written = [0] * COLUMNS
    seen = set()

    async def drive(ctx):
        for _ in range(4_000):
            address, count = rng.randrange(COLUMNS), rng.randint(1, CONFIG.size)
            write, release = rng.random() < 0.5, rng.random() < 0.01
            bank = rng.randrange(CONFIG.psum_banks)
            if release and bank == address // (4 * CONFIG.size):
                write = False
            ctx.set(dut.address, address)
            ctx.set(dut.count, count)
            ctx.set(dut.write, write)
            ctx.set(dut.release, release)
            ctx.set(dut.release_bank, bank)
            await ctx.delay(1e-10)
            assert ctx.get(dut.missing) == (count > written[address])
            seen.add((ctx.get(dut.missing), written[address] > 0))
            await ctx.tick()
            if write:
                written[address] = max(written[address], count)
            if release:
                start = 4 * CONFIG.size * bank
                written[start:start + 4 * CONFIG.size] = [0] * (4 * CONFIG.size)

    simulate(dut, drive)
    assert seen == {(0, True), (1, True), (1, False)}


def test_watchdog_expires_after_its_limit():
    dut = Watchdog()

    async def drive(ctx):
        async def cycles(waiting, most):
            """Wait, and return the cycles until engine 0 has expired."""
            ctx.set(dut.waiting, waiting)
            for count in range(most):
                await ctx.delay(1e-10)
                if ctx.get(dut.expired) & 1:
                    return count
                await ctx.tick()
            return None

        assert await cycles(1, 50) is None      # no limit
        ctx.set(dut.waiting, 0)
        ctx.set(dut.limit, 7)
        await ctx.tick()
        assert await cycles(1, 50) == 7
        assert await cycles(2, 5) is None       # the other one waits
        assert await cycles(1, 4) is None
        assert await cycles(0, 2) is None
        assert await cycles(1, 50) == 7         # an interruption begins again

    simulate(dut, drive)
