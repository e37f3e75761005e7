"""Why descriptors may not be executed, and why a queue pair waits."""

from amaranth import Cat, Mux, Value
from amaranth.lib import data

from rtl.config import DmaConfig

from .encoding import DIMENSIONS, WAITS, Cause, Operation

__all__ = ["refusals", "waits_for"]


def refusals(config: DmaConfig, loaded: data.View, misfit, tenant) -> list[tuple[Value, Cause]]:
    """Return what may be wrong with the two descriptors of a pair, the first reason first.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration of the engine.
    loaded : view
        What :class:`~rtl.nitro_dma.planner.Planner` has loaded of the pair.
    misfit : value
        Blocks of the two buffers cannot be transposed into each other.
    tenant : value
        Owner of the pair.
    """
    m2s, s2m = loaded.m2s.descriptor, loaded.s2m.descriptor
    width = config.addr_width
    beyond = [
        descriptor.address[width:].any() | (start + rest)[width]
        for descriptor, start, rest in ((m2s, loaded.src, loaded.m2s_rest),
                                        (s2m, loaded.dst, loaded.s2m_rest))]
    odd = [descriptor.meta & (
        (descriptor.length == 0) | ~_known(config, descriptor, half, source) | Cat(
            descriptor.first, descriptor.last, descriptor.interrupt, descriptor.barrier).any())
        for descriptor, half, source in ((m2s, loaded.progress.m2s, True),
                                         (s2m, loaded.progress.s2m, False))]
    buffers = ~m2s.meta & ~s2m.meta
    return [
        (loaded.overrun, Cause.DOORBELL),
        (loaded.m2s.denied | loaded.s2m.denied, Cause.FETCH_WINDOW),
        (loaded.m2s.fetch_error | loaded.s2m.fetch_error, Cause.FETCH_RESPONSE),
        (loaded.m2s.ring_error | loaded.s2m.ring_error, Cause.RING_ID),
        (Cat(odd).any(), Cause.META),
        (Cat(m2s.reserved, m2s.concat, s2m.reserved, s2m.barrier, s2m.concat).any(),
         Cause.RESERVED),
        ((m2s.tenant != tenant) | (s2m.tenant != tenant), Cause.TENANT),
        (buffers & Cat(beyond).any(), Cause.ADDRESS),
        (buffers & misfit, Cause.TRANSPOSE),
        (buffers & ~loaded.opened & ~m2s.first, Cause.FIRST),
        (buffers & loaded.opened & m2s.first & ~loaded.progress.m2s.begun, Cause.LAST),
    ]


def _known(config, meta, half, source):
    """Return whether a META descriptor says something that can be said, and not once too often."""
    known = (meta.operation == Operation.DIMENSION) & (half.dims != DIMENSIONS)
    other = Cat(half[name] for name in ("swap", "fill") if name in half.shape().members).any()
    if config.transpose:
        known |= (meta.operation == Operation.TRANSPOSE) & (meta.element != 3) & ~other
    if config.fill and source:
        known |= (meta.operation == Operation.FILL) & ~other
    return known


def waits_for(queue, *, loaded, closed, shown, room, tokens, turn) -> Value:
    """Return what a queue pair does, its place in :data:`~rtl.nitro_dma.encoding.WAITS`.

    Parameters
    ----------
    queue : interface
        The pair, as the planner sees it.
    loaded : value
        The planner forms its pieces, and shows them on the stream ``shown``.
    closed : value
        It has a descriptor that failed.
    room, tokens, turn : value
        One more packet may be under way; its rate allows a piece; it is its turn.
    """
    reasons = {
        "DISABLED": ~queue.run | queue.stop | closed,
        "EMPTY": ~loaded & ~queue.announced,
        "FETCH": ~loaded & ~(queue.m2s_available & queue.s2m_available),
        "DATA": loaded & shown.valid & ~shown.ready,
        "OLDER": Mux(loaded, ~shown.valid, ~room),
        "RATE": ~loaded & ~tokens,
        "TURN": ~loaded & ~turn,
    }
    places = {name: number for number, (name, _) in enumerate(WAITS)}
    wait = Value.cast(places["WORK"])
    for name, condition in reversed(reasons.items()):
        wait = Mux(condition, places[name], wait)
    return wait
