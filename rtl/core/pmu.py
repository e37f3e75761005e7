"""Performance monitors: a cycle counter and counters of events, the causes of cycles among them."""

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.cause import CycleCause
from rtl.core.sysreg_table import SysReg

__all__ = ["CAUSE_EVENTS", "Event", "EventsLayout", "PerformanceMonitors"]

CAUSE_EVENTS = 0x0C0
"""Number of the first of 16 events that count the cycles of one :class:`CycleCause` each."""

CYCLE_INDEX = 31
CHAIN = 0x1E


class Event(enum.Enum, shape=5):
    """Architectural events, by their numbers."""

    SW_INCR = 0x00
    L1I_CACHE_REFILL = 0x01
    L1D_CACHE_REFILL = 0x03
    L1D_CACHE = 0x04
    INST_RETIRED = 0x08
    EXC_TAKEN = 0x09
    EXC_RETURN = 0x0A
    BR_MIS_PRED = 0x10
    CPU_CYCLES = 0x11
    BR_PRED = 0x12


class EventsLayout(data.StructLayout):
    """What happened in a cycle, as far as it is not the cause of the cycle.

    Members
    -------
    L1I_CACHE_REFILL, L1D_CACHE_REFILL : 1
        A line is asked for.
    L1D_CACHE : 1
        A cached access ends.
    EXC_TAKEN, EXC_RETURN : 1
        An exception is entered or left.
    BR_MIS_PRED, BR_PRED : 1
        A branch is resolved, mispredicted, or at all.
    """

    def __init__(self):
        super().__init__({"L1I_CACHE_REFILL": 1, "L1D_CACHE_REFILL": 1, "L1D_CACHE": 1,
                          "EXC_TAKEN": 1, "EXC_RETURN": 1, "BR_MIS_PRED": 1, "BR_PRED": 1})


class PerformanceMonitors(wiring.Component):
    """PMUv3 with a 64-bit cycle counter and ``counters`` 32-bit event counters.

    An event counts one cycle after it happened, under the enables and at the level of that
    later cycle. So counters that are enabled together count the causes of the same cycles, and
    the sum over all causes is what the cycle counter counts.

    Parameters
    ----------
    counters : :class:`int`
        Event counters, 1 to 6. The registers of further ones read as zero.

    Members
    -------
    number : :py:`In(SysReg)`, value : :py:`Out(64)`
        Register to read, combinationally.
    write : :py:`In(1)`, write_value : :py:`In(64)`
        Write ``number``, at the clock edge.
    el0 : :py:`In(1)`
        Execution is at EL0.
    cause : :py:`In(CycleCause)`, events : :py:`In(EventsLayout())`
        What this cycle was spent on, and what happened in it.
    user : :py:`Out(4)`
        PMUSERENR_EL0: EN, SW, CR and ER, from the lowest bit on.
    irq : :py:`Out(1)`
        A counter has overflowed whose interrupt is enabled; a level.
    """

    def __init__(self, *, counters: int):
        if not 1 <= counters <= 6:
            raise ValueError(f"Event counters must be 1 to 6, not {counters!r}")
        self.counters = counters
        super().__init__({
            "number":      In(SysReg),
            "value":       Out(64),
            "write":       In(1),
            "write_value": In(64),
            "el0":         In(1),
            "cause":       In(CycleCause),
            "events":      In(EventsLayout()),
            "user":        Out(4),
            "irq":         Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        number, value = self.number, self.write_value
        # The counters' bits in PMCNTENSET and its kin, the cycle counter's last.
        size = self.counters + 1
        enables, overflows, interrupts = (Signal(size, name=name) for name in
                                          ("enables", "overflows", "interrupts"))
        enable, select = Signal(), Signal(5)
        bits = Cat(value[:self.counters], value[CYCLE_INDEX])

        def wide(mask):
            return Cat(mask[:-1], Const(0, CYCLE_INDEX - self.counters), mask[-1])

        m.d.sync += self.irq.eq(enable & (overflows & interrupts).any())
        indirect = (number == SysReg.PMXEVTYPER) | (number == SysReg.PMXEVCNTR)
        index = Signal(5)
        m.d.comb += index.eq(Mux(indirect, select, number.as_value()[:3]))
        writes_type = self.write & ((number == SysReg.PMXEVTYPER) | (
            number.as_value()[3:] == SysReg.PMEVTYPER0.value >> 3))
        writes_count = self.write & ((number == SysReg.PMXEVCNTR) | (
            number.as_value()[3:] == SysReg.PMEVCNTR0.value >> 3))

        wraps = Signal(size)
        types, counts = self._event_counters(m, enable, enables, wraps, index, bits,
                                             writes_type, writes_count)
        cycles, cycle_filter = self._cycle_counter(m, enable & enables[-1], wraps, writes_type
                                                   & (index == CYCLE_INDEX))
        m.d.sync += overflows.eq(overflows | wraps)
        overflown = overflows | wraps

        with m.Switch(number):
            for register, mask in ((SysReg.PMCNTENSET, enables), (SysReg.PMOVSSET, overflows),
                                   (SysReg.PMINTENSET, interrupts)):
                with m.Case(register, SysReg(register.value + 1)):
                    m.d.comb += self.value.eq(wide(mask))
            for register, shown in {
                SysReg.PMCR: Cat(enable, Const(0, 5), Const(1, 1), Const(0, 4),
                                 Const(self.counters, 5)),
                SysReg.PMSELR: select, SysReg.PMCCNTR: cycles, SysReg.PMUSERENR: self.user,
                SysReg.PMCCFILTR: Cat(Const(0, 30), cycle_filter),
                SysReg.PMCEID0: sum(1 << event.value for event in Event) | 1 << CHAIN,
            }.items():
                with m.Case(register):
                    m.d.comb += self.value.eq(shown)
            with m.Case(SysReg.PMXEVTYPER, *self._numbers(SysReg.PMEVTYPER0)):
                with m.If(index == CYCLE_INDEX):
                    m.d.comb += self.value.eq(Cat(Const(0, 30), cycle_filter))
                with m.Elif(index < self.counters):
                    m.d.comb += self.value.eq(types[index])
            with m.Case(SysReg.PMXEVCNTR, *self._numbers(SysReg.PMEVCNTR0)):
                with m.If(index < self.counters):
                    m.d.comb += self.value.eq(counts[index])

        with m.If(self.write):
            with m.Switch(number):
                with m.Case(SysReg.PMCR):
                    m.d.sync += enable.eq(value[0])
                with m.Case(SysReg.PMSELR):
                    m.d.sync += select.eq(value)
                with m.Case(SysReg.PMUSERENR):
                    m.d.sync += self.user.eq(value)
                for register, mask, now in ((SysReg.PMCNTENSET, enables, enables),
                                            (SysReg.PMOVSSET, overflows, overflown),
                                            (SysReg.PMINTENSET, interrupts, interrupts)):
                    with m.Case(register):
                        m.d.sync += mask.eq(now | bits)
                    with m.Case(SysReg(register.value + 1)):
                        m.d.sync += mask.eq(now & ~bits)
        return m

    def _numbers(self, first):
        return [SysReg(first.value + index) for index in range(6)]

    def _cycle_counter(self, m, enable, wraps, writes_filter):
        """Return PMCCNTR_EL0 and the two bits of its filter."""
        cycles, filtered = Signal(64), Signal(2)
        value = self.write_value
        counts = Signal()
        m.d.comb += [counts.eq(enable & ~Mux(self.el0, filtered[0], filtered[1])),
                     wraps[-1].eq(counts & cycles.all())]
        m.d.sync += cycles.eq(cycles + counts)
        with m.If(self.write & (self.number == SysReg.PMCR) & value[2]):
            m.d.sync += cycles.eq(0)
        with m.If(self.write & (self.number == SysReg.PMCCNTR)):
            m.d.sync += cycles.eq(value)
        with m.If(writes_filter | (self.write & (self.number == SysReg.PMCCFILTR))):
            m.d.sync += filtered.eq(value[30:])
        return cycles, filtered

    def _event_counters(self, m, enable, enables, wraps, index, bits, writes_type, writes_count):
        """Return the type registers and the counters."""
        value = self.write_value
        events, cause = Signal(EventsLayout()), Signal(CycleCause)
        m.d.sync += [events.eq(self.events), cause.eq(self.cause)]
        clear = self.write & (self.number == SysReg.PMCR) & value[1]
        increment, increments = self.write & (self.number == SysReg.PMSWINC), Signal(self.counters)
        m.d.sync += increments.eq(bits[:-1] & increment.replicate(self.counters))
        types, counts = [], []
        for place in range(self.counters):
            event = Signal(10, name=f"event_{place}")
            filtered = Signal(2, name=f"filter_{place}")
            count = Signal(32, name=f"count_{place}")
            happens = Signal(name=f"happens_{place}")
            with m.If(event[5:] == 0):
                with m.Switch(event[:5]):
                    for name in events.shape().members:
                        with m.Case(Event[name].value):
                            m.d.comb += happens.eq(events[name])
                    with m.Case(Event.SW_INCR.value):
                        m.d.comb += happens.eq(increments[place])
                    with m.Case(Event.INST_RETIRED.value):
                        m.d.comb += happens.eq(cause == CycleCause.ISSUE)
                    with m.Case(Event.CPU_CYCLES.value):
                        m.d.comb += happens.eq(1)
                    if place % 2:
                        with m.Case(CHAIN):
                            m.d.comb += happens.eq(wraps[place - 1])
            with m.Elif(event[4:] == CAUSE_EVENTS >> 4):
                m.d.comb += happens.eq(cause.as_value() == event[:4])
            counting = Signal(name=f"counting_{place}")
            m.d.comb += [
                counting.eq(happens & enable & enables[place]
                            & ~Mux(self.el0, filtered[0], filtered[1])),
                wraps[place].eq(counting & count.all()),
            ]
            m.d.sync += count.eq(count + counting)
            with m.If(clear):
                m.d.sync += count.eq(0)
            with m.If(writes_count & (index == place)):
                m.d.sync += count.eq(value)
            with m.If(writes_type & (index == place)):
                m.d.sync += [event.eq(value), filtered.eq(value[30:])]
            types.append(Cat(event, Const(0, 20), filtered))
            counts.append(count)
        return Array(types), Array(counts)
