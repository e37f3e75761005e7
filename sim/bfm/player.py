"""A host in gateware: plays a script of bus accesses at up to one beat a cycle.

A script is an array of rows that Python fills once (:class:`Script`); no Python runs while the
:class:`Player` works. What is read is logged in order.
"""

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.bus import AXI4LiteSignature, AXI4Signature, Resp
from rtl.lib import StreamFifo

from .ram import SimRam

__all__ = ["Player", "Script"]

ROW_BYTES = 32
BEAT_BYTES = 16
PAGE = 4096


class _Op(enum.Enum, shape=4):
    """What a row does."""

    END = 0
    WRITE = 1
    READ = 2
    REGISTER = 3
    POLL = 4
    SETTLE = 5
    SAMPLE = 6


class _RowLayout(data.StructLayout):
    """A row of the script.

    ``first`` and ``last`` mark the ends of a write burst; ``at_least`` makes a poll wait for
    ``value & mask >= expected`` instead of ``==``; ``expected`` and register data are the low
    word of ``data``.
    """

    def __init__(self):
        super().__init__({"op": _Op, "first": 1, "last": 1, "at_least": 1, "unused": 1, "len": 8,
                          "strobe": BEAT_BYTES, "addr": 32, "data": 8 * BEAT_BYTES, "mask": 32,
                          "padding": 32})


class Script:
    """Rows for a :class:`Player`, in order.

    Attributes
    ----------
    length : :class:`int`
        Rows so far, the END included.
    read_beats : :class:`int`
        Rows of the log so far.
    """

    def __init__(self):
        self._blocks: list[np.ndarray] = []
        self.length = 1
        self.read_beats = 0

    def _rows(self, count: int, op: int) -> np.ndarray:
        rows = np.zeros((count, ROW_BYTES), np.uint8)
        rows[:, 0] = op
        self._blocks.append(rows)
        self.length += count
        return rows

    @staticmethod
    def _set32(rows: np.ndarray, byte: int, values) -> None:
        values = np.broadcast_to(np.asarray(values, np.uint32), len(rows))
        rows[:, byte:byte + 4] = values.astype("<u4")[:, None].view(np.uint8).reshape(-1, 4)

    def write(self, address: int, payload) -> None:
        """Write bytes to the AXI4 bus, from any address on, in bursts within 4 KiB pages."""
        payload = np.frombuffer(bytes(payload), np.uint8)
        if not len(payload):
            return
        offset = address % BEAT_BYTES
        base = address - offset
        count = -(-(offset + len(payload)) // BEAT_BYTES)
        beats = np.zeros(count * BEAT_BYTES, np.uint8)
        beats[offset:offset + len(payload)] = payload
        strobes = np.zeros(count * BEAT_BYTES, np.uint8)
        strobes[offset:offset + len(payload)] = 1

        rows = self._rows(count, _Op.WRITE.value)
        addresses = base + BEAT_BYTES * np.arange(count)
        first = (np.arange(count) == 0) | (addresses % PAGE == 0)
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], count)
        last = np.zeros(count, bool)
        last[ends - 1] = True
        rows[:, 0] |= (first << 4 | last << 5).astype(np.uint8)
        rows[starts, 1] = ends - starts - 1
        rows[:, 2:4] = np.packbits(strobes.reshape(-1, 8), axis=1,
                                   bitorder="little").reshape(-1, 2)
        self._set32(rows, 4, addresses)
        rows[:, 8:24] = beats.reshape(-1, BEAT_BYTES)

    def read(self, address: int, beats: int) -> slice:
        """Read whole beats from the AXI4 bus; returns the rows of the log where they will be."""
        start = self.read_beats
        while beats:
            burst = min(beats, (PAGE - address % PAGE) // BEAT_BYTES)
            row = self._rows(1, _Op.READ.value)
            row[:, 1] = burst - 1
            self._set32(row, 4, address)
            address, beats = address + burst * BEAT_BYTES, beats - burst
            self.read_beats += burst
        return slice(start, self.read_beats)

    def register(self, offset: int, value: int) -> None:
        """Write a register."""
        row = self._rows(1, _Op.REGISTER.value)
        self._set32(row, 4, offset)
        self._set32(row, 8, value)

    def poll(self, offset: int, mask: int, expected: int, *, at_least: bool = False) -> None:
        """Read a register until ``value & mask`` equals, or reaches, ``expected``."""
        row = self._rows(1, _Op.POLL.value)
        row[:, 0] |= at_least << 6
        self._set32(row, 4, offset)
        self._set32(row, 8, expected)
        self._set32(row, 24, mask)

    def settle(self) -> None:
        """Wait until every write has been answered and every read has arrived."""
        self._rows(1, _Op.SETTLE.value)

    def sample(self, offset: int) -> int:
        """Read a register into the log; returns its row there."""
        self.settle()
        row = self._rows(1, _Op.SAMPLE.value)
        self._set32(row, 4, offset)
        self.read_beats += 1
        return self.read_beats - 1

    def rows(self) -> np.ndarray:
        """Return the rows, an END behind them."""
        return np.concatenate([*self._blocks, np.zeros((1, ROW_BYTES), np.uint8)])


class Player(wiring.Component):
    """Plays a script on an AXI4 and an AXI4-Lite manager port.

    Timing
    ------
    A row a cycle for beats that the bus takes at once. Reads of the AXI4 bus do not hold up the
    rows behind them; register accesses do.

    Parameters
    ----------
    rows, log_rows : :class:`int`
        Rows of the script, and beats of the log.
    addr_width, id_width, register_addr_width : :class:`int`
        Of the two buses.

    Members
    -------
    m_axi, m_axil : :py:`Out`
        The buses. IDs are 0.
    go : :py:`In(1)`
        Play from row 0; low for 8 cycles or more, after the end of a script, rewinds.
    done : :py:`Out(1)`
        The script has ended and every access has been answered.
    errors : :py:`Out(16)`
        Responses other than OKAY.
    """

    m_axi: wiring.PureInterface
    m_axil: wiring.PureInterface
    go: Signal
    done: Signal
    errors: Signal

    def __init__(self, *, rows: int, log_rows: int, addr_width: int, id_width: int = 1,
                 register_addr_width: int = 16):
        self.rows = rows
        self.log_rows = log_rows
        super().__init__({
            "m_axi":  Out(AXI4Signature(addr_width=addr_width, data_width=8 * BEAT_BYTES,
                                        id_width=id_width)),
            "m_axil": Out(AXI4LiteSignature(addr_width=register_addr_width)),
            "go":     In(1),
            "done":   Out(1),
            "errors": Out(16),
        })

    def elaborate(self, platform):
        m = Module()
        axi, axil = self.m_axi, self.m_axil

        row, advance = self._fetch(m)
        outstanding_b, outstanding_r = Signal(16), Signal(32)
        wrote, answered = axi.wvalid & axi.wready & axi.wlast, axi.bvalid & axi.bready
        asked, arrived = axi.arvalid & axi.arready, axi.rvalid & axi.rready
        settled = (outstanding_b == 0) & (outstanding_r == 0)
        m.d.sync += [
            outstanding_b.eq(outstanding_b + wrote - answered),
            outstanding_r.eq(outstanding_r + Mux(asked, row.payload.len + 1, 0) - arrived),
        ]
        m.d.comb += [
            axi.awaddr.eq(row.payload.addr), axi.awlen.eq(row.payload.len), axi.awsize.eq(4),
            axi.araddr.eq(row.payload.addr), axi.arlen.eq(row.payload.len), axi.arsize.eq(4),
            axi.wdata.eq(row.payload.data), axi.wstrb.eq(row.payload.strobe),
            axi.wlast.eq(row.payload.last), axi.bready.eq(1), axi.rready.eq(1),
            axil.awaddr.eq(row.payload.addr), axil.araddr.eq(row.payload.addr),
            axil.wdata.eq(row.payload.data), axil.wstrb.eq(0xF),
            axil.bready.eq(1), axil.rready.eq(1),
        ]
        sampled = Signal()
        self._log(m, arrived, sampled)
        bad = ((answered & (axi.bresp != Resp.OKAY)) | (arrived & (axi.rresp != Resp.OKAY))
               | (axil.bvalid & (axil.bresp != Resp.OKAY))
               | (axil.rvalid & (axil.rresp != Resp.OKAY)))
        with m.If(bad):
            m.d.sync += self.errors.eq(self.errors + 1)

        sent_address, sent_data = Signal(), Signal()
        address_done = Signal()
        # Rows behind an END are fetched too; they leave the queue while `go` is low.
        with m.If(row.valid & self.go):
            with m.Switch(row.payload.op):
                with m.Case(_Op.WRITE):
                    m.d.comb += [
                        axi.awvalid.eq(row.payload.first & ~sent_address),
                        axi.wvalid.eq(~sent_data),
                        address_done.eq(~row.payload.first | sent_address | axi.awready),
                        advance.eq(address_done & (sent_data | axi.wready)),
                    ]
                    m.d.sync += [
                        sent_address.eq(~advance & address_done & row.payload.first),
                        sent_data.eq(~advance & (sent_data | axi.wready)),
                    ]
                with m.Case(_Op.READ):
                    m.d.comb += [axi.arvalid.eq(1), advance.eq(axi.arready)]
                with m.Case(_Op.REGISTER):
                    m.d.comb += [
                        axil.awvalid.eq(~sent_address),
                        axil.wvalid.eq(~sent_data),
                        advance.eq(axil.bvalid),
                    ]
                    m.d.sync += [
                        sent_address.eq(~advance & (sent_address | axil.awready)),
                        sent_data.eq(~advance & (sent_data | axil.wready)),
                    ]
                with m.Case(_Op.POLL):
                    masked = axil.rdata & row.payload.mask
                    expected = row.payload.data[:32]
                    met = Mux(row.payload.at_least, masked >= expected, masked == expected)
                    m.d.comb += [axil.arvalid.eq(~sent_address), advance.eq(axil.rvalid & met)]
                    m.d.sync += sent_address.eq(~axil.rvalid & (sent_address | axil.arready))
                with m.Case(_Op.SAMPLE):
                    m.d.comb += [axil.arvalid.eq(~sent_address), advance.eq(axil.rvalid),
                                 sampled.eq(axil.rvalid)]
                    m.d.sync += sent_address.eq(~axil.rvalid & (sent_address | axil.arready))
                with m.Case(_Op.SETTLE):
                    m.d.comb += advance.eq(settled)
                with m.Case(_Op.END):
                    m.d.comb += self.done.eq(settled)
        return m

    def _fetch(self, m):
        """Prefetch rows, one a cycle; returns the stream of rows and its ``ready``."""
        m.submodules.script = script = SimRam(width=8 * ROW_BYTES, depth=self.rows)
        m.submodules.queue = queue = StreamFifo(_RowLayout(), depth=4)
        next_row = Signal(ceil_log2(self.rows))
        pending = Signal(range(queue.depth + 1))
        fetch, fetched, advance = Signal(), Signal(), Signal()
        m.d.comb += [
            fetch.eq(self.go & (pending != queue.depth)),
            script.read_en[0].eq(fetch),
            script.read_addr[0].eq(next_row),
            queue.i.valid.eq(fetched),
            queue.i.payload.eq(script.read_data[0]),
            queue.o.ready.eq(advance | ~self.go),
        ]
        m.d.sync += [
            fetched.eq(fetch),
            next_row.eq(Mux(self.go, next_row + fetch, 0)),
            pending.eq(Mux(self.go, pending + fetch - (queue.o.valid & advance), 0)),
        ]
        return queue.o, advance

    def _log(self, m, arrived, sampled):
        m.submodules.log = log = SimRam(width=8 * BEAT_BYTES, depth=self.log_rows)
        position = Signal(ceil_log2(self.log_rows))
        # Samples follow a settled bus, so the two never meet.
        m.d.sync += position.eq(Mux(self.go, position + (arrived | sampled), 0))
        m.d.comb += [
            log.write_addr[0].eq(position),
            log.write_data[0].eq(Mux(sampled, self.m_axil.rdata, self.m_axi.rdata)),
            log.write_strobe[0].eq((arrived | sampled).replicate(BEAT_BYTES)),
        ]
