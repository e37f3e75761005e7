#ifndef TILICHO_REAL_H
#define TILICHO_REAL_H

#include <stdint.h>

typedef unsigned __int128 uint128;

#define ONE_BIT ((uint64_t)1 << 63)

/* A finite number with eleven bits more than a double, calculated with in general registers:
   mantissa * 2^(exponent - 63), the top bit of the mantissa set; a mantissa of zero is zero. */
struct real {
    uint64_t mantissa;
    int exponent, negative;
};

/* A binary logarithm: whole + fraction / 2^126, the fraction between -0.42 and 0.59. */
struct logarithm {
    int whole;
    __int128 fraction;
};

struct real __real_from_double(double x);
/* To nearest, ties to even; too large becomes infinity. */
double __real_to_double(struct real x);

/* Operations truncate; their relative error is below 2^-62. */
struct real __real_add(struct real a, struct real b);
struct real __real_multiply(struct real a, struct real b);
struct real __real_divide(struct real a, struct real b);
struct real __real_sqrt(struct real x);
struct real __real_scale(struct real x, int exponent);

/* Of x > 0, with an error below 2^-74 of the result. */
struct logarithm __log2(struct real x);
/* log * factor with 64 bits behind the point; at most 3000 in size. */
__int128 __log2_times(struct logarithm log, struct real factor);
/* 2 to the power of exponent / 2^64. */
struct real __real_exp2(__int128 exponent);
/* x / 2^point */
struct real __real_from_fixed(uint128 x, int point);

struct real __real_exp(struct real x);
/* Of x > 0, to the base whose logarithm of two is given. */
struct real __real_log(struct real x, struct real log_of_two);

/* The sum of coefficients[i] * x^i, times 2^63, for x / 2^64 and coefficients times 2^63; with
   `alternate`, terms of odd powers are subtracted. */
uint64_t __polynomial(const uint64_t *coefficients, int count, uint64_t x, int alternate);

#endif
