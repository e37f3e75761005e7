#ifndef TILICHO_STRING_H
#define TILICHO_STRING_H

#include <stddef.h>
#include <strings.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *from, int value, size_t bytes);
void *memrchr(const void *from, int value, size_t bytes);
void *mempcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memccpy(void *restrict to, const void *restrict from, int value, size_t bytes);
void *memmem(const void *from, size_t bytes, const void *part, size_t part_bytes);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
char *strcpy(char *restrict to, const char *restrict from);
char *stpcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t bytes);
char *strcat(char *restrict to, const char *restrict from);
char *strncat(char *restrict to, const char *restrict from, size_t bytes);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
int strcoll(const char *a, const char *b);
size_t strxfrm(char *restrict to, const char *restrict from, size_t bytes);
char *strchr(const char *text, int c);
char *strchrnul(const char *text, int c);
char *strrchr(const char *text, int c);
size_t strspn(const char *text, const char *accept);
size_t strcspn(const char *text, const char *reject);
char *strpbrk(const char *text, const char *accept);
char *strstr(const char *text, const char *part);
char *strcasestr(const char *text, const char *part);
char *strsep(char **restrict text, const char *restrict separators);
size_t strlcpy(char *restrict to, const char *restrict from, size_t bytes);
size_t strlcat(char *restrict to, const char *restrict from, size_t bytes);
char *strtok(char *restrict text, const char *restrict separators);
char *strtok_r(char *restrict text, const char *restrict separators, char **restrict state);
char *strdup(const char *text);
char *strndup(const char *text, size_t bytes);
char *strerror(int number);

#endif
