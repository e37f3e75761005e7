#ifndef TILICHO_SYS_TIMES_H
#define TILICHO_SYS_TIMES_H

#include <time.h>

struct tms {
    clock_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};

/* In units of CLOCKS_PER_SEC, all of it the program's own. */
clock_t times(struct tms *result);

#endif
