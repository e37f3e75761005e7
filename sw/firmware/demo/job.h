#ifndef TILICHO_JOB_H
#define TILICHO_JOB_H

#include <stdint.h>

/* What the host leaves in DRAM at JOB_ADDRESS; sw/demo/image.py writes it. */

#define JOB_MAGIC 0x31424f4a43494c54u /* "TLICJOB1" */
#define JOB_LAYERS 8

struct layer {
    uint32_t inputs;
    uint32_t outputs;
    uint32_t weights;     /* SBUF address: for each tile of outputs, each tile of inputs: a row */
    uint32_t bias;        /* SBUF address: for each tile of outputs 8 bytes */
    uint32_t relu;
    uint32_t requantise;  /* to INT8, else INT32 */
    uint32_t multiplier;
    uint32_t shift;
    uint32_t source[2];   /* SBUF addresses of the moving operand, for even and odd batches */
    uint32_t result[2];   /* SBUF addresses of the result, for even and odd batches */
};

struct job {
    uint64_t magic;
    uint32_t layers;
    uint32_t images;
    uint32_t batch;           /* images of a full batch */
    uint32_t constant_bytes;  /* of weights and biases in each SBUF partition, from address 0 on */
    uint64_t constants;       /* DRAM: partition by partition */
    uint64_t inputs;          /* DRAM: batch, partition, tile of inputs, image */
    uint64_t logits;          /* DRAM: batch, output, image, 32 bits each; a batch takes
                               * the room of a full one */
    uint64_t report;          /* DRAM: struct report */
    struct layer layer[JOB_LAYERS];
};

/* What the firmware answers. */
struct report {
    uint64_t magic;
    uint64_t start_cycle;   /* of the system counter: before the first transfer */
    uint64_t end_cycle;     /* after the last logit is in DRAM */
    uint64_t tile_macs;
    uint64_t tile_active;
    uint64_t tile_nonempty;
    uint64_t tile_first;    /* first and last cycle with the tensor queue not empty */
    uint64_t tile_last;
    uint64_t dma_read;
    uint64_t dma_written;
};

#define REPORT_MAGIC 0x3154524f50455254u /* "TREPORT1" */

#endif
