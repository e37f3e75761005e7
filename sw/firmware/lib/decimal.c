/* Long decimal numbers, for the conversions between doubles and text. */

#include "decimal.h"

/* Doublings done in one pass: a limb shifted by them and a carry fit in 64 bits. */
#define STEP 29

void __decimal_double(struct decimal *number, int times)
{
    int last = LIMBS - 1, first = 0;
    while (last > 0 && !number->limb[last])
        last--;
    while (first < last && !number->limb[first])
        first++;
    while (times > 0) {
        int step = times > STEP ? STEP : times;
        uint64_t carry = 0;
        for (int i = last; i >= first || (carry && i >= 0); i--) {
            uint64_t value = ((uint64_t)number->limb[i] << step) + carry;
            number->limb[i] = (uint32_t)(value % LIMB_BASE);
            carry = value / LIMB_BASE;
            if (i < first)
                first = i;
        }
        times -= step;
    }
}

void __decimal_halve(struct decimal *number, int times)
{
    int last = LIMBS - 1, first = 0;
    while (last > 0 && !number->limb[last])
        last--;
    while (times > 0) {
        int step = times > STEP ? STEP : times;
        uint64_t rest = 0;
        while (first < last && !number->limb[first])
            first++;
        for (int i = first; i <= last || (rest && i < LIMBS); i++) {
            uint64_t value = rest * LIMB_BASE + number->limb[i];
            number->limb[i] = (uint32_t)(value >> step);
            rest = value & (((uint64_t)1 << step) - 1);
            if (i > last)
                last = i;
        }
        times -= step;
    }
}
