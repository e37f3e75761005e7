"""Small programs in assembly that run on the core in lockstep."""

import dataclasses

import pytest

from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.lockstep.program import load_program
from sim.lockstep.session import CoreRun, new_checker
from sw.toolchain import compile_c

__all__ = ["CACHES", "END", "assemble", "harness", "run"]

END = RAM_BASE + RAM_BYTES

START = """
    .text
    .global _start
_start:
    adr     x0, vectors
    msr     vbar_el1, x0
    mrs     x0, sctlr_el1
    mov     x1, #{sctlr}
    orr     x0, x0, x1
    msr     sctlr_el1, x0
    isb
    ldr     x20, =area + 128
    ldr     x19, =END
    ldr     x0, =0x0123456789abcdef
    ldr     x1, =0xfedcba9876543210
    ldr     x2, =0x8f1e2d3c4b5a6978
    mov     x9, x20
    mov     sp, x20
"""

STOP = """
    ldr     x0, =0x0A000000
    mov     w1, #1
    str     w1, [x0]
    b       .

    .balign 2048
vectors:
    .space  0x200
    mrs     x25, elr_el1
    mrs     x24, far_el1
    add     x25, x25, #4
    msr     elr_el1, x25
    eret

    .bss
    .balign 64
area:
    .space  512
"""

CACHES = 1 << 12 | 1 << 2
"""SCTLR_EL1 with both caches on."""


def assemble(tmp_path, lines, *, sctlr):
    """Return a program of ``lines``, which begin with x9, x20 and sp in an area of 512 bytes.

    x19 is the end of memory; x0 to x2 hold numbers. An exception puts its addresses into x24 and
    x25, and goes on behind.
    """
    source = tmp_path / "program.S"
    text = "\n".join(["    .equ END, " + hex(END), START.format(sctlr=sctlr), *lines, STOP])
    source.write_text(text)
    program = load_program(compile_c([source], libc=False), ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
    return dataclasses.replace(program, writes_back=False)


@pytest.fixture(scope="module")
def harness():
    """Core in simulation."""
    return CoreRun()


def run(harness, program, *, stall=0):
    """Run a program in lockstep and return what came out."""
    checker = new_checker()
    harness.load(program, checker=checker, stall=stall)
    result = harness.run(max_cycles=2_000_000, checker=checker)
    assert result.exit == 0
    assert sum(result.stack.values()) == result.cycles
    return result
