"""Benchmarks of the DMA engine: how much of the data bus its transfers use."""

import dataclasses
import random
from collections.abc import Callable, Sequence

import numpy as np

from rtl.config import DmaConfig, preset_hash
from sim.bfm.dma_harness import IDEAL_LATENCY
from sim.dma import DmaModel
from sim.dma_cases import CASES, LARGEST_MATRIX, MAX_TRANSFERS, PORTS, DmaCase
from sim.errors import UserError
from sw.drivers.dma import DmaQueue, Strided

__all__ = ["bench_config", "bench_dma"]

DATA_WIDTH = 64
BEAT = DATA_WIDTH // 8
BYTES = 1 << 22
ELEMENT = 2
DESCRIPTORS = 16                      # that a matrix of any size takes at most, in either ring
ARENA_BYTES = MAX_TRANSFERS * 64      # a transfer has an entry in each of four rings
SOURCE, SINK = ARENA_BYTES, 2 * ARENA_BYTES


def bench_config(row: DmaCase) -> DmaConfig:
    """Return the engine that a row is measured on: 64 bits, deep enough for a far memory."""
    return DmaConfig(queues=row.queues, data_width=DATA_WIDTH, outstanding=32, packets=64,
                     prefetch=max(64, 4 * row.queues), descriptor_port=row.port == "own",
                     transpose=32)


class _Bench:
    """An engine and the transfers that it is measured with."""

    def __init__(self, row: DmaCase, *, seed: int, progress: Callable[[str], None]):
        self.config = bench_config(row)
        self.model = DmaModel(self.config, bytes=BYTES, progress=progress)
        self.data = np.frombuffer(random.Random(seed).randbytes(ARENA_BYTES), np.uint8)

    def _queues(self, count: int, depth: int, *, push: bool = False) -> list[DmaQueue]:
        self.model.reset()
        queues = [DmaQueue(self.model.bus, queue=i, depth=depth, push=push,
                           arena=i * DmaQueue.arena_bytes(depth)) for i in range(count)]
        for queue in queues:
            queue.start()
        return queues

    def measure(self, row: DmaCase, transfers: int) -> dict:
        """Run the transfers of a row, check what they moved, and return the row's figures."""
        if row.case == "transpose":
            return self._transpose(row, transfers)
        model, offsets = self.model, CASES[row.case]
        model.latency = row.latency
        memory = model.memory
        memory[SOURCE:SOURCE + ARENA_BYTES] = self.data
        memory[SINK:SINK + ARENA_BYTES] = 0
        # Each buffer lies in a place of its own, aligned to its size; a few are used in turn.
        stride = max(BEAT, 1 << (row.size + max(offsets) - 1).bit_length())
        places = max(1, ARENA_BYTES // stride - 1)
        each = transfers // row.queues
        queues = self._queues(row.queues, max(8, each), push=row.case == "push")
        if row.case == "nd":
            packets, size, used = 1, row.size * each, self._rows(queues, row, each, places, stride)
        else:
            packets, size, used = each, row.size, min(places, transfers)
            self._packets(queues, row, each, places, stride)
        self._drain(queues)
        self._check(row, queues, packets, size, np.arange(used) * stride)
        return self._figures(row, transfers, row.size)

    def _drain(self, queues) -> None:
        for queue in queues:
            while queue.state() & 8:
                self.model.sim.tick(100)

    def _figures(self, row: DmaCase, transfers: int, size: int) -> dict:
        """Return the figures of a row whose transfers of ``size`` bytes are done."""
        get = self.model.sim.get
        cycles = {channel: get(f"{channel}_last") - get(f"{channel}_first") + 1
                  for channel in ("r", "w")}
        busier = min(cycles, key=lambda channel: cycles[channel])
        return {**dataclasses.asdict(row), "transfers": transfers, "channel": busier.upper(),
                "beats": get(f"{busier}_beats"), "cycles": cycles[busier],
                "utilisation": transfers * size / BEAT / cycles[busier],
                "cycles_per_descriptor": cycles[busier] / transfers}

    def _transpose(self, row: DmaCase, transfers: int) -> dict:
        """Transpose matrices, and copy them as rows of the same engine, for comparison."""
        pitch = row.size * ELEMENT
        places = min(transfers, ARENA_BYTES // (pitch * row.size))
        images = self.data[:places * pitch * row.size].view(np.uint16).reshape(
            places, row.size, row.size)
        figures = {}
        for turned in (False, True):
            model = self.model
            model.latency = row.latency
            model.memory[SOURCE:SOURCE + ARENA_BYTES] = self.data
            model.memory[SINK:SINK + ARENA_BYTES] = 0
            each = transfers // row.queues
            queues = self._queues(row.queues, DESCRIPTORS * each)
            for number in range(transfers):
                place = number % places * pitch * row.size
                self._matrix(queues[number % row.queues], row.size, turned, SOURCE + place,
                             SINK + place)
            for queue in queues:
                queue.doorbell(m2s=queue.m2s.count, s2m=queue.s2m.count)
            self._drain(queues)
            if any(queue.wait(1).bytes != pitch * row.size for queue in queues
                   for _ in range(each)):
                raise RuntimeError("DMA bench: a completion has the wrong length")
            found = model.memory[SINK:SINK + images.nbytes].view(np.uint16).reshape(images.shape)
            if (found != (images.transpose(0, 2, 1) if turned else images)).any():
                raise RuntimeError("DMA bench: a matrix is wrong")
            figures[turned] = self._figures(row, transfers, pitch * row.size)
        return figures[True] | {"of_copy": figures[True]["utilisation"]
                                / figures[False]["utilisation"]}

    @staticmethod
    def _matrix(queue: DmaQueue, size: int, turned: bool, source: int, sink: int) -> None:
        """Announce a matrix."""
        pitch = size * ELEMENT
        if turned:
            queue.transpose((source, pitch), (sink, pitch), rows=size, columns=size,
                            element=ELEMENT, ring_doorbell=False)
        else:
            queue.submit([Strided(source, pitch, [(size, pitch)])],
                         [Strided(sink, pitch, [(size, pitch)])], ring_doorbell=False)

    @staticmethod
    def _packets(queues, row, each, places, stride) -> None:
        """Announce, or push, one packet after the other."""
        offsets = CASES[row.case]
        for i in range(each):
            for number, queue in enumerate(queues):
                place = (i * row.queues + number) % places * stride
                source = SOURCE + place + offsets[0], row.size
                sink = SINK + place + offsets[1], row.size
                if row.case == "push":
                    queue.push(source, sink)
                else:
                    queue.submit([source], [sink], ring_doorbell=False)
        if row.case != "push":
            for queue in queues:
                queue.doorbell(m2s=each, s2m=each)

    @staticmethod
    def _rows(queues, row, each, places, stride) -> int:
        """Announce one packet of many rows to each queue; return the number of places used."""
        def divisor(number, most):
            return next(n for n in range(min(number, most), 0, -1) if number % n == 0)

        count = divisor(each, places // len(queues))
        inner = divisor(count, 8)
        shape = [(inner, stride), (count // inner, inner * stride), (each // count, 0)]
        for number, queue in enumerate(queues):
            place = number * count * stride
            queue.submit([Strided(SOURCE + place, row.size, shape)],
                         [Strided(SINK + place, row.size, shape)], ring_doorbell=False)
        for queue in queues:
            queue.doorbell(m2s=1 + len(shape), s2m=1 + len(shape))
        return count * len(queues)

    def _check(self, row, queues, packets, size, places) -> None:
        """Hold completions and memory against what was asked for."""
        offsets = CASES[row.case]
        for queue in queues:
            if [queue.wait(1).bytes for _ in range(packets)] != [size] * packets:
                raise RuntimeError("DMA bench: a completion has the wrong length")
        lanes = places[:, None] + np.arange(row.size)
        if (self.model.memory[SINK + offsets[1] + lanes]
                != self.model.memory[SOURCE + offsets[0] + lanes]).any():
            raise RuntimeError("DMA bench: a transfer left wrong bytes")

    def launch(self, *, push: bool) -> int:
        """Return the cycles until the data's ``arvalid``, without those of the memory.

        They count from the doorbell, or from the write that completes a slot.
        """
        self.model.latency = 0
        queue, = self._queues(1, 4, push=push)
        if push:
            queue.push((SOURCE, 64), (SINK, 64))
            bell = self.model.sim.get("bell")
            queue.wait()
            return self.model.sim.get("request") - bell
        queue.submit([(SOURCE, 64)], [(SINK, 64)], ring_doorbell=False)
        queue.doorbell(m2s=0, s2m=1)
        self.model.sim.tick(100)
        queue.doorbell(m2s=1, s2m=0)
        bell = self.model.sim.get("bell")
        queue.wait()
        return self.model.sim.get("request") - bell - IDEAL_LATENCY

    def close(self) -> None:
        self.model.close()


def _refuse(row: DmaCase, transfers: int) -> None:
    if row.case not in CASES:
        raise UserError(f"Unknown case {row.case!r}: choose one of {', '.join(CASES)}")
    if row.port not in PORTS:
        raise UserError(f"Unknown port {row.port!r}: choose one of {', '.join(PORTS)}")
    if row.case == "transpose":
        if not 1 <= row.size <= LARGEST_MATRIX:
            raise UserError(f"A matrix has 1 to {LARGEST_MATRIX} rows, not {row.size}")
        if transfers > MAX_TRANSFERS // DESCRIPTORS:
            raise UserError(f"Matrices are measured with {MAX_TRANSFERS // DESCRIPTORS} transfers "
                            f"at most, not {transfers}")
    if not 1 <= row.size <= 65536:
        raise UserError(f"A transfer has 1 to 65536 bytes, not {row.size}")
    if not 0 <= row.latency <= 10_000:
        raise UserError(f"Latency must be 0 to 10000 cycles, not {row.latency}")
    if not 4 * row.queues <= transfers <= MAX_TRANSFERS:
        raise UserError(f"{row.queues} queues are measured with {4 * row.queues} to "
                        f"{MAX_TRANSFERS} transfers, not {transfers}")


def bench_dma(rows: Sequence[DmaCase], *, transfers: int = 1000, seed: int = 0,
              progress: Callable[[str], None] = lambda step: None) -> dict:
    """Measure each row and return the figures of ``tilicho bench dma``.

    Utilisation is payload in beats by cycles, from the first to the last data beat of the busier
    channel; every byte moved and every completion is checked.

    Raises
    ------
    :exc:`UserError`
        If a row cannot be measured.
    :exc:`RuntimeError`
        If the engine moved something wrong: a defect.
    """
    for row in rows:
        _refuse(row, transfers)
        try:
            bench_config(row)
        except ValueError as error:
            raise UserError(f"{error}: choose other --queues") from error
    figures, hashes = {}, {}
    launch: dict[str, int | None] = {"push": None, "ring": None}
    # Rows of one engine follow each other, so that only one is loaded at a time.
    for config in dict.fromkeys(map(bench_config, rows)):
        mine = [row for row in rows if bench_config(row) == config]
        bench = _Bench(mine[0], seed=seed, progress=progress)
        try:
            for mode in launch:
                launch[mode] = min(filter(None, (launch[mode],
                                                 bench.launch(push=mode == "push"))))
            for row in mine:
                progress(f"{row.case} {row.size} B, latency {row.latency}, {row.queues} queues")
                each = -(-transfers // row.queues) * row.queues
                figures[row] = bench.measure(row, each)
        finally:
            bench.close()
        hashes[mine[0].queues, mine[0].port] = preset_hash(config)
    return {"data_width": DATA_WIDTH, "seed": seed,
            "engines": [{"queues": queues, "port": port, "hash": value}
                        for (queues, port), value in hashes.items()],
            "rows": [figures[row] for row in rows], "launch": launch}
