/* The error function and the gamma function, in floating point of 64 bits. */

#include <math.h>

#include "real.h"

int signgam;

static const struct real one = {ONE_BIT, 0, 0};
static const struct real two = {ONE_BIT, 1, 0};
static const struct real pi = {0xc90fdaa22168c235, 1, 0};
static const struct real root_of_pi = {0xe2dfc48da77b553d, 0, 0};
static const struct real log_of_two = {0xb17217f7d1cf79ac, -1, 0};
static const struct real half_log_of_two_pi = {0xeb3f8e4325f5a535, -1, 0};

static struct real of(double x)
{
    return __real_from_double(x);
}

static struct real subtract(struct real a, struct real b)
{
    b.negative = !b.negative;
    return __real_add(a, b);
}

static struct real logarithm(struct real x)
{
    return __real_log(x, log_of_two);
}

/* exp(-x^2) */
static struct real bell(struct real x)
{
    struct real square = __real_multiply(x, x);
    square.negative = 1;
    return __real_exp(square);
}

/* erf(x) for 0 < x < 2, by a series without cancellation:
   2 / sqrt(pi) * exp(-x^2) * (x + 2 x^3 / 3 + 4 x^5 / 15 + ...) */
static struct real erf_series(struct real x)
{
    struct real factor = __real_scale(__real_multiply(x, x), 1), term = x, sum = x;
    for (int odd = 3; term.mantissa && term.exponent > sum.exponent - 66; odd += 2) {
        term = __real_divide(__real_multiply(term, factor), of(odd));
        sum = __real_add(sum, term);
    }
    sum = __real_divide(__real_multiply(sum, bell(x)), root_of_pi);
    return __real_scale(sum, 1);
}

/* erfc(x) for x >= 1, by Laplace's continued fraction, from its far end. */
static struct real erfc_fraction(double value)
{
    struct real x = of(value), below = x;
    for (int n = 20 + (int)(250 / (value * value)); n; n--)
        below = __real_add(x, __real_divide(__real_scale(of(n), -1), below));
    return __real_divide(bell(x), __real_multiply(below, root_of_pi));
}

double erf(double x)
{
    double size = fabs(x);
    if (isnan(x) || x == 0)
        return x;
    if (size > 6)
        return copysign(1, x);
    struct real result = size < 1 ? erf_series(of(size)) : subtract(one, erfc_fraction(size));
    return copysign(__real_to_double(result), x);
}

double erfc(double x)
{
    if (isnan(x))
        return x;
    if (x < -7)
        return 2;
    if (x > 28)
        return 0;
    if (x >= 1)
        return __real_to_double(erfc_fraction(x));
    if (x <= -1)
        return __real_to_double(subtract(two, erfc_fraction(-x)));
    if (x == 0)
        return 1;
    struct real part = erf_series(of(fabs(x)));
    return __real_to_double(x < 0 ? __real_add(one, part) : subtract(one, part));
}

/* log(gamma(x)) for x >= 20, by Stirling's series. */
static struct real stirling(struct real x)
{
    /* B(2k) / (2k (2k - 1)) */
    static const short numerators[] = {1, -1, 1, -1, 1, -691, 1, -3617};
    static const int denominators[] = {12, 360, 1260, 1680, 1188, 360360, 156, 122400};
    struct real inverse = __real_divide(one, x), square = __real_multiply(inverse, inverse);
    struct real sum = {0, 0, 0};
    for (int k = 7; k >= 0; k--)
        sum = __real_add(__real_multiply(sum, square),
                         __real_divide(of(numerators[k]), of(denominators[k])));
    sum = __real_add(__real_multiply(sum, inverse), half_log_of_two_pi);
    struct real main = __real_multiply(subtract(x, __real_scale(one, -1)), logarithm(x));
    return __real_add(sum, subtract(main, x));
}

/* Raises x to 20 or more; *product is what gamma grows by. */
static struct real raise_to_20(double x, struct real *product)
{
    struct real y = of(x);
    *product = one;
    for (; x < 20; x++) {
        *product = __real_multiply(*product, y);
        y = __real_add(y, one);
    }
    return y;
}

/* gamma(x) for 0 < x < 200. */
static struct real gamma_positive(double x)
{
    struct real product;
    if (x == floor(x) && x < 24) {
        product = one;
        for (double factor = 2; factor < x; factor++)
            product = __real_multiply(product, of(factor));
        return product;
    }
    struct real y = raise_to_20(x, &product);
    return __real_divide(__real_exp(stirling(y)), product);
}

/* The size of sin(pi x), for x that is no integer. */
static double sine_of_pi_times(double x)
{
    return fabs(sin(M_PI * (x - round(x))));
}

double tgamma(double x)
{
    if (isnan(x) || x == INFINITY)
        return x;
    if (x == 0)
        return copysign(INFINITY, x);
    if (x < 0 && (x == floor(x) || x == -INFINITY))
        return NAN;
    if (x > 172)
        return INFINITY;
    if (x > 0)
        return __real_to_double(gamma_positive(x));
    double sign = fmod(floor(x), 2) == 0 ? 1 : -1;
    if (x < -190)
        return copysign(0, sign);
    /* gamma(x) gamma(1 - x) = pi / sin(pi x), and gamma(1 - x) = -x gamma(-x) */
    struct real other = __real_multiply(of(-x), gamma_positive(-x));
    struct real result = __real_divide(pi, __real_multiply(other, of(sine_of_pi_times(x))));
    return copysign(__real_to_double(result), sign);
}

double lgamma(double x)
{
    signgam = 1;
    if (isnan(x))
        return x;
    if (isinf(x) || (x <= 0 && x == floor(x)))
        return INFINITY;
    if (x == 1 || x == 2)
        return 0;
    if (x < 0) {
        signgam = fmod(floor(x), 2) == 0 ? 1 : -1;
        int sign = signgam;
        double other = lgamma(-x);
        signgam = sign;
        return log(M_PI / (-x * sine_of_pi_times(x))) - other;
    }
    struct real product, y = raise_to_20(x, &product);
    struct real result = stirling(y);
    if (x < 20)
        result = subtract(result, logarithm(product));
    return __real_to_double(result);
}
