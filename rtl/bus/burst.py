"""Bursts taken apart into beats."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .axi import AXI4Signature, Burst
from .channel import AddressLayout

__all__ = ["BeatLayout", "BurstSequencer"]


class BeatLayout(data.StructLayout):
    """One beat of a burst.

    Members
    -------
    id, size
        As in the burst.
    addr
        Byte address of the beat; only that of the first beat may be unaligned to ``size``.
    last
        The burst ends with this beat.
    """

    def __init__(self, signature: AXI4Signature):
        super().__init__({"id": signature.id_width, "addr": signature.addr_width, "size": 3,
                          "last": 1})


class BurstSequencer(wiring.Component):
    """Turns each address of AW or AR into the beats of its burst.

    Timing
    ------
    The first beat stands on ``o`` in the same cycle as the address on ``i``, which is taken with
    it; one beat a cycle follows. ``i.ready`` depends on ``o.ready``.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        Bus whose widths to take.

    Members
    -------
    i : :py:`In(stream.Signature(AddressLayout(signature)))`
        Bursts: FIXED, INCR or WRAP.
    o : :py:`Out(stream.Signature(BeatLayout(signature)))`
        Beats.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, signature: AXI4Signature):
        self.bus = signature
        super().__init__({
            "i": In(stream.Signature(AddressLayout(signature))),
            "o": Out(stream.Signature(BeatLayout(signature))),
        })

    def elaborate(self, platform):
        m = Module()

        running = Signal()
        rest = Signal(AddressLayout(self.bus))      # address and beats behind the current one
        burst = Signal.like(rest)                   # the burst from the current beat on
        length_prev = Signal(4)
        length = Signal(4)                          # `len` of the whole burst, if it can wrap
        with m.If(running):
            m.d.comb += [burst.eq(rest), length.eq(length_prev), self.i.ready.eq(0)]
        with m.Else():
            m.d.comb += [burst.eq(self.i.payload), length.eq(burst.len),
                         self.i.ready.eq(self.o.ready)]

        beat = self.o.payload
        m.d.comb += [
            self.o.valid.eq(running | self.i.valid),
            beat.id.eq(burst.id),
            beat.addr.eq(burst.addr),
            beat.size.eq(burst.size),
            beat.last.eq(burst.len == 0),
        ]

        # No burst crosses 4 KiB, so the upper address bits stand still. A wrapping burst has 2, 4,
        # 8 or 16 beats and stays in a container of that many.
        offset = burst.addr[:12]
        following = Signal(12)
        container = Signal(12)
        m.d.comb += [
            following.eq(((offset >> burst.size) + 1) << burst.size),
            container.eq(((length + 1) << burst.size) - 1),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [
                running.eq(~beat.last),
                length_prev.eq(length),
                rest.eq(burst),
                rest.len.eq(burst.len - 1),
            ]
            with m.If(burst.burst == Burst.INCR):
                m.d.sync += rest.addr.eq(Cat(following, burst.addr[12:]))
            with m.Elif(burst.burst == Burst.WRAP):
                wrapped = offset & ~container | following & container
                m.d.sync += rest.addr.eq(Cat(wrapped[:12], burst.addr[12:]))

        return m
