/* Complex numbers, long double, and what is usual beyond standard C. */
#include <complex.h>
#include <err.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

static void show(const char *name, double complex z)
{
    printf(" %s %.12g %.12g", name, creal(z) + 0.0, cimag(z) + 0.0);
}

static void show_complex(double complex z)
{
    show("exp", cexp(z)), show("log", clog(z)), show("sqrt", csqrt(z));
    show("pow", cpow(z, 0.5 - I)), show("sin", csin(z)), show("cos", ccos(z));
    show("tan", ctan(z)), show("asin", casin(z)), show("acos", cacos(z));
    show("atan", catan(z)), show("sinh", csinh(z)), show("cosh", ccosh(z));
    show("tanh", ctanh(z)), show("asinh", casinh(z)), show("acosh", cacosh(z));
    show("atanh", catanh(z)), show("quotient", z / (1 - 2 * I)), show("cube", z * z * z);
    show("product", csqrtf((float complex)z) * 0 + cimagf((float complex)z) * 0);
    printf(" abs %.9g arg %.9g\n", cabs(z), carg(z));
}

static void show_long(long double x)
{
    int exponent;
    long double whole, mantissa = frexpl(x, &exponent), part = modfl(x, &whole);
    printf("%.6Lf: %.6Lf %.6Lf %.6Lf %.6Lf", x, floorl(x), ceill(x), roundl(x), rintl(x));
    printf(" %.9Lf %d %.6Lf %.6Lf", mantissa, exponent, part, whole);
    printf(" %ld %ld %d %.9Lf", lrintl(x), lroundl(x), ilogbl(x), sqrtl(fabsl(x)));
    printf(" %.6Lf %.6Lf %.9Lf %.9Lf", ldexpl(x, 7), fmodl(x, 2), powl(fabsl(x), 0.5L), atanl(x));
    printf(" %d %d\n", nextafterl(x, 1e30L) > x, copysignl(x, -1) < 0);
}

static void show_wide(void)
{
    wchar_t text[40] = L"one", copy[40], *state, *end, *left = wcscpy(copy, L"a, b;;c");
    wcsncat(wcscat(text, L" two"), L" three four", 6);
    printf("%zu %d %d %d\n", wcslen(text), wcscmp(text, L"one") > 0, wcscmp(L"a", L"b") < 0,
           wcsncmp(text, L"one!", 3));
    for (wchar_t *word = wcstok(left, L",; ", &state); word; word = wcstok(NULL, L",; ", &state))
        printf("<%d>", (int)*word);
    printf("%d %d %d", (int)(wcschr(text, L't') - text), (int)(wcsrchr(text, L't') - text),
           (int)(wcsstr(text, L"two") - text));
    printf(" %zu %zu %d\n", wcsspn(text, L"eno"), wcscspn(text, L"t"),
           wcspbrk(text, L"xyz") == NULL);
    wcsncpy(copy, L"abc", 6), wmemset(copy + 6, L'z', 2);
    printf("%d %d %d %d\n", (int)copy[2], (int)copy[5], (int)copy[7],
           wmemcmp(copy, L"abd", 3) < 0);
    printf("%ld", wcstol(L" -42x", &end, 10));
    printf(" %d %.3f %lu\n", (int)*end, wcstod(L"2.5e1", NULL), wcstoul(L"ff", NULL, 16));
    mbstate_t middle = {0};
    wchar_t c = 0;
    char byte[8] = "";
    size_t taken = mbrtowc(&c, "x", 1, &middle), given = wcrtomb(byte, L'q', &middle);
    printf("%zu %d %zu %s %d %d %d\n", taken, (int)c == 'x', given, byte, wctob(L'a'),
           btowc(EOF) == WEOF, mbsinit(&middle) != 0);
    printf("%d %d %d %d %d\n", iswalpha(L'a') != 0, iswdigit(L'a') != 0, iswspace(L' ') != 0,
           (int)towupper(L'x'), (int)towlower(0x416) == 0x416);
}

int main(void)
{
    show_wide();
    double complex numbers[] = {1 + 2 * I, -0.5 + 0.25 * I, 3 - 4 * I, -2 - 0.001 * I, 0.1 * I,
                                -3, 1e-200 + 1e-200 * I, 30 + I};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        show_complex(numbers[i]);
    long double longs[] = {2.5L, -2.5L, 0.4999L, -3.75L, 1000.5L, 54321.987654321L};
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
        show_long(longs[i]);
    printf("%d %d %d\n", ilogbl(ldexpl(1, -16440)), ldexpl(1, 16384) == HUGE_VALL,
           ldexpl(1, -17000) == 0);
    printf("%zu %zu %zu\n", sizeof sqrt(2.0f), sizeof sqrt(2.0), sizeof sqrt((double complex)2));

    sigjmp_buf state;
    volatile int tries = 0;
    if (sigsetjmp(state, 1) < 3) {
        tries++;
        siglongjmp(state, tries);
    }
    setenv("FIRST", "x=1", 1), setenv("FIRST", "y", 0), setenv("SECOND", "2", 1);
    setenv("SECOND", "3", 1);
    printf("%d %s %s %d", tries, getenv("FIRST"), getenv("SECOND"), setenv("a=b", "", 1));
    unsetenv("FIRST");
    printf(" %d %s\n", !getenv("FIRST"), getenv("SECOND"));

    char text[40];
    memset(text, 'z', sizeof text);
    char *end = stpncpy(text, "abc", 6);
    printf("%d %d %c\n", (int)(end - text), text[5], text[6]);
    struct tm date = {.tm_year = 100, .tm_mday = 1, .tm_wday = 6};
    fputs(asctime_r(&date, text), stdout);
    time_t day = 86400;
    fputs(ctime_r(&day, text), stdout);
    double sine, cosine;
    sincos(1, &sine, &cosine);
    printf("%.9f %.9f\n", sine, cosine);

    for (int i = 0; i <= 40; i++)
        if (i != 15 && i != 26 && i != 37 && i != 39 && i != 40)
            printf("%s|", strerror(i));
    printf("%s|%s|%s\n", strerror(EOVERFLOW), strerror(EILSEQ), strerror(9999));
    fflush(stdout);
    dprintf(1, "%d\n", 42);
    FILE *stream = fdopen(1, "w");
    fprintf(stream, "%d %d\n", putc_unlocked('f', stream), !fdopen(77, "r") && errno == EBADF);
    fflush(stream);
    errno = EINVAL;
    warn("%d", 1), warnx("careful");
    errx(0, "the end %s", "comes");
}
