"""``tilicho matmul``: the product of two matrices on the simulated tile."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho matmul A.npy B.npy -o C.npy            int8 by int8 gives int32

  tilicho matmul A.npy B.npy --type bf16         float32 is rounded to bfloat16 first
"""


def _matrix(path: Path):
    """Return the matrix in a .npy file."""
    import ml_dtypes  # noqa: F401 -- makes numpy know bfloat16
    import numpy as np

    from sim.errors import UserError

    if not path.is_file():
        raise UserError(f"No file {path}: give a matrix that numpy.save has written")
    try:
        matrix = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise UserError(f"{path} is not a .npy file: write it with numpy.save") from None
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or not matrix.size:
        shape = getattr(matrix, "shape", "an archive")
        raise UserError(f"{path} must hold a matrix of two dimensions, not {shape}")
    return matrix


def _operand(path: Path, matrix, type: str):
    """Return int8 numbers or uint16 patterns of BF16, and what was done to get them."""
    import ml_dtypes
    import numpy as np

    from sim.errors import UserError
    from sim.models.numerics import bf16_bits

    if type == "int8":
        if matrix.dtype != np.int8:
            raise UserError(f"{path} holds {matrix.dtype}, not int8: convert it, or choose "
                            f"--type bf16")
        return matrix, None
    # numpy saves bfloat16 as two-byte records.
    if matrix.dtype == ml_dtypes.bfloat16 or matrix.dtype == np.dtype("V2"):
        return np.ascontiguousarray(matrix).view(np.uint16), None
    if matrix.dtype == np.float32:
        return bf16_bits(matrix), f"{path}: float32 rounded to nearest even bfloat16"
    raise UserError(f"{path} holds {matrix.dtype}: --type bf16 takes float32 or bfloat16")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog=EXAMPLES)
    def matmul(
        a: Annotated[Path, typer.Argument(metavar="A.npy", help="Left matrix, M x K.")],
        b: Annotated[Path, typer.Argument(metavar="B.npy", help="Right matrix, K x N.")],
        output: Annotated[Path | None, typer.Option(
            "--output", "-o", metavar="C.npy", help="Write the product here.")] = None,
        type: Annotated[str | None, typer.Option(
            help="int8 or bf16; by default what A.npy holds.")] = None,
        preset: Annotated[str, typer.Option(help="Configuration of the chip.")] = "sim",
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures as JSON; - is standard output.")] = None,
    ):
        """Multiply two matrices on the simulated tile, and check every bit against the model."""
        import numpy as np

        from rtl import config
        from sim.bfm.tile_harness import TileHost
        from sim.cli.choices import choose
        from sim.cli.output import progress, write_json
        from sim.errors import UserError
        from sim.matmul import run_product

        choose("preset", preset, config.PRESETS)
        chosen = config.preset(preset)
        left, right = _matrix(a), _matrix(b)
        if type is None:
            type = "int8" if left.dtype == np.int8 else "bf16"
        choose("type", type, ("int8", "bf16"))
        if type not in chosen.tile.types:
            raise UserError(f"Preset {preset} has no {type} cells: choose another preset or type")
        if left.shape[1] != right.shape[0]:
            raise UserError(f"Shapes do not fit: {a} is {left.shape[0]} x {left.shape[1]}, {b} is "
                            f"{right.shape[0]} x {right.shape[1]}; columns of A must equal rows "
                            f"of B")
        (left, left_note), (right, right_note) = (_operand(path, matrix, type)
                                                  for path, matrix in ((a, left), (b, right)))
        for note in filter(None, (left_note, right_note)):
            print(note)

        with progress("Building the simulator") as show:
            host = TileHost(chosen.tile, progress=show)
        with progress("Multiplying"):
            run = run_product(host, left, right, type)
        if output is not None:
            try:
                with output.open("wb") as file:
                    np.save(file, run.result)
            except OSError as error:
                raise UserError(f"cannot write {output}: {error.strerror}") from error

        m, k, n = *left.shape, right.shape[1]
        macs = m * k * n / (chosen.tile.size ** 2 * run.cycles)
        print(f"{m} x {k} by {k} x {n}, {type}, preset {preset} ({config.preset_hash(chosen)})")
        print(f"{run.cycles:,} cycles, ideal {run.ideal_cycles:,}: utilisation "
              f"{run.utilisation:.1%}; useful share of the array {macs:.1%}")
        print("every bit as in the model" if run.bit_exact
              else f"{run.mismatches:,} elements differ from the model")
        if json is not None:
            write_json(json, {
                "m": m, "k": k, "n": n, "type": type, "cycles": run.cycles,
                "ideal_cycles": run.ideal_cycles, "utilisation": run.utilisation,
                "useful_share": macs, "bit_exact": run.bit_exact, "preset": preset,
                "preset_hash": config.preset_hash(chosen), "counters": run.counters,
                "simulated_cycles": run.simulated_cycles})
        if not run.bit_exact:
            raise typer.Exit(1)
