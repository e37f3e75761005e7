"""Proofs for the matmul tile: queue, sequencer, decoder, semaphores, SBUF banks, delay lines."""

import pytest
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Assert, Assume
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.config import TileConfig
from rtl.lib import StreamFifo
from rtl.matmul.delay import DelayLine
from rtl.matmul.instruction import Decoder
from rtl.matmul.sbuf import BANKS, Sbuf
from rtl.matmul.semaphores import ENGINES, Semaphores
from rtl.matmul.sequencer import Sequencer
from rtl.matmul.watchdog import Watchdog
from sim.formal import ProofError, prove

pytestmark = pytest.mark.formal

SMALL = TileConfig(size=4, types=("int8",), sbuf_bytes=1024, psum_banks=2, queue_depth=4,
                   semaphores=2, loop_body=2)


BEAT = data.StructLayout({"number": 2})
"""Two bits tell beats apart."""


class CountProof(wiring.Component):
    """A part between two streams beside a count of what it holds: none lost, none doubled.

    One beat, whichever, is followed: it comes out as it went in, when all before it are out.
    """

    def __init__(self, dut, room, payload=None):
        self.dut, self.room = dut, room
        self.payload = payload or (lambda beat: beat)
        super().__init__({"i": In(dut.i.signature.flip()), "o": Out(dut.o.signature),
                          "chosen": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        wiring.connect(m, wiring.flipped(self.i), dut.i)
        wiring.connect(m, dut.o, wiring.flipped(self.o))
        taken, given = dut.i.valid & dut.i.ready, dut.o.valid & dut.o.ready
        count = Signal(range(self.room + 2))
        m.d.sync += count.eq(count + taken - given)
        followed, ahead = Signal(), Signal(range(self.room + 2))
        entered, left = dut.i.payload.as_value(), self.payload(dut.o.payload).as_value()
        beat = Signal(len(entered))
        with m.If(~followed & taken & self.chosen):
            m.d.sync += [followed.eq(1), ahead.eq(count - given), beat.eq(entered)]
        with m.Elif(given & (ahead != 0)):
            m.d.sync += ahead.eq(ahead - 1)
        out = Signal()
        with m.If(followed & given & (ahead == 0)):
            m.d.sync += out.eq(1)
        m.d.sync += [
            Assert(count <= self.room, "more is held than there is room for"),
            Assert(~given | (count != 0), "something comes out that never went in"),
            Assert(~(followed & ~out & dut.o.valid & (ahead == 0)) | (left == beat),
                   "a beat is lost, doubled or changed"),
        ]
        return m


@pytest.mark.parametrize("depth, cycles", [(2, 10), (4, 8)])
def test_queue_neither_overflows_nor_loses(depth, cycles):
    prove(CountProof(StreamFifo(BEAT, depth), depth), name=f"tile_queue_{depth}",
          mode="bmc", depth=cycles)


def test_decoder_neither_loses_nor_doubles():
    dut = Decoder(SMALL, "activation")
    prove(CountProof(dut, 1, lambda checked: checked.fields), name="tile_decoder", mode="bmc",
          depth=8)


def test_sequencer_without_loops_neither_loses_nor_doubles():
    dut = Sequencer(TileConfig(size=4, loop_body=0), "tensor")
    prove(CountProof(dut, 1), name="tile_sequencer", mode="bmc", depth=8)


class SemaphoreProof(wiring.Component):
    """Semaphores beside a count of every change that is granted."""

    def __init__(self, dut):
        self.dut = dut
        super().__init__({name: member for name, member in dut.signature.members.items()
                          if name != "values"})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        for name in ("host_write", "host_index", "host_amount", "finish_valid", "finish_index",
                     "finish_amount"):
            m.d.comb += getattr(dut, name).eq(getattr(self, name))
        for name in ("signal", "wait"):
            for inner, outer in zip(getattr(dut, name), getattr(self, name), strict=True):
                m.d.comb += [inner.valid.eq(outer.valid), outer.ready.eq(inner.ready),
                             inner.payload.eq(outer.payload)]
        for index, value in enumerate(dut.values):
            change, borrowed = 0, 0
            for port in dut.signal:
                mine = port.valid & port.ready & (port.payload.index == index)
                change += Mux(mine, port.payload.amount, 0)
            for port in dut.wait:
                granted = port.valid & port.ready & (port.payload.index == index)
                change -= Mux(granted & port.payload.consume, port.payload.value, 0)
                borrowed |= granted & (port.payload.value > value)
            change += Mux(dut.host_write & (dut.host_index == index), dut.host_amount, 0)
            change += Mux(dut.finish_valid & (dut.finish_index == index), dut.finish_amount, 0)
            due = Signal(16, name=f"due_{index}")
            m.d.sync += [due.eq(value + change),
                         Assert(value == due, "a change is lost, doubled or made up"),
                         Assert(~borrowed, "more is taken than there is")]
        grants = Cat(port.valid & port.ready for port in (*dut.signal, *dut.wait))
        m.d.sync += Assert((grants & (grants - 1)) == 0, "two are granted in one cycle")
        return m


class _Overdrawn(Semaphores):
    """A defect: waits end whatever the semaphore is."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += [self.wait[0].ready.eq(self.wait[0].valid)]
        return m


def test_semaphores_never_go_below_zero_and_lose_nothing():
    prove(SemaphoreProof(Semaphores(2)), name="tile_semaphores", depth=2)
    assert len(ENGINES) == 2


def test_proof_notices_a_wait_that_takes_too_much():
    with pytest.raises(ProofError, match="FAIL"):
        prove(SemaphoreProof(_Overdrawn(2)), name="tile_semaphores_broken", mode="bmc", depth=3)


class BankProof(wiring.Component):
    """Each SBUF bank has one user a cycle, and a write changes what it names and nothing else."""

    def __init__(self, dut):
        self.dut = dut
        super().__init__({name: member for name, member in dut.signature.members.items()
                          if member.flow is In})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        for name in self.signature.members:
            if name == "write_data":
                m.d.comb += [inner.eq(outer) for inner, outer in
                             zip(dut.write_data, self.write_data, strict=True)]
            else:
                m.d.comb += getattr(dut, name).eq(getattr(self, name))
        # The tensor engine never reads twice from a bank.
        m.d.comb += Assume(~(dut.moving_en & dut.load_en
                             & (dut.moving_addr[0] == dut.load_addr[0])))
        for bank in range(BANKS):
            users = Cat(dut.moving_en & (dut.moving_addr[0] == bank),
                        dut.load_en & (dut.load_addr[0] == bank),
                        dut.write_grant & (dut.write_addr[0] == bank),
                        dut.read_grant & (dut.read_addr[0] == bank), dut.bus_grant)
            m.d.sync += Assert((users & (users - 1)) == 0, "a bank has two users")
        m.d.sync += [
            Assert(~dut.write_grant | dut.write_en, "a write is granted that nobody wants"),
            Assert(~dut.read_grant | dut.read_en, "a read is granted that nobody wants"),
            Assert(~dut.bus_grant | dut.bus_en, "a bus access is granted that nobody wants")]
        return m


def test_an_sbuf_bank_has_one_user_a_cycle():
    prove(BankProof(Sbuf(SMALL)), name="tile_banks", depth=1)


class DelayProof(wiring.Component):
    """A delay line beside a chain of registers."""

    def __init__(self, dut, mode):
        self.dut, self.mode = dut, mode
        super().__init__({"i_valid": In(1), "i_payload": In(2)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        m.d.comb += [dut.mode.eq(self.mode), dut.i_valid.eq(self.i_valid),
                     dut.i_payload.eq(self.i_payload)]
        entry = Cat(self.i_valid, self.i_payload)
        for index in range(dut.cycles[self.mode]):
            later = Signal(3, name=f"later_{index}")
            m.d.sync += later.eq(entry)
            entry = later
        m.d.sync += [
            Assert(dut.o_valid == entry[0], "a payload is lost or doubled"),
            Assert(~dut.o_valid | (dut.o_payload == entry[1:]), "a payload has changed")]
        return m


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_delay_lines_neither_lose_nor_double(mode):
    prove(DelayProof(DelayLine(2, cycles=(0, 2, 5)), mode), name=f"tile_delay_{mode}", mode="bmc",
          depth=10)


class WatchdogProof(wiring.Component):
    """The watchdog beside a count of the cycles that an engine has waited."""

    def __init__(self):
        super().__init__({"limit": In(32), "waiting": In(2)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = Watchdog()
        limit = Signal(32)
        m.d.sync += limit.eq(self.limit)
        m.d.comb += [Assume(self.limit == limit), Assume(limit < 5), dut.limit.eq(self.limit),
                     dut.waiting.eq(self.waiting)]
        for index in range(2):
            waited = Signal(4, name=f"waited_{index}")
            m.d.sync += waited.eq(Mux(self.waiting[index], Mux(waited == 15, 15, waited + 1), 0))
            m.d.sync += Assert(
                dut.expired[index] == (self.waiting[index] & (limit != 0) & (waited >= limit)),
                "the watchdog expires early or late")
        return m


def test_watchdog_expires_after_its_limit():
    prove(WatchdogProof(), name="tile_watchdog", mode="bmc", depth=12)
