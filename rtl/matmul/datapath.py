"""The datapaths of a tile: number formats sorted by what multiplies them, and their latencies."""

from amaranth import Const, Mux, Shape, Value, signed
from amaranth.utils import exact_log2

from rtl.config import TileConfig
from rtl.float.fixed import FixedLayout, FixedToFloat, Fp8MultiplyAdd
from rtl.float.formats import (
    Fp8Geometry,
    Fp8Layout,
    OperandLayout,
    SumLayout,
    fraction_bits,
    unpack_float,
    unpack_fp8,
)
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import FloatMultiply, ProductToFloat

from .encoding import ELEMENT_BYTES, TYPE_CLASS

__all__ = ["Datapaths", "select"]

CLASSES = ("int8", "float", "fp8")


def select(index, values):
    """Return the value at ``index``; a single one needs no index."""
    result = Value.cast(values[0])
    for number, value in enumerate(values[1:], start=1):
        result = Mux(index == number, value, result)
    return result


class Datapaths:
    """What a tile of a configuration multiplies with.

    A format is named in gateware by its place in ``config.types``, a class of formats, which share
    a datapath, by its place in :attr:`classes`: the *mode* of the array.

    Parameters
    ----------
    config : :class:`TileConfig`
        Types and size.

    Attributes
    ----------
    classes : tuple of :class:`str`
        Out of ``int8``, ``float`` (BF16 and FP16) and ``fp8``, those that the tile has.
    geometry : :class:`Fp8Geometry`
        Of its FP8 formats; of some, if it has none.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.types = config.types
        self.classes = tuple(name for name in CLASSES
                             if any(TYPE_CLASS[type] == name for type in config.types))
        small = tuple(type for type in config.types if TYPE_CLASS[type] == "fp8")
        self.geometry = Fp8Geometry(small or ("fp8_e4m3fn",), config.size)
        self.fraction_bits = fraction_bits(config.types)

    def mode(self, type: str) -> int:
        """Return the mode in which a format is multiplied."""
        return self.classes.index(TYPE_CLASS[type])

    @property
    def modes(self) -> range:
        """Shape of a mode."""
        return range(max(2, len(self.classes)))

    @property
    def formats(self) -> range:
        """Shape of a format."""
        return range(max(2, len(self.types)))

    def wide(self, format):
        """Whether elements of a format take two bytes."""
        return select(format, [Const(ELEMENT_BYTES[type] == 2, 1) for type in self.types])

    @property
    def element_width(self) -> int:
        """Bits of one operand lane of SBUF words."""
        return 8 * max(ELEMENT_BYTES[type] for type in self.types)

    @property
    def edge_cycles(self) -> int:
        """Cycles of registers behind the conversion of elements to operands."""
        return int("fp16" in self.types)

    def layout(self, kind: str):
        """Return the layout of a class's operands."""
        return {"int8": signed(8), "float": OperandLayout(self.fraction_bits),
                "fp8": Fp8Layout(self.geometry)}[kind]

    @property
    def operand_width(self) -> int:
        """Bits of an operand inside the array, of whatever class."""
        return max(Shape.cast(self.layout(kind)).width for kind in self.classes)

    def operand(self, format, element):
        """Return the bits of the operand for an element of a format out of SBUF."""
        values = []
        for type in self.types:
            if type == "int8":
                values.append(element[:8])
            elif TYPE_CLASS[type] == "float":
                values.append(unpack_float(type, element, self.fraction_bits))
            else:
                values.append(unpack_fp8(type, element[:8], self.geometry))
        return select(format, values)

    def sum_shape(self, kind: str):
        """Return what travels south in the array."""
        return {"int8": signed(32), "float": SumLayout(),
                "fp8": FixedLayout(self.geometry)}[kind]

    def chain_start(self, row: int) -> bool:
        """Return whether the sum of a chain of BF16 and FP16 products begins in a row."""
        return row % self.config.chain == 0

    def _row_cycles(self, kind: str, row: int) -> int:
        """Return the cycles by which a row of cells is behind row 0."""
        if kind != "float":
            return row
        place = row % self.config.chain
        return ProductToFloat.LATENCY + FusedAdd.LATENCY * (place - 1) if place else 0

    def _sum_cycles(self, kind: str) -> int:
        """Return the cycles from an operand in cell (0, 0) to the sum below column 0."""
        size, chain = self.config.size, self.config.chain
        if kind == "float":
            additions = chain - 1 + exact_log2(size // chain)
            return (FloatMultiply.LATENCY + ProductToFloat.LATENCY
                    + FusedAdd.LATENCY * additions)
        return size + self.product_cycles(kind) + self.rounding_cycles(kind)

    @staticmethod
    def product_cycles(kind: str) -> int:
        """Return the cycles from an operand in a cell to the sampling of the sum from above."""
        return Fp8MultiplyAdd.PRODUCT_LATENCY if kind == "fp8" else FloatMultiply.LATENCY

    @staticmethod
    def rounding_cycles(kind: str) -> int:
        """Return the cycles from below the last row to a sum that PSUM can add."""
        return FixedToFloat.LATENCY if kind == "fp8" else 0

    @staticmethod
    def psum_cycles(kind: str) -> int:
        """Return the cycles from a result's address to the first cycle in which it can be read.

        An addition to the same word may follow at this distance, and not earlier.
        """
        return 2 if kind == "int8" else FusedAdd.LATENCY + 1

    def skew(self, row: int) -> tuple[int, ...]:
        """Return the delay of a row behind row 0, for each mode."""
        return tuple(self._row_cycles(kind, row) for kind in self.classes)

    def address_cycles(self) -> tuple[int, ...]:
        """Return, for each mode, the cycles from a column's entry to its address at PSUM 0.

        One cycle before the sum of array column 0, so that the word to add to can be read.
        """
        return tuple(self.edge_cycles + self._sum_cycles(kind) - 1 for kind in self.classes)

    def result_cycles(self) -> tuple[int, ...]:
        """Return, for each mode, the cycles from a column's entry until its results are read."""
        return tuple(address + self.config.size - 1 + self.psum_cycles(kind)
                     for address, kind in zip(self.address_cycles(), self.classes, strict=True))
