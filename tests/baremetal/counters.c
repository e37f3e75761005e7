/* The event counters: six of the events of EVENTS, over work of every kind. */

#include "bare.h"

/* Volatile: the code must be the same whatever the numbers are. */
static volatile const uint16_t events[6] = {EVENTS};
static uint64_t area[3000];
static volatile uint64_t result;

void on_interrupt(void)
{
    finish(99);
}

static uint64_t work(void)
{
    uint64_t sum = 7;

    for (unsigned i = 0; i < 3000; i += 5)
        area[i] = sum = sum * 2862933555777941757u + i;
    for (unsigned i = 0; i < 3000; i++)
        if (area[i] >> 13 & 1)
            sum += area[i] / (i + 3);
    __asm__ volatile(".rept 20\n\tstr wzr, [%0]\n\t.endr\n\tdsb sy\n\tsvc #1\n\tisb\n\tbrk #2"
                     : : "r"(UART_BASE + 0x38) : "memory");
    return sum;
}

EL0_INSTRUCTION(el0_work, "mov x9, #50\n1:\tsubs x9, x9, #1\n\tb.ne 1b");

int main(void)
{
    WRITE(pmuserenr_el0, 0);
    WRITE(sctlr_el1, 0x30d01804);
    for (unsigned i = 0; i < 6; i++) {
        WRITE(pmselr_el0, i);
        WRITE(pmxevtyper_el0, events[i]);
    }
    WRITE(pmcntenset_el0, 0x8000003f);
    WRITE(pmcr_el0, 7);
    result = work();
    at_el0(el0_work, EL0_MASKED);
    WRITE(pmcr_el0, 0);
    put("cycles");
    put_hex(READ(pmccntr_el0));
    for (unsigned i = 0; i < 6; i++) {
        WRITE(pmselr_el0, i);
        put_hex(READ(pmxevcntr_el0));
    }
    put("\n");
    return 0;
}
