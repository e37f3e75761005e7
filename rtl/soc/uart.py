"""UART with the registers of a PL011, as far as a console needs them."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature
from rtl.csr import Field, Register, RegisterBank, RegisterMap
from rtl.lib import StreamFifo

__all__ = ["REGISTERS", "Uart", "UartDeserialiser", "UartSerialiser"]


def _interrupts(access: str, what: str) -> list[Field]:
    return [Field("rx", 1, access, f"Receive interrupt: {what}", lsb=4),
            Field("tx", 1, access, f"Transmit interrupt: {what}", lsb=5)]


REGISTERS = RegisterMap("uart", "UART, a subset of the PL011", [
    Register("DR", 0x00, "Data: a write transmits a character, a read takes a received one.", [
        Field("tx", 8, "wo", "Character to transmit; lost when FR.txff is set"),
        Field("rx", 8, "ro", "Received character; 0 when FR.rxfe is set", lsb=0),
    ], read_strobe=True),
    Register("FR", 0x18, "Flags.", [
        Field("busy", 1, "ro", "Characters wait for transmission", lsb=3),
        Field("rxfe", 1, "ro", "Nothing was received", lsb=4),
        Field("txff", 1, "ro", "The transmit FIFO is full", lsb=5),
        Field("rxff", 1, "ro", "The receive FIFO is full", lsb=6),
        Field("txfe", 1, "ro", "The transmit FIFO is empty", lsb=7),
    ]),
    Register("IBRD", 0x24, "Baud rate divisor; stored without effect.",
             [Field("divisor", 16, "rw", "Integer part")]),
    Register("FBRD", 0x28, "Baud rate divisor; stored without effect.",
             [Field("divisor", 6, "rw", "Fractional part, in 1/64")]),
    Register("LCRH", 0x2C, "Line control; stored without effect.",
             [Field("value", 8, "rw", "As in the PL011")]),
    Register("CR", 0x30, "Control; stored without effect.",
             [Field("value", 16, "rw", "As in the PL011", reset=0x300)]),
    Register("IMSC", 0x38, "Interrupt mask.", _interrupts("rw", "1 lets it through")),
    Register("RIS", 0x3C, "Interrupts before the mask.", _interrupts("ro", "1 while it stands")),
    Register("MIS", 0x40, "Interrupts behind the mask.", _interrupts("ro", "1 while it stands")),
    Register("ICR", 0x44, "Interrupt clear; without effect, since both interrupts are levels.",
             _interrupts("wo", "cleared by the data register")),
    Register("PERIPHID0", 0xFE0, "Identification.", [Field("value", 8, "ro", "0x11")]),
    Register("PERIPHID1", 0xFE4, "Identification.", [Field("value", 8, "ro", "0x10")]),
])


class Uart(wiring.Component):
    """Console UART: registers, a FIFO in each direction, and characters as streams.

    The line itself is not part of it: a simulation takes the characters as they are, a board
    puts a :class:`UartSerialiser` and a :class:`UartDeserialiser` behind.

    Interrupts are levels: receive while a character waits, transmit while the transmit FIFO is at
    most half full.

    Parameters
    ----------
    fifo_depth : :class:`int`
        Characters that each FIFO holds.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width=12))`
        Registers, :data:`REGISTERS`.
    tx : :py:`Out(stream.Signature(8))`
        Transmitted characters.
    rx : :py:`In(stream.Signature(8))`
        Received characters; not ready while the FIFO is full.
    irq : :py:`Out(1)`
        A masked interrupt stands.
    """

    s_axil: wiring.PureInterface
    tx: stream.Interface
    rx: stream.Interface
    irq: Signal

    def __init__(self, *, fifo_depth: int = 16):
        self.fifo_depth = fifo_depth
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=12)),
            "tx":     Out(stream.Signature(8)),
            "rx":     In(stream.Signature(8)),
            "irq":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.bank = bank = RegisterBank(REGISTERS, addr_width=12)
        wiring.connect(m, wiring.flipped(self.s_axil), bank.s_axil)
        m.submodules.tx_fifo = tx_fifo = StreamFifo(8, self.fifo_depth)
        m.submodules.rx_fifo = rx_fifo = StreamFifo(8, self.fifo_depth)
        wiring.connect(m, tx_fifo.o, wiring.flipped(self.tx))
        wiring.connect(m, wiring.flipped(self.rx), rx_fifo.i)

        tx_irq = Signal()
        m.d.comb += [
            tx_fifo.i.valid.eq(bank.dr_write),
            tx_fifo.i.payload.eq(bank.dr_tx),
            rx_fifo.o.ready.eq(bank.dr_read),
            bank.fr_busy.eq(tx_fifo.o.valid),
            bank.fr_txfe.eq(~tx_fifo.o.valid),
            bank.fr_txff.eq(~tx_fifo.i.ready),
            bank.fr_rxfe.eq(~rx_fifo.o.valid),
            bank.fr_rxff.eq(~rx_fifo.i.ready),
            tx_irq.eq(tx_fifo.level <= self.fifo_depth // 2),
            bank.ris_rx.eq(rx_fifo.o.valid),
            bank.ris_tx.eq(tx_irq),
            bank.mis_rx.eq(rx_fifo.o.valid & bank.imsc_rx),
            bank.mis_tx.eq(tx_irq & bank.imsc_tx),
            self.irq.eq(bank.mis_rx | bank.mis_tx),
            bank.periphid0_value.eq(0x11),
            bank.periphid1_value.eq(0x10),
        ]
        with m.If(rx_fifo.o.valid):
            m.d.comb += bank.dr_rx.eq(rx_fifo.o.payload)

        return m


class UartSerialiser(wiring.Component):
    """Sends characters on a line: one start bit, 8 data bits from the lowest, one stop bit.

    Timing
    ------
    A character takes ``10 * bit_cycles`` cycles.

    Parameters
    ----------
    bit_cycles : :class:`int`
        Cycles of one bit, 2 or more.

    Members
    -------
    i : :py:`In(stream.Signature(8))`
        Characters.
    line : :py:`Out(1)`
        The line, 1 when idle.
    """

    i: stream.Interface
    line: Signal

    def __init__(self, *, bit_cycles: int):
        if bit_cycles < 2:
            raise ValueError(f"Cycles of a bit must be at least 2, not {bit_cycles!r}")
        self.bit_cycles = bit_cycles
        super().__init__({"i": In(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()

        bits = Signal(9)                    # those not sent yet: data, and the stop bit
        wait = Signal(range(self.bit_cycles))
        m.d.comb += self.i.ready.eq((bits == 0) & (wait == 0))
        with m.If(self.i.ready):
            with m.If(self.i.valid):
                m.d.sync += [
                    self.line.eq(0),
                    bits.eq(self.i.payload | 0x100),
                    wait.eq(self.bit_cycles - 1),
                ]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [
                self.line.eq(bits[0]),
                bits.eq(bits >> 1),
                wait.eq(self.bit_cycles - 1),
            ]

        return m


class UartDeserialiser(wiring.Component):
    """Receives what a :class:`UartSerialiser` sends, from an asynchronous line.

    Timing
    ------
    A bit is sampled in its middle. A character without a stop bit is dropped; one that arrives
    while the last still waits on ``o`` is lost.

    Parameters
    ----------
    bit_cycles : :class:`int`
        Cycles of one bit, 4 or more.

    Members
    -------
    line : :py:`In(1)`
        The line; synchronised here.
    o : :py:`Out(stream.Signature(8))`
        Characters.
    """

    line: Signal
    o: stream.Interface

    def __init__(self, *, bit_cycles: int):
        if bit_cycles < 4:
            raise ValueError(f"Cycles of a bit must be at least 4, not {bit_cycles!r}")
        self.bit_cycles = bit_cycles
        super().__init__({"line": In(1, init=1), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()

        synchroniser = Signal(2, init=0b11)
        sampled = synchroniser[1]
        m.d.sync += synchroniser.eq(self.line | synchroniser << 1)

        bits = Signal(8)
        count = Signal(range(10))
        wait = Signal(range(self.bit_cycles * 3 // 2 + 1))
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(~sampled):
                    m.d.sync += [wait.eq(self.bit_cycles * 3 // 2 - 1), count.eq(0)]
                    m.next = "BITS"
            with m.State("BITS"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += [wait.eq(self.bit_cycles - 1), count.eq(count + 1)]
                    with m.If(count < 8):
                        m.d.sync += bits.eq(bits >> 1 | sampled << 7)
                    with m.Else():
                        with m.If(sampled & (~self.o.valid | self.o.ready)):
                            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(bits)]
                        m.next = "RELEASE"
            with m.State("RELEASE"):
                with m.If(sampled):
                    m.next = "IDLE"

        return m
