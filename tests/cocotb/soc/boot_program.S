// Runs from SRAM: prints, takes one timer interrupt, ends with exit code 42.

    .section .text.start, "ax"
    .global _start
_start:
    mov     w0, #1                      // 1: not where it was linked
    adr     x19, _start
    ldr     x20, =EXPECTED_START
    cmp     x19, x20
    b.ne    finish

    adr     x1, vectors
    msr     vbar_el1, x1
    adr     x1, text
    ldr     x2, =UART_BASE
1:  ldrb    w3, [x1], #1
    cbz     w3, 3f
2:  ldr     w4, [x2, #UART_FR]
    tbnz    w4, #5, 2b
    str     w3, [x2]
    b       1b

    // 64-bit accesses to the two words of a counter and of its compare value.
3:  ldr     x5, =TIMER_BASE
    ldr     x6, [x5, #TIMER_COUNT_LO]
    add     x6, x6, #600
    str     x6, [x5, #TIMER_COMPARE_LO]
    mov     w7, #3
    str     w7, [x5, #TIMER_CTRL]
    ldr     x8, =GICD_BASE
    mov     w7, #2
    str     w7, [x8]                    // GICD_CTLR: group 1
    mov     w7, #1 << (IRQ_TIMER - 32)
    str     w7, [x8, #0x104]            // GICD_ISENABLER1
    ldr     x11, =GICR_BASE
    str     wzr, [x11, #0x14]           // GICR_WAKER
    mov     x7, #0xf0
    msr     icc_pmr_el1, x7
    mov     x7, #1
    msr     icc_igrpen1_el1, x7
    mov     x21, xzr
    msr     daifclr, #2
    mov     x9, #20000
4:  cbnz    x21, 5f
    subs    x9, x9, #1
    b.ne    4b
    mov     w0, #2                      // 2: no interrupt
    b       finish
5:  mov     w0, #5                      // 5: another interrupt
    cmp     x21, #1
    b.ne    finish
    mov     w0, #3                      // 3: it came too early
    ldr     x10, [x5, #TIMER_COUNT_LO]
    cmp     x10, x6
    b.lo    finish
    mov     w0, #42

finish:
    lsl     w0, w0, #1
    orr     w0, w0, #1
    ldr     x8, =SYSCTL_BASE
    str     w0, [x8]
    b       .

text:
    .asciz  "booted\n"
    .ltorg

    .balign 2048
vectors:
    .rept   5
    mov     w0, #4                      // 4: another exception
    b       finish
    .balign 128
    .endr
    // IRQ at the current level, with its own stack pointer: vectors + 0x280.
    mrs     x12, icc_iar1_el1
    str     wzr, [x5, #TIMER_CTRL]
    dsb     sy
    msr     icc_eoir1_el1, x12
    sub     x21, x12, #IRQ_TIMER - 1
    eret
    .balign 128
    .rept   10
    mov     w0, #4
    b       finish
    .balign 128
    .endr
