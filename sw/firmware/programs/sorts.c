/* Sorting by merging, by heaps, by digits, by falling gaps and by the library, and stability. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 220

struct record {
    uint16_t key, order;
};

static struct record input[COUNT], sorted[COUNT], spare[COUNT];

static void insertion_sort(struct record *records, int count)
{
    for (int i = 1; i < count; i++) {
        struct record moved = records[i];
        int at = i;
        for (; at && records[at - 1].key > moved.key; at--)
            records[at] = records[at - 1];
        records[at] = moved;
    }
}

static void merge_sort(struct record *records, int count)
{
    if (count <= 8) {
        insertion_sort(records, count);
        return;
    }
    int half = count / 2, i = 0, j = half, out = 0;
    merge_sort(records, half);
    merge_sort(records + half, count - half);
    memcpy(spare, records, (size_t)half * sizeof *records);
    while (i < half)
        records[out++] = j < count && records[j].key < spare[i].key ? records[j++] : spare[i++];
}

static void heap_sort(struct record *records, int count)
{
    for (int start = count / 2, end = count; end > 1;) {
        struct record moved;
        if (start) {
            moved = records[--start];
        } else {
            moved = records[--end];
            records[end] = records[0];
        }
        int at = start;
        for (int child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && records[child].key < records[child + 1].key)
                child++;
            if (records[child].key <= moved.key)
                break;
            records[at] = records[child];
        }
        records[at] = moved;
    }
}

static void shell_sort(struct record *records, int count)
{
    static const int gaps[] = {132, 57, 23, 10, 4, 1};
    for (int g = 0; g < 6; g++)
        for (int i = gaps[g]; i < count; i++) {
            struct record moved = records[i];
            int at = i;
            for (; at >= gaps[g] && records[at - gaps[g]].key > moved.key; at -= gaps[g])
                records[at] = records[at - gaps[g]];
            records[at] = moved;
        }
}

static void radix_sort(struct record *records, int count)
{
    for (int shift = 0; shift < 16; shift += 4) {
        int start[17] = {0};
        for (int i = 0; i < count; i++)
            start[(records[i].key >> shift & 15) + 1]++;
        for (int i = 0; i < 16; i++)
            start[i + 1] += start[i];
        for (int i = 0; i < count; i++)
            spare[start[records[i].key >> shift & 15]++] = records[i];
        memcpy(records, spare, (size_t)count * sizeof *records);
    }
}

static int compare(const void *a, const void *b)
{
    return ((const struct record *)a)->key - ((const struct record *)b)->key;
}

static void library_sort(struct record *records, int count)
{
    qsort(records, (size_t)count, sizeof *records, compare);
}

static int check(const char *name, void (*sort)(struct record *, int), int stable)
{
    int disordered = 0, unstable = 0;
    unsigned sum = 0;
    memcpy(sorted, input, sizeof input);
    sort(sorted, COUNT);
    for (int i = 0; i < COUNT; i++) {
        sum += sorted[i].order * (sorted[i].key + 1u) - input[i].order * (input[i].key + 1u);
        if (!i)
            continue;
        disordered += sorted[i - 1].key > sorted[i].key;
        unstable += sorted[i - 1].key == sorted[i].key && sorted[i - 1].order > sorted[i].order;
    }
    printf("%s: %s, %s\n", name, disordered || sum ? "wrong" : "sorted",
           stable ? "stable" : "as it comes");
    return disordered || sum || (stable && unstable);
}

int main(void)
{
    int wrong = 0;
    uint32_t state = 4711;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525 + 1013904223;
        /* Few keys, so that there are equal ones. */
        input[i] = (struct record){(uint16_t)((state >> 24) * 251), (uint16_t)i};
    }
    wrong += check("insertion", insertion_sort, 1);
    wrong += check("merge", merge_sort, 1);
    wrong += check("heap", heap_sort, 0);
    wrong += check("shell", shell_sort, 0);
    wrong += check("radix", radix_sort, 1);
    wrong += check("library", library_sort, 0);
    return wrong;
}
