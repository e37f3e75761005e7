"""The systolic array: S x S cells, skewed at the west edge, rounded at the south edge."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig
from rtl.float.fixed import FixedToFloat
from rtl.float.fused_add import FusedAdd
from rtl.float.multiply import unpack_fp32

from .cell import Cell, WavefrontLayout
from .datapath import Datapaths
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
    select : :py:`1`
        As in :class:`WavefrontLayout`.
    format : :attr:`Datapaths.formats`
        Format of the elements.
    """

    def __init__(self, datapaths: Datapaths):
        size = datapaths.config.size
        super().__init__({"elements": data.ArrayLayout(datapaths.element_width, size),
                          "active": size, "select": 1, "format": datapaths.formats})


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
    format : :attr:`Datapaths.formats`
        Format of the weights.
    """

    def __init__(self, datapaths: Datapaths):
        size = datapaths.config.size
        group = data.ArrayLayout(datapaths.element_width, GROUP)
        super().__init__({"weights": data.ArrayLayout(group, size),
                          "group": range(max(2, size // GROUP)), "select": 1,
                          "format": datapaths.formats})


class Array(wiring.Component):
    """S x S weight-stationary cells.

    A column enters whole; row k sees it k row delays later, each array column one cycle after its
    western neighbour. Weights take the same slanted way, so the distance in time between a load
    and the columns around it is the same in every cell::

        entry at cycle t        cell (k, m) multiplies at   t + E + L[k] + m
        weights of group g      cell (k, m) takes them at   t + E + L[k] + 3 * g
        sum of column m         leaves the array at         t + 1 + A + m

    with E, L, A the edge, skew and address cycles of :class:`Datapaths`. BF16 and FP16 products are
    added in chains of ``config.chain`` rows, whose sums are added in pairs, pairs of pairs and so
    on, each addition rounded. Columns of formats that one datapath multiplies may follow each
    other; the mode changes only while the array is empty. Exact sums of FP8 are rounded to FP32
    below the last row. Weights may enter in the cycle of the last column that uses the old ones
    plus 3; a column that uses group g may enter in the cycle of that group's weights plus 1
    minus g.

    Parameters
    ----------
    config : :class:`TileConfig`
        Size and types.

    Members
    -------
    mode : :py:`In(Datapaths.modes)`
        Which datapath what enters is for. Changes only while the array is empty.
    column_valid, column : :py:`In(1)`, :py:`In(ColumnLayout(...))`
        Moving column.
    load_valid, load : :py:`In(1)`, :py:`In(LoadLayout(...))`
        Weights.
    sum_int8 : :py:`Out(signed(32)).array(size)`
        Sums, present if built for INT8.
    sum_float : :py:`Out(SumLayout()).array(size)`
        Sums, present if built for a floating-point format.
    """

    mode: Signal
    column_valid: Signal
    column: data.View
    load_valid: Signal
    load: data.View

    def __init__(self, config: TileConfig):
        self.config = config
        self.datapaths = Datapaths(config)
        members = {
            "mode":         In(self.datapaths.modes),
            "column_valid": In(1),
            "column":       In(ColumnLayout(self.datapaths)),
            "load_valid":   In(1),
            "load":         In(LoadLayout(self.datapaths)),
        }
        for kind in self.datapaths.classes:
            name = "int8" if kind == "int8" else "float"
            members[f"sum_{name}"] = Out(self.datapaths.sum_shape(name)).array(config.size)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        size = self.config.size
        classes = self.datapaths.classes

        north = [{} for _ in range(size)]
        chains = [[] for _ in range(size)]
        for row in range(size):
            wavefront_valid, wavefront = self._skew_column(m, row)
            buses = self._skew_load(m, row)
            for col in range(size):
                cell = Cell(self.config, chain_start=self.datapaths.chain_start(row))
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
                for kind in classes:
                    name = f"north_{kind}"
                    if row and name in cell.signature.members:
                        m.d.comb += getattr(cell, name).eq(north[col][kind])
                    north[col][kind] = getattr(cell, f"south_{kind}")
                if "float" in classes and self.datapaths.chain_start(row + 1):
                    chains[col].append((cell.south_float_valid, cell.south_float))
        for col in range(size):
            if "float" in classes:
                north[col]["float"] = self._pairs(m, col, chains[col])
            self._south(m, col, north[col])
        return m

    def _pairs(self, m, col, sums):
        """Add the sums of a column's chains in pairs until one is left."""
        level = 0
        while len(sums) > 1:
            following = []
            for index, ((valid, left), (_, right)) in enumerate(
                    zip(sums[::2], sums[1::2], strict=True)):
                m.submodules[f"add_{col}_{level}_{index}"] = add = FusedAdd(fp32=True)
                exact = unpack_fp32(right.bits, 1) | {"nan": right.nan,
                                                      "infinite": right.infinite}
                m.d.comb += [add.valid.eq(valid), add.c.eq(left),
                             add.x.eq(Cat(exact.values()))]
                following.append((add.o_valid, add.o))
            sums, level = following, level + 1
        return sums[0][1]

    def _south(self, m, col, sums):
        """Connect what leaves one column, the exact sums rounded."""
        if "int8" in sums:
            m.d.comb += self.sum_int8[col].eq(sums["int8"])
        if "fp8" in sums:
            rounding = FixedToFloat(self.datapaths.geometry)
            m.submodules[f"rounding_{col}"] = rounding
            m.d.comb += [rounding.i.eq(sums["fp8"]), self.sum_float[col].eq(rounding.o)]
        if "float" in sums:
            mine = self.mode == self.datapaths.classes.index("float")
            with m.If(mine if "fp8" in sums else Const(1)):
                m.d.comb += self.sum_float[col].eq(sums["float"])

    def _edge(self, m, name, valid, payload):
        """Add the registers between conversion and cells, if the tile needs them."""
        if not self.datapaths.edge_cycles:
            return valid, payload
        next_valid = Signal(name=f"{name}_edge_valid")
        next_payload = Signal(payload.shape(), reset_less=True, name=f"{name}_edge")
        m.d.sync += next_valid.eq(valid)
        with m.If(valid):
            m.d.sync += next_payload.eq(payload)
        return next_valid, next_payload

    def _skew_column(self, m, row):
        """Delay one row's part of the moving columns."""
        datapaths = self.datapaths
        layout = data.StructLayout({"element": datapaths.element_width, "active": 1, "select": 1,
                                    "format": datapaths.formats})
        line = DelayLine(layout, cycles=datapaths.skew(row))
        m.submodules[f"column_skew_{row}"] = line
        wavefront = Signal(WavefrontLayout(datapaths), name=f"wavefront_{row}")
        m.d.comb += [
            line.mode.eq(self.mode),
            line.i_valid.eq(self.column_valid),
            line.i_payload.element.eq(self.column.elements[row]),
            line.i_payload.active.eq(self.column.active[row]),
            line.i_payload.select.eq(self.column.select),
            line.i_payload.format.eq(self.column.format),
            wavefront.element.eq(datapaths.operand(line.o_payload.format,
                                                   line.o_payload.element)),
            wavefront.active.eq(line.o_payload.active),
            wavefront.select.eq(line.o_payload.select),
            wavefront.mode.eq(self.mode),
        ]
        return self._edge(m, f"wavefront_{row}", line.o_valid, wavefront)

    def _skew_load(self, m, row):
        """Delay one row's weights, then hand them east from group to group."""
        datapaths = self.datapaths
        group_shape = self.load.group.shape()
        narrow = data.StructLayout({
            "weights": data.ArrayLayout(datapaths.element_width, GROUP), "group": group_shape,
            "select": 1, "format": datapaths.formats})
        line = DelayLine(narrow, cycles=datapaths.skew(row))
        m.submodules[f"load_skew_{row}"] = line
        m.d.comb += [
            line.mode.eq(self.mode),
            line.i_valid.eq(self.load_valid),
            line.i_payload.weights.eq(self.load.weights[row]),
            line.i_payload.group.eq(self.load.group),
            line.i_payload.select.eq(self.load.select),
            line.i_payload.format.eq(self.load.format),
        ]
        layout = data.StructLayout({
            "weights": data.ArrayLayout(datapaths.operand_width, GROUP), "group": group_shape,
            "select": 1})
        payload = Signal(layout, name=f"load_{row}")
        m.d.comb += [payload.weights[i].eq(datapaths.operand(line.o_payload.format,
                                                             line.o_payload.weights[i]))
                     for i in range(GROUP)]
        m.d.comb += [payload.group.eq(line.o_payload.group),
                     payload.select.eq(line.o_payload.select)]
        valid, payload = self._edge(m, f"load_{row}", line.o_valid, payload)
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
