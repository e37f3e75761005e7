"""First-in first-out queue of a stream."""

from amaranth import Module, Shape, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamFifo"]

BLOCK_RAM_DEPTH = 32


class StreamFifo(wiring.Component):
    """Queue of ``depth`` beats.

    Below :data:`BLOCK_RAM_DEPTH` the queue is a small distributed memory whose oldest beat is seen
    at once; from there on it is a block RAM behind an output register. (A deep queue with an
    unregistered read costs more than a thousand LUTs.)

    Timing
    ------
    ``i`` to ``o`` takes :attr:`latency` cycles when the queue is empty: 1 below
    :data:`BLOCK_RAM_DEPTH`, else 2. A beat enters and a beat leaves in every cycle. ``i.ready``
    does not depend on ``o.ready``: a full queue accepts again one cycle after a beat has left.

    Parameters
    ----------
    shape : shape-like
        Payload of the stream.
    depth : :class:`int`
        Beats that the queue holds.

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
        Input, ready while the queue is not full.
    o : :py:`Out(stream.Signature(shape))`
        Oldest beat.
    level : :py:`Out(range(depth + 1))`
        Beats held, the output register included.

    Raises
    ------
    :exc:`ValueError`
        If ``depth`` is not a positive integer.
    """

    i: stream.Interface
    o: stream.Interface
    level: Signal

    def __init__(self, shape, depth: int):
        if not isinstance(depth, int) or depth < 1:
            raise ValueError(f"FIFO depth must be a positive integer, not {depth!r}")
        self.shape = shape
        self.depth = depth
        super().__init__({
            "i":     In(stream.Signature(shape)),
            "o":     Out(stream.Signature(shape)),
            "level": Out(range(depth + 1)),
        })

    @property
    def latency(self) -> int:
        """Cycles from ``i`` to ``o`` of an empty queue."""
        return 1 if self.depth < BLOCK_RAM_DEPTH else 2

    def elaborate(self, platform):
        m = Module()

        queue = fifo.SyncFIFO if self.depth < BLOCK_RAM_DEPTH else fifo.SyncFIFOBuffered
        m.submodules.queue = queue = queue(width=Shape.cast(self.shape).width, depth=self.depth)
        m.d.comb += [
            queue.w_data.eq(self.i.payload),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            Value.cast(self.o.payload).eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
            self.level.eq(queue.level),
        ]

        return m
