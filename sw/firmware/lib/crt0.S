// Reset entry and default exception vectors. The core starts here at EL1h with registers zero.

    .section .text.start, "ax"
    .global _start
_start:
    // The vectors come first: a fault in anything that follows is then reported.
    adrp    x0, __vectors
    add     x0, x0, :lo12:__vectors
    msr     vbar_el1, x0
    // SError, too: a store to where nothing is reports that late.
    msr     daifclr, #4

    // Caches on: SCTLR_EL1.C and I.
    mrs     x0, sctlr_el1
    mov     x1, #(1 << 2 | 1 << 12)
    orr     x0, x0, x1
    msr     sctlr_el1, x0
    isb

    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0

    // The linker script aligns both ends of .bss to 16 bytes.
    adrp    x0, __bss_start
    add     x0, x0, :lo12:__bss_start
    adrp    x1, __bss_end
    add     x1, x1, :lo12:__bss_end
    b       2f
1:  stp     xzr, xzr, [x0], #16
2:  cmp     x0, x1
    b.lo    1b

    // Thread-local variables: the ABI puts a control block of 16 bytes in front of them, and their
    // section is aligned to 64.
    adrp    x0, __tls_start
    add     x0, x0, :lo12:__tls_start
    sub     x0, x0, #64
    msr     tpidr_el0, x0

    mov     x29, xzr
    mov     x30, xzr
    bl      __libc_start
3:  b       3b

    .global __restart
__restart:
    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0
    b       __libc_again

    .macro  entry vector
    .balign 128
    mov     x0, #\vector
    b       unexpected
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global __vectors
__vectors:
    .irp    vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    entry   \vector
    .endr

    .balign 128
unexpected:
    mrs     x1, esr_el1
    mrs     x2, elr_el1
    mrs     x3, far_el1
    mov     x4, sp
    adrp    x5, __crash
    add     x5, x5, :lo12:__crash
    stp     x0, x1, [x5]
    stp     x2, x3, [x5, #16]
    stp     x4, x29, [x5, #32]
    str     x30, [x5, #48]
    // The stack pointer may be what is wrong: the report gets the top of the stack again.
    adrp    x4, __stack_top
    add     x4, x4, :lo12:__stack_top
    mov     sp, x4
    b       tilicho_unexpected_exception

    // For the host: vector, ESR, ELR, FAR, SP, X29, X30 of the exception that ended the program.
    .section .noinit, "aw", %nobits
    .balign 64
    .global __crash
__crash:
    .skip   64
