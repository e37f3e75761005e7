/* Performance monitors: access at EL0, filters, overflow and its interrupt, chained counters. */

#include "bare.h"

#define TRAPPED(crn, crm, op2, rt, read) \
    (0x6230c000u | (op2) << 17 | (crn) << 10 | (rt) << 5 | (crm) << 1 | (read))

EL0_INSTRUCTION(el0_cycles, "mrs x3, pmccntr_el0");
EL0_INSTRUCTION(el0_set_cycles, "msr pmccntr_el0, x3");
EL0_INSTRUCTION(el0_counter, "mrs x4, pmevcntr0_el0");
EL0_INSTRUCTION(el0_select, "msr pmselr_el0, xzr");
EL0_INSTRUCTION(el0_increment, "mov x5, #1\n\tmsr pmswinc_el0, x5");
EL0_INSTRUCTION(el0_control, "mrs x6, pmcr_el0");
EL0_INSTRUCTION(el0_user, "mrs x7, pmuserenr_el0");
EL0_INSTRUCTION(el0_set_user, "msr pmuserenr_el0, x7");
EL0_INSTRUCTION(el0_interrupts, "mrs x8, pmintenset_el1");
EL0_INSTRUCTION(el0_loop, "mov x9, #1000\n1:\tsubs x9, x9, #1\n\tb.ne 1b");

void on_interrupt(void)
{
    finish(99);
}

static void at_el0_allowed(unsigned bits, const char *name)
{
    WRITE(pmuserenr_el0, bits);
    put(name);
    put("\n");
    at_el0(el0_cycles, EL0_MASKED);
    if (bits & 5)
        expect_none("cycles");
    else
        expect_trap("cycles", 8, TRAPPED(9, 13, 0, 3, 1));
    at_el0(el0_set_cycles, EL0_MASKED);
    if (bits & 1)
        expect_none("set cycles");
    else
        expect_trap("set cycles", 8, TRAPPED(9, 13, 0, 3, 0));
    at_el0(el0_counter, EL0_MASKED);
    if (bits & 9)
        expect_none("counter");
    else
        expect_trap("counter", 8, TRAPPED(14, 8, 0, 4, 1));
    at_el0(el0_select, EL0_MASKED);
    if (bits & 9)
        expect_none("select");
    else
        expect_trap("select", 8, TRAPPED(9, 12, 5, 31, 0));
    at_el0(el0_increment, EL0_MASKED);
    if (bits & 3)
        expect_none("increment");
    else
        expect_trap("increment", 8, TRAPPED(9, 12, 4, 5, 0));
    at_el0(el0_control, EL0_MASKED);
    if (bits & 1)
        expect_none("control");
    else
        expect_trap("control", 8, TRAPPED(9, 12, 0, 6, 1));
    at_el0(el0_user, EL0_MASKED);
    expect_none("user");
    at_el0(el0_set_user, EL0_MASKED);
    expect_trap("set user", 8, 0x02000000);
    at_el0(el0_interrupts, EL0_MASKED);
    expect_trap("interrupts", 8, 0x02000000);
}

/* Instructions that a counter counts, at EL0 and around it, with bits 31 and 30 of its type. */
static uint64_t counted(unsigned counter, uint64_t filter)
{
    WRITE(pmselr_el0, counter);
    WRITE(pmxevtyper_el0, filter << 30 | 0x08);
    WRITE(pmxevcntr_el0, 0);
    at_el0(el0_loop, EL0_MASKED);
    return READ(pmxevcntr_el0);
}

int main(void)
{
    uint64_t before, after;

    at_el0_allowed(0, "none");
    at_el0_allowed(1, "EN");
    at_el0_allowed(2, "SW");
    at_el0_allowed(4, "CR");
    at_el0_allowed(8, "ER");

    /* Software's own event on counter 0; it overflows into counter 1. */
    WRITE(pmcntenclr_el0, 0xffffffff);
    WRITE(pmovsclr_el0, 0xffffffff);
    WRITE(pmevtyper0_el0, 0);
    WRITE(pmevtyper1_el0, 0x1e);
    WRITE(pmevcntr0_el0, 0xfffffffe);
    WRITE(pmevcntr1_el0, 5);
    WRITE(pmcntenset_el0, 3);
    WRITE(pmcr_el0, 1);
    WRITE(pmswinc_el0, 1);
    expect("not yet", READ(pmovsset_el0), 0);
    expect("counter", READ(pmevcntr0_el0), 0xffffffff);
    WRITE(pmswinc_el0, 3);
    expect("overflow", READ(pmovsset_el0), 1);
    expect("counter", READ(pmevcntr0_el0), 0);
    expect("chained", READ(pmevcntr1_el0), 6);
    WRITE(pmovsclr_el0, 1);
    expect("cleared", READ(pmovsclr_el0), 0);

    /* Filters: neither level, one, the other. */
    WRITE(pmcntenset_el0, 1u << 31);
    WRITE(pmccfiltr_el0, 3ull << 30);
    before = READ(pmccntr_el0);
    at_el0(el0_loop, EL0_MASKED);
    expect("nothing counted", READ(pmccntr_el0) - before, 0);
    WRITE(pmccfiltr_el0, 2ull << 30);
    WRITE(pmccntr_el0, 0);
    at_el0(el0_loop, EL0_MASKED);
    after = READ(pmccntr_el0);
    expect("el0 alone", after >= 1000, 1);
    WRITE(pmccfiltr_el0, 1ull << 30);
    WRITE(pmccntr_el0, 0);
    at_el0(el0_loop, EL0_MASKED);
    expect("el1 alone", READ(pmccntr_el0) < 1000, 1);
    expect("filter", READ(pmccfiltr_el0), 1ull << 30);
    WRITE(pmcntenset_el0, 0x3f);
    for (unsigned counter = 0; counter < (READ(pmcr_el0) >> 11 & 31); counter++) {
        uint64_t both = counted(counter, 0), at_el1 = counted(counter, 1);
        expect("both", both > 2000 && at_el1 > 0 && at_el1 < 1000, 1);
        expect("el0 alone", counted(counter, 2) >= 2000, 1);
        expect("neither", counted(counter, 3), 0);
    }
    WRITE(pmcr_el0, 6);
    expect("reset", READ(pmccntr_el0) | READ(pmevcntr0_el0) | READ(pmevcntr1_el0), 0);
    put(failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
