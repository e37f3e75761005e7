"""A Verilated top in this process."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtl.emit import Port
from sim.errors import UserError

__all__ = ["SharedModel"]


class SharedModel:
    """A simulator as a shared library: ports by name, memories as arrays, cycles in batches.

    Inputs are 0 and reset is asserted at the start. Values of outputs are those after the last
    clock edge, before inputs that were set since have had an effect.

    Parameters
    ----------
    folder : :class:`Path`
        Where :mod:`sim.build` made ``model.so``.
    ports : list of :class:`Port`
        Ports of the top.
    """

    def __init__(self, folder: Path, ports: Sequence[Port]):
        self.folder = folder
        self._lib = ctypes.CDLL(str(folder / "model.so"))
        self._lib.model_new.restype = ctypes.c_void_p
        self._lib.model_run.restype = ctypes.c_uint64
        self._lib.model_run.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p]
        self._lib.model_memory.restype = ctypes.c_void_p
        self._lib.model_scopes.restype = ctypes.c_uint64
        self._handle = ctypes.c_void_p(self._lib.model_new())
        self._ports = {}
        for port in ports:
            address = getattr(self._lib, f"port_{port.name}")
            address.restype = ctypes.c_void_p
            # Verilator keeps a port in 1, 2, 4 or 8 bytes, and a wider one in words of 4.
            size = next((size for size in (1, 2, 4, 8) if port.width <= 8 * size),
                        -(-port.width // 32) * 4)
            self._ports[port.name] = (address(self._handle), size, port)
        self._memories: dict[str, np.ndarray] = {}
        self.cycles = 0
        self.set("rst", 1)

    def _port(self, name: str) -> tuple[int, int, Port]:
        if name not in self._ports:
            raise KeyError(f"No port {name!r}: the top has {', '.join(self._ports)}")
        return self._ports[name]

    @property
    def ports(self) -> list[str]:
        """Names of all ports."""
        return list(self._ports)

    def set(self, name: str, value: int) -> None:
        """Drive an input from the next edge on."""
        address, size, port = self._port(name)
        if not port.is_input:
            raise ValueError(f"Port {name} is an output")
        ctypes.memmove(address, (value & ((1 << port.width) - 1)).to_bytes(size, "little"), size)

    def get(self, name: str) -> int:
        """Return a port as an unsigned integer."""
        address, size, _ = self._port(name)
        return int.from_bytes(ctypes.string_at(address, size), "little")

    def tick(self, cycles: int = 1) -> None:
        """Clock ``cycles`` times."""
        self.cycles += self._lib.model_run(self._handle, cycles, None)

    def run(self, max_cycles: int, until: str | None = None) -> int:
        """Clock until the flag ``until`` is 1, at most ``max_cycles`` times; return the cycles."""
        if until is None:
            self.tick(max_cycles)
            return max_cycles
        address, size, port = self._port(until)
        if port.width > 8:
            raise ValueError(f"Port {until} is {port.width} bits wide, not a flag")
        cycles = self._lib.model_run(self._handle, max_cycles, address)
        self.cycles += cycles
        return cycles

    def reset(self, cycles: int = 2) -> None:
        """Hold reset for ``cycles``, then release it: the next edge is the first without it.

        The reset reaches the design through a register, one cycle after the port ``rst``.
        """
        self.set("rst", 1)
        self.tick(cycles)
        self.set("rst", 0)
        self.tick()

    def scopes(self) -> list[str]:
        """Return the scopes that hold memories."""
        size = self._lib.model_scopes(self._handle, None, 0)
        buffer = ctypes.create_string_buffer(size + 1)
        self._lib.model_scopes(self._handle, buffer, ctypes.c_uint64(size))
        return buffer.value.decode().splitlines()

    def memory(self, path: str) -> np.ndarray:
        """Return the rows of a :class:`sim.bfm.ram.SimRam` as an array that shares its bytes.

        Parameters
        ----------
        path : :class:`str`
            Instance path below the top of a component that holds one memory, as in ``dram``.

        Returns
        -------
        :class:`numpy.ndarray`
            ``uint8`` of shape (rows, bytes of a row), least significant byte first.
        """
        if path not in self._memories:
            wanted = f"TOP.sim.top.{path}"
            # Components around a memory have it as their submodule `ram`.
            scope = next((scope for scope in (wanted + ".ram" * depth for depth in range(4))
                          if scope in self.scopes() and self._memory_address(scope)), None)
            if scope is None:
                raise KeyError(f"No memory {path!r}: there is {', '.join(self.scopes())}")
            pointer, row_bytes, total = self._memory_address(scope)
            flat = np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_uint8)),
                                         (total,))
            self._memories[path] = flat.reshape(-1, row_bytes)
        return self._memories[path]

    def _memory_address(self, scope: str) -> tuple[int, int, int] | None:
        """Address, bytes of a row and bytes of the memory in a scope, or None."""
        row_bytes, total = ctypes.c_uint64(), ctypes.c_uint64()
        pointer = self._lib.model_memory(self._handle, scope.encode(), ctypes.byref(row_bytes),
                                         ctypes.byref(total))
        return (pointer, row_bytes.value, total.value) if pointer else None

    def trace(self, path: Path) -> None:
        """Write waves to ``path`` from now on; the model must be built for it."""
        if not self._lib.model_trace_open(self._handle, str(path).encode()):
            raise UserError(f"Cannot write waves to {path}: is the folder there?")

    def close(self) -> None:
        """Finish the waves and free the model; no other method may follow."""
        if self._handle:
            self._lib.model_trace_close(self._handle)
            self._lib.model_delete(self._handle)
            self._handle = None
            self._memories.clear()
