/* Time is counted in core cycles. */

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

double difftime(time_t end, time_t start)
{
    return (double)(end - start);
}
