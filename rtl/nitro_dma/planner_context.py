"""A queue pair as the planner sees it."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["PlannerContext"]


class PlannerContext(wiring.Signature):
    """What the planner must know of a queue pair, and what it tells it; seen from the planner.

    Members
    -------
    run : :py:`In(1)`
        The pair may start pieces.
    stop : :py:`In(1)`
        An error behind the planner: close the open packet, then start nothing.
    idle : :py:`In(1)`
        The data of every piece started so far is in memory.
    clear : :py:`In(1)`
        Forget the open packet and the error. Only while the planner does not work on the pair.
    tenant : :py:`In(16)`
        Owner of the pair.
    soon, touched : :py:`In(1)`
        Both buffers will be at hand as soon as software allows it, and their descriptors stand on
        ``m2s`` and ``s2m`` from the next cycle on; one of these is being changed.
    m2s_available, m2s_index, m2s_overrun : :py:`In`
        State of the M2S ring; ``index`` is that of the descriptor shown.
    s2m_available, s2m_index, s2m_overrun : :py:`In`
        State of the S2M ring.
    announced : :py:`In(1)`
        Both rings have descriptors, at hand or to be read.
    m2s_take, s2m_take : :py:`Out(1)`
        Strobe: the descriptor shown is used up.
    start : :py:`Out(1)`
        Strobe: a piece has been started.
    planning : :py:`Out(1)`
        The planner works on the pair, or will at its turn.
    opened : :py:`Out(1)`
        A packet has begun and is not closed.
    """

    def __init__(self):
        super().__init__({
            "run":           In(1),
            "stop":          In(1),
            "idle":          In(1),
            "clear":         In(1),
            "tenant":        In(16),
            "soon":          In(1),
            "touched":       In(1),
            "m2s_available": In(1),
            "m2s_index":     In(16),
            "m2s_overrun":   In(1),
            "s2m_available": In(1),
            "s2m_index":     In(16),
            "s2m_overrun":   In(1),
            "announced":     In(1),
            "m2s_take":      Out(1),
            "s2m_take":      Out(1),
            "start":         Out(1),
            "planning":      Out(1),
            "opened":        Out(1),
        })
