"""Bare-metal programs that check themselves, on the core and, the same images, on qemu."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rtl.core.cause import CycleCause
from rtl.core.pmu import CAUSE_EVENTS
from sim.bfm.core_harness import RAM_BASE, RAM_BYTES
from sim.lockstep.program import load_program
from sim.lockstep.session import CoreRun, new_checker
from sw.toolchain import compile_c

HERE = Path(__file__).parent
PROGRAMS = ("exceptions", "addresses", "interrupts")
CORE_PROGRAMS = ("alignment", "monitors")
# Nothing stands there, neither in the harness nor in qemu's virt machine.
UNMAPPED = 0x0B00_0000
QEMU = shutil.which("qemu-system-aarch64") or ""
# Without an MMU all data is Device memory there: accesses have to be aligned.
FLAGS = ("-mno-unaligned-access", "-fno-builtin")


def build(name, *defines):
    return compile_c([HERE / "start.S", HERE / f"{name}.c"], libc=False, optimise="-O1",
                     defines=[f"UNMAPPED_BASE={UNMAPPED:#x}", *defines], includes=[HERE],
                     flags=FLAGS)


@pytest.fixture(scope="module")
def harness():
    return CoreRun()


def on_core(harness, name, *, stall=0, defines=(), observers=(), checker=None):
    program = load_program(build(name, *defines), ram_base=RAM_BASE, ram_bytes=RAM_BYTES)
    harness.load(program, stall=stall, log=bool(observers), checker=checker)
    return harness.run(max_cycles=5_000_000, observers=observers, checker=checker)


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


class Retired:
    """Keeps the instructions between the two writes of PMCR_EL0 that start and stop counting."""

    def __init__(self):
        self.writes, self.instructions = 0, 0

    def add(self, records, moves):
        for record in records:
            if record.insn & 0xFFFF_FFE0 == 0xD51B_9C00:
                self.writes += 1
            if self.writes == 1:
                self.instructions += not record.exception


def test_software_reads_the_cpi_stack():
    """Three runs of the same program, six events each: all causes, and three other events.

    A new simulator each time: the branch predictor keeps what it has learnt over a reset.
    """
    numbers = [CAUSE_EVENTS + cause.value for cause in CycleCause] + [0x08, 0x09, 0x11]
    assert len(numbers) == 18
    counted, cycles, retired = {}, set(), Retired()
    for group in range(0, 18, 6):
        observers = [retired] if group == 0 else []
        defines = ["EVENTS=" + ",".join(map(str, numbers[group:group + 6]))]
        harness = CoreRun()
        result = on_core(harness, "counters", defines=defines, observers=observers)
        harness.close()
        line = [int(word, 16) for word in result.output.decode().split()[1:]]
        cycles.add(line[0])
        counted |= dict(zip(numbers[group:group + 6], line[1:], strict=True))
    assert len(cycles) == 1
    total = cycles.pop()
    assert counted[0x11] == total > 20_000
    causes = {cause: counted[CAUSE_EVENTS + cause.value] for cause in CycleCause}
    assert sum(causes.values()) == total
    assert counted[0x08] == causes[CycleCause.ISSUE] == retired.instructions > 10_000
    assert retired.writes == 2
    assert counted[0x09] == 3
    assert causes[CycleCause.RESET] == causes[CycleCause.WAIT] == 0
    for name in ("CRACK", "IMISS", "BRANCH", "DIVIDE", "LOAD", "STORE", "BARRIER", "SYSTEM",
                 "EXCEPTION"):
        assert causes[CycleCause[name]] > 0, name


def test_interrupts_of_a_c_program(harness):
    checker = new_checker()
    elf = compile_c([HERE / "driver.c"])
    harness.load(load_program(elf, ram_base=RAM_BASE, ram_bytes=RAM_BYTES), checker=checker)
    result = harness.run(max_cycles=1_000_000, checker=checker)
    assert (result.exit, result.output) == (0, b"12 ticks, 1 sent, 1 nested\n")
    # One that is less urgent than the one being handled is handled behind it, at one entry.
    assert checker.taken["interrupts"] == 13
    assert result.stack["wait"] > 1000


@pytest.mark.parametrize("name", ("exceptions", "monitors", "interrupts"))
def test_in_lockstep(harness, name):
    """The oracle knows the exceptions, too; of the monitors it knows who may access them."""
    checker = new_checker()
    result = on_core(harness, name, checker=checker)
    assert result.exit == 0 and result.checked > 1000
