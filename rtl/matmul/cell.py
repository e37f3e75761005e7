"""Cell of the array: two weight registers, one multiply-add for each class of formats."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig
from rtl.float.fixed import Fp8MultiplyAdd
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import FloatMultiply, ProductToFloat

from .datapath import Datapaths

__all__ = ["Cell", "WavefrontLayout"]


class WavefrontLayout(data.StructLayout):
    """One row's part of a moving column, on its way east.

    Members
    -------
    element : :attr:`Datapaths.operand_width`
        Operand, in the low bits.
    active : :py:`1`
        Clear: the row is beyond K and adds nothing.
    select : :py:`1`
        Weight register to multiply with.
    mode : :attr:`Datapaths.modes`
        Which datapath moves.
    """

    def __init__(self, datapaths: Datapaths):
        super().__init__({"element": datapaths.operand_width, "active": 1, "select": 1,
                          "mode": datapaths.modes})


class Cell(wiring.Component):
    """One weight-stationary cell.

    Each valid wavefront multiplies its element with the selected weight and adds the product to
    the sum that arrives from the north, one row delay behind the cell above; where a chain of BF16
    and FP16 products starts, the sum is the product. Cells never stall and never look at each
    other's control: what meets where is fixed when a column enters the array. Only the datapath of
    the wavefront's mode moves.

    Timing
    ------
    =================================  =============================================
    Path                               Latency
    =================================  =============================================
    ``west`` to ``east``               1 cycle
    ``west`` to sampling of ``north``  ``product_cycles``: 1, or 2 for FP8
    ``north`` to ``south``             1 cycle, or 5 for BF16 and FP16
    ``load`` to first use              1 cycle
    =================================  =============================================

    Parameters
    ----------
    config : :class:`TileConfig`
        Types, and size for the width of FP8 sums.
    chain_start : :class:`bool`
        BF16 and FP16 sums start here: nothing arrives from the north, and the product leaves one
        cycle after it is there.

    Members
    -------
    west_valid, west : :py:`In(1)`, :py:`In(WavefrontLayout(...))`
        Wavefront.
    east_valid, east : :py:`Out(1)`, :py:`Out(WavefrontLayout(...))`
        The same, one cycle later; ``east`` holds while ``east_valid`` is 0.
    weight : :py:`In(operand_width)`
        Weight to keep.
    load : :py:`In(1)`
        Keep ``weight`` in register ``load_select``.
    load_select : :py:`In(1)`
        Weight register to write.
    north_int8, south_int8 : :py:`In(signed(32))`, :py:`Out(signed(32))`
        INT32 sums, present if the cell is built for INT8; they wrap.
    north_float, south_float : :py:`In(SumLayout())`, :py:`Out(SumLayout())`
        FP32 sums, present if the cell is built for BF16 or FP16, the one from the north unless a
        chain starts here.
    south_float_valid : :py:`Out(1)`
        ``south_float`` is new; present unless a chain starts here.
    north_fp8, south_fp8 : :py:`In(FixedLayout(...))`, :py:`Out(FixedLayout(...))`
        Exact sums, present if the cell is built for an FP8 format.
    """

    west_valid: Signal
    west: data.View
    east_valid: Signal
    east: data.View
    weight: Signal
    load: Signal
    load_select: Signal

    def __init__(self, config: TileConfig, *, chain_start: bool = False):
        self.config = config
        self.chain_start = chain_start
        self.datapaths = Datapaths(config)
        layout = WavefrontLayout(self.datapaths)
        members = {
            "west_valid":  In(1),
            "west":        In(layout),
            "east_valid":  Out(1),
            "east":        Out(layout),
            "weight":      In(self.datapaths.operand_width),
            "load":        In(1),
            "load_select": In(1),
        }
        for kind in self.datapaths.classes:
            shape = self.datapaths.sum_shape(kind)
            members |= {f"north_{kind}": In(shape), f"south_{kind}": Out(shape)}
        if "float" in self.datapaths.classes:
            if chain_start:
                del members["north_float"]
            else:
                members["south_float_valid"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()

        # Data have no reset: only their valid bits decide what counts.
        east = Signal(self.east.shape(), reset_less=True)
        m.d.comb += self.east.eq(east)
        m.d.sync += self.east_valid.eq(self.west_valid)
        with m.If(self.west_valid):
            m.d.sync += east.eq(self.west)

        width = self.datapaths.operand_width
        weights = [Signal(width, reset_less=True, name=f"weight_{i}") for i in range(2)]
        for index, weight in enumerate(weights):
            with m.If(self.load & (self.load_select == index)):
                m.d.sync += weight.eq(self.weight)
        weight = Signal(width)
        m.d.comb += weight.eq(Mux(self.west.select, weights[1], weights[0]))

        for kind in self.datapaths.classes:
            starts = Signal(name=f"starts_{kind}")
            mine = self.west.mode == self.datapaths.classes.index(kind)
            m.d.comb += starts.eq(self.west_valid & (mine if len(self.datapaths.classes) > 1
                                                     else 1))
            {"int8": self._int8, "float": self._float, "fp8": self._fp8}[kind](m, starts, weight)
        return m

    def _int8(self, m, starts, weight):
        product = Signal(16, reset_less=True)
        product_valid = Signal()
        m.d.sync += product_valid.eq(starts)
        with m.If(starts):
            factors = [factor[:8].as_signed() for factor in (self.west.element, weight)]
            exact = factors[0] * factors[1]
            m.d.sync += product.eq(Mux(self.west.active, exact, 0))
        total = Signal(32, reset_less=True)
        m.d.comb += self.south_int8.eq(total)
        with m.If(product_valid):
            m.d.sync += total.eq(self.north_int8 + product.as_signed())

    def _operands(self, kind, weight):
        """Return element and weight as operands of a class."""
        layout = self.datapaths.layout(kind)
        return (data.View(layout, value[:layout.size]) for value in (self.west.element, weight))

    def _float(self, m, starts, weight):
        m.submodules.multiply = multiply = FloatMultiply(
            fraction_bits=self.datapaths.fraction_bits)
        element, weight = self._operands("float", weight)
        m.d.comb += [
            multiply.valid.eq(starts),
            multiply.active.eq(self.west.active),
            multiply.a.eq(element),
            multiply.b.eq(weight),
        ]
        if self.chain_start:
            m.submodules.convert = follow = ProductToFloat()
        else:
            m.submodules.add = follow = FusedAdd()
            m.d.comb += [follow.c.eq(self.north_float),
                         self.south_float_valid.eq(follow.o_valid)]
        m.d.comb += [follow.x.eq(multiply.product), self.south_float.eq(follow.o)]
        m.d.sync += follow.valid.eq(starts)

    def _fp8(self, m, starts, weight):
        m.submodules.multiply_add = multiply_add = Fp8MultiplyAdd(self.datapaths.geometry)
        element, weight = self._operands("fp8", weight)
        m.d.comb += [
            multiply_add.valid.eq(starts),
            multiply_add.active.eq(self.west.active),
            multiply_add.a.eq(element),
            multiply_add.b.eq(weight),
            multiply_add.c.eq(self.north_fp8),
            self.south_fp8.eq(multiply_add.o),
        ]
