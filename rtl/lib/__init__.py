"""Parts that every block uses: stream parts and arbitration."""

from .arbiter import RoundRobin, StreamArbiter
from .buffer import StreamBuffer
from .contract import StreamContract
from .counter import SplitCounter
from .fifo import StreamFifo
from .fork import StreamFork, StreamJoin

__all__ = ["RoundRobin", "SplitCounter", "StreamArbiter", "StreamBuffer", "StreamContract",
           "StreamFifo", "StreamFork", "StreamJoin"]
