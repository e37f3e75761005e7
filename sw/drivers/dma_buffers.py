"""Buffers of the DMA engine as a host describes them: rows, dimensions, transposed blocks."""

import dataclasses
from collections.abc import Sequence

from rtl.nitro_dma.encoding import DIMENSIONS, Operation

__all__ = ["Buffer", "ELEMENTS", "MAX_BUFFER", "Strided", "meta", "metas_of", "strided",
           "transposition"]

MAX_BUFFER = 65536
ELEMENTS = (1, 2, 4)


@dataclasses.dataclass(frozen=True)
class Strided:
    """A buffer of several dimensions.

    Parameters
    ----------
    address, length : :class:`int`
        First row.
    dimensions : sequence of (count, stride)
        How often the row is repeated, and how many bytes further each time, which may be negative;
        then how often all of that; and so on. 4 at most.
    block : (rows, pitch, element) or None
        The buffer consists of blocks that are transposed: of so many rows of ``length`` bytes, at
        this distance, of elements of 1, 2 or 4 bytes. The other side consists of blocks too, whose
        rows have as many elements as these blocks have rows, and the other way round.
    word : :class:`int` or None
        The buffer is not read: the four bytes of the word stand at all addresses, in turn.
    """

    address: int
    length: int
    dimensions: Sequence[tuple[int, int]] = ()
    block: tuple[int, int, int] | None = None
    word: int | None = None


Buffer = tuple[int, int] | Strided


def strided(buffers: Sequence[Buffer]) -> list[Strided]:
    """Return buffers that can be described, or raise ValueError."""
    buffers = [buffer if isinstance(buffer, Strided) else Strided(*buffer) for buffer in buffers]
    for buffer in buffers:
        if not 1 <= buffer.length <= MAX_BUFFER:
            raise ValueError(f"Buffer length must be from 1 to {MAX_BUFFER}, "
                             f"not {buffer.length!r}")
        if len(buffer.dimensions) > DIMENSIONS:
            raise ValueError(f"A buffer has {DIMENSIONS} dimensions at most, "
                             f"not {len(buffer.dimensions)}")
        if buffer.block is not None and buffer.block[2] not in ELEMENTS:
            raise ValueError(f"Elements have 1, 2 or 4 bytes, not {buffer.block[2]!r}")
        if buffer.word is not None and not 0 <= buffer.word < 1 << 32:
            raise ValueError(f"A word has 32 bits, not {buffer.word!r}")
        for count, stride in (*buffer.dimensions, *([buffer.block[:2]] if buffer.block else [])):
            if not 1 <= count < MAX_BUFFER:
                raise ValueError(f"A dimension has 1 to {MAX_BUFFER - 1} repetitions, "
                                 f"not {count!r}")
            if not -1 << 47 <= stride < 1 << 47:
                raise ValueError(f"A stride must fit into 48 bits, not {stride!r}")
    return buffers


def meta(count: int, stride: int, **fields: int) -> dict[str, int]:
    """Return the fields of a META descriptor."""
    return {"meta": 1, "length": count, "address": stride % (1 << 48)} | fields


def metas_of(buffer: Strided) -> list[dict[str, int]]:
    """Return the fields of the META descriptors of a buffer."""
    metas = [meta(*dimension) for dimension in buffer.dimensions]
    if buffer.block is not None:
        rows, pitch, element = buffer.block
        metas.insert(0, meta(rows, pitch, operation=Operation.TRANSPOSE,
                              element=ELEMENTS.index(element)))
    if buffer.word is not None:
        metas.insert(0, meta(1, buffer.word, operation=Operation.FILL))
    return metas


def transposition(source: tuple[int, int], sink: tuple[int, int], *, rows: int, columns: int,
                  element: int, most: int) -> tuple[list[Strided], list[Strided]]:
    """Return the buffers whose packet transposes a matrix of any size.

    They are up to four pairs: whole blocks, and what is left of the rows, of the columns, of both.

    Parameters
    ----------
    source, sink : (address, pitch)
        Address of the matrix, and bytes from one of its rows to the next.
    rows, columns : :class:`int`
        Of the source; the sink has them exchanged.
    element : :class:`int`
        Bytes of an element: 1, 2 or 4.
    most : :class:`int`
        Bytes of the longest row of a block that the engine can transpose.

    Raises
    ------
    :exc:`ValueError`
        If the engine does not transpose, or there is no such element.
    """
    if element not in ELEMENTS:
        raise ValueError(f"Elements have 1, 2 or 4 bytes, not {element!r}")
    if most < element:
        raise ValueError("The engine transposes nothing: build it with transpose")

    def runs(count):
        size = most // element
        return [(at, length, number) for at, length, number in (
            (0, size, count // size), (count // size * size, count % size, 1)) if length * number]

    pairs = [
        (Strided(source[0] + row * source[1] + column * element, width * element,
                 [(across, width * element), (down, height * source[1])],
                 (height, source[1], element)),
         Strided(sink[0] + column * sink[1] + row * element, height * element,
                 [(across, width * sink[1]), (down, height * element)],
                 (width, sink[1], element)))
        for row, height, down in runs(rows) for column, width, across in runs(columns)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
