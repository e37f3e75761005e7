"""The DMA engine on a memory, Verilated, behind the calls of the host driver."""

from collections.abc import Callable

from rtl.config import DmaConfig
from sim.bfm.dma_harness import IDEAL_LATENCY, DmaHarness
from sim.build import build_workload
from sw.drivers.dma import DmaBus

__all__ = ["DmaModel"]


class DmaModel:
    """A harness, its memory as bytes, and its registers over AXI4-Lite.

    Parameters
    ----------
    config : :class:`DmaConfig`
        Configuration of the engine.
    latency : :class:`int`
        Cycles that the memory takes longer than an ideal one, on R and on B.
    bytes : :class:`int`
        Size of the memory.
    """

    def __init__(self, config: DmaConfig, *, latency: int = 0, bytes: int = 1 << 20,
                 progress: Callable[[str], None] = lambda step: None):
        self.sim = build_workload(lambda: DmaHarness(config, bytes=bytes), name="dma",
                                  key=f"{config} {bytes}", progress=progress)
        self.latency = latency
        self.reset()
        self.memory = self.sim.memory("memory").reshape(-1)
        self.bus = DmaBus(self.read_memory, self.write_memory, self.read_register,
                          self.write_register)

    def reset(self) -> None:
        """Reset the engine; no fault is armed, the memory stays."""
        self.sim.set("latency", IDEAL_LATENCY + self.latency)
        self.sim.reset()
        self.inject()

    def inject(self, **faults: int) -> None:
        """Answer with SLVERR, counted from now: ``read=3`` is the fourth data beat on R."""
        for name in ("read", "fetch", "write", "completion"):
            self.sim.set(f"fail_{name}", faults.get(name, 0xFFFF))
        self.sim.set("arm", 1)
        self.sim.tick()
        self.sim.set("arm", 0)

    def settle(self, queue, most: int = 100_000) -> int:
        """Run until the queue pair has nothing under way; return its STATE."""
        state = 0
        for _ in range(most):
            state = queue.state()
            if not state & 8:
                return state
        raise AssertionError(f"Queue pair still busy, STATE {state:#x}")

    def read_memory(self, address: int, length: int) -> bytes:
        return self.memory[address:address + length].tobytes()

    def write_memory(self, address: int, payload: bytes) -> None:
        self.memory[address:address + len(payload)] = memoryview(payload)

    def write_register(self, offset: int, value: int) -> None:
        sim = self.sim
        for name, port in (("awaddr", offset), ("wdata", value), ("wstrb", 15), ("awvalid", 1),
                           ("wvalid", 1), ("bready", 1)):
            sim.set(f"s_axil__{name}", port)
        sim.tick()      # one transaction at a time: accepted at once
        sim.set("s_axil__awvalid", 0)
        sim.set("s_axil__wvalid", 0)
        assert sim.get("s_axil__bvalid"), f"Write of register {offset:#x} was not accepted"
        assert sim.get("s_axil__bresp") == 0, f"Write of register {offset:#x} was refused"
        sim.tick()

    def read_register(self, offset: int) -> int:
        sim = self.sim
        for name, port in (("araddr", offset), ("arvalid", 1), ("rready", 1)):
            sim.set(f"s_axil__{name}", port)
        sim.tick()
        sim.set("s_axil__arvalid", 0)
        assert sim.get("s_axil__rvalid"), f"Read of register {offset:#x} was not accepted"
        assert sim.get("s_axil__rresp") == 0, f"Read of register {offset:#x} was refused"
        value = sim.get("s_axil__rdata")
        sim.tick()
        return value

    def close(self) -> None:
        self.sim.close()
