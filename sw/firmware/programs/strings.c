/* String functions at work: a text searched, split and its words counted, against plain loops. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 160
#define PATTERNS 6

static const char text[] =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was "
    "the season of Light, it was the season of Darkness, it was the spring of hope, it was the "
    "winter of despair, we had everything before us, we had nothing before us, we were all "
    "going direct to Heaven, we were all going direct the other way - in short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its "
    "being received, for good or for evil, in the superlative degree of comparison only.";

static char copy[sizeof text];
static char *words[WORDS];
static int failures;

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int split(void)
{
    int count = 0;
    for (size_t i = 0; i < sizeof text; i++)
        copy[i] = (char)tolower((unsigned char)text[i]);
    for (char *word = strtok(copy, " ,.-"); word; word = strtok(NULL, " ,.-"))
        words[count++] = word;
    return count;
}

static void count_words(int count)
{
    int different = 0, most = 0;
    const char *favourite = "";
    qsort(words, (size_t)count, sizeof *words, compare_words);
    for (int i = 0, run; i < count; i += run) {
        for (run = 1; i + run < count && !strcmp(words[i], words[i + run]);)
            run++;
        different++;
        if (run > most) {
            most = run;
            favourite = words[i];
        }
    }
    printf("%d words, %d different, %d times \"%s\"\n", count, different, most, favourite);
    failures += count != 119 || strcmp(favourite, "the") || most != 14;
}

static const char *search_plainly(const char *in, const char *part)
{
    for (; *in; in++) {
        size_t i = 0;
        while (part[i] && in[i] == part[i])
            i++;
        if (!part[i])
            return in;
    }
    return NULL;
}

/* Horspool's search. */
static const char *search_skipping(const char *in, size_t length, const char *part)
{
    unsigned char skip[256];
    size_t size = strlen(part);
    memset(skip, (int)size, sizeof skip);
    for (size_t i = 0; i + 1 < size; i++)
        skip[(unsigned char)part[i]] = (unsigned char)(size - 1 - i);
    for (size_t at = 0; at + size <= length; at += skip[(unsigned char)in[at + size - 1]])
        if (!memcmp(in + at, part, size))
            return in + at;
    return NULL;
}

static void search(void)
{
    static const char *const patterns[PATTERNS] = {"times", "period was", "comparison only.",
                                                   "we were all going direct the", "heaven", "z"};
    for (int i = 0; i < PATTERNS; i++) {
        const char *found = strstr(text, patterns[i]);
        failures += found != search_plainly(text, patterns[i]);
        failures += found != search_skipping(text, sizeof text - 1, patterns[i]);
        printf("%s: %d\n", patterns[i], found ? (int)(found - text) : -1);
    }
}

static void reverse(char *first, char *last)
{
    while (first < last) {
        char held = *first;
        *first++ = *last;
        *last-- = held;
    }
}

/* The words in reverse order, and that again. */
static void reverse_words(void)
{
    strcpy(copy, text);
    for (int time = 0; time < 2; time++) {
        size_t length = strlen(copy);
        reverse(copy, copy + length - 1);
        for (size_t at = 0; at < length;) {
            size_t size = strcspn(copy + at, " ");
            reverse(copy + at, copy + at + size - 1);
            at += size + 1;
        }
        if (!time) {
            failures += strncmp(copy, "only. comparison of degree", 26) != 0;
            failures += strcmp(strrchr(copy, ' '), " It") != 0;
        }
    }
    failures += strcmp(copy, text) != 0;
}

/* Each letter moved on by 13 places, and pieces joined by strncat. */
static void rotate_letters(void)
{
    char twice[sizeof text] = "";
    for (size_t i = 0; i < sizeof text; i++) {
        int c = (unsigned char)text[i];
        if (isalpha(c)) {
            int first = isupper(c) ? 'A' : 'a';
            c = first + (c - first + 13) % 26;
        }
        copy[i] = (char)c;
    }
    failures += strncmp(copy, "Vg jnf gur orfg bs gvzrf", 24) != 0;
    for (char *at = copy; *at; at++)
        if (strchr("ABCDEFGHIJKLMabcdefghijklm", *at))
            *at = (char)(*at + 13);
        else if (strpbrk((char[]){*at, 0}, "NOPQRSTUVWXYZnopqrstuvwxyz"))
            *at = (char)(*at - 13);
    for (size_t at = 0; at < sizeof text; at += 100)
        strncat(twice, copy + at, 100);
    failures += memcmp(twice, text, sizeof text) != 0;
    failures += memchr(twice, 'H', sizeof text) != strchr(twice, 'H');
}

int main(void)
{
    count_words(split());
    search();
    reverse_words();
    rotate_letters();
    printf("%d failures\n", failures);
    return failures != 0;
}
