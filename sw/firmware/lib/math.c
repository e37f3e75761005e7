/* What the compiler's run-time library lacks of the exact functions of math.h. */

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EXPONENT_MASK 0x7ff

static uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double copysign(double magnitude, double sign)
{
    uint64_t mask = (uint64_t)1 << 63;
    return from_bits((to_bits(magnitude) & ~mask) | (to_bits(sign) & mask));
}

double frexp(double x, int *exponent)
{
    int field = (int)(to_bits(x) >> 52 & EXPONENT_MASK);
    *exponent = 0;
    if (field == EXPONENT_MASK || x == 0)
        return x;
    if (!field) {
        x *= 0x1p64;
        field = (int)(to_bits(x) >> 52 & EXPONENT_MASK) - 64;
    }
    *exponent = field - 1022;
    return from_bits((to_bits(x) & ~((uint64_t)EXPONENT_MASK << 52)) | (uint64_t)1022 << 52);
}

double ldexp(double x, int exponent)
{
    int own;
    double mantissa = frexp(x, &own);
    if (x == 0 || !isfinite(x))
        return x;
    if (exponent > 4000)
        exponent = 4000;
    if (exponent < -4000)
        exponent = -4000;
    exponent += own;
    if (exponent > 1024)
        return copysign(HUGE_VAL, x);
    uint64_t fraction = to_bits(mantissa) & ~((uint64_t)EXPONENT_MASK << 52);
    if (exponent > -1022)
        return from_bits(fraction | (uint64_t)(exponent + 1022) << 52);
    /* A subnormal result: one multiplication, which rounds once. */
    if (exponent < -1080)
        exponent = -1080;
    return from_bits(fraction | (uint64_t)(exponent + 1022 + 64) << 52) * 0x1p-64;
}

double modf(double x, double *whole)
{
    *whole = trunc(x);
    return isinf(x) ? copysign(0, x) : copysign(x - *whole, x);
}

/* To the nearest whole number, ties to even: the only rounding mode there is. */
double rint(double x)
{
    double shift = copysign(0x1p52, x);
    return fabs(x) < 0x1p52 ? copysign(x + shift - shift, x) : x;
}

double nearbyint(double x)
{
    return rint(x);
}

long lrint(double x)
{
    return (long)rint(x);
}

long long llrint(double x)
{
    return (long long)rint(x);
}

long lround(double x)
{
    return (long)round(x);
}

long long llround(double x)
{
    return (long long)round(x);
}

double scalbn(double x, int exponent)
{
    return ldexp(x, exponent);
}

double scalbln(double x, long exponent)
{
    return ldexp(x, exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : (int)exponent);
}

int ilogb(double x)
{
    int exponent;
    if (x == 0 || isnan(x))
        return x == 0 ? FP_ILOGB0 : FP_ILOGBNAN;
    if (isinf(x))
        return INT_MAX;
    frexp(x, &exponent);
    return exponent - 1;
}

double logb(double x)
{
    return x == 0 ? -HUGE_VAL : isfinite(x) ? ilogb(x) : x * x;
}

double nextafter(double from, double to)
{
    uint64_t bits = to_bits(from);
    if (isnan(from) || isnan(to))
        return from + to;
    if (from == to)
        return to;
    if (from == 0)
        return copysign(from_bits(1), to);
    return from_bits((from < to) == (from > 0) ? bits + 1 : bits - 1);
}

double fdim(double x, double y)
{
    return isnan(x) || isnan(y) ? x + y : x > y ? x - y : 0;
}

double nan(const char *text)
{
    (void)text;
    return NAN;
}

/* The quotient's three low bits come out one by one; every step is exact. */
double remquo(double x, double y, int *quotient)
{
    *quotient = 0;
    if (isnan(x) || isnan(y) || isinf(x) || y == 0)
        return NAN;
    double size = fabs(y), rest = fmod(fabs(x), 8 * size);
    int count = 0;
    for (int power = 4; power; power /= 2)
        if (rest >= power * size) {
            rest -= power * size;
            count += power;
        }
    if (rest > size - rest || (rest == size - rest && count & 1)) {
        rest -= size;
        count++;
    }
    *quotient = signbit(x) == signbit(y) ? count & 7 : -(count & 7);
    return rest == 0 ? copysign(0, x) : signbit(x) ? -rest : rest;
}

double remainder(double x, double y)
{
    int quotient;
    return remquo(x, y, &quotient);
}
