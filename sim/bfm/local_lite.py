"""Registers behind AXI4-Lite on the local port of the run harness."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.bus import AXI4LiteSignature

from .core_devices import LocalSignature

__all__ = ["LocalToLite"]

WORDS = 4


class LocalToLite(wiring.Component):
    """Makes accesses of 16 bytes into accesses of words.

    A read reads all four words of its row: registers behind it must not mind being read. A write
    writes the words that have a strobe, the low ones first.

    Parameters
    ----------
    addr_width : :class:`int`
        Width of the local port's addresses.
    lite_width : :class:`int`
        Width of the registers' addresses: the lower bits.

    Members
    -------
    local : :py:`In(LocalSignature(addr_width))`
        Accesses; ``read`` and ``write`` only for these registers. ``read_ready`` and
        ``write_ready`` end them. Everything is known.
    m_axil : :py:`Out(AXI4LiteSignature(addr_width=lite_width))`
        The registers. Error responses are lost.
    """

    local: wiring.PureInterface
    m_axil: wiring.PureInterface

    def __init__(self, *, addr_width: int, lite_width: int):
        self.lite_width = lite_width
        super().__init__({
            "local":  In(LocalSignature(addr_width)),
            "m_axil": Out(AXI4LiteSignature(addr_width=lite_width)),
        })

    def elaborate(self, platform):
        m = Module()
        local, axil = self.local, self.m_axil
        m.d.comb += [local.read_known.eq(1), local.write_known.eq(1),
                     local.read_ready.eq(0), local.write_ready.eq(0)]

        def word_address(addr, word):
            return Cat(Const(0, 2), word, addr[4:self.lite_width])

        read_word, write_word = Signal(range(WORDS)), Signal(range(WORDS))
        m.d.comb += [axil.araddr.eq(word_address(local.read_addr, read_word)), axil.rready.eq(1)]
        with m.FSM(name="read"):
            with m.State("ASK"):
                m.d.comb += axil.arvalid.eq(local.read)
                with m.If(local.read & axil.arready):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(axil.rvalid):
                    m.d.sync += [local.read_data.word_select(read_word, 32).eq(axil.rdata),
                                 read_word.eq(read_word + 1)]
                    m.next = "ASK"
                    with m.If(read_word == WORDS - 1):
                        m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += local.read_ready.eq(1)
                m.next = "ASK"

        m.d.comb += [
            axil.awaddr.eq(word_address(local.write_addr, write_word)), axil.bready.eq(1),
            axil.wdata.eq(local.write_data.word_select(write_word, 32)),
            axil.wstrb.eq(local.write_strobe.word_select(write_word, 4)),
        ]
        advance = Signal()
        with m.If(advance):
            m.d.sync += write_word.eq(write_word + 1)
        with m.FSM(name="write"):
            with m.State("SEND"):
                with m.If(local.write & axil.wstrb.any()):
                    m.d.comb += [axil.awvalid.eq(1), axil.wvalid.eq(1)]
                    with m.If(axil.awready & axil.wready):
                        m.next = "ANSWER"
                with m.Elif(local.write):
                    m.d.comb += [advance.eq(1), local.write_ready.eq(write_word == WORDS - 1)]
            with m.State("ANSWER"):
                with m.If(axil.bvalid):
                    m.d.comb += [advance.eq(1), local.write_ready.eq(write_word == WORDS - 1)]
                    m.next = "SEND"
        return m
