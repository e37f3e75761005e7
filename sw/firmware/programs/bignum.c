/* Long integers: factorials, Fibonacci numbers, and Lucas's and Lehmer's test of Mersenne numbers,
   multiplied with carries of 128 bits. */

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

static int bit_of(const struct number *number, int bit)
{
    return number->limb[bit / 64] >> bit % 64 & 1;
}

/* Square modulo 2^bits - 1, which may itself stand for zero. Half of the limbs are used. */
static void square_modulo(struct number *number, int bits)
{
    struct number square = {{0}};
    int limbs = bits / 64 + 1;
    for (int i = 0; i < limbs; i++) {
        unsigned __int128 carry = 0;
        for (int j = 0; j < limbs; j++) {
            carry += (unsigned __int128)number->limb[i] * number->limb[j] + square.limb[i + j];
            square.limb[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        square.limb[i + limbs] = (uint64_t)carry;
    }
    /* The upper half of the bits is added to the lower one, until there is none. */
    for (int fold = 0; fold < 2; fold++) {
        struct number upper = {{0}};
        int skip = bits / 64, shift = bits % 64;
        for (int i = 0; i + skip < 2 * limbs; i++)
            upper.limb[i] = square.limb[i + skip] >> shift |
                            square.limb[i + skip + 1] << (64 - shift);
        for (int i = skip + 1; i < LIMBS; i++)
            square.limb[i] = 0;
        square.limb[skip] &= ((uint64_t)1 << shift) - 1;
        add(&square, &upper);
    }
    *number = square;
}

static int is_mersenne_prime(int bits)
{
    struct number rest = {{4}}, minus_two = {{0}};
    for (int i = 0; i < bits; i++)
        minus_two.limb[i / 64] |= (uint64_t)(i != 1) << i % 64;
    /* 2^bits - 3 is -2; it holds neither bit 1 nor more than `bits`. */
    minus_two.limb[0] &= ~(uint64_t)2;
    for (int step = 2; step < bits; step++) {
        square_modulo(&rest, bits);
        add(&rest, &minus_two);
    }
    square_modulo(&rest, bits);
    int ones = 0;
    for (int i = 0; i < bits; i++)
        ones += bit_of(&rest, i);
    return ones == 0 || ones == bits;
}

int main(void)
{
    struct number factorial = {{1}}, a = {{0}}, b = {{1}};
    for (uint64_t i = 2; i <= 80; i++)
        multiply_small(&factorial, i);
    print("80!", factorial);
    for (int i = 0; i < 900; i++) {
        struct number next = a;
        add(&next, &b);
        a = b;
        b = next;
    }
    print("fibonacci(900)", a);
    static const int exponents[] = {61, 67, 89, 107, 127};
    printf("Mersenne primes:");
    int primes = 0;
    for (int i = 0; i < 5; i++)
        if (is_mersenne_prime(exponents[i])) {
            printf(" %d", exponents[i]);
            primes = primes * 200 + exponents[i];
        }
    printf("\n");
    return !(divide_small(&factorial, 83) == 41 && divide_small(&a, 1000000007) == 396503076 &&
             primes == ((61 * 200 + 89) * 200 + 107) * 200 + 127);
}
