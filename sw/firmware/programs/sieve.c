/* Primes: a sieve of odd numbers in bits, a sieve by segments, and tests of single numbers. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LIMIT 20000
#define SEGMENT 1024

static uint8_t composite[LIMIT / 16 + 1];
static uint8_t segment[SEGMENT];
static uint16_t small_primes[64];

static int is_prime(int n)
{
    return n == 2 || (n > 2 && n % 2 && !(composite[n >> 4] >> (n >> 1 & 7) & 1));
}

static void sieve(void)
{
    for (int n = 3; n * n < LIMIT; n += 2)
        if (is_prime(n))
            for (int multiple = n * n; multiple < LIMIT; multiple += 2 * n)
                composite[multiple >> 4] |= (uint8_t)(1 << (multiple >> 1 & 7));
}

/* Count the primes from `from` on, a segment. */
static int count_segment(int from)
{
    int count = 0;
    memset(segment, 1, sizeof segment);
    for (int i = 0; small_primes[i] && small_primes[i] * small_primes[i] < from + SEGMENT; i++) {
        int prime = small_primes[i], first = (from + prime - 1) / prime * prime;
        if (first < prime * prime)
            first = prime * prime;
        for (int multiple = first - from; multiple < SEGMENT; multiple += prime)
            segment[multiple] = 0;
    }
    for (int i = 0; i < SEGMENT; i++)
        count += segment[i];
    return count;
}

static uint32_t power(uint32_t base, uint32_t exponent, uint32_t modulus)
{
    uint64_t result = 1, square = base;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = result * square % modulus;
        square = square * square % modulus;
    }
    return (uint32_t)result;
}

int main(void)
{
    int primes = 1, twins = 0, largest = 2, segmented = -2, differ = 0;
    int64_t sum = 2;
    sieve();
    for (int n = 3; n < LIMIT; n += 2)
        if (is_prime(n)) {
            primes++;
            sum += n;
            twins += n - largest == 2;
            largest = n;
        }
    for (int n = 2, i = 0; i < 60; n++)
        if (is_prime(n))
            small_primes[i++] = (uint16_t)n;
    for (int from = 0; from < 4 * SEGMENT; from += SEGMENT)
        segmented += count_segment(from);
    for (int n = 0; n < 4 * SEGMENT; n++)
        segmented -= is_prime(n);
    /* Fermat's test to base 2, of which 341, 561, ... are pseudoprimes: 3 below 1000. */
    for (uint32_t n = 3; n < 1000; n += 2)
        differ += is_prime((int)n) != (power(2, n - 1, n) == 1);
    printf("%d primes below %d, %d twins, sum %ld, largest %d\n", primes, LIMIT, twins, (long)sum,
           largest);
    printf("segments differ by %d, %d pseudoprimes\n", segmented, differ);
    return !(primes == 2262 && twins == 342 && sum == 21171191 && largest == 19997 && !segmented &&
             differ == 3);
}
