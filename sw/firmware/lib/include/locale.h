#ifndef TILICHO_LOCALE_H
#define TILICHO_LOCALE_H

#define LC_ALL 0
#define LC_COLLATE 1
#define LC_CTYPE 2
#define LC_MONETARY 3
#define LC_NUMERIC 4
#define LC_TIME 5

struct lconv {
    char *decimal_point, *thousands_sep, *grouping;
};

/* There is only the locale "C". */
char *setlocale(int category, const char *name);
struct lconv *localeconv(void);

#endif
