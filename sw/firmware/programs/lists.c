/* A linked list and a hash table on the heap: malloc, realloc and free in all orders. */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    unsigned key;
    char *text;
};

static struct node *buckets[32];

static unsigned hash(const char *text)
{
    unsigned value = 2166136261u;
    while (*text)
        value = (value ^ (unsigned char)*text++) * 16777619u;
    return value;
}

static void insert(const char *text)
{
    struct node *node = malloc(sizeof *node);
    node->key = hash(text);
    node->text = strdup(text);
    node->next = buckets[node->key % 32];
    buckets[node->key % 32] = node;
}

static int erase(const char *text)
{
    unsigned key = hash(text);
    for (struct node **link = &buckets[key % 32]; *link; link = &(*link)->next)
        if ((*link)->key == key && !strcmp((*link)->text, text)) {
            struct node *node = *link;
            *link = node->next;
            free(node->text);
            free(node);
            return 1;
        }
    return 0;
}

static struct node *reverse(struct node *list)
{
    struct node *reversed = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

int main(void)
{
    char name[32];
    /* The addresses are only compared; volatile keeps the compiler from dropping the blocks. */
    void *volatile block = malloc(100);
    uintptr_t first = (uintptr_t)block;
    free(block);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "item-%d-%x", i, i * i);
        insert(name);
    }
    int erased = 0;
    for (int i = 0; i < 60; i += 3) {
        snprintf(name, sizeof name, "item-%d-%x", i, i * i);
        erased += erase(name);
        erased += erase(name) * 1000;
    }
    unsigned mix = 0, count = 0;
    for (int i = 0; i < 32; i++) {
        buckets[i] = reverse(buckets[i]);
        for (struct node *node = buckets[i]; node; node = node->next, count++)
            mix = mix * 33 + node->key;
    }
    char *text = NULL;
    size_t used = 0;
    for (int i = 1; i < 40; i++) {
        text = realloc(text, used + (size_t)i);
        memset(text + used, 'a' + i % 26, (size_t)i);
        used += (size_t)i;
    }
    assert(text[used - 1] == 'a' + 39 % 26 && text[0] == 'b');
    free(text);
    for (int i = 0; i < 32; i++)
        while (buckets[i])
            erase(buckets[i]->text);
    void *volatile aligned = aligned_alloc(256, 100);
    assert((uintptr_t)aligned % 256 == 0);
    free(aligned);
    /* All is free again and has joined: the first block comes back, and a big one fits. */
    block = malloc(100);
    uintptr_t again = (uintptr_t)block;
    free(block);
    void *volatile big = malloc(32 << 20);
    printf("erased %d, left %u, mix %08x, heap %s\n", erased, count, mix,
           again == first && big ? "whole" : "in pieces");
    return !(erased == 20 && count == 40 && again == first && big);
}
