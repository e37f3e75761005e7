#ifndef TILICHO_DMA_H
#define TILICHO_DMA_H

#include <stdint.h>

/* Driver of one queue pair of the DMA engine; packets complete in the order of submission. */

/* Reset the pair and start it with empty rings. */
void dma_init(void);

/* Describe a packet: sources and destinations in any order, then submit. A packet has as many
 * bytes on both sides, at most 65536 in a buffer and 64 buffers on a side. Waits for older packets
 * while a ring is full. */
void dma_source(uint64_t address, uint32_t bytes);
void dma_destination(uint64_t address, uint32_t bytes);

/* The packet starts only when everything before it is complete. */
#define DMA_AFTER_ALL 1u

/* Hand the packet to the engine and return its number, from 0. */
uint32_t dma_submit(uint32_t flags);

/* Wait until a packet is complete, its data in place. Returns 0, or the cause of the error. */
uint32_t dma_wait(uint32_t packet);

#endif
