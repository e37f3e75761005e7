"""Reads and writes registers over AXI4-Lite in pysim."""

from rtl.bus import Resp


async def write_register(ctx, axil, registers, name, value, *, strobes=0xf):
    """Write a register by its name and require OKAY."""
    ctx.set(axil.awaddr, registers.register(name).offset)
    ctx.set(axil.wdata, value)
    ctx.set(axil.wstrb, strobes)
    for wire in (axil.awvalid, axil.wvalid, axil.bready):
        ctx.set(wire, 1)
    await ctx.tick().until(axil.awready & axil.wready)
    ctx.set(axil.awvalid, 0)
    ctx.set(axil.wvalid, 0)
    resp, = await ctx.tick().sample(axil.bresp).until(axil.bvalid)
    assert Resp(resp) is Resp.OKAY, name


async def read_register(ctx, axil, registers, name):
    """Read a register by its name and require OKAY."""
    ctx.set(axil.araddr, registers.register(name).offset)
    ctx.set(axil.arvalid, 1)
    ctx.set(axil.rready, 1)
    await ctx.tick().until(axil.arready)
    ctx.set(axil.arvalid, 0)
    data, resp = await ctx.tick().sample(axil.rdata, axil.rresp).until(axil.rvalid)
    assert Resp(resp) is Resp.OKAY, name
    return data
