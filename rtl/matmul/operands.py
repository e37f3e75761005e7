"""From SBUF words to array operands."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig

from .array import GROUP, ColumnLayout, LoadLayout
from .datapath import Datapaths
from .issue import ColumnIssueLayout, LoadIssueLayout
from .sbuf import BANKS

__all__ = ["Operands"]


class Operands(wiring.Component):
    """Catches the words that the tensor engine reads and cuts them into columns and weights.

    Timing
    ------
    Everything leaves :attr:`LATENCY` cycles after it was issued.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.

    Members
    -------
    column_valid, column : :py:`In(1)`, :py:`In(ColumnIssueLayout(config))`
        Column issued; its word, if it starts one, is read in this cycle.
    load_valid, load : :py:`In(1)`, :py:`In(LoadIssueLayout(config))`
        Weights issued, likewise.
    sbuf_data : :py:`In(64).array(size, BANKS)`
        SBUF data, in the cycle behind a read.
    out_column_valid, out_column : :py:`Out(1)`, :py:`Out(ColumnLayout(...))`
        To the array.
    out_load_valid, out_load : :py:`Out(1)`, :py:`Out(LoadLayout(...))`
        To the array.
    out_issue : :py:`Out(ColumnIssueLayout(config))`
        What belongs to ``out_column``.
    """

    column_valid: Signal
    column: data.View
    load_valid: Signal
    load: data.View
    out_column_valid: Signal
    out_column: data.View
    out_load_valid: Signal
    out_load: data.View
    out_issue: data.View

    LATENCY = 2

    def __init__(self, config: TileConfig):
        self.config = config
        self.datapaths = Datapaths(config)
        super().__init__({
            "column_valid":     In(1),
            "column":           In(ColumnIssueLayout(config)),
            "load_valid":       In(1),
            "load":             In(LoadIssueLayout(config)),
            "sbuf_data":        In(64).array(config.size, BANKS),
            "out_column_valid": Out(1),
            "out_column":       Out(ColumnLayout(self.datapaths)),
            "out_load_valid":   Out(1),
            "out_load":         Out(LoadLayout(self.datapaths)),
            "out_issue":        Out(ColumnIssueLayout(config)),
        })

    def elaborate(self, platform):
        m = Module()

        fetched, issue, words = self._catch(m, "column", self.column_valid, self.column)
        m.d.comb += [
            self.out_column_valid.eq(fetched),
            self.out_issue.eq(issue),
            self.out_column.active.eq(issue.active),
            self.out_column.select.eq(issue.select),
            self.out_column.format.eq(issue.format),
        ]
        for row, word in enumerate(words):
            m.d.comb += self.out_column.elements[row].eq(
                self._by_type(issue.format, word.word_select(issue.lane[:2], 16),
                              word.word_select(issue.lane, 8)))

        fetched, issue, words = self._catch(m, "load", self.load_valid, self.load)
        m.d.comb += [
            self.out_load_valid.eq(fetched),
            self.out_load.group.eq(issue.group),
            self.out_load.select.eq(issue.select),
            self.out_load.format.eq(issue.format),
        ]
        for row, word in enumerate(words):
            half = word.word_select(issue.group[0], 8 * GROUP)
            for i in range(GROUP):
                m.d.comb += self.out_load.weights[row][i].eq(
                    self._by_type(issue.format, word.word_select(i, 16),
                                  half.word_select(i, 8)))
        return m

    def _by_type(self, format, wide, narrow):
        """Choose the element of the format at hand."""
        if self.datapaths.element_width == 8:
            return narrow
        return Mux(self.datapaths.wide(format), wide, narrow)

    def _catch(self, m, name, valid, issue):
        """Delay an issue by two cycles and keep the last word read for it in each row."""
        first_valid, second_valid = (Signal(name=f"{name}_{i}_valid") for i in range(2))
        first, second = (Signal(issue.shape(), reset_less=True, name=f"{name}_{i}")
                         for i in range(2))
        m.d.sync += [first_valid.eq(valid), second_valid.eq(first_valid)]
        with m.If(valid):
            m.d.sync += first.eq(issue)
        with m.If(first_valid):
            m.d.sync += second.eq(first)
        words = []
        for row in range(self.config.size):
            word = Signal(64, reset_less=True, name=f"{name}_word_{row}")
            with m.If(first_valid & first.fetch):
                m.d.sync += word.eq(Mux(first.bank, self.sbuf_data[row][1],
                                        self.sbuf_data[row][0]))
            words.append(word)
        return second_valid, second, words
