/* Hash tables with open addressing: numbers, some of them deleted, and a table of names that
   grows. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 512
#define KEYS 300

struct slot {
    uint32_t key, value;
};

static struct slot slots[SLOTS];

static uint32_t scramble(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    x *= 0x846ca68b;
    return x ^ x >> 16;
}

static struct slot *find(uint32_t key)
{
    uint32_t at = scramble(key) % SLOTS;
    while (slots[at].key && slots[at].key != key)
        at = (at + 1) % SLOTS;
    return &slots[at];
}

/* Whoever was pushed on by the deleted one moves back. */
static int erase(uint32_t key)
{
    uint32_t hole = (uint32_t)(find(key) - slots);
    if (!slots[hole].key)
        return 0;
    for (uint32_t at = (hole + 1) % SLOTS; slots[at].key; at = (at + 1) % SLOTS) {
        uint32_t home = scramble(slots[at].key) % SLOTS;
        if ((at - home) % SLOTS >= (at - hole) % SLOTS) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole].key = 0;
    return 1;
}

struct entry {
    char *name;
    unsigned count;
};

struct table {
    struct entry *entries;
    size_t size, used;
};

static unsigned hash(const char *name)
{
    unsigned value = 2166136261u;
    while (*name)
        value = (value ^ (unsigned char)*name++) * 16777619u;
    return value;
}

static struct entry *place_of(const struct table *table, const char *name)
{
    size_t at = hash(name) & (table->size - 1);
    while (table->entries[at].name && strcmp(table->entries[at].name, name))
        at = (at + 1) & (table->size - 1);
    return &table->entries[at];
}

static void grow(struct table *table)
{
    struct table larger = {calloc(table->size * 2, sizeof(struct entry)), table->size * 2, 0};
    for (size_t i = 0; i < table->size; i++)
        if (table->entries[i].name)
            *place_of(&larger, table->entries[i].name) = table->entries[i];
    larger.used = table->used;
    free(table->entries);
    *table = larger;
}

static void count_name(struct table *table, const char *name)
{
    if (4 * table->used >= 3 * table->size)
        grow(table);
    struct entry *entry = place_of(table, name);
    if (!entry->name) {
        entry->name = malloc(strlen(name) + 1);
        strcpy(entry->name, name);
        table->used++;
    }
    entry->count++;
}

static int check_numbers(void)
{
    int wrong = 0, erased = 0;
    for (uint32_t i = 1; i <= KEYS; i++)
        *find(i * i) = (struct slot){i * i, i};
    for (uint32_t i = 1; i <= KEYS; i++)
        wrong += find(i * i)->value != i;
    for (uint32_t i = 1; i <= KEYS; i += 3)
        erased += erase(i * i);
    for (uint32_t i = 1; i <= KEYS; i++)
        wrong += (find(i * i)->key != 0) != (i % 3 != 1);
    for (uint32_t i = 1; i <= KEYS; i++)
        wrong += find(i * i + 1)->key != 0;
    printf("%d erased, %d wrong\n", erased, wrong);
    return wrong || erased != KEYS / 3;
}

static int check_names(void)
{
    static const char *const syllables[] = {"ka", "lo", "mi", "ne", "su", "ta", "ri"};
    struct table table = {calloc(8, sizeof(struct entry)), 8, 0};
    uint32_t state = 1;
    unsigned total = 0;
    for (int i = 0; i < 800; i++) {
        char name[16] = "";
        for (int part = 0; part < 2 + i % 2; part++) {
            state = state * 1664525 + 1013904223;
            strcat(name, syllables[(state >> 24) % 7]);
        }
        count_name(&table, name);
    }
    for (size_t i = 0; i < table.size; i++) {
        total += table.entries[i].count;
        free(table.entries[i].name);
    }
    printf("%zu names in %zu places, %u in all\n", table.used, table.size, total);
    int wrong = total != 800 || table.used > 49 + 343;
    free(table.entries);
    return wrong;
}

int main(void)
{
    return check_numbers() + check_names();
}
