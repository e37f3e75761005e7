/* Aborts and alignment faults: syndromes, addresses, and registers left alone. */

#include "bare.h"

#define SCTLR_PLAIN 0x30d00800u
#define SCTLR_A (1u << 1)
#define SAME 4

void on_interrupt(void)
{
    finish(99);
}

int main(void)
{
    static uint64_t cell[2];
    uint64_t value = 5, address = UNMAPPED_BASE;

    WRITE(sctlr_el1, SCTLR_PLAIN | SCTLR_A);
    __asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"((char *)cell + 2) : "memory");
    WRITE(sctlr_el1, SCTLR_PLAIN);
    expect_trap("checked alignment", SAME, 0x96000021);
    __asm__ volatile("ldr %0, [%1, #8]!" : "+r"(value), "+r"(address) : : "memory");
    expect_trap("no memory", SAME, 0x96000010);
    expect("far", trap.far, UNMAPPED_BASE + 8);
    expect("base is kept", address, UNMAPPED_BASE);
    expect("destination is kept", value, 5);
    __asm__ volatile("ldaxr %0, [%1]" : "+r"(value) : "r"((char *)cell + 4) : "memory");
    expect_trap("misaligned exclusive", SAME, 0x96000021);

    jump(0x40000002);
    expect_trap("misaligned pc", SAME, 0x8a000000);
    expect("far", trap.far, 0x40000002);
    expect("elr", trap.elr, 0x40000002);
    jump(UNMAPPED_BASE);
    expect_trap("fetch of nothing", SAME, 0x86000010);
    expect("far", trap.far, UNMAPPED_BASE);
    put(failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
