#ifndef TILICHO_STRINGS_H
#define TILICHO_STRINGS_H

#include <stddef.h>

int ffs(int value);
int bcmp(const void *a, const void *b, size_t bytes);
void bcopy(const void *from, void *to, size_t bytes);
void bzero(void *to, size_t bytes);
char *index(const char *text, int c);
char *rindex(const char *text, int c);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t bytes);

#endif
