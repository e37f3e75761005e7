"""The systolic array: S x S cells, skewed at the west edge."""

from amaranth import Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig

from .cell import (
    SUM_SHAPES,
    Cell,
    WavefrontLayout,
    element_width,
    operand,
    operand_shape,
    row_cycles,
)
from .delay import DelayLine

__all__ = ["GROUP", "Array", "ColumnLayout", "LoadLayout"]

GROUP = 4
"""Array columns whose weights are loaded in one cycle."""


class ColumnLayout(data.StructLayout):
    """A moving column as it enters the array.

    Members
    -------
    elements : :py:`ArrayLayout(width, size)`
        One operand for each row.
    active : :py:`size`
        Rows below K.
    select, floating : :py:`1`
        As in :class:`WavefrontLayout`.
    """

    def __init__(self, size: int, width: int):
        super().__init__({"elements": data.ArrayLayout(width, size), "active": size, "select": 1,
                          "floating": 1})


class LoadLayout(data.StructLayout):
    """Weights of :data:`GROUP` neighbouring columns, for every row.

    Members
    -------
    weights : :py:`ArrayLayout(ArrayLayout(width, GROUP), size)`
        By row, then by column of the group.
    group : :py:`range(size // GROUP)`
        Which columns.
    select : :py:`1`
        Weight register to write.
    """

    def __init__(self, size: int, width: int):
        super().__init__({
            "weights": data.ArrayLayout(data.ArrayLayout(width, GROUP), size),
            "group": range(max(2, size // GROUP)), "select": 1})


class Array(wiring.Component):
    """S x S weight-stationary cells.

    A column enters whole; row k sees it k row delays later, each array column one cycle after its
    western neighbour. Weights take the same slanted way, so the distance in time between a load
    and the columns around it is the same in every cell::

        entry at cycle t        cell (k, m) multiplies at   t + k * L + m
        weights of group g      cell (k, m) takes them at   t + k * L + 3 * g
        sum of column m         leaves row S - 1 at         t + S * L + m + 1

    with L = :func:`row_cycles`. Therefore: weights may enter in the cycle of the last column that
    uses the old ones plus 3; a column that uses group g may enter in the cycle of that group's
    weights plus 1 minus g.

    Parameters
    ----------
    config : :class:`TileConfig`
        Size and types.

    Members
    -------
    slow : :py:`In(1)`
        The format of what enters is BF16. Changes only while the array is empty.
    column_valid, column : :py:`In(1)`, :py:`In(ColumnLayout(size, width))`
        Moving column.
    load_valid, load : :py:`In(1)`, :py:`In(LoadLayout(size, width))`
        Weights.
    sum_int8 : :py:`Out(signed(32)).array(size)`
        Sums below the last row, present if built for INT8.
    sum_bf16 : :py:`Out(SumLayout()).array(size)`
        The same for BF16.
    """

    slow: Signal
    column_valid: Signal
    column: data.View
    load_valid: Signal
    load: data.View

    def __init__(self, config: TileConfig):
        self.config = config
        self.width = element_width(config.types)
        members = {
            "slow":         In(1),
            "column_valid": In(1),
            "column":       In(ColumnLayout(config.size, self.width)),
            "load_valid":   In(1),
            "load":         In(LoadLayout(config.size, self.width)),
        }
        for type in config.types:
            members[f"sum_{type}"] = Out(SUM_SHAPES[type]).array(config.size)
        super().__init__(members)

    @staticmethod
    def delay(config: TileConfig, rows: int) -> dict[str, int]:
        """Return the two delays of ``rows`` rows as arguments of a :class:`DelayLine`."""
        cycles = [rows * row_cycles(type) for type in config.types]
        return {"fast_cycles": min(cycles), "slow_cycles": max(cycles)}

    def elaborate(self, platform):
        m = Module()
        size = self.config.size

        north = [{type: Const(0, 32) for type in self.config.types} for _ in range(size)]
        types = self.config.types
        for row in range(size):
            wavefront_valid, wavefront = self._skew_column(m, row)
            buses = self._skew_load(m, row)
            for col in range(size):
                cell = Cell(types=types)
                m.submodules[f"cell_{row}_{col}"] = cell
                load_valid, load = buses[col // GROUP]
                m.d.comb += [
                    cell.west_valid.eq(wavefront_valid),
                    cell.west.eq(wavefront),
                    cell.load.eq(load_valid & (load.group == col // GROUP)),
                    cell.load_select.eq(load.select),
                    cell.weight.eq(load.weights[col % GROUP]),
                ]
                wavefront_valid, wavefront = cell.east_valid, cell.east
                for type in types:
                    m.d.comb += getattr(cell, f"north_{type}").eq(north[col][type])
                    north[col][type] = getattr(cell, f"south_{type}")
        for type in types:
            for col in range(size):
                m.d.comb += getattr(self, f"sum_{type}")[col].eq(north[col][type])
        return m

    def _skew_column(self, m, row):
        """Delay one row's part of the moving columns."""
        layout = data.StructLayout({"element": self.width, "active": 1, "select": 1,
                                    "floating": 1})
        line = DelayLine(layout, **self.delay(self.config, row))
        m.submodules[f"column_skew_{row}"] = line
        types = self.config.types
        wavefront = Signal(WavefrontLayout(types), name=f"wavefront_{row}")
        m.d.comb += [
            line.slow.eq(self.slow),
            line.i_valid.eq(self.column_valid),
            line.i_payload.element.eq(self.column.elements[row]),
            line.i_payload.active.eq(self.column.active[row]),
            line.i_payload.select.eq(self.column.select),
            line.i_payload.floating.eq(self.column.floating),
            wavefront.element.eq(operand(types, line.o_payload.element)),
            wavefront.active.eq(line.o_payload.active),
            wavefront.select.eq(line.o_payload.select),
            wavefront.floating.eq(line.o_payload.floating),
        ]
        return line.o_valid, wavefront

    def _skew_load(self, m, row):
        """Delay one row's weights, then hand them east from group to group."""
        types = self.config.types
        group_shape = self.load.group.shape()
        narrow = data.StructLayout({"weights": data.ArrayLayout(self.width, GROUP),
                                    "group": group_shape, "select": 1})
        line = DelayLine(narrow, **self.delay(self.config, row))
        m.submodules[f"load_skew_{row}"] = line
        m.d.comb += [
            line.slow.eq(self.slow),
            line.i_valid.eq(self.load_valid),
            line.i_payload.weights.eq(self.load.weights[row]),
            line.i_payload.group.eq(self.load.group),
            line.i_payload.select.eq(self.load.select),
        ]
        layout = data.StructLayout({
            "weights": data.ArrayLayout(operand_shape(types), GROUP), "group": group_shape,
            "select": 1})
        valid, payload = line.o_valid, Signal(layout, name=f"load_{row}")
        m.d.comb += [payload.weights[i].eq(operand(types, line.o_payload.weights[i]))
                     for i in range(GROUP)]
        m.d.comb += [payload.group.eq(line.o_payload.group),
                     payload.select.eq(line.o_payload.select)]
        buses = [(valid, payload)]
        for group in range(1, self.config.size // GROUP):
            for step in range(GROUP - 1):
                name = f"load_{row}_{group}_{step}"
                next_valid = Signal(name=f"{name}_valid")
                next_payload = Signal(layout, reset_less=True, name=name)
                m.d.sync += next_valid.eq(valid)
                with m.If(valid):
                    m.d.sync += next_payload.eq(payload)
                valid, payload = next_valid, next_payload
            buses.append((valid, payload))
        return buses
