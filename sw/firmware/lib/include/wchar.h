#ifndef TILICHO_WCHAR_H
#define TILICHO_WCHAR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WEOF ((wint_t)-1)

typedef unsigned wint_t;
/* Each character is one byte: there is nothing to remember in the middle of one. */
typedef struct {
    unsigned char nothing;
} mbstate_t;
struct tm;

size_t wcslen(const wchar_t *text);
size_t wcsnlen(const wchar_t *text, size_t count);
wchar_t *wcscpy(wchar_t *__restrict to, const wchar_t *__restrict from);
wchar_t *wcsncpy(wchar_t *__restrict to, const wchar_t *__restrict from, size_t count);
wchar_t *wcscat(wchar_t *__restrict to, const wchar_t *__restrict from);
wchar_t *wcsncat(wchar_t *__restrict to, const wchar_t *__restrict from, size_t count);
wchar_t *wcsdup(const wchar_t *text);
int wcscmp(const wchar_t *a, const wchar_t *b);
int wcsncmp(const wchar_t *a, const wchar_t *b, size_t count);
int wcscoll(const wchar_t *a, const wchar_t *b);
wchar_t *wcschr(const wchar_t *text, wchar_t c);
wchar_t *wcsrchr(const wchar_t *text, wchar_t c);
wchar_t *wcsstr(const wchar_t *text, const wchar_t *part);
wchar_t *wcspbrk(const wchar_t *text, const wchar_t *set);
size_t wcsspn(const wchar_t *text, const wchar_t *set);
size_t wcscspn(const wchar_t *text, const wchar_t *set);
wchar_t *wcstok(wchar_t *__restrict text, const wchar_t *__restrict separators,
                wchar_t **__restrict state);
wchar_t *wmemcpy(wchar_t *__restrict to, const wchar_t *__restrict from, size_t count);
wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t count);
wchar_t *wmemset(wchar_t *to, wchar_t c, size_t count);
wchar_t *wmemchr(const wchar_t *data, wchar_t c, size_t count);
int wmemcmp(const wchar_t *a, const wchar_t *b, size_t count);

/* Numbers, in the characters of a byte. */
long wcstol(const wchar_t *__restrict text, wchar_t **__restrict end, int base);
unsigned long wcstoul(const wchar_t *__restrict text, wchar_t **__restrict end, int base);
double wcstod(const wchar_t *__restrict text, wchar_t **__restrict end);

wint_t btowc(int c);
int wctob(wint_t c);
int mbsinit(const mbstate_t *state);
size_t mbrlen(const char *__restrict text, size_t bytes, mbstate_t *__restrict state);
size_t mbrtowc(wchar_t *__restrict to, const char *__restrict text, size_t bytes,
               mbstate_t *__restrict state);
size_t wcrtomb(char *__restrict to, wchar_t c, mbstate_t *__restrict state);

wint_t fgetwc(FILE *stream);
wint_t fputwc(wchar_t c, FILE *stream);
int fputws(const wchar_t *__restrict text, FILE *__restrict stream);
#define getwc(stream) fgetwc(stream)
#define getwchar() fgetwc(stdin)
#define putwc(c, stream) fputwc(c, stream)
#define putwchar(c) fputwc(c, stdout)

#endif
