/* C11 atomics: the LSE instructions, with every operation and size that the compiler offers. */

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define EXERCISE(type, name) \
    static uint64_t name(void) \
    { \
        _Atomic type cell = (type)0x1234567890abcdefu; \
        uint64_t mix = 0; \
        for (unsigned i = 1; i < 12; i++) { \
            type operand = (type)(i * 0x0101010101010101u); \
            mix = mix * 31 + (uint64_t)atomic_fetch_add(&cell, operand); \
            mix = mix * 31 + (uint64_t)atomic_fetch_sub_explicit(&cell, (type)i, \
                                                                 memory_order_relaxed); \
            mix = mix * 31 + (uint64_t)atomic_fetch_xor_explicit(&cell, operand, \
                                                                 memory_order_acquire); \
            mix = mix * 31 + (uint64_t)atomic_fetch_or_explicit(&cell, (type)1, \
                                                                memory_order_release); \
            mix = mix * 31 + (uint64_t)atomic_fetch_and(&cell, (type)~(type)i); \
            mix = mix * 31 + (uint64_t)atomic_exchange(&cell, (type)(operand * 3)); \
            type expected = (type)(operand * (i % 2 ? 3 : 5)); \
            mix = mix * 31 + (uint64_t)atomic_compare_exchange_strong(&cell, &expected, operand); \
            mix = mix * 31 + (uint64_t)expected + (uint64_t)atomic_load(&cell); \
        } \
        return mix; \
    }

EXERCISE(uint8_t, bytes)
EXERCISE(uint16_t, halves)
EXERCISE(uint32_t, words)
EXERCISE(uint64_t, doubles)

int main(void)
{
    atomic_flag flag = ATOMIC_FLAG_INIT;
    int first = atomic_flag_test_and_set(&flag), second = atomic_flag_test_and_set(&flag);
    printf("%016lx %016lx %016lx %016lx\n", bytes(), halves(), words(), doubles());
    return !first && second ? 0 : 1;
}
