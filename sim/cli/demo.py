"""``tilicho demo``: handwritten digits through the whole chip."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

SHADES = " .:-=+*#%@"
SHOWN = 4


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Examples: tilicho demo; tilicho demo --images 128 --seed 3; "
                       "tilicho demo --images 10 --vcd digits.vcd")(demo)


def demo(
    images: Annotated[int, typer.Option(help="Test images, in batches of up to 32.")] = 512,
    seed: Annotated[int, typer.Option(help="Order of the images; 0 as they stand.")] = 0,
    corrupt_weights: Annotated[int, typer.Option(
        metavar="N", help="Invert N weights: chip and model must change alike.")] = 0,
    preset: Annotated[str, typer.Option(help="Configuration of the chip.")] = "sim",
    vcd: Annotated[Path | None, typer.Option(help="Write waves, and a GTKWave view.")] = None,
    fst: Annotated[Path | None, typer.Option(help="The same in FST format.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> int:
    """Recognise handwritten digits on the simulated chip, bit for bit like the model.

    The core's firmware walks a layer table in DRAM, the DMA engine moves every byte, the tile
    performs every multiplication. Exit status 0 only if all logits equal the golden model's.
    """
    from rtl.config import preset as find_preset
    from rtl.config import preset_hash
    from sim.build import BuildTimes
    from sim.cli.output import progress, write_json
    from sim.demo import check_fit, prepare, run_demo
    from sim.errors import UserError
    from sim.waves import write_view
    from sw.demo.network import load

    if vcd and fst:
        raise UserError("--vcd and --fst exclude each other: choose one")
    try:
        config = find_preset(preset)
        config.check_chip()
        network = load().corrupted(corrupt_weights).shuffled(seed)
    except ValueError as error:
        raise UserError(str(error)) from error
    if not 1 <= images <= len(network.images):
        raise UserError(f"--images must be 1 to {len(network.images)}, not {images}")
    waves = vcd or fst
    if waves and not waves.absolute().parent.is_dir():
        raise UserError(f"cannot write {waves}: its folder does not exist")
    check_fit(config, network)
    times = BuildTimes()
    with progress("Simulator of the chip") as show:
        model = prepare(config, trace="vcd" if vcd else "fst" if fst else None, times=times,
                        progress=lambda step: show(f"Simulator of the chip: {step}"))
    if waves:
        model.trace(waves)
        write_view(waves, model.folder)
    with progress("Recognising digits") as show:
        result = run_demo(model, config, network, images,
                          progress=lambda done: show(f"Recognising digits: cycle {done:,}"))
    model.close()
    figures = _figures(result, network, times) | {"preset": preset,
                                                  "preset_hash": preset_hash(config)}
    _show(result, network, figures)
    if json:
        write_json(json, figures)
    for problem in result.problems:
        print(f"MISMATCH: {problem}")
    return 1 if result.problems else 0


def _figures(result, network, times) -> dict:
    """Return the figures of a run, under the names of the architecture page."""
    answers = result.logits.argmax(axis=1)
    count = len(answers)
    warm_up = _warm_up_seconds()
    return {
        "images": count,
        "correct": int((answers == network.labels[:count]).sum()),
        "bit_exact": not result.mismatches,
        "cycles_per_image": result.inference_cycles / count,
        "utilisation_active": result.utilisation_active,
        "utilisation_total": result.utilisation_total,
        "dma_bytes": result.report["dma_written"],
        "macs": result.report["tile_macs"],
        "sim_cycles": result.cycles,
        "sim_cycles_per_second": result.cycles / result.seconds,
        "build_seconds": times.emission + times.compilation,
        "emission_seconds": times.emission,
        "compilation_seconds": times.compilation,
        "warm_up_seconds": warm_up,
        "simulator_cached": times.cached,
    }


def _warm_up_seconds() -> float | None:
    """Return the seconds of the first start of Yosys, if the installation has noted them."""
    import json

    from sim.build import build_root

    note = build_root().parent / "warmup.json"
    return json.loads(note.read_text()).get("seconds") if note.exists() else None


def _show(result, network, figures: dict) -> None:
    """Print some digits as pictures, and the table."""
    from sim.cli.output import print_table

    answers = result.logits.argmax(axis=1)
    shown = range(min(SHOWN, len(answers)))
    for row in range(8):
        print("   ".join("".join(2 * SHADES[min(9, int(pixel) * 10 // 113)]
                                 for pixel in network.images[i][8 * row:8 * row + 8])
                         for i in shown))
    print("   ".join(f"answer {answers[i]}, is {network.labels[i]}".ljust(16) for i in shown))
    exact = f"{result.expected.size - result.mismatches} of {result.expected.size} equal"
    share = figures["correct"] / figures["images"]
    if figures["simulator_cached"]:
        build = "0.0 s (found in the cache)"
    else:
        build = (f"{figures['build_seconds']:.1f} s ({figures['emission_seconds']:.1f} s emission, "
                 f"{figures['compilation_seconds']:.1f} s C++)")
    warm_up = figures["warm_up_seconds"]
    print_table(
        f"Digits on the chip, preset {figures['preset']} ({figures['preset_hash']})",
        ("figure", "value"),
        [("images", f"{figures['images']:,}"),
         ("right answers", f"{figures['correct']:,} ({share:.1%})"),
         ("logits, RTL against model", exact),
         ("cycles an image", f"{figures['cycles_per_image']:.1f}"),
         ("MAC utilisation, tensor engine active", f"{figures['utilisation_active']:.1%}"),
         ("MAC utilisation, over all", f"{figures['utilisation_total']:.1%}"),
         ("multiplications by the tile", f"{figures['macs']:,}"),
         ("bytes moved by the DMA", f"{figures['dma_bytes']:,}"),
         ("simulated cycles", f"{figures['sim_cycles']:,}"),
         ("simulated cycles a second", f"{figures['sim_cycles_per_second']:,.0f}"),
         ("build of the simulator", build),
         ("first start of Yosys", "not noted" if warm_up is None else f"{warm_up:.1f} s")])
