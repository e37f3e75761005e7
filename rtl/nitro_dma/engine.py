"""The DMA engine."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.bus import AXI4LiteSignature, AXI4Signature
from rtl.config import DmaConfig
from rtl.csr import RegisterBank
from rtl.lib import StreamBuffer, StreamFifo, StreamFork

from .completion import CompletionWriter
from .counters import CounterPages
from .descriptor import PieceLayout, beat_bits
from .fetcher import DescriptorFetcher
from .legaliser import AlignedLayout, Aligner
from .manager import ManagerPages
from .planner import Planner
from .pool import DescriptorPool
from .port import PortMerger
from .push import PushPages
from .queue import HALVES, QueuePair
from .reader import ReadEngine
from .realigner import Realigner, RotationLayout
from .registers import (
    COUNTER_PAGE,
    GLOBAL,
    GLOBAL_PAGE,
    IDENTITY,
    MANAGER_PAGE,
    PAGE_BYTES,
    PUSH_PAGE,
    QUEUE_PAGE,
    VERSION,
)
from .retire import Retire
from .router import PageRouter
from .rows import SinkRowLayout, SinkRows, SourceRowLayout, SourceRows
from .transposer import Transposer
from .writer import WriteEngine

__all__ = ["NitroDma"]


class NitroDma(wiring.Component):
    """Memory-to-memory DMA engine with descriptor rings in memory.

    Rings are fetched ahead (:class:`~.fetcher.DescriptorFetcher`) and paired to pieces
    (:class:`~.planner.Planner`), pieces become bursts (:mod:`~.legaliser`), which the read engine
    and the write engine carry out, with the lanes moved in between; :class:`~.retire.Retire` counts
    the write responses and lets :class:`~.completion.CompletionWriter` tell the software. Reads
    run ahead of writes as far as the data buffer reaches, across pieces, packets and queues.

    Timing
    ------
    ``arvalid`` of the data rises 8 cycles and one descriptor read after the doorbell. The data path
    moves one beat a cycle in either direction; see the README for the diagram.

    Parameters
    ----------
    config : :class:`~rtl.config.DmaConfig`
        Configuration.

    Members
    -------
    m_axi : :py:`Out(AXI4Signature(addr_width, data_width, id_width, user_width=16))`
        Data (id 0), and, if there is no port for them, descriptors and completions (id 1). AxUSER
        is the tenant of the queue.
    m_axi_desc : :py:`Out(AXI4Signature(addr_width, 64, id_width, user_width=16))`
        Descriptors and completions, with ``config.descriptor_port``.
    s_axil : :py:`In(AXI4LiteSignature(addr_width=20))`
        Registers: global page at 0, queue pages from 0x1000, slots from 0x40000, managers' pages
        from 0x80000, counters from 0xc0000.
    irq : :py:`Out(1)`
        Some queue pair has an enabled interrupt; a level.

    """

    m_axi: wiring.PureInterface
    s_axil: wiring.PureInterface
    irq: Signal

    def __init__(self, config: DmaConfig):
        self.config = config

        def port(width):
            return Out(AXI4Signature(addr_width=config.addr_width, user_width=16,
                                     data_width=width, id_width=config.id_width))

        own = {"m_axi_desc": port(config.descriptor_width)} if config.descriptor_port else {}
        super().__init__({
            "m_axi":  port(config.data_width),
            **own,
            "s_axil": In(AXI4LiteSignature(addr_width=20)),
            "irq":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config

        pairs = []
        for i in range(config.queues):
            pair = QueuePair(config)
            m.submodules[f"queue_{i}"] = pair
            pairs.append(pair)
        m.submodules.fetcher = fetcher = DescriptorFetcher(config)
        m.submodules.push = push = PushPages(config)
        m.submodules.planner = planner = Planner(config)
        m.submodules.reader = reader = ReadEngine(config)
        m.submodules.realigner = realigner = Realigner(config)
        m.submodules.writer = writer = WriteEngine(config)
        m.submodules.retire = retire = Retire(config)
        m.submodules.completion = completion = CompletionWriter(config)
        askers = (fetcher, reader, writer, completion)
        m.submodules.manager = manager = ManagerPages(config, checks=len(askers))
        for asker, check in zip(askers, manager.check, strict=True):
            wiring.connect(m, asker.check, check)

        for i, pair in enumerate(pairs):
            wiring.connect(m, pair.plan, planner.queue[i])
            wiring.connect(m, pair.push, push.queue[i])
            wiring.connect(m, manager.service[i], planner.service[i])
            if config.messages:
                wiring.connect(m, pair.message, completion.message[i])
            for j, half in enumerate(HALVES):
                wiring.connect(m, getattr(pair, f"fetch_{half}"), fetcher.ring[2 * i + j])
                wiring.connect(m, getattr(pair, f"complete_{half}"), completion.ring[2 * i + j])
            m.d.comb += [
                pair.cause.eq(retire.cause[i]),
                pair.tenant.eq(manager.tenant[i]),
                manager.locked[i].eq(pair.locked),
                reader.tenant[i].eq(manager.tenant[i]),
                writer.tenant[i].eq(manager.tenant[i]),
                pair.piece.eq(retire.piece & (retire.piece_queue == i)),
                pair.handed.eq(completion.i.valid & completion.i.ready
                               & (completion.i.payload.queue == i)),
                retire.abort[i].eq(pair.aborted),
                retire.clear[i].eq(pair.clear),
                writer.clear[i].eq(pair.clear),
                writer.stop[i].eq(pair.plan.stop),
            ]
        m.d.comb += self.irq.eq(Cat(pair.irq for pair in pairs).any())

        self._pools(m, pairs, fetcher, push, planner)
        self._datapath(m, planner, reader, realigner, writer)
        self._completions(m, planner, writer, retire, completion)
        self._port(m, fetcher, reader, writer, retire, completion)
        pages = {}
        if config.counters:
            m.submodules.counters = counters = CounterPages(config)
            self._count(m, pairs, planner, completion, counters)
            pages[COUNTER_PAGE, config.queues] = counters.s_axil
        self._registers(m, pairs, planner, completion, {
            (PUSH_PAGE, config.queues): push.s_axil,
            (MANAGER_PAGE, config.queues): manager.s_axil, **pages})
        return m

    def _pools(self, m, pairs, fetcher, push, planner):
        """Put the descriptor pools between fetcher and planner, and the slots beside them."""
        pushed = Cat(pair.push.enable for pair in pairs)
        m.d.comb += push.show.eq(planner.chosen)
        for j, half in enumerate(HALVES):
            pool = DescriptorPool(self.config)
            m.submodules[f"pool_{half}"] = pool
            takes = Cat(getattr(pair.plan, f"{half}_take") for pair in pairs) & ~pushed
            # Of the resets that drop descriptors the lowest goes first, when no piece is planned.
            purges, granted = Signal(len(pairs)), Signal(len(pairs))
            m.d.comb += [
                purges.eq(Cat(getattr(pair, f"purge_{half}") for pair in pairs)),
                granted.eq(Mux(takes.any(), 0, purges & -purges)),
                pool.store.eq(fetcher.store & (fetcher.arriving[0] == j)),
                pool.store_queue.eq(fetcher.arriving[1:]),
                pool.stored.eq(fetcher.stored),
                pool.show.eq(planner.chosen),
                getattr(planner, half).eq(Mux(pushed.bit_select(planner.chosen, 1),
                                              getattr(push, half), pool.shown)),
                pool.take.eq(takes.any() | purges.any()),
                pool.take_queue.eq(planner.chosen),
            ]
            for i, pair in enumerate(pairs):
                m.d.comb += getattr(pair, f"purged_{half}").eq(granted[i])
                with m.If(granted[i]):
                    m.d.comb += pool.take_queue.eq(i)

    def _datapath(self, m, planner, reader, realigner, writer):
        """Hand each piece to the reader, the realigner and the writer."""
        config = self.config
        m.submodules.piece = piece = StreamBuffer(PieceLayout(config))
        m.submodules.aligner = aligner = Aligner(config)
        m.submodules.fork = fork = StreamFork(AlignedLayout(config), 2)
        m.submodules.source_rows = source = SourceRows(config)
        m.submodules.read_fork = read_fork = StreamFork(SourceRowLayout(config),
                                                            2 + bool(config.transpose))
        m.submodules.sink_rows = sink = SinkRows(config)
        m.submodules.write_fork = write_fork = StreamFork(SinkRowLayout(config),
                                                              1 + bool(config.transpose))
        wiring.connect(m, planner.o, piece.i)
        wiring.connect(m, source.o, read_fork.i)
        wiring.connect(m, fork.o[1], sink.i)
        wiring.connect(m, sink.o, write_fork.i)
        # A piece without bytes, or without a source, passes the reader and the realigner by.
        to_read, to_rotate, to_write = *read_fork.o[:2], write_fork.o[0]
        pieces = fork.o[0]
        reads = pieces.payload.moves
        if config.fill:
            reads = reads & ~pieces.payload.fill.on
        m.submodules.rotations = rotations = StreamFifo(
            RotationLayout(config), config.outstanding << bool(config.transpose))
        m.d.comb += [
            aligner.i.eq(piece.o.payload),
            fork.i.payload.eq(aligner.o),
            fork.i.valid.eq(piece.o.valid),
            piece.o.ready.eq(fork.i.ready),
            source.i.payload.eq(pieces.payload),
            source.i.valid.eq(pieces.valid & reads),
            pieces.ready.eq(source.i.ready | ~reads),
            reader.i.valid.eq(to_read.valid),
            reader.i.payload.eq(to_read.payload.span),
            to_read.ready.eq(reader.i.ready),
            rotations.i.valid.eq(to_rotate.valid),
            rotations.i.payload.eq(to_rotate.payload.rotation),
            to_rotate.ready.eq(rotations.i.ready),
            writer.i.valid.eq(to_write.valid),
            writer.i.payload.eq(to_write.payload.span),
            to_write.ready.eq(writer.i.ready),
            writer.arrived.eq(reader.arrived),
        ]
        wiring.connect(m, rotations.o, realigner.rotation)
        wiring.connect(m, reader.o, realigner.beat)
        if not config.transpose:
            wiring.connect(m, realigner.o, writer.beat)
            return
        m.submodules.transposer = transposer = Transposer(config)
        wiring.connect(m, realigner.o, transposer.beat)
        wiring.connect(m, transposer.o, writer.beat)
        to_fill, to_empty = read_fork.o[2], write_fork.o[1]
        for rows, block, target in (
                (to_fill, to_fill.payload.rotation.block, transposer.rows),
                (to_empty, to_empty.payload.span.tag.block, transposer.columns)):
            m.d.comb += [
                target.valid.eq(rows.valid & block),
                target.payload.eq(rows.payload.place),
                rows.ready.eq(target.ready | ~block),
            ]
        m.d.comb += [writer.taken.eq(transposer.taken), writer.filled.eq(transposer.filled)]

    def _completions(self, m, planner, writer, retire, completion):
        """Follow each packet from the planner to its completion."""
        wiring.connect(m, writer.done, retire.done)
        wiring.connect(m, retire.o, completion.i)
        opens, ends = Signal(), Signal()
        under_way = Signal(range(self.config.packets + 1))
        m.d.comb += [
            opens.eq(planner.o.valid & planner.o.ready & planner.o.payload.last),
            ends.eq(completion.i.valid & completion.i.ready),
            retire.packet.valid.eq(opens),
            retire.packet.payload.eq(planner.packet),
            retire.fault.eq(completion.fault),
            retire.fault_queue.eq(completion.fault_queue),
            writer.retired.eq(retire.retired),
            planner.room.eq(under_way != self.config.packets),
            completion.quiet.eq(under_way == 0),
        ]
        m.d.sync += under_way.eq(under_way + opens - ends - retire.dropped)

    def _port(self, m, fetcher, reader, writer, retire, completion):
        """Join the managers on the port, or give each its own."""
        if self.config.descriptor_port:
            data, descriptors = self.m_axi, self.m_axi_desc
        else:
            m.submodules.port = port = PortMerger(self.config)
            wiring.connect(m, port.m_axi, wiring.flipped(self.m_axi))
            data, descriptors = port.data, port.descriptors
        for target, read, write in ((data, reader.m_axi, writer.m_axi),
                                    (descriptors, fetcher.m_axi, completion.m_axi)):
            for part in (read, write):
                for name, member in part.signature.members.items():
                    ours, theirs = getattr(part, name), getattr(target, name)
                    if name.startswith("b") and part is writer.m_axi:
                        continue
                    m.d.comb += theirs.eq(ours) if member.flow is Out else ours.eq(theirs)
        m.d.comb += [
            retire.bvalid.eq(data.bvalid),
            retire.bresp.eq(data.bresp),
            data.bready.eq(retire.bready),
        ]

    def _count(self, m, pairs, planner, completion, counters):
        """Tell the counters of the pairs what happens."""
        packet = completion.i.payload
        m.d.comb += [
            planner.now.eq(counters.now),
            counters.taken.eq(sum(Cat(getattr(pair.plan, f"{half}_take") for pair in pairs).any()
                                  for half in HALVES)),
            counters.taker.eq(planner.chosen),
            counters.done.eq(completion.i.valid & completion.i.ready),
            counters.owner.eq(packet.queue),
            counters.bytes.eq(Mux(packet.cause == 0, packet.bytes, 0)),
            counters.start.eq(packet.start),
            *(counters.cause[i].eq(pair.cause) for i, pair in enumerate(pairs)),
            *(counters.wait[i].eq(wait) for i, wait in enumerate(planner.wait)),
        ]

    def _registers(self, m, pairs, planner, completion, others):
        """Add the global page and the page decoder."""
        config = self.config
        m.submodules.bank = bank = RegisterBank(GLOBAL, addr_width=ceil_log2(PAGE_BYTES))
        queues = range(config.queues)
        m.submodules.router = router = PageRouter([
            GLOBAL_PAGE, *(QUEUE_PAGE + PAGE_BYTES * i for i in queues), *others])
        wiring.connect(m, wiring.flipped(self.s_axil), router.s_axil)
        subordinates = [bank.s_axil, *(pair.s_axil for pair in pairs), *others.values()]
        for source, subordinate in zip(router.banks, subordinates, strict=True):
            wiring.connect(m, source, subordinate)

        # A line of completions waits until the first tick after it was begun.
        wait = Signal(16)
        m.d.comb += completion.tick.eq(wait >= bank.comp_flush_cycles)
        m.d.sync += wait.eq(Mux(completion.tick, 0, wait + 1))

        busy = Signal()
        bytes_read, bytes_written = Signal(64), Signal(64)
        read, packet = planner.o.payload, completion.i.payload
        started = planner.o.valid & planner.o.ready & read.moves & (
            ~read.fill.on if config.fill else 1)
        completed = completion.i.valid & completion.i.ready & (packet.cause == 0)
        stops = Cat(pair.plan.stop for pair in pairs)
        stops_prev = Signal(config.queues)
        taken = Cat(*(pair.plan.m2s_take for pair in pairs), *(pair.plan.s2m_take
                                                               for pair in pairs))
        m.d.comb += busy.eq(Cat(pair.busy for pair in pairs).any())
        m.d.sync += stops_prev.eq(stops)
        counters = {
            "descriptors": sum(taken[i] for i in range(2 * config.queues)),
            "packets": completed,
            "errors": sum((stops & ~stops_prev)[i] for i in queues),
            "busy_cycles": busy,
        }
        for name, step in counters.items():
            value = getattr(bank, f"{name}_value")
            count = Signal(32, name=name)
            m.d.sync += count.eq(count + step)
            m.d.comb += value.eq(count)
        m.d.sync += bytes_read.eq(bytes_read + Mux(started, read.length_m1 + 1, 0))
        m.d.sync += bytes_written.eq(bytes_written + Mux(completed, packet.bytes, 0))
        m.d.comb += [
            bank.identity_value.eq(IDENTITY),
            bank.version_value.eq(VERSION),
            bank.params_queues.eq(config.queues),
            bank.params_data_bytes.eq(1 << beat_bits(config)),
            bank.params_prefetch.eq(config.prefetch),
            bank.features_transpose.eq(config.transpose),
            bank.features_fill.eq(config.fill),
            bank.features_counters.eq(config.counters),
            bank.features_messages.eq(config.messages),
            *(signal.eq(value) for pair in pairs for signal, value in (
                (pair.disable, bank.control_disable),
                (pair.abort, bank.control_write & bank.control_abort),
                (pair.reset, bank.control_write & bank.control_reset))),
            bank.status_busy.eq(busy),
            Cat(bank.bytes_read_lo_value, bank.bytes_read_hi_value).eq(bytes_read),
            Cat(bank.bytes_written_lo_value, bank.bytes_written_hi_value).eq(bytes_written),
        ]
