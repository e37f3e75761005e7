// Entry, vectors and the way to EL0 of the bare-metal tests. One image runs on the core in its
// harness and on qemu's virt machine: both have the RAM at 0x40000000.

    // Offsets in `trap`, see bare.h.
    .equ VECTOR, 0
    .equ ESR, 8
    .equ ELR, 24
    .equ COUNT, 40
    .equ RESUME, 48
    .equ SAVE, 56
    .equ EL0_RETURN, 72

    .section .text.start, "ax"
    .global _start
_start:
    adrp    x0, vectors
    add     x0, x0, :lo12:vectors
    msr     vbar_el1, x0
    ldr     x0, =0x30d00800
    msr     sctlr_el1, x0
    isb
    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0
    adrp    x0, __bss_start
    add     x0, x0, :lo12:__bss_start
    adrp    x1, __bss_end
    add     x1, x1, :lo12:__bss_end
    b       2f
1:  stp     xzr, xzr, [x0], #16
2:  cmp     x0, x1
    b.lo    1b
    bl      main
    b       finish

    // finish(status): the system controller of the core, or semihosting.
    .global finish
finish:
    mrs     x1, midr_el1
    lsr     w1, w1, #24
    cbnz    w1, 1f
    lsl     w0, w0, #1
    orr     w0, w0, #1
    ldr     x1, =SYSCTL_BASE
    str     w0, [x1]
    b       .
1:  adrp    x1, exit_block
    add     x1, x1, :lo12:exit_block
    ldr     x2, =0x20026                // ADP_Stopped_ApplicationExit
    stp     x2, x0, [x1]
    mov     w0, #0x18
    hlt     #0xf000
    b       .

    // at_el0(function, spsr): run it there until it executes SVC 0xffff.
    .global at_el0
at_el0:
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    adrp    x2, trap
    add     x2, x2, :lo12:trap
    adr     x3, 1f
    str     x3, [x2, #EL0_RETURN]
    msr     elr_el1, x0
    msr     spsr_el1, x1
    adrp    x0, el0_stack
    add     x0, x0, :lo12:el0_stack
    msr     sp_el0, x0
    eret
1:  ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret

    // jump(address): what cannot be fetched there comes back here.
    .global jump
jump:
    adrp    x2, trap
    add     x2, x2, :lo12:trap
    str     x30, [x2, #RESUME]
    br      x0

    .macro  vector number
    .balign 128
    msr     tpidrro_el0, x0
    adrp    x0, trap
    add     x0, x0, :lo12:trap
    stp     x1, x2, [x0, #SAVE]
    mov     x1, #\number
    b       handler
    .endm

    // The stack may be what is wrong: only an interrupt uses it.
handler:
    and     w2, w1, #3
    cmp     w2, #1
    b.eq    interrupt
    msr     tpidr_el1, x3
    mrs     x2, esr_el1
    mov     x3, #0xffff
    movk    x3, #0x5600, lsl #16
    cmp     x2, x3
    mrs     x3, tpidr_el1
    b.eq    leave_el0
    str     x1, [x0, #VECTOR]
    mrs     x1, esr_el1
    mrs     x2, far_el1
    stp     x1, x2, [x0, #ESR]
    mrs     x1, elr_el1
    mrs     x2, spsr_el1
    stp     x1, x2, [x0, #ELR]
    ldr     x2, [x0, #COUNT]
    add     x2, x2, #1
    str     x2, [x0, #COUNT]
    ldr     x2, [x0, #RESUME]
    cbz     x2, 1f
    str     xzr, [x0, #RESUME]
    msr     elr_el1, x2
    mov     x2, #0x3c5
    msr     spsr_el1, x2
    b       3f
    // Past the instruction: SVC and an asynchronous error are there already.
1:  mrs     x2, esr_el1
    lsr     x2, x2, #26
    cmp     x2, #0x15
    b.eq    3f
    cmp     x2, #0x2f
    b.eq    3f
    add     x1, x1, #4
    msr     elr_el1, x1
    cmp     x2, #0x0e                   // the state was illegal: go on in the one before
    b.ne    3f
    sub     x1, x1, #4
    msr     elr_el1, x1
    mrs     x2, spsr_el1
    bic     x2, x2, #1 << 20
    msr     spsr_el1, x2
3:  ldp     x1, x2, [x0, #SAVE]
    mrs     x0, tpidrro_el0
    eret

leave_el0:
    ldr     x1, [x0, #EL0_RETURN]
    msr     elr_el1, x1
    mov     x1, #0x3c5
    msr     spsr_el1, x1
    mrs     x0, tpidrro_el0
    eret

interrupt:
    ldp     x1, x2, [x0, #SAVE]
    mrs     x0, tpidrro_el0
    stp     x0, x1, [sp, #-192]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x29, [sp, #144]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x30, x0, [sp, #160]
    str     x1, [sp, #176]
    bl      on_interrupt
    ldr     x1, [sp, #176]
    ldp     x30, x0, [sp, #160]
    msr     daifset, #2
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldp     x18, x29, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #192
    eret

    .balign 2048
vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector  \number
    .endr

    .bss
    .balign 16
    .global exit_block
exit_block:
    .skip   16
    .skip   1024
el0_stack:
    .skip   16
    .global trap
    .balign 16
trap:
    .skip   96
