/* The heap above the program: blocks that know their neighbours' sizes, so that a freed block joins
   them at once, and lists of free blocks by size, so that none is searched for long. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define USED 1u

/* Sizes are multiples of ALIGNMENT and count the header; the lowest bit of `size` is USED. The
   links exist in free blocks only, where the user's data was. */
struct block {
    size_t size, size_before;
    struct block *next, *previous;
};

#define HEADER offsetof(struct block, next)
#define SMALLEST sizeof(struct block)

/* One list for each size below SMALL, then one for each power of two. */
#define SMALL_BINS 32
#define SMALL (SMALL_BINS * ALIGNMENT)
#define SMALL_LOG2 9
#define BINS 64

extern char __heap_end[];
extern char *__heap_base;

static struct block *bins[BINS];
static uint64_t filled;
static int initialised;

static unsigned bin_of(size_t size)
{
    if (size < SMALL)
        return (unsigned)(size / ALIGNMENT);
    return SMALL_BINS + (63 - (unsigned)__builtin_clzl(size)) - SMALL_LOG2;
}

static struct block *after(struct block *block)
{
    return (struct block *)((char *)block + (block->size & ~(size_t)USED));
}

static struct block *before(struct block *block)
{
    return (struct block *)((char *)block - block->size_before);
}

static void unlink_block(struct block *block)
{
    unsigned bin = bin_of(block->size);
    if (block->next)
        block->next->previous = block->previous;
    if (block->previous)
        block->previous->next = block->next;
    else if (!(bins[bin] = block->next))
        filled &= ~(1ul << bin);
}

/* Make the `size` bytes at `block` a free block. Its neighbours are in use. */
static void link_block(struct block *block, size_t size)
{
    unsigned bin = bin_of(size);
    block->size = size;
    after(block)->size_before = size;
    block->previous = NULL;
    block->next = bins[bin];
    if (block->next)
        block->next->previous = block;
    bins[bin] = block;
    filled |= 1ul << bin;
}

static void release(struct block *block)
{
    size_t size = block->size & ~(size_t)USED;
    struct block *next = after(block);
    if (!(next->size & USED)) {
        unlink_block(next);
        size += next->size;
    }
    if (block->size_before && !(before(block)->size & USED)) {
        block = before(block);
        unlink_block(block);
        size += block->size;
    }
    link_block(block, size);
}

/* Leave `size` bytes to a block in use and free the rest, if it makes a block. */
static void trim(struct block *block, size_t size)
{
    size_t rest = (block->size & ~(size_t)USED) - size;
    if (rest < SMALLEST)
        return;
    block->size = size | USED;
    struct block *second = after(block);
    second->size = rest | USED;
    second->size_before = size;
    after(second)->size_before = rest;
    release(second);
}

/* One free block, and behind it a header that is in use for ever. */
static void initialise(void)
{
    size_t size = (size_t)(__heap_end - __heap_base - HEADER) & ~(size_t)(ALIGNMENT - 1);
    struct block *first = (struct block *)__heap_base;
    first->size = size;
    first->size_before = 0;
    after(first)->size = HEADER | USED;
    link_block(first, size);
    initialised = 1;
}

static struct block *find(size_t size)
{
    unsigned bin = bin_of(size);
    for (struct block *block = bins[bin]; block; block = block->next)
        if (block->size >= size)
            return block;
    /* Whatever is in a later list is large enough. */
    uint64_t larger = bin < BINS - 1 ? filled & ~0ul << (bin + 1) : 0;
    return larger ? bins[__builtin_ctzl(larger)] : NULL;
}

/* Bytes of a block for `size` bytes of data, 0 if there cannot be one. */
static size_t block_size(size_t size)
{
    if (size > (size_t)(__heap_end - __heap_base))
        return 0;
    size = (size + HEADER + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return size < SMALLEST ? SMALLEST : size;
}

static struct block *block_of(void *memory)
{
    return (struct block *)((char *)memory - HEADER);
}

void *malloc(size_t size)
{
    if (!initialised)
        initialise();
    size_t need = block_size(size);
    struct block *block = need ? find(need) : NULL;
    if (!block) {
        errno = ENOMEM;
        return NULL;
    }
    unlink_block(block);
    block->size |= USED;
    trim(block, need);
    return (char *)block + HEADER;
}

void free(void *memory)
{
    if (memory)
        release(block_of(memory));
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

void *realloc(void *memory, size_t size)
{
    if (!memory)
        return malloc(size);
    struct block *block = block_of(memory), *next = after(block);
    size_t have = block->size & ~(size_t)USED, need = block_size(size);
    if (need && need > have && !(next->size & USED) && have + next->size >= need) {
        unlink_block(next);
        have += next->size;
        block->size = have | USED;
        after(block)->size_before = have;
    }
    if (need && need <= have) {
        trim(block, need);
        return memory;
    }
    void *larger = malloc(size);
    if (larger) {
        memcpy(larger, memory, have - HEADER);
        free(memory);
    }
    return larger;
}

void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!alignment || alignment & (alignment - 1)) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= ALIGNMENT)
        return malloc(size);
    if (size > SIZE_MAX - alignment - SMALLEST) {
        errno = ENOMEM;
        return NULL;
    }
    char *memory = malloc(size + alignment + SMALLEST);
    if (!memory)
        return NULL;
    if ((uintptr_t)memory & (alignment - 1)) {
        /* What lies in front becomes a block of its own. */
        uintptr_t place = ((uintptr_t)memory + SMALLEST + alignment - 1) & ~(alignment - 1);
        struct block *front = block_of(memory), *block = block_of((void *)place);
        size_t gap = (size_t)((char *)block - (char *)front);
        block->size = ((front->size & ~(size_t)USED) - gap) | USED;
        block->size_before = gap;
        after(block)->size_before = block->size & ~(size_t)USED;
        front->size = gap | USED;
        release(front);
        memory = (char *)place;
    }
    trim(block_of(memory), block_size(size));
    return memory;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    int before_call = errno;
    *memory = aligned_alloc(alignment, size);
    int error = *memory ? 0 : errno;
    errno = before_call;
    return error;
}
