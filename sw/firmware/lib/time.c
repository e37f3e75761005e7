/* Time is counted in core cycles. */

#include <sys/time.h>
#include <time.h>
#include <tilicho.h>

#include "devices.h"

uint64_t tilicho_cycles(void)
{
    uint32_t high, low, again;
    do {
        high = SYSCTL_CYCLES_HI;
        low = SYSCTL_CYCLES_LO;
        again = SYSCTL_CYCLES_HI;
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

clock_t clock(void)
{
    return (clock_t)tilicho_cycles();
}

time_t time(time_t *result)
{
    time_t seconds = clock() / CLOCKS_PER_SEC;
    if (result)
        *result = seconds;
    return seconds;
}

int clock_gettime(int number, struct timespec *result)
{
    clock_t now = clock();
    (void)number;
    result->tv_sec = now / CLOCKS_PER_SEC;
    result->tv_nsec = now % CLOCKS_PER_SEC * (1000000000 / CLOCKS_PER_SEC);
    return 0;
}

int clock_getres(int number, struct timespec *result)
{
    (void)number;
    *result = (struct timespec){0, 1000000000 / CLOCKS_PER_SEC};
    return 0;
}

int timespec_get(struct timespec *result, int base)
{
    clock_gettime(CLOCK_REALTIME, result);
    return base;
}

int gettimeofday(struct timeval *result, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    result->tv_sec = now.tv_sec;
    result->tv_usec = now.tv_nsec / 1000;
    return 0;
}

double difftime(time_t end, time_t start)
{
    return (double)(end - start);
}
