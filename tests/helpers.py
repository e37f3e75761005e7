"""What the unit tests share: one way to run a simulation, and to drive and drain streams."""

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

from amaranth.sim import Simulator

__all__ = ["PAUSES", "get", "get_all", "pauses", "put", "put_all", "simulate", "wrap"]

WAVES = Path(__file__).resolve().parents[1] / "build" / "waves"
PERIOD = 1e-8
PAUSES = ("always", "random", "bursty")


def wrap(value: int, width: int) -> int:
    """Two's complement value of the low ``width`` bits of ``value``."""
    return (value + (1 << width - 1)) % (1 << width) - (1 << width - 1)


def simulate(dut, *testbenches, vcd=None, max_cycles: int = 200_000, processes=()) -> None:
    """Run ``testbenches`` against ``dut`` in Amaranth's simulator until all have returned.

    A run that fails is repeated from reset with waves on, into ``build/waves``; the note on the
    exception says where. With ``pytest --vcd`` every run writes waves. For a repetition to show
    the same failure, a testbench must make its own random generator when it starts.

    Parameters
    ----------
    testbenches : async functions of the simulator context
        Run in this order within each cycle.
    vcd : path
        Write waves here.
    max_cycles : :class:`int`
        The run fails when a testbench still waits after so many cycles.
    processes : async functions of the simulator context
        Monitors and models that run for as long as the testbenches do.
    """
    def closable(testbench):
        async def run(ctx):
            try:
                await testbench(ctx)
            except RuntimeError as error:
                # What a coroutine that waits for a clock says when it is closed unfinished.
                if not str(error).startswith("aclose()"):
                    raise
        return run

    async def watchdog(ctx):
        await ctx.delay(max_cycles * PERIOD)
        raise AssertionError(f"A testbench still waits after {max_cycles} cycles")

    sim = Simulator(dut)
    sim.add_clock(PERIOD, if_exists=True)
    for testbench in testbenches:
        sim.add_testbench(closable(testbench))
    for process in (*processes, watchdog):
        sim.add_testbench(closable(process), background=True)
    _run(sim, vcd or (_waves_path() if os.environ.get("TILICHO_VCD") else None))


def _run(sim: Simulator, vcd) -> None:
    """Run once, with waves if ``vcd`` is a path; after a failure without waves, once more with."""
    if vcd:
        _run_with_waves(sim, Path(vcd))
        return
    try:
        sim.run()
    except Exception as error:
        sim.reset()
        path = _waves_path()
        try:
            _run_with_waves(sim, path)
        except Exception as repeated:
            same = repr(repeated) == repr(error)
            error.add_note(f"Waves: {path}" + ("" if same else f" (which shows {repeated!r})"))
        raise


def _run_with_waves(sim: Simulator, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sim.write_vcd(str(path)):
        sim.run()


def _waves_path() -> Path:
    test = os.environ.get("PYTEST_CURRENT_TEST", "simulation").rsplit(" ", 1)[0]
    return WAVES / (re.sub(r"[^\w.=-]+", "_", test.rsplit("/", 1)[-1]).strip("_") + ".vcd")


def pauses(kind: str, seed: int) -> Iterator[int]:
    """Endless cycles to pause before each transfer: ``always`` ready, ``random`` or ``bursty``."""
    rng = random.Random(seed)
    while True:
        match kind:
            case "always":
                yield 0
            case "random":
                yield rng.choice((0, 0, 1, 2, 3))
            case "bursty":
                yield from [0] * rng.randrange(1, 9)
                yield rng.randrange(4, 13)
            case _:
                raise ValueError(f"Pause must be one of {', '.join(PAUSES)}, not {kind!r}")


async def put(ctx, stream, payload) -> None:
    """Offer one payload and return after the cycle in which it was taken."""
    ctx.set(stream.payload, payload)
    ctx.set(stream.valid, 1)
    await ctx.tick().until(stream.ready)
    ctx.set(stream.valid, 0)


async def get(ctx, stream):
    """Accept one payload and return it."""
    ctx.set(stream.ready, 1)
    payload, = await ctx.tick().sample(stream.payload).until(stream.valid)
    ctx.set(stream.ready, 0)
    return payload


async def put_all(ctx, stream, payloads, *, pause: str = "always", seed: int = 1) -> None:
    """Offer ``payloads`` in order, pausing before each as ``pause`` says."""
    for payload, idle in zip(payloads, pauses(pause, seed), strict=False):
        if idle:
            await ctx.tick().repeat(idle)
        await put(ctx, stream, payload)


async def get_all(ctx, stream, count: int, *, pause: str = "always", seed: int = 2) -> list:
    """Accept ``count`` payloads, pausing before each as ``pause`` says."""
    received = []
    for idle, _ in zip(pauses(pause, seed), range(count), strict=False):
        if idle:
            await ctx.tick().repeat(idle)
        received.append(await get(ctx, stream))
    return received
