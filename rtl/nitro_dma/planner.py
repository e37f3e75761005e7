"""Pairs source with destination buffers and cuts packets into pieces."""

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.config import DmaConfig
from rtl.lib import RoundRobin

from .block import Blocks
from .checks import refusals, waits_for
from .descriptor import (
    CAUSE_WIDTH,
    FETCHED_LAYOUT,
    TIME_WIDTH,
    PacketLayout,
    PieceLayout,
    queue_bits,
)
from .encoding import DIMENSIONS, WAITS, Cause, Operation
from .planner_context import PlannerContext
from .service import ServiceContext, ServiceShares
from .walker import Walker

__all__ = ["Planner"]


class Planner(wiring.Component):
    """Cuts packets into pieces that lie in one source and one destination row each.

    A buffer is a row, or many (:class:`~rtl.nitro_dma.walker.Walker`). The queue pairs are
    served by their shares (:class:`~rtl.nitro_dma.service.ServiceShares`): those with credit take
    turns descriptor by descriptor. A pair takes part only when it has tokens, and when both of its
    buffers are at hand: whatever has been started can end without any further act of software, so
    a pair that waits blocks no other. Every check of a descriptor is made here; a descriptor that
    fails closes its packet with a piece without bytes, which travels behind the data and so
    completes after it, and its pair starts nothing more until it is cleared.

    Timing
    ------
    A piece every 3 cycles, and every cycle while it goes on in the same two buffers; a META
    descriptor takes 3 cycles. ``o.valid`` rises 2 cycles after both buffers became available, and
    in the same cycle if ``soon`` was high 2 cycles before and nothing else was to do.

    Members
    -------
    queue : ``queues`` x :py:`Out(PlannerContext())`
        The queue pairs.
    service : ``queues`` x :py:`Out(ServiceContext())`
        What they are entitled to.
    room : :py:`In(1)`
        One more packet may be under way.
    chosen : :py:`Out(queue_bits)`
        Pair whose descriptors must stand on ``m2s`` and ``s2m`` in the same cycle.
    m2s, s2m : :py:`In(FETCHED_LAYOUT)`
        Oldest descriptors of that pair.
    o : :py:`Out(stream.Signature(PieceLayout(config)))`
        Pieces.
    packet : :py:`Out(PacketLayout(config))`
        The packet that the piece on ``o`` closes, valid when it has ``last`` and is taken.
    now : :py:`In(TIME_WIDTH)`
        With ``config.counters``: the time.
    wait : ``queues`` x :py:`Out(range(len(WAITS)))`
        With ``config.counters``: what each pair does, its place in
        :data:`~rtl.nitro_dma.encoding.WAITS`.
    """

    room: Signal
    chosen: Signal
    m2s: data.View
    s2m: data.View
    o: stream.Interface
    packet: data.View

    def __init__(self, config: DmaConfig):
        self.config = config
        super().__init__({
            "queue":  Out(PlannerContext()).array(config.queues),
            "service": Out(ServiceContext()).array(config.queues),
            "room":   In(1),
            "chosen": Out(queue_bits(config)),
            "m2s":    In(FETCHED_LAYOUT),
            "s2m":    In(FETCHED_LAYOUT),
            "o":      Out(stream.Signature(PieceLayout(config))),
            "packet": Out(PacketLayout(config)),
            **({"now": In(TIME_WIDTH),
                "wait": Out(range(len(WAITS))).array(config.queues)} if config.counters else {}),
        })

    def elaborate(self, platform):
        m = Module()
        queues = Array(self.queue)
        count = self.config.queues

        # Bytes done of either row, and of the packet; whether a buffer has been begun, and its
        # dimensions. `fresh` stands for zeros in a row.
        progress = self._progress_layout()
        m.submodules.progress = memory = Memory(shape=progress, depth=max(2, count), init=[])
        save, recall = memory.write_port(), memory.read_port(domain="comb")
        fresh, opened, closed = Signal(count, init=-1), Signal(count), Signal(count)

        active = Signal(queue_bits(self.config))
        walkers = Walker(self.config), Walker(self.config)
        m.submodules.m2s_walker, m.submodules.s2m_walker = walkers
        blocks = Blocks(self.config) if self.config.transpose else None
        if blocks is not None:
            m.submodules.blocks = blocks
        m.submodules.shares = shares = ServiceShares(self.config)
        ready, payable, entitled, expected = self._choice(m, shares, opened, closed)
        # The loaded pair waits for its permission: it gives way to all others.
        early, waits = Signal(), Signal()
        m.d.comb += waits.eq(early & ~(queues[active].m2s_available & queues[active].s2m_available
                                       & queues[active].run & ~queues[active].stop))
        m.submodules.arbiter = arbiter = RoundRobin(count)
        m.d.comb += [
            self.chosen.eq(active),
            recall.addr.eq(active),
            save.addr.eq(active),
        ]

        loaded = Signal(self._loaded_layout(progress))
        go, meta, again = Signal(), Signal(), Signal()
        m.d.comb += [
            go.eq(self.o.valid & self.o.ready),
            shares.spend.eq(go & self.o.payload.moves),
            shares.spender.eq(active),
            shares.length_m1.eq(self.o.payload.length_m1),
        ]
        for i, queue in enumerate(self.queue):
            m.d.comb += queue.start.eq(go & (active == i))

        with m.FSM() as fsm:
            with m.State("SELECT"):
                m.d.comb += [
                    arbiter.requests.eq(Mux(payable.any(), entitled, expected)),
                    arbiter.advance.eq(1),
                    shares.round.eq(~entitled.any()),
                ]
                m.d.sync += early.eq(~payable.any())
                for i in range(count):
                    with m.If(arbiter.grant[i]):
                        m.d.sync += active.eq(i)
                with m.If(arbiter.grant.any()):
                    m.next = "LOAD"
            with m.State("LOAD"):
                self._load(m, loaded, queues[active], recall.data, fresh.bit_select(active, 1),
                           opened.bit_select(active, 1), walkers, blocks)
                m.next = "EMIT"
                with m.If(early & queues[active].touched):
                    m.next = "SELECT"
            with m.State("EMIT"):
                barrier = (loaded.m2s.descriptor.barrier & ~loaded.progress.m2s.begun
                           & ~queues[active].idle)
                stays = (waits & expected.bit_select(active, 1) & ~queues[active].touched
                         & ~payable.any())
                stays_on = (again & (shares.credit & shares.tokens).bit_select(active, 1)
                            & queues[active].run & ~queues[active].stop)
                m.d.comb += [
                    self.o.valid.eq(~waits & ~meta & (~barrier | loaded.stop)),
                    save.en.eq(go | (meta & ~waits)),
                ]
                with m.If(self.o.valid):
                    m.d.sync += early.eq(0)
                with m.If(Mux(self.o.valid, self.o.ready & ~stays_on, ~stays)):
                    m.next = "SELECT"
        for i, queue in enumerate(self.queue):
            m.d.comb += [
                queue.planning.eq(ready[i] | (~fsm.ongoing("SELECT") & ~early & (active == i))),
                queue.opened.eq(opened[i]),
            ]

        if self.config.counters:
            for i, queue in enumerate(self.queue):
                mine = active == i
                m.d.comb += self.wait[i].eq(waits_for(
                    queue, loaded=mine & fsm.ongoing("EMIT"), closed=closed[i], shown=self.o,
                    room=self.room, tokens=shares.tokens[i], turn=mine & shares.credit[i]))
        piece_end = self._emit(m, loaded, active, go, meta, again, save, walkers, blocks)
        with m.If(save.en):
            m.d.sync += fresh.bit_select(active, 1).eq(0)
        with m.If(go):
            m.d.sync += [opened.bit_select(active, 1).eq(~self.o.payload.last),
                         closed.bit_select(active, 1).eq(piece_end != Cause.NONE)]
        for i, queue in enumerate(self.queue):
            with m.If(queue.clear):
                m.d.sync += [fresh[i].eq(1), opened[i].eq(0), closed[i].eq(0)]

        return m

    def _progress_layout(self):
        """Return the layout of where a pair stands."""
        config = self.config
        half = data.StructLayout({
            "done": 16, "begun": 1, "dims": range(DIMENSIONS + 1),
            **({"swap": 1, "element": 2} if config.transpose else {}),
            **({"fill": 1} if config.fill else {})})
        return data.StructLayout({"m2s": half, "s2m": half, "bytes": 32,
                                  **({"start": TIME_WIDTH} if config.counters else {})})

    def _loaded_layout(self, progress):
        """Return the layout of what is loaded of a pair."""
        return data.StructLayout({
            "m2s": FETCHED_LAYOUT, "s2m": FETCHED_LAYOUT, "progress": progress,
            "m2s_rest": 16, "s2m_rest": 16, "src": self.config.addr_width,
            "dst": self.config.addr_width, "m2s_index": 16, "s2m_index": 16,
            "stop": 1, "overrun": 1, "opened": 1})

    def _choice(self, m, shares, opened, closed):
        """Return which pairs have work, may pay for it, have credit, and expect work soon."""
        ready, payable, entitled, expected = (
            Signal(self.config.queues, name=name)
            for name in ("ready", "payable", "entitled", "expected"))
        for i, queue in enumerate(self.queue):
            wiring.connect(m, wiring.flipped(self.service[i]), shares.queue[i])
            at_hand = (queue.m2s_available & queue.s2m_available
                       | queue.m2s_overrun | queue.s2m_overrun)
            may = queue.run & ~closed[i] & self.room
            m.d.comb += [
                ready[i].eq(may & Mux(queue.stop, opened[i], at_hand)),
                payable[i].eq(ready[i] & (shares.tokens[i] | queue.stop)),
                entitled[i].eq(payable[i] & (shares.credit[i] | queue.stop)),
                # Loaded ahead of its permission while there is nothing else to do.
                expected[i].eq(may & shares.tokens[i] & shares.credit[i] & ~queue.stop
                               & queue.soon),
            ]
        return ready, payable, entitled, expected

    def _load(self, m, loaded, queue, progress, fresh, opened, walkers, blocks):
        """Take a copy of the chosen pair and add up its addresses."""
        m2s_walker, s2m_walker = walkers
        done = Signal(progress.shape())
        m.d.comb += done.eq(Mux(fresh, 0, progress))
        m.d.sync += [
            loaded.m2s.eq(self.m2s),
            loaded.s2m.eq(self.s2m),
            loaded.progress.eq(done),
            loaded.m2s_rest.eq(self.m2s.descriptor.length - 1 - done.m2s.done),
            loaded.s2m_rest.eq(self.s2m.descriptor.length - 1 - done.s2m.done),
            loaded.src.eq(m2s_walker.row + done.m2s.done),
            loaded.dst.eq(s2m_walker.row + done.s2m.done),
            loaded.m2s_index.eq(queue.m2s_index),
            loaded.s2m_index.eq(queue.s2m_index),
            loaded.stop.eq(queue.stop),
            loaded.overrun.eq(queue.m2s_overrun | queue.s2m_overrun),
            loaded.opened.eq(opened),
        ]
        for walker, descriptor, half in ((m2s_walker, self.m2s.descriptor, done.m2s),
                                         (s2m_walker, self.s2m.descriptor, done.s2m)):
            m.d.comb += [
                walker.load.eq(1),
                walker.begun.eq(half.begun),
                walker.dimensions.eq(half.dims),
                walker.address.eq(descriptor.address),
            ]
        if blocks is not None:
            m.d.comb += blocks.load.eq(1)
            for side, descriptor, half in ((blocks.m2s, self.m2s.descriptor, done.m2s),
                                           (blocks.s2m, self.s2m.descriptor, done.s2m)):
                m.d.comb += [
                    side.swap.eq(half.swap),
                    side.element.eq(half.element),
                    side.length.eq(descriptor.length),
                ]

    def _emit(self, m, loaded, active, go, meta, again, save, walkers, blocks):
        """Form the piece, the packet and the next state; return the cause that stops the pair."""
        m2s, s2m = loaded.m2s.descriptor, loaded.s2m.descriptor
        refused = Signal(CAUSE_WIDTH)
        misfit = 0 if blocks is None else blocks.misfit
        for condition, cause in reversed(refusals(self.config, loaded, misfit,
                                                  Array(self.queue)[active].tenant)):
            with m.If(condition):
                m.d.comb += refused.eq(cause)

        m2s_walker, s2m_walker = walkers
        moves, m2s_ends, s2m_ends = Signal(), Signal(), Signal()
        m2s_row_ends, s2m_row_ends, too_long, last = Signal(), Signal(), Signal(), Signal()
        length_m1, total, cause = Signal(16), Signal(32), Signal(CAUSE_WIDTH)
        m.d.comb += [
            moves.eq(~loaded.stop & (refused == Cause.NONE)),
            meta.eq(moves & (m2s.meta | s2m.meta)),
            m2s_row_ends.eq(loaded.m2s_rest <= loaded.s2m_rest),
            s2m_row_ends.eq(loaded.s2m_rest <= loaded.m2s_rest),
            length_m1.eq(Mux(m2s_row_ends, loaded.m2s_rest, loaded.s2m_rest)),
            m2s_ends.eq(m2s_row_ends & m2s_walker.final),
            last.eq(m2s_ends & m2s.last),
            # A packet that ends leaves the rest of its last buffer unused.
            s2m_ends.eq((s2m_row_ends & s2m_walker.final) | last),
            again.eq(moves & ~m2s_ends & ~s2m_ends),
            too_long.eq(s2m_ends & s2m.last & ~last),
            cause.eq(Mux(~moves, refused, Mux(too_long, Cause.OVERFLOW, Cause.NONE))),
        ]
        m.d.comb += [
            total.eq(Mux(loaded.opened, loaded.progress.bytes, 0) + length_m1 + 1),
            self.o.payload.src.eq(loaded.src),
            self.o.payload.dst.eq(loaded.dst),
            self.o.payload.length_m1.eq(length_m1),
            self.o.payload.queue.eq(active),
            self.o.payload.moves.eq(moves),
            self.o.payload.last.eq(~moves | last | too_long),
            self.packet.queue.eq(active),
            self.packet.cause.eq(cause),
            self.packet.bytes.eq(total),
            self.packet.m2s_index.eq(loaded.m2s_index),
            self.packet.s2m_index.eq(loaded.s2m_index),
            self.packet.m2s_request.eq(moves & last & m2s.interrupt),
            self.packet.s2m_interrupt.eq(moves & s2m.interrupt),
            save.data.bytes.eq(total),
        ]
        m2s_take = save.en & moves & Mux(meta, m2s.meta, m2s_ends)
        s2m_take = save.en & moves & Mux(meta, s2m.meta, s2m_ends)
        for i, queue in enumerate(self.queue):
            m.d.comb += [
                queue.m2s_take.eq(m2s_take & (active == i)),
                queue.s2m_take.eq(s2m_take & (active == i)),
            ]
        self._progress(m, loaded, active, go, meta, save, length_m1, (
            ("m2s", m2s_walker, m2s_ends, m2s_row_ends, loaded.src),
            ("s2m", s2m_walker, s2m_ends, s2m_row_ends, loaded.dst)))
        if self.config.fill:
            self._fill(m, loaded, active, meta, save, m2s_ends)
        if self.config.counters:
            start = Mux(loaded.opened, loaded.progress.start, self.now)
            m.d.comb += [self.packet.start.eq(start), save.data.start.eq(start)]
        if blocks is not None:
            self._block(m, loaded, active, meta, save, blocks,
                        (m2s_ends, s2m_ends), (m2s_row_ends, s2m_row_ends, length_m1))
        return cause

    def _progress(self, m, loaded, active, go, meta, save, length_m1, halves):
        """Find out where either half stands behind the piece, or the META descriptors."""
        for name, walker, ends, row_ends, start in halves:
            fetched = loaded[name].descriptor
            half, kept = loaded.progress[name], save.data[name]
            dimension = Signal(name=f"{name}_dimension")
            rest = loaded[f"{name}_rest"]
            m.d.comb += [
                kept.done.eq(Mux(row_ends | ends, 0, half.done + length_m1 + 1)),
                kept.begun.eq(~ends),
                kept.dims.eq(Mux(ends, 0, half.dims)),
                dimension.eq(fetched.operation == Operation.DIMENSION),
                walker.queue.eq(active),
                walker.place.eq(half.dims),
                walker.count.eq(fetched.length),
                walker.stride.eq(fetched.address),
                walker.add.eq(save.en & meta & fetched.meta & dimension),
                walker.save.eq(go),
                walker.step.eq(row_ends & ~walker.final),
            ]
            with m.If(meta):
                m.d.comb += [kept.eq(half), kept.dims.eq(half.dims + (fetched.meta & dimension))]
            with m.If(go):
                m.d.sync += [
                    start.eq(Mux(row_ends, walker.after, start + length_m1 + 1)),
                    rest.eq(Mux(row_ends, fetched.length - 1, rest - length_m1 - 1)),
                ]
        with m.If(meta):
            m.d.comb += save.data.bytes.eq(loaded.progress.bytes)
        with m.If(go):
            m.d.sync += [loaded.progress.eq(save.data), loaded.opened.eq(1)]

    def _fill(self, m, loaded, active, meta, save, ends):
        """Keep the words that destinations are filled with."""
        m.submodules.words = memory = Memory(shape=32, depth=max(2, self.config.queues), init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        half, kept = loaded.progress.m2s, save.data.m2s
        fetched = loaded.m2s.descriptor
        m.d.comb += [
            write.en.eq(save.en & meta & fetched.meta & (fetched.operation == Operation.FILL)),
            write.addr.eq(active),
            write.data.eq(fetched.address),
            read.addr.eq(active),
            kept.fill.eq(Mux(meta, half.fill | write.en, half.fill & ~ends)),
            save.data.s2m.fill.eq(0),
            self.o.payload.fill.on.eq(half.fill),
            self.o.payload.fill.word.eq(read.data),
        ]

    def _block(self, m, loaded, active, meta, save, blocks, ends, row):
        """Take up the shapes of blocks, and let a piece be a block."""
        m.d.comb += [blocks.queue.eq(active), self.o.payload.block.eq(blocks.block)]
        for side, name, end in zip((blocks.m2s, blocks.s2m), ("m2s", "s2m"), ends, strict=True):
            fetched, half = loaded[name].descriptor, loaded.progress[name]
            kept = save.data[name]
            m.d.comb += [
                side.add.eq(save.en & meta & fetched.meta
                            & (fetched.operation == Operation.TRANSPOSE)),
                side.count.eq(fetched.length),
                side.pitch.eq(fetched.address),
                kept.swap.eq(Mux(meta, half.swap | side.add, half.swap & ~end)),
                kept.element.eq(Mux(side.add, fetched.element, half.element)),
            ]
        with m.If(blocks.block.swap):
            m2s_row_ends, s2m_row_ends, length_m1 = row
            m.d.comb += [m2s_row_ends.eq(1), s2m_row_ends.eq(1), length_m1.eq(blocks.length_m1)]
