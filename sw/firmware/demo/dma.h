#ifndef TILICHO_DMA_H
#define TILICHO_DMA_H

#include <stdint.h>

/* Driver of one queue pair of the DMA engine; packets complete in the order of submission. */

/* Reset the pair and start it with empty rings. */
void dma_init(void);

/* The same, with descriptors written into the device instead of rings in memory. Packets are
 * described and submitted as before; they have as many buffers on both sides. */
void dma_init_push(void);

/* Describe a packet: sources and destinations in any order, then submit. A packet has as many
 * bytes on both sides, at most 65536 in a buffer and 64 buffers on a side. Waits for older packets
 * while a ring is full. */
void dma_source(uint64_t address, uint32_t bytes);
void dma_destination(uint64_t address, uint32_t bytes);

/* What is said of the next source or destination: it is repeated `count` times at a stride, and
 * all of that again by the next dimension, up to four times. */
void dma_source_dimension(uint32_t count, int64_t stride);
void dma_destination_dimension(uint32_t count, int64_t stride);

/* The next source is not read: the bytes of the word stand at all addresses, in turn. */
void dma_source_word(uint32_t word);

/* A matrix of elements of 1, 2 or 4 bytes, and where it stands transposed. */
struct dma_matrix {
    uint64_t source, destination;
    int64_t source_pitch, destination_pitch; /* bytes from one row to the next */
    uint32_t rows, columns;                  /* of the source */
    uint32_t element;
};

/* Describe a packet that transposes a matrix, with 16 descriptors of a side at most. Returns -1 if
 * the engine was not built for it. */
int dma_transpose(const struct dma_matrix *matrix);

/* The packet starts only when everything before it is complete. */
#define DMA_AFTER_ALL 1u

/* Hand the packet to the engine and return its number, from 0. */
uint32_t dma_submit(uint32_t flags);

/* Wait until a packet is complete, its data in place. Returns 0, or the cause of the error. */
uint32_t dma_wait(uint32_t packet);

#endif
