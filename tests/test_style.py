"""The house rules that a program can check; CONTRIBUTING.md states them."""

import ast
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable
from amaranth.lib import wiring

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("rtl", "sim", "sw", "synth")
MAX_FILE, MAX_ELABORATE, MAX_FUNCTION, MAX_COLUMNS = 400, 100, 80, 100

# Packages that the files under a prefix may import; the longest prefix decides.
MAY_IMPORT = {
    "rtl":        {"rtl"},
    "sw":         {"rtl", "sw"},
    "synth":      {"rtl", "synth"},
    "sim":        {"rtl", "sim", "sw"},
    "sim/models": {"rtl", "sim.models"},      # of rtl, what does not load Amaranth
    "sim/cli":    {"rtl", "sim", "sw", "synth"},
}

# Needed only to make something that is kept in the repository.
OPTIONAL = {"sklearn", "amaranth_boards"}


def sources(*packages):
    """Python files of the packages, with their paths relative to the root."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


@cache
def parse(path):
    return ast.parse(path.read_text(), str(path))


def modules(*packages):
    for name, path in sources(*packages):
        if path.name == "__main__.py":
            continue        # to import it is to run it
        try:
            yield name, importlib.import_module(
                name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        except ModuleNotFoundError as error:
            if error.name.split(".")[0] not in OPTIONAL:
                raise


def length(node):
    return node.end_lineno - node.lineno + 1


def imported(tree, name):
    """Dotted names that a file imports, relative ones made absolute."""
    package = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def headings(path):
    """Anchors of the headings of a Markdown file, as forges make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#+ +(.*?)\s*#*$", text, re.MULTILINE):
        title = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", title)
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def documents():
    for path in sorted(ROOT.rglob("*.md")):
        name = path.relative_to(ROOT)
        if name.parts[0] not in ("build",) and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path


def test_limits_of_files_and_functions():
    beyond = []
    for name, path in sources(*PACKAGES):
        lines = path.read_text().splitlines()
        full = sum(bool(line.strip()) for line in lines)
        if full > MAX_FILE:
            beyond.append(f"{name}: {full} lines, the limit is {MAX_FILE}")
        beyond += [f"{name}:{number}: {len(line)} columns, the limit is {MAX_COLUMNS}"
                   for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                limit = MAX_ELABORATE if node.name == "elaborate" else MAX_FUNCTION
                if length(node) > limit:
                    beyond.append(f"{name}:{node.lineno}: {node.name} has {length(node)} lines, "
                                  f"the limit is {limit}")
    assert not beyond, "\n".join(beyond)


def test_todos_name_an_issue():
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".c", ".h", ".S", ".sv", ".cpp"):
                found += [f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
                          for number, line in enumerate(path.read_text().splitlines(), 1)
                          if pattern.search(line)]
    assert not found, "\n".join(found)


def test_every_elaboratable_is_a_documented_component():
    faults, seen = [], set()
    for name, module in modules("rtl", "sim/bfm", "synth"):
        for cls in vars(module).values():
            if (not isinstance(cls, type) or not issubclass(cls, Elaboratable)
                    or cls.__module__ != module.__name__):
                continue
            seen.add(cls)
            if not issubclass(cls, wiring.Component):
                faults.append(f"{name}: {cls.__name__} is not a wiring.Component")
            if not (vars(cls).get("__doc__") or "").strip():
                faults.append(f"{name}: {cls.__name__} has no docstring")
    assert not faults, "\n".join(faults)
    assert seen


def test_submodules_have_names():
    found = []
    for name, path in sources("rtl"):
        for node in ast.walk(parse(path)):
            target = node.target if isinstance(node, ast.AugAssign) else None
            if isinstance(target, ast.Attribute) and target.attr == "submodules":
                found.append(f"{name}:{node.lineno}: anonymous submodule")
    assert not found, "\n".join(found)


@pytest.mark.filterwarnings("ignore")
def test_public_names_exist():
    faults = []
    for name, module in modules(*PACKAGES):
        public = getattr(module, "__all__", None)
        if public is None:
            if not name.endswith("__init__.py"):
                faults.append(f"{name}: no __all__")
            continue
        if len(set(public)) != len(public):
            faults.append(f"{name}: __all__ holds a name twice")
        faults += [f"{name}: __all__ holds {entry}, which does not exist"
                   for entry in public if not hasattr(module, entry)]
    assert not faults, "\n".join(faults)


def test_imports_flow_one_way():
    faults = []
    own = {*PACKAGES, "tests"}
    for name, path in sources(*PACKAGES):
        prefix = max((key for key in MAY_IMPORT if name.startswith(key + "/")), key=len)
        for line, target in imported(parse(path), name):
            if target.split(".")[0] in own and not any(
                    (target + ".").startswith(allowed + ".") for allowed in MAY_IMPORT[prefix]):
                faults.append(f"{name}:{line}: {prefix}/ must not import {target}")
    assert not faults, "\n".join(faults)


def test_models_do_not_load_amaranth():
    names = [name.removesuffix(".py").replace("/", ".") for name, _ in sources("sim/models")
             if not name.endswith("__init__.py")]
    program = ("import sys, importlib\n"
               f"for name in {names!r}:\n"
               "    importlib.import_module(name)\n"
               "    assert 'amaranth' not in sys.modules, name\n")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stderr


def test_commands_start_without_heavy_modules():
    program = ("import sys, sim.cli\n"
               "heavy = {'amaranth', 'numpy', 'rich.console', 'unicorn', 'ml_dtypes'}\n"
               "print(*sorted(heavy & set(sys.modules)))\n")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                            text=True, check=True)
    assert result.stdout.split() == []


def test_test_files_have_unique_names():
    places = {}
    for name, path in sources("tests"):
        if path.name.startswith("test_"):
            places.setdefault(path.name, []).append(name)
    assert not {key: names for key, names in places.items() if len(names) > 1}


def test_every_block_has_a_readme_with_a_test_plan():
    faults = []
    for folder in sorted(path.parent for path in (ROOT / "rtl").glob("*/__init__.py")):
        name = folder.relative_to(ROOT).as_posix()
        readme = folder / "README.md"
        if not readme.exists():
            faults.append(f"{name}: no README.md")
        elif not re.search(r"`tests/\S+\.py", readme.read_text()):
            faults.append(f"{name}/README.md: no test plan that names tests")
    assert not faults, "\n".join(faults)


def test_ids_in_test_plans_exist():
    faults = []
    for name, document in documents():
        for file, _, test in re.findall(r"`(tests/[\w/.-]+\.py)(::([\w:]+))?`",
                                        document.read_text()):
            path = ROOT / file
            if not path.exists():
                faults.append(f"{name}: {file} does not exist")
                continue
            defined = {node.name for node in ast.walk(parse(path))
                       if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
            faults += [f"{name}: {file} has no {part}" for part in test.split("::")
                       if part and part not in defined]
    assert not faults, "\n".join(faults)


def test_links_in_documents_resolve():
    faults = []
    for name, document in documents():
        text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            path = (document.parent / target).resolve() if target else document
            if not path.exists():
                faults.append(f"{name}: {link} leads nowhere")
            elif anchor and path.suffix == ".md" and anchor not in headings(path):
                faults.append(f"{name}: {link}: no such heading")
    assert not faults, "\n".join(faults)


def test_ruff_is_clean():
    result = subprocess.run([sys.executable, "-m", "ruff", "check", "--output-format=concise",
                             "--no-cache", "."], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
