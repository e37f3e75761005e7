"""``tilicho run --trace`` and ``--konata``: each instruction once, with what it did and where."""

import collections
import dataclasses
import json

import pytest

from sim.cli import main
from sw.toolchain import compile_c

# A loop that is left by a misprediction, accesses of all kinds, and an exception and its return.
PROGRAM = """\
    .text
    .global main, buffer, vectors
main:
    adr     x9, vectors
    mrs     x10, vbar_el1
    msr     vbar_el1, x9
    mov     x0, #7
    adr     x1, buffer
    movn    x2, #0
    stp     x0, x2, [x1], #16
    ldursh  w3, [x1, #-8]
    ldp     x4, x5, [x1, #-16]!
    svc     #5
    mov     w6, #4
1:  mul     x4, x4, x0
    udiv    x5, x4, x0
    subs    w6, w6, #1
    b.ne    1b
    ldaddal x0, x7, [x1]
    msr     vbar_el1, x10
    isb
    mov     w0, #9
    ret
    .balign 64
buffer:
    .zero   64
    .balign 2048
vectors:
    .zero   0x200
    eret
"""

INSTRUCTIONS = 20

ROUND = [
    (0x2c, "mul x4, x4, x0", None),
    (0x30, "udiv x5, x4, x0", None),
    (0x34, "subs w6, w6, #1", None),
    (0x38, "b.ne", ""),
]

EXPECTED = [
    (0x0c, "mov x0, #7", "x0 = 0x7"),
    (0x10, "adr x1,", "x1 = {buffer:#x}"),
    (0x14, "mov x2, #-1", "x2 = 0xffffffffffffffff"),
    (0x18, "stp x0, x2, [x1], #0x10",
     ("x1 = {behind:#x}; store64 [{buffer:#x}] = 0x7; "
      "store64 [{second:#x}] = 0xffffffffffffffff")),
    (0x1c, "ldursh w3, [x1, #-8]", "x3 = 0xffffffff; load16 [{second:#x}] = 0xffff"),
    (0x20, "ldp x4, x5, [x1, #-0x10]!",
     ("x4 = 0x7; x5 = 0xffffffffffffffff; x1 = {buffer:#x}; load64 [{buffer:#x}] = 0x7; "
      "load64 [{second:#x}] = 0xffffffffffffffff")),
    (0x24, "svc #5", "exception, ESR 0x56000005"),
    ("vectors", "eret", ""),
    (0x28, "mov w6, #4", "x6 = 0x4"),
    *ROUND, *ROUND, *ROUND, *ROUND,
    (0x3c, "ldaddal x0, x7, [x1]",
     "x7 = 0x7; load64 [{buffer:#x}] = 0x7; store64 [{buffer:#x}] = 0xe"),
]


@dataclasses.dataclass
class Line:
    """A line of the text log."""

    pc: int
    insn: int
    text: str
    did: str


@dataclasses.dataclass
class Shown:
    """An instruction of a Kanata file."""

    number: int
    begin: int
    label: str = ""
    detail: str = ""
    lanes: dict = dataclasses.field(default_factory=dict)
    end: int | None = None
    order: int | None = None
    flushed: bool = False


def parse_trace(text):
    for line in text.splitlines():
        pc, insn, rest = line.split("  ", 2)
        instruction, _, did = rest.partition("  ")
        yield Line(int(pc, 16), int(insn, 16), instruction, did.strip())


def parse_kanata(text):
    """A second reading of the format, strict where the viewer forgives."""
    lines = [line.split("\t") for line in text.splitlines()]
    assert lines[0] == ["Kanata", "0004"]
    assert lines[1][0] == "C="
    cycle = int(lines[1][1])
    shown = []
    for command, *words in lines[2:]:
        if command == "C":
            assert int(words[0]) > 0
            cycle += int(words[0])
            continue
        number = int(words[0])
        if command == "I":
            assert number == len(shown)
            shown.append(Shown(number, cycle))
            continue
        item = shown[number]
        assert item.end is None, "a command behind the end of its instruction"
        match command:
            case "L":
                name = {"0": "label", "1": "detail"}[words[1]]
                setattr(item, name, getattr(item, name) + words[2])
            case "S":
                stages = item.lanes.setdefault(int(words[1]), [])
                assert not stages or stages[-1][2] is not None, "two stages at once on a lane"
                stages.append([words[2], cycle, None])
            case "E":
                stage = item.lanes[int(words[1])][-1]
                assert stage[0] == words[2] and stage[2] is None
                stage[2] = cycle
            case "R":
                item.end, item.order, item.flushed = cycle, int(words[1]), words[2] == "1"
            case _:
                raise AssertionError(f"unknown command {command}")
    return shown


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Run the program once; return both logs, its places and its figures."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "prog.S").write_text(PROGRAM)
    elf = compile_c([folder / "prog.S"])
    paths = {name: folder / name for name in ("trace", "konata", "json")}
    with pytest.raises(SystemExit) as stop:
        main(["run", str(elf), "--lockstep",
              *(word for name, path in paths.items() for word in (f"--{name}", str(path)))])
    assert stop.value.code == 9
    trace = list(parse_trace(paths["trace"].read_text()))
    start = next(line.pc for line in trace if line.text.startswith("adr x9,"))
    buffer = start + 4 * INSTRUCTIONS + 63 & -64
    symbols = {"main": start, "buffer": buffer, "vectors": buffer + 64 + 2047 & -2048}
    return (trace, parse_kanata(paths["konata"].read_text()), symbols,
            json.loads(paths["json"].read_text()))


def test_trace_of_a_known_program(logs):
    trace, _, symbols, figures = logs
    start = next(index for index, line in enumerate(trace) if line.pc == symbols["main"] + 0x0c)
    values = symbols | {"second": symbols["buffer"] + 8, "behind": symbols["buffer"] + 16}
    state, counter = 7, 4
    for line, (place, text, did) in zip(trace[start:], EXPECTED, strict=False):
        if did is None:         # the loop
            state *= 7 if text.startswith("mul") else 1
            counter -= text.startswith("subs")
            did = {"mul": f"x4 = {state:#x}", "udi": f"x5 = {state // 7:#x}",
                   "sub": f"x6 = {counter:#x}"}[text[:3]]
            if text.startswith("subs") and counter in (3, 0):
                did += "; nzcv = 0110" if counter == 0 else "; nzcv = 0010"
        expected = symbols["vectors"] + 0x200 if place == "vectors" else symbols["main"] + place
        assert (line.pc, line.did) == (expected, did.format(**values)), line
        assert line.text.startswith(text)
    by_pc = {line.pc - symbols["main"]: line.insn for line in trace}
    assert by_pc[0x0c] == 0xd28000e0
    assert by_pc[0x24] == 0xd40000a1
    completed = [line for line in trace if not line.did.startswith("exception")]
    assert len(completed) == figures["instructions"]
    assert len(completed) == len(trace) - 1


def test_konata_shows_each_retired_instruction_once(logs):
    trace, shown, _, figures = logs
    ended = sorted((item for item in shown if item.end is not None), key=lambda item: item.number)
    retired = [item for item in ended if not item.flushed]
    assert [item.order for item in retired] == list(range(figures["instructions"]))
    failed = [item for item in ended if "exception" in item.detail]
    assert [item.flushed for item in failed] == [True]
    in_order = sorted(retired + failed, key=lambda item: item.number)
    assert len(in_order) == len(trace)
    for item, line in zip(in_order, trace, strict=True):
        assert item.label == f"{line.pc:08x}: {line.text}"
        assert item.detail == line.did.replace("; ", "\\n")
    ends = [item.end for item in in_order]
    assert all(before < after for before, after in zip(ends, ends[1:], strict=False))
    assert ends[-1] <= figures["cycles"]
    # What a mispredicted branch or a miss has dropped never gets through the write stage.
    dropped = [item for item in ended if item.flushed and item not in failed]
    assert len(dropped) > 10
    assert not any(item.detail for item in dropped)
    assert all(item.number >= shown[-1].number - 12 for item in shown if item.end is None)


def test_konata_stages_are_monotonic_and_hold_one_micro_op(logs):
    _, shown, _, _ = logs
    busy = collections.defaultdict(list)
    for item in shown:
        if item.end is None:
            continue
        assert item.lanes[0][0][:2] == ["F", item.begin]
        for lane, stages in item.lanes.items():
            names = "".join(stage[0] for stage in stages)
            whole = "FQDIXMW" if lane == 0 else "DIXMW"
            allowed = {whole, whole.replace("Q", "")}
            if item.flushed:
                assert any(path.startswith(names) for path in allowed), names
            else:
                assert names in allowed, names
            for (_, begin, end), following in zip(stages, [*stages[1:], None], strict=True):
                assert begin < end <= item.end
                assert following is None or following[1] == end
            for name, begin, end in stages:
                busy[name].append((begin, end, item.number, lane))
    for name in "FIXMW":
        places = sorted(busy[name])
        assert all(end <= begin for (_, end, *_), (begin, *_) in
                   zip(places, places[1:], strict=False)), name
        order = [place[2:] for place in places]
        assert order == sorted(order)


def test_konata_shows_micro_ops_and_waiting(logs):
    """The pair with write-back is two micro-ops; the division waits in the memory stage."""
    _, shown, symbols, _ = logs
    by_label = {item.label.split(": ")[1]: item for item in shown
                if item.end is not None and not item.flushed
                and symbols["main"] <= int(item.label.split(":")[0], 16) < symbols["buffer"]}
    pair = by_label["ldp x4, x5, [x1, #-0x10]!"]
    assert sorted(pair.lanes) == [0, 1]
    assert list(by_label["mov w6, #4"].lanes) == [0]
    divide = {name: end - begin for name, begin, end in by_label["udiv x5, x4, x0"].lanes[0]}
    assert divide["M"] > 3 > divide["X"] == divide["W"] == 1


@pytest.mark.parametrize("option", ["--trace", "--konata"])
def test_a_file_that_cannot_be_written_is_one_line(tmp_path, capfd, option):
    source = tmp_path / "prog.c"
    source.write_text("int main(void) { return 0; }")
    with pytest.raises(SystemExit) as stop:
        main(["run", str(source), option, "/proc/nowhere/log"])
    assert stop.value.code == 2
    assert capfd.readouterr().err.splitlines() == [
        "tilicho: error: Cannot write /proc/nowhere/log: No such file or directory"]
