"""Layouts of the words that the parts of the DMA engine hand to each other."""

from amaranth.lib import data, enum
from amaranth.utils import ceil_log2

from rtl.config import DmaConfig

from .encoding import COMPLETION, DESCRIPTOR

__all__ = ["BlockLayout", "COMPLETION_LAYOUT", "DESCRIPTOR_LAYOUT", "FETCHED_LAYOUT", "DataFault",
           "PacketLayout", "PieceLayout", "beat_bits", "beats_width", "block_member", "fill_member",
           "queue_bits", "ring_bits"]

DESCRIPTOR_LAYOUT = data.StructLayout({name: width for name, (_, width, _) in DESCRIPTOR.items()})

COMPLETION_LAYOUT = data.StructLayout({name: width for name, (_, width, _) in COMPLETION.items()})

FETCHED_LAYOUT = data.StructLayout({
    "descriptor":  DESCRIPTOR_LAYOUT,
    "ring_error":  1,       # its ring id is not the ring's
    "fetch_error": 1,       # the bus answered its read with an error
    "denied":      1,       # its read was not allowed, and not made
})

CAUSE_WIDTH = 5

TIME_WIDTH = 20
"""Latencies are known modulo 2 to the power of this, in cycles."""


class DataFault(enum.Enum, shape=2):
    """What has gone wrong with a beat of data on its way."""

    NONE = 0
    READ_RESPONSE = 1
    READ_WINDOW = 2
    WRITE_WINDOW = 3


def beat_bits(config: DmaConfig) -> int:
    """Address bits within a beat of the data path."""
    return ceil_log2(config.data_width // 8)


def beats_width(config: DmaConfig) -> int:
    """Bits that hold the beats, minus 1, of 64 KiB at any alignment."""
    return 17 - beat_bits(config)


def queue_bits(config: DmaConfig) -> int:
    """Bits of a queue number, at least 1."""
    return max(1, ceil_log2(config.queues))


def ring_bits(config: DmaConfig) -> int:
    """Bits of a ring number: two rings a queue."""
    return ceil_log2(2 * config.queues)


class BlockLayout(data.StructLayout):
    """How a piece is a block of elements that is transposed.

    Members
    -------
    swap : :py:`1`
        It is; otherwise nothing else here means anything.
    element : :py:`2`
        Bytes of an element: 1 << ``element``.
    rows_m1, columns_m1 : :py:`log2(transpose)`
        Rows of the source, and of the destination, minus 1.
    src_row_m1, dst_row_m1 : :py:`log2(transpose)`
        Bytes of a row of either side, minus 1.
    src_pitch, dst_pitch : :py:`addr_width`
        From one row to the next.
    """

    def __init__(self, config: DmaConfig):
        size = ceil_log2(config.transpose)
        super().__init__({"swap": 1, "element": 2, "rows_m1": size, "columns_m1": size,
                          "src_row_m1": size, "dst_row_m1": size,
                          "src_pitch": config.addr_width, "dst_pitch": config.addr_width})


def block_member(config: DmaConfig) -> dict[str, BlockLayout]:
    """Member ``block`` of a layout of pieces, if the engine transposes."""
    return {"block": BlockLayout(config)} if config.transpose else {}


def fill_member(config: DmaConfig) -> dict[str, data.StructLayout]:
    """Member ``fill`` of a layout of pieces, if the engine fills.

    With ``on`` the piece has no source in memory: its bytes are those of ``word``, byte i of it
    where the address is i modulo 4.
    """
    return {"fill": data.StructLayout({"on": 1, "word": 32})} if config.fill else {}


class PieceLayout(data.StructLayout):
    """A run of bytes that lies in one source and in one destination buffer, or a block.

    Members
    -------
    src, dst : :py:`addr_width`
        First byte of either side.
    length_m1 : :py:`16`
        Bytes, minus 1; of all rows.
    queue : :py:`queue_bits`
        Owner.
    moves : :py:`1`
        0 for a piece without bytes, which only closes its packet.
    last : :py:`1`
        Closes its packet.
    block : :class:`BlockLayout`
        With ``config.transpose``.
    fill
        With ``config.fill``, see :func:`fill_member`; the address is that of the source.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"src": config.addr_width, "dst": config.addr_width, "length_m1": 16,
                          "queue": queue_bits(config), "moves": 1, "last": 1,
                          **block_member(config), **fill_member(config)})


class PacketLayout(data.StructLayout):
    """What a completion says about a packet.

    Members
    -------
    queue : :py:`queue_bits`
        Owner.
    cause : :py:`CAUSE_WIDTH`
        Value of :class:`~rtl.nitro_dma.encoding.Cause`.
    bytes : :py:`32`
        Bytes moved.
    m2s_index, s2m_index : :py:`16`
        Ring index of the last descriptor used in either ring.
    m2s_request : :py:`1`
        Write an M2S completion and raise its interrupt.
    s2m_interrupt : :py:`1`
        Raise the S2M interrupt.
    start : :py:`TIME_WIDTH`
        With ``config.counters``: when its first piece was planned.
    """

    def __init__(self, config: DmaConfig):
        super().__init__({"queue": queue_bits(config), "cause": CAUSE_WIDTH, "bytes": 32,
                          "m2s_index": 16, "s2m_index": 16, "m2s_request": 1,
                          "s2m_interrupt": 1,
                          **({"start": TIME_WIDTH} if config.counters else {})})
