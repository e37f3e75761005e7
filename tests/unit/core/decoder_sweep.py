"""Whole ranges of the encoding space through the decoder, and through a disassembler."""

import ctypes
import functools
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.decode import Decoder
from sim.bfm.ram import SimRam
from sim.build import build_root, build_shared, locked

__all__ = ["Disassembler", "Sweep"]

LIMIT = 1 << 22
ROW = 32
NAMES, NAME_BYTES = 4096, 32
SOURCE = Path(__file__).with_name("disassembler.c")


class DecoderSweep(wiring.Component):
    """Decodes a word a cycle, at both levels, and keeps what was legal.

    The words are ``fixed`` with the bits of ``mask`` counting up from zero.
    """

    def __init__(self):
        super().__init__({"fixed": In(32), "mask": In(32), "count": In(32), "done": Out(1)})

    def elaborate(self, platform):
        m = Module()
        varying, index = Signal(32), Signal(32)
        m.d.comb += self.done.eq(index == self.count)
        with m.If(~self.done):
            m.d.sync += [index.eq(index + 1), varying.eq(((varying | ~self.mask) + 1) & self.mask)]
        for el0 in (0, 1):
            m.submodules[f"el{1 - el0}"] = decoder = Decoder()
            m.submodules[f"log_el{1 - el0}"] = log = SimRam(width=ROW, depth=LIMIT // ROW)
            row = Signal(ROW, name=f"row_{el0}")
            bits = Signal(ROW, name=f"bits_{el0}")
            m.d.comb += [
                decoder.insn.eq(self.fixed | varying), decoder.el0.eq(el0),
                bits.eq(row[1:] | decoder.legal << ROW - 1),
                log.write_addr[0].eq(index[5:]), log.write_data[0].eq(bits),
                log.write_strobe[0].eq((~self.done & (index[:5] == ROW - 1)).replicate(4)),
            ]
            with m.If(~self.done):
                m.d.sync += row.eq(bits)
        return m


class Sweep:
    """The decoder, simulated."""

    def __init__(self):
        self.model = build_shared(DecoderSweep(), name="decoder")

    def legal(self, fixed: int, mask: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what is legal at EL0 and at EL1, for all words in order."""
        count = 1 << mask.bit_count()
        assert ROW <= count <= LIMIT and not fixed & mask
        model = self.model
        for name, value in (("fixed", fixed), ("mask", mask), ("count", count)):
            model.set(name, value)
        model.reset()
        model.run(count + 4, until="done")
        return tuple(np.unpackbits(model.memory(f"log_el{level}")[:count // ROW].reshape(-1),
                                   bitorder="little").astype(bool) for level in (0, 1))


@functools.cache
def _library() -> ctypes.CDLL:
    """Compile the loop around the disassembler, once."""
    import capstone
    folder = build_root() / f"disassembler-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    library = folder / "classify.so"
    with locked(folder):
        if not library.exists():
            include = Path(capstone.__file__).parent / "include"
            subprocess.run([sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O2",
                            "-I", include, "-o", library, SOURCE], check=True)
    return ctypes.CDLL(str(library))


class Disassembler:
    """Capstone, a whole range of words at a time."""

    def __init__(self):
        import capstone
        self._handle = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
        capstone_library = ctypes.CDLL(capstone._cs._name)
        capstone_library.cs_malloc.restype = ctypes.c_void_p
        handle = ctypes.c_size_t(self._handle.csh.value)
        self._front = (ctypes.cast(capstone_library.cs_disasm_iter, ctypes.c_void_p), handle,
                       ctypes.c_void_p(capstone_library.cs_malloc(handle)))
        self._names = ctypes.create_string_buffer(NAMES * NAME_BYTES)

    def names(self, fixed: int, mask: int) -> tuple[np.ndarray, dict[int, str]]:
        """Return the number of each word's name, 0 for none, and the names by number."""
        count = 1 << mask.bit_count()
        numbers = np.zeros(count, np.uint16)
        _library().classify(*self._front, ctypes.c_uint32(fixed), ctypes.c_uint32(mask),
                            ctypes.c_uint32(0), ctypes.c_uint64(count),
                            ctypes.c_void_p(numbers.ctypes.data), self._names)
        raw = self._names.raw
        return numbers, {number: raw[number * NAME_BYTES:(number + 1) * NAME_BYTES]
                         .split(b"\0")[0].decode() for number in np.unique(numbers).tolist()}
