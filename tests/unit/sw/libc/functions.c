/* Calls functions of math.h by number, on what comes from the standard input: a byte that names the
   function and two doubles; the result goes to the standard output. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define UNARY(name) \
    static double call_##name(double x, double y) { (void)y; return name(x); }
#define BINARY(name) \
    static double call_##name(double x, double y) { return name(x, y); }
#define INTEGER(name) \
    static double call_##name(double x, double y) { return name(x, (int)y); }

FUNCTIONS

static double (*const functions[])(double, double) = {TABLE};

int main(void)
{
    uint8_t number;
    double operands[2];
    while (fread(&number, 1, 1, stdin) && fread(operands, sizeof(double), 2, stdin) == 2) {
        double result = functions[number](operands[0], operands[1]);
        fwrite(&result, sizeof result, 1, stdout);
    }
    return 0;
}
