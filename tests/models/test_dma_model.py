"""The golden model of the DMA engine against second formulations, byte by byte."""

import random

import numpy as np
import pytest

from rtl.nitro_dma.encoding import (
    COMPLETION,
    DESCRIPTOR,
    DESCRIPTOR_BYTES,
    Cause,
    Operation,
    c_header,
    pack,
    unpack,
)
from sim.models.dma import Memory, QueueModel, Ring, Window, legalise

RINGS = {"m2s": 0x000, "s2m": 0x400, "m2s_done": 0x800, "s2m_done": 0xC00}
SOURCE, SINK, BYTES = 0x1000, 0x8000, 0x10000


@pytest.mark.parametrize("beat_bytes, max_burst", [(8, 4), (16, 16), (64, 256), (8, 1)])
def test_dma_model_bursts_around_a_page(beat_bytes, max_burst):
    """Every byte is in one beat of one burst; bursts are legal and as few as can be."""
    block = min(beat_bytes * max_burst, 4096)
    for address in range(4096 - 2 * beat_bytes, 4096 + 2 * beat_bytes):
        for length in (*range(1, 3 * beat_bytes), 4096, 4097, 65536):
            bursts = legalise(address, length, beat_bytes=beat_bytes, max_burst=max_burst)
            beats = [burst.address + beat_bytes * i for burst in bursts for i in range(burst.beats)]
            wanted = sorted({byte // beat_bytes * beat_bytes
                             for byte in (*range(address, address + length, beat_bytes),
                                          address + length - 1)})
            assert beats == wanted
            assert len(bursts) == len({beat // block for beat in wanted})
            for burst in bursts:
                last = burst.address + beat_bytes * burst.beats - 1
                assert burst.beats <= max_burst and burst.address // 4096 == last // 4096


class Bench:
    """A queue model with small rings, and the software's side of it."""

    def __init__(self, depth=8, **options):
        self.memory = Memory(bytearray(random.Random(1).randbytes(BYTES)))
        self.depth = depth
        for base in RINGS.values():
            self.memory.write(base, bytes(0x400))
        self.queue = QueueModel(self.memory, *(Ring(base, depth) for base in RINGS.values()),
                                **options)
        self.count = {"m2s": 0, "s2m": 0}

    def put(self, half, **fields):
        n = self.count[half]
        fields = {"ring_id": (n // self.depth + 1) % 4} | fields
        self.memory.write(RINGS[half] + n % self.depth * DESCRIPTOR_BYTES,
                          pack(DESCRIPTOR, **fields))
        self.count[half] += 1
        self.queue.doorbell(**{half: 1})

    def completion(self, half, n):
        return unpack(COMPLETION, self.memory.read(
            RINGS[f"{half}_done"] + n % self.depth * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES))


def scatter(packets, buffers):
    """Second formulation: where each byte of each packet goes, one byte at a time."""
    buffers = iter(buffers)
    for packet in packets:
        address, left = next(buffers)
        for start, length in packet:
            for byte in range(start, start + length):
                if not left:
                    address, left = next(buffers)
                yield byte, address
                address, left = address + 1, left - 1


def test_dma_model_moves_each_byte_where_it_belongs():
    rng = random.Random(5)
    for _ in range(60):
        bench = Bench()
        packets, buffers, sink = [], [], SINK
        for _ in range(rng.randrange(1, 4)):
            packets.append([(rng.randrange(SOURCE, SINK - 200), rng.randrange(1, 200))
                            for _ in range(rng.randrange(1, 3))])
        for _ in range(8):
            length = rng.randrange(1, 300)
            buffers.append((sink, length))
            sink += length + rng.randrange(5)
        expected = bytearray(bench.memory.data)
        try:
            moves = list(scatter(packets, buffers))
        except RuntimeError:        # out of buffers: the packet waits; not what is tested here
            continue
        for source, target in moves:
            expected[target] = bench.memory.data[source]
        for packet in packets:
            for i, (address, length) in enumerate(packet):
                bench.put("m2s", address=address, length=length, first=i == 0,
                          last=i == len(packet) - 1)
        for address, length in buffers:
            bench.put("s2m", address=address, length=length)
        bench.queue.run()
        assert bench.memory.data[SOURCE:] == expected[SOURCE:]
        for n, packet in enumerate(packets):
            fields = bench.completion("s2m", n)
            assert fields["bytes"] == sum(length for _, length in packet)
            assert not fields["error"] and fields["ring_id"] == 1
        assert bench.completion("s2m", len(packets))["ring_id"] == 0


def test_dma_model_wraps_its_rings():
    bench = Bench(depth=4)
    for n in range(22):
        bench.put("m2s", address=SOURCE + n, length=1, first=1, last=1, interrupt=1)
        bench.put("s2m", address=SINK + n, length=1)
        bench.queue.run()
        for half in ("m2s", "s2m"):
            fields = bench.completion(half, n)
            assert (fields["index"], fields["ring_id"]) == (n % 4, (n // 4 + 1) % 4)
    assert bench.memory.read(SINK, 22) == bench.memory.read(SOURCE, 22)


def test_dma_model_length_zero_is_64_kib():
    memory = Memory(bytearray(1 << 18))
    memory.write(0x10000, random.Random(2).randbytes(65536))
    queue = QueueModel(memory, *(Ring(base, 4) for base in RINGS.values()))
    memory.write(0, pack(DESCRIPTOR, ring_id=1, first=1, last=1, address=0x10000))
    memory.write(0x400, pack(DESCRIPTOR, ring_id=1, address=0x20001))
    queue.doorbell(m2s=1, s2m=1)
    queue.run()
    assert memory.read(0x20001, 65536) == memory.read(0x10000, 65536)
    assert queue.completions == [{"bytes": 65536, "index": 0, "interrupt": 0, "first": 1, "last": 1,
                                  "ring_id": 1}]


@pytest.mark.parametrize("m2s, s2m, cause", [
    ({"ring_id": 2}, {}, Cause.RING_ID), ({"meta": 1}, {}, Cause.META),
    ({"concat": 1}, {}, Cause.RESERVED), ({}, {"barrier": 1}, Cause.RESERVED),
    ({"tenant": 9}, {}, Cause.TENANT), ({}, {"address": (1 << 40) - 1}, Cause.ADDRESS),
    ({"first": 0}, {}, Cause.FIRST), ({}, {"length": 9, "last": 1}, Cause.OVERFLOW),
])
def test_dma_model_refuses(m2s, s2m, cause):
    bench = Bench()
    bench.put("m2s", **({"address": SOURCE, "length": 10, "first": 1, "last": 1} | m2s))
    bench.put("s2m", **({"address": SINK, "length": 10} | s2m))
    bench.queue.run()
    fields = bench.completion("s2m", 0)
    assert (fields["cause"], fields["error"], fields["bytes"]) == (cause, 1, 0)
    bench.put("m2s", address=SOURCE, length=10, first=1, last=1)
    bench.put("s2m", address=SINK, length=10)
    bench.queue.run()
    assert bench.completion("s2m", 1)["ring_id"] == 0, "a stopped queue went on"


@pytest.mark.parametrize("kind, cause", [("read", Cause.READ_RESPONSE),
                                         ("write", Cause.WRITE_RESPONSE)])
def test_dma_model_stops_at_bus_errors(kind, cause):
    bench = Bench(fails=lambda direction, address, length: direction == kind)
    bench.put("m2s", address=SOURCE, length=10, first=1, last=1)
    bench.put("s2m", address=SINK, length=10)
    bench.queue.run()
    assert bench.queue.cause == cause and bench.completion("s2m", 0)["cause"] == cause


def test_dma_tables_cover_their_words():
    for table in (DESCRIPTOR, COMPLETION):
        bits = [lsb + i for lsb, width, _ in table.values() for i in range(width)]
        assert sorted(bits) == list(range(8 * DESCRIPTOR_BYTES))


def test_dma_pack_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="Field length must fit into 16 bits, not 65536"):
        pack(DESCRIPTOR, length=65536)
    with pytest.raises(KeyError):
        pack(DESCRIPTOR, len=1)
    with pytest.raises(ValueError, match="must have 16 bytes, not 3"):
        unpack(DESCRIPTOR, b"abc")


def test_dma_c_header_names_every_field_and_cause():
    text = c_header()
    assert "#define DMA_DESC_LENGTH_MASK 0xffffu\n" in text
    assert "#define DMA_DESC_TENANT_WORD 3\n#define DMA_DESC_TENANT_SHIFT 16\n" in text
    assert "#define DMA_COMP_RING_ID_MASK 0x3000000u\n" in text
    for cause in Cause:
        assert f"#define DMA_CAUSE_{cause.name} {cause.value} " in text


def test_dma_model_keeps_to_its_windows():
    """Every byte read or written is allowed by a window; a failure means that one was not."""
    rng = random.Random(8)
    seen = set()
    for _ in range(300):
        windows = [Window(page := 4096 * rng.randrange(16), page + 4096 * rng.randrange(1, 7) - 1,
                          rng.random() < 0.7, rng.random() < 0.7) for _ in range(4)]
        windows.append(Window(0, 4095, rng.random() < 0.9, rng.random() < 0.95))
        bench = Bench(windows=windows)
        src, dst = rng.randrange(SOURCE, SINK - 5000), rng.randrange(SINK, BYTES - 5000)
        n = rng.randrange(1, 5000)
        bench.put("s2m", address=dst, length=n)
        bench.put("m2s", address=src, length=n, first=1, last=1)
        before = bytes(bench.memory.data)
        bench.queue.run()
        after = bytes(bench.memory.data)

        def allowed(address, write, windows=windows):
            return any(w.base <= address <= w.limit and (w.write if write else w.read)
                       for w in windows)
        changed = [i for i in range(BYTES) if before[i] != after[i]]
        assert all(allowed(i, True) for i in changed)
        readable = all(allowed(src + i, False) for i in range(n))
        writable = all(allowed(dst + i, True) for i in range(n))
        expected = (Cause.FETCH_WINDOW if not allowed(0, False) else
                    Cause.READ_WINDOW if not readable else
                    Cause.WRITE_WINDOW if not writable else
                    Cause.COMPLETION_WINDOW if not allowed(RINGS["s2m_done"], True) else Cause.NONE)
        assert bench.queue.cause == expected
        seen.add(expected)
        if expected == Cause.NONE:
            assert after[dst:dst + n] == before[src:src + n]
    assert len(seen) == 5


@pytest.mark.parametrize("seed", range(3))
def test_dma_model_pushed_is_as_if_from_rings(seed):
    """The same descriptors, pushed or in rings, leave the same bytes and the same completions."""
    rng = random.Random(seed)
    rings, pushed = Bench(depth=64), Bench(depth=64, push=True)
    for _ in range(12):
        parts = rng.randrange(1, 4)
        for part in range(parts):
            length = rng.randrange(1, 200)
            source = {"address": SOURCE + rng.randrange(0x1000), "length": length,
                      "first": part == 0, "last": part == parts - 1}
            sink = {"address": SINK + rng.randrange(0x4000), "last": part == parts - 1,
                    "length": length if part == parts - 1 else rng.randrange(1, length + 1)}
            if rng.random() < 0.5:
                sink["last"], sink["length"] = part == parts - 1, length
            rings.put("m2s", **source)
            rings.put("s2m", **sink)
            rings.queue.run()
            assert pushed.queue.push(pack(DESCRIPTOR, **source), pack(DESCRIPTOR, **sink)) \
                or pushed.queue.cause
            pushed.queue.run()
        assert pushed.queue.completions == rings.queue.completions
        assert pushed.queue.pieces == rings.queue.pieces
        assert pushed.memory.data[SOURCE:] == rings.memory.data[SOURCE:]
    assert rings.queue.completions


def test_dma_model_has_four_slots():
    bench = Bench(push=True)
    bench.queue.cause = Cause.READ_RESPONSE         # nothing is used up
    empty = pack(DESCRIPTOR)
    assert [bench.queue.push(empty, empty) for _ in range(5)] == [True] * 4 + [False]
    assert not Bench().queue.push(empty, empty)


def strided(rng, base, span, row):
    """A random buffer of several dimensions whose rows lie in a part of memory, apart."""
    dimensions, reach, address = [], row + rng.randrange(9), base
    for _ in range(rng.randrange(5)):
        count = rng.randrange(1, 5)
        if reach * count > span // 2:
            break
        stride = reach + rng.randrange(9)
        reach = stride * count
        if rng.random() < 0.3:
            address += stride * (count - 1)
            stride = -stride
        dimensions.append((count, stride))
    return address, dimensions


def rows(address, dimensions):
    """Second formulation: the rows' addresses as sums of an index grid."""
    grid = np.array([address])
    for count, stride in dimensions:
        grid = (np.arange(count)[:, None] * stride + grid).reshape(-1)
    return grid


def put_strided(bench, half, address, length, dimensions, **flags):
    for count, stride in dimensions:
        bench.put(half, meta=1, length=count, address=stride % (1 << 48))
    bench.put(half, address=address, length=length, **flags)


def test_dma_model_walks_over_dimensions():
    rng = random.Random(8)
    for _ in range(300):
        bench = Bench(depth=32)
        before = bytes(bench.memory.data)
        row = rng.randrange(1, 30)
        source, shape = strided(rng, SOURCE, 0x4000, row)
        bytes_of = [byte + i for byte in rows(source, shape) for i in range(row)]
        other = rng.choice((row, rng.randrange(1, 40)))
        sink, sink_shape = strided(rng, SINK, 0x4000, other)
        places = [byte + i for byte in rows(sink, sink_shape) for i in range(other)]
        put_strided(bench, "m2s", source, row, shape, first=1, last=1)
        put_strided(bench, "s2m", sink, other, sink_shape, last=1)
        bench.queue.run()
        assert len(set(places)) == len(places)
        fits = len(bytes_of) <= len(places)
        expected = bytearray(before)
        for byte, place in zip(bytes_of, places, strict=False):
            expected[place] = before[byte]
        assert bench.memory.data[SOURCE:] == expected[SOURCE:]
        done = bench.completion("s2m", 0)
        assert done["cause"] == (Cause.NONE if fits else Cause.OVERFLOW)
        assert done["bytes"] == (len(bytes_of) if fits else 0)
        assert done["index"] == len(sink_shape)


@pytest.mark.parametrize("half", ["m2s", "s2m"])
@pytest.mark.parametrize("fields", [{"length": 0}, {"first": 1}, {"last": 1}, {"interrupt": 1},
                                    {"barrier": 1}, "fifth"])
def test_dma_model_refuses_impossible_dimensions(half, fields):
    bench = Bench(depth=32)
    other = "s2m" if half == "m2s" else "m2s"
    bench.put(other, address=SOURCE, length=4, first=1, last=1)
    for _ in range(4 if fields == "fifth" else 0):
        bench.put(half, meta=1, length=1, address=0)
    bench.put(half, **{"meta": 1, "length": 2} | ({} if fields == "fifth" else fields))
    bench.put(half, address=SINK, length=2, first=1, last=1)
    bench.queue.run()

    assert bench.queue.cause == Cause.META


def test_dma_model_dimensions_wrap_with_the_address_space():
    """Row addresses count modulo the address space, and no row may cross its end."""
    for stride, cause in ((-SINK, Cause.NONE), ((1 << 40) - SINK, Cause.NONE),
                          (-SINK - 1, Cause.ADDRESS)):
        bench = Bench(depth=32)
        put_strided(bench, "m2s", SOURCE, 4, [(2, 4)], first=1, last=1)
        put_strided(bench, "s2m", SINK, 4, [(2, stride)], last=1)
        bench.queue.run()
        assert bench.queue.cause == cause
        assert bench.memory.read(SINK, 4) == bench.memory.read(SOURCE, 4)


@pytest.mark.parametrize("element", [1, 2, 4])
def test_dma_model_transposes_as_numpy(element):
    """Blocks of any shape; and each misfit is refused."""
    rng = random.Random(element)
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[element]
    for _ in range(60):
        height, width = (rng.randrange(1, 32 // element + 1) for _ in range(2))
        down, across = rng.randrange(1, 4), rng.randrange(1, 4)
        pitch, sink_pitch = width * across * element, height * down * element + rng.randrange(9)
        source, sink = SOURCE + rng.randrange(9), SINK + rng.randrange(9)
        bench = Bench(depth=32, transpose=32)
        image = np.frombuffer(bench.memory.read(source, pitch * height * down), kind)
        swap = {"meta": 1, "operation": Operation.TRANSPOSE, "element": element // 2}
        bench.put("m2s", length=height, address=pitch, **swap)
        put_strided(bench, "m2s", source, width * element,
                    [(across, width * element), (down, height * pitch)], first=1, last=1)
        bench.put("s2m", length=width, address=sink_pitch, **swap)
        put_strided(bench, "s2m", sink, height * element,
                    [(across, width * sink_pitch), (down, height * element)])
        bench.queue.run()
        assert bench.completion("s2m", 0)["bytes"] == image.nbytes
        found = [bench.memory.read(sink + sink_pitch * i, height * down * element)
                 for i in range(width * across)]
        expected = image.reshape(height * down, width * across).T
        assert found == [line.tobytes() for line in expected]


@pytest.mark.parametrize("m2s, s2m, cause", [
    ({}, None, Cause.TRANSPOSE), (None, {}, Cause.TRANSPOSE), ({"element": 1}, {}, Cause.TRANSPOSE),
    ({"length": 5}, {}, Cause.TRANSPOSE), ({}, {"length": 3}, Cause.TRANSPOSE),
    ({"length": 33}, {}, Cause.TRANSPOSE), ({"element": 3}, {}, Cause.META),
    ({"operation": 3}, {}, Cause.META), ({"first": 1}, {}, Cause.META), ({}, {}, Cause.NONE),
])
def test_dma_model_refuses_impossible_blocks(m2s, s2m, cause):
    bench = Bench(transpose=32)
    for half, change in (("m2s", m2s), ("s2m", s2m)):
        if change is not None:
            bench.put(half, **{"meta": 1, "operation": Operation.TRANSPOSE, "length": 4,
                               "address": 100} | change)
        bench.put(half, address=SOURCE if half == "m2s" else SINK, length=4, first=1, last=1)
    bench.queue.run()
    assert bench.queue.cause == cause


def test_dma_model_without_transposer_refuses_blocks():
    bench = Bench()
    for half in ("m2s", "s2m"):
        bench.put(half, meta=1, operation=Operation.TRANSPOSE, length=1, address=0)
        bench.put(half, address=SINK, length=1, first=1, last=1)
    bench.queue.run()
    assert bench.queue.cause == Cause.META


def test_dma_model_fills_as_a_memory_of_the_word_would_be_copied():
    """The second formulation: a copy out of memory in which the word stands everywhere."""
    rng = random.Random(3)
    for _ in range(40):
        word, row, count = rng.randrange(1 << 32), rng.randrange(1, 40), rng.randrange(1, 5)
        start, sink = rng.randrange(9), SINK + rng.randrange(9)
        filled, copied = Bench(fill=True), Bench()
        copied.memory.write(SOURCE, word.to_bytes(4, "little") * 0x200)
        filled.put("m2s", meta=1, length=1, address=word, operation=Operation.FILL)
        for bench, base in ((filled, 0), (copied, SOURCE)):
            put_strided(bench, "m2s", base + start, row, [(count, 7)], first=1, last=1)
            bench.put("s2m", address=sink, length=row * count)
            bench.queue.run()
        assert filled.memory.data[SINK:] == copied.memory.data[SINK:]
        assert filled.queue.bursts(beat_bytes=8, max_burst=16)[0] == []


@pytest.mark.parametrize("options, half", [({}, "m2s"), ({"fill": True}, "s2m")])
def test_dma_model_refuses_impossible_fills(options, half):
    bench = Bench(**options)
    bench.put(half, meta=1, length=1, operation=Operation.FILL)
    for name in ("m2s", "s2m"):
        bench.put(name, address=SINK, length=1, first=1, last=1)
    bench.queue.run()
    assert bench.queue.cause == Cause.META
