#ifndef TILICHO_TILE_H
#define TILICHO_TILE_H

#include <stdint.h>

#include "chip.h"
#include "tile_isa.h"

/* Driver of the matmul tile. */

#define TILE_INSTRUCTION_WORDS 4u
#define TILE_INSTRUCTION_BYTES 32u
#define TILE_WINDOW_BYTES 4096u

/* Address of a byte of SBUF in partition p. */
static inline uint64_t tile_sbuf(uint32_t partition, uint32_t address)
{
    return TILE_BASE + ((uint64_t)partition << 16) + address;
}

#define TILE_TENSOR_WINDOW (TILE_BASE + 0x800000u)
#define TILE_ACTIVATION_WINDOW (TILE_BASE + 0x801000u)

/* Empty the queues, clear semaphores and counters. */
void tile_init(void);

/* Rows and columns of the array. */
uint32_t tile_size(void);

/* Push instructions for the activation engine, as room comes free. */
void tile_push_activation(const uint64_t *words, uint32_t count);

/* Wait until a semaphore is at least 1, and subtract 1. Returns 0, or the error register
 * of an engine that has stopped. */
uint32_t tile_wait_semaphore(uint32_t index);

#endif
