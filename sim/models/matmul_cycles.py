"""Cost model of the tile: the exact cycles of a program whose operands are in SBUF.

The model keeps time and no data. It steps the control of the tile cycle by cycle: what each engine
holds, which SBUF banks are in use, which additions are in flight. A program starts with every
instruction in the queues, the first one of each engine waiting for a semaphore; cycles count as
the tile's own counters count them.
"""

import collections
import dataclasses
from collections.abc import Iterable

from rtl.config import TileConfig
from rtl.matmul.encoding import ELEMENT_BYTES, OUTPUTS, TYPE_CLASS, TYPES, Instruction

from .matmul_program import unroll
from .vector_cycles import VectorCycles

__all__ = ["CycleCount", "count_cycles"]

GROUP = 4
WORD_BYTES = 8
OPERAND_CYCLES = 2
ADD_CYCLES = 5
NARROW_CYCLES = 2
MAX_CYCLES = 10_000_000
LOOP = "loop"
TYPE_NAME = {value: name for name, value in TYPES.items()}
OUTPUT_NAME = {value: name for name, value in OUTPUTS.items()}


@dataclasses.dataclass(frozen=True)
class CycleCount:
    """What a program costs.

    Parameters
    ----------
    cycles : :class:`int`
        From the first instruction of the tensor queue that starts to the last result word in SBUF,
        both included; the counter SPAN.
    active : :class:`int`
        Cycles in which the array takes a column.
    """

    cycles: int
    active: int


class _Latencies:
    """Cycles of a class of formats in a tile."""

    def __init__(self, config: TileConfig, type: str):
        kind, size = TYPE_CLASS[type], config.size
        edge = int("fp16" in config.types)
        additions = config.chain - 1 + (size // config.chain).bit_length() - 1
        array = {"int8": size, "float": 1 + ADD_CYCLES * additions, "fp8": size + 1 + 4}[kind]
        self.addition = 2 if kind == "int8" else ADD_CYCLES + 1
        self.result = edge + array + size - 1 + self.addition


class _Front:
    """Queue, sequencer and decoder of one engine: gives instructions, one a cycle at most."""

    def __init__(self, program: Iterable[Instruction], config: TileConfig):
        self.tokens = collections.deque(self._tokens(list(program), config))
        self.sequenced: Instruction | None = None
        self.head: Instruction | None = None
        # Before the first one starts, everything has moved up as far as it can.
        for _ in range(3 + len(self.tokens)):
            self.tick(taken=False)

    @staticmethod
    def _tokens(program: list[Instruction], config: TileConfig):
        """Yield what the sequencer handles, a cycle each: loops, and unrolled instructions."""
        index = 0
        while index < len(program):
            count = 1
            if program[index].mnemonic == LOOP:
                yield LOOP
                count += program[index]["k"]
            yield from unroll(program[index:index + count], size=config.size,
                              psum_banks=config.psum_banks)
            index += count

    def tick(self, *, taken: bool) -> None:
        """Move up; ``taken``: the engine has started the head."""
        decoder_free = self.head is None or taken
        sequencer_free = self.sequenced is None or decoder_free
        if decoder_free:
            self.head = self.sequenced
        token = self.tokens[0] if self.tokens else None
        if token == LOOP:
            self.tokens.popleft()
            token = None
        elif sequencer_free and token is not None:
            self.tokens.popleft()
        if sequencer_free:
            self.sequenced = token


class _Tensor:
    """Dispatcher, load unit and multiply unit."""

    def __init__(self, program, config: TileConfig, sent):
        self.config = config
        self.front = _Front(program, config)
        self.sent = sent
        self.waited = False
        self.mode = "int8" if "int8" in config.types else TYPE_CLASS[config.types[0]]
        if self.mode != "int8" and any(TYPE_CLASS[name] == "float" for name in config.types):
            self.mode = "float"
        self.latencies = {TYPE_CLASS[name]: _Latencies(config, name) for name in config.types}
        self.signal: tuple[int, int] | None = None
        self.load: dict | None = None
        self.multiply: dict | None = None
        self.newest = 0
        self.used: tuple[int, ...] = ()
        self.selected = 0
        self.recent = collections.deque([None] * ADD_CYCLES, ADD_CYCLES)
        self.remaining = 0
        self.active = 0

    def busy(self) -> bool:
        """Whether a column or weights are still to be issued."""
        return bool(self.front.head or self.front.sequenced or self.front.tokens or self.load
                    or self.multiply)

    def issue(self) -> set[int]:
        """Decide what is issued in this cycle; returns the SBUF banks that it reads."""
        load, multiply = self.load, self.multiply
        self.load_valid = self.column = False
        load_fetch = bool(load) and (load["wide"] or load["group"] % 2 == 0)
        load_bank = load["word"] % 2 if load_fetch else None
        fetch = bool(multiply) and multiply["lane"] == 0
        banks = set()
        if multiply:
            urgent = load is not None and multiply["select"] == self.newest
            conflict = fetch and urgent and load_fetch and load_bank == multiply["word"] % 2
            ages = self.latencies[self.mode].addition - 1
            hazard = multiply["accumulate"] and multiply["column"] in list(self.recent)[:ages]
            self.column = not (conflict or hazard)
            if self.column and fetch:
                banks.add(multiply["word"] % 2)
        if load:
            self.load_valid = not (load_fetch and load_bank in banks)
            if self.load_valid and load_fetch:
                banks.add(load_bank)
        self.load_last = self.load_valid and load["group"] == load["final"]
        self.multiply_last = self.column and multiply["left"] == 1
        return banks

    def wants(self):
        """Return the wait of the head, or None."""
        head = self.front.head
        if head is None or not head["wait"] or self.waited:
            return None
        return head["wait_index"], head["wait_value"], head["consume"]

    def dispatch(self) -> bool:
        """Whether the head starts in this cycle; changes the mode when the array is empty."""
        head = self.front.head
        self.starts = False
        self.next_mode = self.mode
        if head is None or self.wants():
            return False
        empty = self.remaining == 0 and not self.load and not self.multiply
        signals = head["add_value"] or head["interrupt"]
        signal_free = not self.signal and not (self.load and self.load["signal"])
        if head.mnemonic in ("load_stationary", "multiply_moving"):
            wanted = TYPE_CLASS[TYPE_NAME[head["type"]]]
            if wanted != self.mode:
                if empty:
                    self.next_mode = wanted
                return False
        if head.mnemonic == "load_stationary":
            target = 1 - self.newest
            in_use = (bool(self.multiply) and self.multiply["select"] == target
                      or self.used == (target,))
            self.starts = bool(not in_use and (not self.load or self.load_last)
                               and (signal_free or not signals))
        elif head.mnemonic == "multiply_moving":
            started = not self.load or self.load_valid or self.load["group"] != 0
            self.starts = (not self.multiply or self.multiply_last) and started
        elif head.mnemonic == "fence":
            self.starts = empty and not self.signal
        else:
            self.starts = bool(signal_free or not signals)
        return self.starts

    def tick(self, now: int, granted: bool, signal_taken: bool) -> None:
        """Take the clock edge."""
        multiply, head = self.multiply, self.front.head
        self.waited = (self.waited or granted) and not self.starts
        if signal_taken:
            self.signal = None
        issued = self.column or self.load_valid
        self.remaining = (self.latencies[self.mode].result + 3 if issued
                          else max(0, self.remaining - 1))
        self.recent.appendleft(multiply["column"] if self.column else None)
        self.used = (self.selected,) if self.column else ()
        if self.load_valid:
            self.load["word"] += self.load["wide"] or self.load["group"] % 2
            self.load["group"] += 1
            if self.load_last:
                self.signal = self.load["signal"] or self.signal
                self.load = None
        if self.column:
            self.active += 1
            if self.multiply_last and multiply["signal"]:
                self.sent(now + OPERAND_CYCLES + self.latencies[self.mode].result,
                          multiply["signal"])
            last_lane = multiply["lane"] == WORD_BYTES // multiply["bytes"] - 1
            multiply["lane"] = 0 if last_lane else multiply["lane"] + 1
            multiply["word"] += last_lane
            multiply["column"] += 1
            multiply["left"] -= 1
            if self.multiply_last:
                self.multiply = None
        if self.starts:
            self._start(head)
        self.mode = self.next_mode
        self.front.tick(taken=self.starts)

    def _start(self, head: Instruction) -> None:
        signal = _signal(head)
        if head.mnemonic == "load_stationary":
            self.newest = 1 - self.newest
            self.load = {"wide": ELEMENT_BYTES[TYPE_NAME[head["type"]]] == 2, "group": 0,
                         "final": (head["m"] - 1) // GROUP, "word": head["address"] // WORD_BYTES,
                         "signal": signal}
        elif head.mnemonic == "multiply_moving":
            self.selected = self.newest
            self.multiply = {
                "select": self.newest, "lane": 0, "left": head["n"],
                "bytes": ELEMENT_BYTES[TYPE_NAME[head["type"]]],
                "word": head["address"] // WORD_BYTES, "accumulate": head["accumulate"],
                "column": head["bank"] * 4 * self.config.size + head["offset"], "signal": signal}
        elif signal:
            self.signal = signal


class _Activation:
    """The engine behind PSUM: one ``activate`` at a time."""

    def __init__(self, program, config: TileConfig):
        self.front = _Front(program, config)
        small = {name for name in config.types if name != "int8"}
        self.latency = ADD_CYCLES + (NARROW_CYCLES if small - {"bf16"} else 0)
        self.state, self.waited, self.signal = "IDLE", False, None
        self.left = self.results = self.lane = self.address = self.lanes = 0
        self.half = self.from_sbuf = False
        self.source = self.bias = 0
        self.pipeline = [False] * (self.latency + 1)
        self.write: int | None = None
        self.vector: VectorCycles | None = None
        self.patterns: dict[int, tuple[tuple[int, int], ...]] = dict.fromkeys(range(3), ())

    def busy(self) -> bool:
        """Whether instructions are left."""
        return bool(self.front.head or self.front.sequenced or self.front.tokens
                    or self.state != "IDLE")

    def wants(self):
        """Return the wait of the head, or None."""
        head = self.front.head
        if self.state != "IDLE" or head is None or not head["wait"] or self.waited:
            return None
        return head["wait_index"], head["wait_value"], head["consume"]

    def access(self, banks: set[int]) -> bool:
        """Read and write SBUF in the banks that are left; returns whether a word is written."""
        if self.vector:
            self.granted = self.read = self.issues = False
            self.step = True
            return self.vector.access(banks)
        self.granted = self.write is not None and self.write % 2 not in banks
        taken = banks | ({self.write % 2} if self.granted else set())
        self.step = self.write is None or self.granted
        wanted = self.state == "RUN" and self.left
        wants_word = wanted and self.from_sbuf and not self.half
        self.read = (self.state == "BIAS" and self.bias % 2 not in taken
                     or wants_word and self.step and self.source % 2 not in taken)
        self.issues = bool(wanted and self.step and (not wants_word or self.read))
        return self.granted

    def tick(self, granted: bool, signal_taken: bool) -> None:
        """Take the clock edge."""
        head = self.front.head
        starts = self.state == "IDLE" and head is not None and not self.wants()
        self.waited = (self.waited or granted) and not starts
        finished = self.results == 0 and self.write is None
        taken = self.step and self.pipeline[-1]
        if self.granted:
            self.write = None
        if self.step:
            self.pipeline = [self.issues, *self.pipeline[:-1]]
        if self.issues:
            self.source += self.half
            self.left, self.half = self.left - 1, not self.half
        if taken:
            full = self.lane == self.lanes - 1 or self.results == 1
            self.results -= 1
            self.lane = 0 if full else self.lane + 1
            if full:
                self.write, self.address = self.address, self.address + 1
        if self.state == "RUN" and finished:
            self.state = "SIGNAL"
        elif self.vector:
            if self.vector.tick():
                self.vector, self.state = None, "SIGNAL"
        elif self.state == "SIGNAL" and (signal_taken or not self.signal):
            self.state, self.signal = "IDLE", None
        elif self.state == "BIAS" and self.read:
            self.state = "BIAS-DATA"
        elif self.state == "BIAS-DATA":
            self.state = "RUN"
        if starts:
            self._start(head)
        self.front.tick(taken=starts)

    def _start(self, head: Instruction) -> None:
        self.signal = _signal(head)
        self.state = "SIGNAL"
        if head.mnemonic in ("pattern", "tensor_tensor", "memset", "transpose"):
            if head.mnemonic == "pattern":
                self.patterns[head["slot"]] = tuple((head[f"count{i}"], head[f"stride{i}"])
                                                    for i in range(4))
            self.state, self.vector = "VECTOR", VectorCycles(head, self.patterns)
        if head.mnemonic != "activate":
            return
        self.state = "BIAS" if head["bias"] else "RUN"
        self.left = self.results = head["n"]
        self.lane, self.half, self.from_sbuf = 0, False, bool(head["from_sbuf"])
        self.source, self.bias = head["address"] // WORD_BYTES, head["bias_address"] // WORD_BYTES
        self.address = head["destination"] // WORD_BYTES
        output = OUTPUT_NAME[head["output"]]
        self.lanes = WORD_BYTES // (4 if output == "word" else ELEMENT_BYTES[output])


def _signal(head: Instruction) -> tuple[int, int] | None:
    """Return semaphore and amount of an instruction that signals."""
    if head["add_value"] or head["interrupt"]:
        return head["add_index"], head["add_value"]
    return None


def count_cycles(tensor: Iterable[Instruction], activation: Iterable[Instruction],
                 config: TileConfig, *, start: int) -> CycleCount:
    """Return what a program costs.

    Parameters
    ----------
    tensor, activation : iterable of :class:`Instruction`
        The two queues, loops among them; they fit into the queues.
    config : :class:`TileConfig`
        The tile.
    start : :class:`int`
        Semaphore that software adds 1 to when the queues are full: the first instruction of the
        tensor queue waits for it. The first one of the activation queue waits too.

    Raises
    ------
    :exc:`ValueError`
        If the program never ends.
    """
    finishes: dict[int, list[tuple[int, int]]] = collections.defaultdict(list)
    first = _Tensor(tensor, config, lambda cycle, signal: finishes[cycle].append(signal))
    second = _Activation(activation, config)
    semaphores = [0] * config.semaphores
    semaphores[start] = 1
    turn, begun, span = 0, None, 0
    for now in range(MAX_CYCLES):
        word = second.access(first.issue())
        if first.dispatch() and begun is None:
            begun = now
        if word and begun is not None:
            span = now - begun + 1
        waits = [first.wants(), second.wants()]
        signals = [first.signal, second.signal if second.state == "SIGNAL" else None]
        change, taken, granted = None, [False, False], [False, False]
        for engine in range(2):
            if signals[engine] and not any(taken):
                taken[engine], change = True, signals[engine]
        wait = waits[turn]
        if not any(taken) and wait and semaphores[wait[0]] >= wait[1]:
            granted[turn] = True
            change = (wait[0], -wait[1] * wait[2])
        turn = 1 - turn if all(waits) else int(bool(waits[1]))
        for index, amount in [*finishes.pop(now, ()), *([change] if change else ())]:
            semaphores[index] = (semaphores[index] + amount) % 65536
        first.tick(now, granted[0], taken[0])
        second.tick(granted[1], taken[1])
        if not first.busy() and not second.busy() and not finishes and not first.signal:
            return CycleCount(span, first.active)
    raise ValueError("The program does not end: an instruction waits for ever")
