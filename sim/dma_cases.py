"""What ``tilicho bench dma`` can measure; loads nothing, so that the command can list it."""

import dataclasses

__all__ = ["CASES", "LARGEST_MATRIX", "MAX_TRANSFERS", "PORTS", "DmaCase", "table"]

MAX_TRANSFERS = 16384

PORTS = ("own", "shared")

# Byte offsets of source and sink from aligned addresses.
CASES = {"ring": (0, 0), "misaligned": (1, 3), "push": (0, 0), "nd": (0, 0), "transpose": (0, 0)}

LARGEST_MATRIX = 256


@dataclasses.dataclass(frozen=True)
class DmaCase:
    """One row.

    Parameters
    ----------
    case : :class:`str`
        One of :data:`CASES`.
    size : :class:`int`
        Bytes of a transfer, or, for ``nd``, of a row of the one transfer of each queue; 1 to 65536.
        For ``transpose``, rows and columns of a matrix of 16-bit elements; 1 to
        :data:`LARGEST_MATRIX`.
    latency : :class:`int`
        Cycles that the memory takes longer than an ideal one, on R and on B.
    queues : :class:`int`
        Queue pairs that share the transfers; the engine is built with as many.
    port : :class:`str`
        Where descriptors, unless they are pushed, and completions go: ``own``, a port of 64 bits
        that they have to themselves, or ``shared``, the port of the data.
    """

    case: str = "ring"
    size: int = 64
    latency: int = 0
    queues: int = 1
    port: str = "own"


def table(port: str | None = None) -> list[DmaCase]:
    """Return the rows that are measured when the user asks for none."""
    rows = [DmaCase(size=size, latency=latency, queues=queues)
            for queues in (1, 4)
            for size, latency in ((8, 0), (64, 0), (1024, 0), (64, 100))]
    rows += [DmaCase(case="nd", size=8, queues=queues) for queues in (1, 4)]
    rows += [DmaCase(case="misaligned", size=256), DmaCase(case="push", size=64),
             *(DmaCase(case="transpose", size=64, latency=latency) for latency in (0, 100)),
             DmaCase(size=64, port="shared"), DmaCase(size=64, queues=4, port="shared")]
    return [row for row in rows if port in (None, row.port)]
