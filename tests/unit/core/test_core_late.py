"""Comparisons and branches on what is being loaded: no wait, and the right way, in lockstep."""

import itertools
import random

import pytest

from rtl.config import CoreConfig
from rtl.core.predictor import Predictor
from sim.lockstep.session import CoreRun
from tests.unit.core.small_programs import CACHES, assemble, harness, run

__all__ = ["harness"]

PRODUCERS = ("ldr x3, [x20]", "ldr w3, [x20, #4]", "ldrsb x3, [x20, #3]", "mul x3, x0, x2",
             "udiv x3, x1, x0", "mrs x3, vbar_el1", "add x3, x0, x1, lsr #7",
             "ldp x3, x4, [x20]", "ldaddal x1, x3, [x20]", "ldr x3, [x20], #0")
COMPARISONS = ("cmp x3, x1", "cmp x1, x3", "cmp w3, w2", "cmp w2, w3", "cmp x3, #5", "tst x3, x0",
               "tst w3, #0xff00", "cmn x3, x0", "cmp x3, x3", "subs x5, x3, x0", "bics xzr, x3, x0",
               "ccmp x3, x1, #6, ne")
READERS = ("b.{0} 9f", "cset x6, {0}", "csinv x6, x1, x2, {0}", "adc x6, x0, x1",
           "ccmp x0, x1, #3, {0}", "mrs x6, nzcv", "nop\n    b.{0} 9f")
BRANCHES = ("cbz x3, 9f", "cbnz w3, 9f", "tbz x3, #63, 9f", "tbnz w3, #3, 9f")


CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


def snippets():
    """Yield a producer, what compares its result, and what reads the flags, in all combinations."""
    rng = random.Random(30)
    conditions = itertools.cycle(CONDITIONS)
    for producer in PRODUCERS:
        for compares in COMPARISONS:
            for reader in READERS:
                yield producer, compares, reader.format(next(conditions))
        for branch in BRANCHES:
            yield producer, branch, rng.choice(["cmp x3, x2", "nop"])


def lines_of(snippet):
    for text in snippet:
        yield "    " + text
    yield from ("    add     x7, x7, #1", "9:", "    add     x8, x8, x3")


@pytest.mark.parametrize("values", [(0, 0), (5, 5), (0x0123456789ABCDEF, 0xFEDCBA9876543210)],
                         ids=["zero", "five", "large"])
@pytest.mark.parametrize("stall", [0, 120])
def test_every_comparison_behind_every_producer(harness, tmp_path, values, stall):
    first, second = values
    lines = [f"    ldr     x0, ={first:#x}", f"    ldr     x1, ={second:#x}"]
    for index, snippet in enumerate(snippets()):
        lines += ["    stp     x1, x0, [x20]" if index % 3 else "    stp     x0, x1, [x20]"]
        lines += lines_of(snippet)
        if index % 60 == 59:
            lines += ["    b       8f", "    .ltorg", "8:"]
    result = run(harness, assemble(tmp_path, lines, sctlr=CACHES), stall=stall)
    assert result.checked > 3 * len(PRODUCERS) * len(COMPARISONS)


@pytest.mark.parametrize("uses", [("cmp x3, x1", "b.eq 9f"), ("cmp x1, x3", "b.hi 9f"),
                                  ("tst x3, #1", "b.ne 9f"), ("cbz x3, 9f",), ("tbnz x3, #2, 9f",)],
                         ids=lambda uses: uses[0].split()[0])
def test_nobody_waits_for_a_loaded_value(harness, tmp_path, uses):
    loop = ["    mov     x4, #200", "1:", "    ldr     x3, [x20]",
            *("    " + use for use in uses), "    subs    x4, x4, #1", "    b.ne    1b", "9:"]
    result = run(harness, assemble(tmp_path, ["    ldr     x1, =77", "    mov     x3, #8",
                                              "    str     x3, [x20]", *loop], sctlr=CACHES))
    assert result.stack["load_use"] <= 2


def test_comparison_that_was_taken_for_a_branch(tmp_path):
    """The target buffer knows a part of the address: another instruction looks like the branch."""
    entries = 16
    distance = 4 * entries << Predictor.TAG_BITS
    lines = ["    mov     x4, #8", "    str     x1, [x20]", "    b       first", "    .ltorg",
             f"    .balign {distance}", "first:",
             "1:", "    subs    x4, x4, #1", "    b.ne    1b", "    b       second",
             f"    .balign {distance}", "second:",
             "    ldr     x3, [x20]", "    cmp     x3, x1", "    cset    x5, eq",
             "    add     x6, x5, #1"]
    small = CoreRun(config=CoreConfig(btb_entries=entries))
    run(small, assemble(tmp_path, lines, sctlr=CACHES))
    small.close()
