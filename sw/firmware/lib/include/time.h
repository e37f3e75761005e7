#ifndef TILICHO_TIME_H
#define TILICHO_TIME_H

#include <stddef.h>

/* clock() counts core cycles; a second is that of a nominal 100 MHz core. */
#define CLOCKS_PER_SEC 100000000L

typedef long clock_t;
typedef long time_t;

clock_t clock(void);
time_t time(time_t *result);
double difftime(time_t end, time_t start);

#endif
