"""``tilicho matmul``: the product of two matrices on the simulated tile."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho matmul A.npy B.npy -o C.npy            int8 by int8 gives int32

  tilicho matmul A.npy B.npy --type bf16         float32 is rounded to bfloat16 first

  tilicho matmul A.npy B.npy --type fp8_e4m3fn   the same, to 8 bits: exact sums
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


NUMPY_NAMES = {"int8": "int8", "bf16": "bfloat16", "fp16": "float16", "fp8_e4m3": "float8_e4m3",
               "fp8_e4m3fn": "float8_e4m3fn", "fp8_e5m2": "float8_e5m2"}
"""Types of the tile as numpy and ml_dtypes call them."""


def _type(matrix, type: str | None) -> str:
    """Return the type that was asked for, or that of a matrix; BF16 for what says neither."""
    from sim.cli.choices import choose

    if type is not None:
        return choose("type", type, NUMPY_NAMES)
    names = {numpy: name for name, numpy in NUMPY_NAMES.items()}
    return names.get(str(matrix.dtype), "bf16")


def _operand(path: Path, matrix, type: str):
    """Return int8 numbers or unsigned patterns, and what was done to get them."""
    import ml_dtypes
    import numpy as np

    from sim.errors import UserError
    from sim.models.formats import FORMATS, patterns

    if type == "int8":
        if matrix.dtype != np.int8:
            raise UserError(f"{path} holds {matrix.dtype}, not int8: convert it, or choose "
                            f"--type bf16")
        return matrix, None
    name = NUMPY_NAMES[type]
    own = np.dtype(getattr(ml_dtypes, name, name))
    # numpy saves the types of ml_dtypes as records of one or two bytes.
    if matrix.dtype == own or matrix.dtype == np.dtype(f"V{own.itemsize}"):
        return np.ascontiguousarray(matrix).view(FORMATS[type].dtype), None
    if matrix.dtype == np.float32:
        return patterns(type, matrix), f"{path}: float32 rounded to nearest even {name}"
    raise UserError(f"{path} holds {matrix.dtype}: --type {type} takes float32 or {name}")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(epilog=EXAMPLES)
    def matmul(
        a: Annotated[Path, typer.Argument(metavar="A.npy", help="Left matrix, M x K.")],
        b: Annotated[Path, typer.Argument(metavar="B.npy", help="Right matrix, K x N.")],
        output: Annotated[Path | None, typer.Option(
            "--output", "-o", metavar="C.npy", help="Write the product here.")] = None,
        type: Annotated[str | None, typer.Option(
            help="int8, bf16, fp16, fp8_e4m3 (to 240), fp8_e4m3fn (to 448) or fp8_e5m2; by "
                 "default what A.npy holds.")] = None,
        preset: Annotated[str | None, typer.Option(
            help="Configuration of the chip; by default the first that has the type.")] = None,
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

        if preset is not None:
            choose("preset", preset, config.PRESETS)
        left, right = _matrix(a), _matrix(b)
        type = _type(left, type)
        preset = preset or config.preset_of_type(type)
        chosen = config.preset(preset)
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
