"""``tilicho emit``: SystemVerilog and RTLIL of a block."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog="Example: tilicho emit matmul --preset ulx3s -o out")
    def emit(
        block: Annotated[str, typer.Argument(help="matmul, matmul_array, core, nitro_dma, chip.")],
        output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR",
                                             help="Folder for the two files.")],
        preset: Annotated[str, typer.Option(help="Configuration of the chip.")] = "sim",
    ):
        """Write a block as SystemVerilog and RTLIL, identical modules merged."""
        from rtl import blocks, config
        from rtl.emit import emit as write
        from sim.cli.choices import choose
        from sim.cli.output import progress
        from sim.errors import UserError

        choose("block", block, blocks.BLOCKS)
        choose("preset", preset, config.PRESETS)
        chosen = config.preset(preset)
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write to {output}: {error.strerror}") from error
        with progress(f"Emitting {block}"):
            try:
                component = blocks.block(block, chosen)
            except ValueError as error:
                raise UserError(str(error)) from error
            design = write(component, block, output)
        print(f"{block}, preset {preset} ({config.preset_hash(chosen)}): "
              f"{design.modules_emitted} modules, {design.modules} after merging")
        for path in (design.verilog, design.rtlil):
            with path.open() as lines:
                print(f"{path}  {sum(1 for _ in lines):,} lines")
