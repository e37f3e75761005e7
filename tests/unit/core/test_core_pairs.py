"""Pairs and loads with write-back: every position in a line, registers and faults, in lockstep."""

import itertools

import pytest

from tests.unit.core.small_programs import CACHES, assemble, harness, run

__all__ = ["harness"]

def everywhere():
    """Every form, in all positions of a line and across its end, with all kinds of registers."""
    for step in range(72):
        yield f"    add     x9, x20, #{step}"
        for first, second in (("x3", "x4"), ("x3", "x5"), ("x9", "x4"), ("x4", "x9"),
                              ("xzr", "x4"), ("x4", "xzr")):
            narrow = [name.replace("x", "w", 1) for name in (first, second)]
            yield f"    ldp     {first}, {second}, [x9, #-8]"
            yield f"    add     x9, x20, #{step}"
            yield f"    ldp     {narrow[0]}, {narrow[1]}, [x9, #4]"
            yield f"    add     x9, x20, #{step}"
            yield f"    ldpsw   {first}, {second}, [x9]"
            yield f"    add     x9, x20, #{step}"
        yield f"    stp     x0, x{1 + step % 2}, [x9, #8]"
        yield f"    stp     w1, w{step % 3}, [x9, #-4]"
        yield "    stp     xzr, x2, [x9], #16"
        yield "    mov     x6, x9"
        yield "    stp     w2, wzr, [x9, #-24]!"
        yield "    ldp     x5, x6, [x9], #24"
        yield "    add     x7, x9, x6"
        yield "    ldp     w6, w8, [x9, #-16]!"
        # The base is needed one, two and three instructions behind.
        for size, gap in itertools.product(("b", "h", "w", "x"), range(4)):
            name, register = {"w": ("ldr", "w10"), "x": ("ldr", "x10")}.get(
                size, (f"ldr{size}", "w10"))
            yield f"    {name}    {register}, [x9], #{gap * 3 - 2}"
            yield from ["    nop"] * gap
            yield f"    {name}    {register.replace('10', '11')}, [x9, #{5 - gap}]!"
            yield from ["    nop"] * gap
            yield "    add     x12, x9, x11"
        yield "    ldrsb   x11, [x9, #1]!"
        yield "    ldrsw   x10, [x9, #1]!"
    for step in range(0, 96, 16):
        yield f"    add     sp, x20, #{step}"
        yield "    stp     x0, x1, [sp, #-32]!"
        yield "    stp     x2, x0, [sp, #8]"
        yield "    ldp     x4, x6, [sp, #8]"
        yield "    ldr     x10, [sp], #16"
        yield "    ldr     x3, [sp, #-16]!"
        yield "    ldp     x13, x14, [sp], #32"
        yield "    mov     x3, sp"
        yield "    sub     sp, sp, w0, uxtb #4"


@pytest.mark.parametrize("sctlr", [CACHES, 0], ids=["cached", "uncached"])
@pytest.mark.parametrize("stall", [0, 120])
def test_pairs_and_write_back_everywhere(harness, tmp_path, sctlr, stall):
    lines = list(everywhere())
    result = run(harness, assemble(tmp_path, lines, sctlr=sctlr), stall=stall)
    assert result.checked >= len(lines)


def faults(*, cached):
    """The first element or the second is refused by the bus.

    A bus error of a posted store is no fault of the store.
    """
    for offset, form in itertools.product(
            (-8, -4, 0),
            ("ldp x3, x4, [x9]", "ldp x3, x5, [x9]", "ldp w4, w3, [x9], #8",
             "ldp x4, x3, [x9, #16]!", "stp x0, x1, [x9]", "stp w0, w1, [x9], #8",
             "stp x0, x1, [x9, #16]!", "ldpsw x9, x4, [x9]", "ldr x4, [x9], #8",
             "ldr w5, [x9, #8]!")):
        # The oracle gives another address for one element that crosses the end.
        if (form.startswith("st") and not cached) or (offset == -4 and " x" in form):
            continue
        before = 16 if "#16]!" in form else 8 if "#8]!" in form else 0
        yield f"    sub     x9, x19, #{before - offset}"
        yield f"    {form}"
        yield "    add     x10, x3, x4"
        yield "    add     x11, x9, x5"
        # What a store that faults has written is not defined.
        yield "    str     x0, [x19, #-8]"


@pytest.mark.parametrize("sctlr", [CACHES, 0], ids=["cached", "uncached"])
def test_faults_leave_registers_unchanged(harness, tmp_path, sctlr):
    run(harness, assemble(tmp_path, faults(cached=bool(sctlr)), sctlr=sctlr))


@pytest.mark.parametrize(("form", "accesses"), [
    ("ldp x3, x4, [x9]", 1), ("ldp w3, w4, [x9, #8]", 1), ("ldp w4, w3, [x9, #4]", 1),
    ("stp x0, x1, [x9, #16]", 1), ("stp w0, w1, [x9, #4]", 1),
    ("ldp x3, x5, [x9]", 2), ("ldp x3, x4, [x9, #8]", 2), ("ldp w3, w4, [x9, #12]", 2),
    ("stp x0, x1, [x9, #8]", 2), ("ldr x3, [x20], #0", 1), ("ldr x4, [x20], #0", 2),
])
def test_micro_ops_of_a_pair(harness, tmp_path, form, accesses):
    """What lies in one row of the cache and goes to both banks of registers takes one cycle."""
    count = 100
    lines = ["    ldp x3, x4, [x9, #0]", "    ldp x3, x4, [x9, #16]", *[f"    {form}"] * count]
    result = run(harness, assemble(tmp_path, lines, sctlr=CACHES))
    assert result.stack["crack"] == (accesses - 1) * count


def test_device_pairs_are_two_accesses(harness, tmp_path):
    """The order and the sizes on the bus are those of single accesses: the oracle sees them."""
    lines = ["    ldr x9, =0x0A000040"] + ["    stp w0, w1, [x9]", "    ldp w3, w4, [x9]"] * 8
    result = run(harness, assemble(tmp_path, lines, sctlr=CACHES))
    assert result.stack["crack"] >= 16
