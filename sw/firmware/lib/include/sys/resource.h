#ifndef TILICHO_SYS_RESOURCE_H
#define TILICHO_SYS_RESOURCE_H

#include <sys/time.h>

#define RUSAGE_SELF 0

struct rusage {
    struct timeval ru_utime, ru_stime;
    long ru_maxrss;
};

int getrusage(int who, struct rusage *result);

#endif
