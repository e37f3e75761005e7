/* Conversions and searching. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int errno;

struct integer {
    uint64_t magnitude;
    int negative, overflow;
};

static int digit_value(int c)
{
    if (isdigit(c))
        return c - '0';
    if (isalpha(c))
        return tolower(c) - 'a' + 10;
    return INT_MAX;
}

static struct integer parse_integer(const char *text, char **end, int base)
{
    struct integer result = {0, 0, 0};
    const char *p = text;
    while (isspace((unsigned char)*p))
        p++;
    if (*p == '+' || *p == '-')
        result.negative = *p++ == '-';
    int prefixed = p[0] == '0' && (p[1] | 32) == 'x' && digit_value((unsigned char)p[2]) < 16;
    if (prefixed && (base == 0 || base == 16)) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    const char *first = p;
    for (; digit_value((unsigned char)*p) < base; p++) {
        unsigned __int128 next = (unsigned __int128)result.magnitude * (unsigned)base +
                                 (unsigned)digit_value((unsigned char)*p);
        if (next >> 64)
            result.overflow = 1;
        result.magnitude = (uint64_t)next;
    }
    if (end)
        *end = (char *)(p == first ? text : p);
    return result;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    struct integer value = parse_integer(text, end, base);
    if (value.overflow) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return value.negative ? -value.magnitude : value.magnitude;
}

long strtol(const char *text, char **end, int base)
{
    struct integer value = parse_integer(text, end, base);
    uint64_t limit = (uint64_t)LONG_MAX + (unsigned)value.negative;
    if (value.overflow || value.magnitude > limit) {
        errno = ERANGE;
        return value.negative ? LONG_MIN : LONG_MAX;
    }
    return (long)(value.negative ? -value.magnitude : value.magnitude);
}

long long strtoll(const char *text, char **end, int base)
{
    return strtol(text, end, base);
}

unsigned long long strtoull(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}

intmax_t strtoimax(const char *text, char **end, int base)
{
    return strtol(text, end, base);
}

uintmax_t strtoumax(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}

int atoi(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

long atol(const char *text)
{
    return strtol(text, NULL, 10);
}

long long atoll(const char *text)
{
    return strtol(text, NULL, 10);
}

int abs(int value)
{
    return value < 0 ? -value : value;
}

long labs(long value)
{
    return value < 0 ? -value : value;
}

long long llabs(long long value)
{
    return value < 0 ? -value : value;
}

div_t div(int numerator, int denominator)
{
    return (div_t){numerator / denominator, numerator % denominator};
}

ldiv_t ldiv(long numerator, long denominator)
{
    return (ldiv_t){numerator / denominator, numerator % denominator};
}

lldiv_t lldiv(long long numerator, long long denominator)
{
    return (lldiv_t){numerator / denominator, numerator % denominator};
}

intmax_t imaxabs(intmax_t value)
{
    return labs(value);
}

imaxdiv_t imaxdiv(intmax_t numerator, intmax_t denominator)
{
    return (imaxdiv_t){numerator / denominator, numerator % denominator};
}

void *bsearch(const void *key, const void *base, size_t count, size_t size,
              int (*compare)(const void *, const void *))
{
    const char *low = base;
    while (count) {
        const char *middle = low + count / 2 * size;
        int order = compare(key, middle);
        if (!order)
            return (void *)middle;
        if (order > 0) {
            low = middle + size;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return NULL;
}
