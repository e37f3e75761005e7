#ifndef TILICHO_TIME_H
#define TILICHO_TIME_H

#include <stddef.h>

/* clock() counts core cycles; a second is that of a nominal 100 MHz core. */
#define CLOCKS_PER_SEC 100000000L

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define TIME_UTC 1

typedef long clock_t;
typedef long time_t;

struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

clock_t clock(void);
/* Since reset, as if that had been at the beginning of 1970. */
time_t time(time_t *result);
int timespec_get(struct timespec *result, int base);
int clock_gettime(int clock, struct timespec *result);
int clock_getres(int clock, struct timespec *result);
/* Waits. */
int nanosleep(const struct timespec *time, struct timespec *left);
double difftime(time_t end, time_t start);

/* Local time is universal time. */
struct tm *gmtime(const time_t *time);
struct tm *localtime(const time_t *time);
struct tm *gmtime_r(const time_t *time, struct tm *result);
struct tm *localtime_r(const time_t *time, struct tm *result);
time_t mktime(struct tm *date);
time_t timegm(struct tm *date);
char *asctime(const struct tm *date);
char *asctime_r(const struct tm *date, char *text);
char *ctime(const time_t *time);
char *ctime_r(const time_t *time, char *text);
void tzset(void);
size_t strftime(char *out, size_t size, const char *format, const struct tm *date);

#endif
