"""PSUM: the result memory of one array column, with addition at one word a cycle."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import unpack_fp32

from .cell import SUM_SHAPES
from .delay import DelayLine

__all__ = ["PsumPartition", "ResultLayout", "psum_cycles"]


def psum_cycles(type: str) -> int:
    """Return the cycles from a result's address to the first cycle in which its sum can be read.

    An addition to the same word may follow at this distance, and not earlier.
    """
    return FusedAdd.LATENCY + 1 if type == "bf16" else 2


class ResultLayout(data.StructLayout):
    """Where a column of results goes.

    Members
    -------
    address : :py:`range(psum_banks * 4 * size)`
        Word in each partition: bank, then column.
    accumulate : :py:`1`
        Add to the word.
    mask : :py:`size`
        Partitions below M.
    """

    def __init__(self, config: TileConfig):
        super().__init__({"address": exact_log2(config.psum_banks * 4 * config.size),
                          "accumulate": 1, "mask": config.size})


class PsumPartition(wiring.Component):
    """Words of one partition, written below one array column.

    The address of a result arrives one cycle before the sum, so that the word to add to can be
    read; it then goes on east. Writes take the same time whether they add or not, so they never
    overtake each other. Who issues columns keeps additions to one word :func:`psum_cycles` apart.

    Timing
    ------
    ==================================  ===========================
    Path                                Latency
    ==================================  ===========================
    ``west`` to ``east``                1 cycle
    ``west`` to sampling of the sum     1 cycle
    ``west`` to visible in a read       2 (INT8) or 6 (BF16) cycles
    ``read_en`` to ``read_data``        1 cycle
    ==================================  ===========================

    Parameters
    ----------
    config : :class:`TileConfig`
        Types and banks.
    index : :class:`int`
        Array column.

    Members
    -------
    slow : :py:`In(1)`
        The sums are FP32.
    west_valid, west : :py:`In(1)`, :py:`In(ResultLayout(config))`
        Address of a result.
    east_valid, east : :py:`Out(1)`, :py:`Out(ResultLayout(config))`
        The same for the next column.
    sum_int8, sum_bf16 : :py:`In(signed(32))`, :py:`In(SumLayout())`
        Sums, present for the types of the tile.
    read_en, read_addr, read_data : :py:`In(1)`, :py:`In`, :py:`Out(32)`
        Port for activation engine and bus; ``read_data`` holds until the next read.
    """

    slow: Signal
    west_valid: Signal
    west: data.View
    east_valid: Signal
    east: data.View
    read_en: Signal
    read_addr: Signal
    read_data: Signal

    def __init__(self, config: TileConfig, index: int):
        self.config = config
        self.index = index
        self.words = config.psum_banks * 4 * config.size
        super().__init__({
            "slow":       In(1),
            "west_valid": In(1),
            "west":       In(ResultLayout(config)),
            "east_valid": Out(1),
            "east":       Out(ResultLayout(config)),
            **{f"sum_{type}": In(SUM_SHAPES[type]) for type in config.types},
            "read_en":    In(1),
            "read_addr":  In(exact_log2(self.words)),
            "read_data":  Out(32),
        })

    def elaborate(self, platform):
        m = Module()

        east = Signal(self.east.shape(), reset_less=True)
        m.d.comb += self.east.eq(east)
        m.d.sync += self.east_valid.eq(self.west_valid)
        with m.If(self.west_valid):
            m.d.sync += east.eq(self.west)

        m.submodules.words = words = memory.Memory(shape=32, depth=self.words, init=[])
        write = words.write_port()
        old, evict = (words.read_port(transparent_for=(write,)) for _ in range(2))
        mine = Signal()
        m.d.comb += [
            mine.eq(self.west_valid & self.west.mask[self.index]),
            old.en.eq(mine & self.west.accumulate),
            old.addr.eq(self.west.address),
            evict.en.eq(self.read_en),
            evict.addr.eq(self.read_addr),
            self.read_data.eq(evict.data),
        ]

        summing, accumulate = Signal(), Signal()
        m.d.sync += summing.eq(mine)
        with m.If(mine):
            m.d.sync += accumulate.eq(self.west.accumulate)

        cycles = [psum_cycles(type) for type in self.config.types]
        m.submodules.address = address = DelayLine(
            len(self.west.address), fast_cycles=min(cycles), slow_cycles=max(cycles))
        m.d.comb += [
            address.slow.eq(self.slow),
            address.i_valid.eq(mine),
            address.i_payload.eq(self.west.address),
            write.en.eq(address.o_valid),
            write.addr.eq(address.o_payload),
        ]

        results = {}
        if "int8" in self.config.types:
            total = Signal(32, reset_less=True)
            with m.If(summing & ~self.slow if len(self.config.types) > 1 else summing):
                m.d.sync += total.eq(self.sum_int8 + Mux(accumulate, old.data, 0))
            results["int8"] = total
        if "bf16" in self.config.types:
            m.submodules.add = add = FusedAdd()
            m.d.comb += [
                add.valid.eq(summing & self.slow if len(self.config.types) > 1 else summing),
                add.c.eq(self.sum_bf16),
                add.x.eq(Cat(unpack_fp32(old.data, accumulate).values())),
            ]
            results["bf16"] = add.o.bits
        if len(results) == 2:
            m.d.comb += write.data.eq(Mux(self.slow, results["bf16"], results["int8"]))
        else:
            m.d.comb += write.data.eq(*results.values())
        return m
