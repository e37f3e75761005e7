#include "dma.h"

#include <string.h>

#include "chip.h"
#include "dma_encoding.h"
#include "platform.h"

#define ENTRIES 64u
#define QUEUE (DMA_BASE + DMA_QUEUE_PAGE)
#define MANAGER (DMA_BASE + DMA_MANAGER_PAGE)
#define DMA_DESC_ADDRESS_HIGH 0xffffu
#define SUBMISSION_ENABLES (DMA_QUEUE_M2S_CFG_EN_PREFETCH_MASK | DMA_QUEUE_M2S_CFG_EN_SCHEDULING_MASK)

struct entry {
    uint32_t word[4];
};

struct ring {
    struct entry submission[ENTRIES];
    struct entry completion[ENTRIES];
    uint32_t tail;      /* descriptors written since the start */
    uint32_t announced; /* of these, those that the engine knows of */
    uint32_t first;     /* behind the META descriptors in front, of those not announced */
    uintptr_t registers;
};

static struct ring m2s __attribute__((aligned(CACHE_LINE)));
static struct ring s2m __attribute__((aligned(CACHE_LINE)));
static uint32_t packets;   /* submitted */
static uint32_t completed; /* known to be complete, in order */
static uint32_t m2s_used[ENTRIES], s2m_used[ENTRIES]; /* tails behind each packet in flight */
static int pushes; /* descriptors go into the device, not into the rings */

static uint32_t ring_id(uint32_t count)
{
    return (count / ENTRIES + DMA_FIRST_RING_ID) & 3u;
}

/* The firmware owns the whole chip: its queue may read and write all of memory. */
static void windows_init(void)
{
    write32(MANAGER + DMA_MANAGER_WINDOW0_BASE_LO, 0);
    write32(MANAGER + DMA_MANAGER_WINDOW0_BASE_HI, 0);
    write32(MANAGER + DMA_MANAGER_WINDOW0_LIMIT_LO, DMA_MANAGER_WINDOW0_LIMIT_LO_ADDRESS_MASK);
    write32(MANAGER + DMA_MANAGER_WINDOW0_LIMIT_HI, DMA_MANAGER_WINDOW0_LIMIT_HI_ADDRESS_MASK);
    write32(MANAGER + DMA_MANAGER_WINDOW0_ACCESS,
            DMA_MANAGER_WINDOW0_ACCESS_READ_MASK | DMA_MANAGER_WINDOW0_ACCESS_WRITE_MASK);
}

static void ring_init(struct ring *ring, uintptr_t registers)
{
    memset(ring, 0, sizeof *ring);
    dma_sync_for_device(ring, sizeof *ring);
    ring->registers = registers;
    write32(registers + DMA_QUEUE_M2S_RING_BASE_LO, (uint32_t)(uintptr_t)ring->submission);
    write32(registers + DMA_QUEUE_M2S_RING_BASE_HI, (uint32_t)((uintptr_t)ring->submission >> 32));
    write32(registers + DMA_QUEUE_M2S_RING_LENGTH, ENTRIES);
    write32(registers + DMA_QUEUE_M2S_COMP_BASE_LO, (uint32_t)(uintptr_t)ring->completion);
    write32(registers + DMA_QUEUE_M2S_COMP_BASE_HI, (uint32_t)((uintptr_t)ring->completion >> 32));
}

static void init(int push)
{
    write32(QUEUE + DMA_QUEUE_M2S_CFG, 0);
    write32(QUEUE + DMA_QUEUE_S2M_CFG, 0);
    write32(QUEUE + DMA_QUEUE_SW_CTRL, DMA_QUEUE_SW_CTRL_RESET_MASK);
    while (read32(QUEUE + DMA_QUEUE_STATE) & DMA_QUEUE_STATE_RESETTING_MASK) {
    }
    packets = completed = 0;
    pushes = push;
    windows_init();
    ring_init(&m2s, QUEUE);
    ring_init(&s2m, QUEUE + (DMA_QUEUE_S2M_CFG - DMA_QUEUE_M2S_CFG));
    write32(QUEUE + DMA_QUEUE_PUSH, push ? DMA_QUEUE_PUSH_ENABLE_MASK : 0);
    /* An enabled queue locks its configuration, hence last. */
    write32(QUEUE + DMA_QUEUE_M2S_CFG, SUBMISSION_ENABLES);
    write32(QUEUE + DMA_QUEUE_S2M_CFG, SUBMISSION_ENABLES);
}

void dma_init(void)
{
    init(0);
}

void dma_init_push(void)
{
    init(1);
}

/* Descriptors of a ring that complete packets have given back. */
static uint32_t returned(const uint32_t *used)
{
    return completed ? used[(completed - 1) % ENTRIES] : 0;
}

/* Inlined, since buffers are put by the dozen: without META nothing is left of the rest. */
__attribute__((always_inline))
static inline void put(struct ring *ring, const uint32_t *used, uint32_t flags, uint32_t meta,
                       uint64_t address, uint32_t length)
{
    while (ring->tail - returned(used) == ENTRIES)
        dma_wait(completed);
    struct entry *entry = &ring->submission[ring->tail % ENTRIES];
    entry->word[0] = flags | (length & DMA_DESC_LENGTH_MASK)
                     | ring_id(ring->tail) << DMA_DESC_RING_ID_SHIFT;
    entry->word[1] = meta;
    entry->word[2] = (uint32_t)address;
    entry->word[3] = (uint32_t)(address >> 32) & DMA_DESC_ADDRESS_HIGH;
    if (flags & DMA_DESC_META_MASK && ring->first == ring->tail)
        ring->first++;
    ring->tail++;
}

static uint32_t element_log2(uint32_t element)
{
    return element == 4 ? 2u : element == 2 ? 1u : 0u;
}

static uint32_t transposition(uint32_t element)
{
    return DMA_OPERATION_TRANSPOSE << DMA_DESC_OPERATION_SHIFT
           | element_log2(element) << DMA_DESC_ELEMENT_SHIFT;
}

void dma_source(uint64_t address, uint32_t bytes)
{
    put(&m2s, m2s_used, 0, 0, address, bytes);
}

void dma_destination(uint64_t address, uint32_t bytes)
{
    put(&s2m, s2m_used, 0, 0, address, bytes);
}

void dma_source_dimension(uint32_t count, int64_t stride)
{
    put(&m2s, m2s_used, DMA_DESC_META_MASK, DMA_OPERATION_DIMENSION, (uint64_t)stride, count);
}

void dma_destination_dimension(uint32_t count, int64_t stride)
{
    put(&s2m, s2m_used, DMA_DESC_META_MASK, DMA_OPERATION_DIMENSION, (uint64_t)stride, count);
}

void dma_source_word(uint32_t word)
{
    put(&m2s, m2s_used, DMA_DESC_META_MASK, DMA_OPERATION_FILL << DMA_DESC_OPERATION_SHIFT, word,
        1);
}

/* The blocks of `down` times `across` that begin at an element of the matrix. */
static void blocks(const struct dma_matrix *matrix, uint32_t row, uint32_t column, uint32_t height,
                   uint32_t width, uint32_t down, uint32_t across)
{
    uint32_t element = matrix->element, meta = transposition(element);
    int64_t source = (int64_t)row * matrix->source_pitch + (int64_t)column * element;
    int64_t sink = (int64_t)column * matrix->destination_pitch + (int64_t)row * element;

    if (height == 0 || width == 0 || down == 0 || across == 0)
        return;
    put(&m2s, m2s_used, DMA_DESC_META_MASK, meta, (uint64_t)matrix->source_pitch, height);
    dma_source_dimension(across, (int64_t)width * element);
    dma_source_dimension(down, (int64_t)height * matrix->source_pitch);
    dma_source(matrix->source + (uint64_t)source, width * element);
    put(&s2m, s2m_used, DMA_DESC_META_MASK, meta, (uint64_t)matrix->destination_pitch, width);
    dma_destination_dimension(across, (int64_t)width * matrix->destination_pitch);
    dma_destination_dimension(down, (int64_t)height * element);
    dma_destination(matrix->destination + (uint64_t)sink, height * element);
}

int dma_transpose(const struct dma_matrix *matrix)
{
    uint32_t most = read32(DMA_BASE + DMA_GLOBAL_PAGE + DMA_GLOBAL_FEATURES)
                    & DMA_GLOBAL_FEATURES_TRANSPOSE_MASK;
    uint32_t side = most / matrix->element;
    if (side == 0)
        return -1;
    uint32_t down = matrix->rows / side, across = matrix->columns / side;
    uint32_t rows = matrix->rows % side, columns = matrix->columns % side;
    blocks(matrix, 0, 0, side, side, down, across);
    blocks(matrix, 0, across * side, side, columns, down, 1);
    blocks(matrix, down * side, 0, rows, side, 1, across);
    blocks(matrix, down * side, across * side, rows, columns, 1, 1);
    return 0;
}

/* Clean the new descriptors of a ring, which may wrap. */
static void clean(const struct ring *ring)
{
    uint32_t first = ring->announced % ENTRIES;
    uint32_t count = ring->tail - ring->announced;
    uint32_t straight = count < ENTRIES - first ? count : ENTRIES - first;
    dma_sync_for_device(&ring->submission[first], straight * sizeof(struct entry));
    if (straight < count)
        dma_sync_for_device(ring->submission, (count - straight) * sizeof(struct entry));
}

static void announce(struct ring *ring)
{
    write32(ring->registers + DMA_QUEUE_M2S_TAIL_INC, ring->tail - ring->announced);
    ring->announced = ring->first = ring->tail;
}

static void push_half(uintptr_t slot, const struct entry *entry, uint32_t flags)
{
    for (unsigned word = 0; word < 4; word++)
        write32(slot + 4 * word, entry->word[word] | (word ? 0 : flags));
}

/* Hand the packet over by slots: the descriptors of its halves side by side. Of the half that has
 * fewer META descriptors, one that repeats once fills the slot. */
static uint32_t push_packet(uint32_t flags)
{
    static const struct entry once = {{DMA_DESC_META_MASK | 1u, DMA_OPERATION_DIMENSION, 0, 0}};
    uintptr_t slot = DMA_BASE + DMA_PUSH_PAGE;
    uint32_t source = m2s.announced, sink = s2m.announced;

    while (source != m2s.tail || sink != s2m.tail) {
        const struct entry *from = &m2s.submission[source % ENTRIES];
        const struct entry *to = &s2m.submission[sink % ENTRIES];
        uint32_t from_meta = from->word[0] & DMA_DESC_META_MASK;
        uint32_t to_meta = to->word[0] & DMA_DESC_META_MASK;
        uint32_t first = source == m2s.first ? DMA_DESC_FIRST_MASK : 0;
        if (first && (flags & DMA_AFTER_ALL))
            first |= DMA_DESC_BARRIER_MASK;
        while (!(read32(QUEUE + DMA_QUEUE_PUSH_FREE) & DMA_QUEUE_PUSH_FREE_SLOTS_MASK)) {
        }
        if (from_meta || !to_meta) {
            source++;
            push_half(slot + DMA_SLOT_M2S, from,
                      first | (source == m2s.tail ? DMA_DESC_LAST_MASK : 0));
        } else {
            push_half(slot + DMA_SLOT_M2S, &once, 0);
        }
        if (to_meta || !from_meta) {
            sink++;
            push_half(slot + DMA_SLOT_S2M, to, sink == s2m.tail ? DMA_DESC_LAST_MASK : 0);
        } else {
            push_half(slot + DMA_SLOT_S2M, &once, 0);
        }
        write32(slot + DMA_SLOT_END, 0);
    }
    m2s.announced = m2s.first = m2s.tail;
    s2m.announced = s2m.first = s2m.tail;
    m2s_used[packets % ENTRIES] = m2s.tail;
    s2m_used[packets % ENTRIES] = s2m.tail;
    return packets++;
}

uint32_t dma_submit(uint32_t flags)
{
    if (pushes)
        return push_packet(flags);
    m2s.submission[m2s.first % ENTRIES].word[0] |= DMA_DESC_FIRST_MASK
        | (flags & DMA_AFTER_ALL ? DMA_DESC_BARRIER_MASK : 0);
    m2s.submission[(m2s.tail - 1) % ENTRIES].word[0] |= DMA_DESC_LAST_MASK;
    clean(&s2m);
    clean(&m2s);
    announce(&s2m);
    announce(&m2s);
    m2s_used[packets % ENTRIES] = m2s.tail;
    s2m_used[packets % ENTRIES] = s2m.tail;
    return packets++;
}

uint32_t dma_wait(uint32_t packet)
{
    while ((int32_t)(packet - completed) >= 0) {
        const struct entry *entry = &s2m.completion[completed % ENTRIES];
        uint32_t word;
        do {
            dma_sync_for_cpu(entry, sizeof *entry);
            word = *(const volatile uint32_t *)entry->word;
        } while (((word & DMA_COMP_RING_ID_MASK) >> DMA_COMP_RING_ID_SHIFT) != ring_id(completed));
        if (word & DMA_COMP_ERROR_MASK)
            return word & DMA_COMP_CAUSE_MASK;
        completed++;
    }
    return 0;
}
