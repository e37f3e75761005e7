"""``tilicho bench tile``: cycles of matrix products on the tile."""

import re
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho bench tile --json tile.json                      the standard shapes in every type

  tilicho bench tile --shape 37x100x65 --type bf16         one product of your own

  tilicho bench tile --random 200 --seed 3 --type int8     random shapes, sizes 1 to 300
"""

WIDEST = 4
"""Causes that the table shows for a row: those that cost it most."""


def _shape(text: str, products: int):
    """Return the shape that ``MxKxN`` stands for."""
    from sim.errors import UserError
    from sim.tile_bench import Shape

    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})x(\d{1,5})", text)
    if not match or "0" in match.groups():
        raise UserError(f"--shape takes MxKxN, three sizes from 1 on, as 37x100x65, not {text!r}")
    m, k, n = map(int, match.groups())
    return Shape(m, k, n, products)


def _print(figures: dict) -> None:
    from sim.cli.output import print_table

    rows = []
    for row in figures["rows"]:
        lost = sorted(((cycles, cause) for cause, cycles in row["stalls"].items() if cycles),
                      reverse=True)[:WIDEST]
        several = f"{row['products']} of " if row["products"] > 1 else ""
        rows.append((f"{several}{row['m']} x {row['k']} x {row['n']}", row["type"], row["source"],
                     row["cycles"], row["ideal_cycles"], f"{row['utilisation']:.2%}",
                     f"{row['useful_share']:.1%}",
                     ", ".join(f"{cause} {cycles:,}" for cycles, cause in lost)))
    print_table(f"tile of {figures['size']} x {figures['size']}, preset {figures['preset']} "
                f"({figures['preset_hash']}), seed {figures['seed']}",
                ["M x K x N", "type", "operands", "cycles", "ideal", "utilisation", "useful",
                 "cycles without a column"], rows)
    print(f"Mean utilisation: {figures['mean_utilisation']:.2%}")


def register(bench: typer.Typer) -> None:
    """Add the command to the group."""

    @bench.command(epilog=EXAMPLES)
    def tile(
        shapes: Annotated[list[str] | None, typer.Option(
            "--shape", metavar="MxKxN", help="Product to measure; may be repeated. By default the "
                                             "standard shapes.")] = None,
        products: Annotated[int, typer.Option(
            min=1, help="Independent products of each --shape, as one program.")] = 1,
        random: Annotated[int, typer.Option(
            min=0, metavar="COUNT", help="Measure this many random shapes, sizes 1 to 300.")] = 0,
        types: Annotated[list[str] | None, typer.Option(
            "--type", help="Number format: int8, bf16, fp16, fp8_e4m3, fp8_e4m3fn, fp8_e5m2; may "
                           "be repeated. By default all of the preset.")] = None,
        source: Annotated[str, typer.Option(
            help="Where the operands are: sbuf.")] = "sbuf",
        seed: Annotated[int, typer.Option(
            min=0, help="Of random shapes and operands.")] = 1,
        preset: Annotated[str | None, typer.Option(
            help="Configuration of the chip; by default sim, or the first that has the "
                 "types.")] = None,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Cycles of matrix products on the tile, and where those without a column went.

        Cycles count from the first instruction leaving its queue to the last result word in SBUF;
        the causes and the active cycles add up to them. Every result is compared with the model.
        """
        from rtl import config
        from sim.cli.choices import choose
        from sim.cli.output import progress, write_json
        from sim.errors import UserError
        from sim.tile_bench import SHAPES, bench_tile, random_shapes

        choose("source", source, ("sbuf",))
        for type in types or ():
            choose("type", type, config.TILE_TYPES)
        if preset is None:
            names = [config.preset_of_type(type) for type in types or ()]
            preset = max(names, key=list(config.PRESETS).index, default="sim")
        choose("preset", preset, config.PRESETS)
        tile_config = config.preset(preset).tile
        for type in types or ():
            if type not in tile_config.types:
                raise UserError(f"Preset {preset} has no {type} cells: it is built for "
                                f"{', '.join(tile_config.types)}")
        wanted = [_shape(text, products) for text in shapes or ()] + random_shapes(random, seed)
        with progress("bench tile") as show:
            figures = bench_tile(wanted or SHAPES, types or tile_config.types, preset_name=preset,
                                 seed=seed, progress=show)
        if json is not None:
            write_json(json, figures)
        _print(figures)
        wrong = [row for row in figures["rows"] if not row["bit_exact"]]
        if wrong:
            print(f"{len(wrong)} results differ from the model")
            raise typer.Exit(1)
