/* Formatted output and input: what is printed must be what the host's library prints. */

#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void output(void)
{
    static const double values[] = {0.0, -0.0, 1.0, 0.1, -2.5, 1e10, 123456.789, 1e-5, 1e300,
                                    5e-324, 2.2250738585072014e-308, DBL_MAX, 0.9999995, 65504.0};
    int position = 0;
    signed char narrow = 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double x = values[i];
        printf("[%a][%.3a][%.0a][%A][%#.0a]", x, x, x, x, x);
        printf("[%g][%.10g][%#g][%e][%.0e][%12.3E]\n", x, x, x, x, x, x);
        printf("[%20a][%-20a][%020a][%+a][% .1a]\n", x, x, x, x, x);
        printf("[%Lg][%.3Lf]\n", (long double)x, (long double)fmod(x, 1000));
    }
    printf("%a %A %5a %-5aend\n", INFINITY, -INFINITY, (double)NAN, INFINITY);
    printf("twelve chars%n and %hhnmore\n", &position, &narrow);
    printf("%d %d\n", position, narrow);
    printf("[%5c][%-5c][%.0s][%5.1s][%%][%+.3d][% 5d][%-+8.3d]\n", 'a', 'b', "abc", "xyz", 7, 42, 9);
    printf("%" PRId8 " %" PRIu16 " %" PRIX32 " %" PRId64 " %" PRIxMAX " %" PRIoPTR "\n", (int8_t)-5,
           (uint16_t)65535, (uint32_t)0xabcdef, INT64_MIN, UINTMAX_MAX, (uintptr_t)0777);
    printf("%zu %td %jd %hhx %hu\n", sizeof values, &values[3] - values, INTMAX_MIN, 0x1ff, 65537);
    fprintf(stdout, "%*.*f|%-*d|\n", 10, 2, 3.14159, 6, 42);
    fputs("fputs ", stdout);
    puts("puts");
    printf("%d\n", (int)fwrite("written\n", 4, 2, stdout));
}

static void scan_texts(void)
{
    int a = -1, b = -1, c = -1, count;
    unsigned u = 0;
    long l = 0;
    short s = 0;
    unsigned char byte = 0;
    float f = 0;
    double d = 0;
    long double e = 0;
    char word[20] = "", other[20] = "", letters[4] = "...";
    count = sscanf("12 -34 0x1f", "%d%d%i", &a, &b, &c);
    printf("%d: %d %d %d\n", count, a, b, c);
    count = sscanf("077 077 ff", "%i %o %x", &a, (unsigned *)&b, &u);
    printf("%d: %d %d %u\n", count, a, b, u);
    count = sscanf("123456", "%3d%2d%d", &a, &b, &c);
    printf("%d: %d %d %d\n", count, a, b, c);
    count = sscanf("1.5 -2e3 0x1.8p1", "%f %lf %Lf", &f, &d, &e);
    printf("%d: %g %g %g\n", count, f, d, (double)e);
    count = sscanf("inf nan -infinity", "%f %lf %Lf", &f, &d, &e);
    printf("%d: %d %d %d\n", count, isinf(f) && f > 0, isnan(d), isinf((double)e) && e < 0);
    count = sscanf("300 70000 -9000000000", "%hhu %hd %ld", &byte, &s, &l);
    printf("%d: %d %d %ld\n", count, byte, s, l);
    count = sscanf("key = value;", " %[a-z] = %[^;]%c", word, other, letters);
    printf("%d: <%s> <%s> %c\n", count, word, other, letters[0]);
    count = sscanf("ab]-c!", "%[]ab-]%n%2c", word, &a, letters);
    printf("%d: <%s> %d %.2s\n", count, word, a, letters);
    count = sscanf("skip 5 this", "%*s %d %s", &a, word);
    printf("%d: %d %s\n", count, a, word);
    count = sscanf("10%x", "%d%%%c", &a, letters);
    printf("%d: %d %c\n", count, a, letters[0]);
    printf("%d %d", sscanf("", "%d", &a), sscanf("   ", "%s", word));
    printf(" %d %d", sscanf("x", "%d", &a), sscanf("5 x", "%d %d", &a, &b));
    printf(" %d %d\n", sscanf("12:34", "%d-%d", &a, &b), sscanf("+", "%d", &a));
    printf("%d %s\n", sscanf("abcdefgh", "%4s", word), word);
}

static void convert_texts(void)
{
    static const char *const texts[] = {
        "0x1p4", "0x1.8", "-0x.8p-2z", "0x1.fffffffffffff8p0", "0x1.00000000000008p0",
        "0x123456789abcdef01p0", "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x1p1024", "0xg", "0x.p1",
        "1e23", "9007199254740993", "1.7976931348623159e308", "2.4703282292062327e-324", "  +.5e1x",
        "1e+", "infinite", "nanx", "-", "."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end;
        double value = strtod(texts[i], &end);
        printf("%s: %a, %d taken\n", texts[i], value, (int)(end - texts[i]));
    }
}

static void input(void)
{
    char line[40], word[20];
    int a = 0, b = 0, c;
    double d = 0;
    printf("%s|\n", fgets(line, sizeof line, stdin));
    printf("%s|", fgets(line, 6, stdin));
    printf("%s|\n", fgets(line, sizeof line, stdin));
    c = getchar();
    printf("%c %c", c, ungetc('#', stdin));
    printf(" %c\n", getchar());
    c = scanf("%d , %d %lf", &a, &b, &d);
    printf("%d: %d %d %g\n", c, a, b, d);
    c = fscanf(stdin, "%s %d", word, &a);
    printf("%d: %s\n", c, word);
    printf("%d: %s\n", scanf("%19[^\n]", word), word);
    size_t bytes = fread(line, 2, 3, stdin);
    printf("%d: %.6s\n", (int)bytes, line);
    for (a = 0; getc(stdin) != EOF; a++)
        ;
    printf("%d left, %d %d\n", a, !!feof(stdin), ferror(stdin));
    printf("%d %d\n", fgets(line, sizeof line, stdin) == NULL, scanf("%d", &a));
}

int main(void)
{
    output();
    scan_texts();
    convert_texts();
    input();
    fprintf(stderr, "");
    return fopen("/no/such/file", "r") != NULL;
}
