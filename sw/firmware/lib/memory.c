/* The mem* functions, for general registers. Compiled without built-ins: the compiler must not
   turn these loops into calls of themselves. */

#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) half_word;

/* Blocks below this size are copied by overlapping accesses from both ends. */
#define SMALL 16

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (bytes >= SMALL) {
        uint64_t last_low = *(const word *)(s + bytes - 16);
        uint64_t last_high = *(const word *)(s + bytes - 8);
        unsigned char *end = d + bytes;
        /* Aligning the stores keeps them inside one line; the loads may cross. */
        *(word *)d = *(const word *)s;
        *(word *)(d + 8) = *(const word *)(s + 8);
        size_t skip = 16 - ((uintptr_t)d & 15);
        d += skip;
        s += skip;
        while (end - d > 32) {
            uint64_t a = *(const word *)s, b = *(const word *)(s + 8);
            uint64_t c = *(const word *)(s + 16), e = *(const word *)(s + 24);
            *(word *)d = a;
            *(word *)(d + 8) = b;
            *(word *)(d + 16) = c;
            *(word *)(d + 24) = e;
            d += 32;
            s += 32;
        }
        while (end - d > 16) {
            uint64_t a = *(const word *)s, b = *(const word *)(s + 8);
            *(word *)d = a;
            *(word *)(d + 8) = b;
            d += 16;
            s += 16;
        }
        *(word *)(end - 16) = last_low;
        *(word *)(end - 8) = last_high;
    } else if (bytes >= 8) {
        uint64_t first = *(const word *)s, last = *(const word *)(s + bytes - 8);
        *(word *)d = first;
        *(word *)(d + bytes - 8) = last;
    } else if (bytes >= 4) {
        uint32_t first = *(const half_word *)s, last = *(const half_word *)(s + bytes - 4);
        *(half_word *)d = first;
        *(half_word *)(d + bytes - 4) = last;
    } else if (bytes) {
        d[0] = s[0];
        d[bytes / 2] = s[bytes / 2];
        d[bytes - 1] = s[bytes - 1];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= bytes) {
        /* The destination does not start inside the source: ascending order is safe. */
        for (; bytes >= 8; bytes -= 8, d += 8, s += 8)
            *(word *)d = *(const word *)s;
        while (bytes--)
            *d++ = *s++;
    } else {
        for (; bytes >= 8; bytes -= 8)
            *(word *)(d + bytes - 8) = *(const word *)(s + bytes - 8);
        while (bytes--)
            d[bytes] = s[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *d = to;
    uint64_t pattern = (unsigned char)value * 0x0101010101010101u;
    if (bytes < 8) {
        while (bytes--)
            *d++ = (unsigned char)value;
        return to;
    }
    unsigned char *end = d + bytes;
    *(word *)d = pattern;
    d += 8 - ((uintptr_t)d & 7);
    while (end - d > 16) {
        *(word *)d = pattern;
        *(word *)(d + 8) = pattern;
        d += 16;
    }
    while (end - d > 8) {
        *(word *)d = pattern;
        d += 8;
    }
    *(word *)(end - 8) = pattern;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *p = a, *q = b;
    while (bytes >= 8 && *(const word *)p == *(const word *)q) {
        p += 8;
        q += 8;
        bytes -= 8;
    }
    for (; bytes; bytes--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *from, int value, size_t bytes)
{
    const unsigned char *p = from;
    for (; bytes; bytes--, p++)
        if (*p == (unsigned char)value)
            return (void *)p;
    return NULL;
}
