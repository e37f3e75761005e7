"""The rewriting of SystemVerilog for speed: what moves, what must not, and that nothing changes."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.build import build_shared
from sim.lazy import make_lazy

SOURCE = """\
module top(a, en, go, clk, rst, q, r, s);
  input [7:0] a;
  wire [7:0] a;
  output [7:0] q;
  reg [7:0] q = 8'h00;
  wire [7:0] \\$1 ;
  wire [7:0] \\$2 ;
  wire [7:0] shared;
  wire unused;
  reg [7:0] \\$3 ;
  reg [7:0] \\$4 ;
  assign \\$1  = a + 1'h1;
  assign \\$2  = \\$1  ^ shared;
  assign shared = ~ a;
  assign unused = \\$2 [0];
  always_ff @(posedge clk)
    q <= \\$3 ;
  always_ff @(posedge clk)
    r <= \\$4 ;
  always_comb begin
    \\$3  = q;
    if (en) begin
      \\$3  = \\$2 ;
    end
    if (rst) begin
      \\$3  = 8'h00;
    end
  end
  always_comb begin
    \\$4  = r;
    if (go) begin
      \\$4  = shared;
    end else if (en) begin
      \\$4  = a;
    end
  end
endmodule
"""

EXPECTED = """\
module top(a, en, go, clk, rst, q, r, s);
  input [7:0] a;
  wire [7:0] a;
  output [7:0] q;
  reg [7:0] q = 8'h00;
  wire [7:0] shared;
  wire unused;
  reg [7:0] \\$3 ;
  reg [7:0] \\$4 ;
  assign shared = ~ a;
  always_ff @(posedge clk) begin
    if (go) begin
      r <= shared;
    end else if (en) begin
      r <= a;
    end
  end
  always_ff @(posedge clk) begin
    if (en) begin : lazy_0
      automatic logic [7:0] \\$1 ;
      automatic logic [7:0] \\$2 ;
      \\$1  = a + 1'h1;
      \\$2  = \\$1  ^ shared;
      q <= \\$2 ;
    end
    if (rst) begin
      q <= 8'h00;
    end
  end
endmodule
"""


def squeezed(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_only_what_one_branch_needs_moves():
    assert squeezed(make_lazy(SOURCE)) == squeezed(EXPECTED)


class Mixed(wiring.Component):
    """Registers with and without enables, slices, a case, a shared and a nested expression."""

    def __init__(self):
        super().__init__({"x": In(16), "y": In(16), "o": Out(48)})

    def elaborate(self, platform):
        m = Module()
        a, b, c = (Signal(16, name=name) for name in "abc")
        mixed = Signal(16)
        m.d.comb += mixed.eq((self.x * 3) ^ (self.y >> self.x[:3]))
        with m.If(self.x[0]):
            m.d.sync += a.eq(mixed + b)
            with m.If(self.y[1]):
                m.d.sync += a[4:9].eq(self.x - self.y)
        with m.If(self.y[3]):
            m.d.sync += b.eq(mixed ^ c)
        with m.Elif(self.x[4]):
            m.d.sync += b.eq(self.y)
        with m.Switch(self.x[:2]):
            with m.Case(1):
                m.d.sync += c.eq(a + self.y)
            with m.Case(2, 3):
                m.d.sync += c[:8].eq(b)
        m.d.comb += self.o[:16].eq(a)
        m.d.comb += self.o[16:32].eq(b)
        m.d.comb += self.o[32:].eq(c)
        return m


def test_behaviour_stays():
    """The traced build is not rewritten: both must show the same outputs in every cycle."""
    lazy, plain = (build_shared(Mixed(), name="lazy", trace=trace) for trace in (None, "vcd"))
    assert "automatic logic" in (lazy.folder / "top.sv").read_text()
    assert "automatic logic" not in (plain.folder / "top.sv").read_text()
    value = 12345
    for model in (lazy, plain):
        model.reset()
    for _ in range(500):
        for name in "xy":
            value = value * 1103515245 + 12345 & 0x7FFF_FFFF
            for model in (lazy, plain):
                model.set(name, value >> 12 & 0xFFFF)
        for model in (lazy, plain):
            model.tick()
        assert lazy.get("o") == plain.get("o")
