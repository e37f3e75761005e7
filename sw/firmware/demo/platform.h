#ifndef TILICHO_PLATFORM_H
#define TILICHO_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

static inline void write32(uintptr_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline uint32_t read32(uintptr_t address)
{
    return *(volatile uint32_t *)address;
}

/* High, low, high again: a 64-bit counter that carries between two reads is read once more. */
static inline uint64_t read_counter(uintptr_t low)
{
    uint32_t high;
    uint32_t value;
    do {
        high = read32(low + 4);
        value = read32(low);
    } while (read32(low + 4) != high);
    return (uint64_t)high << 32 | value;
}

/* All writes so far have reached their place before anything that follows. */
static inline void barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

#define CACHE_LINE 64u

/* The DMA engine is not coherent: what it will read must be cleaned to memory ... */
static inline void dma_sync_for_device(const void *start, size_t bytes)
{
    uintptr_t line = (uintptr_t)start & ~(uintptr_t)(CACHE_LINE - 1);
    for (; line < (uintptr_t)start + bytes; line += CACHE_LINE)
        __asm__ volatile("dc cvac, %0" ::"r"(line) : "memory");
    barrier();
}

/* ... and what it has written must not be hidden by an old line. */
static inline void dma_sync_for_cpu(const void *start, size_t bytes)
{
    uintptr_t line = (uintptr_t)start & ~(uintptr_t)(CACHE_LINE - 1);
    for (; line < (uintptr_t)start + bytes; line += CACHE_LINE)
        __asm__ volatile("dc civac, %0" ::"r"(line) : "memory");
    barrier();
}

#endif
