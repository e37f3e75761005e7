/*
 * Functions of long double that the compiler's run-time library lacks: what is made of bits is
 * exact, the others have the precision of a double.
 */

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 bits128;

#define BIAS 16383
#define FIELD_MASK 0x7fff
#define FRACTION_BITS 112
#define SIGN ((bits128)1 << 127)

static bits128 to_bits(long double x)
{
    bits128 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static long double from_bits(bits128 bits)
{
    long double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int field_of(long double x)
{
    return (int)(to_bits(x) >> FRACTION_BITS) & FIELD_MASK;
}

static long double with_field(long double x, int field)
{
    return from_bits((to_bits(x) & ~((bits128)FIELD_MASK << FRACTION_BITS))
                     | (bits128)field << FRACTION_BITS);
}

long double copysignl(long double magnitude, long double sign)
{
    return from_bits((to_bits(magnitude) & ~SIGN) | (to_bits(sign) & SIGN));
}

long double frexpl(long double x, int *exponent)
{
    int below = 0;
    *exponent = 0;
    if (x == 0 || field_of(x) == FIELD_MASK)
        return x;
    if (!field_of(x)) {
        x *= 0x1p120L;
        below = 120;
    }
    *exponent = field_of(x) - (BIAS - 1) - below;
    return with_field(x, BIAS - 1);
}

long double ldexpl(long double x, int exponent)
{
    int own;
    long double mantissa = frexpl(x, &own);
    if (x == 0 || field_of(x) == FIELD_MASK)
        return x;
    if (exponent > 3 * BIAS)
        exponent = 3 * BIAS;
    if (exponent < -3 * BIAS)
        exponent = -3 * BIAS;
    exponent += own;
    if (exponent > BIAS + 1)
        return copysignl(HUGE_VALL, x);
    if (exponent > 1 - BIAS)
        return with_field(mantissa, exponent + BIAS - 1);
    if (exponent < -2 * FRACTION_BITS - BIAS)
        return copysignl(0, x);
    /* A subnormal result: one multiplication, which rounds once. */
    return with_field(mantissa, exponent + BIAS - 1 + 2 * FRACTION_BITS)
           * with_field(1, BIAS - 2 * FRACTION_BITS);
}

long double scalbnl(long double x, int exponent)
{
    return ldexpl(x, exponent);
}

long double scalblnl(long double x, long exponent)
{
    return ldexpl(x, exponent > INT_MAX ? INT_MAX : exponent < INT_MIN ? INT_MIN : (int)exponent);
}

long double modfl(long double x, long double *whole)
{
    *whole = truncl(x);
    return copysignl(field_of(x) == FIELD_MASK && x == x ? 0 : x - *whole, x);
}

int ilogbl(long double x)
{
    int exponent;
    if (x == 0)
        return FP_ILOGB0;
    if (field_of(x) == FIELD_MASK)
        return x == x ? INT_MAX : FP_ILOGBNAN;
    frexpl(x, &exponent);
    return exponent - 1;
}

long double logbl(long double x)
{
    if (x == 0)
        return -HUGE_VALL;
    return field_of(x) == FIELD_MASK ? x * x : ilogbl(x);
}

long double rintl(long double x)
{
    /* From here on there are no fractions. */
    long double limit = copysignl(0x1p112L, x);
    if (field_of(x) >= BIAS + FRACTION_BITS)
        return x;
    return copysignl(x + limit - limit, x);
}

long double nearbyintl(long double x)
{
    return rintl(x);
}

long double nextafterl(long double x, long double y)
{
    if (x != x || y != y)
        return x + y;
    if (x == y)
        return y;
    if (x == 0)
        return copysignl(from_bits(1), y);
    return from_bits(to_bits(x) + ((x < y) == (x > 0) ? 1 : ~(bits128)0));
}

long double fdiml(long double x, long double y)
{
    return x <= y ? 0 : x - y;
}

long double nanl(const char *text)
{
    (void)text;
    return from_bits((bits128)0x7fff8 << 108);
}

#define WHOLE(kind, name, function) \
    kind name(long double x)        \
    {                               \
        return (kind)function(x);   \
    }

WHOLE(long, lrintl, rintl)
WHOLE(long, lroundl, roundl)
WHOLE(long long, llrintl, rintl)
WHOLE(long long, llroundl, roundl)

#define OF_DOUBLE(name)               \
    long double name##l(long double x) \
    {                                 \
        return name((double)x);       \
    }

OF_DOUBLE(expm1)
OF_DOUBLE(log1p)
OF_DOUBLE(asin)
OF_DOUBLE(acos)
OF_DOUBLE(atan)
OF_DOUBLE(sinh)
OF_DOUBLE(cosh)
OF_DOUBLE(tanh)
OF_DOUBLE(asinh)
OF_DOUBLE(acosh)
OF_DOUBLE(atanh)
OF_DOUBLE(cbrt)
OF_DOUBLE(erf)
OF_DOUBLE(erfc)
OF_DOUBLE(tgamma)
OF_DOUBLE(lgamma)

#define OF_DOUBLES(name)                             \
    long double name##l(long double x, long double y) \
    {                                                \
        return name((double)x, (double)y);           \
    }

OF_DOUBLES(pow)
OF_DOUBLES(atan2)
OF_DOUBLES(hypot)
OF_DOUBLES(remainder)
