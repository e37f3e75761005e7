"""Register maps of the DMA engine.

The engine decodes pages of 4 KiB and puts one bank behind each: the global page, one page per
queue pair, which a tenant may be given, and one manager's page per queue pair, which he may not.
Slots of push mode have a page per queue pair too, which belongs to the tenant.
"""

from rtl.csr import Field, Register, RegisterMap

from .encoding import BUCKETS, CAUSES, SLOTS, WAITS

__all__ = ["COUNTERS", "COUNTER_PAGE", "GLOBAL", "GLOBAL_PAGE", "IDENTITY", "MANAGER",
           "MANAGER_PAGE", "MESSAGES", "PAGE_BYTES", "PUSH_PAGE", "QUEUE", "QUEUE_PAGE",
           "VERSION", "WINDOWS", "WINDOW_BASE", "WINDOW_BYTES"]

PAGE_BYTES = 0x1000
GLOBAL_PAGE = 0x00000
QUEUE_PAGE = 0x01000
PUSH_PAGE = 0x40000
MANAGER_PAGE = 0x80000
COUNTER_PAGE = 0xC0000
IDENTITY = 0x54444D41
VERSION = 0x00000001

WINDOWS = 4
WINDOW_BASE, WINDOW_BYTES = 0x100, 0x20

TOTALS = (
    ("BYTES_READ", "Bytes of data read for buffers"),
    ("BYTES_WRITTEN", "Bytes of data written to buffers"),
)

GLOBAL = RegisterMap("dma_global", "DMA engine: identity and counters of all queues", [
    Register("IDENTITY", 0x00, "Names the block.",
             [Field("value", 32, "ro", "0x54444d41, ASCII TDMA")]),
    Register("VERSION", 0x04, "Version of the register map.",
             [Field("value", 32, "ro", "1")]),
    Register("PARAMS", 0x08, "What the engine was built with.", [
        Field("queues", 8, "ro", "Queue pairs"),
        Field("data_bytes", 8, "ro", "Bytes of a beat on the AXI4 port"),
        Field("prefetch", 11, "ro", "Descriptors that all rings of one direction prefetch"),
    ]),
    Register("STATUS", 0x0C, "State of the engine.", [
        Field("busy", 1, "ro", "A transfer, descriptor read or completion is under way"),
    ]),
    Register("COMP_FLUSH", 0x10, "Coalescing of completions.", [
        Field("cycles", 16, "rw", "Cycles after which a completion is written although it does "
                                  "not fill 64 bytes", reset=64),
    ]),
    Register("FEATURES", 0x14, "What the engine was built for.", [
        Field("transpose", 8, "ro", "Bytes of the longest row of a transposed block; 0: none"),
        Field("fill", 1, "ro", "META FILL"),
        Field("counters", 1, "ro", "Pages of counters"),
        Field("messages", 1, "ro", "Interrupts that are messages"),
    ]),
    Register("CONTROL", 0x18, "All queue pairs at once.", [
        Field("disable", 1, "rw", "No pair starts anything; STATUS.busy says when all are drained"),
        Field("abort", 1, "wo", "Abort every pair that is enabled", lsb=8),
        Field("reset", 1, "wo", "Reset every pair", lsb=9),
    ]),
    *[Register(f"{name}_{half}", 0x20 + 8 * i + 4 * (half == "HI"),
               f"{doc}, {'high' if half == 'HI' else 'low'} word.",
               [Field("value", 32, "ro", f"Bits {'63:32' if half == 'HI' else '31:0'}")])
      for i, (name, doc) in enumerate(TOTALS) for half in ("LO", "HI")],
    Register("DESCRIPTORS", 0x30, "Descriptors consumed, of both rings.",
             [Field("value", 32, "ro", "Wraps")]),
    Register("PACKETS", 0x34, "Packets completed without error.",
             [Field("value", 32, "ro", "Wraps")]),
    Register("ERRORS", 0x38, "Queue stops because of an error.",
             [Field("value", 32, "ro", "Wraps")]),
    Register("BUSY_CYCLES", 0x3C, "Cycles in which the engine was busy.",
             [Field("value", 32, "ro", "Wraps")]),
])


LOCKED = ("RING_BASE_LO", "RING_BASE_HI", "RING_LENGTH", "COMP_BASE_LO", "COMP_BASE_HI", "COMP_CFG")
"""Registers of a ring that cannot be written while its pair is enabled or busy."""


def _ring(half: str, base: int, what: str) -> list[Register]:
    """Return the registers of one half of a pair: a submission and its completion ring."""
    def register(name, offset, doc, fields):
        return Register(f"{half}_{name}", base + offset, doc, fields, lockable=name in LOCKED)

    ring_id = Field("ring_id", 2, "ro", "Ring id that belongs to the index", lsb=30)
    return [
        register("CFG", 0x20, f"Enables of the {what} ring.", [
            Field("en_prefetch", 1, "rw", "Fetch descriptors", lsb=16),
            Field("en_scheduling", 1, "rw", "Execute descriptors; the pair runs while all four "
                                            "enables of its two rings are set", lsb=17),
        ]),
        register("STATUS", 0x24, f"State of the {what} ring.", [
            Field("pending", 17, "ro", "Descriptors announced and not fetched yet"),
            Field("prefetched", 8, "ro", "Descriptors fetched and not executed yet", lsb=24),
        ]),
        register("RING_BASE_LO", 0x28, "Address of the ring, low word.", [
            Field("address", 26, "rw", "Bits 31:6; the ring is aligned to 64 bytes", lsb=6)]),
        register("RING_BASE_HI", 0x2C, "Address of the ring, high word.", [
            Field("address", 16, "rw", "Bits 47:32")]),
        register("RING_LENGTH", 0x30, "Descriptors of the ring and entries of its completion ring.",
                 [Field("count", 17, "rw", "4 to 65536")]),
        register("HEAD", 0x34, "Next descriptor to fetch.",
                 [Field("index", 24, "ro", "Ring index"), ring_id]),
        register("TAIL_INC", 0x38, "Doorbell: announces descriptors.",
                 [Field("count", 16, "wo", "Number of new descriptors; adds to what is pending")]),
        register("TAIL", 0x3C, "First descriptor that is not announced.",
                 [Field("index", 24, "ro", "Ring index"), ring_id]),
        register("CURRENT", 0x40, "Next descriptor to execute.",
                 [Field("index", 24, "ro", "Ring index")]),
        register("COMP_BASE_LO", 0x44, "Address of the completion ring, low word.", [
            Field("address", 26, "rw", "Bits 31:6; the ring is aligned to 64 bytes", lsb=6)]),
        register("COMP_BASE_HI", 0x48, "Address of the completion ring, high word.", [
            Field("address", 16, "rw", "Bits 47:32")]),
        register("COMP_HEAD", 0x4C, "Next completion to write: all before it are in memory.",
                 [Field("index", 24, "ro", "Ring index"), ring_id]),
        register("COMP_CFG", 0xA0, "Completions of the ring.",
                 [Field("enable", 1, "rw", "Write completions to memory", reset=1)]),
    ]


QUEUE = RegisterMap("dma_queue", "One queue pair, at 0x1000 + 0x1000 * queue", [
    *_ring("M2S", 0x000, "M2S (source)"),
    *_ring("S2M", 0x400, "S2M (destination)"),
    Register("STATE", 0x800, "State of the queue pair.", [
        Field("running", 1, "ro", "Enabled, not stopped, not in reset"),
        Field("stopped", 1, "ro", "An error has stopped the pair; a reset starts it again"),
        Field("resetting", 1, "ro", "A reset is draining the pair"),
        Field("busy", 1, "ro", "A transfer, descriptor read or completion is under way"),
        Field("cause", 8, "ro", "First error since the reset: " + ", ".join(
            f"{cause.value} {cause.name}" for cause in CAUSES), lsb=8),
    ]),
    Register("IRQ_CAUSE", 0x804, "Interrupts that have happened.", [
        Field("s2m", 1, "w1c", "Completion of an S2M packet with INT is in memory"),
        Field("m2s", 1, "w1c", "Completion of an M2S packet with INT is in memory"),
        Field("error", 1, "w1c", "An error has stopped the pair"),
    ]),
    Register("IRQ_ENABLE", 0x808, "Interrupts that reach the port.", [
        Field("s2m", 1, "rw", "S2M completion"),
        Field("m2s", 1, "rw", "M2S completion"),
        Field("error", 1, "rw", "Error"),
    ]),
    Register("PUSH", 0x80C, "Push mode.", [
        Field("enable", 1, "rw", "Descriptors come from the pair's slots, not from its rings"),
    ], lockable=True),
    Register("PUSH_FREE", 0x810, "Room for descriptors that are pushed.", [
        Field("slots", SLOTS.bit_length(), "ro", f"Slots that can be written, of {SLOTS}"),
    ]),
    Register("SW_CTRL", 0x8B0, "Commands.", [
        Field("reset", 1, "wo", "Drain the pair, then empty both rings: indices 0, ring ids 1",
              lsb=8),
        Field("abort", 1, "wo", "Write no more data; the open packet fails with ABORTED", lsb=9),
    ]),
])



MESSAGES = RegisterMap("dma_messages", "Message interrupts, in the page of a queue pair", [
    Register("MESSAGE_ADDR_LO", 0x840, "Where a message is written, low word.",
             [Field("address", 30, "rw", "Bits 31:2", lsb=2)], lockable=True),
    Register("MESSAGE_ADDR_HI", 0x844, "Where a message is written, high word.",
             [Field("address", 16, "rw", "Bits 47:32")], lockable=True),
    Register("MESSAGE_DATA", 0x848, "What is written.",
             [Field("value", 32, "rw", "The message")], lockable=True),
    Register("MESSAGE_CFG", 0x84C, "When it is written.", [
        Field("enable", 1, "rw", "Enabled interrupts of the pair are written, too"),
        Field("count", 7, "rw", "Interrupts after which a message is written; 0 as 1", lsb=8),
        Field("cycles", 16, "rw", "Cycles after the first of them at which it is written in any "
                                  "case", lsb=16),
    ], lockable=True),
])


def _window(number: int) -> list[Register]:
    """Return the registers of one window of a queue pair."""
    def register(name, offset, doc, fields):
        return Register(f"WINDOW{number}_{name}", WINDOW_BASE + WINDOW_BYTES * number + offset,
                        doc, fields)

    bounds = []
    for name, offset, what in (("BASE", 0x00, "First page"), ("LIMIT", 0x08, "Last page")):
        bounds += [
            register(f"{name}_LO", offset, f"{what} of the window, low word.",
                     [Field("address", 20, "rw", f"{what}: bits 31:12 of its address", lsb=12)]),
            register(f"{name}_HI", offset + 4, f"{what} of the window, high word.",
                     [Field("address", 16, "rw", f"{what}: bits 47:32 of its address")]),
        ]
    return [*bounds, register("ACCESS", 0x10, "What the pair may do in the window.", [
        Field("read", 1, "rw", "Read data and descriptors"),
        Field("write", 1, "rw", "Write data and completions"),
    ])]


MANAGER = RegisterMap("dma_manager", "Manager's page of a queue pair, at 0x80000 + 0x1000 * queue",
                      [Register("TENANT", 0x00, "Owner of the queue pair.", [
                          Field("id", 16, "rw", "Tenant: AxUSER of everything the pair does")]),
                       Register("WEIGHT", 0x04, "Share of the pair while others have work, too.", [
                          Field("minus_1", 4, "rw", "Weight in the bytes of a round, minus 1")]),
                       Register("RATE", 0x08, "Limit of the pair.", [
                          Field("bytes", 16, "rw", "Bytes every 256 cycles; 0 for no limit"),
                          Field("burst", 16, "rw", "Bytes that may be saved up")]),
                       *(register for number in range(WINDOWS) for register in _window(number))])


def _counter(name: str, offset: int, doc: str, bits: str = "Wraps") -> Register:
    return Register(name, offset, doc, [Field("value", 32, "ro", bits)])


def _cycles(bucket: int) -> str:
    """Return the cycles that a bucket counts."""
    first = 1 << bucket if bucket else 0
    return f"{first} cycles or more" if bucket == BUCKETS - 1 else (
        f"{first} to {(2 << bucket) - 1} cycles")


COUNTERS = RegisterMap("dma_counters", "Counters of one queue pair, at 0xc0000 + 0x1000 * queue", [
    _counter("DESCRIPTORS", 0x00, "Descriptors consumed, of both rings."),
    _counter("PACKETS", 0x04, "Packets completed without error."),
    _counter("BYTES_LO", 0x08, "Bytes of these, low word.", "Bits 31:0"),
    _counter("BYTES_HI", 0x0C, "Bytes of these, high word.", "Bits 63:32"),
    _counter("ERRORS", 0x10, "Stops because of an error that is no denial."),
    _counter("DENIED", 0x14, "Stops because a window or the owner did not allow something."),
    *[_counter(f"CYCLES_{name}", 0x20 + 4 * i, f"Cycles of the pair: {doc}.",
               "Wraps; in steps of the number of queue pairs")
      for i, (name, doc) in enumerate(WAITS)],
    *[_counter(f"LATENCY_{i}", 0x40 + 4 * i, f"Packets that took {_cycles(i)}, from the plan of "
                                             f"their first piece to the last response.")
      for i in range(BUCKETS)],
])
