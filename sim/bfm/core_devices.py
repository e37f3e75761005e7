"""What stands between the ports of the core and the memory in the run harness."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4Signature, Resp
from rtl.soc.memory_map import Region, region

from .ram import Log, SimRam

__all__ = ["AddressGate", "DEVICE_MEMORY", "HarnessDevices", "LocalSignature", "RandomInterrupt"]

INPUT_BYTES = 1 << 16
OUTPUT_DEPTH = 1 << 16

UART_EMPTY_BIT = 4

#: Device memory for tests of such accesses, where the chip has the tile's buffers.
DEVICE_MEMORY = Region("DEVICE_MEMORY", region("TILE").base, 1024, "device", "Device memory")

# Interrupts of the receiver and of the transmitter, which always has room, in IMSC, RIS and MIS.
UART_RX, UART_TX = 4, 5


class LocalSignature(wiring.Signature):
    """Accesses of 16 bytes, one at a time and direction, seen from who makes them.

    Members
    -------
    read, write : 1
        The access happens: until, and in, the first cycle with ``read_ready`` or ``write_ready``.
    read_addr, write_addr : ``addr_width``
        Byte address of any byte of the row.
    read_data : 128, write_data : 128, write_strobe : 16
        The row. ``read_data`` belongs to ``read_addr`` in the same cycle.
    read_known, write_known : 1
        Something stands at the address.
    """

    def __init__(self, addr_width: int):
        super().__init__({
            "read":         Out(1),
            "read_addr":    Out(addr_width),
            "read_data":    In(128),
            "read_known":   In(1),
            "read_ready":   In(1, init=1),
            "write":        Out(1),
            "write_addr":   Out(addr_width),
            "write_data":   Out(128),
            "write_strobe": Out(16),
            "write_known":  In(1),
            "write_ready":  In(1, init=1),
        })


class AddressGate(wiring.Component):
    """AXI4 pass-through for one address range; all else goes to a local port.

    Bursts into the range pass unchanged. Another one waits until the range has answered all
    earlier ones of its direction, then runs beat by beat on the local port; so responses come in
    order. An address that is unknown there gives DECERR.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        Of both sides, 128 bits wide; may be read-only.
    base, bytes : :class:`int`
        The range, aligned to its size.

    Members
    -------
    s_axi : :py:`In(signature)`
        From the manager.
    m_axi : :py:`Out(signature)`
        To the range.
    local : :py:`Out(LocalSignature(addr_width))`
        To all else.
    """

    s_axi: wiring.PureInterface
    m_axi: wiring.PureInterface
    local: wiring.PureInterface

    def __init__(self, *, signature: AXI4Signature, base: int, bytes: int):
        if signature.data_width != 128:
            raise ValueError(f"Data width must be 128, not {signature.data_width!r}")
        self.signature_axi = signature
        self.base = base
        self.bytes = bytes
        super().__init__({
            "s_axi": In(signature),
            "m_axi": Out(signature),
            "local": Out(LocalSignature(signature.addr_width)),
        })

    def elaborate(self, platform):
        m = Module()
        self._read(m)
        if self.signature_axi.write:
            self._write(m)
        return m

    def _inside(self, addr):
        shift = (self.bytes - 1).bit_length()
        return addr[shift:] == self.base >> shift

    def _forward(self, m, prefix, names, *, source, sink):
        m.d.comb += [getattr(sink, prefix + name).eq(getattr(source, prefix + name))
                     for name in names]

    def _read(self, m):
        s, d, local = self.s_axi, self.m_axi, self.local
        pending = Signal(8, name="reads_pending")
        begun, ended = Signal(name="read_begun"), Signal(name="read_ended")
        left = Signal(8, name="read_beats_left")
        row = Signal(128, name="read_row")
        failed = Signal(name="read_failed")
        read_id = Signal.like(s.arid, name="read_id")
        self._forward(m, "ar", ("id", "addr", "len", "size", "burst", "lock", "cache", "prot"),
                      source=s, sink=d)
        m.d.comb += [
            begun.eq(d.arvalid & d.arready),
            ended.eq(d.rvalid & d.rready & d.rlast),
        ]
        m.d.sync += pending.eq(pending + begun - ended)
        with m.FSM(name="read"):
            with m.State("PASS"):
                m.d.comb += [
                    d.arvalid.eq(s.arvalid & self._inside(s.araddr)),
                    s.arready.eq(d.arready & self._inside(s.araddr)),
                    s.rvalid.eq(d.rvalid), d.rready.eq(s.rready),
                    s.rid.eq(d.rid), s.rdata.eq(d.rdata), s.rresp.eq(d.rresp), s.rlast.eq(d.rlast),
                ]
                with m.If(s.arvalid & ~self._inside(s.araddr) & (pending == 0)):
                    m.d.comb += s.arready.eq(1)
                    m.d.sync += [
                        local.read_addr.eq(s.araddr), left.eq(s.arlen), read_id.eq(s.arid),
                    ]
                    m.next = "SAMPLE"
            with m.State("SAMPLE"):
                # Devices count on: what they answer is held while the manager is not ready.
                m.d.comb += local.read.eq(1)
                m.d.sync += [row.eq(local.read_data), failed.eq(~local.read_known)]
                with m.If(local.read_ready):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [
                    s.rvalid.eq(1), s.rid.eq(read_id), s.rdata.eq(row), s.rlast.eq(left == 0),
                ]
                with m.If(failed):
                    m.d.comb += s.rresp.eq(Resp.DECERR)
                with m.If(s.rready):
                    m.d.sync += [
                        left.eq(left - 1),
                        local.read_addr.eq(Cat(local.read_addr[:4], local.read_addr[4:] + 1)),
                    ]
                    m.next = "SAMPLE"
                    with m.If(left == 0):
                        m.next = "PASS"

    def _write(self, m):
        s, d, local = self.s_axi, self.m_axi, self.local
        unanswered = Signal(8, name="writes_unanswered")
        unfinished = Signal(8, name="writes_unfinished")
        begun, sent, ended = (Signal(name=f"write_{what}") for what in ("begun", "sent", "ended"))
        failed = Signal(name="write_failed")
        self._forward(m, "aw", ("id", "addr", "len", "size", "burst", "lock", "cache", "prot"),
                      source=s, sink=d)
        self._forward(m, "w", ("data", "strb", "last"), source=s, sink=d)
        m.d.comb += [
            begun.eq(d.awvalid & d.awready),
            sent.eq(d.wvalid & d.wready & d.wlast),
            ended.eq(d.bvalid & d.bready),
            local.write_data.eq(s.wdata),
            local.write_strobe.eq(s.wstrb),
        ]
        m.d.sync += [
            unanswered.eq(unanswered + begun - ended),
            unfinished.eq(unfinished + begun - sent),
        ]
        write_id = Signal.like(s.awid, name="write_id")
        with m.FSM(name="write"):
            with m.State("PASS"):
                m.d.comb += [
                    d.awvalid.eq(s.awvalid & self._inside(s.awaddr)),
                    s.awready.eq(d.awready & self._inside(s.awaddr)),
                    d.wvalid.eq(s.wvalid & (unfinished != 0)),
                    s.wready.eq(d.wready & (unfinished != 0)),
                    s.bvalid.eq(d.bvalid), d.bready.eq(s.bready),
                    s.bid.eq(d.bid), s.bresp.eq(d.bresp),
                ]
                with m.If(s.awvalid & ~self._inside(s.awaddr) & (unanswered == 0)):
                    m.d.comb += s.awready.eq(1)
                    m.d.sync += [local.write_addr.eq(s.awaddr), write_id.eq(s.awid), failed.eq(0)]
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [s.wready.eq(local.write_ready), local.write.eq(s.wvalid)]
                with m.If(s.wvalid & local.write_ready):
                    m.d.sync += [
                        local.write_addr.eq(Cat(local.write_addr[:4], local.write_addr[4:] + 1)),
                        failed.eq(failed | ~local.write_known),
                    ]
                    with m.If(s.wlast):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [s.bvalid.eq(1), s.bid.eq(write_id)]
                with m.If(failed):
                    m.d.comb += s.bresp.eq(Resp.DECERR)
                with m.If(s.bready):
                    m.next = "PASS"


class HarnessDevices(wiring.Component):
    """UART, system controller and a memory, as far as programs in the run harness need them.

    The receiver delivers the ``input_bytes`` bytes that the host has put in the memory ``input``,
    and is empty after them. Sent characters go to the log ``output``. IMSC, RIS and MIS work for
    the interrupts "received" and "room to send".

    Parameters
    ----------
    addr_width : :class:`int`
        Width of addresses.

    Members
    -------
    local : :py:`In(LocalSignature(addr_width))`
        Accesses of the core; those to other devices are not known.
    cycles : :py:`In(64)`
        What the cycle counter reads as.
    input_bytes : :py:`In(32)`
        Bytes of input.
    uart_irq : :py:`Out(1)`
        Interrupt of the UART, a level.
    sent : :py:`Out(64)`
        Characters sent so far.
    exited : :py:`Out(1)`, exit_code : :py:`Out(31)`
        The program has ended, and how. Both stay.
    mark : :py:`Out(1)`
        The program asks in this cycle that counting starts anew.
    mark_sent : :py:`Out(64)`, marks : :py:`Out(8)`
        Characters sent before the last mark; how often that was.
    acknowledge : :py:`Out(1)`
        The program has seen the interrupt.
    """

    local: wiring.PureInterface
    cycles: Signal
    input_bytes: Signal
    uart_irq: Signal
    sent: Signal
    exited: Signal
    exit_code: Signal
    mark: Signal
    mark_sent: Signal
    marks: Signal
    acknowledge: Signal

    def __init__(self, *, addr_width: int):
        self.addr_width = addr_width
        super().__init__({
            "local":       In(LocalSignature(addr_width)),
            "cycles":      In(64),
            "input_bytes": In(32),
            "uart_irq":    Out(1),
            "sent":        Out(64),
            "exited":      Out(1),
            "exit_code":   Out(31),
            "mark":        Out(1),
            "mark_sent":   Out(64),
            "marks":       Out(8),
            "acknowledge": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.output = output = Log(width=8, depth=OUTPUT_DEPTH)
        m.submodules.input = received = SimRam(width=32, depth=INPUT_BYTES // 4)
        local = self.local

        def at(addr, name):
            entry = DEVICE_MEMORY if name == DEVICE_MEMORY.name else region(name)
            shift = (entry.size - 1).bit_length()
            return addr[shift:] == entry.base >> shift

        def known(addr):
            return at(addr, "UART") | at(addr, "SYSCTL") | at(addr, DEVICE_MEMORY.name)

        def row(addr):
            return addr[4:12]

        taken = Signal(32)
        empty = Signal()
        character = Signal(8)
        m.d.comb += [
            empty.eq(taken == self.input_bytes),
            received.read_addr[0].eq(taken >> 2),
            received.read_en[0].eq(1),
            character.eq(received.read_data[0].word_select(taken[:2], 8)),
        ]

        enabled, asks = Signal(2), Cat(~empty, Const(1, 1))
        m.d.comb += self.uart_irq.eq((enabled & asks).any())
        with m.If(local.write & at(local.write_addr, "UART") & (row(local.write_addr) == 3)
                  & local.write_strobe[8]):
            m.d.sync += enabled.eq(local.write_data[64 + UART_RX:])
        held = self._memory(m, at(local.write_addr, DEVICE_MEMORY.name))
        m.d.comb += local.read_known.eq(known(local.read_addr))
        with m.If(at(local.read_addr, "UART")):
            with m.If(row(local.read_addr) == 0):
                m.d.comb += local.read_data[:8].eq(character)
                # Half a row is read for a character; the bus cannot ask for less.
                with m.If(local.read & ~local.read_addr[3] & ~empty):
                    m.d.sync += taken.eq(taken + 1)
            with m.Elif(row(local.read_addr) == 1):
                m.d.comb += local.read_data[64 + UART_EMPTY_BIT].eq(empty)
            with m.Elif(row(local.read_addr) == 3):
                m.d.comb += [local.read_data[64 + UART_RX:64 + UART_TX + 1].eq(enabled),
                             local.read_data[96 + UART_RX:96 + UART_TX + 1].eq(asks)]
            with m.Elif(row(local.read_addr) == 4):
                m.d.comb += local.read_data[UART_RX:UART_TX + 1].eq(enabled & asks)
        with m.Elif(at(local.read_addr, "SYSCTL")):
            with m.If(row(local.read_addr) == 0):
                m.d.comb += local.read_data[64:].eq(self.cycles)
        with m.Else():
            m.d.comb += local.read_data.eq(held)

        first_word = Signal()
        m.d.comb += [
            local.write_known.eq(known(local.write_addr)),
            first_word.eq(local.write & (row(local.write_addr) == 0) & local.write_strobe[0]),
            output.record.eq(local.write_data[:8]),
            output.valid.eq(first_word & at(local.write_addr, "UART")),
            self.sent.eq(output.count),
        ]
        with m.If(first_word & at(local.write_addr, "SYSCTL") & local.write_data[0] & ~self.exited):
            m.d.sync += [self.exited.eq(1), self.exit_code.eq(local.write_data[1:32])]
        m.d.comb += [
            self.mark.eq(local.write & (row(local.write_addr) == 0)
                         & local.write_strobe[4] & at(local.write_addr, "SYSCTL")),
            self.acknowledge.eq(local.write & (row(local.write_addr) == 1)
                                & at(local.write_addr, "SYSCTL")),
        ]
        with m.If(self.mark):
            m.d.sync += [self.mark_sent.eq(output.count), self.marks.eq(self.marks + 1),
                         taken.eq(0)]
        return m

    def _memory(self, m, chosen):
        """Add the Device memory; return the row that is read."""
        local = self.local
        rows = DEVICE_MEMORY.size // 16
        m.submodules.memory = contents = memory.Memory(shape=128, depth=rows, init=[])
        read = contents.read_port(domain="comb")
        write = contents.write_port(granularity=8)
        m.d.comb += [
            read.addr.eq(local.read_addr[4:]), write.addr.eq(local.write_addr[4:]),
            write.data.eq(local.write_data),
            write.en.eq((local.write & chosen).replicate(16) & local.write_strobe),
        ]
        return read.data


class RandomInterrupt(wiring.Component):
    """Interrupt request that comes at random times and stays until the program has seen it.

    Members
    -------
    chance : :py:`In(8)`
        The request begins in a cycle with a chance of ``chance`` / 65536.
    acknowledge : :py:`In(1)`
        The request ends.
    irq : :py:`Out(1)`
        The request, a level.
    """

    chance: Signal
    acknowledge: Signal
    irq: Signal

    def __init__(self):
        super().__init__({"chance": In(8), "acknowledge": In(1), "irq": Out(1)})

    def elaborate(self, platform):
        m = Module()
        noise = Signal(64, init=0xD1B5_4A32_D192_ED03)
        step = noise ^ (noise << 13)[:64]
        step = step ^ (step >> 7)
        m.d.sync += noise.eq(step ^ (step << 17)[:64])
        with m.If(noise[:16] < self.chance):
            m.d.sync += self.irq.eq(1)
        with m.Elif(self.acknowledge):
            m.d.sync += self.irq.eq(0)
        return m
