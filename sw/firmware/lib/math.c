/* What the compiler's run-time library lacks of math.h. */

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

static double integer_power(double x, unsigned long exponent)
{
    double result = 1;
    for (; exponent; exponent >>= 1, x *= x)
        if (exponent & 1)
            result *= x;
    return result;
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
    if (x < 0 && !whole && !isinf(x))
        return NAN;
    /* Small whole powers of small numbers come out exact. */
    if (whole && fabs(y) <= 64) {
        double power = integer_power(x, (unsigned long)fabs(y));
        return y < 0 ? 1 / power : power;
    }
    double magnitude = exp2(y * log2(fabs(x)));
    return x < 0 && odd ? -magnitude : magnitude;
}
