"""How a matrix product is cut: which side is stationary, into which pieces, in which order."""

import dataclasses
from collections.abc import Iterator

from rtl.config import TileConfig
from rtl.matmul.encoding import ELEMENT_BYTES, TYPE_CLASS

__all__ = ["Block", "Chunk", "Group", "Plan", "ceil_div", "choose_plan", "ideal_cycles"]

RESULT_BYTES = 4
WORD_BYTES = 8
PAIR_BYTES = 16
GROUP_COLUMNS = 4
"""Array columns that a load fills in a cycle."""
SUM_CYCLES = {"int8": 2, "float": 6, "fp8": 6}
"""Cycles between two additions to one PSUM word."""
EVICTION_CYCLES = 11
"""Cycles of an ``activate`` beside one for each column."""
PAIRS_WITHOUT_LOOPS = 8


def ceil_div(value: int, unit: int) -> int:
    """Return ``value / unit``, rounded up."""
    return -(-value // unit)


def ideal_cycles(m: int, k: int, n: int, size: int) -> int:
    """Return the columns that the array must take: the better side stationary."""
    return min(ceil_div(k, size) * ceil_div(m, size) * n, ceil_div(k, size) * ceil_div(n, size) * m)


def _words(count: int, size: int) -> int:
    """Bytes of ``count`` elements, rounded up to words."""
    return ceil_div(count * size, WORD_BYTES) * WORD_BYTES


@dataclasses.dataclass(frozen=True)
class Block:
    """Moving columns of one multiply."""

    index: int
    start: int
    width: int


@dataclasses.dataclass(frozen=True)
class Group:
    """Neighbouring tiles of the stationary side whose results share a PSUM bank.

    ``start`` and ``tiles`` count tiles of S rows; ``rows`` is what each of them has.
    """

    start: int
    tiles: int
    rows: int


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Part of the work whose operands and results are in SBUF together."""

    products: range
    blocks: tuple[Block, ...]
    groups: tuple[Group, ...]
    k: range

    @property
    def tiles(self) -> int:
        """Tiles of the stationary side."""
        return sum(group.tiles for group in self.groups)


def _balanced(total: int, most: int) -> Iterator[int]:
    """Cut ``total`` into the fewest parts of at most ``most``, as equal as possible."""
    parts = ceil_div(total, most)
    for index in range(parts):
        yield total // parts + (index < total % parts)


class Plan:
    """Cuts of a product with ``rows`` on the stationary and ``columns`` on the moving side.

    The moving side is cut into blocks of at most 4 S columns, the stationary side into tiles of S
    rows. Where blocks are narrow, several tiles share a PSUM bank and take turns: then loads are
    the limit, and additions to one word keep their distance.

    Parameters
    ----------
    rows, k, columns : :class:`int`
        Sizes of one product.
    products : :class:`int`
        Independent products of these sizes.
    type : :class:`str`
        Number format.
    config : :class:`TileConfig`
        The tile.

    Raises
    ------
    :exc:`ValueError`
        If SBUF cannot hold one tile of each operand and of the result.
    """

    def __init__(self, rows: int, k: int, columns: int, products: int, type: str,
                 config: TileConfig):
        self.rows, self.k, self.columns, self.products = rows, k, columns, products
        self.type = type
        self.config = config
        size, element = config.size, ELEMENT_BYTES[type]
        self.k_tiles = ceil_div(k, size)
        widths = list(_balanced(columns, 4 * size))
        self.width = widths[0]
        self.blocks = tuple(Block(index, sum(widths[:index]), width)
                            for index, width in enumerate(widths))
        pairs = config.loop_body // 2 or PAIRS_WITHOUT_LOOPS
        together = max(1, min(4 * size // self.width, pairs))
        groups, start = [], 0
        for tiles in self._shares(rows // size, together, last=rows % size == 0):
            groups.append(Group(start, tiles, size))
            start += tiles
        if rows % size:
            groups.append(Group(start, 1, rows % size))
        self.groups = tuple(groups)

        self.stationary_slot = _words(min(rows, size), element)
        # Columns of one word stand in even words: the load beside them, two words in a row, then
        # always finds the other bank free.
        moving = _words(self.width, element)
        self.moving_slot = PAIR_BYTES if moving == WORD_BYTES else moving
        self.chunks = tuple(self._cut())

    def _shares(self, tiles: int, together: int, *, last: bool) -> list[int]:
        """Cut ``tiles`` into groups of at most ``together``; ``last``: no group follows them.

        The last group of all is evicted when everything else is done. Where loads are the limit,
        it is as small as additions to its words allow without waiting.
        """
        pair = self.config.size // GROUP_COLUMNS
        least = ceil_div(SUM_CYCLES[TYPE_CLASS[self.type]], pair)
        if not tiles:
            return []
        if not last or self.width >= pair or self.products > 1 or tiles <= least + 1:
            return list(_balanced(tiles, together))
        return [*_balanced(tiles - least, together), least]

    def result_slot(self, group: Group) -> int:
        """Return the bytes of a group's results in each partition."""
        return _words(group.tiles * self.width, RESULT_BYTES)

    def cycles(self) -> int:
        """Return an estimate of the cycles, to compare plans by."""
        size, total = self.config.size, 0
        for group in self.groups:
            for block in self.blocks:
                pair = max(block.width, size // GROUP_COLUMNS)
                round_ = max(group.tiles * pair, SUM_CYCLES[TYPE_CLASS[self.type]])
                total += max(self.k_tiles * round_,
                             group.tiles * block.width + EVICTION_CYCLES)
        return total * self.products + self.groups[-1].tiles * self.blocks[-1].width

    def _bytes(self, tiles: int, blocks: int, k: int, results: int) -> int:
        """Return the SBUF bytes of operands, and results of ``results`` bytes for each block."""
        operands = (k * tiles * self.stationary_slot, k * blocks * self.moving_slot)
        return sum(ceil_div(part, PAIR_BYTES) * PAIR_BYTES
                   for part in (*operands, blocks * results))

    def _room(self, groups, blocks, k: int) -> bool:
        return self._bytes(sum(group.tiles for group in groups), len(blocks), k,
                           sum(map(self.result_slot, groups))) <= self.config.sbuf_bytes

    def _cut(self) -> Iterator[Chunk]:
        """Cut into the largest chunks that fit, grown on the side that is shorter in bytes.

        Only a product whose K alone does not fit is cut along K too.
        """
        groups, blocks, k = self.groups, self.blocks, self.k_tiles
        one = self._bytes(sum(group.tiles for group in groups), len(blocks), k,
                          sum(map(self.result_slot, groups)))
        if one <= self.config.sbuf_bytes:
            together = self.config.sbuf_bytes // one
            for start in range(0, self.products, together):
                yield Chunk(range(start, min(start + together, self.products)), blocks, groups,
                            range(k))
            return
        while k > 1 and not self._room(groups[:1], blocks[:1], k):
            k = ceil_div(k, 2)
        if not self._room(groups[:1], blocks[:1], k):
            raise ValueError(f"SBUF of {self.config.sbuf_bytes} bytes cannot hold one tile of "
                             f"each operand")
        m = n = 1
        grown = k == self.k_tiles
        while grown:
            grown = False
            for next_m, next_n in sorted([(m + 1, n), (m, n + 1)], key=lambda mn: max(
                    mn[0] * groups[0].tiles * self.stationary_slot, mn[1] * self.moving_slot)):
                if (next_m <= len(groups) and next_n <= len(blocks)
                        and self._room(groups[:next_m], blocks[:next_n], k)):
                    m, n, grown = next_m, next_n, True
                    break
        for product in range(self.products):
            for n_start in range(0, len(blocks), n):
                for m_start in range(0, len(groups), m):
                    for k_start in range(0, self.k_tiles, k):
                        yield Chunk(range(product, product + 1), blocks[n_start:n_start + n],
                                    groups[m_start:m_start + m],
                                    range(k_start, min(k_start + k, self.k_tiles)))


def choose_plan(m: int, k: int, n: int, products: int, type: str,
                config: TileConfig) -> tuple[Plan, bool]:
    """Return the better plan, and whether it is that of the transposed product.

    The left matrix of a product is stationary, in the transposed one the right matrix.
    """
    plain = Plan(m, k, n, products, type, config)
    transposed = Plan(n, k, m, products, type, config)
    return (transposed, True) if transposed.cycles() < plain.cycles() else (plain, False)
