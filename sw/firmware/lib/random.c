/* Pseudo-random numbers: the linear congruential generators of rand() and of the drand48() family. */

#include <stdint.h>
#include <stdlib.h>

static uint64_t random_state = 1;

void srand(unsigned seed)
{
    random_state = seed;
}

/* The high half of a 64-bit linear congruential generator (Knuth's MMIX constants). */
int rand(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int)(random_state >> 33);
}

int rand_r(unsigned *seed)
{
    uint64_t next = *seed * 6364136223846793005u + 1442695040888963407u;
    *seed = (unsigned)(next >> 32);
    return (int)(next >> 33);
}

void srandom(unsigned seed)
{
    srand(seed);
}

long random(void)
{
    return rand();
}

/* POSIX gives the constants of this family: 48 bits, a = 0x5deece66d, c = 11. */
#define MASK_48 0xffffffffffffu
static uint64_t state_48 = 0x1234abcd330e;

void srand48(long seed)
{
    state_48 = (uint64_t)(uint32_t)seed << 16 | 0x330e;
}

static uint64_t next_48(void)
{
    return state_48 = (state_48 * 0x5deece66d + 11) & MASK_48;
}

double drand48(void)
{
    return (double)next_48() * 0x1p-48;
}

long lrand48(void)
{
    return (long)(next_48() >> 17);
}

long mrand48(void)
{
    return (int32_t)(next_48() >> 16);
}
