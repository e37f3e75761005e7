"""AXI4 memory for simulation, with latency and random back-pressure."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, fifo, wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from rtl.bus import AXI4Signature, Resp

from .ram import SimRam

__all__ = ["AXI4Memory"]


def _reached(now, due):
    """Compare times modulo 2**32."""
    return ~(now - due)[31]


def _next_beat(addr, size):
    """Address of the beat behind the one at ``addr``; beats after the first are aligned."""
    return ((addr >> size) + 1) << size


class AXI4Memory(wiring.Component):
    """AXI4 subordinate ports on one memory whose rows the host reaches.

    Serves INCR bursts, full-width or narrow, in order, at one beat a cycle and direction and port;
    several transactions may be outstanding. Addresses wrap at ``bytes`` after ``base`` is taken
    off: what stands in front of the memory decides what is out of range.

    Parameters
    ----------
    signatures : list of :class:`AXI4Signature`
        One a port. Rows have the width of the widest.
    bytes : :class:`int`
        Size, a power of two.
    base : :class:`int`
        Address of the first byte; the ``bytes`` of the range are aligned to their size.
    latency : :class:`int` or 16-bit value
        Cycles from the transfer of AR to the first beat on R, and from the last beat on W to B;
        at least 2. A value may change between two transactions.
    depth : :class:`int`
        Transactions that may be outstanding per port and direction.

    Members
    -------
    s_axi_0, s_axi_1, ... : :py:`In(signature)`
        The ports.
    stall : :py:`In(8)`
        Every channel of every port is held back in a cycle with a chance of ``stall`` / 256.

    Timing
    ------
    A write is in the memory one cycle after its beat; a read samples when its beat is issued.
    """

    def __init__(self, signatures: list[AXI4Signature], *, bytes: int, base: int = 0,
                 latency: int | Value = 2, depth: int = 64):
        if bytes & (bytes - 1) or base % bytes:
            raise ValueError(f"Size must be a power of two that divides the base, not {bytes!r}")
        if isinstance(latency, int) and latency < 2:
            raise ValueError(f"Latency must be at least 2 cycles, not {latency!r}")
        self.signatures = signatures
        self.width = max(signature.data_width for signature in signatures)
        self.bytes = bytes
        self.latency = latency
        self.depth = depth
        super().__init__({
            "stall": In(8),
            **{f"s_axi_{i}": In(signature) for i, signature in enumerate(signatures)},
        })

    def elaborate(self, platform):
        m = Module()
        width = self.width
        reads = [i for i, signature in enumerate(self.signatures) if signature.read]
        writes = [i for i, signature in enumerate(self.signatures) if signature.write]
        m.submodules.ram = ram = SimRam(width=width, depth=self.bytes * 8 // width,
                                        reads=max(1, len(reads)), writes=max(1, len(writes)))
        now = Signal(32)
        m.d.sync += now.eq(now + 1)
        noise = Signal(64, init=0x9E37_79B9_7F4A_7C15)
        step = noise ^ (noise << 13)[:64]
        step = step ^ (step >> 7)
        m.d.sync += noise.eq(step ^ (step << 17)[:64])
        row_lsb = (width // 8).bit_length() - 1
        for slot, i in enumerate(reads):
            port = getattr(self, f"s_axi_{i}")
            self._read(m, i, port, now, noise, row_lsb, ram.read_addr[slot], ram.read_en[slot],
                       ram.read_data[slot])
        for slot, i in enumerate(writes):
            port = getattr(self, f"s_axi_{i}")
            self._write(m, i, port, now, noise, row_lsb, ram.write_addr[slot],
                        ram.write_strobe[slot], ram.write_data[slot])
        return m

    def _go(self, m, noise, name, index):
        """Return a signal that is low in cycles in which channel ``name`` is held back."""
        go = Signal(name=f"{name}_go")
        m.d.comb += go.eq(noise.rotate_left(11 * index % 64)[:8] >= self.stall)
        return go

    def _lane(self, addr, data):
        """Word of a row that a beat as wide as ``data`` occupies."""
        return addr[exact_log2(len(data) // 8):exact_log2(self.width // 8)]

    def _request_layout(self, port):
        return data.StructLayout({"id": len(port.arid if hasattr(port, "arid") else port.awid),
                                  "addr": (self.bytes - 1).bit_length(), "len": 8, "size": 3,
                                  "due": 32})

    def _read(self, m, i, port, now, noise, row_lsb, read_addr, read_en, read_data):
        """Add the read side of port ``i``."""
        layout = self._request_layout(port)
        m.submodules[f"ar_{i}"] = requests = fifo.SyncFIFO(width=layout.size, depth=self.depth)
        ar_go = self._go(m, noise, f"ar_{i}", 4 * i)
        r_go = self._go(m, noise, f"r_{i}", 4 * i + 1)
        incoming = Signal(layout, name=f"ar_{i}_in")
        request = data.View(layout, requests.r_data)
        beat = Signal(8, name=f"r_{i}_beat")
        offset = Signal(self.bytes.bit_length(), name=f"r_{i}_offset")
        addr = Signal.like(request.addr, name=f"r_{i}_addr")
        m.d.comb += [
            incoming.id.eq(port.arid), incoming.addr.eq(port.araddr), incoming.len.eq(port.arlen),
            incoming.size.eq(port.arsize), incoming.due.eq(now + self.latency - 1),
            requests.w_data.eq(incoming),
            port.arready.eq(requests.w_rdy & ar_go),
            requests.w_en.eq(port.arvalid & port.arready),
            addr.eq(Mux(beat == 0, request.addr, offset)),
            read_addr.eq(addr >> row_lsb),
        ]
        due = Signal(name=f"r_{i}_due")
        m.d.comb += [
            due.eq(requests.r_rdy & _reached(now, request.due) & r_go),
            read_en.eq(due & (~port.rvalid | port.rready)),
            requests.r_en.eq(read_en & (beat == request.len)),
            port.rresp.eq(Resp.OKAY),
        ]
        if len(port.rdata) == self.width:
            m.d.comb += port.rdata.eq(read_data)
        else:
            shown = Signal.like(self._lane(addr, port.rdata), name=f"r_{i}_lane")
            with m.If(read_en):
                m.d.sync += shown.eq(self._lane(addr, port.rdata))
            m.d.comb += port.rdata.eq(read_data.word_select(shown, len(port.rdata)))
        with m.If(port.rready):
            m.d.sync += port.rvalid.eq(0)
        with m.If(read_en):
            m.d.sync += [
                port.rvalid.eq(1),
                port.rid.eq(request.id),
                port.rlast.eq(beat == request.len),
                beat.eq(beat + 1),
                offset.eq(_next_beat(addr, request.size)),
            ]
        with m.If(requests.r_en):
            m.d.sync += beat.eq(0)

    def _write(self, m, i, port, now, noise, row_lsb, write_addr, write_strobe, write_data):
        """Add the write side of port ``i``."""
        layout = self._request_layout(port)
        answer_layout = data.StructLayout({"id": len(port.awid), "due": 32})
        m.submodules[f"aw_{i}"] = requests = fifo.SyncFIFO(width=layout.size, depth=self.depth)
        m.submodules[f"b_{i}"] = answers = fifo.SyncFIFO(width=answer_layout.size,
                                                         depth=self.depth)
        aw_go = self._go(m, noise, f"aw_{i}", 4 * i + 2)
        w_go = self._go(m, noise, f"w_{i}", 4 * i + 3)
        incoming = Signal(layout, name=f"aw_{i}_in")
        request = data.View(layout, requests.r_data)
        answer_in = Signal(answer_layout, name=f"b_{i}_in")
        answer = data.View(answer_layout, answers.r_data)
        first = Signal(init=1, name=f"w_{i}_first")
        offset = Signal(self.bytes.bit_length(), name=f"w_{i}_offset")
        addr = Signal.like(request.addr, name=f"w_{i}_addr")
        beat = Signal(name=f"w_{i}_beat")
        strobe = port.wstrb & beat.replicate(len(port.wstrb))
        m.d.comb += [
            incoming.id.eq(port.awid), incoming.addr.eq(port.awaddr), incoming.len.eq(port.awlen),
            incoming.size.eq(port.awsize),
            requests.w_data.eq(incoming),
            port.awready.eq(requests.w_rdy & aw_go),
            requests.w_en.eq(port.awvalid & port.awready),
            port.wready.eq(requests.r_rdy & answers.w_rdy & w_go),
            beat.eq(port.wvalid & port.wready),
            requests.r_en.eq(beat & port.wlast),
            addr.eq(Mux(first, request.addr, offset)),
            write_addr.eq(addr >> row_lsb),
            write_strobe.eq(strobe << self._lane(addr, port.wdata) * len(strobe)
                            if len(port.wdata) < self.width else strobe),
            write_data.eq(port.wdata.replicate(self.width // len(port.wdata))),
            answer_in.id.eq(request.id), answer_in.due.eq(now + self.latency - 1),
            answers.w_data.eq(answer_in), answers.w_en.eq(requests.r_en),
            answers.r_en.eq(answers.r_rdy & _reached(now, answer.due)
                            & (~port.bvalid | port.bready)),
            port.bresp.eq(Resp.OKAY),
        ]
        with m.If(port.bready):
            m.d.sync += port.bvalid.eq(0)
        with m.If(answers.r_en):
            m.d.sync += [port.bvalid.eq(1), port.bid.eq(answer.id)]
        with m.If(beat):
            m.d.sync += [offset.eq(_next_beat(addr, request.size)), first.eq(port.wlast)]
