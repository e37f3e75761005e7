"""The C driver of the DMA engine, compiled for this machine, against the golden model.

Its register accesses end here: rings and slots go to the model, whose completions the driver reads.
"""

import ctypes
import random
import subprocess

import numpy as np
import pytest

from rtl.nitro_dma import encoding
from rtl.nitro_dma.registers import GLOBAL, PUSH_PAGE, QUEUE, QUEUE_PAGE
from rtl.soc.export import c_header
from rtl.soc.memory_map import MEMORY_MAP
from sim.models.dma import Memory, QueueModel, Ring
from sw.toolchain import ROOT

ENTRIES, RINGS, BYTES = 64, 0x1000, 0x40000
SOURCE, SINK = 0x8000, 0x20000
TRANSPOSE = 32
PLATFORM = """
#include <stddef.h>
#include <stdint.h>
#define CACHE_LINE 64u
extern uint32_t (*read_hook)(uint64_t);
extern void (*write_hook)(uint64_t, uint32_t);
#define read32(address) read_hook(address)
#define write32(address, value) write_hook(address, value)
#define dma_sync_for_device(start, bytes) ((void)(start))
#define dma_sync_for_cpu(start, bytes) ((void)(start))
"""
HOOKS = """
#include <stdint.h>
uint32_t (*read_hook)(uint64_t);
void (*write_hook)(uint64_t, uint32_t);
"""


class Matrix(ctypes.Structure):
    """``struct dma_matrix``."""

    _fields_ = [("source", ctypes.c_uint64), ("destination", ctypes.c_uint64),
                ("source_pitch", ctypes.c_int64), ("destination_pitch", ctypes.c_int64),
                ("rows", ctypes.c_uint32), ("columns", ctypes.c_uint32),
                ("element", ctypes.c_uint32)]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("driver")
    for name, text in (("platform.h", PLATFORM), ("chip.h", c_header()), ("hooks.c", HOOKS),
                       ("dma_encoding.h", encoding.c_header())):
        (folder / name).write_text(text)
    # A copy, so that `platform.h` is found here and not beside the original.
    for name in ("dma.c", "dma.h"):
        (folder / name).write_text((ROOT / "sw/firmware/demo" / name).read_text())
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-std=c11",
                    "-o", folder / "driver.so", folder / "dma.c", folder / "hooks.c"], check=True)
    return ctypes.CDLL(str(folder / "driver.so"))


class Engine:
    """The model behind the driver's registers."""

    def __init__(self, library, *, push=False):
        self.base = next(entry.base for entry in MEMORY_MAP if entry.name == "DMA")
        self.driver = library
        self.registers, self.slot = {}, {}
        self.memory = Memory(bytearray(random.Random(5).randbytes(BYTES)))
        self.memory.write(0, bytes(SOURCE))
        self.model = QueueModel(self.memory, *(Ring(RINGS * (1 + i), ENTRIES) for i in range(4)),
                                push=push, transpose=TRANSPOSE, fill=True)
        self.hooks = (ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint64)(self.read),
                      ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint32)(self.write))
        for name, hook in zip(("read_hook", "write_hook"), self.hooks, strict=True):
            ctypes.c_void_p.in_dll(library, name).value = ctypes.cast(hook, ctypes.c_void_p).value
        (library.dma_init_push if push else library.dma_init)()

    def read(self, address):
        offset = address - self.base
        if offset == GLOBAL.register("FEATURES").offset:
            return TRANSPOSE
        if offset == QUEUE_PAGE + QUEUE.register("PUSH_FREE").offset:
            return encoding.SLOTS
        return 0

    def write(self, address, value):
        offset = address - self.base
        self.registers[offset] = value
        if PUSH_PAGE <= offset < PUSH_PAGE + 0x1000:
            self.push(offset - PUSH_PAGE, value)
        for half, ring in enumerate((self.model.m2s, self.model.s2m)):
            page = QUEUE_PAGE + 0x400 * half
            if offset == page + QUEUE.register("M2S_TAIL_INC").offset:
                self.memory.write(ring.base, ctypes.string_at(self.host(page, "RING"),
                                                              16 * ENTRIES))
                self.model.doorbell(**{("m2s", "s2m")[half]: value})
                self.run()

    def push(self, offset, value):
        if offset != encoding.SLOT_END:
            self.slot[offset] = value.to_bytes(4, "little")
            return
        halves = [b"".join(self.slot[first + 4 * i] for i in range(4))
                  for first in (encoding.SLOT_M2S, encoding.SLOT_S2M)]
        assert self.model.push(*halves)
        self.run()

    def host(self, page, what):
        """Return where a ring of the driver lies on this machine."""
        low, high = (self.registers[page + QUEUE.register(f"M2S_{what}_BASE_{part}").offset]
                     for part in ("LO", "HI"))
        return low | high << 32

    def run(self):
        self.model.run()
        ring = self.model.s2m_done
        ctypes.memmove(self.host(QUEUE_PAGE + 0x400, "COMP"),
                       self.memory.read(ring.base, 16 * ENTRIES), 16 * ENTRIES)

    def submit(self):
        packet = self.driver.dma_submit(0)
        assert self.driver.dma_wait(packet) == 0
        return self.model.completions[-1]["bytes"]


@pytest.fixture(params=[False, True], ids=["rings", "push"])
def engine(request, library):
    return Engine(library, push=request.param)


def u64(value):
    return ctypes.c_uint64(value)


def test_dma_c_driver_copies_and_wraps(engine):
    """More packets than the rings have entries."""
    for i in range(150):
        engine.driver.dma_source(u64(SOURCE + i), 100)
        engine.driver.dma_destination(u64(SINK + 128 * i), 100)
        assert engine.submit() == 100
        assert engine.memory.read(SINK + 128 * i, 100) == engine.memory.read(SOURCE + i, 100)


def test_dma_c_driver_walks_over_dimensions(engine):
    """Rows on both sides, with fewer dimensions on one of them, and a negative stride."""
    library = engine.driver
    library.dma_source_dimension(3, ctypes.c_int64(-64))
    library.dma_source_dimension(2, ctypes.c_int64(1000))
    library.dma_source(u64(SOURCE + 200), 10)
    library.dma_destination_dimension(6, ctypes.c_int64(32))
    library.dma_destination(u64(SINK), 10)
    assert engine.submit() == 60
    rows = [SOURCE + 200 - 64 * i + 1000 * j for j in range(2) for i in range(3)]
    for i, row in enumerate(rows):
        assert engine.memory.read(SINK + 32 * i, 10) == engine.memory.read(row, 10)


def test_dma_c_driver_fills(engine):
    engine.driver.dma_source_word(0x44332211)
    engine.driver.dma_source(u64(1), 9)
    engine.driver.dma_destination(u64(SINK), 9)
    assert engine.submit() == 9
    assert engine.memory.read(SINK, 9) == bytes.fromhex("22334411 22334411 22")


@pytest.mark.parametrize("rows, columns, element", [(64, 64, 2), (37, 100, 1), (9, 5, 4),
                                                    (1, 1, 2), (8, 3, 4), (33, 64, 1)])
def test_dma_c_driver_transposes(engine, rows, columns, element):
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[element]
    pitch, turned = columns * element, rows * element + 3
    image = np.frombuffer(engine.memory.read(SOURCE, pitch * rows), kind).reshape(rows, columns)
    matrix = Matrix(SOURCE, SINK, pitch, turned, rows, columns, element)
    assert engine.driver.dma_transpose(ctypes.byref(matrix)) == 0
    assert engine.submit() == image.nbytes
    for i, line in enumerate(image.T):
        assert engine.memory.read(SINK + turned * i, len(line) * element) == line.tobytes()
