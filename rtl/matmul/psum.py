"""PSUM: the result memory of one array column, with addition at one word a cycle."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig
from rtl.float.formats import FP32_NAN
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import unpack_fp32

from .datapath import Datapaths, select
from .delay import DelayLine

__all__ = ["PsumPartition", "ResultLayout"]

POISON_INT32 = 0x8000_0000
"""What stands in a word of integers that was added to before it was written."""


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
    poison : :py:`1`
        Write NaN, or the least INT32, instead of a sum.
    """

    def __init__(self, config: TileConfig):
        super().__init__({"address": exact_log2(config.psum_banks * 4 * config.size),
                          "accumulate": 1, "mask": config.size, "poison": 1})


class PsumPartition(wiring.Component):
    """Words of one partition, written below one array column.

    The address of a result arrives one cycle before the sum, so that the word to add to can be
    read; it then goes on east. Writes take the same time whether they add or not, so they never
    overtake each other. Who issues columns keeps additions to one word
    :meth:`Datapaths.psum_cycles` apart.

    Timing
    ------
    ==================================  ===========================
    Path                                Latency
    ==================================  ===========================
    ``west`` to ``east``                1 cycle
    ``west`` to sampling of the sum     1 cycle
    ``west`` to visible in a read       2 (INT32) or 6 (FP32) cycles
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
    mode : :py:`In(Datapaths.modes)`
        What the sums are.
    west_valid, west : :py:`In(1)`, :py:`In(ResultLayout(config))`
        Address of a result.
    east_valid, east : :py:`Out(1)`, :py:`Out(ResultLayout(config))`
        The same for the next column.
    sum_int8, sum_float : :py:`In(signed(32))`, :py:`In(SumLayout())`
        Sums, present as in :class:`Array`.
    read_en, read_addr, read_data : :py:`In(1)`, :py:`In`, :py:`Out(32)`
        Port for activation engine and bus; ``read_data`` holds until the next read.
    """

    mode: Signal
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
        self.datapaths = Datapaths(config)
        self.words = config.psum_banks * 4 * config.size
        self.sums = tuple(dict.fromkeys("int8" if kind == "int8" else "float"
                                        for kind in self.datapaths.classes))
        super().__init__({
            "mode":       In(self.datapaths.modes),
            "west_valid": In(1),
            "west":       In(ResultLayout(config)),
            "east_valid": Out(1),
            "east":       Out(ResultLayout(config)),
            **{f"sum_{name}": In(self.datapaths.sum_shape(name)) for name in self.sums},
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

        kinds = self.datapaths.classes
        m.submodules.address = address = DelayLine(
            data.StructLayout({"address": len(self.west.address), "poison": 1}),
            cycles=tuple(self.datapaths.psum_cycles(kind) for kind in kinds))
        m.d.comb += [
            address.mode.eq(self.mode),
            address.i_valid.eq(mine),
            address.i_payload.address.eq(self.west.address),
            address.i_payload.poison.eq(self.west.poison),
            write.en.eq(address.o_valid),
            write.addr.eq(address.o_payload.address),
        ]

        both = len(self.sums) > 1
        integers = select(self.mode, [Const(kind == "int8", 1) for kind in kinds])
        if "int8" in self.sums:
            total = Signal(32, reset_less=True)
            with m.If(summing & integers if both else summing):
                m.d.sync += total.eq(self.sum_int8 + Mux(accumulate, old.data, 0))
            m.d.comb += write.data.eq(total)
        if "float" in self.sums:
            m.submodules.add = add = FusedAdd(fp32=True)
            m.d.comb += [
                add.valid.eq(summing & ~integers if both else summing),
                add.c.eq(self.sum_float),
                add.x.eq(Cat(unpack_fp32(old.data, accumulate).values())),
            ]
            with m.If(~integers if both else Const(1)):
                m.d.comb += write.data.eq(add.o.bits)
        with m.If(address.o_payload.poison):
            m.d.comb += write.data.eq(select(self.mode, [
                Const(POISON_INT32 if kind == "int8" else FP32_NAN, 32) for kind in kinds]))
        return m
