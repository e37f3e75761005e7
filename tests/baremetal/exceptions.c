/* Synchronous exceptions: vectors, syndromes, return addresses, saved state. */

#include "bare.h"

#define SCTLR_PLAIN 0x30d00800u
#define SCTLR_UMA (1u << 9)
#define SCTLR_DZE (1u << 14)
#define SCTLR_UCT (1u << 15)
#define SCTLR_NTWI (1u << 16)
#define SCTLR_SPAN (1u << 23)
#define SCTLR_UCI (1u << 26)

#define FAR_KEPT 0x123450u
#define SAME 4
#define LOWER 8
#define UNDEFINED 0x02000000u
/* Instruction abort and data abort of EL0 have the lower bit of the class clear. */
#define TRAPPED(op0, op1, crn, crm, op2, rt, read) \
    (0x62000000u | (op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 \
     | (crm) << 1 | (read))

EL0_INSTRUCTION(el0_nop, "nop");
EL0_INSTRUCTION(el0_svc, "svc #0x21");
EL0_INSTRUCTION(el0_brk, "brk #0x22");
EL0_INSTRUCTION(el0_hvc, "hvc #0x23");
EL0_INSTRUCTION(el0_undefined, ".inst 0xffffffff");
EL0_INSTRUCTION(el0_eret, "eret");
EL0_INSTRUCTION(el0_currentel, "mrs x0, currentel");
EL0_INSTRUCTION(el0_vbar, "msr vbar_el1, x0");
EL0_INSTRUCTION(el0_spsel, "msr spsel, #0");
EL0_INSTRUCTION(el0_isw, "dc isw, xzr");
EL0_INSTRUCTION(el0_iallu, "ic iallu");
EL0_INSTRUCTION(el0_ctr, "mrs x3, ctr_el0");
EL0_INSTRUCTION(el0_dczid, "mrs x9, dczid_el0");
EL0_INSTRUCTION(el0_nzcv, "mrs x9, nzcv");
EL0_INSTRUCTION(el0_tpidr, "msr tpidr_el0, x9");
EL0_INSTRUCTION(el0_daifset, "msr daifset, #2");
EL0_INSTRUCTION(el0_daif_read, "mrs x4, daif");
EL0_INSTRUCTION(el0_daif_write, "msr daif, x5");
EL0_INSTRUCTION(el0_civac, "adr x6, .\n\tdc civac, x6");
EL0_INSTRUCTION(el0_cvau, "adr x6, .\n\tdc cvau, x6");
EL0_INSTRUCTION(el0_ivau, "adr x6, .\n\tic ivau, x6");
EL0_INSTRUCTION(el0_zva, "adr x6, exit_block\n\tdc zva, x6");
EL0_INSTRUCTION(el0_wfi, "wfi");
EL0_INSTRUCTION(el0_wfe, "wfe");
EL0_INSTRUCTION(el0_cntvct, "mrs x7, cntvct_el0");
EL0_INSTRUCTION(el0_cntpct, "mrs x7, cntpct_el0");
EL0_INSTRUCTION(el0_cntfrq, "mrs x7, cntfrq_el0");
EL0_INSTRUCTION(el0_cntfrq_write, "msr cntfrq_el0, x7");
EL0_INSTRUCTION(el0_cntv_ctl, "msr cntv_ctl_el0, xzr");
EL0_INSTRUCTION(el0_cntv_tval, "mrs x8, cntv_tval_el0");
EL0_INSTRUCTION(el0_cntp_cval, "mrs x8, cntp_cval_el0");

void on_interrupt(void)
{
    finish(99);
}

static void user(void (*function)(void))
{
    at_el0(function, EL0_MASKED);
}

static void same_level(void)
{
    uint64_t here;

    __asm__ volatile("adr %0, 1f\n1:\tsvc #0x1234" : "=r"(here));
    expect_trap("svc", SAME, 0x56001234);
    expect("svc elr", trap.elr - here, 4);
    expect("svc spsr", trap.spsr & 0x3ff, 0x3c5);
    __asm__ volatile("adr %0, 1f\n1:\tbrk #0x77" : "=r"(here));
    expect_trap("brk", SAME, 0xf2000077);
    expect("brk elr", trap.elr - here, 0);
    WRITE(far_el1, FAR_KEPT);
    __asm__ volatile(".inst 0");
    expect_trap("udf", SAME, UNDEFINED);
    __asm__ volatile(".inst 0xd45a5a40");       /* HLT, but not the one of semihosting */
    expect_trap("hlt", SAME, UNDEFINED);
    __asm__ volatile(".inst 0xd4a00001");       /* DCPS1 */
    expect_trap("dcps1", SAME, UNDEFINED);
    __asm__ volatile(/* SMC */ ".inst 0xd4000023" : : : "x0", "x1", "x2", "x3");
    expect_trap("smc", SAME, UNDEFINED);
    __asm__ volatile(".inst 0xd5310300");       /* MRS of nothing */
    expect_trap("mrs of nothing", SAME, UNDEFINED);
    __asm__ volatile(/* MSR MIDR_EL1 */ ".inst 0xd5180000");
    expect_trap("msr midr", SAME, UNDEFINED);
    __asm__ volatile(/* MRS OSLAR_EL1 */ ".inst 0xd5301080" : : : "x0");
    expect_trap("mrs oslar", SAME, UNDEFINED);
    expect("far is kept", READ(far_el1), FAR_KEPT);
    __asm__ volatile("msr oslar_el1, xzr\n\tmsr osdlr_el1, xzr");
    expect_none("os lock");
}

static void at_lower_level(void)
{
    user(el0_nop);
    expect_none("el0");
    user(el0_svc);
    expect_trap("el0 svc", LOWER, 0x56000021);
    expect("el0 spsr", trap.spsr & 0x3ff, 0x3c0);
    user(el0_brk);
    expect_trap("el0 brk", LOWER, 0xf2000022);
    user(el0_hvc);
    expect_trap("el0 hvc", LOWER, UNDEFINED);
    user(el0_undefined);
    expect_trap("el0 undefined", LOWER, UNDEFINED);
    user(el0_eret);
    expect_trap("el0 eret", LOWER, UNDEFINED);
    user(el0_currentel);
    expect_trap("el0 currentel", LOWER, UNDEFINED);
    user(el0_vbar);
    expect_trap("el0 vbar", LOWER, UNDEFINED);
    user(el0_spsel);
    expect_trap("el0 spsel", LOWER, UNDEFINED);
    user(el0_isw);
    expect_trap("el0 dc isw", LOWER, UNDEFINED);
    user(el0_iallu);
    expect_trap("el0 ic iallu", LOWER, UNDEFINED);
    user(el0_dczid);
    user(el0_nzcv);
    user(el0_tpidr);
    user(el0_wfe);
    expect_none("el0 may");
}

static void controls(void)
{
    WRITE(sctlr_el1, SCTLR_PLAIN);
    WRITE(cntkctl_el1, 0);
    user(el0_ctr);
    expect_trap("el0 ctr", LOWER, TRAPPED(3, 3, 0, 0, 1, 3, 1));
    user(el0_daif_read);
    expect_trap("el0 daif read", LOWER, TRAPPED(3, 3, 4, 2, 1, 4, 1));
    user(el0_daif_write);
    expect_trap("el0 daif write", LOWER, TRAPPED(3, 3, 4, 2, 1, 5, 0));
    user(el0_civac);
    expect_trap("el0 dc civac", LOWER, TRAPPED(1, 3, 7, 14, 1, 6, 0));
    user(el0_cvau);
    expect_trap("el0 dc cvau", LOWER, TRAPPED(1, 3, 7, 11, 1, 6, 0));
    user(el0_ivau);
    expect_trap("el0 ic ivau", LOWER, TRAPPED(1, 3, 7, 5, 1, 6, 0));
    user(el0_zva);
    expect_trap("el0 dc zva", LOWER, TRAPPED(1, 3, 7, 4, 1, 6, 0));
    user(el0_wfi);
    expect_trap("el0 wfi", LOWER, 0x07e00000);
    user(el0_cntvct);
    expect_trap("el0 cntvct", LOWER, TRAPPED(3, 3, 14, 0, 2, 7, 1));
    user(el0_cntpct);
    expect_trap("el0 cntpct", LOWER, TRAPPED(3, 3, 14, 0, 1, 7, 1));
    user(el0_cntfrq);
    expect_trap("el0 cntfrq", LOWER, TRAPPED(3, 3, 14, 0, 0, 7, 1));
    user(el0_cntfrq_write);
    expect_trap("el0 cntfrq write", LOWER, UNDEFINED);
    user(el0_cntv_ctl);
    expect_trap("el0 cntv_ctl", LOWER, TRAPPED(3, 3, 14, 3, 1, 31, 0));
    user(el0_cntv_tval);
    expect_trap("el0 cntv_tval", LOWER, TRAPPED(3, 3, 14, 3, 0, 8, 1));
    user(el0_cntp_cval);
    expect_trap("el0 cntp_cval", LOWER, TRAPPED(3, 3, 14, 2, 2, 8, 1));

    WRITE(sctlr_el1, SCTLR_PLAIN | SCTLR_UCT | SCTLR_UCI | SCTLR_UMA);
    WRITE(cntkctl_el1, 2);
    user(el0_ctr);
    user(el0_civac);
    user(el0_cvau);
    user(el0_ivau);
    user(el0_daif_read);
    user(el0_daifset);
    user(el0_cntvct);
    user(el0_cntfrq);
    expect_none("el0 may now");
    user(el0_cntpct);
    expect_trap("el0 cntpct", LOWER, TRAPPED(3, 3, 14, 0, 1, 7, 1));
    WRITE(cntkctl_el1, 1 | 1 << 8 | 1 << 9);
    user(el0_cntpct);
    user(el0_cntv_ctl);
    user(el0_cntp_cval);
    expect_none("el0 timers");
    user(el0_cntvct);
    expect_trap("el0 cntvct", LOWER, TRAPPED(3, 3, 14, 0, 2, 7, 1));
    expect("cntkctl", READ(cntkctl_el1), 0x301);
    WRITE(sctlr_el1, SCTLR_PLAIN);
}

static void states(void)
{
    static const uint32_t illegal[] = {0x3c1, 0x3c2, 0x3c6, 0x3c8, 0x3c9, 0x3cc, 0x3cd};

    for (unsigned i = 0; i < sizeof illegal / sizeof *illegal; i++) {
        /* The state stays that of EL1 with SP_EL1, apart from flags, masks and the illegal bit. */
        __asm__ volatile("msr spsr_el1, %0\n\tadr x9, 1f\n\tmsr elr_el1, x9\n\teret\n"
                         "1:\tmov x10, #1" : : "r"(illegal[i] | 0x90000000ull) : "x9", "x10", "cc");
        expect_trap("illegal eret", SAME, 0x3a000000);
        expect("spsr", trap.spsr & 0xf01003df, 0x901003c5);
    }
    /* A legal state, with the bit set in SPSR_EL1. */
    __asm__ volatile("msr spsr_el1, %0\n\tadr x9, 1f\n\tmsr elr_el1, x9\n\teret\n"
                     "1:\tmov x10, #1" : : "r"(0x1003c5ull) : "x9", "x10", "cc");
    expect_trap("eret with il", SAME, 0x3a000000);
    at_el0(el0_nop, 0x1003c0);
    expect_trap("eret to el0 with il", LOWER, 0x3a000000);

    /* PAN is set on entry unless SPAN is set; ERET brings it back. */
    __asm__ volatile(".inst 0xd500409f");       /* msr pan, #0 */
    __asm__ volatile("svc #1");
    expect("pan with span", trap.spsr >> 22 & 1, 0);
    __asm__ volatile("svc #1\n\tsvc #2");
    WRITE(sctlr_el1, SCTLR_PLAIN & ~SCTLR_SPAN);
    expect("span", READ(sctlr_el1) >> 23 & 1, 0);
    trap.count = 0;
    at_el0(el0_svc, EL0_MASKED);
    expect("pan of el0", trap.spsr >> 22 & 1, 0);
    WRITE(sctlr_el1, SCTLR_PLAIN);
    /* Leaving EL0 was an entry, too: PAN is set by now. */
    __asm__ volatile("svc #3");
    expect("pan without span", trap.spsr >> 22 & 1, 0);
    trap.count = 0;

    /* The stack pointer of EL0 at EL1 has vectors of its own. */
    __asm__ volatile("msr spsel, #0\n\tsvc #4\n\tmsr spsel, #1" ::: "memory");
    expect_trap("sp_el0 in use", 0, 0x56000004);
    expect("spsr", trap.spsr & 0xf, 4);
}

int main(void)
{
    same_level();
    at_lower_level();
    controls();
    states();
    put(failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
