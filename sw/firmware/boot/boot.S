// Boot ROM: starts the image whose header stands at the bottom of DRAM.
//
//   +0   magic, the characters "TILICHO1"
//   +8   address to load the payload to; where it stands already, nothing is copied
//   +16  bytes of the payload
//   +24  address of the first instruction
//   +64  payload
//
// Without the magic it ends the simulation with exit code 126.

    .equ    HEADER_BYTES, 64
    .equ    NO_IMAGE, 126

    .section .text, "ax"
    .global _start
_start:
    // The copy runs from the instruction cache. The data cache stays off: what is copied here is
    // fetched as instructions.
    mrs     x9, sctlr_el1
    orr     x9, x9, #(1 << 12)
    msr     sctlr_el1, x9
    isb

    ldr     x0, =DRAM_BASE
    ldr     x8, =0x314f4843494c4954
    ldp     x1, x2, [x0]
    ldp     x3, x4, [x0, #16]
    cmp     x1, x8
    b.ne    no_image

    add     x5, x0, #HEADER_BYTES
    cmp     x2, x5
    b.eq    start
    cbz     x3, start
copy:
    ldp     x6, x7, [x5], #16
    stp     x6, x7, [x2], #16
    subs    x3, x3, #16
    b.hi    copy

start:
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    br      x4

no_image:
    ldr     x0, =SYSCTL_BASE
    mov     w1, #(NO_IMAGE << 1 | 1)
    str     w1, [x0]
    b       .

    .ltorg
