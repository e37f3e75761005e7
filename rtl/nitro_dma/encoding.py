"""Descriptors, completions and error causes of the DMA engine as plain tables.

This module imports no gateware: the Amaranth layouts, the golden model, the Python driver and the
C header all take the bit positions from here. The submission descriptor has the layout that
Annapurna's UDMA publishes; words are 32 bits, little endian.
"""

import enum

__all__ = ["BUCKETS", "COMPLETION", "DESCRIPTOR", "DESCRIPTOR_BYTES", "DIMENSIONS",
           "FIRST_RING_ID", "SLOTS", "SLOT_BYTES", "SLOT_END", "SLOT_M2S", "SLOT_S2M", "WAITS",
           "Cause", "Operation", "c_header", "pack", "unpack"]

DESCRIPTOR_BYTES = 16
FIRST_RING_ID = 1

DIMENSIONS = 4
"""META descriptors that a buffer may have: repetitions of a row, each at a stride."""

# Push mode: a slot in the device holds an M2S and an S2M descriptor, and is complete when its last
# word is written.
SLOTS = 4
SLOT_BYTES = 64
SLOT_M2S, SLOT_S2M, SLOT_END = 0, 16, 60

# What a queue pair does in a cycle: a register of its counter page each, in this order.
WAITS: tuple[tuple[str, str], ...] = (
    ("DISABLED", "not enabled, stopped by an error, or in reset"),
    ("EMPTY", "no descriptor announced in one ring or both"),
    ("FETCH", "announced descriptors are being read"),
    ("OLDER", "waiting for older packets: as many are under way as can be, or a barrier"),
    ("RATE", "its rate used up"),
    ("TURN", "it is the turn of other pairs"),
    ("DATA", "the data path takes no further piece"),
    ("WORK", "a piece is planned"),
)
BUCKETS = 16
"""Latencies are counted by their binary logarithm, all longer ones with the last."""

# name: (lowest bit of the 128, width, meaning)
DESCRIPTOR: dict[str, tuple[int, int, str]] = {
    "length":    (0, 16, "Bytes of the buffer; 0 means 65536. META: repetitions, 1 to 65535"),
    "reserved":  (16, 7, "Must be 0"),
    "meta":      (23, 1, "META descriptor: says something of the buffer that follows in the ring"),
    "ring_id":   (24, 2, "Starts at 1, +1 modulo 4 each time the ring wraps"),
    "first":     (26, 1, "M2S: first buffer of a packet. S2M: ignored"),
    "last":      (27, 1, "M2S: last buffer of a packet. S2M: the packet must end in this buffer"),
    "interrupt": (28, 1, "M2S, with LAST: completion, interrupt. S2M: interrupt at a packet's end"),
    "no_snoop":  (29, 1, "Hint, ignored"),
    "barrier":   (30, 1, "M2S: start only when everything before it in the queue is complete"),
    "concat":    (31, 1, "Must be 0"),
    "operation": (32, 4, "META: what it says of the buffer, an operation. Otherwise ignored"),
    "element":   (36, 2, "META TRANSPOSE: bytes of an element, 0 for 1, 1 for 2, 2 for 4"),
    "meta_ctrl": (38, 26, "Ignored"),
    "address":   (64, 48, "Byte address, any alignment. META: stride, signed; FILL: the word"),
    "tenant":    (112, 16, "Tenant of the buffer, must equal the queue's"),
}

COMPLETION: dict[str, tuple[int, int, str]] = {
    "cause":     (0, 8, "0, or why the packet failed"),
    "index":     (8, 16, "Ring index of the last descriptor that the packet used in this ring"),
    "ring_id":   (24, 2, "Starts at 1, +1 modulo 4 each time the completion ring wraps"),
    "first":     (26, 1, "1"),
    "last":      (27, 1, "1"),
    "interrupt": (28, 1, "The packet asked for an interrupt"),
    "reserved":  (29, 2, "0"),
    "error":     (31, 1, "The packet failed and the queue pair has stopped"),
    "bytes":     (32, 32, "Bytes of the packet; 0 if it failed"),
    "reserved2": (64, 64, "0"),
}


class Operation(enum.IntEnum):
    """What a META descriptor says of its buffer."""

    DIMENSION = 0
    TRANSPOSE = 1
    FILL = 2


class Cause(enum.IntEnum):
    """Why a queue pair stopped."""

    NONE = 0
    RING_ID = 1
    FIRST = 2
    LAST = 3
    META = 4
    RESERVED = 5
    TENANT = 6
    ADDRESS = 7
    OVERFLOW = 8
    DOORBELL = 9
    FETCH_RESPONSE = 10
    READ_RESPONSE = 11
    WRITE_RESPONSE = 12
    COMPLETION_RESPONSE = 13
    FETCH_WINDOW = 14
    READ_WINDOW = 15
    WRITE_WINDOW = 16
    COMPLETION_WINDOW = 17
    TRANSPOSE = 18
    ABORTED = 19
    MESSAGE_RESPONSE = 20
    MESSAGE_WINDOW = 21


CAUSES: dict[Cause, str] = {
    Cause.NONE: "No error",
    Cause.RING_ID: "Ring id of a descriptor is not the expected one (stale or never written)",
    Cause.FIRST: "M2S packet begins without FIRST",
    Cause.LAST: "FIRST inside an M2S packet: the packet before has no LAST",
    Cause.META: "META descriptor with a count of 0, with flags, of an unknown operation, or one "
                f"too many: a buffer has {DIMENSIONS} dimensions and one other at most",
    Cause.RESERVED: "A bit that must be 0 is 1",
    Cause.TENANT: "Descriptor names another tenant than the queue's",
    Cause.ADDRESS: "Buffer reaches beyond the address space of the engine",
    Cause.OVERFLOW: "M2S packet is longer than its S2M buffers up to LAST",
    Cause.DOORBELL: "More descriptors announced than the ring holds",
    Cause.FETCH_RESPONSE: "Error response to a descriptor read",
    Cause.READ_RESPONSE: "Error response to a data read",
    Cause.WRITE_RESPONSE: "Error response to a data write",
    Cause.COMPLETION_RESPONSE: "Error response to a completion write",
    Cause.FETCH_WINDOW: "Descriptor read outside of the windows of the queue",
    Cause.READ_WINDOW: "Data read outside of the windows of the queue",
    Cause.WRITE_WINDOW: "Data write outside of the windows of the queue",
    Cause.COMPLETION_WINDOW: "Completion write outside of the windows of the queue",
    Cause.TRANSPOSE: "Transposed blocks that do not fit each other, or are too large",
    Cause.ABORTED: "Software has aborted the queue pair",
    Cause.MESSAGE_RESPONSE: "Error response to the write of a message interrupt",
    Cause.MESSAGE_WINDOW: "Message interrupt outside of the windows of the queue",
}


def pack(table: dict[str, tuple[int, int, str]], **fields: int) -> bytes:
    """Return the 16 bytes of a descriptor or completion; fields left out are 0.

    Raises
    ------
    :exc:`ValueError`
        If a value does not fit into its field.
    :exc:`KeyError`
        If there is no such field.
    """
    word = 0
    for name, value in fields.items():
        lsb, width, _ = table[name]
        if not 0 <= value < 1 << width:
            raise ValueError(f"Field {name} must fit into {width} bits, not {value!r}")
        word |= int(value) << lsb
    return word.to_bytes(DESCRIPTOR_BYTES, "little")


def unpack(table: dict[str, tuple[int, int, str]], data: bytes) -> dict[str, int]:
    """Return every field of the 16 bytes of a descriptor or completion.

    Raises
    ------
    :exc:`ValueError`
        If ``data`` does not have 16 bytes.
    """
    if len(data) != DESCRIPTOR_BYTES:
        raise ValueError(f"A descriptor must have {DESCRIPTOR_BYTES} bytes, not {len(data)}")
    word = int.from_bytes(data, "little")
    return {name: word >> lsb & (1 << width) - 1 for name, (lsb, width, _) in table.items()}


def c_header() -> str:
    """Return C declarations: field positions within their 32-bit word, and the error causes."""
    lines = ["/* DMA engine: 16-byte descriptors and completions, four 32-bit words each,",
             " * little endian. Generated from rtl/nitro_dma/encoding.py. */",
             f"#define DMA_DESC_BYTES {DESCRIPTOR_BYTES}u",
             f"#define DMA_FIRST_RING_ID {FIRST_RING_ID}u",
             f"#define DMA_SLOTS {SLOTS}u",
             f"#define DMA_SLOT_BYTES {SLOT_BYTES}u",
             f"#define DMA_SLOT_M2S {SLOT_M2S}u",
             f"#define DMA_SLOT_S2M {SLOT_S2M}u",
             f"#define DMA_SLOT_END {SLOT_END}u /* the write of this word completes the slot */"]
    for prefix, table in (("DMA_DESC", DESCRIPTOR), ("DMA_COMP", COMPLETION)):
        for name, (lsb, width, doc) in table.items():
            if name.startswith("reserved"):
                continue
            macro, word, shift = f"{prefix}_{name.upper()}", lsb // 32, lsb % 32
            mask = (1 << min(width, 32 - shift)) - 1 << shift
            lines.append(f"/* word {word}: {doc} */")
            lines.append(f"#define {macro}_WORD {word}")
            lines.append(f"#define {macro}_SHIFT {shift}")
            lines.append(f"#define {macro}_MASK 0x{mask:x}u")
    for operation in Operation:
        lines.append(f"#define DMA_OPERATION_{operation.name} {operation.value}u")
    for cause in Cause:
        lines.append(f"#define DMA_CAUSE_{cause.name} {cause.value} /* {CAUSES[cause]} */")
    return "\n".join(lines) + "\n"
