/* Numbers of 64 bits of precision in general registers: without a floating-point unit, a function
   takes less time in fixed point, with a multiplier of 64 bits, than in soft-float doubles, and the
   extra bits make its result the nearest double but for rare ties. */

#include <string.h>

#include "real.h"

#define TOO_LARGE ((__int128)3000 << 64)

static int leading_zeros(uint128 x)
{
    uint64_t high = (uint64_t)(x >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)x);
}

static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((uint128)a * b >> 64);
}

struct real __real_from_fixed(uint128 x, int point)
{
    if (!x)
        return (struct real){0, 0, 0};
    int shift = leading_zeros(x);
    return (struct real){(uint64_t)(x << shift >> 64), 127 - shift - point, 0};
}

struct real __real_from_double(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int field = (int)(bits >> 52 & 0x7ff);
    uint64_t fraction = bits & 0xfffffffffffffu;
    struct real result = __real_from_fixed(fraction | (uint64_t)(field != 0) << 52,
                                           1075 - (field ? field : 1));
    result.negative = (int)(bits >> 63);
    return result;
}

double __real_to_double(struct real x)
{
    uint64_t bits = 0;
    if (x.exponent > 1023) {
        bits = (uint64_t)0x7ff << 52;
    } else if (x.mantissa && x.exponent > -1076) {
        int shift = x.exponent < -1022 ? -1011 - x.exponent : 11;
        uint128 half = (uint128)1 << (shift - 1), rest = x.mantissa & (2 * half - 1);
        bits = (uint64_t)((uint128)x.mantissa >> shift);
        bits += rest > half || (rest == half && bits & 1);
        /* The hidden bit of a normal number adds the missing 1 to the exponent field. */
        if (x.exponent >= -1022)
            bits += (uint64_t)(x.exponent + 1022) << 52;
    }
    bits |= (uint64_t)x.negative << 63;
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

struct real __real_scale(struct real x, int exponent)
{
    x.exponent += exponent;
    return x;
}

struct real __real_add(struct real a, struct real b)
{
    if (!a.mantissa)
        return b;
    if (!b.mantissa)
        return a;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        struct real held = a;
        a = b;
        b = held;
    }
    int distance = a.exponent - b.exponent;
    uint128 sum = (uint128)a.mantissa << 62;
    uint128 other = distance < 127 ? ((uint128)b.mantissa << 62) >> distance : 0;
    sum = a.negative == b.negative ? sum + other : sum - other;
    struct real result = __real_from_fixed(sum, 125 - a.exponent);
    result.negative = a.negative;
    return result;
}

struct real __real_multiply(struct real a, struct real b)
{
    struct real result = __real_from_fixed((uint128)a.mantissa * b.mantissa,
                                           126 - a.exponent - b.exponent);
    result.negative = a.negative ^ b.negative;
    return result;
}

struct real __real_divide(struct real a, struct real b)
{
    struct real result = __real_from_fixed(((uint128)a.mantissa << 64) / b.mantissa,
                                           64 - a.exponent + b.exponent);
    result.negative = a.negative ^ b.negative;
    return result;
}

struct real __real_sqrt(struct real x)
{
    if (!x.mantissa)
        return x;
    int odd = x.exponent & 1;
    uint128 rest = (uint128)x.mantissa << (63 + odd), root = 0;
    for (uint128 bit = (uint128)1 << 126; bit; bit >>= 2) {
        root += bit;
        if (rest >= root) {
            rest -= root;
            root += bit;
        } else {
            root -= bit;
        }
        root >>= 1;
    }
    return (struct real){(uint64_t)root, (x.exponent - odd) / 2, 0};
}

uint64_t __polynomial(const uint64_t *coefficients, int count, uint64_t x, int alternate)
{
    uint64_t sum = coefficients[--count];
    while (count--) {
        uint64_t term = multiply_high(sum, x);
        sum = alternate ? coefficients[count] - term : coefficients[count] + term;
    }
    return sum;
}

/* factor * x / 2^point with 64 bits behind the point, for x of 128 bits. */
static __int128 scaled(uint128 x, int point, struct real factor)
{
    uint128 product = (uint128)(uint64_t)(x >> 64) * factor.mantissa +
                      multiply_high((uint64_t)x, factor.mantissa);
    int shift = factor.exponent + 65 - point;
    __int128 fixed = 0;
    if (product && 128 - leading_zeros(product) + shift > 76)
        fixed = TOO_LARGE;
    else if (product && shift > -128)
        fixed = (__int128)(shift < 0 ? product >> -shift : product << shift);
    return factor.negative ? -fixed : fixed;
}

static const uint64_t powers_of_two[] = {
    0x8000000000000000, 0x58b90bfbe8e7bcd6, 0x1ebfbdff82c58ea8, 0x071ac235c1282fe3,
    0x013b2ab6fba4e773, 0x002bb0ffcf14ce62, 0x00050c244be1b1e2, 0x00007ff2ff1622c3,
    0x00000b160111d2e4, 0x000000da929e9caf, 0x0000000f267a8ac6, 0x00000000f465639b,
    0x000000000e1deb28, 0x0000000000c0b0ca, 0x0000000000098a4b, 0x00000000000070dc,
    0x00000000000004e4, 0x0000000000000033, 0x0000000000000002};
/* Of -(ln(1 + r) - r) / r^2. */
static const uint64_t logarithm_terms[] = {
    0x4000000000000000, 0x2aaaaaaaaaaaaaab, 0x2000000000000000, 0x199999999999999a,
    0x1555555555555555, 0x1249249249249249, 0x1000000000000000, 0x0e38e38e38e38e39,
    0x0ccccccccccccccd, 0x0ba2e8ba2e8ba2e9, 0x0aaaaaaaaaaaaaab, 0x09d89d89d89d89d9};
/* 256 * 32 / i, for i from 24 to 48, and its binary logarithm without the 8, negative. */
static const uint16_t inverses[] = {341, 328, 315, 303, 293, 282, 273, 264, 256, 248, 241, 234, 228,
                                    221, 216, 210, 205, 200, 195, 191, 186, 182, 178, 174, 171};
static const uint64_t inverse_logarithms[][2] = {
    {0xe5871eb908410bad, 0x7dfa568f6bb9053b}, {0xe91dde3262f321a8, 0x72adf4bb08fc3bbd},
    {0xecd9c69c94d7ca65, 0x1c1c3f12aa10e3b9}, {0xf06fd6636fb86c5c, 0x456acc67398ad83a},
    {0xf3891a8be56a4a25, 0x195ef335b32590a9}, {0xf7119734556a4250, 0xadd5e7c3e34f5453},
    {0xfa10445a51d75fb0, 0xef947372af02d632}, {0xfd28a5914e204f19, 0xd93f21ed2907dedc},
    {0x0000000000000000, 0x0000000000000000}, {0x02ee72993b2b1aab, 0xbcb8701fc10e3aeb},
    {0x0593389b019c55ad, 0x0f90a496a4e36a8b}, {0x084bf1c673032495, 0xd243efd9325954d0},
    {0x0ab1ee14ffd65906, 0x43906f29bbe57993}, {0x0d930124bea9a2c6, 0x6f349845e4895508},
    {0x0fafec54831f1a48, 0x47f7b2787b173da3}, {0x1249cd2b13cd6c4d, 0x041f03952bb3cf2d},
    {0x148365e695d796aa, 0x2981fdbbbb4c6070}, {0x16cb0f6865c8ea03, 0x6da8120164a04966},
    {0x1921800924dd3b7f, 0x711abd5c664c64f7}, {0x1b0b67f4f4680ff5, 0x0f623e38a2c18a2c},
    {0x1d7e6c0abc3578c3, 0xd4b5ab9d3f6b4f77}, {0x1f804ae8d0cd0198, 0xd79737f530a5c1a7},
    {0x218d955e18ab2df3, 0xae61ed0b8eeccca8}, {0x23a6d052d6a4a981, 0x811ab5110ccf3ac4},
    {0x2541e78680e0b71e, 0x5b8daaa73a428e1e}};
/* 1 / ln 2, times 2^127. */
static const uint64_t log2_e[] = {0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89};

struct real __real_exp2(__int128 exponent)
{
    uint64_t mantissa = __polynomial(powers_of_two, sizeof powers_of_two / sizeof *powers_of_two,
                                     (uint64_t)exponent, 0);
    return (struct real){mantissa, (int)(exponent >> 64), 0};
}

/* log2(1 + r), both times 2^126, for |r| below 2^-5. */
static __int128 log2_near_one(__int128 r)
{
    uint128 size = (uint128)(r < 0 ? -r : r);
    uint64_t high = (uint64_t)(size >> 62), low = (uint64_t)size & (((uint64_t)1 << 62) - 1);
    uint128 square = ((uint128)high * high >> 2) + ((uint128)high * low >> 63);
    uint64_t sum = __polynomial(logarithm_terms, sizeof logarithm_terms / sizeof *logarithm_terms,
                                high, r > 0);
    uint128 curve = ((uint128)(uint64_t)(square >> 64) * sum << 1) +
                    ((uint128)(uint64_t)square * sum >> 63);
    size = r > 0 ? size - curve : size + curve;
    high = (uint64_t)(size >> 64);
    uint128 result = (uint128)high * log2_e[0] + multiply_high(high, log2_e[1]) +
                     multiply_high((uint64_t)size, log2_e[0]);
    return r < 0 ? -(__int128)(result << 1) : (__int128)(result << 1);
}

struct logarithm __log2(struct real x)
{
    /* The mantissa is taken as 0.75 to 1.5. */
    int halved = x.mantissa >= (uint64_t)3 << 62;
    int index = (int)(((x.mantissa >> (halved ? 58 : 57)) + 1) >> 1) - 24;
    __int128 product = (__int128)((uint128)x.mantissa * inverses[index] << (55 - halved));
    const uint64_t *table = inverse_logarithms[index];
    __int128 fraction = (__int128)((uint128)table[0] << 64 | table[1]);
    fraction += log2_near_one(product - ((__int128)1 << 126));
    return (struct logarithm){x.exponent + halved, fraction};
}

/* Its size, and the places behind the point: as many as there is room for. */
static uint128 size_of(struct logarithm log, int *point, int *negative)
{
    __int128 value = log.fraction;
    *point = 126;
    if (log.whole) {
        value = ((__int128)log.whole << 114) + (log.fraction >> 12);
        *point = 114;
    }
    *negative = value < 0;
    return (uint128)(value < 0 ? -value : value);
}

__int128 __log2_times(struct logarithm log, struct real factor)
{
    int point, negative;
    uint128 size = size_of(log, &point, &negative);
    factor.negative ^= negative;
    return scaled(size, point, factor);
}

struct real __real_log(struct real x, struct real log_of_two)
{
    int point, negative;
    uint128 size = size_of(__log2(x), &point, &negative);
    struct real result = __real_multiply(__real_from_fixed(size, point), log_of_two);
    result.negative = negative;
    return result;
}

struct real __real_exp(struct real x)
{
    return __real_exp2(scaled((uint128)log2_e[0] << 64 | log2_e[1], 127, x));
}
