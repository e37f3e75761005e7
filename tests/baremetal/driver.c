/* The C library's driver of the interrupt controller: a timer beside a program that works. */

#include <assert.h>
#include <interrupts.h>
#include <stdio.h>
#include <stdlib.h>

#define PERIOD 5000
#define TICKS 12

static volatile unsigned ticks, sent, nested;

static void tick(unsigned number)
{
    uint64_t next;

    assert(number == INTERRUPT_TIMER);
    __asm__ volatile("mrs %0, cntv_cval_el0" : "=r"(next));
    __asm__ volatile("msr cntv_cval_el0, %0" : : "r"(next + PERIOD));
    ticks++;
    if (ticks == 3) {
        interrupt_send(1);              /* less urgent: later */
        assert(sent == 0);
        interrupt_send(2);              /* more urgent: now */
        assert(nested == 1);
    }
    if (ticks == TICKS)
        __asm__ volatile("msr cntv_ctl_el0, xzr");
}

static void note(unsigned number)
{
    if (number == 1)
        sent++;
    else
        nested++;
}

int main(void)
{
    unsigned long sum = 0, rounds = 0;
    uint64_t now;

    interrupt_start();
    interrupt_enable(INTERRUPT_TIMER, 0x80, tick);
    interrupt_enable(1, 0xa0, note);
    interrupt_enable(2, 0x40, note);
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(now));
    __asm__ volatile("msr cntv_cval_el0, %0" : : "r"(now + PERIOD));
    __asm__ volatile("msr cntv_ctl_el0, %0" : : "r"(1ul));
    assert(!interrupt_allow(true));
    while (ticks < 6) {
        char text[32];
        snprintf(text, sizeof text, "%lu", rounds * 7919);
        sum += strtoul(text, NULL, 10) - rounds * 7919 + 1;
        rounds++;
    }
    assert(sum == rounds && rounds > 3);
    while (ticks < TICKS)
        interrupt_wait();
    assert(interrupt_allow(false));
    interrupt_disable(INTERRUPT_TIMER);
    printf("%u ticks, %u sent, %u nested\n", ticks, sent, nested);
    return 0;
}
