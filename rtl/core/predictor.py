"""Branch prediction: target buffer, direction table, indirect targets, return stack."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["BranchKind", "PC_BITS", "Prediction", "Predictor", "PredictorUpdateLayout",
           "RETURN_BITS", "predicted_target"]

PC_BITS = 40
"""Width of the address of an instruction; what does not fit in it is not executed."""

INDEX_BITS = 13
RETURN_BITS = 3
TARGET_BITS = 23
"""Bits of a target that are kept: predictions stay in the 32 MiB around the branch."""


UNCHECKED = {"no_rw_check": 1}


class BranchKind(enum.Enum, shape=2):
    """What a branch does, as far as prediction is concerned."""

    CONDITIONAL = 0
    JUMP = 1
    CALL = 2
    RETURN = 3


class Prediction(data.Struct):
    """What was predicted for an instruction, and on what grounds; travels with it.

    ``target`` is a part of an address, which :func:`predicted_target` completes. ``index`` and
    ``counter`` are the place in the direction table and what stood there; ``depth`` is the top of
    the return stack in front of the instruction.
    """

    taken: 1
    target: TARGET_BITS
    index: INDEX_BITS
    counter: 2
    depth: RETURN_BITS


def predicted_target(prediction, pc):
    """Return the address where the instruction at ``pc`` is predicted to go when taken."""
    return Cat(Const(0, 2), prediction.target, pc[2 + TARGET_BITS:])


class PredictorUpdateLayout(data.StructLayout):
    """What became of a branch, for :class:`Predictor`.

    Members
    -------
    valid : 1
        A branch was resolved, or an instruction that is none was predicted taken.
    wrong : 1
        Fetch had gone another way.
    branch : 1
        It is a branch, of this ``kind``.
    taken : 1
        It was taken.
    pc, target
        Its address, and where it goes when taken.
    prediction : :class:`Prediction`
        What had been predicted.
    """

    def __init__(self):
        super().__init__({"valid": 1, "wrong": 1, "branch": 1, "taken": 1, "kind": BranchKind,
                          "pc": PC_BITS, "target": PC_BITS, "prediction": Prediction})


class Predictor(wiring.Component):
    """Branch target buffer, gshare direction table, table of indirect targets and return stack.

    The target buffer is direct mapped and found by a part of the address, so that an instruction
    that is no branch may be predicted taken; the pipeline notices and reports it, and the entry
    goes. An entry is made when a taken branch was not foreseen. A table of 8192 two-bit counters,
    found by the address and the outcomes of the latest conditional branches in the buffer, says
    whether a conditional branch goes there. For other branches 512 targets, found by the same
    address and outcomes, take precedence over the one in the buffer: an indirect branch that was
    mispredicted puts its own there. Returns go to the top of a stack of eight addresses.

    What is looked up where it is written at the same edge may be any prediction: a prediction is
    only a guess, and so costs no collision logic.

    Timing
    ------
    ``addr`` is looked up at the clock edge; ``o`` belongs to it in the next cycle, in which ``pc``
    must be the same address. ``advance`` says in that cycle which instructions are taken over:
    history and return stack move on; ``undo`` takes that back one cycle later. An update is seen
    by lookups of later cycles. ``repair``
    comes with a branch (``resolved``) after which fetch starts anew: history and return stack
    become what they would be if it had been predicted rightly; ``rewind`` gives the return stack
    back its ``depth`` when fetch starts anew for another reason, and, with ``recall``, the history
    what it is behind the conditional branch of the update one cycle ago.

    Parameters
    ----------
    entries : :class:`int`
        Entries of the target buffer, a power of two.
    history_bits : :class:`int`
        Outcomes that take part in the place in the direction table, 0 to 12; 0 makes it bimodal.
    width : :class:`int`
        Instructions predicted at once, 1 or 2: those of the aligned group of ``addr``. All of a
        group see the outcomes in front of it.

    Members
    -------
    addr : :py:`In(PC_BITS)`, pc : :py:`In(PC_BITS)`
        Address to look up, and the one looked up before.
    advance : :py:`In(width)`
        These instructions of the group of ``pc`` go on; none behind one that is predicted taken.
    undo : :py:`In(1)`
        What was taken over in the cycle before was not; ``advance`` is zero.
    o : :py:`Out(Prediction).array(width)`
        Predictions, by place in the group.
    update : :py:`In(PredictorUpdateLayout())`
        Outcome of a branch, for the tables.
    resolved : :py:`In(PredictorUpdateLayout())`
        Outcome of a branch, for history and return stack; ``valid`` and ``wrong`` do not matter.
    repair : :py:`In(1)`, rewind : :py:`In(1)`, recall : :py:`In(1)`, depth : :py:`In(3)`
        Fetch starts anew.
    """

    TAG_BITS = 6
    PLACE_BITS = 9

    def __init__(self, *, entries: int, history_bits: int, width: int = 1):
        self.entries = entries
        self.history_bits = history_bits
        self.width = width
        self.lane_bits = (width - 1).bit_length()
        super().__init__({
            "addr":    In(PC_BITS),
            "pc":      In(PC_BITS),
            "advance": In(width),
            "undo":    In(1),
            "o":       Out(Prediction).array(width),
            "update":  In(PredictorUpdateLayout()),
            "resolved": In(PredictorUpdateLayout()),
            "repair":  In(1),
            "rewind":  In(1),
            "recall":  In(1),
            "depth":   In(RETURN_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        lanes = range(self.width)
        self._index = Signal(INDEX_BITS)
        self._top = Signal(TARGET_BITS)
        looked_up = Signal(INDEX_BITS)
        m.d.sync += looked_up.eq(self._index)
        # Which lane the branch of the update belongs to, one-hot, and a lane's address.
        self._updates = [self.update.pc[2:2 + self.lane_bits] == lane for lane in lanes]
        self._pcs = [Cat(Const(lane, self.lane_bits), self.pc[2 + self.lane_bits:])
                     for lane in lanes]

        found = [self._entry(m, lane) for lane in lanes]
        directions = [self._direction(m, lane) for lane in lanes]
        varying = self._indirect(m)
        goes = Signal(self.width)
        conditional = Signal(self.width)
        depth = Signal(RETURN_BITS)
        for lane, (known, entry) in enumerate(found):
            o, direction = self.o[lane], directions[lane]
            m.d.comb += [
                # Only conditional branches that are in the buffer take part in the history.
                conditional[lane].eq(known & (entry.kind == BranchKind.CONDITIONAL)),
                goes[lane].eq(known & ((entry.kind != BranchKind.CONDITIONAL) | direction[1])),
                o.taken.eq(goes[lane]), o.counter.eq(direction), o.depth.eq(depth),
                o.index.eq(Cat(Const(lane, self.lane_bits), looked_up[self.lane_bits:])),
            ]
            varies = varying.valid & (varying.tag == self._pcs[lane][:self.TAG_BITS])
            returns = entry.kind == BranchKind.RETURN
            indirect = (entry.kind != BranchKind.CONDITIONAL) & ~returns & varies
            # Where it goes does not wait for whether it goes.
            m.d.comb += o.target.eq(Mux(returns, self._top,
                                        Mux(indirect, varying.target, entry.target)))
        self._history(m, conditional, goes)
        self._return_stack(m, [entry.kind for _, entry in found], goes, depth)
        return m

    def _entry(self, m, lane):
        """Return whether the target buffer knows a lane's instruction, and its entry."""
        update = self.update
        bits = (self.entries - 1).bit_length()
        m.submodules[f"entries_{lane}"] = memory = Memory(shape=data.StructLayout({
            "valid": 1, "kind": BranchKind, "tag": self.TAG_BITS, "target": TARGET_BITS,
        }), depth=self.entries // self.width, init=[], attrs=UNCHECKED)
        reader, writer = memory.read_port(), memory.write_port()

        def place(address):
            return address[2 + self.lane_bits:2 + bits]

        def tag(address):
            return address[2 + bits:2 + bits + self.TAG_BITS]

        m.d.comb += [
            reader.addr.eq(place(self.addr)), writer.addr.eq(place(update.pc)),
            writer.en.eq(update.valid & update.wrong & (update.taken | ~update.branch)
                         & self._updates[lane]),
            writer.data.valid.eq(update.branch), writer.data.kind.eq(update.kind),
            writer.data.tag.eq(tag(update.pc)),
            writer.data.target.eq(update.target[2:2 + TARGET_BITS]),
        ]
        known = Signal(name=f"known_{lane}")
        m.d.comb += known.eq(reader.data.valid & (reader.data.tag == tag(self.pc)))
        return known, reader.data

    def _indirect(self, m):
        """Return what the table of indirect targets holds."""
        update = self.update
        m.submodules.targets = targets = Memory(shape=data.StructLayout({
            "valid": 1, "tag": self.TAG_BITS, "target": TARGET_BITS,
        }), depth=1 << self.PLACE_BITS, init=[], attrs=UNCHECKED)
        reader, writer = targets.read_port(), targets.write_port()
        m.d.comb += [
            reader.addr.eq(self._index[-self.PLACE_BITS:]),
            writer.addr.eq(update.prediction.index[-self.PLACE_BITS:]),
            writer.en.eq(update.valid & update.wrong & update.branch
                         & ((update.kind == BranchKind.JUMP) | (update.kind == BranchKind.CALL))),
            writer.data.valid.eq(1), writer.data.tag.eq(update.pc[2:2 + self.TAG_BITS]),
            writer.data.target.eq(update.target[2:2 + TARGET_BITS]),
        ]
        return reader.data

    def _direction(self, m, lane):
        """Return the counter that was looked up; write the one of a resolved branch."""
        update, depth = self.update, (1 << INDEX_BITS) // self.width
        # Weakly taken: an entry of the target buffer means that the branch has been taken.
        m.submodules[f"counters_{lane}"] = counters = Memory(
            shape=2, depth=depth, init=[2] * depth, attrs=UNCHECKED)
        reader, writer = counters.read_port(), counters.write_port()
        old, new = update.prediction.counter, Signal(2, name=f"counter_{lane}")
        with m.If(update.taken):
            m.d.comb += new.eq(Cat(old[1] | ~old[0], old.any()))
        with m.Else():
            m.d.comb += new.eq(Cat(old[1] & ~old[0], old.all()))
        m.d.comb += [
            reader.addr.eq(self._index[self.lane_bits:]),
            writer.addr.eq(update.prediction.index[self.lane_bits:]), writer.data.eq(new),
            writer.en.eq(update.valid & update.branch & (update.kind == BranchKind.CONDITIONAL)
                         & (new != old) & self._updates[lane]),
        ]
        return reader.data

    def _history(self, m, conditional, goes):
        """Outcomes so far, latest in bit 0: predicted ones, put right by a repair."""
        bits = self.history_bits
        if not bits:
            m.d.comb += self._index.eq(self.addr[2:2 + INDEX_BITS])
            return
        history, now, earlier = Signal(bits), Signal(bits), Signal(bits)

        def before(branch):
            return (branch.prediction.index ^ branch.pc[2:2 + INDEX_BITS])[INDEX_BITS - bits:]

        recalled = Signal(bits)
        m.d.sync += recalled.eq(Cat(self.update.taken, before(self.update)))
        m.d.comb += now.eq(Mux(self.undo, earlier, history))
        with m.If(self.recall):
            m.d.comb += now.eq(recalled)
        with m.Elif(self.repair & self.resolved.branch):
            m.d.comb += now.eq(before(self.resolved))
            with m.If(self.resolved.kind == BranchKind.CONDITIONAL):
                m.d.comb += now.eq(Cat(self.resolved.taken, before(self.resolved)))
        following = now
        for lane in range(self.width):
            shifts = self.advance[lane] & conditional[lane] & ~self.repair & ~self.rewind
            following = Mux(shifts, Cat(goes[lane], following)[:bits], following)
        m.d.sync += [history.eq(following), earlier.eq(history)]
        m.d.comb += self._index.eq(self.addr[2:2 + INDEX_BITS]
                                   ^ (now << (INDEX_BITS - bits)))

    def _return_stack(self, m, kinds, goes, depth):
        """Keep the depth; calls push the address behind them, returns pop."""
        resolved, prediction = self.resolved, self.resolved.prediction
        m.submodules.returns = stack = Memory(shape=TARGET_BITS, depth=1 << RETURN_BITS, init=[])
        reader, writer = stack.read_port(domain="comb"), stack.write_port()
        base, earlier = Signal(RETURN_BITS), Signal(RETURN_BITS)
        pushes, pops = Signal(), Signal()
        pc = Signal(TARGET_BITS)
        leaves = self.advance & goes
        # A repair comes late: it chooses a depth, and writes its address one cycle later.
        repairs, again = Signal(), Signal()
        place, address = Signal(RETURN_BITS), Signal(TARGET_BITS)
        calls = resolved.branch & (resolved.kind == BranchKind.CALL)
        returns = resolved.branch & (resolved.kind == BranchKind.RETURN)
        m.d.comb += repairs.eq(self.repair & calls)
        m.d.sync += [again.eq(repairs), place.eq(prediction.depth + 1),
                     address.eq(resolved.pc[2:2 + TARGET_BITS] + 1)]
        m.d.comb += [
            base.eq(Mux(self.undo, earlier, depth)), pc.eq(self._pcs[0][:TARGET_BITS]),
            pushes.eq((leaves & Cat(kind == BranchKind.CALL for kind in kinds)).any()),
            pops.eq((leaves & Cat(kind == BranchKind.RETURN for kind in kinds)).any()),
        ]
        for lane in range(1, self.width):
            with m.If(leaves[lane]):
                m.d.comb += pc.eq(self._pcs[lane][:TARGET_BITS])
        m.d.sync += [depth.eq(base + pushes - pops), earlier.eq(depth)]
        with m.If(self.rewind):
            m.d.sync += depth.eq(self.depth)
        with m.If(self.repair):
            m.d.sync += depth.eq(prediction.depth + calls - returns)
        m.d.comb += [
            reader.addr.eq(depth), self._top.eq(reader.data),
            writer.addr.eq(Mux(again, place, base + 1)), writer.en.eq(again | pushes),
            writer.data.eq(Mux(again, address, pc + 1)),
        ]
