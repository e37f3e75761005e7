"""What a host does for a program of the tile, one step after the other."""

import dataclasses

from rtl.matmul.encoding import Instruction

__all__ = ["Await", "Push", "Read", "Signal", "Step", "Write"]


@dataclasses.dataclass(frozen=True)
class Write:
    """Put ``payload`` into SBUF ``partition`` from ``address`` on."""

    partition: int
    address: int
    payload: bytes


@dataclasses.dataclass(frozen=True)
class Push:
    """Push ``instruction`` to the queue of ``engine``."""

    engine: str
    instruction: Instruction


@dataclasses.dataclass(frozen=True)
class Signal:
    """Add 1 to semaphore ``index`` when every write before it has arrived."""

    index: int


@dataclasses.dataclass(frozen=True)
class Await:
    """Wait until semaphore ``index`` is at least 1, then subtract 1."""

    index: int


@dataclasses.dataclass(frozen=True)
class Read:
    """Fetch ``count`` bytes of SBUF ``partition`` from ``address`` on; ``tag`` goes with them."""

    partition: int
    address: int
    count: int
    tag: tuple[int, ...]


Step = Write | Push | Signal | Await | Read
