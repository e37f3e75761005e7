"""Random instruction streams on the core, each instruction compared with the oracle."""

import dataclasses
import functools
import json

import pytest

from rtl.config import CoreConfig
from rtl.soc.memory_map import region
from sim.bfm.core_harness import DEVICE_MEMORY, RAM_BASE
from sim.cli import main
from sim.lockstep.program import Program
from sim.lockstep.session import CoreRun, new_checker
from sim.lockstep.streams import Request, run_streams, shrink
from sim.models.a64_encodings import find_encoding
from sim.models.a64_random import link


@functools.cache
def simulator(config=None):
    return CoreRun(config=config or CoreConfig())


EXCEPTIONS = {
    "undefined", "SVC", "WFI", "illegal state", "system access", "BRK", "interrupt",
    "PC alignment", "SP alignment",
    *(f"{kind} abort, EL{level}: {code}" for level in (0, 1) for kind, codes in (
        ("fetch", ("address size", "external")),
        ("data", ("address size", "external", "alignment", "exclusive on Device")))
      for code in codes),
}


def test_slice():
    """Every encoding, and exceptions, with and without caches and stalls."""
    campaign = run_streams(Request(instructions=40_000, seed=1, chunks=1500), run=simulator())
    assert str(campaign.failure or "") == ""
    assert campaign.coverage.instructions >= 40_000
    assert campaign.coverage.below(1) == []
    assert set(campaign.coverage.exceptions()) <= EXCEPTIONS
    assert len(campaign.coverage.exceptions()) > 12
    assert campaign.coverage.rows()[-1][1] == 0, "an unknown encoding retired"
    assert set(campaign.taken) == {"interrupts", "counter reads", "monitor reads",
                                   "device loads"}
    assert campaign.taken["interrupts"] == campaign.coverage.exceptions()["interrupt"]


@pytest.mark.slow
def test_one_million():
    """Each encoding is executed at least 100 times."""
    campaign = run_streams(Request(instructions=1_000_000, seed=1000), run=simulator())
    assert str(campaign.failure or "") == ""
    assert campaign.coverage.below(100) == []
    assert set(campaign.coverage.exceptions()) == EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("caches", [
    {"icache_bytes": 1024, "dcache_bytes": 1024, "icache_ways": 1, "dcache_ways": 1},
    {"icache_bytes": 32768, "dcache_bytes": 4096, "icache_ways": 4, "dcache_ways": 4},
])
def test_other_caches(caches):
    run = simulator(dataclasses.replace(CoreConfig(), **caches))
    campaign = run_streams(Request(instructions=60_000, seed=5000), run=run)
    assert str(campaign.failure or "") == ""


# What streams have found, in few words: registers as the chunks of a64_chunks have them.
FOUND = {
    "exclusive load at an odd address": [0x9100_0780, 0x485f_fc01],     # add x0, x28, #1; ldaxrh
    "LDAPR at an odd address": [0x9100_0780, 0xf8bf_c001],
    "branch beyond the address space": [0x1000_0000, 0xf2e2_46a0, 0xd63f_0000],     # adr, movk, blr
    # add sp, x28, #64; stp w7, w8, [sp, #-20]!; add sp, x28, #0
    "pair that leaves SP unaligned": [0x9101_039f, 0x29bd_a3e7, 0x9100_039f],
    # msr spsel, #0; mrs x0, sp_el0; msr spsel, #1; msr sp_el0, x0
    "SP_EL0 while it is in use": [0xd500_40bf, 0xd538_4100, 0xd500_41bf, 0xd518_4100],
    # msr pan, #1; msr pan, #0; svc #0; mrs x0, pan
    "PAN is kept with SPAN": [0xd500_419f, 0xd500_409f, 0xd400_0001, 0xd538_4260],
}


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("seed", [2, 3])
def test_found(name, seed):
    stream = link([FOUND[name]] * 4, seed=seed, ram_base=RAM_BASE, device=DEVICE_MEMORY.base,
                  exit_address=region("SYSCTL").base,
                  gic=(region("GICD").base, region("GICR").base))
    checker = new_checker()
    run = simulator()
    run.load(Program(name, stream.entry, stream.segments), checker=checker)
    assert run.run(max_cycles=200_000, checker=checker).exit == 0
    assert checker.checked > 500


class Broken:
    """The core, with a result that comes out wrong behind a certain instruction.

    Parameters
    ----------
    behind, wrong : :class:`str`
        Encodings: that of the instruction in front, and that whose result has a bit flipped.
    """

    def __init__(self, behind, wrong):
        self.run_of = simulator()
        self.behind, self.wrong = behind, wrong

    def load(self, *arguments, **options):
        self.last = None
        self.run_of.load(*arguments, **options)

    def run(self, *, checker, observers, **options):
        return self.run_of.run(checker=checker, observers=[self, *observers], **options)

    def add(self, records, _moves):
        for record in records:
            encoding = find_encoding(record.insn)
            name = encoding and encoding.name
            if record.writes and name == self.wrong and self.last == self.behind:
                index, value = record.writes[0]
                record.writes[0] = (index, value ^ 1 << 17)
            self.last = name


@pytest.fixture(scope="module")
def failure():
    request = Request(instructions=100_000, seed=1, chunks=400,
                      command=lambda seed, keep: f"again {seed} {','.join(map(str, keep))}")
    return run_streams(request, run=Broken("ADD immediate", "LDRB unscaled")).failure


def test_mismatch_is_reported(failure):
    """The instruction, both states, the last 20 instructions, and how to repeat it."""
    first, instruction, *rest = failure.report.splitlines()
    assert "lockstep mismatch after" in first
    assert "ldurb" in instruction
    assert sum(line.startswith("  0x") for line in rest) == 20
    registers = rest[rest.index("registers (core, oracle; * differs):") + 1:-1]
    assert len(registers) == 33
    different, = (line.split() for line in registers if line.startswith(" *"))
    assert int(different[2], 16) ^ int(different[3], 16) == 1 << 17
    assert rest[-1] == f"reproduce: again {failure.seed} "


def test_failing_stream_is_shrunk(failure):
    """One chunk is left, and fails in the same way when it is repeated."""
    assert len(failure.keep) == 1
    assert "ldurb" in failure.listing
    assert failure.command == f"again {failure.seed} {failure.keep[0]}"
    assert "ldurb" in str(failure)
    request = Request(seed=failure.seed, chunks=400, keep=failure.keep)
    again = run_streams(request, run=Broken("ADD immediate", "LDRB unscaled"))
    assert again.failure is not None
    assert again.failure.report.splitlines()[0] == failure.shrunk_report.splitlines()[0]
    assert run_streams(request, run=simulator()).failure is None


@pytest.mark.parametrize("needed", [{3}, {0, 99}, {10, 11, 12, 50}])
def test_shrink_finds_what_is_needed(needed):
    calls = []

    def fails(kept):
        calls.append(kept)
        return needed <= set(kept)

    assert set(shrink(range(100), fails)) == needed
    assert len(calls) < 200


def test_shrink_stops():
    assert len(shrink(range(1000), lambda kept: len(kept) >= 500, attempts=3)) >= 500


def command(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["random", *arguments])
    return caught.value.code


def test_command(tmp_path, capsys):
    path = tmp_path / "figures.json"
    assert command("--instructions", "500", "--seed", "3", "--chunks", "300", "--json",
                   str(path)) == 0
    figures = json.loads(path.read_text())
    assert figures["mismatches"] == 0 and figures["streams"] == 1
    assert figures["instructions"] == sum(
        row["retired"] + row["trapped"] for row in figures["coverage"]) >= 500
    printed = capsys.readouterr().out
    assert "0 mismatches" in printed and "LDADD" in printed


def test_command_wants_coverage(capsys):
    assert command("--instructions", "1", "--chunks", "10", "--coverage", "1") == 1
    assert "Below 1: " in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "message"), [
    (("--preset", "huge"), "unknown preset 'huge'"),
    (("--dcache", "3"), "Data cache bytes must be a power of two"),
    (("--keep", "1;2"), "--keep takes numbers of chunks"),
])
def test_command_refuses(arguments, message, capsys):
    assert command(*arguments) == 2
    assert message in capsys.readouterr().err
