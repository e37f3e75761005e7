#ifndef TILICHO_FORMAT_H
#define TILICHO_FORMAT_H

/* Longest text of a double: a sign, 309 digits, a point, the digits behind it. */
#define MAX_FLOAT_PRECISION 512
#define FLOAT_TEXT (1 + 310 + 1 + MAX_FLOAT_PRECISION + 8)

/* Write |value| as `conversion` (one of f, e, g and their capitals) asks, without sign or padding,
   correctly rounded. Returns the length. `alternate` is printf's '#'. */
int __format_double(char *out, double value, char conversion, int precision, int alternate);
/* The same for a and A, without the 0x; all digits if the precision is negative. */
int __format_hexadecimal(char *out, double value, char conversion, int precision, int alternate);

#endif
