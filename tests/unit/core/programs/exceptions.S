// Exceptions, privilege, barriers, maintenance, timer: a self-checking program of the run harness.
// Exit status: 0, or the number of the check that failed. x20 holds the number of the check, and
// the handler leaves the kind of vector in x21, the syndrome in x22, the address in x23, the saved
// state in x24 and the return address in x25.

    .equ EXIT, 0x0A000000
    .equ UNMAPPED, 0x30000000
    .equ DEVICE, 0x09000000

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

    .macro check number
    mov     x20, #\number
    .endm

    .macro expect register, value
    ldr     x26, =\value
    cmp     \register, x26
    b.ne    failed
    .endm

    .macro vector number
    .balign 128
    mov     x21, #\number
    b       handler
    .endm

    .text
    .global _start
_start:
    adr     x0, vectors
    msr     vbar_el1, x0
    mrs     x0, sctlr_el1
    mov     x1, #(1 << 12 | 1 << 3 | 1 << 2)
    orr     x0, x0, x1
    msr     sctlr_el1, x0
    isb
    ldr     x0, =stack
    mov     sp, x0

    check 1                     // SVC returns behind itself, at EL1 with SP_EL1
    mov     x21, #-1
1:  svc     #0x1234
    expect  x22, 0x56001234
    expect  x21, 4
    adr     x1, 1b + 4
    cmp     x25, x1
    b.ne    failed
    and     x2, x24, #0x3ff
    expect  x2, 0x3c5

    check 2                     // undefined encodings: reserved, unallocated, HVC
1:  .inst   0x00000000
    expect  x22, 0x02000000
    adr     x1, 1b
    cmp     x25, x1
    b.ne    failed
    .inst   0xffffffff
    expect  x22, 0x02000000
    hvc     #0
    expect  x22, 0x02000000

    check 3
    brk     #0x77
    expect  x22, 0xf2000077

    check 4                     // unaligned Device accesses, load and store
    ldr     x1, =DEVICE + 2
    mov     x2, #5
    ldr     w2, [x1]
    expect  x22, 0x96000021
    expect  x23, DEVICE + 2
    expect  x2, 5
    str     w2, [x1]
    expect  x22, 0x96000061
    mov     x3, #7
    ldp     x2, x3, [x1], #16
    expect  x22, 0x96000021
    expect  x23, DEVICE + 2
    stp     w2, w3, [x1, #8]!
    expect  x22, 0x96000061
    expect  x23, DEVICE + 10
    ldr     x3, [x1], #8
    expect  x22, 0x96000021
    expect  x2, 5
    expect  x3, 7
    expect  x1, DEVICE + 2

    check 5                     // a bus error leaves base and destinations alone
    ldr     x1, =UNMAPPED
    mov     x2, #6
    mov     x3, #7
    ldp     x2, x3, [x1], #16
    expect  x22, 0x96000010
    expect  x23, UNMAPPED
    expect  x1, UNMAPPED
    expect  x2, 6
    expect  x3, 7
    ldr     x2, [x1, #8]!
    expect  x23, UNMAPPED + 8
    expect  x1, UNMAPPED
    expect  x2, 6

    check 6                     // fetch: not executable, not aligned, out of range
    adr     x30, 1f
    ldr     x1, =DEVICE
    br      x1
1:  expect  x22, 0x86000010
    expect  x23, DEVICE
    adr     x30, 1f
    ldr     x1, =0x40000002
    br      x1
1:  expect  x22, 0x8a000000
    adr     x30, 1f
    mov     x1, #(1 << 44)
    br      x1
1:  expect  x22, 0x86000000

    check 7                     // stack pointer alignment
    mov     x1, sp
    sub     sp, sp, #8
    ldr     x2, [sp]
    expect  x22, 0x9a000000
    mov     sp, x1

    check 8                     // EL0 and back
    adr     x0, user
    msr     elr_el1, x0
    mov     x0, #0x3c0
    msr     spsr_el1, x0
    ldr     x0, =0x40300000
    msr     sp_el0, x0
    adr     x30, returned
    eret
user:
    mov     x5, sp
    mrs     x6, nzcv
    mrs     x7, currentel       // undefined at EL0: the handler skips it
    expect  x22, 0x02000000
    expect  x21, 8
    svc     #9
returned:
    expect  x22, 0x56000009
    expect  x5, 0x40300000
    mrs     x0, currentel
    expect  x0, 4
    mov     x0, sp
    cmp     x0, x1
    b.ne    failed

    check 9                     // self-modifying code
    bl      patched
    expect  x0, 1
    adr     x1, patched
    ldr     w2, =0xd2800040     // mov x0, #2
    str     w2, [x1]
    dc      cvau, x1
    dsb     ish
    ic      ivau, x1
    dsb     ish
    isb
    bl      patched
    expect  x0, 2

    check 10                    // DC ZVA zeroes 64 bytes, and no others
    ldr     x1, =buffer
    mov     x2, #-1
    stp     x2, x2, [x1, #-16]
    stp     x2, x2, [x1]
    stp     x2, x2, [x1, #48]
    stp     x2, x2, [x1, #64]
    add     x3, x1, #20
    dc      zva, x3
    ldr     x4, [x1, #-8]
    expect  x4, 0xffffffffffffffff
    ldp     x4, x5, [x1]
    expect  x4, 0
    ldp     x4, x5, [x1, #48]
    expect  x5, 0
    ldr     x4, [x1, #64]
    expect  x4, 0xffffffffffffffff
    dc      civac, x1
    dsb     sy
    ldr     x4, [x1, #8]
    expect  x4, 0

    check 11                    // virtual timer interrupt
    open_gic
    mov     x21, #-1
    mov     x0, #100
    msr     cntv_tval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    msr     daifclr, #2
    mov     x1, #400
1:  cmn     x21, #1
    b.ne    2f
    subs    x1, x1, #1
    b.ne    1b
2:  msr     daifset, #2
    expect  x21, 5

    check 12                    // error answer to a posted store: SError, when not masked
    mov     x21, #-1
    ldr     x1, =UNMAPPED
    str     x1, [x1]
    dsb     sy
    expect  x21, -1
    mrs     x2, isr_el1
    expect  x2, 0x100
    msr     daifclr, #4
    nop
    msr     daifset, #4
    expect  x21, 7
    lsr     x2, x22, #26
    expect  x2, 0x2f

    check 13                    // the stack pointer of EL0 in use at EL1
    mov     x1, sp
    msr     spsel, #0
    mov     x2, sp
    expect  x2, 0x40300000
    svc     #0
    expect  x21, 0
    sub     sp, sp, #16
    msr     spsel, #1
    mrs     x2, sp_el0
    expect  x2, 0x402ffff0
    mov     x2, sp
    cmp     x1, x2
    b.ne    failed

    check 14                    // counters count, the one of the monitors when it is told to
    mrs     x1, pmccntr_el0
    mrs     x3, pmccntr_el0
    cmp     x1, x3
    b.ne    failed
    mov     x0, #1
    msr     pmcr_el0, x0
    mov     x0, #1 << 31
    msr     pmcntenset_el0, x0
    mrs     x0, cntvct_el0
    mrs     x1, pmccntr_el0
    isb
    mrs     x2, cntvct_el0
    mrs     x3, pmccntr_el0
    cmp     x2, x0
    b.ls    failed
    cmp     x3, x1
    b.ls    failed
    mov     x20, #0
failed:
    lsl     x20, x20, #1
    add     x20, x20, #1
    ldr     x0, =EXIT
    str     w20, [x0]
    b       .

    .balign 64
patched:
    mov     x0, #1
    ret

    .ltorg

    // Synchronous exceptions return behind the instruction, fetch faults and SVC at EL0 to x30.
handler:
    mrs     x22, esr_el1
    mrs     x23, far_el1
    mrs     x24, spsr_el1
    mrs     x25, elr_el1
    cmp     x21, #5
    b.eq    timer
    and     x27, x21, #3
    cmp     x27, #0
    b.ne    2f
    lsr     x26, x22, #26
    cmp     x26, #0x15
    b.eq    1f
    cmp     x26, #0x21
    b.eq    3f
    cmp     x26, #0x22
    b.eq    3f
    add     x28, x25, #4
    msr     elr_el1, x28
    eret
1:  cmp     x21, #8
    b.ne    2f
3:  msr     elr_el1, x30
    mov     x28, #0x3c5
    msr     spsr_el1, x28
2:  eret
timer:
    mrs     x28, icc_iar1_el1
    msr     cntv_ctl_el0, xzr
    msr     icc_eoir1_el1, x28
    eret

    .balign 2048
vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector  \number
    .endr

    .bss
    .balign 64
    .skip   64
buffer:
    .skip   256
    .balign 16
    .skip   4096
stack:
