"""Memory, texts, heap and sorting of the C library, against loops that handle byte after byte."""

import dataclasses

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.toolchain import RAM_BYTES, compile_c

RAM = {"ram_base": region("DRAM").base, "ram_bytes": RAM_BYTES}

PRELUDE = """\
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define CHECK(condition) \\
    do { \\
        if (!(condition)) { \\
            printf("line %d: %s\\n", __LINE__, #condition); \\
            exit(1); \\
        } \\
    } while (0)
static uint64_t state = 88172645463325252u;
static unsigned draw(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 16) % limit;
}
"""

COPIES = """
static unsigned char area[400], model[400];
static void fill(void)
{
    for (int i = 0; i < 400; i++)
        area[i] = model[i] = (unsigned char)draw(256);
}
static void same(void)
{
    for (int i = 0; i < 400; i++)
        CHECK(area[i] == model[i]);
}
int main(void)
{
    for (unsigned length = 0; length < 100; length++)
        for (int trial = 0; trial < 12; trial++) {
            unsigned from = draw(100), to = draw(100);
            fill();
            CHECK(memcpy(area + 200 + to, area + from, length) == area + 200 + to);
            for (unsigned i = 0; i < length; i++)
                model[200 + to + i] = model[from + i];
            same();
            to = from + draw(60) - 30 + (from < 30) * 30;
            unsigned char copy[100];
            for (unsigned i = 0; i < length; i++)
                copy[i] = model[from + i];
            CHECK(memmove(area + to, area + from, length) == area + to);
            for (unsigned i = 0; i < length; i++)
                model[to + i] = copy[i];
            same();
            CHECK(memset(area + to, (int)from + 256, length) == area + to);
            for (unsigned i = 0; i < length; i++)
                model[to + i] = (unsigned char)from;
            same();
            for (unsigned i = 0; i < length; i++)
                area[200 + from + i] = area[to + i];
            CHECK(memcmp(area + 200 + from, area + to, length) == 0);
            if (length) {
                unsigned at = draw(length), later = draw(length);
                area[200 + from + later] ^= 128;
                area[200 + from + at] ^= 1;
                unsigned first = later < at ? later : at;
                int result = memcmp(area + 200 + from, area + to, length);
                CHECK((result < 0) == (area[200 + from + first] < area[to + first]));
                CHECK(result != 0);
            }
        }
}
"""

TEXTS = """
static char *text_of(char *at, unsigned length, unsigned letters)
{
    for (unsigned i = 0; i < length; i++)
        at[i] = (char)(draw(letters) == 0 ? 200 + draw(3) : 'a' + draw(3));
    at[length] = 0;
    at[length + 1 + draw(8)] = 'a';
    return at;
}
static int sign(int x)
{
    return (x > 0) - (x < 0);
}
static int model_compare(const char *a, const char *b, size_t limit)
{
    for (; limit; limit--, a++, b++)
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}
int main(void)
{
    static char a_room[200], b_room[200], out[300];
    for (int trial = 0; trial < 3000; trial++) {
        char *a = text_of(a_room + draw(16), draw(40), 4), *b = b_room + draw(16);
        unsigned length = 0, common = draw(41);
        while (a[length])
            length++;
        CHECK(strlen(a) == length);
        text_of(b, draw(40), 4);
        if (draw(3))
            for (unsigned i = 0; i < common && (b[i] = a[i]); i++)
                ;
        unsigned limit = draw(48);
        CHECK(sign(strcmp(a, b)) == sign(model_compare(a, b, 1000)));
        CHECK(sign(strncmp(a, b, limit)) == sign(model_compare(a, b, limit)));
        CHECK(strcmp(a, a) == 0 && strnlen(a, limit) == (limit < length ? limit : length));
        int c = draw(3) ? 'a' + (int)draw(4) : draw(2) ? 0 : 201;
        const char *first = NULL, *last = NULL;
        for (unsigned i = 0; i <= length; i++)
            if (a[i] == (char)c) {
                first = first ? first : a + i;
                last = a + i;
            }
        CHECK(strchr(a, c) == first && strrchr(a, c) == last);
        CHECK(strchrnul(a, c) == (first ? first : a + length));
        CHECK(memchr(a, c, length + 1) == first && memrchr(a, c, length + 1) == last);
        CHECK(memchr(a, c, limit) == (first && first < a + limit ? first : NULL)
              || limit > length + 1);
        CHECK(memchr(a, 0, SIZE_MAX) == a + length);
        char set[4] = {(char)('a' + draw(4)), (char)('a' + draw(4)), (char)(draw(2) * 201), 0};
        unsigned span = 0, not_in = 0;
        while (a[span] && (a[span] == set[0] || a[span] == set[1] || a[span] == set[2]))
            span++;
        while (a[not_in] && a[not_in] != set[0] && a[not_in] != set[1] && a[not_in] != set[2])
            not_in++;
        CHECK(strspn(a, set) == span && strcspn(a, set) == not_in);
        CHECK(strpbrk(a, set) == (a[not_in] ? a + not_in : NULL));
        const char *found = NULL;
        for (unsigned i = 0; !found && i + 2 <= length; i++)
            if (a[i] == set[0] && a[i + 1] == set[1])
                found = a + i;
        set[2] = 0;
        CHECK(strstr(a, set) == found && memmem(a, length, set, 2) == found);
        CHECK(strstr(a, "") == a);
        memset(out, 'x', sizeof out);
        CHECK(strncpy(out, a, limit) == out);
        for (unsigned i = 0; i < 60; i++)
            CHECK(out[i] == (i >= limit ? 'x' : i < length ? a[i] : 0));
        CHECK(stpcpy(out, a) == out + length && !strcmp(out, a));
        CHECK(strcat(out, b) == out && !strcmp(out + length, b));
        CHECK(strcpy(out, a) == out && strncat(out, b, limit) == out);
        CHECK(strlen(out) == length + strnlen(b, limit));
        CHECK(strlcpy(out, a, limit) == length);
        CHECK(!limit || (strlen(out) == (length < limit ? length : limit - 1)
                         && !strncmp(out, a, strlen(out))));
    }
    char parts[] = "a,b;;c", *rest = parts;
    CHECK(!strcmp(strsep(&rest, ",;"), "a") && !strcmp(strsep(&rest, ",;"), "b"));
    CHECK(!strcmp(strsep(&rest, ",;"), "") && !strcmp(strsep(&rest, ",;"), "c"));
    CHECK(!rest && !strsep(&rest, ",;"));
    CHECK(strcasestr("One TWO three", "two") != NULL && !strcasestr("One", "two"));
    char joined[8] = "ab";
    CHECK(strlcat(joined, "cdefgh", 6) == 8 && !strcmp(joined, "abcde"));
    CHECK(memccpy(joined, "x.y", '.', 3) == joined + 2 && !memccpy(joined, "xy", '.', 2));
    CHECK(mempcpy(joined, "xy", 2) == joined + 2);
}
"""

AT_THE_END_OF_MEMORY = f"""
int main(void)
{{
    char *end = (char *){RAM['ram_base'] + RAM['ram_bytes']:#x}ul;
    for (unsigned length = 0; length < 40; length++) {{
        char *text = end - length - 1, other[64];
        memset(text, 'e', length);
        text[length] = 0;
        for (unsigned shift = 0; shift < 8; shift++) {{
            char *copy = other + shift;
            memcpy(copy, text, length + 1);
            CHECK(strlen(text) == length && !strcmp(text, copy) && !strcmp(copy, text));
            CHECK(!strncmp(copy, text, 100) && !strncmp(text, copy, 100));
            CHECK(strchr(text, 0) == end - 1 && !strchr(text, 'x') && !strcmp(text, text));
            CHECK(!memcmp(text, copy, length + 1) && memchr(text, 0, length + 1) == end - 1);
            CHECK(strcpy(copy, text) == copy && strnlen(text, 100) == length);
        }}
    }}
}}
"""

HEAP = """
#define SLOTS 200
static unsigned char *block[SLOTS];
static size_t size[SLOTS];
static void check(int i, size_t count)
{
    for (size_t k = 0; k < count; k += k < 32 ? 1 : 61)
        CHECK(block[i][k] == (unsigned char)(i + 7 * k));
}
int main(void)
{
    size_t everything = 0;
    for (int round = 0; round < 2; round++) {
        for (int step = 0; step < 1500; step++) {
            int i = (int)draw(SLOTS);
            size_t want = draw(8) ? draw(300) : draw(20000), before = size[i];
            if (block[i] && draw(2)) {
                check(i, before);
                if (draw(2)) {
                    free(block[i]);
                    block[i] = NULL;
                    size[i] = 0;
                    continue;
                }
                block[i] = realloc(block[i], want);
                check(i, before < want ? before : want);
            } else if (block[i]) {
                continue;
            } else if (draw(4)) {
                block[i] = draw(2) ? malloc(want) : calloc(1, want);
            } else {
                size_t alignment = 16u << draw(7);
                block[i] = aligned_alloc(alignment, want);
                CHECK((uintptr_t)block[i] % alignment == 0);
            }
            CHECK(block[i] && (uintptr_t)block[i] % 16 == 0);
            size[i] = want;
            for (size_t k = 0; k < want; k += k < 32 ? 1 : 61)
                block[i][k] = (unsigned char)(i + 7 * k);
        }
        for (int i = 0; i < SLOTS; i++) {
            check(i, size[i]);
            free(block[i]);
            block[i] = NULL;
            size[i] = 0;
        }
        /* All of it has come together again. */
        size_t largest = 1u << 26;
        void *all;
        while (!(all = malloc(largest)))
            largest -= 4096;
        free(all);
        CHECK(largest > (60u << 20) && (!everything || largest == everything));
        everything = largest;
    }
    errno = 0;
    CHECK(!malloc(1u << 27) && errno == ENOMEM && !calloc(1ul << 33, 1ul << 33));
    CHECK(!malloc(SIZE_MAX) && !realloc(malloc(3), SIZE_MAX - 3));
    CHECK(!aligned_alloc(64, SIZE_MAX - 5) && !aligned_alloc(24, 5) && errno == EINVAL);
    void *aligned;
    CHECK(!posix_memalign(&aligned, 256, 100) && (uintptr_t)aligned % 256 == 0);
    CHECK(posix_memalign(&aligned, 256, SIZE_MAX - 5) == ENOMEM);
    /* A list that is freed in its order does not take the square of its length. */
    static void *many[5000];
    for (int i = 0; i < 5000; i++)
        many[i] = malloc(24);
    for (int i = 0; i < 5000; i += 2)
        free(many[i]);
    for (int i = 1; i < 5000; i += 2)
        free(many[i]);
}
"""

SORTING = """
struct item { char key; unsigned char order[SIZE - 1]; };
static struct item items[700];
static long comparisons;
static int by_key(const void *a, const void *b)
{
    comparisons++;
    return ((const struct item *)a)->key - ((const struct item *)b)->key;
}
static int by_key_reversed(const void *a, const void *b, void *sign)
{
    return *(int *)sign * by_key(a, b);
}
int main(void)
{
    for (int count = 0; count < 700; count += count < 12 ? 1 : 229)
        for (int reversed = 0; reversed < 2; reversed++) {
            for (int i = 0; i < count; i++) {
                items[i].key = (char)draw(100);
                for (int k = 0; k < SIZE - 1; k++)
                    items[i].order[k] = (unsigned char)(i >> 8 * (k % 2));
            }
            int sign = -1;
            comparisons = 0;
            if (reversed)
                qsort_r(items, count, sizeof *items, by_key_reversed, &sign);
            else
                qsort(items, count, sizeof *items, by_key);
            CHECK(comparisons <= count * 10);
            for (int i = 1; i < count; i++) {
                int before = items[i - 1].key, after = items[i].key;
                CHECK(reversed ? before >= after : before <= after);
                if (before == after && STABLE && SIZE > 2)
                    CHECK(items[i - 1].order[0] + 256 * items[i - 1].order[1]
                          < items[i].order[0] + 256 * items[i].order[1]);
            }
        }
}
"""

# Fills the heap first: a sort then has no second array.
EXHAUSTED = """
static void exhaust(void) __attribute__((constructor));
static void exhaust(void)
{
    for (size_t size = 1u << 26; size >= 16; size /= 2)
        while (malloc(size))
            ;
}
#undef CHECK
#define CHECK(condition) ((condition) || (exit(1), 0))
"""


def check(tmp_path, text, **options):
    source = tmp_path / "prog.c"
    source.write_text(PRELUDE + text)
    elf = compile_c([source], flags=("-Wall", "-fno-builtin"), **options)
    result = run_reference(dataclasses.replace(load_program(elf, **RAM), name="prog"))
    assert (result.output.decode(), result.exit) == ("", 0)
    return result.instructions


@pytest.mark.parametrize("text", [COPIES, TEXTS, AT_THE_END_OF_MEMORY],
                         ids=["copies", "texts", "end of memory"])
def test_memory_and_texts(tmp_path, text):
    check(tmp_path, text)


def test_heap(tmp_path):
    assert check(tmp_path, HEAP) < 8_000_000


@pytest.mark.parametrize("size", [1, 4, 8, 13, 64])
def test_sorting(tmp_path, size):
    check(tmp_path, SORTING, defines=[f"SIZE={size}", "STABLE=1"])


def test_sorting_without_memory(tmp_path):
    check(tmp_path, EXHAUSTED + SORTING.replace("count * 10", "count * 20"),
          defines=["SIZE=13", "STABLE=0"])
