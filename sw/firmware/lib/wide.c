/* Texts of wide characters. In the locale "C" those up to 255 are bytes, and the others no letters. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define NUMBER_BYTES 128

size_t wcslen(const wchar_t *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

size_t wcsnlen(const wchar_t *text, size_t count)
{
    size_t length = 0;
    while (length < count && text[length])
        length++;
    return length;
}

wchar_t *wmemcpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    return memcpy(to, from, count * sizeof *to);
}

wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t count)
{
    return memmove(to, from, count * sizeof *to);
}

wchar_t *wmemset(wchar_t *to, wchar_t c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = c;
    return to;
}

wchar_t *wmemchr(const wchar_t *data, wchar_t c, size_t count)
{
    for (; count; data++, count--)
        if (*data == c)
            return (wchar_t *)data;
    return NULL;
}

int wmemcmp(const wchar_t *a, const wchar_t *b, size_t count)
{
    for (; count; a++, b++, count--)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}

wchar_t *wcscpy(wchar_t *restrict to, const wchar_t *restrict from)
{
    return wmemcpy(to, from, wcslen(from) + 1);
}

wchar_t *wcsncpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    size_t length = wcsnlen(from, count);
    wmemcpy(to, from, length);
    wmemset(to + length, 0, count - length);
    return to;
}

wchar_t *wcscat(wchar_t *restrict to, const wchar_t *restrict from)
{
    wcscpy(to + wcslen(to), from);
    return to;
}

wchar_t *wcsncat(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    size_t length = wcsnlen(from, count);
    wchar_t *end = to + wcslen(to);
    wmemcpy(end, from, length);
    end[length] = 0;
    return to;
}

wchar_t *wcsdup(const wchar_t *text)
{
    size_t count = wcslen(text) + 1;
    wchar_t *copy = malloc(count * sizeof *copy);
    return copy ? wmemcpy(copy, text, count) : NULL;
}

int wcsncmp(const wchar_t *a, const wchar_t *b, size_t count)
{
    for (; count && *a && *a == *b; count--)
        a++, b++;
    return count ? (*a > *b) - (*a < *b) : 0;
}

int wcscmp(const wchar_t *a, const wchar_t *b)
{
    return wcsncmp(a, b, (size_t)-1);
}

int wcscoll(const wchar_t *a, const wchar_t *b)
{
    return wcscmp(a, b);
}

wchar_t *wcschr(const wchar_t *text, wchar_t c)
{
    return wmemchr(text, c, wcslen(text) + 1);
}

wchar_t *wcsrchr(const wchar_t *text, wchar_t c)
{
    for (size_t i = wcslen(text) + 1; i--;)
        if (text[i] == c)
            return (wchar_t *)text + i;
    return NULL;
}

wchar_t *wcsstr(const wchar_t *text, const wchar_t *part)
{
    size_t length = wcslen(part);
    for (;; text++) {
        if (!wcsncmp(text, part, length))
            return (wchar_t *)text;
        if (!*text)
            return NULL;
    }
}

static size_t span(const wchar_t *text, const wchar_t *set, int inside)
{
    size_t length = 0, count = wcslen(set);
    while (text[length] && !wmemchr(set, text[length], count) == !inside)
        length++;
    return length;
}

size_t wcsspn(const wchar_t *text, const wchar_t *set)
{
    return span(text, set, 1);
}

size_t wcscspn(const wchar_t *text, const wchar_t *set)
{
    return span(text, set, 0);
}

wchar_t *wcspbrk(const wchar_t *text, const wchar_t *set)
{
    text += wcscspn(text, set);
    return *text ? (wchar_t *)text : NULL;
}

wchar_t *wcstok(wchar_t *restrict text, const wchar_t *restrict separators,
                wchar_t **restrict state)
{
    wchar_t *word = text ? text : *state;
    word += wcsspn(word, separators);
    wchar_t *end = word + wcscspn(word, separators);
    *state = *end ? end + 1 : end;
    *end = 0;
    return word == end ? NULL : word;
}

/* Copy what may be a number to bytes; what is no byte ends it. */
static char *narrow(char *to, const wchar_t *text)
{
    size_t i = 0;
    for (; i < NUMBER_BYTES - 1 && text[i] > 0 && text[i] < 128; i++)
        to[i] = (char)text[i];
    to[i] = 0;
    return to;
}

#define NUMBER(kind, wide, parameters, name, ...)                               \
    kind wide parameters                                                        \
    {                                                                           \
        char bytes[NUMBER_BYTES], *behind;                                      \
        kind value = name(narrow(bytes, text), &behind __VA_OPT__(, ) __VA_ARGS__); \
        if (end)                                                                \
            *end = (wchar_t *)text + (behind - bytes);                          \
        return value;                                                           \
    }

#define TEXT const wchar_t *restrict text, wchar_t **restrict end

NUMBER(long, wcstol, (TEXT, int base), strtol, base)
NUMBER(unsigned long, wcstoul, (TEXT, int base), strtoul, base)
NUMBER(double, wcstod, (TEXT), strtod)

wint_t btowc(int c)
{
    return c == EOF ? WEOF : (unsigned char)c;
}

int wctob(wint_t c)
{
    return c < 256 ? (int)c : EOF;
}

int mbsinit(const mbstate_t *state)
{
    (void)state;
    return 1;
}

size_t mbrtowc(wchar_t *restrict to, const char *restrict text, size_t bytes,
               mbstate_t *restrict state)
{
    (void)state;
    return text && !bytes ? (size_t)-2 : (size_t)mbtowc(to, text, bytes);
}

size_t mbrlen(const char *restrict text, size_t bytes, mbstate_t *restrict state)
{
    return mbrtowc(NULL, text, bytes, state);
}

size_t wcrtomb(char *restrict to, wchar_t c, mbstate_t *restrict state)
{
    (void)state;
    int bytes = to ? wctomb(to, c) : 1;
    if (bytes < 0)
        errno = EILSEQ;
    return (size_t)bytes;
}

wint_t fgetwc(FILE *stream)
{
    return btowc(fgetc(stream));
}

wint_t fputwc(wchar_t c, FILE *stream)
{
    if (c < 0 || c > 255) {
        errno = EILSEQ;
        return WEOF;
    }
    return btowc(fputc(c, stream));
}

int fputws(const wchar_t *restrict text, FILE *restrict stream)
{
    for (; *text; text++)
        if (fputwc(*text, stream) == WEOF)
            return -1;
    return 0;
}

#define KIND(name)               \
    int isw##name(wint_t c)      \
    {                            \
        return c < 128 && is##name((int)c); \
    }

KIND(alnum)
KIND(alpha)
KIND(blank)
KIND(cntrl)
KIND(digit)
KIND(graph)
KIND(lower)
KIND(print)
KIND(punct)
KIND(space)
KIND(upper)
KIND(xdigit)

wint_t towlower(wint_t c)
{
    return c < 128 ? (wint_t)tolower((int)c) : c;
}

wint_t towupper(wint_t c)
{
    return c < 128 ? (wint_t)toupper((int)c) : c;
}
