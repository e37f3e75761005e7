/* The str* functions. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "words.h"

#define PAGE 4096

size_t strlen(const char *text)
{
    const char *at = aligned_down(text);
    uint64_t marks = zero_bytes(load(at) | bytes_below(text));
    while (!marks) {
        at += 8;
        marks = zero_bytes(load(at));
    }
    return (size_t)(at + first_byte(marks) - text);
}

size_t strnlen(const char *text, size_t limit)
{
    const char *end = memchr(text, 0, limit);
    return end ? (size_t)(end - text) : limit;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *stpcpy(char *restrict to, const char *restrict from)
{
    size_t length = strlen(from);
    return (char *)memcpy(to, from, length + 1) + length;
}

char *stpncpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    memcpy(to, from, length);
    return memset(to + length, 0, bytes - length);
}

char *strncpy(char *restrict to, const char *restrict from, size_t bytes)
{
    stpncpy(to, from, bytes);
    return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t bytes)
{
    char *end = to + strlen(to);
    size_t length = strnlen(from, bytes);
    memcpy(end, from, length);
    end[length] = 0;
    return to;
}

/* Words of one text are loaded where they are aligned; those of the other must not reach into the
   next page, where no memory may be. */
static inline int reaches_over(const char *text)
{
    return ((uintptr_t)text & (PAGE - 1)) > PAGE - 8;
}

int strcmp(const char *a, const char *b)
{
    for (;;) {
        if (!((uintptr_t)a & 7) && !reaches_over(b)) {
            uint64_t x = load(a), y = load(b);
            uint64_t marks = zero_bytes(x) | (x ^ y);
            if (!marks) {
                a += 8;
                b += 8;
                continue;
            }
            /* The first byte that ends the text or differs is the lowest with a bit set. */
            unsigned shift = (unsigned)__builtin_ctzl(marks) & 56;
            return (int)(x >> shift & 255) - (int)(y >> shift & 255);
        }
        if (!*a || *a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        a++;
        b++;
    }
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    while (bytes) {
        if (bytes >= 8 && !reaches_over(a) && !reaches_over(b)) {
            uint64_t x = load(a), y = load(b);
            uint64_t marks = zero_bytes(x) | (x ^ y);
            if (!marks) {
                a += 8;
                b += 8;
                bytes -= 8;
                continue;
            }
            unsigned shift = (unsigned)__builtin_ctzl(marks) & 56;
            return (int)(x >> shift & 255) - (int)(y >> shift & 255);
        }
        if (!*a || *a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        a++;
        b++;
        bytes--;
    }
    return 0;
}

int strcoll(const char *a, const char *b)
{
    return strcmp(a, b);
}

size_t strxfrm(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strlen(from);
    if (bytes > length)
        strcpy(to, from);
    return length;
}

int strcasecmp(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return tolower((unsigned char)*a) - tolower((unsigned char)*b);
}

int strncasecmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes; bytes--, a++, b++) {
        int x = tolower((unsigned char)*a), y = tolower((unsigned char)*b);
        if (x != y || !x)
            return x - y;
    }
    return 0;
}

/* The first place of a character, or that of the NUL if it does not occur before. */
char *strchrnul(const char *text, int c)
{
    const char *at = aligned_down(text);
    uint64_t pattern = (unsigned char)c * EACH_BYTE, below = bytes_below(text);
    uint64_t marks = zero_bytes(load(at) | below) | zero_bytes((load(at) ^ pattern) | below);
    while (!marks) {
        at += 8;
        marks = zero_bytes(load(at)) | zero_bytes(load(at) ^ pattern);
    }
    return (char *)at + first_byte(marks);
}

char *strchr(const char *text, int c)
{
    char *found = strchrnul(text, c);
    return *found == (char)c ? found : NULL;
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;
    do {
        if (*text == (char)c)
            found = text;
    } while (*text++);
    return (char *)found;
}

/* A bit for each character of a text. */
struct set {
    uint64_t bits[4];
};

static inline void make_set(struct set *set, const char *text)
{
    *set = (struct set){{0}};
    for (; *text; text++)
        set->bits[(unsigned char)*text / 64] |= 1ul << (unsigned char)*text % 64;
}

static inline int in_set(const struct set *set, char c)
{
    return set->bits[(unsigned char)c / 64] >> (unsigned char)c % 64 & 1;
}

size_t strspn(const char *text, const char *accept)
{
    struct set set;
    size_t length = 0;
    make_set(&set, accept);
    while (in_set(&set, text[length]))
        length++;
    return length;
}

size_t strcspn(const char *text, const char *reject)
{
    struct set set;
    size_t length = 0;
    make_set(&set, reject);
    set.bits[0] |= 1;
    while (!in_set(&set, text[length]))
        length++;
    return length;
}

char *strpbrk(const char *text, const char *accept)
{
    text += strcspn(text, accept);
    return *text ? (char *)text : NULL;
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);
    if (!length)
        return (char *)text;
    while ((text = strchr(text, *part))) {
        if (!strncmp(text, part, length))
            return (char *)text;
        text++;
    }
    return NULL;
}

char *strcasestr(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (;; text++) {
        if (!strncasecmp(text, part, length))
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

char *strtok_r(char *restrict text, const char *restrict separators, char **restrict state)
{
    if (!text)
        text = *state;
    text += strspn(text, separators);
    if (!*text) {
        *state = text;
        return NULL;
    }
    char *end = text + strcspn(text, separators);
    if (*end)
        *end++ = 0;
    *state = end;
    return text;
}

char *strsep(char **restrict text, const char *restrict separators)
{
    char *part = *text;
    if (part) {
        char *end = part + strcspn(part, separators);
        *text = *end ? end + 1 : NULL;
        *end = 0;
    }
    return part;
}

size_t strlcpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strlen(from);
    if (bytes) {
        size_t copied = length < bytes ? length : bytes - 1;
        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}

size_t strlcat(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strnlen(to, bytes);
    return length + (length < bytes ? strlcpy(to + length, from, bytes - length) : strlen(from));
}

char *strtok(char *restrict text, const char *restrict separators)
{
    static char *state;
    return strtok_r(text, separators, &state);
}

char *strndup(const char *text, size_t bytes)
{
    size_t length = strnlen(text, bytes);
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}
