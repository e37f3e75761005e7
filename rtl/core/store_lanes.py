"""Lanes of what is stored."""

from amaranth import Cat, Mux, Signal

__all__ = ["store_lanes"]


def store_lanes(m, access, stores, cache, lane, addr, unaligned, second):
    """Put the data on its lanes, over two beats; evictions come before them."""
    width = len(cache.data)
    strobes = Signal(width // 4)
    mask = Signal(16)
    words, doublewords = access.two & ~access.size_log2[0], access.two & access.size_log2[0]
    rotated = Cat(access.data[:32], Mux(words, access.second[:32], access.data[32:]))
    for stage in range(3):
        step = Signal(64, name=f"data_rotated_{8 << stage}")
        m.d.comb += step.eq(Mux(lane[stage], rotated.rotate_left(8 << stage), rotated))
        rotated = step
    with m.Switch(access.size_log2):
        for size in range(4):
            with m.Case(size):
                m.d.comb += mask.eq(Mux(access.two, (1 << (2 << size)) - 1,
                                        (1 << (1 << size)) - 1))
    m.d.comb += [
        strobes.eq(mask << lane), cache.write.eq(access.write & ~access.skip),
        cache.maintenance.eq(access.maintenance), cache.by_set.eq(access.by_set),
        # Every word of both beats holds the rotated data; the strobes choose. Two doublewords
        # need no rotation.
        cache.data.eq(Cat(rotated, Mux(doublewords, access.second, rotated)
                          .replicate(width // 64 - 1))),
        cache.strobe.eq(Mux(second, strobes[width // 8:], strobes[:width // 8])),
        cache.empty.eq(stores.empty), cache.evicted.ready.eq(stores.i.ready),
    ]
    request = stores.i.payload
    m.d.comb += [
        request.data.eq(cache.data), request.strobe.eq(cache.strobe), request.last.eq(1),
        request.addr.eq(addr),
        request.size_log2.eq(Mux(unaligned, len(lane), access.size_log2)),
    ]
    with m.If(cache.evicted.valid):
        m.d.comb += [request.eq(cache.evicted.payload), stores.i.valid.eq(1)]
