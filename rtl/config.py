"""Configurations of the blocks, and the presets in which figures are stated.

A configuration is a frozen dataclass that refuses contradictory values when it is made. A preset
is a named :class:`ChipConfig`; figures that stand together come from one preset, and every command
that prints a figure prints the preset's name and :func:`preset_hash`.
"""

import dataclasses
import hashlib
import json

__all__ = ["ChipConfig", "CoreConfig", "DmaConfig", "PRESETS", "TILE_TYPES", "TileConfig",
           "preset", "preset_hash", "preset_of_type"]

TILE_TYPES = ("int8", "bf16", "fp16", "fp8_e4m3", "fp8_e4m3fn", "fp8_e5m2")
"""Number formats of the tile; ``fp8_e4m3`` ends at 240, ``fp8_e4m3fn`` at 448."""


def _power_of_two(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value & (value - 1) or not low <= value <= high:
        raise ValueError(f"{name} must be a power of two from {low} to {high}, not {value!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TileConfig:
    """Matmul tile.

    Parameters
    ----------
    size : :class:`int`
        Rows and columns of the array, S.
    types : tuple of :class:`str`
        Number formats that the cells are built for.
    sbuf_bytes : :class:`int`
        SBUF bytes per partition.
    psum_banks : :class:`int`
        PSUM banks per partition; a bank holds 4 S words of 32 bits.
    queue_depth : :class:`int`
        Instructions that the queue of one engine holds.
    semaphores : :class:`int`
        Number of semaphores.
    loop_body : :class:`int`
        Longest body of a hardware loop, in instructions; 0: the tile has no loops.
    chain : :class:`int`
        Rows whose BF16 and FP16 products are added one after the other; the sums of such chains
        are added in pairs, pairs of pairs and so on. ``size``: row after row to the last one.
    stochastic : :class:`bool`
        Results in INT8 and BF16 can be rounded stochastically.
    vector : :class:`bool`
        Have the vector unit: arithmetic between SBUF tensors, memset, transposition.
    """

    size: int = 8
    types: tuple[str, ...] = ("int8", "bf16")
    sbuf_bytes: int = 65536
    psum_banks: int = 8
    queue_depth: int = 64
    semaphores: int = 16
    loop_body: int = 16
    chain: int = 2
    stochastic: bool = True
    vector: bool = True

    def __post_init__(self):
        _power_of_two("Tile size", self.size, 4, 16)
        _power_of_two("SBUF bytes per partition", self.sbuf_bytes, 1024, 65536)
        _power_of_two("PSUM banks", self.psum_banks, 2, 8)
        _power_of_two("Queue depth", self.queue_depth, 4, 256)
        _power_of_two("Semaphores", self.semaphores, 2, 64)
        if self.loop_body != 0:
            _power_of_two("Longest body of a loop, if not 0,", self.loop_body, 2, 64)
        _power_of_two("Rows of a chain", self.chain, 2, self.size)
        unknown = [name for name in self.types if name not in TILE_TYPES]
        if unknown or not self.types or len(set(self.types)) != len(self.types):
            raise ValueError(f"Tile types must be distinct names out of {', '.join(TILE_TYPES)}, "
                             f"not {self.types!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """A64 core.

    Parameters
    ----------
    addr_width : :class:`int`
        Physical address bits.
    bus_width : :class:`int`
        Data width of both AXI4 managers, in bits.
    icache_bytes, dcache_bytes : :class:`int`
        Cache sizes in bytes.
    icache_ways, dcache_ways : :class:`int`
        Ways of the caches.
    btb_entries : :class:`int`
        Entries of the branch target buffer.
    history_bits : :class:`int`
        Outcomes of branches that take part in predicting the next one's direction.
    event_counters : :class:`int`
        Event counters of the performance monitors.
    issue_width : :class:`int`
        Micro-ops issued in a cycle.
    timer_hz : :class:`int`
        What CNTFRQ_EL0 says after reset; the timer counts clock cycles.
    retire_port : :class:`bool`
        Emit the retire port; without it the records cost nothing.
    """

    addr_width: int = 40
    bus_width: int = 128
    icache_bytes: int = 8192
    dcache_bytes: int = 8192
    icache_ways: int = 2
    dcache_ways: int = 2
    btb_entries: int = 512
    history_bits: int = 12
    event_counters: int = 6
    issue_width: int = 1
    timer_hz: int = 60_000_000
    retire_port: bool = True

    def __post_init__(self):
        _power_of_two("Instruction cache bytes", self.icache_bytes, 1024, 65536)
        _power_of_two("Data cache bytes", self.dcache_bytes, 1024, 65536)
        _power_of_two("Instruction cache ways", self.icache_ways, 1, 8)
        _power_of_two("Data cache ways", self.dcache_ways, 1, 8)
        _power_of_two("Core bus width", self.bus_width, 64, 128)
        _power_of_two("Branch target buffer entries", self.btb_entries, 16, 4096)
        if not 1 <= self.event_counters <= 6:
            raise ValueError(f"Event counters must be 1 to 6, not {self.event_counters!r}")
        if self.issue_width != 1:
            raise ValueError(f"Issue width must be 1 as long as the execute stage has one lane, "
                             f"not {self.issue_width!r}")
        if not 0 <= self.history_bits <= 12:
            raise ValueError(f"History bits must be 0 to 12, not {self.history_bits!r}")
        if not 32 <= self.addr_width <= 40:
            raise ValueError(f"Core address width must be 32 to 40, not {self.addr_width!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DmaConfig:
    """DMA engine.

    Parameters
    ----------
    queues : :class:`int`
        Queue pairs.
    addr_width, data_width : :class:`int`
        Widths of the AXI4 manager in bits.
    buffer_bytes : :class:`int`
        Bytes of read data that may be outstanding or waiting to be written.
    max_burst : :class:`int`
        Longest burst in beats.
    outstanding : :class:`int`
        Reads, and writes, in flight at most.
    packets : :class:`int`
        Packets under way at most, from the last piece to the last write response.
    prefetch : :class:`int`
        Places of the pool in which the rings of all queues, of one direction, prefetch.
    id_width : :class:`int`
        Width of the AXI4 ids.
    descriptor_port : :class:`bool`
        Descriptors and completions have an AXI4 port of their own, of 64 bits.
    transpose : :class:`int`
        Longest row of a block that the engine can transpose, in bytes; 0: it transposes nothing.
    fill : :class:`bool`
        Destinations can be filled with a word.
    counters : :class:`bool`
        Each queue pair has a page of counters.
    messages : :class:`bool`
        Interrupts can be messages: writes to an address of the pair's.
    """

    queues: int = 1
    addr_width: int = 40
    data_width: int = 128
    buffer_bytes: int = 8192
    max_burst: int = 16
    outstanding: int = 16
    packets: int = 16
    prefetch: int = 32
    id_width: int = 4
    descriptor_port: bool = False
    transpose: int = 0
    fill: bool = False
    counters: bool = False
    messages: bool = False

    @property
    def descriptor_width(self) -> int:
        """Bits of a beat of the port that descriptors and completions use."""
        return 64 if self.descriptor_port else self.data_width

    def __post_init__(self):
        _power_of_two("DMA queues", self.queues, 1, 64)
        _power_of_two("DMA data width", self.data_width, 64, 512)
        _power_of_two("DMA longest burst", self.max_burst, 1, 256)
        _power_of_two("DMA outstanding bursts", self.outstanding, 2, 64)
        _power_of_two("DMA packets", self.packets, 4, 256)
        _power_of_two("DMA prefetch", self.prefetch, 8, 1024)
        _power_of_two("DMA buffer bytes", self.buffer_bytes, 256, 65536)
        if self.buffer_bytes < 2 * self.max_burst * self.data_width // 8:
            # While a write waits for one beat more than a burst, the next read must find room.
            raise ValueError(f"DMA buffer must hold two bursts of {self.max_burst} beats, "
                             f"{2 * self.max_burst * self.data_width // 8} bytes, "
                             f"not {self.buffer_bytes!r}")
        if self.prefetch < 4 * self.queues:
            raise ValueError(f"DMA prefetch must be at least 4 a queue, {4 * self.queues}, "
                             f"not {self.prefetch!r}")
        if self.descriptor_width > 128:
            raise ValueError(f"A DMA data path of {self.data_width} bits needs a descriptor port: "
                             f"descriptors have 128")
        if self.transpose != 0:
            _power_of_two("DMA transposed rows, if not 0,", self.transpose,
                          self.data_width // 8, 64)
        if not 32 <= self.addr_width <= 48:
            raise ValueError(f"DMA address width must be 32 to 48, not {self.addr_width!r}")
        if not 1 <= self.id_width <= 8:
            raise ValueError(f"DMA id width must be 1 to 8, not {self.id_width!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChipConfig:
    """The chip: core, tile and DMA engine on one crossbar.

    Parameters
    ----------
    tile, core, dma
        Configurations of the blocks. Their addresses have one width.
    sram_bytes : :class:`int`
        On-chip SRAM in bytes.
    """

    tile: TileConfig = TileConfig()
    core: CoreConfig = CoreConfig()
    dma: DmaConfig = DmaConfig()
    sram_bytes: int = 131072

    def __post_init__(self):
        _power_of_two("SRAM bytes", self.sram_bytes, 16384, 1 << 20)
        if self.core.addr_width != self.dma.addr_width:
            raise ValueError(f"Core and DMA must have one address width, not "
                             f"{self.core.addr_width!r} and {self.dma.addr_width!r}")

    def check_chip(self) -> None:
        """Refuse blocks that can be built, each by itself, but not joined to a chip.

        Raises
        ------
        :exc:`ValueError`
            If the crossbar of the chip does not fit them.
        """
        if self.core.bus_width != 128 or self.dma.data_width != 128:
            raise ValueError(f"Core and DMA must be 128 bits wide on the chip, not "
                             f"{self.core.bus_width!r} and {self.dma.data_width!r}: "
                             f"choose a preset of a chip, as sim")
        if self.dma.descriptor_port:
            raise ValueError("The chip has one port for its DMA: descriptor_port must be False")


PRESETS: dict[str, ChipConfig] = {
    "sim": ChipConfig(),
    "large": ChipConfig(tile=TileConfig(size=16)),
    "formats": ChipConfig(tile=TileConfig(types=TILE_TYPES)),
    "ulx3s": ChipConfig(tile=TileConfig(types=("int8",), sbuf_bytes=8192, stochastic=False,
                                        vector=False),
                        core=CoreConfig(retire_port=False, event_counters=2),
                        dma=DmaConfig(queues=4), sram_bytes=65536),
    "up5k": ChipConfig(tile=TileConfig(size=4, types=("int8",), sbuf_bytes=2048, psum_banks=2,
                                       queue_depth=4, semaphores=4, loop_body=0, stochastic=False,
                                       vector=False), sram_bytes=16384),
    "dma64": ChipConfig(dma=DmaConfig(queues=4, data_width=64)),
}


def preset(name: str) -> ChipConfig:
    """Return the preset called ``name``.

    Raises
    ------
    :exc:`ValueError`
        If there is no such preset; the message lists those that exist.
    """
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def preset_of_type(type: str) -> str:
    """Return the name of the first preset whose tile is built for a number format."""
    return next(name for name, chip in PRESETS.items() if type in chip.tile.types)


def preset_hash(config) -> str:
    """Return 12 hexadecimal digits that name the values of a configuration."""
    text = json.dumps(dataclasses.asdict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
