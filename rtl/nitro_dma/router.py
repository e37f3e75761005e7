"""Decodes register pages of 4 KiB."""

from collections.abc import Sequence

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.bus import AXI4LiteSignature, Resp

from .registers import PAGE_BYTES

__all__ = ["PageRouter"]


class PageRouter(wiring.Component):
    """One AXI4-Lite bus to the banks behind its pages.

    Timing
    ------
    Combinational; one transaction a direction at a time. A page without a bank answers SLVERR,
    one cycle later.

    Parameters
    ----------
    pages : sequence of :class:`int` or (:class:`int`, :class:`int`)
        Base address of each page that has a bank, or base and number of the pages that share one:
        a power of two, to whose multiple the base is aligned.
    addr_width : :class:`int`
        Address bits of ``s_axil``.

    Members
    -------
    s_axil : :py:`In(AXI4LiteSignature(addr_width))`
        Bus from the manager.
    bank_0, bank_1, ... : :py:`Out(AXI4LiteSignature(12 + log2(pages of the bank)))`
        Bus to each bank.

    Raises
    ------
    :exc:`ValueError`
        If a base is not a multiple of the size of its pages below ``2 ** addr_width``.
    """

    s_axil: wiring.PureInterface

    def __init__(self, pages: Sequence[int | tuple[int, int]], *, addr_width: int = 20):
        ranges = [page if isinstance(page, tuple) else (page, 1) for page in pages]
        for base, count in ranges:
            if base % (PAGE_BYTES * count) or not 0 <= base < 1 << addr_width:
                raise ValueError(f"Page must be a multiple of {PAGE_BYTES * count:#x} below "
                                 f"{1 << addr_width:#x}, not {base:#x}")
        self.bases = [base for base, _ in ranges]
        self.widths = [exact_log2(PAGE_BYTES * count) for _, count in ranges]
        super().__init__({
            "s_axil": In(AXI4LiteSignature(addr_width=addr_width)),
            **{f"bank_{i}": Out(AXI4LiteSignature(addr_width=width))
               for i, width in enumerate(self.widths)},
        })

    @property
    def banks(self):
        """The buses to the banks, in order."""
        return [getattr(self, f"bank_{i}") for i in range(len(self.bases))]

    def elaborate(self, platform):
        m = Module()
        bus = self.s_axil
        banks = self.banks

        # Who answers: the bank of the open transaction, or, as number len(banks), nobody.
        answers = {}
        for side, other in (("aw", "b"), ("ar", "r")):
            selected = Signal(range(len(banks) + 1), name=f"{side}_selected",
                              init=len(banks))
            address = getattr(bus, f"{side}addr")
            valid = bus.awvalid & bus.wvalid if side == "aw" else bus.arvalid
            open_, ready = Signal(name=f"{other}_open"), Signal(name=f"{side}_accepted")
            answer_valid, refused = Signal(name=f"{other}_any"), Signal(name=f"{other}_refused")
            start = Signal(name=f"{side}_start")
            m.d.comb += [
                start.eq(valid & ~open_),
                getattr(bus, f"{side}ready").eq(ready),
                getattr(bus, f"{other}valid").eq(answer_valid),
            ]
            hits, readies, found = Const(0), Const(0), []
            for i, bank in enumerate(banks):
                hit = Signal(name=f"{side}_hit_{i}")
                m.d.comb += hit.eq(address[self.widths[i]:] == self.bases[i] >> self.widths[i])
                found.append(hit)
                hits = hits | hit
                readies = readies | (hit & getattr(bank, f"{side}ready"))
                m.d.comb += [
                    getattr(bank, f"{side}addr").eq(address),
                    getattr(bank, f"{side}valid").eq(start & hit),
                    getattr(bank, f"{other}ready").eq(getattr(bus, f"{other}ready")),
                ]
                if side == "aw":
                    m.d.comb += bank.wvalid.eq(start & hit)
            m.d.comb += ready.eq(start & Mux(hits, readies, 1))
            with m.If(ready):
                m.d.sync += [open_.eq(1), refused.eq(~hits)]
                for i, hit in enumerate(found):
                    with m.If(hit):
                        m.d.sync += selected.eq(i)
            with m.Elif(answer_valid & getattr(bus, f"{other}ready")):
                m.d.sync += open_.eq(0)
            answers[other] = (selected, open_, refused, answer_valid)

        m.d.comb += bus.wready.eq(bus.awready)
        self._answer(m, answers)
        return m

    def _answer(self, m, answers):
        """Route the answers back."""
        bus = self.s_axil
        for channel, (selected, opened, refused, valid) in answers.items():
            resp = getattr(bus, f"{channel}resp")
            with m.If(opened & refused):
                m.d.comb += [valid.eq(1), resp.eq(Resp.SLVERR)]
            with m.Elif(opened):
                for i, bank in enumerate(self.banks):
                    with m.If(selected == i):
                        m.d.comb += [valid.eq(getattr(bank, f"{channel}valid")),
                                     resp.eq(getattr(bank, f"{channel}resp"))]
                        if channel == "r":
                            m.d.comb += bus.rdata.eq(bank.rdata)
        for bank in self.banks:
            m.d.comb += [bank.wdata.eq(bus.wdata), bank.wstrb.eq(bus.wstrb)]
