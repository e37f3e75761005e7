/* The names that memory and text functions had before standard C. */

#include <string.h>
#include <strings.h>

int ffs(int value)
{
    return value ? __builtin_ctz((unsigned)value) + 1 : 0;
}

int bcmp(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes);
}

void bcopy(const void *from, void *to, size_t bytes)
{
    memmove(to, from, bytes);
}

void bzero(void *to, size_t bytes)
{
    memset(to, 0, bytes);
}

char *index(const char *text, int c)
{
    return strchr(text, c);
}

char *rindex(const char *text, int c)
{
    return strrchr(text, c);
}
