"""Why the array takes no column."""

from .registers import STALLS

__all__ = ["give_cause"]


def give_cause(m, engine):
    """Give a cycle without a column to one cause."""
    causes = {name: engine.stall[index] for index, name in enumerate(STALLS)}
    with m.If(engine.column_valid):
        pass
    with m.Elif((engine.error_cause != 0) | ~engine.enable):
        m.d.comb += causes["error"].eq(1)
    with m.Elif(engine._multiply_active):
        m.d.comb += [causes["sbuf_bank"].eq(engine._multiply_conflict),
                     causes["psum_hazard"].eq(~engine._multiply_conflict)]
    with m.Elif(~engine.i.valid & ~engine.more):
        m.d.comb += causes["idle"].eq(1)
    with m.Elif(~engine.i.valid):
        m.d.comb += causes["issue"].eq(1)
    with m.Elif(engine._waiting):
        m.d.comb += causes["semaphore"].eq(1)
    with m.Elif(engine._mode_change | engine._is_fence & ~engine._ready):
        m.d.comb += causes["drain"].eq(1)
    with m.Elif(engine._load_conflict):
        m.d.comb += causes["sbuf_bank"].eq(1)
    with m.Elif((engine._is_load | engine._is_multiply) & ~engine._ready):
        m.d.comb += causes["load"].eq(1)
    with m.Else():
        m.d.comb += causes["issue"].eq(1)
