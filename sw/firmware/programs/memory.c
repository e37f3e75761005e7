/* memcpy, memmove, memset and memcmp at every alignment and small length, against byte loops. */

#include <stdio.h>
#include <string.h>

#define SIZE 96
#define MARGIN 12

static unsigned char plain[SIZE], tested[SIZE], source[SIZE];

static void fill(unsigned seed)
{
    for (int i = 0; i < SIZE; i++) {
        source[i] = (unsigned char)(i * 7 + (int)seed);
        plain[i] = tested[i] = (unsigned char)(i * 13 + 5);
    }
}

static int differ(void)
{
    for (int i = 0; i < SIZE; i++)
        if (plain[i] != tested[i])
            return 1;
    return 0;
}

static int check_copy(int to, int from, int bytes)
{
    fill((unsigned)bytes);
    memcpy(tested + to, source + from, (size_t)bytes);
    for (int i = 0; i < bytes; i++)
        plain[to + i] = source[from + i];
    return differ();
}

static int check_set(int to, int bytes)
{
    fill(1);
    memset(tested + to, 0x1a5, (size_t)bytes);
    for (int i = 0; i < bytes; i++)
        plain[to + i] = 0xa5;
    return differ();
}

static int check_move(int to, int from, int bytes)
{
    fill(3);
    memmove(tested + to, tested + from, (size_t)bytes);
    unsigned char held[SIZE];
    for (int i = 0; i < bytes; i++)
        held[i] = plain[from + i];
    for (int i = 0; i < bytes; i++)
        plain[to + i] = held[i];
    return differ();
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

int main(void)
{
    int failures = 0, checks = 0;
    for (int bytes = 0; bytes < 70; bytes += bytes < 18 ? 1 : 17)
        for (int to = 0; to < 8; to += 7)
            for (int from = 0; from < 9; from += 7) {
                failures += check_copy(MARGIN + to, MARGIN + from, bytes);
                failures += check_move(MARGIN + to, MARGIN + from, bytes);
                checks += 2;
            }
    for (int bytes = 0; bytes < 60; bytes += 11)
        for (int to = 0; to < 9; to += 2, checks++)
            failures += check_set(MARGIN + to, bytes);
    fill(0);
    for (int at = 0; at < 30; at++, checks += 2) {
        memcpy(tested, source, SIZE);
        tested[at] ^= 0x81;
        int expected = tested[at] > source[at] ? 1 : -1;
        failures += sign(memcmp(tested, source, 30)) != expected;
        failures += memcmp(tested, source, (size_t)at) != 0;
    }
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
