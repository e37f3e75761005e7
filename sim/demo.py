"""The digits demo: firmware and network into DRAM, the chip run, its logits against the model."""

import dataclasses
import hashlib
import time
from pathlib import Path

import numpy as np

from rtl.config import ChipConfig, preset_hash
from rtl.soc.memory_map import region
from sim.build import BuildTimes, build_root, build_workload
from sim.errors import UserError
from sw.demo.image import Job, boot_image, build_job
from sw.demo.network import Network

__all__ = ["DemoResult", "check_fit", "compile_firmware", "prepare", "run_demo"]

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "sw" / "firmware" / "demo"
STACK_BYTES = 8192
BATCH_CYCLES = 1 << 16


@dataclasses.dataclass(frozen=True)
class DemoResult:
    """What a run of the demo showed.

    Parameters
    ----------
    logits, expected : INT32, shape (images, outputs)
        Of the chip, and of the golden model.
    report : dict
        The firmware's counters, see :data:`sw.demo.image.REPORT_FIELDS`.
    job : :class:`Job`
        What was to be done.
    cycles : :class:`int`
        Simulated cycles from reset to the firmware's end.
    seconds : :class:`float`
        They took.
    output : :class:`str`
        What the firmware printed.
    """

    logits: np.ndarray
    expected: np.ndarray
    report: dict[str, int]
    job: Job
    cycles: int
    seconds: float
    output: str

    @property
    def mismatches(self) -> int:
        """Logits that differ from the model's."""
        return int((self.logits != self.expected).sum())

    @property
    def problems(self) -> list[str]:
        """Checks that did not hold, a line each."""
        found = []
        if self.mismatches:
            found.append(f"{self.mismatches} of {self.expected.size} logits differ from the model")
        if self.report["tile_macs"] != self.job.macs:
            found.append(f"the tile performed {self.report['tile_macs']} multiplications, "
                         f"not {self.job.macs}")
        for name in ("dma_read", "dma_written"):
            if self.report[name] != self.job.dma_bytes:
                found.append(f"{name} is {self.report[name]} bytes, not {self.job.dma_bytes}")
        return found

    @property
    def inference_cycles(self) -> int:
        """Cycles from before the first transfer until the last logit is in DRAM."""
        return self.report["end_cycle"] - self.report["start_cycle"]

    @property
    def utilisation_active(self) -> float:
        """Ideal cycles over those from the first to the last with the tensor queue not empty."""
        return self.job.ideal_cycles / (self.report["tile_last"] - self.report["tile_first"] + 1)

    @property
    def utilisation_total(self) -> float:
        """Ideal cycles over those of the whole inference, firmware included."""
        return self.job.ideal_cycles / self.inference_cycles


def compile_firmware(config: ChipConfig) -> Path:
    """Compile the inference firmware for the SRAM of a chip; return the ELF.

    Raises
    ------
    :exc:`UserError`
        If the compiler refuses it.
    """
    from rtl.matmul import encoding as tile
    from rtl.nitro_dma import encoding as dma
    from rtl.soc.export import c_header
    from sw.demo.image import JOB_OFFSET
    from sw.toolchain import CompileError, compile_c, link_script

    headers = {"chip.h": c_header(config), "tile_isa.h": tile.c_header(),
               "dma_encoding.h": dma.c_header()}
    digest = hashlib.sha256("\0".join(headers.values()).encode()).hexdigest()[:16]
    folder = build_root().parent / "sw" / f"include-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in headers.items():
        (folder / name).write_text(text)
    job_address = region("DRAM").base + JOB_OFFSET
    try:
        return compile_c(
            sorted(FIRMWARE.glob("*.c")), includes=[folder, FIRMWARE],
            defines=[f"JOB_ADDRESS={job_address:#x}"],
            script=link_script(base=region("SRAM").base, ram_bytes=config.sram_bytes,
                               stack_bytes=STACK_BYTES))
    except CompileError as error:
        raise UserError(f"the demo's firmware does not compile: {error}") from error


def _boot_image(elf: Path) -> bytes:
    """Return the loadable bytes of an ELF behind the header that the boot ROM reads."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        program = ELFFile(file)
        segments = [segment for segment in program.iter_segments("PT_LOAD")
                    if segment["p_filesz"]]
        base = min(segment["p_paddr"] for segment in segments)
        end = max(segment["p_paddr"] + segment["p_filesz"] for segment in segments)
        payload = bytearray(end - base)
        for segment in segments:
            offset = segment["p_paddr"] - base
            payload[offset:offset + segment["p_filesz"]] = segment.data()
        return boot_image(bytes(payload), base, program["e_entry"])


def check_fit(config: ChipConfig, network: Network) -> None:
    """Raise :exc:`UserError` if a chip's tile is too small for a network, or its SRAM for the code.

    A layer may take half of the PSUM banks, so that the next one can work in the other half.
    """
    size, banks = config.tile.size, config.tile.psum_banks
    for layer in network.layers:
        outputs = len(layer.bias)
        if -(-outputs // size) > banks // 2:
            raise UserError(f"a layer of {outputs} outputs does not fit a {size} x {size} tile "
                            f"with {banks} PSUM banks: choose a larger preset, as sim")
    compile_firmware(config)


def prepare(config: ChipConfig, *, trace: str | None = None, times: BuildTimes | None = None,
            progress=lambda step: None):
    """Build the simulator of a chip, or find it in the cache."""
    def factory():
        from sim.bfm.chip_harness import ChipHarness
        return ChipHarness(config)

    return build_workload(factory, name="chip", key=preset_hash(config), trace=trace, times=times,
                          progress=progress)


def run_demo(model, config: ChipConfig, network: Network, images: int, *,
             max_cycles_per_image: int = 20_000, progress=lambda done: None) -> DemoResult:
    """Recognise the first ``images`` images of a network on a chip.

    Parameters
    ----------
    model : :class:`SharedModel`
        Simulator of a :class:`sim.bfm.chip_harness.ChipHarness` of ``config``.
    progress : callable
        Called now and then with the cycles simulated so far.

    Raises
    ------
    :exc:`UserError`
        If the firmware fails, or does not end within ``max_cycles_per_image`` cycles an image
        and a million more; the message holds what it printed last.
    """
    batch = min(32, 4 * config.tile.size)
    job = build_job(network, images, size=config.tile.size, batch=batch)
    base = region("DRAM").base
    dram = model.memory("dram").reshape(-1)
    dram[:] = 0
    image = _boot_image(compile_firmware(config))
    for address, data in ((base, image), *job.chunks):
        dram[address - base:address - base + len(data)] = np.frombuffer(data, np.uint8)
    model.reset()
    limit = 1_000_000 + max_cycles_per_image * images
    start = time.perf_counter()
    while not model.get("exited") and model.get("cycles") < limit:
        model.run(BATCH_CYCLES, until="exited")
        progress(model.get("cycles"))
    seconds = time.perf_counter() - start
    characters = model.memory("output")[:model.get("sent"), 0]
    output = characters.tobytes().decode("ascii", errors="replace")
    last = output.strip().splitlines()[-1] if output.strip() else "it printed nothing"
    if not model.get("exited"):
        raise UserError(f"the firmware did not end within {limit} cycles: {last}")
    if model.get("exit_code"):
        raise UserError(f"the firmware ended with code {model.get('exit_code')}: {last}")

    def memory(address: int, length: int) -> bytes:
        return dram[address - base:address - base + length].tobytes()

    return DemoResult(
        logits=job.logits(memory(job.logits_address, job.logits_bytes)),
        expected=network(network.images[:images]),
        report=job.report(memory(job.report_address, 128)),
        job=job, cycles=model.get("cycles"), seconds=seconds, output=output)
