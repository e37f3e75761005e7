/* First-fit heap between the program and the stack. Free blocks form a list in address order, so
   that a freed block meets its neighbours and joins them. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16

/* Precedes every block. `size` counts the header, too, and is a multiple of ALIGNMENT. */
struct header {
    size_t size;
    struct header *next;
};

extern char __heap_end[];
extern char *__heap_base;

static struct header *free_list;
static int initialised;

static void initialise(void)
{
    free_list = (struct header *)__heap_base;
    free_list->size = (size_t)(__heap_end - __heap_base);
    free_list->next = NULL;
    initialised = 1;
}

void *malloc(size_t size)
{
    if (!initialised)
        initialise();
    if (size > (size_t)(__heap_end - __heap_base)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t need = (size + sizeof(struct header) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    for (struct header **link = &free_list; *link; link = &(*link)->next) {
        struct header *block = *link;
        if (block->size < need)
            continue;
        if (block->size - need >= 2 * sizeof(struct header)) {
            struct header *rest = (struct header *)((char *)block + need);
            rest->size = block->size - need;
            rest->next = block->next;
            block->size = need;
            *link = rest;
        } else {
            *link = block->next;
        }
        return block + 1;
    }
    errno = ENOMEM;
    return NULL;
}

static void join_next(struct header *block)
{
    struct header *next = block->next;
    if (next && (char *)block + block->size == (char *)next) {
        block->size += next->size;
        block->next = next->next;
    }
}

void free(void *memory)
{
    if (!memory)
        return;
    /* aligned_alloc() leaves a size of zero and the real block's header in front of its block. */
    struct header *block = (struct header *)memory - 1;
    if (!block->size)
        block = block->next;
    struct header *before = NULL, *after = free_list;
    while (after && after < block) {
        before = after;
        after = after->next;
    }
    block->next = after;
    join_next(block);
    if (before) {
        before->next = block;
        join_next(before);
    } else {
        free_list = block;
    }
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *memory = malloc(bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static size_t capacity(void *memory)
{
    struct header *block = (struct header *)memory - 1;
    if (block->size)
        return block->size - sizeof(struct header);
    return (size_t)((char *)block->next + block->next->size - (char *)memory);
}

void *realloc(void *memory, size_t size)
{
    if (!memory)
        return malloc(size);
    size_t old = capacity(memory);
    if (size <= old)
        return memory;
    void *bigger = malloc(size);
    if (bigger) {
        memcpy(bigger, memory, old);
        free(memory);
    }
    return bigger;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (alignment <= ALIGNMENT)
        return malloc(size);
    char *memory = malloc(size + alignment + sizeof(struct header));
    if (!memory)
        return NULL;
    char *aligned = (char *)(((uintptr_t)memory + alignment - 1) & ~(uintptr_t)(alignment - 1));
    if (aligned == memory)
        return memory;
    /* The step is at least ALIGNMENT, the size of a header: this one lies inside the block. */
    struct header *marker = (struct header *)aligned - 1;
    marker->next = (struct header *)memory - 1;
    marker->size = 0;
    return aligned;
}
