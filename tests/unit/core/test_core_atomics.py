"""Atomic operations: registers that coincide, faults, and micro-ops, in lockstep."""

import itertools

import pytest

from tests.unit.core.small_programs import CACHES, assemble, harness, run

__all__ = ["harness"]

OPERATIONS = ("ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp",
              "cas")
# Operand, register that gets what was there, base.
REGISTERS = [("x0", "x3", "x9"), ("x1", "x1", "x9"), ("x2", "x9", "x9"), ("x9", "x4", "x9"),
             ("x9", "x9", "x9"), ("x0", "xzr", "x9"), ("xzr", "x4", "x9"), ("xzr", "xzr", "x9"),
             ("x1", "x3", "sp"), ("x5", "x5", "sp")]


def narrowed(register, size):
    return register.replace("x", "w", 1) if size != "x" else register


def everywhere():
    """Operands as they are, just computed, just loaded, and multiplied."""
    makers = ("nop", "add {0}, {0}, x1", "ldr {0}, [x20, #8]", "mul {0}, {0}, x2")
    for operation, size, registers, maker in itertools.product(
            OPERATIONS, ("b", "h", "w", "x"), REGISTERS, makers):
        operand, old, base = registers
        if operand in ("x9", "xzr") and maker != "nop":
            continue
        yield "    stp     x0, x2, [x20]"
        yield "    mov     x9, x20"
        yield "    " + maker.format(operand)
        suffix = "al" if size in ("b", "x") else ""
        name = f"{operation}{suffix}{size if size in 'bh' else ''}"
        yield (f"    {name}  {narrowed(operand, size)}, {narrowed(old, size)}, [{base}]")
        yield "    add     x10, x3, x4"
        # The value is there, too, for what reads it later.
        yield f"    {name}  {narrowed('x10', size)}, {narrowed('x11', size)}, [x20]"
        yield "    nop"
        yield "    add     x12, x11, x10"


@pytest.mark.parametrize("sctlr", [CACHES, 0], ids=["cached", "uncached"])
@pytest.mark.parametrize("stall", [0, 120])
def test_registers_that_coincide(harness, tmp_path, sctlr, stall):
    lines = list(everywhere())
    result = run(harness, assemble(tmp_path, lines, sctlr=sctlr), stall=stall)
    assert result.checked >= len(lines)


def test_compare_and_swap_of_equal_and_other_values(harness, tmp_path):
    lines = []
    for size, difference, aligned in itertools.product(("b", "h", "w", "x"), (0, 1, 8, 16, 32, 63),
                                                       (0, 8)):
        lines += [f"    add     x9, x20, #{aligned}", "    stp     x0, x0, [x20]",
                  f"    eor     x3, x0, #{hex(1 << difference)}",
                  (f"    casal{size if size in 'bh' else ''}  {narrowed('x3', size)}, "
                   f"{narrowed('x1', size)}, [x9]"),
                  "    ldp     x4, x5, [x20]"]
    run(harness, assemble(tmp_path, lines, sctlr=CACHES))


@pytest.mark.parametrize("sctlr", [CACHES, 0], ids=["cached", "uncached"])
def test_faults_leave_registers_unchanged(harness, tmp_path, sctlr):
    lines = []
    for operation, base in itertools.product(OPERATIONS, ("x21", "x22")):
        lines += ["    add     x21, x20, #3", "    ldr     x22, =0x0A000040",
                  f"    {operation}  x0, x4, [{base}]", "    add     x5, x4, x0",
                  f"    {operation}  {base}, {base}, [{base}]", f"    add     x5, x5, {base}"]
    run(harness, assemble(tmp_path, lines, sctlr=sctlr))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("order", ["", "a", "l", "al"])
def test_two_micro_ops_without_a_gap(harness, tmp_path, operation, order):
    """In the cache each one takes two cycles, or three if it compares.

    What reads the old value does not wait.
    """
    count = 100
    compares = count if "max" in operation or "min" in operation or operation == "cas" else 0

    def program(lines):
        return assemble(tmp_path, ["    str     x0, [x9]", *lines * count], sctlr=CACHES)

    plain = run(harness, program(["    add     x4, x4, x0", "    add     x5, x4, x0",
                                  "    nop"]))
    atomic = run(harness, program([f"    {operation}{order}  x0, x4, [x9]",
                                   "    add     x5, x4, x0", "    nop"]))
    assert atomic.stack["crack"] == count
    assert atomic.stack["load_use"] == plain.stack["load_use"]
    assert atomic.stack["load"] + atomic.stack["store"] <= plain.stack["store"] + compares + 60
