/* C11 atomics: the LSE instructions, with every operation and size that the compiler offers. */

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define EXERCISE(type, name) \
    static uint64_t name(void) \
    { \
        _Atomic type cell = (type)0x1234567890abcdefu; \
        uint64_t mix = 0; \
        for (unsigned i = 1; i < 600; i++) { \
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
    uint64_t b = bytes(), h = halves(), w = words(), d = doubles();
    printf("%016lx %016lx %016lx %016lx\n", b, h, w, d);
    /* What plain operations of another machine give. */
    return !(!first && second && b == 0xca4577676a76f126u && h == 0x7b199e3d90867eaau &&
             w == 0xc1ce89118c177eaau && d == 0x772ff5be8c177eaau);
}
