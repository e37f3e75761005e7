#ifndef TILICHO_STRINGS_H
#define TILICHO_STRINGS_H

#include <stddef.h>

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t bytes);

#endif
