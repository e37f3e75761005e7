"""Which words of PSUM have been written since their bank was released."""

from amaranth import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

__all__ = ["PsumWritten"]


class PsumWritten(wiring.Component):
    """Remembers for each PSUM column how many partitions have been written.

    Multiplies write partitions 0 to M - 1, so a number says it for all of them. It counts what the
    tensor engine has issued: additions never overtake each other, so a word that was issued is
    written when the next addition to it arrives.

    Timing
    ------
    ``missing`` follows ``address`` and ``count`` in the same cycle; writes and releases count from
    the next cycle on.

    Parameters
    ----------
    config : :class:`TileConfig`
        Size and banks.

    Members
    -------
    address : :py:`In`
        PSUM column: bank, then column in it.
    count : :py:`In`
        Partitions that the column at hand writes or adds to, from partition 0 on.
    write : :py:`In(1)`
        They are written.
    missing : :py:`Out(1)`
        One of them has not been written since the bank was released.
    release : :py:`In(1)`
        Nothing in ``release_bank`` is written any more; the other input of this cycle must not
        write that bank.
    release_bank : :py:`In`
        Bank.
    """

    address: Signal
    count: Signal
    write: Signal
    missing: Signal
    release: Signal
    release_bank: Signal

    def __init__(self, config: TileConfig):
        self.config = config
        self.columns = config.psum_banks * 4 * config.size
        super().__init__({
            "address":      In(exact_log2(self.columns)),
            "count":        In(range(config.size + 1)),
            "write":        In(1),
            "missing":      Out(1),
            "release":      In(1),
            "release_bank": In(exact_log2(config.psum_banks)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.counts = counts = memory.Memory(shape=len(self.count), depth=self.columns,
                                                     init=[])
        write, read = counts.write_port(), counts.read_port(domain="comb")
        # A bank is forgotten in one cycle: these are registers.
        valid = [Signal(4 * self.config.size, name=f"valid_{bank}")
                 for bank in range(self.config.psum_banks)]
        bank_lsb = exact_log2(4 * self.config.size)
        bank, column = self.address[bank_lsb:], self.address[:bank_lsb]
        known = 0
        for index, bits in enumerate(valid):
            known |= (bank == index) & bits.bit_select(column, 1)
            with m.If(self.write & (bank == index)):
                m.d.sync += bits.bit_select(column, 1).eq(1)
            with m.If(self.release & (self.release_bank == index)):
                m.d.sync += bits.eq(0)
        before = Signal.like(self.count)
        m.d.comb += [
            read.addr.eq(self.address),
            before.eq(Mux(known, read.data, 0)),
            self.missing.eq(self.count > before),
            write.addr.eq(self.address),
            write.data.eq(Mux(self.missing, self.count, before)),
            write.en.eq(self.write),
        ]
        return m
