// 64 pseudo-random numbers, their squares and quotients, computed into the data cache, which is
// then written back. The word behind the results says that it is done.

    .text
    .global _start
_start:
    mrs     x0, sctlr_el1
    orr     x0, x0, #(1 << 2)
    msr     sctlr_el1, x0
    isb
    movz    x1, #0x4000, lsl #16
    movk    x1, #0x8000
    movz    x2, #0xdef1
    movk    x2, #0x9abc, lsl #16
    movk    x2, #0x5678, lsl #32
    movk    x2, #0x1234, lsl #48
    mov     x3, #1
1:  eor     x2, x2, x2, lsl #13
    eor     x2, x2, x2, lsr #7
    eor     x2, x2, x2, lsl #17
    udiv    x4, x2, x3
    madd    x4, x2, x2, x4
    str     x4, [x1], #8
    add     x3, x3, #1
    cmp     x3, #64
    b.le    1b
    sub     x5, x1, #512
2:  dc      cvac, x5
    add     x5, x5, #64
    cmp     x5, x1
    b.lo    2b
    dsb     sy
    mov     w6, #1
    strb    w6, [x1]
    dc      cvac, x1
    b       .
