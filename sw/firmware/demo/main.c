/* Inference: walks a layer table in DRAM; the DMA moves every byte, the tile multiplies. */

#include <stdio.h>
#include <stdlib.h>

#include "chip.h"
#include "dma.h"
#include "job.h"
#include "platform.h"
#include "tile.h"

#define JOB ((const struct job *)(uintptr_t)JOB_ADDRESS)
#define MAX_TENSOR 256u
#define MAX_ACTIVATION 32u

/* Semaphores: PSUM tiles that wait for the activation engine, tiles of inputs that wait for the
 * tensor engine, and finished batches. */
enum { PSUM_READY, INPUT_READY, BATCH_READY };

struct program {
    uint64_t tensor[MAX_TENSOR * TILE_INSTRUCTION_WORDS];
    uint64_t activation[MAX_ACTIVATION * TILE_INSTRUCTION_WORDS];
    uint32_t tensor_count;
    uint32_t activation_count;
    uint32_t images; /* of the batch that the program is for */
};

static struct program programs[2] __attribute__((aligned(CACHE_LINE)));
static uint32_t size; /* of the array */
static uint32_t banks;

static uint32_t tiles(uint32_t elements)
{
    return (elements + size - 1) / size;
}

/* Elements of tile `index`, of which the last may be short. */
static uint32_t extent(uint32_t elements, uint32_t index)
{
    uint32_t rest = elements - index * size;
    return rest < size ? rest : size;
}

/* Bytes of a row of INT8 elements: operands start at multiples of 8. */
static uint32_t row_bytes(uint32_t elements)
{
    return (elements + 7) & ~7u;
}

static _Noreturn void fail(const char *what, uint32_t code)
{
    printf("demo: %s, code 0x%x\n", what, code);
    exit(1);
}

static uint64_t *next(uint64_t *words, uint32_t *count, uint32_t limit)
{
    if (*count == limit)
        fail("the network has too many tiles", limit);
    return words + TILE_INSTRUCTION_WORDS * (*count)++;
}

/* One tile of outputs: a load and a multiply for each tile of inputs. Inputs of a hidden layer are
 * there one tile after the other, and are waited for once. */
static void multiply(struct program *program, const struct layer *layer, uint32_t parity,
                     uint32_t output, uint32_t bank, int hidden)
{
    uint32_t inputs = tiles(layer->inputs);
    uint32_t m = extent(layer->outputs, output);
    for (uint32_t input = 0; input < inputs; input++) {
        uint32_t k = extent(layer->inputs, input);
        tile_load_stationary(next(program->tensor, &program->tensor_count, MAX_TENSOR), 0,
            (struct tile_fields){
                .type = TILE_TYPE_INT8, .k = k, .m = m,
                .address = layer->weights + (output * inputs + input) * row_bytes(size)});
        uint64_t header = hidden && output == 0 ? tile_wait_consume(INPUT_READY, 1) : 0;
        if (input + 1 == inputs)
            header |= tile_signal(PSUM_READY, 1);
        tile_multiply_moving(next(program->tensor, &program->tensor_count, MAX_TENSOR), header,
            (struct tile_fields){
                .type = TILE_TYPE_INT8, .k = k, .m = m, .n = program->images, .bank = bank,
                .accumulate = input != 0,
                .address = layer->source[parity] + input * row_bytes(JOB->batch)});
    }
}

/* Bias, ReLU and conversion of one tile of outputs, from PSUM to SBUF. */
static void activate(struct program *program, const struct layer *layer, uint32_t parity,
                     uint32_t output, uint32_t bank, int last_layer)
{
    uint32_t stride = layer->requantise ? row_bytes(JOB->batch) : 4 * JOB->batch;
    uint64_t header = tile_wait_consume(PSUM_READY, 1);
    if (!last_layer)
        header |= tile_signal(INPUT_READY, 1);
    else if (output + 1 == tiles(layer->outputs))
        header |= tile_signal(BATCH_READY, 1);
    tile_activate(next(program->activation, &program->activation_count, MAX_ACTIVATION), header,
        (struct tile_fields){
            .type = TILE_TYPE_INT8, .m = extent(layer->outputs, output), .n = program->images,
            .bank = bank, .bias = 1, .bias_address = layer->bias + 8 * output,
            .relu = layer->relu, .release = 1,
            .output = layer->requantise ? TILE_OUTPUT_INT8 : TILE_OUTPUT_WORD,
            .multiplier = layer->multiplier, .shift = layer->shift,
            .destination = layer->result[parity] + output * stride});
}

/* Instructions of one batch. Layers take the halves of PSUM in turn: when a layer writes its half,
 * the layer before it has seen all results that stood there. */
static void build(struct program *program, uint32_t parity, uint32_t images)
{
    program->images = images;
    program->tensor_count = program->activation_count = 0;
    for (uint32_t i = 0; i < JOB->layers; i++) {
        const struct layer *layer = &JOB->layer[i];
        uint32_t half = (i + parity * JOB->layers) & 1;
        if (tiles(layer->outputs) > banks / 2)
            fail("a layer has more outputs than half of PSUM holds", layer->outputs);
        for (uint32_t output = 0; output < tiles(layer->outputs); output++) {
            uint32_t bank = half * (banks / 2) + output;
            multiply(program, layer, parity, output, bank, i != 0);
            activate(program, layer, parity, output, bank, i + 1 == JOB->layers);
        }
    }
    dma_sync_for_device(program, sizeof *program);
}

static uint32_t batch_images(uint32_t batch)
{
    uint32_t rest = JOB->images - batch * JOB->batch;
    return rest < JOB->batch ? rest : JOB->batch;
}

/* One source, a slice of it to each partition. */
static uint32_t scatter(uint64_t source, uint32_t sbuf_address, uint32_t bytes)
{
    dma_source(source, bytes * size);
    for (uint32_t partition = 0; partition < size; partition++)
        dma_destination(tile_sbuf(partition, sbuf_address), bytes);
    return dma_submit(0);
}

/* Send a batch to the tile: its activation instructions, its images, its tensor instructions. The
 * engines wait for each other through semaphores. */
static void start_batch(uint32_t batch)
{
    struct program *program = &programs[batch & 1];
    if (program->images != batch_images(batch))
        build(program, batch & 1, batch_images(batch));
    tile_push_activation(program->activation, program->activation_count);
    barrier();
    uint32_t bytes = tiles(JOB->layer[0].inputs) * row_bytes(JOB->batch);
    scatter(JOB->inputs + (uint64_t)batch * bytes * size, JOB->layer[0].source[batch & 1], bytes);
    uint32_t left = program->tensor_count * TILE_INSTRUCTION_BYTES;
    const char *words = (const char *)program->tensor;
    while (left) {
        uint32_t part = left < TILE_WINDOW_BYTES ? left : TILE_WINDOW_BYTES;
        dma_source((uintptr_t)words, part);
        dma_destination(TILE_TENSOR_WINDOW, part);
        dma_submit(DMA_AFTER_ALL);
        words += part;
        left -= part;
    }
}

/* Gather the logits of a finished batch, a row from each partition, into DRAM. */
static uint32_t fetch_logits(uint32_t batch)
{
    const struct layer *layer = &JOB->layer[JOB->layers - 1];
    uint32_t stride = 4 * JOB->batch;
    uint32_t bytes = 4 * batch_images(batch);
    for (uint32_t i = 0; i < layer->outputs; i++)
        dma_source(tile_sbuf(i % size, layer->result[batch & 1] + i / size * stride), bytes);
    dma_destination(JOB->logits + (uint64_t)batch * layer->outputs * stride,
                    layer->outputs * bytes);
    return dma_submit(0);
}

static void check(uint32_t cause)
{
    if (cause)
        fail("the DMA engine stopped", cause);
}

static void infer(void)
{
    uint32_t batches = (JOB->images + JOB->batch - 1) / JOB->batch;
    uint32_t logits[2] = {0, 0};
    scatter(JOB->constants, 0, JOB->constant_bytes);
    start_batch(0);
    for (uint32_t batch = 0; batch < batches; batch++) {
        if (batch + 1 < batches) {
            /* The next batch writes its logits where those of the one before this one stand. */
            if (batch)
                check(dma_wait(logits[(batch + 1) & 1]));
            start_batch(batch + 1);
        }
        uint32_t error = tile_wait_semaphore(BATCH_READY);
        if (error)
            fail("the tile stopped", error);
        logits[batch & 1] = fetch_logits(batch);
    }
    check(dma_wait(logits[(batches - 1) & 1]));
}

int main(void)
{
    if (JOB->magic != JOB_MAGIC)
        fail("no job in DRAM", (uint32_t)JOB->magic);
    volatile struct report *report = (volatile struct report *)(uintptr_t)JOB->report;
    report->start_cycle = read_counter(SYSCTL_BASE + SYSCTL_CYCLES_LO);
    size = tile_size();
    banks = (read32(TILE_REGS_BASE + TILE_CONFIG) & TILE_CONFIG_PSUM_BANKS_MASK)
            >> TILE_CONFIG_PSUM_BANKS_SHIFT;
    tile_init();
    dma_init();
    infer();
    report->end_cycle = read_counter(SYSCTL_BASE + SYSCTL_CYCLES_LO);
    report->tile_macs = read_counter(TILE_REGS_BASE + TILE_MACS_LO);
    report->tile_active = read_counter(TILE_REGS_BASE + TILE_TENSOR_ACTIVE_LO);
    report->tile_nonempty = read_counter(TILE_REGS_BASE + TILE_TENSOR_NONEMPTY_LO);
    report->tile_first = read_counter(TILE_REGS_BASE + TILE_TENSOR_FIRST_LO);
    report->tile_last = read_counter(TILE_REGS_BASE + TILE_TENSOR_LAST_LO);
    report->dma_read = read_counter(DMA_BASE + DMA_GLOBAL_BYTES_READ_LO);
    report->dma_written = read_counter(DMA_BASE + DMA_GLOBAL_BYTES_WRITTEN_LO);
    report->magic = REPORT_MAGIC;
    dma_sync_for_device((const void *)(uintptr_t)JOB->report, sizeof *report);
    printf("demo: %u images in %lu cycles\n", JOB->images,
           report->end_cycle - report->start_cycle);
    return 0;
}
