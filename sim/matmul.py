"""A matrix product on the simulated tile: the RTL computes, the model checks."""

import dataclasses

import numpy as np

from rtl.config import TileConfig
from rtl.matmul.encoding import assemble
from rtl.matmul.registers import COUNTERS, STALLS, registers
from rtl.matmul.windows import QUEUE_BASE, QUEUE_STRIDE, SBUF_STRIDE
from sim.bfm.player import BEAT_BYTES, Script
from sim.bfm.tile_harness import TileHost
from sim.models import matmul as model
from sw.kernels.matmul import matmul_program
from sw.kernels.plan import ideal_cycles
from sw.kernels.steps import Await, Push, Read, Signal, Step, Write

__all__ = ["HostSession", "ProductRun", "run_product"]

QUEUES = {"tensor": QUEUE_BASE, "activation": QUEUE_BASE + QUEUE_STRIDE}
LONGEST_STEP_ROWS = 4096 + 2


@dataclasses.dataclass(frozen=True)
class ProductRun:
    """Outcome of a product.

    Parameters
    ----------
    result : :class:`numpy.ndarray`
        C as the tile computed it, int32 or float32.
    mismatches : :class:`int`
        Elements whose bits differ from the model's.
    cycles : :class:`int`
        From the first instruction leaving its queue to the last result word in SBUF, both
        included; a product larger than SBUF contains the host's transfers.
    ideal_cycles : :class:`int`
        Columns that the array must take.
    counters : :class:`dict`
        The tile's counters after the run.
    simulated_cycles : :class:`int`
        All cycles, with the transfers of operands and results.
    """

    result: np.ndarray
    mismatches: int
    cycles: int
    ideal_cycles: int
    counters: dict[str, int]
    simulated_cycles: int

    @property
    def bit_exact(self) -> bool:
        """Every element equals the model's."""
        return self.mismatches == 0

    @property
    def utilisation(self) -> float:
        """Ideal by real cycles."""
        return self.ideal_cycles / self.cycles

    @property
    def active(self) -> int:
        """Cycles in which the array took a column."""
        return self.counters["tensor_active"]

    @property
    def stalls(self) -> dict[str, int]:
        """Cycles without a column, by cause; with :attr:`active` they add up to :attr:`cycles`.

        The causes are those of :data:`rtl.matmul.registers.STALLS` and ``eviction``: the tensor
        engine has done its part, and results are on their way to SBUF.
        """
        stalls = {name: self.counters[f"stall_{name}"] for name in STALLS}
        after = self.counters["cycles"] - self.cycles
        stalls["eviction"] = self.cycles - 1 - self.counters["tensor_last"]
        stalls["idle"] -= after + stalls["eviction"]
        return stalls


class HostSession:
    """Steps of a program, played in scripts as long as the player takes.

    Parameters
    ----------
    host : :class:`TileHost`
        The tile.

    Attributes
    ----------
    pieces : :class:`dict`
        What has been read, by the tags of the steps.
    """

    def __init__(self, host: TileHost):
        self.host = host
        self.offsets = {register.name: register.offset
                        for register in registers(host.config).registers}
        self.pieces: dict[tuple[int, ...], bytes] = {}
        self._begin()

    def _begin(self):
        self.script, self.pending = Script(), []

    def register(self, name: str, value: int) -> None:
        """Write a register."""
        self.script.register(self.offsets[name], value)

    def step(self, step: Step) -> None:
        """Add a step to the script, and play what is there if it becomes too long."""
        if (self.script.length + LONGEST_STEP_ROWS > self.host.ROWS
                or self.script.read_beats + LONGEST_STEP_ROWS > self.host.LOG_ROWS):
            self.flush()
        match step:
            case Write():
                self.script.write(SBUF_STRIDE * step.partition + step.address, step.payload)
            case Push():
                self.script.write(QUEUES[step.engine], assemble(step.instruction))
            case Signal():
                self.script.settle()
                self.register("SEMAPHORE_ADD", step.index | 1 << 16)
            case Await():
                self.script.poll(self.offsets[f"SEMAPHORE_{step.index}"], 0xFFFF, 1, at_least=True)
                self.register("SEMAPHORE_ADD", step.index | 0xFFFF << 16)
            case Read():
                start = step.address % BEAT_BYTES
                rows = self.script.read(SBUF_STRIDE * step.partition + step.address - start,
                                        -(-(start + step.count) // BEAT_BYTES))
                self.pending.append((step, start, rows))

    def flush(self) -> np.ndarray:
        """Play what has been collected; keep what was read."""
        log = self.host.play(self.script)
        for step, start, rows in self.pending:
            self.pieces[step.tag] = log[rows].tobytes()[start:start + step.count]
        self._begin()
        return log


def run_product(host: TileHost, a: np.ndarray, b: np.ndarray, type: str) -> ProductRun:
    """Compute ``a @ b`` on the tile of ``host`` and compare it with the model.

    Parameters
    ----------
    a, b : :class:`numpy.ndarray`
        (M, K) and (K, N): int8, or unsigned patterns. (P, M, K) and (P, K, N): as many
        independent products, in one program.
    type : :class:`str`
        Number format of both.
    """
    config: TileConfig = host.config
    (m, k), n = a.shape[-2:], b.shape[-1]
    products = a.shape[0] if a.ndim == 3 else 1
    program = matmul_program(m, k, n, type, config, products=products)
    started = host.model.cycles
    session = HostSession(host)
    session.register("COMMAND", 3)
    for step in program.steps(a, b):
        session.step(step)
    session.flush()
    # Stopped, the counters stand still while they are read one after the other.
    session.register("CTRL", 0)
    samples = {name: [session.script.sample(session.offsets[f"{name}_{half}"])
                      for half in ("LO", "HI")] for name in COUNTERS}
    session.register("CTRL", 1)
    log = session.flush()
    words = log[:, :4].copy().view(np.uint32)[:, 0].astype(np.int64)
    counters = {name.lower(): int(words[low] | words[high] << 32)
                for name, (low, high) in samples.items()}

    result = program.result(session.pieces).reshape(a.shape[:-1] + (n,))
    if a.ndim == 3:
        want = np.stack([model.matmul(left, right, type, config.size, config.chain)
                         for left, right in zip(a, b, strict=True)])
    else:
        want = model.matmul(a, b, type, config.size, config.chain)
    wrong = int(np.count_nonzero(result.view(np.uint32) != want.view(np.uint32)))
    return ProductRun(
        result=result, mismatches=wrong,
        cycles=counters["span"],
        ideal_cycles=products * ideal_cycles(m, k, n, config.size), counters=counters,
        simulated_cycles=host.model.cycles - started)
