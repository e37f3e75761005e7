/* The float functions of what is calculated in double here. The result in double, rounded, is
   the nearest float but for cases so rare that none is known. */

#include <math.h>

#define UNARY(name) \
    float name##f(float x) { return (float)name(x); }
#define BINARY(name) \
    float name##f(float x, float y) { return (float)name(x, y); }
#define TO_INTEGER(type, name) \
    type name##f(float x) { return name(x); }

UNARY(acos)
UNARY(asin)
UNARY(atan)
UNARY(acosh)
UNARY(asinh)
UNARY(atanh)
UNARY(cosh)
UNARY(sinh)
UNARY(tanh)
UNARY(exp)
UNARY(exp2)
UNARY(expm1)
UNARY(log)
UNARY(log2)
UNARY(log10)
UNARY(log1p)
UNARY(cbrt)
UNARY(rint)
UNARY(nearbyint)
UNARY(logb)
UNARY(erf)
UNARY(erfc)
UNARY(tgamma)
UNARY(lgamma)
BINARY(atan2)
BINARY(pow)
BINARY(hypot)
BINARY(fdim)
BINARY(remainder)
BINARY(copysign)
TO_INTEGER(long, lrint)
TO_INTEGER(long, lround)
TO_INTEGER(long long, llrint)
TO_INTEGER(long long, llround)
TO_INTEGER(int, ilogb)

float frexpf(float x, int *exponent)
{
    return (float)frexp(x, exponent);
}

float ldexpf(float x, int exponent)
{
    return (float)ldexp(x, exponent);
}

float scalbnf(float x, int exponent)
{
    return (float)ldexp(x, exponent);
}

float scalblnf(float x, long exponent)
{
    return (float)scalbln(x, exponent);
}

float modff(float x, float *whole)
{
    double part, rest = modf(x, &part);
    *whole = (float)part;
    return (float)rest;
}

float remquof(float x, float y, int *quotient)
{
    return (float)remquo(x, y, quotient);
}

float nextafterf(float from, float to)
{
    union {
        float value;
        unsigned bits;
    } next = {from};
    if (isnan(from) || isnan(to))
        return from + to;
    if (from == to)
        return to;
    if (from == 0)
        next.bits = signbit(to) ? 0x80000001 : 1;
    else
        next.bits += (from < to) == (from > 0) ? 1u : -1u;
    return next.value;
}

float nanf(const char *text)
{
    (void)text;
    return NAN;
}
