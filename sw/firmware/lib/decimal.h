#ifndef TILICHO_DECIMAL_H
#define TILICHO_DECIMAL_H

#include <stdint.h>

#define LIMB_BASE 1000000000u
#define LIMB_DIGITS 9
/* The largest double has 309 digits before the point, 2^-1074 has 1074 behind it. */
#define INTEGER_LIMBS 35
#define FRACTION_LIMBS 120
#define LIMBS (INTEGER_LIMBS + FRACTION_LIMBS)
#define DIGITS (LIMBS * LIMB_DIGITS)
#define POINT (INTEGER_LIMBS * LIMB_DIGITS)

/* Fixed-point decimal number: limb[0] is the most significant, nine digits each; the point stands
   behind limb[INTEGER_LIMBS - 1]. */
struct decimal {
    uint32_t limb[LIMBS];
};

/* Multiply or divide by 2^times, exactly as long as the number fits. */
void __decimal_double(struct decimal *number, int times);
void __decimal_halve(struct decimal *number, int times);

#endif
