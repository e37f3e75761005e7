/* Doubles as decimal text, correctly rounded, by arithmetic on long integers: no floating-point
   operation takes part, so the text does not depend on the soft-float library. */

#include <stdint.h>
#include <string.h>

#include "decimal.h"
#include "format.h"

static void from_double(struct decimal *number, uint64_t bits)
{
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & 0xfffffffffffffu;
    if (exponent)
        mantissa |= (uint64_t)1 << 52;
    else
        exponent = 1;
    memset(number, 0, sizeof *number);
    number->limb[INTEGER_LIMBS - 1] = (uint32_t)(mantissa % LIMB_BASE);
    number->limb[INTEGER_LIMBS - 2] = (uint32_t)(mantissa / LIMB_BASE);
    exponent -= 1075;
    if (exponent > 0)
        __decimal_double(number, exponent);
    else
        __decimal_halve(number, -exponent);
}

static int digit(const char *digits, int position)
{
    return position < 0 || position >= DIGITS ? 0 : digits[position];
}

static void to_digits(const struct decimal *number, char *digits)
{
    memset(digits, 0, DIGITS);
    for (int i = 0; i < LIMBS; i++) {
        uint32_t limb = number->limb[i];
        for (int j = LIMB_DIGITS - 1; limb; j--) {
            digits[i * LIMB_DIGITS + j] = (char)(limb % 10);
            limb /= 10;
        }
    }
}

/* Round to the digits before position `keep`, ties to even. */
static void round_digits(char *digits, int keep)
{
    if (keep >= DIGITS)
        return;
    int up = digits[keep] > 5;
    if (digits[keep] == 5) {
        int i = keep + 1;
        while (i < DIGITS && !digits[i])
            i++;
        up = i < DIGITS || (keep > 0 && digits[keep - 1] & 1);
    }
    memset(digits + keep, 0, (size_t)(DIGITS - keep));
    for (int i = keep - 1; up && i >= 0; i--) {
        up = digits[i] == 9;
        digits[i] = (char)(up ? 0 : digits[i] + 1);
    }
}

static int first_digit(const char *digits)
{
    int first = 0;
    while (first < DIGITS && !digits[first])
        first++;
    return first;
}

static int write_fixed(char *out, const char *digits, int precision, int point)
{
    int length = 0;
    int start = first_digit(digits);
    if (start > POINT - 1)
        start = POINT - 1;
    for (int i = start; i < POINT; i++)
        out[length++] = (char)('0' + digits[i]);
    if (precision || point)
        out[length++] = '.';
    for (int i = 0; i < precision; i++)
        out[length++] = (char)('0' + digit(digits, POINT + i));
    return length;
}

static int write_exponent(char *out, const char *digits, int first, int precision, int point,
                          char letter)
{
    int zero = first == DIGITS;
    int exponent = zero ? 0 : POINT - 1 - first;
    int length = 0;
    out[length++] = (char)('0' + digit(digits, first));
    if (precision || point)
        out[length++] = '.';
    for (int i = 1; i <= precision; i++)
        out[length++] = (char)('0' + digit(digits, first + i));
    out[length++] = letter;
    out[length++] = exponent < 0 ? '-' : '+';
    if (exponent < 0)
        exponent = -exponent;
    if (exponent >= 100)
        out[length++] = (char)('0' + exponent / 100);
    out[length++] = (char)('0' + exponent / 10 % 10);
    out[length++] = (char)('0' + exponent % 10);
    return length;
}

/* %g drops the zeros at the end of the fraction: the precision without them. */
static int trimmed(const char *digits, int last, int precision)
{
    while (precision > 0 && !digit(digits, last)) {
        precision--;
        last--;
    }
    return precision;
}

static int write_general(char *out, char *digits, int precision, int alternate, char letter)
{
    if (!precision)
        precision = 1;
    int first = first_digit(digits);
    if (first < DIGITS) {
        round_digits(digits, first + precision);
        first = first_digit(digits);
    }
    int exponent = first == DIGITS ? 0 : POINT - 1 - first;
    if (exponent < -4 || exponent >= precision) {
        int behind = precision - 1;
        if (!alternate)
            behind = trimmed(digits, first + behind, behind);
        return write_exponent(out, digits, first, behind, alternate, letter);
    }
    int behind = precision - 1 - exponent;
    if (!alternate)
        behind = trimmed(digits, POINT + behind - 1, behind);
    return write_fixed(out, digits, behind, alternate);
}

int __format_double(char *out, double value, char conversion, int precision, int alternate)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int capital = conversion < 'a';
    if ((bits >> 52 & 0x7ff) == 0x7ff) {
        const char *name = bits << 12 ? (capital ? "NAN" : "nan") : (capital ? "INF" : "inf");
        memcpy(out, name, 3);
        return 3;
    }
    static struct decimal number;
    static char digits[DIGITS];
    from_double(&number, bits);
    to_digits(&number, digits);
    switch (conversion | 32) {
    case 'f':
        round_digits(digits, POINT + precision);
        return write_fixed(out, digits, precision, alternate);
    case 'e': {
        int first = first_digit(digits);
        if (first < DIGITS) {
            round_digits(digits, first + precision + 1);
            first = first_digit(digits);
        }
        return write_exponent(out, digits, first, precision, alternate, capital ? 'E' : 'e');
    }
    default:
        return write_general(out, digits, precision, alternate, capital ? 'E' : 'e');
    }
}

int __format_hexadecimal(char *out, double value, char conversion, int precision, int alternate)
{
    const char *digits = conversion == 'A' ? "0123456789ABCDEF" : "0123456789abcdef";
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int field = (int)(bits >> 52 & 0x7ff), length = 0;
    int exponent = field ? field - 1023 : bits << 1 ? -1022 : 0;
    uint64_t mantissa = (bits & 0xfffffffffffffu) | (uint64_t)(field != 0) << 52;
    if (precision >= 0 && precision < 13) {
        int drop = 4 * (13 - precision);
        uint64_t half = (uint64_t)1 << (drop - 1), rest = mantissa & (2 * half - 1);
        mantissa >>= drop;
        mantissa += rest > half || (rest == half && mantissa & 1);
        mantissa <<= drop;
    }
    out[length++] = (char)('0' + (mantissa >> 52));
    mantissa <<= 12;
    if (precision > 0 || (precision < 0 && mantissa) || alternate)
        out[length++] = '.';
    for (int i = 0; precision < 0 ? mantissa != 0 : i < precision; i++, mantissa <<= 4)
        out[length++] = digits[mantissa >> 60];
    out[length++] = conversion == 'A' ? 'P' : 'p';
    out[length++] = exponent < 0 ? '-' : '+';
    if (exponent < 0)
        exponent = -exponent;
    for (int power = exponent >= 1000 ? 1000 : exponent >= 100 ? 100 : exponent >= 10 ? 10 : 1;
         power; power /= 10)
        out[length++] = (char)('0' + exponent / power % 10);
    return length;
}
