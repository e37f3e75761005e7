#ifndef TILICHO_WORDS_H
#define TILICHO_WORDS_H

/* Eight bytes at a time. The core loads unaligned words from memory as well as aligned ones; only
   where a load might reach beyond the memory does its address matter. */

#include <stdint.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) half_word;

#define EACH_BYTE 0x0101010101010101u

static inline uint64_t load(const void *at)
{
    return *(const word *)at;
}

static inline void store(void *at, uint64_t value)
{
    *(word *)at = value;
}

/* The top bit of each byte that is zero; above the first such byte it may be set by mistake. */
static inline uint64_t zero_bytes(uint64_t value)
{
    return (value - EACH_BYTE) & ~value & (EACH_BYTE << 7);
}

/* The number of the first byte whose top bit is set; there is one. */
static inline unsigned first_byte(uint64_t marks)
{
    return (unsigned)__builtin_ctzl(marks) / 8;
}

/* Ones in the bytes of an aligned word that lie below the address. */
static inline uint64_t bytes_below(const void *address)
{
    return ((uint64_t)1 << ((uintptr_t)address & 7) * 8) - 1;
}

static inline const char *aligned_down(const void *address)
{
    return (const char *)((uintptr_t)address & ~(uintptr_t)7);
}

#endif
