"""What the tensor engine sends to the array: columns and weights with what belongs to them."""

from amaranth.lib import data

from rtl.config import TileConfig

from .array import GROUP
from .datapath import Datapaths
from .psum import ResultLayout
from .semaphores import SignalLayout

__all__ = ["ColumnIssueLayout", "LoadIssueLayout"]


class ColumnIssueLayout(data.StructLayout):
    """One moving column on its way from the tensor engine to the array.

    Members
    -------
    fetch : :py:`1`
        The column starts a new SBUF word, which is being read in this cycle.
    bank : :py:`1`
        SBUF bank of that word.
    lane : :py:`3`
        Element of the word.
    active : :py:`size`
        Rows below K.
    select : :py:`1`
        Weight register.
    format : :attr:`Datapaths.formats`
        Format of the elements.
    result : :class:`ResultLayout`
        Where its results go.
    signals : :py:`1`
        The last column of an instruction that signals: ``signal`` holds.
    signal : :class:`SignalLayout`
        What to signal.
    """

    def __init__(self, config: TileConfig):
        super().__init__({
            "fetch": 1, "bank": 1, "lane": 3, "active": config.size, "select": 1,
            "format": Datapaths(config).formats, "result": ResultLayout(config), "signals": 1,
            "signal": SignalLayout()})


class LoadIssueLayout(data.StructLayout):
    """Weights of one group of columns on their way to the array; members as above."""

    def __init__(self, config: TileConfig):
        super().__init__({"fetch": 1, "bank": 1, "group": range(max(2, config.size // GROUP)),
                          "select": 1, "format": Datapaths(config).formats})
