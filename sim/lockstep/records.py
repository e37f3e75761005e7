"""Rows of the logs of the run harness to records."""

import collections
from functools import cache

import numpy as np
from amaranth.lib import data

from rtl.core.pipeline import PipelineLayout
from rtl.core.retire import RetireLayout
from sim.models.a64_checker import Access, Record

__all__ = ["Move", "decode_moves", "decode_records"]

#: One cycle of the pipeline port: the members of :class:`PipelineLayout`.
Move = collections.namedtuple("Move", [name for name, _ in PipelineLayout()])


@cache
def _fields(layout: type[data.Layout]) -> dict[str, tuple[int, int]]:
    """Offset and width of each leaf of a record, in bits."""
    found = {}

    def walk(layout, path, offset):
        if isinstance(layout, data.Layout):
            for key, field in layout:
                walk(field.shape, f"{path}.{key}" if path else str(key), offset + field.offset)
        else:
            found[path] = (offset, data.StructLayout({"x": layout}).size)

    walk(layout(), "", 0)
    return found


def _column(words: np.ndarray, offset: int, width: int) -> list[int]:
    word, shift = divmod(offset, 64)
    values = words[:, word] >> np.uint64(shift)
    if shift + width > 64:
        values = values | words[:, word + 1] << np.uint64(64 - shift)
    if width < 64:
        values = values & np.uint64((1 << width) - 1)
    return values.tolist()


def _columns(layout: type[data.Layout], rows: np.ndarray) -> dict[str, list[int]]:
    words = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8)))).view(np.uint64)
    return {name: _column(words, offset, width)
            for name, (offset, width) in _fields(layout).items()}


def decode_moves(rows: np.ndarray) -> list[Move]:
    """Decode rows of the pipeline's log, ``uint8`` of shape (cycles, bytes of a row)."""
    return [Move(*row) for row in zip(*_columns(PipelineLayout, rows).values(), strict=True)]


def decode_records(rows: np.ndarray) -> list[Record]:
    """Decode rows of the retire log, ``uint8`` of shape (records, bytes of a row)."""
    column = _columns(RetireLayout, rows)
    writes = [[] for _ in range(len(rows))]
    accesses = [[] for _ in range(len(rows))]
    for slot in range(3):
        valid, index, value = (column[f"writes.{slot}.{name}"]
                               for name in ("valid", "index", "value"))
        for row in np.flatnonzero(valid).tolist():
            writes[row].append((index[row], value[row]))
    for slot in range(2):
        valid, write, size, device, addr, value = (
            column[f"memory.{slot}.{name}"]
            for name in ("valid", "write", "size_log2", "device", "addr", "value"))
        for row in np.flatnonzero(valid).tolist():
            accesses[row].append(
                Access(write[row], addr[row], 1 << size[row], value[row], device[row]))
    return [Record(*row) for row in zip(
        column["pc"], column["insn"], map(bool, column["exception"]),
        map(bool, column["interrupt"]), column["syndrome"], column["nzcv"], writes, accesses,
        strict=True)]
