/* The rest of the library: texts, numbers, searching, time, jumps, memory, signals. */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void texts(void)
{
    char a[40] = "one", b[40], list[] = ";a,b;;c";
    printf("%s\n", strcat(strcpy(b, a), " two"));
    printf("%d\n", (int)strlen(b));
    printf("%s|%s\n", strncat(b, " three", 3), strncpy(a, "fill", 3));
    printf("%d %d %d\n", sign(strcmp("a\xff", "a")), sign(strncmp("abc", "abd", 2)),
           sign(memcmp("a\1", "a\2", 2)));
    printf("%s %s %s\n", strchr("hello", 'l'), strrchr("hello", 'l'), strstr("hello", "ll"));
    printf("%d %d %s\n", (int)strspn("hello", "leh"), (int)strcspn("hello", "ol"),
           strpbrk("hello", "ol"));
    for (char *part = strtok(list, ";,"); part; part = strtok(NULL, ";,"))
        printf("<%s>", part);
    printf(" %d %d\n", strchr("x", 0) != NULL, memchr("abc", 'd', 3) == NULL);
    memset(a, 'x', 5);
    memmove(a + 2, "ab", 2);
    printf("%.6s %d\n", a, (int)strxfrm(b, "abc", sizeof b));
    char *copy = strdup("copied");
    printf("%s %d\n", copy, sign(strcoll("a", "b")));
    free(copy);
    unsigned classes = 0;
    for (int c = 0; c < 128; c++)
        classes = classes * 31 + (unsigned)(!!isalnum(c) + 2 * !!isalpha(c) + 4 * !!iscntrl(c) +
                                            8 * !!isdigit(c) + 16 * !!isgraph(c) +
                                            32 * !!islower(c) + 64 * !!isprint(c) +
                                            128 * !!ispunct(c) + 256 * !!isspace(c) +
                                            512 * !!isupper(c) + 1024 * !!isxdigit(c) +
                                            2048 * !!isblank(c)) +
                  (unsigned)(toupper(c) * 3 + tolower(c));
    printf("classes %08x\n", classes);
}

static void numbers(void)
{
    char *end;
    errno = 0;
    long most = strtol("9223372036854775808", NULL, 10);
    printf("%ld %d\n", most, errno == ERANGE);
    errno = 0;
    long least = strtol("-9223372036854775809", NULL, 10);
    printf("%ld %d\n", least, errno == ERANGE);
    printf("%lu %lu\n", strtoul("-1", NULL, 10), strtoul("0777", NULL, 0));
    long long digits = strtoll("  z1!", &end, 36);
    printf("%lld %s\n", digits, end);
    printf("%d %ld %.3f\n", atoi("  42x"), atol("-7"), atof("2.5e1"));
    div_t d = div(-7, 2);
    ldiv_t l = ldiv(7, -2);
    printf("%d %d %ld %ld %d %ld\n", d.quot, d.rem, l.quot, l.rem, abs(-3), labs(-4L));
    srand(1);
    int in_range = 1;
    for (int i = 0; i < 100; i++)
        in_range &= (unsigned)rand() <= RAND_MAX;
    printf("%d\n", in_range);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void arrays(void)
{
    int values[50], key = 31, missing = 1000;
    for (int i = 0; i < 50; i++)
        values[i] = i * 37 % 50;
    qsort(values, 50, sizeof *values, compare);
    int sorted = 1;
    for (int i = 0; i < 50; i++)
        sorted &= values[i] == i;
    int *found = bsearch(&key, values, 50, sizeof *values, compare);
    printf("%d %d %d\n", sorted, (int)(found - values),
           bsearch(&missing, values, 50, sizeof *values, compare) == NULL);
    char *block = calloc(3, 100);
    block = realloc(block, 1000);
    int zero = 1;
    for (int i = 0; i < 300; i++)
        zero &= block[i] == 0;
    void *volatile too_large = malloc(SIZE_MAX / 2);
    printf("%d %d\n", zero, too_large == NULL);
    free(block);
    free(NULL);
}

static void dates(void)
{
    static const long times[] = {0, 951782400, 951868800, 1078012800, 1709251199, 4107542400,
                                 -1, -2203891200, 253402300799, 1735603200, 1640995199};
    char text[120];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        time_t time = times[i];
        struct tm date = *gmtime(&time);
        strftime(text, sizeof text, "%c|%D|%F %T|%j %U %W %V %G %u %w|%I%p %y %e %h %R", &date);
        printf("%s\n%s", text, asctime(&date));
        printf("%d %d\n", date.tm_isdst, mktime(&date) == time);
    }
    struct tm odd = {.tm_year = 100, .tm_mon = 25, .tm_mday = -3, .tm_hour = 50};
    mktime(&odd);
    printf("%d-%d-%d %d %d %d\n", odd.tm_year, odd.tm_mon, odd.tm_mday, odd.tm_hour, odd.tm_wday,
           odd.tm_yday);
    printf("%d\n", (int)strftime(text, 5, "%F", &odd));
}

static jmp_buf place;
static volatile sig_atomic_t received;

static void receive(int number)
{
    received = number;
}

int main(void)
{
    texts();
    numbers();
    arrays();
    dates();
    int value = setjmp(place);
    if (value < 3)
        longjmp(place, value + 1);
    printf("jumped %d times\n", value);
    signal(SIGTERM, receive);
    int failed = raise(SIGTERM);
    printf("%d %d\n", failed, (int)received);
    printf("%s %s\n", setlocale(LC_ALL, "C"), localeconv()->decimal_point);
    printf("%d\n", clock() >= 0 && CLOCKS_PER_SEC > 0 && getenv("NO_SUCH_VARIABLE") == NULL);
    assert(value == 3);
    return 0;
}
