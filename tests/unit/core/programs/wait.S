// WFI: waits for the virtual timer, masked and not masked. Exit status: the number of the check.

    .equ EXIT, 0x0A000000
    .equ DELAY, 3000

    // Let the interrupts of both timers through to the core.
    .macro  open_gic
    ldr     x9, =0x08000000             // GICD_CTLR: group 1
    mov     w10, #2
    str     w10, [x9]
    ldr     x9, =0x080a0014             // GICR_WAKER
    str     wzr, [x9]
    ldr     x9, =0x080b0100             // GICR_ISENABLER0
    mov     w10, #0x48000000
    str     w10, [x9]
    mov     x10, #0xf0
    msr     icc_pmr_el1, x10
    mov     x10, #1
    msr     icc_igrpen1_el1, x10
    dsb     sy
    .endm

    .text
    .global _start
_start:
    adr     x0, vectors
    msr     vbar_el1, x0
    open_gic
    mov     x21, #0
    mov     x1, #1

    // Masked: the wait ends when the timer expires, no interrupt is taken.
    mov     x20, #1
    mov     x0, #DELAY
    mrs     x2, cntvct_el0
    msr     cntv_tval_el0, x0
    msr     cntv_ctl_el0, x1
    wfi
    mrs     x3, cntvct_el0
    sub     x4, x3, x2
    cmp     x4, #DELAY
    b.lo    failed
    cmp     x4, #DELAY + 200
    b.hi    failed
    cbnz    x21, failed
    // It is still requested: the next one ends at once.
    mov     x20, #2
    wfi
    mrs     x4, cntvct_el0
    sub     x4, x4, x3
    cmp     x4, #100
    b.hi    failed

    // Not masked: the interrupt is taken behind the WFI.
    mov     x20, #3
    msr     cntv_ctl_el0, xzr
    msr     cntv_tval_el0, x0
    msr     cntv_ctl_el0, x1
    msr     daifclr, #2
    wfi
after:
    msr     daifset, #2
    cmp     x21, #1
    b.ne    failed
    adr     x2, after
    cmp     x22, x2
    b.ne    failed

    // The physical timer wakes, too.
    mov     x20, #4
    mrs     x2, cntpct_el0
    msr     cntp_tval_el0, x0
    msr     cntp_ctl_el0, x1
    wfi
    mrs     x3, cntpct_el0
    sub     x4, x3, x2
    cmp     x4, #DELAY
    b.lo    failed
    mrs     x4, cntp_ctl_el0
    cmp     x4, #5
    b.ne    failed
    // A compare value that is never reached: the comparison has no sign.
    mov     x20, #5
    mov     x2, #-1
    msr     cntp_cval_el0, x2
    mrs     x4, cntp_ctl_el0
    cmp     x4, #1
    b.ne    failed
    mrs     x4, cntp_cval_el0
    cmp     x4, x2
    b.ne    failed
    mov     x20, #0
failed:
    lsl     x20, x20, #1
    add     x20, x20, #1
    ldr     x0, =EXIT
    str     w20, [x0]
    b       .
    .ltorg

    .balign 2048
vectors:
    .skip   0x280
    add     x21, x21, #1
    mrs     x22, elr_el1
    mrs     x23, icc_iar1_el1
    msr     cntv_ctl_el0, xzr
    msr     icc_eoir1_el1, x23
    eret
