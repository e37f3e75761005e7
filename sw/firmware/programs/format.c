/* The printf family and its counterparts, against known texts. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(const char *text, const char *wanted)
{
    if (strcmp(text, wanted)) {
        printf("got [%s], wanted [%s]\n", text, wanted);
        failures++;
    }
}

#define CHECK(wanted, ...) \
    do { \
        char text[400]; \
        int length = snprintf(text, sizeof text, __VA_ARGS__); \
        expect(text, wanted); \
        failures += length != (int)strlen(wanted); \
    } while (0)

static void integers(void)
{
    CHECK("-2147483648 2147483647 4294967295", "%d %i %u", INT_MIN, INT_MAX, UINT_MAX);
    CHECK("-9223372036854775808 18446744073709551615", "%ld %llu", LONG_MIN, ULLONG_MAX);
    CHECK("-1 255 -1 65535", "%hhd %hhu %hd %hu", -1, 255, -1, 65535);
    CHECK("[    42][42    ][000042][+42][ 42]", "[%6d][%-6d][%06d][%+d][% d]", 42, 42, 42, 42, 42);
    CHECK("[  0042][0x2a][0X2A][052][]", "[%6.4d][%#x][%#X][%#o][%.0d]", 42, 42, 42, 42, 0);
    CHECK("[   -7][-7   ][-0007]", "[%*d][%-*d][%05d]", 5, -7, 5, -7, -7);
    CHECK("12345678 0xdeadbeef 100%", "%zu %p %d%%", (size_t)12345678, (void *)0xdeadbeef, 100);
}

static void texts(void)
{
    CHECK("[abc][  abc][abc  ][ab][x][  y]", "[%s][%5s][%-5s][%.2s][%c][%3c]", "abc", "abc", "abc",
          "abc", 'x', 'y');
    char small[8];
    failures += snprintf(small, sizeof small, "%s", "longer than that") != 16;
    expect(small, "longer ");
    failures += snprintf(NULL, 0, "%d", 12345) != 5;
}

static void doubles(void)
{
    CHECK("3.141593 -0.5 1e+10 0", "%f %g %g %g", 3.14159265358979, -0.5, 1e10, 0.0);
    CHECK("2 4 0.1 0.10000000000000001", "%.0f %.0f %g %.17g", 2.5, 3.5, 0.1, 0.1);
    CHECK("[   1.50][1.50   ][-01.50]", "[%7.2f][%-7.2f][%06.2f]", 1.5, 1.5, -1.5);
    CHECK("1.234560e+03 1.23E-05 1e+100", "%e %.2E %g", 1234.56, 0.0000123, 1e100);
    CHECK("inf -INF nan", "%f %F %f", __builtin_inf(), -__builtin_inf(), __builtin_nan(""));
    CHECK("1797693134862315708145274237317043567980705675258449965989174768031572607800285387605"
          "8955863276687817154045895351438246423432132688946418276846754670353751698604991057655"
          "1282076245490090389328944075868508455133942304583236903222948165808559332123348274797"
          "826204144723168738177180919299881250404026184124858368.000000",
          "%f", 1.7976931348623157e308);
    CHECK("4.94066e-324 2.2250738585072014e-308", "%g %.17g", 4.9406564584124654e-324,
          2.2250738585072014e-308);
    CHECK("9.99500 10.0 99999.9 1e+06 123.", "%.5f %.1f %g %g %#.3g", 9.995, 9.96, 99999.9,
          999999.9, 123.4);
}

static void numbers(void)
{
    char *end;
    failures += strtol("  -0x1fz", &end, 0) != -31 || *end != 'z';
    failures += strtol("99999999999999999999", NULL, 10) != LONG_MAX;
    failures += strtoul("777", NULL, 8) != 511 || strtol("zz", NULL, 36) != 1295;
    failures += atoi("-12ab") != -12 || strtol("0x", &end, 16) != 0 || *end != 'x';
    failures += strtod("  -1.5e3x", &end) != -1500.0 || *end != 'x';
    failures += strtod("0.1", NULL) != 0.1 || strtod(".5e-3", NULL) != 0.0005;
    failures += strtod("9007199254740993", NULL) != 9007199254740992.0;
    failures += strtod("9007199254740993.0000000001", NULL) != 9007199254740994.0;
    failures += strtod("4.9406564584124654e-324", NULL) != 4.9406564584124654e-324;
    failures += strtod("2.2250738585072011e-308", NULL) != 2.2250738585072011e-308;
    failures += strtod("1e400", NULL) != __builtin_inf() || strtod("1e-400", NULL) != 0;
}

int main(void)
{
    integers();
    texts();
    doubles();
    numbers();
    printf("%d failures\n", failures);
    return failures != 0;
}
