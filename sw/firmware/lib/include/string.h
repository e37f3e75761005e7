#ifndef TILICHO_STRING_H
#define TILICHO_STRING_H

#include <stddef.h>
#include <strings.h>

void *memcpy(void *__restrict to, const void *__restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *from, int value, size_t bytes);
void *memrchr(const void *from, int value, size_t bytes);
void *mempcpy(void *__restrict to, const void *__restrict from, size_t bytes);
void *memccpy(void *__restrict to, const void *__restrict from, int value, size_t bytes);
void *memmem(const void *from, size_t bytes, const void *part, size_t part_bytes);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
char *strcpy(char *__restrict to, const char *__restrict from);
char *stpcpy(char *__restrict to, const char *__restrict from);
char *stpncpy(char *__restrict to, const char *__restrict from, size_t bytes);
char *strncpy(char *__restrict to, const char *__restrict from, size_t bytes);
char *strcat(char *__restrict to, const char *__restrict from);
char *strncat(char *__restrict to, const char *__restrict from, size_t bytes);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
int strcoll(const char *a, const char *b);
size_t strxfrm(char *__restrict to, const char *__restrict from, size_t bytes);
char *strchr(const char *text, int c);
char *strchrnul(const char *text, int c);
char *strrchr(const char *text, int c);
size_t strspn(const char *text, const char *accept);
size_t strcspn(const char *text, const char *reject);
char *strpbrk(const char *text, const char *accept);
char *strstr(const char *text, const char *part);
char *strcasestr(const char *text, const char *part);
char *strsep(char **__restrict text, const char *__restrict separators);
size_t strlcpy(char *__restrict to, const char *__restrict from, size_t bytes);
size_t strlcat(char *__restrict to, const char *__restrict from, size_t bytes);
char *strtok(char *__restrict text, const char *__restrict separators);
char *strtok_r(char *__restrict text, const char *__restrict separators, char **__restrict state);
char *strdup(const char *text);
char *strndup(const char *text, size_t bytes);
char *strerror(int number);

#endif
