/* Where qemu's processor differs: Device alignment, stack pointer alignment, AArch32, and a syndrome
   that it gets wrong. */

#include "bare.h"

#define SCTLR_PLAIN 0x30d00800u
#define SCTLR_SA (1u << 3)
#define SCTLR_SA0 (1u << 4)
#define FAR_KEPT 0x123450u

EL0_INSTRUCTION(el0_misaligned_sp, "sub sp, sp, #8\n\tldr x9, [sp]\n\tadd sp, sp, #8");
EL0_INSTRUCTION(el0_daifset, "msr daifset, #2");
EL0_INSTRUCTION(el0_daifclr, "msr daifclr, #15");

void on_interrupt(void)
{
    finish(99);
}

static void device(void)
{
    volatile uint32_t *misaligned = (volatile uint32_t *)(UART_BASE + 2);
    uint64_t value = 5;

    __asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"(misaligned) : "memory");
    expect_trap("misaligned device load", 4, 0x96000021);
    expect("far", trap.far, UART_BASE + 2);
    expect("destination is kept", value, 5);
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(misaligned) : "memory");
    expect_trap("misaligned device store", 4, 0x96000061);
    __asm__ volatile("dc zva, %0" : : "r"(misaligned) : "memory");
    expect_trap("dc zva on a device", 4, 0x96000061);
    __asm__ volatile("dc civac, %0" : : "r"(1ull << 44) : "memory");
    expect_trap("dc civac without an address", 4, 0x96000140);
    expect("far", trap.far, 1ull << 44);
}

static void stack_pointer(void)
{
    WRITE(sctlr_el1, SCTLR_PLAIN | SCTLR_SA);
    WRITE(far_el1, FAR_KEPT);
    __asm__ volatile("mov x9, sp\n\tsub sp, sp, #8\n\tldr x10, [sp]\n\tmov sp, x9"
                     : : : "x9", "x10");
    expect_trap("misaligned sp", 4, 0x9a000000);
    at_el0(el0_misaligned_sp, EL0_MASKED);
    expect_none("unchecked sp of el0");
    WRITE(sctlr_el1, SCTLR_PLAIN | SCTLR_SA0);
    __asm__ volatile("mov x9, sp\n\tsub sp, sp, #8\n\tldr x10, [sp]\n\tmov sp, x9"
                     : : : "x9", "x10");
    expect_none("unchecked sp");
    at_el0(el0_misaligned_sp, EL0_MASKED);
    expect_trap("misaligned sp of el0", 8, 0x9a000000);
    WRITE(sctlr_el1, SCTLR_PLAIN);
    expect("far is kept", READ(far_el1), FAR_KEPT);
}

static void states(void)
{
    static const uint32_t illegal[] = {0x3d0, 0x3d3, 0x3d5, 0x3df};

    for (unsigned i = 0; i < sizeof illegal / sizeof *illegal; i++) {
        __asm__ volatile("msr spsr_el1, %0\n\tadr x9, 1f\n\tmsr elr_el1, x9\n\teret\n"
                         "1:\tmov x10, #1" : : "r"((uint64_t)illegal[i]) : "x9", "x10", "cc");
        expect_trap("eret to aarch32", 4, 0x3a000000);
        expect("spsr", trap.spsr & 0xf01003df, 0x1003c5);
    }
}

int main(void)
{
    device();
    stack_pointer();
    states();
    at_el0(el0_daifset, EL0_MASKED);
    expect_trap("el0 daifset", 8, 0x620cd3e4);
    at_el0(el0_daifclr, EL0_MASKED);
    expect_trap("el0 daifclr", 8, 0x620ed3fe);
    put(failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
