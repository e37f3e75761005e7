/* The str* functions. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length])
        length++;
    return length;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    char *d = to;
    while ((*d++ = *from++))
        ;
    return to;
}

char *stpcpy(char *restrict to, const char *restrict from)
{
    size_t length = strlen(from);
    return (char *)memcpy(to, from, length + 1) + length;
}

char *strncpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t i = 0;
    for (; i < bytes && from[i]; i++)
        to[i] = from[i];
    for (; i < bytes; i++)
        to[i] = 0;
    return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t bytes)
{
    char *d = to + strlen(to);
    while (bytes-- && *from)
        *d++ = *from++;
    *d = 0;
    return to;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes; bytes--, a++, b++)
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

int strcoll(const char *a, const char *b)
{
    return strcmp(a, b);
}

size_t strxfrm(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strlen(from);
    if (bytes > length)
        strcpy(to, from);
    return length;
}

int strcasecmp(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return tolower((unsigned char)*a) - tolower((unsigned char)*b);
}

int strncasecmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes; bytes--, a++, b++) {
        int x = tolower((unsigned char)*a), y = tolower((unsigned char)*b);
        if (x != y || !x)
            return x - y;
    }
    return 0;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        if (*text == (char)c)
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;
    do {
        if (*text == (char)c)
            found = text;
    } while (*text++);
    return (char *)found;
}

size_t strspn(const char *text, const char *accept)
{
    size_t length = 0;
    while (text[length] && strchr(accept, text[length]))
        length++;
    return length;
}

size_t strcspn(const char *text, const char *reject)
{
    size_t length = 0;
    while (text[length] && !strchr(reject, text[length]))
        length++;
    return length;
}

char *strpbrk(const char *text, const char *accept)
{
    text += strcspn(text, accept);
    return *text ? (char *)text : NULL;
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (;; text++) {
        if (!strncmp(text, part, length))
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

char *strtok_r(char *restrict text, const char *restrict separators, char **restrict state)
{
    if (!text)
        text = *state;
    text += strspn(text, separators);
    if (!*text) {
        *state = text;
        return NULL;
    }
    char *end = text + strcspn(text, separators);
    if (*end)
        *end++ = 0;
    *state = end;
    return text;
}

char *strtok(char *restrict text, const char *restrict separators)
{
    static char *state;
    return strtok_r(text, separators, &state);
}

char *strndup(const char *text, size_t bytes)
{
    size_t length = strnlen(text, bytes);
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

char *strerror(int number)
{
    switch (number) {
    case 0:
        return (char *)"no error";
    case ENOENT:
        return (char *)"no such file";
    case ESPIPE:
        return (char *)"not a file";
    case EDOM:
        return (char *)"argument out of domain";
    case ERANGE:
        return (char *)"result out of range";
    case EINVAL:
        return (char *)"invalid argument";
    case ENOMEM:
        return (char *)"out of memory";
    default:
        return (char *)"unknown error";
    }
}
