"""``tilicho synth``: cells, and with place and route the clock, of a block."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

COLUMNS = {"lut": "LUT", "lut4": "LUT4", "ff": "FF", "carry": "carry", "lutram": "LUT RAM",
           "bram": "BRAM", "dsp": "DSP"}


@contextlib.contextmanager
def _mendable() -> Iterator[None]:
    """Errors of the flow that are about the input or a tool become errors of the user."""
    from sim.errors import UserError
    from synth.tools import ToolError

    try:
        yield
    except ToolError as error:
        raise UserError(str(error)) from error


def _print(figures: dict, depth: int) -> None:
    from sim.cli.output import print_table
    from synth.table import grouped

    def row(cells):
        return [cells[key] for key in COLUMNS]

    rows = grouped(figures["modules"], depth)
    total = {key: sum(cells[key] for _, cells in rows) for key in COLUMNS}
    print_table(f"{figures['block']}, preset {figures['preset']} ({figures['preset_hash']}), "
                f"{figures['target']}, {figures['tools'][0]}",
                ["module", *COLUMNS.values()],
                [(label, *row(cells)) for label, cells in rows],
                total=("total", *row(total)))
    if figures["fmax_mhz"]:
        print(f"After place and route ({figures['tools'][1]}): {figures['cells']['lut']:,} logic "
              f"cells; clock {', '.join(f'{mhz:.1f}' for mhz in figures['fmax_mhz'])} MHz "
              "(one a seed, between registers)")
        print("Critical path of the slowest seed:")
        for hop in figures["critical_path"]:
            print(f"  {hop['ns']:6.2f} ns  {hop['net']}")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog="Examples: tilicho synth nitro_dma; "
                        "tilicho synth matmul --preset ulx3s --pnr --seeds 3 --json matmul.json")
    def synth(
        block: Annotated[str, typer.Argument(help="matmul, matmul_array, core, nitro_dma, chip.")],
        preset: Annotated[str, typer.Option(help="Configuration of the chip.")] = "sim",
        target: Annotated[str, typer.Option(help="ecp5, ice40, xc7 or generic.")] = "ecp5",
        pnr: Annotated[bool, typer.Option("--pnr", help="Place and route too, for the clock and "
                                          "the critical path (ecp5: 85F; ice40: UP5K).")] = False,
        seeds: Annotated[int, typer.Option(min=1, max=32, help="Runs of place and route.")] = 1,
        clock: Annotated[int | None, typer.Option(
            min=1, max=1000, metavar="MHZ", help="Clock to map for, to spend no cells on paths "
                                                 "that are fast enough; each block has its own "
                                                 "by default.")] = None,
        depth: Annotated[int, typer.Option(min=0, help="Levels of the hierarchy in the table; "
                                           "the JSON file has all.")] = 2,
        json: Annotated[Path | None, typer.Option(metavar="FILE",
                                                  help="Write the figures as JSON.")] = None,
    ):
        """Count the cells of a block by module, straight from RTLIL through Yosys.

        Mapping works on the flattened design; a cell is counted in the module that drives the
        net behind it, so the rows add up to the total. With --pnr the block is placed and routed
        behind registered ports. Results are kept by content: the same design is mapped once.
        """
        from rtl.blocks import BLOCKS
        from rtl.config import PRESETS
        from sim.cli.choices import choose
        from sim.cli.output import progress, write_json
        from sim.errors import UserError
        from synth.measure import measure
        from synth.targets import TARGETS

        choose("block", block, BLOCKS)
        choose("preset", preset, PRESETS)
        choose("target", target, TARGETS)
        if block == "chip":
            try:
                PRESETS[preset].check_chip()
            except ValueError as error:
                raise UserError(str(error)) from error
        with _mendable(), progress(f"{block} for {target}") as show:
            figures = measure(block, preset, target, seeds=seeds if pnr else 0, clock=clock,
                              progress=lambda step: show(f"{block} for {target}: {step}"))
        _print(figures, depth)
        if json:
            write_json(json, figures)
