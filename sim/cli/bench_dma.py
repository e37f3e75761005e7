"""``tilicho bench dma``."""

from pathlib import Path
from typing import Annotated

import typer

from sim.dma_cases import CASES, MAX_TRANSFERS, PORTS, DmaCase, table

__all__ = ["register"]

EXAMPLES = """
Examples:

  tilicho bench dma --json dma.json                        the whole table

  tilicho bench dma --case ring --size 64 --latency 100 --queues 4

  tilicho bench dma --case misaligned --size 100 --size 1000
"""


def _print(figures: dict) -> None:
    from sim.cli.output import print_table

    rows = [(row["case"], row["size"], row["latency"], row["queues"], row["port"],
             f"{100 * row['utilisation']:.2f} %", f"{row['cycles_per_descriptor']:.3f}",
             row["channel"]) for row in figures["rows"]]
    print_table(f"DMA, {figures['data_width']} bit, {figures['rows'][0]['transfers']} transfers",
                ["case", "bytes", "latency", "queues", "descriptors", "utilisation",
                 "cycles per transfer", "channel"], rows)
    for row in figures["rows"]:
        if "of_copy" in row:
            print(f"Transposed {row['size']} x {row['size']} x 16 bit, latency {row['latency']}, "
                  f"{row['queues']} queues: {100 * row['of_copy']:.2f} % of copying it")
    print(f"Launch: doorbell to the address of the data {figures['launch']['ring']} cycles, "
          f"and one read of the memory; pushed descriptors {figures['launch']['push']} cycles")


def register(bench: typer.Typer) -> None:
    """Add the command to the group ``bench``."""
    @bench.command(epilog=EXAMPLES)
    def dma(
        case: Annotated[str | None, typer.Option(
            help=f"What is moved: {', '.join(CASES)}.")] = None,
        size: Annotated[list[int] | None, typer.Option(
            metavar="BYTES", help="Bytes of a transfer, or rows and columns of a matrix of 16-bit "
                                  "elements; may be repeated.")] = None,
        latency: Annotated[list[int] | None, typer.Option(
            metavar="CYCLES", help="Cycles that the memory takes longer than an ideal one, on "
                                   "reads and on writes; may be repeated.")] = None,
        queues: Annotated[int | None, typer.Option(
            metavar="N", help="Queue pairs that share the transfers.")] = None,
        port: Annotated[str | None, typer.Option(
            help=f"Port of descriptors and completions: {', '.join(PORTS)}.")] = None,
        transfers: Annotated[int, typer.Option(
            max=MAX_TRANSFERS, help="Transfers that a row is measured with.")] = 1000,
        seed: Annotated[int, typer.Option(help="Of the bytes that are moved.")] = 0,
        json: Annotated[Path | None, typer.Option(
            metavar="FILE", help="Write the figures.")] = None,
    ):
        """Share of the data bus that transfers use, and the cycles that a descriptor takes.

        Without --case, --size, --latency or --queues the whole table is measured. Every byte that
        is moved is checked.
        """
        from sim.bench_dma import bench_dma
        from sim.cli.output import progress, write_json

        if case is size is latency is queues is None:
            rows = table(port)
        else:
            rows = [DmaCase(case=case or "ring", size=one, latency=cycles, queues=queues or 1,
                            port=port or PORTS[0])
                    for one in size or [64] for cycles in latency or [0]]
        with progress("bench dma") as show:
            figures = bench_dma(rows, transfers=transfers, seed=seed, progress=show)
        if json is not None:
            write_json(json, figures)
        _print(figures)
