"""The core with RAM, UART, interrupt controller and counters: what ``tilicho run`` simulates."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.config import CoreConfig
from rtl.core.cause import CycleCause
from rtl.core.core import Core
from rtl.core.pipeline import PipelineLayout
from rtl.core.retire import RetireLayout
from rtl.soc.gic import ADDR_WIDTH, Gic
from rtl.soc.memory_map import INTERRUPTS, SPIS, region

from .axi_memory import AXI4Memory
from .core_devices import DEVICE_MEMORY, AddressGate, HarnessDevices, RandomInterrupt
from .local_lite import LocalToLite
from .ram import Log

__all__ = ["CoreHarness", "DEVICES", "DEVICE_MEMORY", "RAM_BASE", "RAM_BYTES", "RETIRE_DEPTH"]

RAM_BASE = region("DRAM").base
RAM_BYTES = 64 << 20
RETIRE_DEPTH = 1 << 15

#: Regions of the memory map that the harness has.
DEVICES = ("UART", "SYSCTL", "GICD", "GICR")


class CoreHarness(wiring.Component):
    """Core, RAM, interrupt controller, UART, exit register, Device memory, counters, retire log.

    Nothing in it waits for the host. A host that clocks at most :data:`RETIRE_DEPTH` cycles at a
    time and then reads the logs loses neither a record nor a character.

    Parameters
    ----------
    config : :class:`CoreConfig`
        The core; by default that of the preset ``sim``.
    latency : :class:`int`
        Cycles from a request at the RAM to its first beat.
    pipeline : :class:`bool`
        Log what moves in the pipeline, too: a row of ``moves`` for each cycle with ``log``.

    Members
    -------
    reset_pc : :py:`In(40)`
        Where the program starts; held while reset is asserted.
    log : :py:`In(1)`
        Write retire records, until the program has ended.
    stall : :py:`In(8)`
        The RAM holds back each channel with a chance of ``stall`` / 256 in each cycle.
    interrupts : :py:`In(8)`
        An interrupt request begins in each cycle with a chance of ``interrupts`` / 65536.
    input_bytes : :py:`In(32)`
        Bytes of input at ``devices.input``.
    exited : :py:`Out(1)`, exit_code : :py:`Out(31)`
        The program has ended.
    sent, logged, watched : :py:`Out(64)`
        Characters in ``devices.output``, records in ``retired``, rows in ``moves``, ever.
    cycles, instructions : :py:`Out(64)`
        Since reset or the program's last mark, up to its end.
    cause_<name> : :py:`Out(64)`
        Cycles attributed to each :class:`CycleCause`; their sum is ``cycles``.
    pc : :py:`Out(64)`
        Of the instruction retired last; without a retire port always 0.
    marks : :py:`Out(8)`, mark_sent : :py:`Out(64)`
        How often the program has asked that counting start anew; characters sent before the last
        time.
    """

    reset_pc: Signal
    log: Signal
    stall: Signal
    interrupts: Signal
    input_bytes: Signal
    exited: Signal
    exit_code: Signal
    sent: Signal
    logged: Signal
    watched: Signal
    cycles: Signal
    instructions: Signal
    pc: Signal
    marks: Signal
    mark_sent: Signal

    def __init__(self, *, config: CoreConfig | None = None, latency: int = 20,
                 pipeline: bool = False):
        self.config = config = CoreConfig() if config is None else config
        self.pipeline = pipeline
        self.latency = latency
        super().__init__({
            "reset_pc":     In(config.addr_width),
            "log":          In(1),
            "stall":        In(8),
            "interrupts":   In(8),
            "input_bytes":  In(32),
            "exited":       Out(1),
            "exit_code":    Out(31),
            "sent":         Out(64),
            "logged":       Out(64),
            "watched":      Out(64),
            "cycles":       Out(64),
            "instructions": Out(64),
            "pc":           Out(64),
            "marks":        Out(8),
            "mark_sent":    Out(64),
            **{f"cause_{cause.name.lower()}": Out(64) for cause in CycleCause},
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = Core(self.config, pipeline_port=self.pipeline)
        m.d.comb += core.reset_pc.eq(self.reset_pc)
        buses = {"instruction": core.ibus, "data": core.dbus}
        m.submodules.dram = dram = AXI4Memory(
            [bus.signature for bus in buses.values()],
            bytes=RAM_BYTES, base=RAM_BASE, latency=self.latency)
        m.d.comb += dram.stall.eq(self.stall)
        for index, (name, bus) in enumerate(buses.items()):
            gate = AddressGate(signature=bus.signature, base=RAM_BASE, bytes=RAM_BYTES)
            m.submodules[f"{name}_gate"] = gate
            wiring.connect(m, bus, gate.s_axi)
            wiring.connect(m, gate.m_axi, getattr(dram, f"s_axi_{index}"))
        m.submodules.devices = devices = HarnessDevices(addr_width=self.config.addr_width)
        m.submodules.interrupt = interrupt = RandomInterrupt()
        self._connect_local(m, core, gate.local, devices, interrupt)
        m.d.comb += [
            interrupt.chance.eq(self.interrupts), interrupt.acknowledge.eq(devices.acknowledge),
            devices.cycles.eq(self.cycles),
            devices.input_bytes.eq(self.input_bytes),
            self.exited.eq(devices.exited),
            self.exit_code.eq(devices.exit_code),
            self.sent.eq(devices.sent), self.marks.eq(devices.marks),
            self.mark_sent.eq(devices.mark_sent),
        ]

        if self.config.retire_port:
            self._log(m, core)
        if self.pipeline:
            m.submodules.moves = moves = Log(width=PipelineLayout().size, depth=RETIRE_DEPTH)
            m.d.comb += [moves.record.eq(core.pipeline), moves.valid.eq(self.log & ~self.exited),
                         self.watched.eq(moves.count)]
        self._count(m, core, devices.mark)
        return m

    def _connect_local(self, m, core, local, devices, interrupt):
        """Connect what is not RAM, the interrupt controller by an AXI4-Lite bus of its own.

        The random interrupt is for programs that do not know the controller: it comes beside it.
        """
        m.submodules.gic = gic = Gic(spis=SPIS)
        m.submodules.gic_access = access = LocalToLite(
            addr_width=self.config.addr_width, lite_width=ADDR_WIDTH)
        wiring.connect(m, access.m_axil, gic.s_axil)
        m.d.comb += [
            gic.port.number.eq(core.gic.number), gic.port.read.eq(core.gic.read),
            gic.port.write.eq(core.gic.write), gic.port.write_value.eq(core.gic.write_value),
            gic.port.ppi.eq(core.gic.ppi), core.gic.value.eq(gic.port.value),
        ]
        m.d.comb += [gic.lines[INTERRUPTS["uart"] - 32].eq(devices.uart_irq),
                     core.gic.irq.eq(gic.port.irq | interrupt.irq)]

        def is_gic(addr):
            shift = (region("GICD").base ^ region("GICR").end - 1).bit_length()
            return addr[shift:] == region("GICD").base >> shift

        for target, reads, writes in (
                (access.local, is_gic(local.read_addr), is_gic(local.write_addr)),
                (devices.local, ~is_gic(local.read_addr), ~is_gic(local.write_addr))):
            m.d.comb += [
                target.read_addr.eq(local.read_addr), target.read.eq(local.read & reads),
                target.write_addr.eq(local.write_addr), target.write.eq(local.write & writes),
                target.write_data.eq(local.write_data), target.write_strobe.eq(local.write_strobe),
            ]
            with m.If(reads):
                m.d.comb += [local.read_data.eq(target.read_data),
                             local.read_known.eq(target.read_known),
                             local.read_ready.eq(target.read_ready)]
            with m.If(writes):
                m.d.comb += [local.write_known.eq(target.write_known),
                             local.write_ready.eq(target.write_ready)]

    def _log(self, m, core):
        m.submodules.retired = retired = Log(width=RetireLayout().size, depth=RETIRE_DEPTH)
        m.d.comb += [
            retired.record.eq(core.retire),
            retired.valid.eq(core.retire.valid & self.log & ~self.exited),
            self.logged.eq(retired.count),
        ]
        with m.If(~self.exited & core.retire.valid):
            m.d.sync += self.pc.eq(core.retire.pc)

    def _count(self, m, core, mark):
        """Count until the program ends: what the core does behind that does not count."""
        counters = {cause: getattr(self, f"cause_{cause.name.lower()}") for cause in CycleCause}
        with m.If(~self.exited):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            with m.Switch(core.cause):
                for cause, counter in counters.items():
                    with m.Case(cause):
                        m.d.sync += counter.eq(counter + 1)
            # The records are what lockstep sees: it must count the same.
            completed = (core.retire.valid & ~core.retire.exception if self.config.retire_port
                         else core.cause == CycleCause.ISSUE)
            with m.If(completed):
                m.d.sync += self.instructions.eq(self.instructions + 1)
        with m.If(mark):
            m.d.sync += [counter.eq(0) for counter in
                         (self.cycles, self.instructions, *counters.values())]
