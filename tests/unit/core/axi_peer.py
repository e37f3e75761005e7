"""AXI4 memory for pysim: answers one manager from a ``bytearray``, with random delays."""

import random
from collections import deque

__all__ = ["AxiPeer"]


class AxiPeer:
    """Memory behind a bus; also a record of the transactions it has seen.

    Parameters
    ----------
    bus
        Interface of the manager, with read channels, and write channels if it has them.
    memory : :class:`bytearray`
        Contents from address 0.
    seed : :class:`int`
        Of the delays.
    failing : range
        Addresses that answer SLVERR.

    Attributes
    ----------
    reads, writes : list of (address, length, size)
        Address beats in order.
    data : list of (data, strobe)
        Write beats in order.
    """

    def __init__(self, bus, memory, *, seed=1, failing=range(0), slow=0.3):
        self.bus = bus
        self.memory = memory
        self.rng = random.Random(seed)
        self.failing = failing
        self.slow = slow
        self.reads, self.writes, self.data = [], [], []

    async def serve(self, ctx):
        """Serve the bus for ever; run it in the background."""
        bus, has_writes = self.bus, hasattr(self.bus, "awvalid")
        lanes = len(bus.rdata) // 8
        beats, answers, addresses, data = deque(), deque(), deque(), deque()
        while True:
            ready = {name: self.rng.random() >= self.slow for name in ("ar", "aw", "w", "r", "b")}
            ctx.set(bus.arready, ready["ar"])
            offered = ready["r"] and bool(beats)
            ctx.set(bus.rvalid, offered)
            if offered:
                address, last = beats[0]
                start = address // lanes * lanes
                ctx.set(bus.rdata, int.from_bytes(self.memory[start:start + lanes], "little"))
                ctx.set(bus.rlast, last)
                ctx.set(bus.rresp, 2 if address in self.failing else 0)
            answered = ready["b"] and bool(answers)
            if has_writes:
                ctx.set(bus.awready, ready["aw"])
                ctx.set(bus.wready, ready["w"])
                ctx.set(bus.bvalid, answered)
                ctx.set(bus.bresp, answers[0] if answers else 0)
            sampled = [bus.arvalid, bus.araddr, bus.arlen, bus.arsize, bus.rready]
            if has_writes:
                sampled += [bus.awvalid, bus.awaddr, bus.awlen, bus.awsize, bus.wvalid, bus.wdata,
                            bus.wstrb, bus.wlast]
            _, _, *now = await ctx.tick().sample(*sampled)
            arvalid, araddr, arlen, arsize, rready, *writes = now
            if arvalid and ready["ar"]:
                self.reads.append((araddr, arlen, arsize))
                for beat in range(arlen + 1):
                    beats.append((araddr + (beat << arsize), beat == arlen))
            if offered and rready:
                beats.popleft()
            if answered:
                answers.popleft()
            if has_writes:
                self._take_writes(writes, ready, addresses, data, answers)

    def _take_writes(self, writes, ready, addresses, data, answers):
        awvalid, awaddr, awlen, awsize, wvalid, wdata, wstrb, wlast = writes
        if awvalid and ready["aw"]:
            self.writes.append((awaddr, awlen, awsize))
            addresses.append((awaddr, awlen, awsize))
        if wvalid and ready["w"]:
            self.data.append((wdata, wstrb))
            data.append((wdata, wstrb, wlast))
        lanes = len(self.bus.rdata) // 8
        while addresses and len(data) > addresses[0][1]:
            address, length, size = addresses.popleft()
            for beat in range(length + 1):
                value, strobe, last = data.popleft()
                assert last == (beat == length)
                start = (address + (beat << size)) // lanes * lanes
                for lane in range(lanes):
                    if strobe >> lane & 1:
                        self.memory[start + lane] = value >> 8 * lane & 0xFF
            answers.append(2 if address in self.failing else 0)
