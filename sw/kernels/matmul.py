"""Compiler of matrix products: any sizes into instructions and data placement for the tile."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from rtl.config import TileConfig
from rtl.matmul.encoding import Instruction

from .plan import PAIR_BYTES, Block, Chunk, Group, ceil_div, choose_plan
from .steps import Await, Push, Read, Signal, Step, Write

__all__ = ["MatmulProgram", "matmul_program"]

TILE_DONE, BANK_FREE, HOST, START = range(4)
"""Semaphores: results are complete in PSUM; their bank may be used again; the host may go on; the
operands are in SBUF."""


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a chunk lies in SBUF."""

    moving: int
    results: int
    result_bytes: int


class MatmulProgram:
    """A product C = A x B as steps for a host: writes, instructions, waits and reads.

    Which operand is stationary, and how both are cut, is decided by :class:`~sw.kernels.plan.Plan`.
    What fits into SBUF together is one chunk. The order of additions is that of
    :func:`sim.models.matmul.matmul` in every case: where K is cut into chunks, sums stay in PSUM.

    Parameters
    ----------
    m, k, n : :class:`int`
        A is (m, k), B is (k, n).
    type : :class:`str`
        Number format of both.
    config : :class:`TileConfig`
        The tile.
    products : :class:`int`
        Independent products of these sizes, one program: A is (products, m, k).

    Raises
    ------
    :exc:`ValueError`
        If a size is not positive, the tile lacks the type, or its SBUF cannot hold one tile of
        each operand and of the result.
    """

    def __init__(self, m: int, k: int, n: int, type: str, config: TileConfig, *,
                 products: int = 1):
        if min(m, k, n, products) < 1:
            raise ValueError(f"Sizes of a product must be at least 1, not {(m, k, n)!r}")
        if type not in config.types:
            raise ValueError(f"Type must be one the tile is built for, {', '.join(config.types)}, "
                             f"not {type!r}")
        if config.semaphores < 4:
            raise ValueError(f"A product needs 4 semaphores, the tile has {config.semaphores!r}")
        self.type = type
        self.config = config
        self.plan, self.transposed = choose_plan(m, k, n, products, type, config)

    def steps(self, a: np.ndarray, b: np.ndarray) -> Iterator[Step]:
        """Yield the steps for operands ``a`` and ``b``: int8, or unsigned patterns.

        Instructions are queued before the operands are announced, as far as the queues take them.
        """
        a, b = (matrix.reshape(self.plan.products, *matrix.shape[-2:]) for matrix in (a, b))
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
        stationary, moving = ((b, a.transpose(0, 2, 1)) if self.transposed
                              else (a.transpose(0, 2, 1), b))
        banks = 0
        for index, chunk in enumerate(self.plan.chunks):
            yield from self._write(chunk, stationary, moving)
            pushes = [Push("tensor", Instruction("nop", wait=1, consume=1, wait_index=START,
                                                 wait_value=1))]
            whole = chunk.k.stop == self.plan.k_tiles
            for product in chunk.products:
                for block in chunk.blocks:
                    for group in chunk.groups:
                        pushes += self._group(chunk, product, block, group, banks)
                        banks += whole
            if whole:
                pushes.append(Push("activation", Instruction("nop", add_index=HOST, add_value=1)))
            yield from self._announced(pushes)
            yield Await(HOST)
            if whole:
                yield from self._collect(index, chunk)

    def _announced(self, pushes: list[Push]) -> Iterator[Step]:
        """Yield pushes, and START when one more might find a queue full."""
        counts = {"tensor": 0, "activation": 0}
        announced = False
        for push in pushes:
            if not announced and counts[push.engine] == self.config.queue_depth:
                announced = True
                yield Signal(START)
            counts[push.engine] += 1
            yield push
        if not announced:
            yield Signal(START)

    def _place(self, chunk: Chunk) -> _Place:
        plan = self.plan
        depth = len(chunk.products) * len(chunk.k)
        moving = ceil_div(depth * chunk.tiles * plan.stationary_slot, PAIR_BYTES) * PAIR_BYTES
        results = moving + depth * len(chunk.blocks) * plan.moving_slot
        return _Place(moving, ceil_div(results, PAIR_BYTES) * PAIR_BYTES,
                      sum(map(plan.result_slot, chunk.groups)))

    def _write(self, chunk: Chunk, stationary, moving) -> Iterator[Write]:
        """Write the operands of a chunk: in each partition the weights, then the columns."""
        plan, size = self.plan, self.config.size
        place = self._place(chunk)
        tiles = [(size * (group.start + i), group.rows) for group in chunk.groups
                 for i in range(group.tiles)]
        blocks = [(block.start, block.width) for block in chunk.blocks]
        for row in range(min(size, plan.k)):
            for address, matrix, pieces, slot in (
                    (0, stationary, tiles, plan.stationary_slot),
                    (place.moving, moving, blocks, plan.moving_slot)):
                lines = matrix[chunk.products.start:chunk.products.stop,
                               row + size * chunk.k.start:size * chunk.k.stop:size]
                packed = np.zeros((len(chunk.products), len(chunk.k), len(pieces),
                                   slot // matrix.itemsize), matrix.dtype)
                for index, (start, width) in enumerate(pieces):
                    packed[:, :lines.shape[1], index, :width] = lines[:, :, start:start + width]
                yield Write(row, address, packed.tobytes())

    def _group(self, chunk: Chunk, product: int, block: Block, group: Group,
               number: int) -> Iterator[Push]:
        """Push the instructions of one group of results."""
        size, banks, plan = self.config.size, self.config.psum_banks, self.plan
        whole = chunk.k.stop == plan.k_tiles
        pairs = self._pairs(chunk, product, block, group, number % banks)
        # Rows beyond K must add nothing, so the last tile of K may differ from the others.
        full = min(chunk.k.stop, plan.k // size) - chunk.k.start
        looped = full > 1 and 2 * group.tiles <= self.config.loop_body
        bodies = [(chunk.k.start, full)] if looped else [
            (k, 1) for k in range(chunk.k.start, chunk.k.start + full)]
        bodies += [(k, 1) for k in range(chunk.k.start + full, chunk.k.stop)]
        for k, count in bodies:
            body = pairs(k, count)
            if k == 0 and number >= banks:
                body[0] = _with(body[0], once=int(count > 1), wait=1, consume=1,
                                wait_index=BANK_FREE, wait_value=1)
            if k + count == chunk.k.stop:
                body[-1] = _with(body[-1], once=int(count > 1), add_value=1,
                                 add_index=TILE_DONE if whole else HOST)
            if count > 1:
                yield Push("tensor", Instruction("loop", n=count, k=len(body)))
            for instruction in body:
                yield Push("tensor", instruction)
        if whole:
            place = self._place(chunk)
            yield Push("activation", Instruction(
                "activate", type=self.type, output="word", m=group.rows,
                n=group.tiles * block.width, bank=number % banks,
                destination=self._result_address(chunk, place, product, block, group),
                release=1, wait=1, consume=1, wait_index=TILE_DONE, wait_value=1,
                add_index=BANK_FREE, add_value=1))

    def _pairs(self, chunk: Chunk, product: int, block: Block, group: Group, bank: int):
        """Return a function that gives loads and multiplies of ``count`` tiles of K from k on."""
        plan, size, place = self.plan, self.config.size, self._place(chunk)
        first_tile = sum(other.tiles for other in chunk.groups if other.start < group.start)
        tile_stride, block_stride = plan.stationary_slot, plan.moving_slot
        k_strides = chunk.tiles * tile_stride, len(chunk.blocks) * block_stride

        def pairs(k: int, count: int) -> list[Instruction]:
            depth = min(size, plan.k - k * size)
            row = (product - chunk.products.start) * len(chunk.k) + k - chunk.k.start
            steps = [stride // 8 if count > 1 else 0 for stride in k_strides]
            column = (place.moving + row * k_strides[1]
                      + (block.index - chunk.blocks[0].index) * block_stride)
            body = []
            for i in range(group.tiles):
                body.append(Instruction(
                    "load_stationary", type=self.type, k=depth, m=group.rows,
                    address=row * k_strides[0] + (first_tile + i) * tile_stride,
                    address_step=steps[0]))
                body.append(Instruction(
                    "multiply_moving", type=self.type, k=depth, m=group.rows, n=block.width,
                    address=column, address_step=steps[1], bank=bank, offset=i * block.width,
                    accumulate=int(k > 0 or count > 1), fresh=int(k == 0 and count > 1)))
            return body

        return pairs

    def _result_address(self, chunk: Chunk, place: _Place, product: int, block: Block,
                        group: Group) -> int:
        position = ((product - chunk.products.start) * len(chunk.blocks)
                    + block.index - chunk.blocks[0].index)
        before = sum(self.plan.result_slot(other) for other in chunk.groups
                     if other.start < group.start)
        return place.results + position * place.result_bytes + before

    def _collect(self, index: int, chunk: Chunk) -> Iterator[Read]:
        place = self._place(chunk)
        count = len(chunk.products) * len(chunk.blocks) * place.result_bytes
        for row in range(max(group.rows for group in chunk.groups)):
            yield Read(row, place.results, count, (index, row))

    def result(self, pieces: dict[tuple[int, ...], bytes]) -> np.ndarray:
        """Return C out of the bytes of all reads, by their tags; (products, m, n) if several."""
        plan, size = self.plan, self.config.size
        dtype = np.int32 if self.type == "int8" else np.float32
        result = np.zeros((plan.products, plan.rows, plan.columns), dtype)
        for (index, row), raw in pieces.items():
            chunk = plan.chunks[index]
            place = self._place(chunk)
            words = np.frombuffer(raw, dtype)
            for product in chunk.products:
                for block in chunk.blocks:
                    columns = slice(block.start, block.start + block.width)
                    for group in chunk.groups:
                        if row >= group.rows:
                            continue
                        start = (self._result_address(chunk, place, product, block, group)
                                 - place.results) // dtype().itemsize
                        count = group.tiles * block.width
                        lines = result[product, size * group.start + row::size, columns]
                        lines[:group.tiles] = words[start:start + count].reshape(group.tiles, -1)
        if self.transposed:
            result = result.transpose(0, 2, 1)
        return result if plan.products > 1 else result[0]


def _with(instruction: Instruction, **fields: int) -> Instruction:
    """Return ``instruction`` with more fields."""
    return Instruction(instruction.mnemonic, **(instruction.fields | fields))


def matmul_program(m: int, k: int, n: int, type: str, config: TileConfig, *,
                   products: int = 1) -> MatmulProgram:
    """Return the program of (m, k) by (k, n) products; see :class:`MatmulProgram`."""
    return MatmulProgram(m, k, n, type, config, products=products)
