"""Cell of the array: two weight registers, one multiply-add for each number format."""

from amaranth import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.float.formats import OperandLayout, SumLayout, classify_bf16
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import Bf16Multiply

__all__ = ["Cell", "SUM_SHAPES", "WavefrontLayout", "element_width", "operand", "operand_shape",
           "row_cycles"]

SUM_SHAPES = {"int8": signed(32), "bf16": SumLayout()}
"""What travels south in the array, by type."""


def element_width(types: tuple[str, ...]) -> int:
    """Return the bits of one operand lane of a tile built for ``types``."""
    return 16 if "bf16" in types else 8


def row_cycles(type: str) -> int:
    """Return the cycles by which each row of cells is behind the row above it."""
    return FusedAdd.LATENCY if type == "bf16" else 1


def operand_shape(types: tuple[str, ...]):
    """Return the shape of an operand inside the array: with its class, if it may be BF16."""
    return OperandLayout() if "bf16" in types else 8


def operand(types: tuple[str, ...], element):
    """Return ``element``, bits out of SBUF, in the shape of an operand."""
    return Cat(element, *classify_bf16(element)) if "bf16" in types else element


class WavefrontLayout(data.StructLayout):
    """One row's part of a moving column, on its way east.

    Members
    -------
    element : :func:`operand_shape`
        Operand; an INT8 stands in the low byte.
    active : :py:`1`
        Clear: the row is beyond K and adds nothing.
    select : :py:`1`
        Weight register to multiply with.
    floating : :py:`1`
        The operands are BF16.
    """

    def __init__(self, types: tuple[str, ...]):
        super().__init__({"element": operand_shape(types), "active": 1, "select": 1,
                          "floating": 1})


class Cell(wiring.Component):
    """One weight-stationary cell.

    Each valid wavefront multiplies its element with the selected weight and adds the product to
    the sum that arrives from the north, one row delay (:func:`row_cycles`) behind the cell above.
    Cells never stall and never look at each other's control: what meets where is fixed when a
    column enters the array. Only the datapath of the wavefront's format moves.

    Timing
    ------
    =================================  ==============================================
    Path                               Latency
    =================================  ==============================================
    ``west`` to ``east``               1 cycle
    ``west`` to sampling of ``north``  1 cycle
    ``north`` to ``south``             ``row_cycles(type)``, 1 (INT8) or 5 (BF16)
    ``load`` to first use              1 cycle
    =================================  ==============================================

    Parameters
    ----------
    types : tuple of :class:`str`
        ``int8``, ``bf16`` or both.

    Members
    -------
    west_valid, west : :py:`In(1)`, :py:`In(WavefrontLayout(types))`
        Wavefront.
    east_valid, east : :py:`Out(1)`, :py:`Out(WavefrontLayout(types))`
        The same, one cycle later; ``east`` holds while ``east_valid`` is 0.
    weight : :py:`In(operand_shape(types))`
        Weight to keep.
    load : :py:`In(1)`
        Keep ``weight`` in register ``load_select``.
    load_select : :py:`In(1)`
        Weight register to write.
    north_int8, south_int8 : :py:`In(signed(32))`, :py:`Out(signed(32))`
        INT32 sums, present if the cell is built for INT8; they wrap.
    north_bf16, south_bf16 : :py:`In(SumLayout())`, :py:`Out(SumLayout())`
        FP32 sums, present if the cell is built for BF16.
    """

    west_valid: Signal
    west: data.View
    east_valid: Signal
    east: data.View
    weight: Signal
    load: Signal
    load_select: Signal

    def __init__(self, *, types: tuple[str, ...]):
        self.types = types
        members = {
            "west_valid":  In(1),
            "west":        In(WavefrontLayout(types)),
            "east_valid":  Out(1),
            "east":        Out(WavefrontLayout(types)),
            "weight":      In(operand_shape(types)),
            "load":        In(1),
            "load_select": In(1),
        }
        for type in types:
            members |= {f"north_{type}": In(SUM_SHAPES[type]),
                        f"south_{type}": Out(SUM_SHAPES[type])}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()

        # Data have no reset: only their valid bits decide what counts.
        east = Signal(self.east.shape(), reset_less=True)
        m.d.comb += self.east.eq(east)
        m.d.sync += self.east_valid.eq(self.west_valid)
        with m.If(self.west_valid):
            m.d.sync += east.eq(self.west)

        shape = operand_shape(self.types)
        weights = [Signal(shape, reset_less=True, name=f"weight_{i}") for i in range(2)]
        for index, weight in enumerate(weights):
            with m.If(self.load & (self.load_select == index)):
                m.d.sync += weight.eq(self.weight)
        weight = Signal(shape)
        m.d.comb += weight.eq(Mux(self.west.select, Value.cast(weights[1]),
                                  Value.cast(weights[0])))

        if "int8" in self.types:
            self._int8(m, weight)
        if "bf16" in self.types:
            self._bf16(m, weight)
        return m

    def _int8(self, m, weight):
        product = Signal(signed(16), reset_less=True)
        product_valid = Signal()
        m.d.sync += product_valid.eq(self.west_valid & ~self.west.floating)
        with m.If(self.west_valid & ~self.west.floating):
            factors = [Value.cast(factor)[:8].as_signed()
                       for factor in (self.west.element, weight)]
            exact = factors[0] * factors[1]
            m.d.sync += product.eq(Mux(self.west.active, exact, 0))
        total = Signal(signed(32), reset_less=True)
        m.d.comb += self.south_int8.eq(total)
        with m.If(product_valid):
            m.d.sync += total.eq(self.north_int8 + product)

    def _bf16(self, m, weight):
        m.submodules.multiply = multiply = Bf16Multiply()
        m.submodules.add = add = FusedAdd()
        starts = Signal()
        m.d.comb += [
            starts.eq(self.west_valid & self.west.floating),
            multiply.valid.eq(starts),
            multiply.active.eq(self.west.active),
            multiply.a.eq(self.west.element),
            multiply.b.eq(weight),
            add.x.eq(multiply.product),
            add.c.eq(self.north_bf16),
            self.south_bf16.eq(add.o),
        ]
        m.d.sync += add.valid.eq(starts)
