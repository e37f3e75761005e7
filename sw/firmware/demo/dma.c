#include "dma.h"

#include <string.h>

#include "chip.h"
#include "dma_encoding.h"
#include "platform.h"

#define ENTRIES 64u
#define QUEUE (DMA_BASE + DMA_QUEUE_PAGE)
#define MANAGER (DMA_BASE + DMA_MANAGER_PAGE)
#define SUBMISSION_ENABLES (DMA_QUEUE_M2S_CFG_EN_PREFETCH_MASK | DMA_QUEUE_M2S_CFG_EN_SCHEDULING_MASK)

struct entry {
    uint32_t word[4];
};

struct ring {
    struct entry submission[ENTRIES];
    struct entry completion[ENTRIES];
    uint32_t tail;      /* descriptors written since the start */
    uint32_t announced; /* of these, those that the engine knows of */
    uintptr_t registers;
};

static struct ring m2s __attribute__((aligned(CACHE_LINE)));
static struct ring s2m __attribute__((aligned(CACHE_LINE)));
static uint32_t packets;   /* submitted */
static uint32_t completed; /* known to be complete, in order */
static uint32_t m2s_used[ENTRIES], s2m_used[ENTRIES]; /* tails behind each packet in flight */

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

void dma_init(void)
{
    write32(QUEUE + DMA_QUEUE_M2S_CFG, 0);
    write32(QUEUE + DMA_QUEUE_S2M_CFG, 0);
    write32(QUEUE + DMA_QUEUE_SW_CTRL, DMA_QUEUE_SW_CTRL_RESET_MASK);
    while (read32(QUEUE + DMA_QUEUE_STATE) & DMA_QUEUE_STATE_RESETTING_MASK) {
    }
    packets = completed = 0;
    windows_init();
    ring_init(&m2s, QUEUE);
    ring_init(&s2m, QUEUE + (DMA_QUEUE_S2M_CFG - DMA_QUEUE_M2S_CFG));
    /* An enabled queue locks its configuration, hence last. */
    write32(QUEUE + DMA_QUEUE_M2S_CFG, SUBMISSION_ENABLES);
    write32(QUEUE + DMA_QUEUE_S2M_CFG, SUBMISSION_ENABLES);
}

/* Descriptors of a ring that complete packets have given back. */
static uint32_t returned(const uint32_t *used)
{
    return completed ? used[(completed - 1) % ENTRIES] : 0;
}

static void put(struct ring *ring, const uint32_t *used, uint64_t address, uint32_t bytes)
{
    while (ring->tail - returned(used) == ENTRIES)
        dma_wait(completed);
    struct entry *entry = &ring->submission[ring->tail % ENTRIES];
    entry->word[0] = (bytes & DMA_DESC_LENGTH_MASK)
                     | ring_id(ring->tail) << DMA_DESC_RING_ID_SHIFT;
    entry->word[1] = 0;
    entry->word[2] = (uint32_t)address;
    entry->word[3] = (uint32_t)(address >> 32);
    ring->tail++;
}

void dma_source(uint64_t address, uint32_t bytes)
{
    put(&m2s, m2s_used, address, bytes);
}

void dma_destination(uint64_t address, uint32_t bytes)
{
    put(&s2m, s2m_used, address, bytes);
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
    ring->announced = ring->tail;
}

uint32_t dma_submit(uint32_t flags)
{
    m2s.submission[m2s.announced % ENTRIES].word[0] |= DMA_DESC_FIRST_MASK
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
