// Memory for simulation whose rows the host reads and writes directly.
// A read returns the row before a write of the same cycle; several writes to one row in one cycle
// apply in order of their port number.
module sim_ram #(
    parameter WIDTH = 128,
    parameter DEPTH = 1024,
    parameter ADDR_WIDTH = 10,
    parameter READS = 1,
    parameter WRITES = 1
) (
    input                               clk,
    input      [READS*ADDR_WIDTH-1:0]   read_addr,
    input      [READS-1:0]              read_en,
    output reg [READS*WIDTH-1:0]        read_data,
    input      [WRITES*ADDR_WIDTH-1:0]  write_addr,
    input      [WRITES*(WIDTH/8)-1:0]   write_strobe,
    input      [WRITES*WIDTH-1:0]       write_data
);
    // verilator lint_off BLKSEQ
    // verilator lint_off MULTIDRIVEN
    reg [WIDTH-1:0] mem [0:DEPTH-1] /*verilator public_flat_rw*/;

    genvar r, w, b;
    generate
        for (r = 0; r < READS; r = r + 1) begin : g_read
            always @(posedge clk)
                if (read_en[r])
                    read_data[r*WIDTH +: WIDTH] <= mem[read_addr[r*ADDR_WIDTH +: ADDR_WIDTH]];
        end
        for (w = 0; w < WRITES; w = w + 1) begin : g_write
            wire [WIDTH-1:0] mask;
            for (b = 0; b < WIDTH / 8; b = b + 1) begin : g_mask
                assign mask[8*b +: 8] = {8{write_strobe[w*(WIDTH/8) + b]}};
            end
            wire [ADDR_WIDTH-1:0] row = write_addr[w*ADDR_WIDTH +: ADDR_WIDTH];
            always @(posedge clk)
                if (|write_strobe[w*(WIDTH/8) +: WIDTH/8])
                    mem[row] <= (mem[row] & ~mask) | (write_data[w*WIDTH +: WIDTH] & mask);
        end
    endgenerate
endmodule
