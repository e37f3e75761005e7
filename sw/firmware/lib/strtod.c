/* Decimal text to double, correctly rounded, by arithmetic on long integers. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decimal.h"
#include "real.h"

#define HIDDEN_BIT ((uint64_t)1 << 52)
#define INFINITE_BITS ((uint64_t)0x7ff << 52)
#define LOWEST_EXPONENT (-1074)

static uint64_t integer_part(const struct decimal *number)
{
    return (uint64_t)number->limb[INTEGER_LIMBS - 2] * LIMB_BASE + number->limb[INTEGER_LIMBS - 1];
}

static int integer_is_long(const struct decimal *number)
{
    for (int i = 0; i < INTEGER_LIMBS - 2; i++)
        if (number->limb[i])
            return 1;
    return 0;
}

static int fraction_rounds_up(const struct decimal *number, int odd)
{
    uint32_t half = LIMB_BASE / 2, first = number->limb[INTEGER_LIMBS];
    if (first != half)
        return first > half;
    for (int i = INTEGER_LIMBS + 1; i < LIMBS; i++)
        if (number->limb[i])
            return 1;
    return odd;
}

/* Scale by powers of two until the integer part holds the 53 bits of the result. */
static uint64_t to_bits(struct decimal *number)
{
    int exponent = 0;
    while (integer_is_long(number)) {
        __decimal_halve(number, 29);
        exponent += 29;
    }
    while (integer_part(number) >= 2 * HIDDEN_BIT) {
        __decimal_halve(number, 1);
        exponent++;
    }
    uint64_t value;
    while ((value = integer_part(number)) < HIDDEN_BIT && exponent > LOWEST_EXPONENT) {
        int step = value ? __builtin_clzll(value) - 11 : 29;
        if (step > exponent - LOWEST_EXPONENT)
            step = exponent - LOWEST_EXPONENT;
        __decimal_double(number, step);
        exponent -= step;
    }
    value += (uint64_t)fraction_rounds_up(number, value & 1);
    /* The hidden bit of a normal number adds the missing 1 to the exponent field. */
    uint64_t bits = ((uint64_t)(exponent - LOWEST_EXPONENT) << 52) + value;
    return bits > INFINITE_BITS ? INFINITE_BITS : bits;
}

/* Puts digits on their places. A digit too far behind the point only tells that something is
   there, which is all that rounding needs. */
struct placement {
    struct decimal number;
    int any, overflow;
};

static void place_digit(struct placement *placement, unsigned value, int position)
{
    static const uint32_t powers[LIMB_DIGITS] = {100000000, 10000000, 1000000, 100000, 10000,
                                                 1000, 100, 10, 1};
    if (!value)
        return;
    placement->any = 1;
    if (position < 0)
        placement->overflow = 1;
    else if (position >= DIGITS)
        placement->number.limb[LIMBS - 1] |= 1;
    else
        placement->number.limb[position / LIMB_DIGITS] += value * powers[position % LIMB_DIGITS];
}

static int parse_exponent(const char **text, char letter)
{
    const char *p = *text;
    if ((*p | 32) != letter)
        return 0;
    p++;
    int negative = *p == '-';
    if (*p == '+' || *p == '-')
        p++;
    if (!isdigit((unsigned char)*p))
        return 0;
    int exponent = 0;
    for (; isdigit((unsigned char)*p); p++)
        if (exponent < 100000)
            exponent = exponent * 10 + (*p - '0');
    *text = p;
    return negative ? -exponent : exponent;
}

/* The number's bits without its sign; `text` moves behind it, or stays if there is none. */
static uint64_t parse_decimal(const char **text)
{
    const char *start = *text, *p = start, *point = NULL;
    int digits = 0;
    for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
        if (*p == '.')
            point = p;
        else
            digits++;
    }
    if (!digits)
        return 0;
    const char *end = p;
    int whole = (int)((point ? point : end) - start);
    int position = POINT - whole - parse_exponent(&p, 'e');
    *text = p;
    static struct placement placement;
    memset(&placement, 0, sizeof placement);
    for (p = start; p < end; p++)
        if (*p != '.')
            place_digit(&placement, (unsigned)(*p - '0'), position++);
    if (!placement.any)
        return 0;
    uint64_t bits = placement.overflow ? INFINITE_BITS : to_bits(&placement.number);
    if (bits == INFINITE_BITS || !bits)
        errno = ERANGE;
    return bits;
}

/* The same for what stands behind 0x. */
static uint64_t parse_hexadecimal(const char **text)
{
    const char *p = *text;
    uint64_t mantissa = 0;
    int exponent = 0, point = 0, digits = 0;
    for (; isxdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = 1;
            continue;
        }
        unsigned digit = isdigit((unsigned char)*p) ? (unsigned)*p - '0'
                                                    : ((unsigned)*p | 32) - 'a' + 10;
        digits++;
        exponent -= 4 * point;
        if (mantissa >> 58) {
            /* No room: it only counts for the rounding. */
            mantissa |= digit != 0;
            exponent += 4;
        } else {
            mantissa = mantissa << 4 | digit;
        }
    }
    if (!digits)
        return 0;
    exponent += parse_exponent(&p, 'p');
    *text = p;
    struct real value = __real_from_fixed(mantissa, -exponent);
    double result = __real_to_double(value);
    uint64_t bits;
    memcpy(&bits, &result, sizeof bits);
    if (bits == INFINITE_BITS || (!bits && mantissa))
        errno = ERANGE;
    return bits;
}

double strtod(const char *text, char **end)
{
    const char *p = text;
    while (isspace((unsigned char)*p))
        p++;
    int negative = *p == '-';
    if (*p == '+' || *p == '-')
        p++;
    const char *start = p;
    uint64_t bits;
    if (!strncasecmp(p, "inf", 3)) {
        p += strncasecmp(p, "infinity", 8) ? 3 : 8;
        bits = INFINITE_BITS;
    } else if (!strncasecmp(p, "nan", 3)) {
        p += 3;
        bits = INFINITE_BITS | HIDDEN_BIT >> 1;
    } else if (p[0] == '0' && (p[1] | 32) == 'x' &&
               (isxdigit((unsigned char)p[2]) || (p[2] == '.' && isxdigit((unsigned char)p[3])))) {
        p += 2;
        bits = parse_hexadecimal(&p);
    } else {
        bits = parse_decimal(&p);
    }
    if (end)
        *end = (char *)(p == start ? text : p);
    bits |= (uint64_t)(negative && p != start) << 63;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounded twice: the result may differ from the nearest float in the last bit. */
float strtof(const char *text, char **end)
{
    return (float)strtod(text, end);
}

long double strtold(const char *text, char **end)
{
    return strtod(text, end);
}

double atof(const char *text)
{
    return strtod(text, NULL);
}
