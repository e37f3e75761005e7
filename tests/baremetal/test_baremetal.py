"""Bare-metal programs that check themselves, on the core and, the same images, on qemu."""

import shutil
import subprocess
from pathlib import Path

import pytest

from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.lockstep.program import load_program
from sim.lockstep.session import CoreRun
from sw.toolchain import compile_c

HERE = Path(__file__).parent
PROGRAMS = ("exceptions",)
CORE_PROGRAMS = ("alignment",)
# Nothing stands there, neither in the harness nor in qemu's virt machine.
UNMAPPED = 0x0B00_0000
QEMU = shutil.which("qemu-system-aarch64") or ""
# Without an MMU all data is Device memory there: accesses have to be aligned.
FLAGS = ("-mno-unaligned-access", "-fno-builtin")


def build(name):
    return compile_c([HERE / "start.S", HERE / f"{name}.c"], libc=False, optimise="-O1",
                     defines=[f"UNMAPPED_BASE={UNMAPPED:#x}"], includes=[HERE], flags=FLAGS)


@pytest.fixture(scope="module")
def harness():
    return CoreRun()


def on_core(harness, name, *, stall=0):
    harness.load(load_program(build(name), ram_base=RAM_BASE, ram_bytes=RAM_BYTES), stall=stall)
    return harness.run(max_cycles=5_000_000)


@pytest.mark.parametrize("stall", [0, 120])
@pytest.mark.parametrize("name", PROGRAMS + CORE_PROGRAMS)
def test_on_the_core(harness, name, stall):
    result = on_core(harness, name, stall=stall)
    text = result.output.decode()
    assert result.exit == 0 and text.endswith("passed\n"), text
    assert sum(result.stack.values()) == result.cycles


@pytest.mark.skipif(not QEMU, reason="qemu-system-aarch64 is not installed")
@pytest.mark.parametrize("name", PROGRAMS)
def test_qemu_prints_the_same(harness, name):
    run = subprocess.run(
        [QEMU, "-machine", "virt,gic-version=3", "-cpu", "neoverse-n1", "-m", "64M",
         "-display", "none", "-nic", "none", "-serial", "stdio", "-monitor", "none",
         "-semihosting", "-kernel", build(name)],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout == on_core(harness, name).output.decode()
