/* Exceptions in C: handlers that look at the syndrome and go on, at EL1 and from EL0. */

#include <stdint.h>
#include <stdio.h>

static volatile uint64_t last_syndrome, last_address, last_vector, count;
static volatile uint64_t from_el0[3];

/* Called by the vectors below with the saved registers in place; returns where to go on. */
uint64_t handle(uint64_t vector, uint64_t syndrome, uint64_t address, uint64_t elr)
{
    last_vector = vector;
    last_syndrome = syndrome;
    last_address = address;
    count++;
    static int seen;
    if (vector == 8 && seen < 3)
        from_el0[seen++] = syndrome;
    /* SVC #2 asks for EL1 with its own stack. */
    if (syndrome == 0x56000002)
        __asm__ volatile("msr spsr_el1, %0" : : "r"(0x3c5ul));
    /* SVC returns behind itself already. */
    return syndrome >> 26 == 0x15 ? elr : elr + 4;
}

/* Each entry saves what a call may change, asks handle() and returns to where that says. */
__asm__(".balign 2048\n"
        "vectors:\n"
        ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        ".balign 128\n"
        "sub sp, sp, #176\n"
        "stp x0, x1, [sp, #0]\n"
        "mov x0, #\\number\n"
        "b save\n"
        ".endr\n"
        ".balign 128\n"
        "save:\n"
        "stp x2, x3, [sp, #16]\n"
        "stp x4, x5, [sp, #32]\n"
        "stp x6, x7, [sp, #48]\n"
        "stp x8, x9, [sp, #64]\n"
        "stp x10, x11, [sp, #80]\n"
        "stp x12, x13, [sp, #96]\n"
        "stp x14, x15, [sp, #112]\n"
        "stp x16, x17, [sp, #128]\n"
        "stp x18, x30, [sp, #144]\n"
        "mrs x1, esr_el1\n"
        "mrs x2, far_el1\n"
        "mrs x3, elr_el1\n"
        "bl handle\n"
        "msr elr_el1, x0\n"
        "ldp x2, x3, [sp, #16]\n"
        "ldp x4, x5, [sp, #32]\n"
        "ldp x6, x7, [sp, #48]\n"
        "ldp x8, x9, [sp, #64]\n"
        "ldp x10, x11, [sp, #80]\n"
        "ldp x12, x13, [sp, #96]\n"
        "ldp x14, x15, [sp, #112]\n"
        "ldp x16, x17, [sp, #128]\n"
        "ldp x18, x30, [sp, #144]\n"
        "ldp x0, x1, [sp], #176\n"
        "eret\n");

extern char vectors[];

static int failures;

static void expect(const char *what, uint64_t vector, uint64_t syndrome)
{
    int right = last_vector == vector && last_syndrome == syndrome;
    printf("%-28s vector %lu, syndrome %08lx%s\n", what, last_vector, last_syndrome,
           right ? "" : " WRONG");
    failures += !right;
}

#define NOWHERE 0x20000000ul

int main(void)
{
    __asm__ volatile("msr vbar_el1, %0; isb" : : "r"(vectors));

    __asm__ volatile("svc #77" : : : "memory");
    expect("svc", 4, 0x5600004d);
    __asm__ volatile("brk #3" : : : "memory");
    expect("brk", 4, 0xf2000003);
    __asm__ volatile(".inst 0" : : : "memory");
    expect("undefined", 4, 0x02000000);

    /* The base register of a faulting access with write-back stays as it was. */
    uint64_t base = NOWHERE, value = 5;
    __asm__ volatile("ldr %1, [%0], #16" : "+r"(base), "+r"(value) : : "memory");
    expect("load from nowhere", 4, 0x96000010);
    failures += base != NOWHERE || value != 5 || last_address != NOWHERE;
    uint64_t other = 6;
    __asm__ volatile("ldp %1, %2, [%0, #-16]!" : "+r"(base), "+r"(value), "+r"(other) : : "memory");
    failures += base != NOWHERE || value != 5 || other != 6;
    printf("registers are %s\n", failures ? "changed" : "unchanged");

    /* To EL0, with a stack of its own, where VBAR_EL1 is out of reach, and back. */
    static char stack[512] __attribute__((aligned(16)));
    uint64_t inner, before, after;
    __asm__ volatile("mov %1, sp\n"
                     "msr sp_el0, %3\n"
                     "adr x9, 1f\n"
                     "msr elr_el1, x9\n"
                     "msr spsr_el1, xzr\n"
                     "eret\n"
                     "1: mov %0, sp\n"
                     "svc #1\n"
                     "mrs x9, vbar_el1\n"
                     "svc #2\n"
                     "mov %2, sp\n"
                     : "=&r"(inner), "=&r"(before), "=&r"(after)
                     : "r"(stack + sizeof stack)
                     : "x9", "cc", "memory");
    failures += inner != (uint64_t)(stack + sizeof stack) || before != after;
    printf("from EL0: %08lx %08lx %08lx\n", from_el0[0], from_el0[1], from_el0[2]);
    failures += from_el0[0] != 0x56000001 || from_el0[1] != 0x02000000;
    failures += from_el0[2] != 0x56000002 || last_vector != 8;
    printf("%lu exceptions, %d failures\n", count, failures);
    return failures != 0;
}
