/* The mem* functions, for general registers. Compiled without built-ins: the compiler must not
   turn these loops into calls of themselves. */

#include <string.h>

#include "words.h"

/* Up to 16 bytes, by overlapping accesses from both ends; all loads come before the stores. */
static inline void copy_small(unsigned char *d, const unsigned char *s, size_t bytes)
{
    if (bytes >= 8) {
        uint64_t first = load(s), last = load(s + bytes - 8);
        store(d, first);
        store(d + bytes - 8, last);
    } else if (bytes >= 4) {
        uint32_t first = *(const half_word *)s, last = *(const half_word *)(s + bytes - 4);
        *(half_word *)d = first;
        *(half_word *)(d + bytes - 4) = last;
    } else if (bytes) {
        unsigned char first = s[0], middle = s[bytes / 2], last = s[bytes - 1];
        d[0] = first;
        d[bytes / 2] = middle;
        d[bytes - 1] = last;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (bytes <= 16) {
        copy_small(d, s, bytes);
        return to;
    }
    unsigned char *end = d + bytes;
    uint64_t last_low = load(s + bytes - 16), last_high = load(s + bytes - 8);
    /* Aligning the stores keeps them inside one line; the loads may cross. */
    store(d, load(s));
    store(d + 8, load(s + 8));
    size_t skip = 16 - ((uintptr_t)d & 15);
    d += skip;
    s += skip;
    while (end - d > 32) {
        uint64_t a = load(s), b = load(s + 8), c = load(s + 16), e = load(s + 24);
        store(d, a);
        store(d + 8, b);
        store(d + 16, c);
        store(d + 24, e);
        d += 32;
        s += 32;
    }
    while (end - d > 16) {
        uint64_t a = load(s), b = load(s + 8);
        store(d, a);
        store(d + 8, b);
        d += 16;
        s += 16;
    }
    store(end - 16, last_low);
    store(end - 8, last_high);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (bytes <= 16) {
        copy_small(d, s, bytes);
        return to;
    }
    if ((uintptr_t)d - (uintptr_t)s >= bytes) {
        /* The destination does not start inside the source: ascending order is safe. */
        uint64_t last_low = load(s + bytes - 16), last_high = load(s + bytes - 8);
        for (size_t at = 0; at + 16 < bytes; at += 16) {
            uint64_t a = load(s + at), b = load(s + at + 8);
            store(d + at, a);
            store(d + at + 8, b);
        }
        store(d + bytes - 16, last_low);
        store(d + bytes - 8, last_high);
    } else {
        uint64_t first_low = load(s), first_high = load(s + 8);
        for (size_t at = bytes; at > 16; at -= 16) {
            uint64_t a = load(s + at - 16), b = load(s + at - 8);
            store(d + at - 16, a);
            store(d + at - 8, b);
        }
        store(d, first_low);
        store(d + 8, first_high);
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *d = to;
    uint64_t pattern = (unsigned char)value * EACH_BYTE;
    if (bytes < 8) {
        while (bytes--)
            *d++ = (unsigned char)value;
        return to;
    }
    unsigned char *end = d + bytes;
    store(d, pattern);
    d += 8 - ((uintptr_t)d & 7);
    while (end - d > 32) {
        store(d, pattern);
        store(d + 8, pattern);
        store(d + 16, pattern);
        store(d + 24, pattern);
        d += 32;
    }
    while (end - d > 8) {
        store(d, pattern);
        d += 8;
    }
    store(end - 8, pattern);
    return to;
}

/* The words hold the bytes in ascending order: reversed, they compare as the bytes do. */
static inline int compare_words(uint64_t a, uint64_t b)
{
    return __builtin_bswap64(a) < __builtin_bswap64(b) ? -1 : 1;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *p = a, *q = b;
    if (bytes >= 8) {
        const unsigned char *last = p + bytes - 8;
        for (; p < last; p += 8, q += 8)
            if (load(p) != load(q))
                return compare_words(load(p), load(q));
        q -= p - last;
        return load(last) == load(q) ? 0 : compare_words(load(last), load(q));
    }
    for (; bytes; bytes--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *from, int value, size_t bytes)
{
    const char *text = from, *at = aligned_down(from);
    uint64_t pattern = (unsigned char)value * EACH_BYTE;
    if (!bytes)
        return NULL;
    /* Aligned loads never reach into a word that holds none of the bytes. */
    size_t left = bytes + (size_t)(text - at);
    if (left < bytes)
        left = SIZE_MAX;
    uint64_t marks = zero_bytes((load(at) ^ pattern) | bytes_below(text));
    while (!marks && left > 8) {
        at += 8;
        left -= 8;
        marks = zero_bytes(load(at) ^ pattern);
    }
    return marks && first_byte(marks) < left ? (void *)(at + first_byte(marks)) : NULL;
}

void *memrchr(const void *from, int value, size_t bytes)
{
    const unsigned char *text = from;
    while (bytes--)
        if (text[bytes] == (unsigned char)value)
            return (void *)(text + bytes);
    return NULL;
}

void *mempcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    return (char *)memcpy(to, from, bytes) + bytes;
}

void *memccpy(void *restrict to, const void *restrict from, int value, size_t bytes)
{
    const char *found = memchr(from, value, bytes);
    if (found)
        return mempcpy(to, from, (size_t)(found - (const char *)from) + 1);
    memcpy(to, from, bytes);
    return NULL;
}

void *memmem(const void *from, size_t bytes, const void *part, size_t part_bytes)
{
    const char *text = from, *end = text + bytes;
    if (!part_bytes)
        return (void *)text;
    while ((size_t)(end - text) >= part_bytes) {
        text = memchr(text, *(const char *)part, (size_t)(end - text) - part_bytes + 1);
        if (!text)
            return NULL;
        if (!memcmp(text, part, part_bytes))
            return (void *)text;
        text++;
    }
    return NULL;
}
