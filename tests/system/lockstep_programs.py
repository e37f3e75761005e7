"""Programs on the core in lockstep with the checker, compared with a run on the oracle alone."""

import functools

import pytest

from rtl.soc.memory_map import region
from sw.compilers import CompileError, find_compiler

__all__ = ["RAM", "check_on_core", "needs_gcc"]

RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}


def _missing_gcc():
    try:
        find_compiler("gcc")
    except CompileError as error:
        return str(error)
    return ""


needs_gcc = pytest.mark.skipif(bool(_missing_gcc()), reason=_missing_gcc())


@functools.cache
def _simulator():
    from sim.lockstep.session import CoreRun
    return CoreRun()


def check_on_core(program, expected, command, *, stall=0, max_cycles=60_000_000):
    """Run a loaded program; its result and instructions are those of ``expected``."""
    from sim.lockstep.session import new_checker

    checker = new_checker(command)
    run = _simulator()
    run.load(program, checker=checker, stall=stall)
    result = run.run(max_cycles=max_cycles, checker=checker)
    assert result.exit == expected.exit
    assert result.output == expected.output
    assert result.checked >= result.instructions
    # The oracle is stopped by the exit register itself, the core a few instructions later.
    assert expected.instructions <= result.checked < expected.instructions + 200
    assert sum(result.stack.values()) == result.cycles
    return result
