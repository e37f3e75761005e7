/* Characters of several bytes: in the locale "C" each character is one byte. */

#include <stdlib.h>
#include <string.h>

int mblen(const char *text, size_t bytes)
{
    return text && bytes ? *text != 0 : 0;
}

int mbtowc(wchar_t *__restrict to, const char *__restrict text, size_t bytes)
{
    if (!text || !bytes)
        return text ? -1 : 0;
    if (to)
        *to = (unsigned char)*text;
    return *text != 0;
}

int wctomb(char *to, wchar_t c)
{
    if (!to)
        return 0;
    if (c > 255)
        return -1;
    *to = (char)c;
    return 1;
}

size_t mbstowcs(wchar_t *__restrict to, const char *__restrict text, size_t count)
{
    size_t length = strlen(text);
    for (size_t i = 0; to && i < count && i <= length; i++)
        to[i] = (unsigned char)text[i];
    return to && count < length ? count : length;
}

size_t wcstombs(char *__restrict to, const wchar_t *__restrict text, size_t bytes)
{
    size_t i = 0;
    for (; (!to || i < bytes) && text[i]; i++) {
        if (text[i] > 255)
            return (size_t)-1;
        if (to)
            to[i] = (char)text[i];
    }
    if (to && i < bytes)
        to[i] = 0;
    return i;
}
