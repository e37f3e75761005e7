/* The elementary functions, on numbers of 64 bits: those that the compiler's run-time library
   lacks, and logarithms, because its log2 is wrong for subnormal numbers. */

#include <math.h>

#include "real.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct real one = {ONE_BIT, 0, 0}, two = {ONE_BIT, 1, 0};
static const struct real ln_2 = {0xb17217f7d1cf79ac, -1, 0}, log10_2 = {0x9a209a84fbcff799, -2, 0};
static const struct real pi = {0xc90fdaa22168c235, 1, 0}, half_pi = {0xc90fdaa22168c235, 0, 0};

/* 1 / (2n + 1), 1 / (n + 1)! and 1 / (2n + 1)!, times 2^63. */
static const uint64_t odd_inverses[] = {
    0x8000000000000000, 0x2aaaaaaaaaaaaaab, 0x199999999999999a, 0x1249249249249249,
    0x0e38e38e38e38e39, 0x0ba2e8ba2e8ba2e9, 0x09d89d89d89d89d9, 0x0888888888888889,
    0x0787878787878788, 0x06bca1af286bca1b, 0x0618618618618618, 0x0590b21642c8590b};
static const uint64_t factorials[] = {
    0x8000000000000000, 0x4000000000000000, 0x1555555555555555, 0x0555555555555555,
    0x0111111111111111, 0x002d82d82d82d82e, 0x0006806806806807, 0x0000d00d00d00d01,
    0x0000171de3a556c7, 0x0000024fc9f6ef14, 0x00000035cc8acfeb, 0x000000047bb63bfe,
    0x000000005849184f, 0x00000000064e5d2a, 0x00000000006b9fd0, 0x000000000006b9fd,
    0x000000000000654b, 0x00000000000005a1};
static const uint64_t odd_factorials[] = {
    0x8000000000000000, 0x1555555555555555, 0x0111111111111111, 0x0006806806806807,
    0x0000171de3a556c7, 0x00000035cc8acfeb, 0x000000005849184f, 0x00000000006b9fd0,
    0x000000000000654b};
/* The arc tangents of 1/16, 2/16, ... 1. */
static const struct real arcs[] = {
    {0xffaaddb967ef4e37, -5, 0}, {0xfeadd4d5617b6e33, -4, 0}, {0xbdcbda5e72d81134, -3, 0},
    {0xfadbafc96406eb15, -3, 0}, {0x9b13b9b83f5e5e6a, -2, 0}, {0xb7b0ca0f26f78474, -2, 0},
    {0xd327761e611fe5b6, -2, 0}, {0xed63382b0dda7b45, -2, 0}, {0x832bf4a6d9867e2a, -1, 0},
    {0x8f005d5ef7f59f9b, -1, 0}, {0x9a2f80e671bdda20, -1, 0}, {0xa4bc7d1934f70924, -1, 0},
    {0xaeac4c38b4d8c080, -1, 0}, {0xb8053e2bc2319e74, -1, 0}, {0xc0ce85b8ac526641, -1, 0},
    {0xc90fdaa22168c235, -1, 0}};

static struct real negative(struct real x)
{
    x.negative ^= 1;
    return x;
}

static struct real subtract(struct real a, struct real b)
{
    return __real_add(a, negative(b));
}

static struct real square(struct real x)
{
    return __real_multiply(x, x);
}

/* A number below 1 in size, times 2^64. */
static uint64_t fraction(struct real x)
{
    return x.exponent < -64 ? 0 : x.mantissa >> (-1 - x.exponent);
}

/* x times a polynomial in `variable`. */
static struct real series(struct real x, const uint64_t *terms, int count, uint64_t variable,
                          int alternate)
{
    uint64_t sum = __polynomial(terms, count, variable, alternate);
    return __real_multiply(x, __real_from_fixed(sum, 63));
}

/* Of 0 to 1. */
static struct real arc_tangent(struct real x)
{
    struct real base = {0, 0, 0};
    if (x.mantissa && x.exponent >= -5) {
        int index = (int)((x.mantissa >> (58 - x.exponent)) + 1) / 2;
        if (index) {
            struct real near = __real_from_fixed((uint128)index, 4);
            base = arcs[index - 1];
            x = __real_divide(subtract(x, near), __real_add(one, __real_multiply(x, near)));
        }
    }
    return __real_add(base, series(x, odd_inverses, COUNT(odd_inverses), fraction(square(x)), 1));
}

/* The angle of the point (x, y), whose signs do not count, from 0 to half of pi; not of (0, 0). */
static struct real angle(struct real y, struct real x)
{
    x.negative = y.negative = 0;
    int steep = y.exponent > x.exponent || (y.exponent == x.exponent && y.mantissa > x.mantissa);
    if (!x.mantissa || (steep && y.mantissa))
        return subtract(half_pi, arc_tangent(__real_divide(x, y)));
    return arc_tangent(__real_divide(y, x));
}

double atan2(double y, double x)
{
    if (isnan(x) || isnan(y))
        return x + y;
    struct real a = __real_from_double(y), b = __real_from_double(x), result = {0, 0, 0};
    if (isinf(x) || isinf(y)) {
        a = isinf(y) ? one : result;
        b = isinf(x) ? one : result;
    }
    if (a.mantissa)
        result = angle(a, b);
    if (signbit(x))
        result = subtract(pi, result);
    return copysign(__real_to_double(result), y);
}

double atan(double x)
{
    return atan2(x, 1);
}

/* sqrt(1 - x^2), for x between -1 and 1. */
static struct real other_side(struct real x)
{
    x.negative = 0;
    return __real_sqrt(__real_multiply(subtract(one, x), __real_add(one, x)));
}

double asin(double x)
{
    if (!(fabs(x) <= 1))
        return NAN;
    struct real side = __real_from_double(x);
    return side.mantissa ? copysign(__real_to_double(angle(side, other_side(side))), x) : x;
}

double acos(double x)
{
    if (!(fabs(x) <= 1))
        return NAN;
    struct real side = __real_from_double(x), result = angle(other_side(side), side);
    if (side.negative)
        result = subtract(pi, result);
    return __real_to_double(result);
}

static struct real exp_minus_one(struct real x)
{
    if (x.exponent < -1)
        return series(x, factorials, COUNT(factorials), fraction(x), x.negative);
    return subtract(__real_exp(x), one);
}

/* Of more than -1. */
static struct real log_one_plus(struct real x)
{
    if (x.exponent >= -2)
        return __real_log(__real_add(one, x), ln_2);
    struct real s = __real_divide(x, __real_add(two, x));
    s = series(s, odd_inverses, COUNT(odd_inverses), fraction(square(s)), 0);
    return __real_scale(s, 1);
}

double exp(double x)
{
    if (isnan(x) || isinf(x))
        return x == -HUGE_VAL ? 0 : x;
    return __real_to_double(__real_exp(__real_from_double(x)));
}

double exp2(double x)
{
    if (isnan(x) || isinf(x))
        return x == -HUGE_VAL ? 0 : x;
    return __real_to_double(__real_exp2(__log2_times((struct logarithm){1, 0},
                                                     __real_from_double(x))));
}

static double logarithm(double x, struct real log_of_two)
{
    if (!(x > 0) || isinf(x))
        return x == 0 ? -HUGE_VAL : x < 0 ? NAN : x;
    return __real_to_double(__real_log(__real_from_double(x), log_of_two));
}

double log(double x)
{
    return logarithm(x, ln_2);
}

double log2(double x)
{
    return logarithm(x, one);
}

double log10(double x)
{
    return logarithm(x, log10_2);
}

double expm1(double x)
{
    if (isnan(x) || isinf(x) || x == 0)
        return x == -HUGE_VAL ? -1 : x;
    return __real_to_double(exp_minus_one(__real_from_double(x)));
}

double log1p(double x)
{
    if (!(x > -1) || isinf(x) || x == 0)
        return x == -1 ? -HUGE_VAL : x < -1 ? NAN : x;
    return __real_to_double(log_one_plus(__real_from_double(x)));
}

double sinh(double x)
{
    if (isnan(x) || isinf(x) || x == 0)
        return x;
    struct real a = __real_from_double(x);
    if (a.exponent < -1) {
        a = series(a, odd_factorials, COUNT(odd_factorials), fraction(square(a)), 0);
    } else {
        struct real power = __real_exp(a);
        a = __real_scale(subtract(power, __real_divide(one, power)), -1);
    }
    return __real_to_double(a);
}

double cosh(double x)
{
    if (isnan(x) || isinf(x))
        return fabs(x);
    struct real power = __real_exp(__real_from_double(x));
    return __real_to_double(__real_scale(__real_add(power, __real_divide(one, power)), -1));
}

double tanh(double x)
{
    if (isnan(x) || x == 0)
        return x;
    if (fabs(x) > 40)
        return copysign(1, x);
    struct real power = exp_minus_one(__real_scale(__real_from_double(x), 1));
    return __real_to_double(__real_divide(power, __real_add(power, two)));
}

double asinh(double x)
{
    if (isnan(x) || isinf(x) || x == 0)
        return x;
    struct real a = __real_from_double(fabs(x)), s = square(a);
    struct real rest = __real_divide(s, __real_add(one, __real_sqrt(__real_add(one, s))));
    return copysign(__real_to_double(log_one_plus(__real_add(a, rest))), x);
}

double acosh(double x)
{
    if (!(x > 1) || isinf(x))
        return x == 1 ? 0 : x < 1 ? NAN : x;
    struct real a = subtract(__real_from_double(x), one);
    struct real root = __real_sqrt(__real_add(__real_scale(a, 1), square(a)));
    return __real_to_double(log_one_plus(__real_add(a, root)));
}

double atanh(double x)
{
    if (!(fabs(x) < 1) || x == 0)
        return fabs(x) == 1 ? copysign(HUGE_VAL, x) : x == 0 ? x : NAN;
    struct real a = __real_from_double(fabs(x));
    a = log_one_plus(__real_divide(__real_scale(a, 1), subtract(one, a)));
    return copysign(__real_to_double(__real_scale(a, -1)), x);
}

double hypot(double x, double y)
{
    if (isinf(x) || isinf(y))
        return HUGE_VAL;
    if (isnan(x) || isnan(y))
        return NAN;
    struct real a = square(__real_from_double(x)), b = square(__real_from_double(y));
    return __real_to_double(__real_sqrt(__real_add(a, b)));
}

double cbrt(double x)
{
    if (isnan(x) || isinf(x) || x == 0)
        return x;
    struct logarithm log = __log2(__real_from_double(fabs(x)));
    /* A third of the logarithm, of its whole part first. */
    int third = (log.whole + 3000) / 3 - 1000;
    __int128 rest = (((__int128)(log.whole - 3 * third) << 124) + (log.fraction >> 2)) / 3 >> 60;
    return copysign(__real_to_double(__real_scale(__real_exp2(rest), third)), x);
}

double pow(double x, double y)
{
    if (y == 0 || x == 1)
        return 1;
    if (isnan(x) || isnan(y))
        return x + y;
    int whole = trunc(y) == y;
    int odd = whole && fabs(y) < 0x1p53 && fmod(y, 2) != 0;
    if (x == 0)
        return y > 0 ? (odd ? x : 0) : (odd ? copysign(HUGE_VAL, x) : HUGE_VAL);
    if (isinf(y))
        return fabs(x) == 1 ? 1 : (fabs(x) > 1) == (y > 0) ? HUGE_VAL : 0;
    if (isinf(x)) {
        double size = y > 0 ? HUGE_VAL : 0;
        return x < 0 && odd ? -size : size;
    }
    if (x < 0 && !whole)
        return NAN;
    struct logarithm log = __log2(__real_from_double(fabs(x)));
    struct real power = __real_exp2(__log2_times(log, __real_from_double(y)));
    power.negative = x < 0 && odd;
    return __real_to_double(power);
}
