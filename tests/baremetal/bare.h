/* What the bare-metal tests share. */

#ifndef BARE_H
#define BARE_H

#include <stdint.h>

/* The last exception that was no interrupt; layout known to start.S. */
struct trap {
    uint64_t vector, esr, far, elr, spsr, count, resume, save[2], el0_return;
};
extern volatile struct trap trap;

void finish(int status) __attribute__((noreturn));
void at_el0(void (*function)(void), uint64_t spsr);
void jump(uint64_t address);
void on_interrupt(void);

#define EL0_MASKED 0x3c0u
#define EL0_OPEN 0x340u

#define READ(name) ({ uint64_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_)); value_; })
#define WRITE(name, value) \
    __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

/* A function that executes one instruction at EL0; what it reads is left in x0. */
#define EL0_INSTRUCTION(name, text) \
    __asm__(".text\n\t.balign 4\n" #name ":\n\t" text "\n\tsvc #0xffff"); \
    extern void name(void)

static inline void put(const char *text)
{
    while (*text)
        *(volatile uint32_t *)UART_BASE = (uint8_t)*text++;
}

static inline void put_hex(uint64_t value)
{
    char digits[19] = " ";
    int place = 1;
    for (int shift = 60; shift >= 0; shift -= 4)
        if (place > 1 || shift == 0 || value >> shift)
            digits[place++] = "0123456789abcdef"[value >> shift & 15];
    digits[place] = 0;
    put(digits);
}

static int failures;

/* Print a value for the comparison of machines, and check it. */
static inline void expect(const char *name, uint64_t value, uint64_t expected)
{
    put(name);
    put_hex(value);
    if (value != expected) {
        put(" expected");
        put_hex(expected);
        failures++;
    }
    put("\n");
}

/* Check that exactly one exception was taken since the last time, and which one. */
static inline void expect_trap(const char *name, uint64_t vector, uint64_t esr)
{
    put(name);
    put_hex(trap.count);
    put_hex(trap.vector);
    put_hex(trap.esr);
    if (trap.count != 1 || trap.vector != vector || trap.esr != esr) {
        put(" expected 1");
        put_hex(vector);
        put_hex(esr);
        failures++;
    }
    put("\n");
    trap.count = 0;
}

static inline void expect_none(const char *name)
{
    expect(name, trap.count, 0);
    trap.count = 0;
}

#endif
