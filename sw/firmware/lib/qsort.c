/* qsort(): a merge sort, which leaves elements that compare as equal in their order; where there is
   no memory for a second array, a heap sort. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int comparison(const void *, const void *, void *);

struct sort {
    size_t size;
    comparison *compare;
    void *context;
    char *spare;
};

/* Arrays up to this size need no memory from the heap. */
#define ON_STACK 1024

static inline void move(char *to, const char *from, size_t size)
{
    if (size == 8)
        memcpy(to, from, 8);
    else if (size == 4)
        memcpy(to, from, 4);
    else
        memcpy(to, from, size);
}

static void merge_sort(const struct sort *sort, char *base, size_t count)
{
    size_t size = sort->size, low_count = count / 2;
    if (count <= 1)
        return;
    char *high = base + low_count * size, *end = base + count * size;
    merge_sort(sort, base, low_count);
    merge_sort(sort, high, count - low_count);
    if (sort->compare(high - size, high, sort->context) <= 0)
        return;
    /* The lower half moves aside; what is merged never reaches the rest of the upper half. */
    char *low = sort->spare, *low_end = low + low_count * size, *to = base;
    memcpy(low, base, low_count * size);
    while (low < low_end && high < end) {
        int first = sort->compare(low, high, sort->context) <= 0;
        move(to, first ? low : high, size);
        low += first ? size : 0;
        high += first ? 0 : size;
        to += size;
    }
    memcpy(to, low, (size_t)(low_end - low));
}

static void swap(char *a, char *b, size_t size)
{
    for (; size; size--, a++, b++) {
        char x = *a;
        *a = *b;
        *b = x;
    }
}

static void sift_down(const struct sort *sort, char *base, size_t root, size_t count)
{
    size_t size = sort->size;
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count
            && sort->compare(base + child * size, base + (child + 1) * size, sort->context) < 0)
            child++;
        if (sort->compare(base + root * size, base + child * size, sort->context) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
        root = child;
    }
}

static void heap_sort(const struct sort *sort, char *base, size_t count)
{
    for (size_t root = count / 2; root--;)
        sift_down(sort, base, root, count);
    for (size_t left = count; left > 1; left--) {
        swap(base, base + (left - 1) * sort->size, sort->size);
        sift_down(sort, base, 0, left - 1);
    }
}

void qsort_r(void *array, size_t count, size_t size, comparison *compare, void *context)
{
    uint64_t on_stack[ON_STACK / 8];
    struct sort sort = {size, compare, context, (char *)on_stack};
    size_t spare = count / 2 * size;
    if (spare > ON_STACK)
        sort.spare = malloc(spare);
    if (!sort.spare) {
        heap_sort(&sort, array, count);
        return;
    }
    merge_sort(&sort, array, count);
    if (spare > ON_STACK)
        free(sort.spare);
}

static int without_context(const void *a, const void *b, void *compare)
{
    return ((int (*)(const void *, const void *))compare)(a, b);
}

void qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    qsort_r(array, count, size, without_context, (void *)compare);
}
