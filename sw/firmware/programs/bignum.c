/* Long integers: factorial and Fibonacci numbers, multiplied with carries of 128 bits. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LIMBS 16

struct number {
    uint64_t limb[LIMBS];
};

static void multiply_small(struct number *number, uint64_t factor)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)number->limb[i] * factor;
        number->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void add(struct number *sum, const struct number *other)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)sum->limb[i] + other->limb[i];
        sum->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static uint64_t divide_small(struct number *number, uint64_t divisor)
{
    unsigned __int128 rest = 0;
    for (int i = LIMBS; i--;) {
        rest = rest << 64 | number->limb[i];
        number->limb[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

static int is_zero(const struct number *number)
{
    for (int i = 0; i < LIMBS; i++)
        if (number->limb[i])
            return 0;
    return 1;
}

static void print(const char *name, struct number number)
{
    char text[LIMBS * 20 + 1];
    char *digit = text + sizeof text - 1;
    *digit = 0;
    do {
        uint64_t group = divide_small(&number, 1000000000);
        for (int i = 0; i < 9; i++, group /= 10)
            *--digit = (char)('0' + group % 10);
    } while (!is_zero(&number));
    printf("%s %s\n", name, digit + strspn(digit, "0"));
}

int main(void)
{
    struct number factorial = {{1}}, a = {{0}}, b = {{1}};
    for (uint64_t i = 2; i <= 60; i++)
        multiply_small(&factorial, i);
    print("60!", factorial);
    for (int i = 0; i < 300; i++) {
        struct number next = a;
        add(&next, &b);
        a = b;
        b = next;
    }
    print("fibonacci(300)", a);
    return divide_small(&factorial, 61) == 60 ? 0 : 1;
}
