"""SystemVerilog in which logic that feeds one enabled register is computed only when it moves.

Yosys writes each operator as a continuous assignment, and Verilator evaluates those every cycle.
Most of a pipelined datapath is idle most of the time: :func:`make_lazy` moves such assignments
into the branch of the clocked block that needs them, where an idle stage costs one comparison.
Behaviour is the same; the wires moved are gone from waves, so builds with waves do without it.
"""

import dataclasses
import re
from collections import defaultdict

__all__ = ["make_lazy"]

_NAME = re.compile(r"\\\S+(?= )|(?<![\w$'\\.])[A-Za-z_][\w$]*")
_DECLARATION = re.compile(r"  (?:input|output|wire|reg) (?:signed )?(?:\[[^\]]*\] )?"
                          rf"({_NAME.pattern}) *(?:=.*)?;$")
_ASSIGN = re.compile(rf"  assign ({_NAME.pattern}) *= (.*);$")
_NEXT = re.compile(rf"    ({_NAME.pattern}) *<= ({_NAME.pattern}) *;$")
_BLOCKING = re.compile(rf"( +)({_NAME.pattern}) *((?:\[[^\]]*\] *)?)= (.*;)$")
_IF = re.compile(r"    if \((.*)\) begin$")


@dataclasses.dataclass
class _Item:
    """Lines of a module that belong together.

    ``target`` is the one signal that a definition defines; ``uses`` are names read, ``guards``
    those read outside of the branch that definitions may move into.
    """

    lines: list[str]
    target: str | None = None
    uses: set[str] = dataclasses.field(default_factory=set)
    guards: set[str] = dataclasses.field(default_factory=set)
    condition: str | None = None
    reset: list[str] = dataclasses.field(default_factory=list)


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _items(lines: list[str]) -> list[_Item]:
    """Cut the body of a module into items."""
    items, block = [], None
    for line in lines:
        if block is not None:
            block.append(line)
            if line in ("  end", "  );") or (block[0].startswith("  always_ff")
                                             and not block[0].endswith("begin")
                                             and line.endswith(";")):
                items.append(_Item(block))
                block = None
        elif line.startswith(("  always", "  initial")) or not line.endswith(";"):
            block = [line]
        else:
            items.append(_Item([line]))
    if block is not None:
        items.append(_Item(block))
    return items


def _define(item: _Item) -> None:
    """Fill in what an item defines and uses."""
    assign = _ASSIGN.match(item.lines[0])
    if assign:
        item.target, item.uses = assign[1], _names(assign[2])
    elif item.lines[0] == "  always_comb begin":
        targets = {match[2] for line in item.lines if (match := _BLOCKING.match(line))}
        item.uses = _names(" ".join(item.lines[1:]))
        if len(targets) == 1:
            item.target = targets.pop()
            read = " ".join(match[4] if (match := _BLOCKING.match(line)) else line
                            for line in item.lines[1:])
            if item.target in _names(read):
                item.target = None
            else:
                item.uses = _names(read)
    else:
        item.uses = _names(" ".join(item.lines))


def _clocked(register: str, definition: _Item) -> _Item:
    """Return the clocked block that replaces the definition of a register's next value."""
    body = []
    for line in definition.lines[1:-1]:
        match = _BLOCKING.match(line)
        body.append(f"{match[1]}{register} {match[3]}<= {match[4]}" if match else line)
    if _BLOCKING.match(definition.lines[1])[4] == f"{register} ;" or \
            _BLOCKING.match(definition.lines[1])[4] == f"{register};":
        body = body[1:]
    item = _Item(body, uses=_names(" ".join(body)), guards=_names(" ".join(body)))
    ends = [index for index, line in enumerate(body) if line.startswith("    end")]
    opening = _IF.match(body[0]) if body else None
    if not opening or body[ends[0]] != "    end":       # an alternative follows
        return item
    # What follows, as a rule resets, overrides and stays behind the branch.
    rest = body[ends[0] + 1:]
    item.condition = opening[1]
    item.lines, item.reset = body[1:ends[0]], rest
    item.guards = _names(opening[1]) | _names(" ".join(rest))
    return item


def _fold_registers(items: list[_Item]) -> tuple[list[_Item], list[_Item]]:
    """Join registers with the definitions of their next values; returns the rest, and those."""
    definitions = {item.target: item for item in items if item.target}
    users = defaultdict(list)
    for item in items:
        for name in item.uses:
            users[name].append(item)
    folded, gone = [], set()
    for item in items:
        match = _NEXT.match(item.lines[1]) if len(item.lines) == 2 else None
        if not match or item.lines[0] != "  always_ff @(posedge clk)":
            continue
        definition = definitions.get(match[2])
        if (definition is None or len(definition.lines) == 1 or users[match[2]] != [item]
                or not _BLOCKING.match(definition.lines[1])):
            continue
        folded.append(_clocked(match[1], definition))
        gone |= {id(item), id(definition)}
    return [item for item in items if id(item) not in gone], folded


def _without_unused(items: list[_Item], clocked: list[_Item], movable: set[str]) -> list[_Item]:
    """Drop definitions that nothing reads, such as names of struct fields."""
    while True:
        used = set().union(*(item.uses | item.guards for item in (*items, *clocked)))
        kept = [item for item in items if item.target not in movable or item.target in used]
        if len(kept) == len(items):
            return kept
        items = kept


def _sink(items: list[_Item], clocked: list[_Item], movable: set[str]) -> dict[str, str]:
    """Return the condition into whose branch each definition moves, by its target."""
    users = defaultdict(list)
    for item in (*items, *clocked):
        for name in item.uses | item.guards:
            users[name].append(item)
    place: dict[str, str] = {}
    candidates = [item for item in items if item.target in movable]
    moved = True
    while moved:
        moved = False
        for item in reversed(candidates):
            if item.target in place:
                continue
            conditions = set()
            for user in users[item.target]:
                if user.condition is not None and item.target not in user.guards:
                    conditions.add(user.condition)
                else:
                    conditions.add(place.get(user.target))
            if len(conditions) == 1 and None not in conditions:
                place[item.target] = conditions.pop()
                moved = True
    return place


def _in_order(definitions: dict[str, _Item]) -> list[_Item]:
    """Return definitions so that each stands behind those that it uses."""
    done: dict[str, _Item] = {}

    def visit(name: str) -> None:
        if name not in done:
            for used in sorted(definitions[name].uses & definitions.keys() - {name}):
                visit(used)
            done[name] = definitions[name]

    for name in definitions:
        visit(name)
    return list(done.values())


def _branch(condition: str, members: list[_Item], moved: list[_Item],
            declarations: dict[str, str], label: str) -> list[str]:
    """Return the clocked block of one condition."""
    lines = ["  always_ff @(posedge clk) begin", f"    if ({condition}) begin : {label}"]
    for item in moved:
        shape = re.sub(r"^  (wire|reg)|( *=.*)?;$", "", declarations[item.target])
        lines.append(f"      automatic logic{shape};")
    for item in moved:
        if len(item.lines) == 1:
            lines.append(re.sub(r"^  assign", "     ", item.lines[0]))
        else:
            lines += [f"  {line}" for line in item.lines[1:-1]]
    lines += [line for member in members for line in member.lines]
    lines.append("    end")
    lines += [line for member in members for line in member.reset]
    return [*lines, "  end"]


def _module(lines: list[str]) -> list[str]:
    """Rewrite one module, from its header to its ``endmodule``."""
    start = next(index for index, line in enumerate(lines) if line.endswith(");")) + 1
    ports = {name for line in lines if line.startswith(("  input", "  output"))
             for name in _DECLARATION.match(line).groups()}
    declarations, body = {}, []
    for line in lines[start:-1]:
        match = _DECLARATION.match(line)
        if match and not line.startswith(("  input", "  output")) and match[1] not in ports:
            declarations[match[1]] = line
        else:
            body.append(line)
    # A memory, or anything else that is declared, stays what it is.
    items = _items([line for line in body if not _DECLARATION.match(line)])
    kept = [line for line in body if _DECLARATION.match(line)]
    for item in items:
        _define(item)
    counts = defaultdict(int)
    for item in items:
        if item.target:
            counts[item.target] += 1
    for item in items:
        if item.target and counts[item.target] > 1:
            item.target = None
    items, clocked = _fold_registers(items)
    items = _without_unused(items, clocked, set(declarations))
    place = _sink(items, clocked, set(declarations))

    moved = defaultdict(dict)
    for item in items:
        if item.target in place:
            moved[place[item.target]][item.target] = item
    groups = defaultdict(list)
    for item in clocked:
        groups[item.condition].append(item)
    output = [*lines[:start], *kept,
              *(line for name, line in declarations.items() if name not in place)]
    for item in items:
        if item.target not in place:
            output += item.lines
    for item in groups.pop(None, []):
        output += ["  always_ff @(posedge clk) begin", *item.lines, "  end"]
    for index, (condition, members) in enumerate(groups.items()):
        output += _branch(condition, members, _in_order(moved[condition]), declarations,
                          f"lazy_{index}")
    return [*output, lines[-1]]


def make_lazy(text: str) -> str:
    """Return ``text``, as :func:`rtl.emit.write_systemverilog` wrote it, with logic moved."""
    output, module = [], None
    for line in text.splitlines():
        if module is None and line.startswith("module "):
            module = []
        if module is None:
            output.append(line)
            continue
        module.append(line)
        if line == "endmodule":
            output += _module(module)
            module = None
    return "\n".join(output) + "\n"
