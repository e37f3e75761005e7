"""Memories and logs of simulations, whose rows the host reaches without a call per cycle."""

from pathlib import Path

from amaranth import Cat, ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Log", "SOURCES", "SimRam"]

#: SystemVerilog that a design with a :class:`SimRam` in it needs beside its own.
SOURCES = (Path(__file__).with_name("sim_ram.sv"),)


class SimRam(wiring.Component):
    """Memory with any number of ports; simulation only (Verilator and Icarus, not pysim).

    Parameters
    ----------
    width : :class:`int`
        Bits of a row, a multiple of 32.
    depth : :class:`int`
        Rows.
    reads, writes : :class:`int`
        Ports.

    Members
    -------
    read_addr, read_en, read_data : one of each for each read port
        ``read_data`` holds the row from the cycle after one with ``read_en`` to the next such.
        A write of the same cycle is not seen.
    write_addr, write_strobe, write_data : one of each for each write port
        Bytes with their bit of ``write_strobe`` set are written at the edge. Two ports must not
        write one row in one cycle.
    """

    def __init__(self, *, width: int, depth: int, reads: int = 1, writes: int = 1):
        if width % 32 or width <= 0:
            raise ValueError(f"Width must be a positive multiple of 32, not {width!r}")
        if depth < 2:
            raise ValueError(f"Depth must be at least 2, not {depth!r}")
        self.width = width
        self.depth = depth
        self.reads = reads
        self.writes = writes
        self.addr_width = (depth - 1).bit_length()
        super().__init__({
            "read_addr":    In(self.addr_width).array(reads),
            "read_en":      In(1).array(reads),
            "read_data":    Out(width).array(reads),
            "write_addr":   In(self.addr_width).array(writes),
            "write_strobe": In(width // 8).array(writes),
            "write_data":   In(width).array(writes),
        })

    def elaborate(self, platform):
        m = Module()
        read_data = Signal(self.width * self.reads)
        m.submodules.ram = Instance(
            "sim_ram",
            p_WIDTH=self.width, p_DEPTH=self.depth, p_ADDR_WIDTH=self.addr_width,
            p_READS=self.reads, p_WRITES=self.writes,
            i_clk=ClockSignal(),
            i_read_addr=Cat(self.read_addr), i_read_en=Cat(self.read_en), o_read_data=read_data,
            i_write_addr=Cat(self.write_addr), i_write_strobe=Cat(self.write_strobe),
            i_write_data=Cat(self.write_data),
        )
        for i, port in enumerate(self.read_data):
            m.d.comb += port.eq(read_data.word_select(i, self.width))
        return m


class Log(wiring.Component):
    """Ring of records that the host reads; never stalls its source.

    Parameters
    ----------
    width : :class:`int`
        Bits of a record; a row is rounded up to a multiple of 32.
    depth : :class:`int`
        Rows, a power of two. A host that runs at most ``depth`` cycles between two looks loses
        nothing.

    Members
    -------
    record : :py:`In(width)`
        What to log.
    valid : :py:`In(1)`
        Log ``record`` at this edge.
    count : :py:`Out(64)`
        Records logged since reset; record ``n`` stands in row ``n % depth``.
    """

    record: Signal
    valid: Signal
    count: Signal

    def __init__(self, *, width: int, depth: int):
        if depth & (depth - 1) or depth < 2:
            raise ValueError(f"Depth must be a power of two from 2, not {depth!r}")
        self.depth = depth
        self.row_width = -(-width // 32) * 32
        super().__init__({"record": In(width), "valid": In(1), "count": Out(64)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = SimRam(width=self.row_width, depth=self.depth)
        m.d.comb += [
            ram.write_addr[0].eq(self.count),
            ram.write_data[0].eq(self.record),
            ram.write_strobe[0].eq(self.valid.replicate(self.row_width // 8)),
        ]
        with m.If(self.valid):
            m.d.sync += self.count.eq(self.count + 1)
        return m
