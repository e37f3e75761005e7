"""The demo's job in memory: layer table, weights and images, laid out for the tile.

The firmware in ``sw/firmware/demo`` interprets it; ``job.h`` there declares the same structures.
"""

import dataclasses
import struct

import numpy as np

from rtl.soc.memory_map import region

from .network import Network

__all__ = ["BOOT_MAGIC", "Job", "REPORT_FIELDS", "boot_image", "build_job"]

BOOT_MAGIC = b"TILICHO1"
JOB_MAGIC = b"TLICJOB1"
REPORT_MAGIC = b"TREPORT1"
MAX_LAYERS = 8
INSTRUCTION_BYTES = 32

JOB_OFFSET = 0x10_0000
REPORT_OFFSET = 0x10_1000
DATA_OFFSET = 0x11_0000

REPORT_FIELDS = ("start_cycle", "end_cycle", "tile_macs", "tile_active", "tile_nonempty",
                 "tile_first", "tile_last", "dma_read", "dma_written")


def boot_image(payload: bytes, load: int, entry: int) -> bytes:
    """Return what the boot ROM expects at the bottom of DRAM: a header, then the program."""
    padded = payload + bytes(-len(payload) % 16)
    header = struct.pack("<8sQQQ", BOOT_MAGIC, load, len(padded), entry)
    return header.ljust(64, b"\0") + padded


def _row_bytes(elements: int) -> int:
    """Bytes of a row of INT8 elements: operands of the tile start at multiples of 8."""
    return -(-elements // 8) * 8


@dataclasses.dataclass(frozen=True)
class Job:
    """A job in memory and what is to be expected of it.

    Parameters
    ----------
    chunks : tuple of (address, bytes)
        What stands in DRAM at the start.
    images, batch, outputs : :class:`int`
        Images in all, images of a full batch, logits of an image.
    logits_address, report_address : :class:`int`
        Where the firmware leaves its results.
    dma_bytes : :class:`int`
        Bytes that the DMA engine must move: weights, images, instructions, logits.
    macs : :class:`int`
        Multiplications that the tile must perform.
    ideal_cycles : :class:`int`
        Cycles of the array if it took a column in every one.
    """

    chunks: tuple[tuple[int, bytes], ...]
    images: int
    batch: int
    outputs: int
    logits_address: int
    report_address: int
    dma_bytes: int
    macs: int
    ideal_cycles: int

    @property
    def logits_bytes(self) -> int:
        """Bytes from ``logits_address`` on that hold logits."""
        return -(-self.images // self.batch) * self.outputs * self.batch * 4

    def logits(self, memory: bytes) -> np.ndarray:
        """Return the INT32 logits, shape (images, outputs), out of the bytes at their address."""
        words = np.frombuffer(memory, dtype="<i4")
        stride = self.outputs * self.batch
        parts = []
        for first in range(0, self.images, self.batch):
            count = min(self.batch, self.images - first)
            block = words[first // self.batch * stride:][:self.outputs * count]
            parts.append(block.reshape(self.outputs, count).T)
        return np.concatenate(parts)

    def report(self, memory: bytes) -> dict[str, int]:
        """Return the firmware's counters out of the bytes at their address.

        Raises
        ------
        :exc:`ValueError`
            If the firmware has not written its report.
        """
        if memory[:8] != REPORT_MAGIC:
            raise ValueError("the firmware has left no report")
        return dict(zip(REPORT_FIELDS, struct.unpack_from(f"<{len(REPORT_FIELDS)}Q", memory, 8),
                        strict=True))


def _constants(network: Network, size: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return the bytes of each partition, and the (weight, bias) addresses of each layer."""
    columns, addresses, used = [], [], 0
    for layer in network.layers:
        outputs, inputs = layer.weight.shape
        output_tiles, input_tiles = -(-outputs // size), -(-inputs // size)
        padded = np.zeros((output_tiles * size, input_tiles * size), np.int8)
        padded[:outputs, :inputs] = layer.weight
        tiles = padded.reshape(output_tiles, size, input_tiles, size)
        rows = np.zeros((size, output_tiles, input_tiles, _row_bytes(size)), np.int8)
        rows[..., :size] = tiles.transpose(3, 0, 2, 1)
        bias = np.zeros((output_tiles, size, 2), "<i4")
        bias[..., 0] = np.pad(layer.bias, (0, output_tiles * size - outputs)).reshape(-1, size)
        weights = rows.reshape(size, -1).view(np.uint8)
        biases = bias.transpose(1, 0, 2).reshape(size, -1).copy().view(np.uint8)
        addresses.append((used, used + weights.shape[1]))
        used += weights.shape[1] + biases.shape[1]
        columns += [weights, biases]
    return np.concatenate(columns, axis=1), addresses


def _inputs(images: np.ndarray, size: int, batch: int) -> bytes:
    """Return the images as the moving operand: batch, partition, tile of inputs, image."""
    count, inputs = images.shape
    batches, tiles = -(-count // batch), -(-inputs // size)
    padded = np.zeros((batches * batch, tiles * size), np.int8)
    padded[:count, :inputs] = images
    blocks = np.zeros((batches, size, tiles, _row_bytes(batch)), np.int8)
    blocks[..., :batch] = padded.reshape(batches, batch, tiles, size).transpose(0, 3, 2, 1)
    return blocks.tobytes()


def build_job(network: Network, images: int, *, size: int, batch: int) -> Job:
    """Lay out the first ``images`` images of a network for a tile of ``size`` rows.

    Raises
    ------
    :exc:`ValueError`
        If there are not so many images.
    """
    if not 1 <= images <= len(network.images):
        raise ValueError(f"Images must be 1 to {len(network.images)}, not {images!r}")
    constants, addresses = _constants(network, size)
    used = constants.shape[1]
    base = region("DRAM").base
    batches = -(-images // batch)

    def double_buffer(row_bytes: int, rows: int) -> tuple[int, int]:
        nonlocal used
        first, used = used, used + 2 * row_bytes * rows
        return first, first + row_bytes * rows

    layers, moved = [], 0
    source = double_buffer(_row_bytes(batch), -(-network.layers[0].weight.shape[1] // size))
    for layer, (weights, bias) in zip(network.layers, addresses, strict=True):
        outputs, inputs = layer.weight.shape
        narrow = layer.multiplier is not None
        result = double_buffer(_row_bytes(batch) if narrow else 4 * batch, -(-outputs // size))
        layers.append(struct.pack("<12I", inputs, outputs, weights, bias, layer.relu, narrow,
                                  layer.multiplier or 0, layer.shift or 0, *source, *result))
        moved += -(-outputs // size) * -(-inputs // size)
        source = result
    data_address = base + DATA_OFFSET
    inputs_bytes = _inputs(network.images[:images], size, batch)
    inputs_address = data_address + -(-constants.size // 64) * 64
    logits_address = inputs_address + -(-len(inputs_bytes) // 64) * 64
    table = struct.pack("<8sIIIIQQQQ", JOB_MAGIC, len(layers), images, batch, constants.shape[1],
                        data_address, inputs_address, logits_address, base + REPORT_OFFSET)
    outputs = len(network.layers[-1].bias)
    return Job(
        chunks=((base + JOB_OFFSET, table + b"".join(layers)),
                (data_address, constants.tobytes()), (inputs_address, inputs_bytes)),
        images=images, batch=batch, outputs=outputs, logits_address=logits_address,
        report_address=base + REPORT_OFFSET,
        dma_bytes=(constants.size + len(inputs_bytes) + images * outputs * 4
                   + batches * 2 * moved * INSTRUCTION_BYTES),
        macs=images * sum(layer.weight.size for layer in network.layers),
        ideal_cycles=images * moved)
