"""The DMA engine on a memory, Verilated, behind the calls of the host driver."""

import dataclasses
from collections.abc import Callable, Iterator

from rtl.config import DmaConfig
from sim.bfm.dma_harness import IDEAL_LATENCY, LOGGED, DmaHarness
from sim.build import build_workload
from sw.drivers.dma import DmaBus, DmaManager

__all__ = ["DmaModel", "Request"]


@dataclasses.dataclass(frozen=True)
class Request:
    """A burst that the engine has put on AR or AW: bytes of full beats, and AxUSER."""

    write: bool
    address: int
    length: int
    tenant: int


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
        self.config = config
        self.sim = build_workload(lambda: DmaHarness(config, bytes=bytes), name="dma",
                                  key=f"{config} {bytes}", progress=progress)
        self.latency = latency
        self.memory = self.sim.memory("memory").reshape(-1)
        self.bus = DmaBus(self.read_memory, self.write_memory, self.read_register,
                          self.write_register)
        self.reset()

    def reset(self) -> None:
        """Reset the engine and open all memory to each queue; no fault is armed."""
        self.sim.set("latency", IDEAL_LATENCY + self.latency)
        self.sim.reset()
        self.inject()
        for queue in range(self.config.queues):
            DmaManager(self.bus, queue).open_window(0, 0, len(self.memory))

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

    def requests(self) -> Iterator[Request]:
        """Yield the bursts since the last reset, port by port and direction by direction.

        Raises
        ------
        :exc:`OverflowError`
            If there were more than the log holds.
        """
        widths = [self.config.data_width, 64][:1 + self.config.descriptor_port]
        for port, width in enumerate(widths):
            for kind in ("reads", "writes"):
                count = self.sim.get(f"{kind}_{port}")
                if count > LOGGED:
                    raise OverflowError(f"{count} bursts are more than the log holds")
                for row in self.sim.memory(f"log_{kind}_{port}")[:count]:
                    data = row.tobytes()
                    yield Request(kind == "writes", int.from_bytes(data[:6], "little"),
                                  (data[8] + 1) * width // 8,
                                  int.from_bytes(data[6:8], "little"))

    def read_memory(self, address: int, length: int) -> bytes:
        return self.memory[address:address + length].tobytes()

    def write_memory(self, address: int, payload: bytes) -> None:
        self.memory[address:address + len(payload)] = memoryview(payload)

    def write_register(self, offset: int, value: int) -> None:
        if self.try_write_register(offset, value):
            raise ValueError(f"Write of register {offset:#x} was refused")

    def try_write_register(self, offset: int, value: int) -> int:
        """Write a register; return the response."""
        for name, port in (("awaddr", offset), ("wdata", value), ("wstrb", 15), ("awvalid", 1),
                           ("wvalid", 1), ("bready", 1)):
            self.sim.set(f"s_axil__{name}", port)
        self._until("s_axil__bvalid")       # one transaction at a time: B comes with acceptance
        self.sim.set("s_axil__awvalid", 0)
        self.sim.set("s_axil__wvalid", 0)
        response = self.sim.get("s_axil__bresp")
        self.sim.tick()
        return response

    def read_register(self, offset: int) -> int:
        sim = self.sim
        for name, port in (("araddr", offset), ("arvalid", 1), ("rready", 1)):
            sim.set(f"s_axil__{name}", port)
        self._until("s_axil__rvalid")
        sim.set("s_axil__arvalid", 0)
        if sim.get("s_axil__rresp"):
            raise ValueError(f"Read of register {offset:#x} was refused")
        value = sim.get("s_axil__rdata")
        sim.tick()
        return value

    def _until(self, flag: str) -> None:
        if not any(self.sim.tick() or self.sim.get(flag) for _ in range(10_000)):
            raise TimeoutError(f"{flag} does not rise")

    def close(self) -> None:
        self.sim.close()
