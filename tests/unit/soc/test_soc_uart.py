# amaranth: UnusedElaboratable=no

"""Unit tests of the UART's registers and of its line."""

import random

import pytest
from amaranth import Module
from amaranth.lib import wiring

from rtl.soc.uart import REGISTERS, Uart, UartDeserialiser, UartSerialiser
from tests.helpers import get_all, put, put_all, simulate
from tests.unit.soc.axil_driver import read_register, write_register

RXFE, TXFF, RXFF, TXFE, BUSY = 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 3


def test_transmits_in_order_and_tells_when_it_is_full():
    dut = Uart(fifo_depth=4)

    async def testbench(ctx):
        assert await read_register(ctx, dut.s_axil, REGISTERS, "FR") == RXFE | TXFE
        for character in b"abcd":
            await write_register(ctx, dut.s_axil, REGISTERS, "DR", character)
        assert await read_register(ctx, dut.s_axil, REGISTERS, "FR") == RXFE | TXFF | BUSY
        await write_register(ctx, dut.s_axil, REGISTERS, "DR", ord("e"))    # lost
        assert bytes(await get_all(ctx, dut.tx, 4, pause="random")) == b"abcd"
        await ctx.tick()
        assert not ctx.get(dut.tx.valid)
        assert await read_register(ctx, dut.s_axil, REGISTERS, "FR") == RXFE | TXFE

    simulate(dut, testbench)


def test_receives_each_character_once():
    dut = Uart(fifo_depth=4)

    async def testbench(ctx):
        for character in b"xyzw":
            await put(ctx, dut.rx, character)
        assert await read_register(ctx, dut.s_axil, REGISTERS, "FR") == RXFF | TXFE
        assert not ctx.get(dut.rx.ready)
        received = [await read_register(ctx, dut.s_axil, REGISTERS, "DR") for _ in range(4)]
        assert bytes(received) == b"xyzw"
        assert await read_register(ctx, dut.s_axil, REGISTERS, "DR") == 0
        assert await read_register(ctx, dut.s_axil, REGISTERS, "FR") == RXFE | TXFE

    simulate(dut, testbench)


def test_interrupts_are_masked_levels():
    dut = Uart(fifo_depth=4)

    async def testbench(ctx):
        assert await read_register(ctx, dut.s_axil, REGISTERS, "RIS") == 1 << 5
        assert not ctx.get(dut.irq)
        await write_register(ctx, dut.s_axil, REGISTERS, "IMSC", 1 << 4)
        assert not ctx.get(dut.irq)
        await put(ctx, dut.rx, 0x41)
        await ctx.tick()
        assert ctx.get(dut.irq)
        assert await read_register(ctx, dut.s_axil, REGISTERS, "MIS") == 1 << 4
        assert await read_register(ctx, dut.s_axil, REGISTERS, "DR") == 0x41
        assert not ctx.get(dut.irq)
        await write_register(ctx, dut.s_axil, REGISTERS, "IMSC", 1 << 5)
        assert ctx.get(dut.irq)

    simulate(dut, testbench)


@pytest.mark.parametrize("name, value", [("IBRD", 0x1234), ("FBRD", 0x2a), ("LCRH", 0x70),
                                         ("CR", 0x301)])
def test_line_settings_are_plain_storage(name, value):
    dut = Uart()

    async def testbench(ctx):
        await write_register(ctx, dut.s_axil, REGISTERS, name, value)
        assert await read_register(ctx, dut.s_axil, REGISTERS, name) == value

    simulate(dut, testbench)


@pytest.mark.parametrize("bit_cycles", [4, 7])
def test_line_carries_characters(bit_cycles):
    m = Module()
    m.submodules.sender = sender = UartSerialiser(bit_cycles=bit_cycles)
    m.submodules.receiver = receiver = UartDeserialiser(bit_cycles=bit_cycles)
    m.d.comb += receiver.line.eq(sender.line)
    rng = random.Random(2)
    characters = [0x00, 0xff, 0x55, *(rng.randrange(256) for _ in range(20))]

    async def source(ctx):
        await put_all(ctx, sender.i, characters, pause="bursty")

    async def sink(ctx):
        assert await get_all(ctx, receiver.o, len(characters)) == characters

    simulate(m, source, sink)


def test_line_has_start_data_from_the_lowest_and_stop_bits():
    dut = UartSerialiser(bit_cycles=3)

    async def testbench(ctx):
        assert ctx.get(dut.line) == 1
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, 0b1100_1010)
        await ctx.tick()
        levels = []
        for _ in range(60):
            levels.append(ctx.get(dut.line))
            await ctx.tick()
        frame = [level for bit in (0, 0, 1, 0, 1, 0, 0, 1, 1, 1) for level in [bit] * 3]
        assert levels == frame * 2

    simulate(dut, testbench)


def test_line_refuses_bits_that_are_too_short():
    with pytest.raises(ValueError, match="at least 2, not 1"):
        UartSerialiser(bit_cycles=1)
    with pytest.raises(ValueError, match="at least 4, not 3"):
        UartDeserialiser(bit_cycles=3)


def test_streams_connect_to_the_line_parts():
    m = Module()
    m.submodules.uart = uart = Uart()
    m.submodules.sender = sender = UartSerialiser(bit_cycles=2)
    m.submodules.receiver = receiver = UartDeserialiser(bit_cycles=4)
    wiring.connect(m, uart.tx, sender.i)
    wiring.connect(m, receiver.o, uart.rx)
